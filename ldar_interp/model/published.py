"""Names in a published checkpoint, and copying its weights into our modules, strictly.

Names are translated part by part: `stage.inner.backbone.layers.0...` is published as
`backbone.main_network.main_network.layers.0...`. A published BiMamba-2 layer is two modules, `fwd`
and `bwd`: what they share is one parameter of ours, the rest is stacked by direction.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ldar_interp.errors import CheckpointError
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.ldarnet import LDARNet

_RENAMED = {
    "embedding": "embeddings",
    "head": "lm_head",
    "stage": "backbone",
    "inner": "main_network",
    "backbone": "main_network",
    "router": "routing_module",
    "q_proj": "q_proj_layer",
    "k_proj": "k_proj_layer",
}
_STACKED = {
    "conv_weight": "conv1d.weight",
    "conv_bias": "conv1d.bias",
    "A_log": "A_log",
    "D": "D",
    "dt_bias": "dt_bias",
    "norm_weight": "norm.weight",
}
_DIRECTIONS = ("fwd", "bwd")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a published tensor belongs.

    `parameter` is our name; `direction` the row of a parameter that is stacked by direction, else
    None. `shape` is the published shape. `same_as` is set on a second copy of shared weights: the
    published key that it must equal. Such a copy is compared and not used.
    """

    parameter: str
    shape: tuple[int, ...]
    direction: int | None = None
    same_as: str | None = None


def published_keys(model: LDARNet) -> dict[str, Destination]:
    """Every key that a published state_dict of this model has, and where its tensor belongs."""
    mixers = {name for name, module in model.named_modules() if isinstance(module, BiMamba2)}
    keys: dict[str, Destination] = {}
    for name, value in model.state_dict().items():
        owner, _, leaf = name.partition(".mixer.")
        prefix = ".".join(_RENAMED.get(part, part) for part in owner.split("."))
        shape = tuple(value.shape)
        if f"{owner}.mixer" not in mixers:
            key = f"{prefix}.mixer.{leaf}" if leaf else prefix
            tied = model.config.tie_embeddings and name == "head.weight"
            keys[key] = Destination(name, shape, same_as="embeddings.weight" if tied else None)
        elif leaf in _STACKED:
            shape = shape[1:]
            if leaf == "conv_weight":
                # A depthwise Conv1d has one input channel a filter.
                shape = (shape[0], 1, shape[1])
            for row, side in enumerate(_DIRECTIONS):
                keys[f"{prefix}.mixer.{side}.{_STACKED[leaf]}"] = Destination(name, shape, row)
        else:
            forward, backward = (f"{prefix}.mixer.{side}.{leaf}" for side in _DIRECTIONS)
            keys[forward] = Destination(name, shape)
            keys[backward] = Destination(name, shape, same_as=forward)
    return keys


def load_published_state(model: LDARNet, state: Mapping[str, Tensor], *, source: str) -> None:
    """Copy a published state_dict into a model, strictly. `source` is named in errors.

    Raises
    ------
    CheckpointError : missing, extra or wrongly shaped keys, values that are not finite, or
        weights that the architecture shares and that differ. The model is then unchanged.
    """
    keys = published_keys(model)
    shapes = {key: to.shape for key, to in keys.items()}
    check_state(state, shapes, source=source, of=f"layout {model.config.arch_layout}")
    for key, to in keys.items():
        if to.same_as is not None and not torch.equal(state[key], state[to.same_as]):
            raise CheckpointError(
                f"{source}: {key} differs from {to.same_as}, and the architecture shares them; "
                "the file is not an LDARNet checkpoint of this layout: use another one"
            )
    ours = model.state_dict()
    with torch.no_grad():
        for key, to in keys.items():
            if to.same_as is None:
                target = ours[to.parameter]
                target = target if to.direction is None else target[to.direction]
                target.copy_(state[key].reshape(target.shape))


def check_state(
    state: Mapping[str, Tensor], shapes: Mapping[str, tuple[int, ...]], *, source: str, of: str
) -> None:
    """Check that a state has exactly these keys and shapes, and finite values.

    `source` and `of` (what the shapes belong to) are named in the CheckpointError.
    """
    missing = [key for key in shapes if key not in state]
    extra = [key for key in state if key not in shapes]
    if missing or extra:
        found = "; ".join(filter(None, (_list("missing", missing), _list("unexpected", extra))))
        raise CheckpointError(
            f"{source}: {found}; wanted the keys of {of}: "
            "use the file and config that belong together"
        )
    for key, wanted in shapes.items():
        if tuple(state[key].shape) != wanted:
            raise CheckpointError(
                f"{source}: {key} has shape {tuple(state[key].shape)}, wanted {wanted}; "
                "use the file and config that belong together"
            )
        if not bool(torch.isfinite(state[key]).all()):
            raise CheckpointError(
                f"{source}: {key} holds values that are not finite; "
                "the file is damaged or training diverged: use another one"
            )


def _list(what: str, keys: Iterable[str]) -> str:
    """`2 missing keys (a, b)`; empty if there are none. Long lists are cut."""
    keys = list(keys)
    if not keys:
        return ""
    shown = ", ".join(keys[:3]) + (", ..." if len(keys) > 3 else "")
    return f"{len(keys)} {what} key{'s' if len(keys) > 1 else ''} ({shown})"
