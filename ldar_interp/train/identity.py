"""What must stay the same when a run is resumed: shape, data, masking, objective, seed, batch.

Schedules may be extended in their stable phase and validation changed at will, so they are left
out; folders are too, since a run may move between machines.
"""

import json
from pathlib import Path
from typing import Any

from ldar_interp.train.config import PretrainConfig

# `model` and `router` stand for the shape that they make, which goes in.
FREE = (
    "optimizer", "validation", "validate_every", "validation_windows", "keep_weights_at", "init",
    "model", "router",
)  # fmt: skip


def run_identity(config: PretrainConfig, sequence: str) -> dict[str, Any]:
    """Plain JSON types, equal for two configs if and only if one can continue the other's run.

    `sequence` is the digest of what windows are cut from (`WindowSampler.digest`).
    """
    raw = config.model_dump()
    for name in FREE:
        del raw[name]
    raw["model"] = config.shape().to_dict()
    raw["batch_windows"] = config.optimizer.batch_windows
    raw["sequence"] = sequence
    # Through text, so that tuples and lists compare equal.
    plain: dict[str, Any] = json.loads(json.dumps(_without_folders(raw)))
    return plain


def first_difference(found: Any, wanted: Any, name: str = "") -> str | None:
    """Where two identities differ, as `seed is 1 there, 0 here`; None where they are equal."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        pairs = [(key, found.get(key), wanted.get(key)) for key in {**wanted, **found}]
    elif isinstance(found, list) and isinstance(wanted, list) and len(found) == len(wanted):
        pairs = [(str(i), a, b) for i, (a, b) in enumerate(zip(found, wanted, strict=True))]
    else:
        return None if found == wanted else f"{name} is {found!r} there, {wanted!r} here"
    for key, a, b in pairs:
        difference = first_difference(a, b, f"{name}.{key}" if name else key)
        if difference:
            return difference
    return None


def _without_folders(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_folders(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_folders(item) for item in value]
    return value.name if isinstance(value, Path) else value
