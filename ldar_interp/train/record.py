"""What a run leaves about itself: run.json, which begins it again, and provenance.json.

A run may go on elsewhere, with other versions, another schedule or another validation. So what
must stay the same stands at the top of provenance.json, and each call has its own versions and
the part of the config that it was free to choose.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ldar_interp.errors import InputError
from ldar_interp.model.checkpoint import locate_weights
from ldar_interp.provenance import hash_file, list_versions, write_provenance
from ldar_interp.train.config import PretrainConfig
from ldar_interp.train.data import Tiling
from ldar_interp.train.identity import FREE
from ldar_interp.train.packed_file import hash_fasta
from ldar_interp.train.state import cannot_write

RUN, PROVENANCE = "run.json", "provenance.json"
CHOSEN_BY_CALL = set(FREE) - {"model", "router"}


def make_record(
    out: Path,
    config: PretrainConfig,
    *,
    sequence: str,
    counts: Mapping[str, int],
    held_out: Tiling,
    call: Mapping[str, Any],
    resumed_from: int | None,
) -> dict[str, Any]:
    """The content of provenance.json; nothing is written.

    Parameters
    ----------
    sequence : `WindowSampler.digest` of what is trained on.
    counts : `WindowSampler.counts`.
    held_out : the validation windows.
    call : device, precision and so on of this call.
    resumed_from : step of the state; None for a fresh start. Calls that trained no step before it
        are left out, and weights to start from are those that the first call read.

    Raises
    ------
    InputError : the record of earlier calls, or a file that is named in the config, is not there
        or is not what it should be.
    """
    is_fresh, step = resumed_from is None, resumed_from or 0
    earlier = {} if is_fresh else _read_earlier(out / PROVENANCE)
    calls = [entry for entry in earlier.get("calls", []) if entry["first_step"] < step]
    this = {
        "first_step": step,
        "versions": list_versions(),
        "config": config.model_dump(mode="json", include=CHOSEN_BY_CALL),
        **call,
    }
    return {
        "config": config.model_dump(mode="json"),
        "sequence": sequence,
        "inputs": _describe_fasta(config),
        "init": _describe_init(config.init) if is_fresh else earlier.get("init"),
        "counts": {
            "train": dict(counts),
            "validation": {
                "windows": held_out.n_tiles,
                "windows used": len(held_out.windows),
                "windows left out for N": held_out.n_dropped,
            },
        },
        "calls": [*calls, this],
    }


def write_record(out: Path, config: PretrainConfig, record: Mapping[str, Any]) -> None:
    """Replace run.json and provenance.json. Raises InputError where they cannot be written."""
    try:
        partial = out / "run.partial"
        partial.write_text(config.model_dump_json(indent=1) + "\n")
        partial.replace(out / RUN)
        write_provenance(out / PROVENANCE, record)
    except OSError as error:
        raise cannot_write(out, error) from None


def _read_earlier(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for entry in found["calls"]:
            int(entry["first_step"])
    except (ValueError, LookupError, TypeError) as error:
        raise InputError(
            f"{path}: is not the record of a run ({error!r}); move it away and resume"
        ) from None
    return found


def _describe_fasta(config: PretrainConfig) -> list[dict[str, str]]:
    """Name and sha256 of each FASTA, once, in the order of the config."""
    paths = dict.fromkeys(source.fasta for source in (*config.train, *config.validation))
    return [{"file": path.name, "sha256": hash_fasta(path)} for path in paths]


def _describe_init(init: str | None) -> dict[str, str] | None:
    """Random weights of a preset are told by their name alone."""
    if init is None or init.startswith("random:"):
        return None if init is None else {"source": init}
    return {"source": init, "sha256": hash_file(locate_weights(init))}
