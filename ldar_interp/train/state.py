"""Training state on disk: written under a temporary name, flushed, then renamed."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ldar_interp.errors import InputError
from ldar_interp.model.ldarnet import LDARNet


@dataclass
class Progress:
    """How far a run is: finished steps, bases seen, seconds of training."""

    step: int = 0
    bases: int = 0
    seconds: float = 0.0


def save_state(
    path: Path, model: LDARNet, optimizer: torch.optim.Optimizer, progress: Progress, digest: str
) -> None:
    """Replace the state file as a whole, or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    content = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "progress": vars(progress),
        "digest": digest,
    }
    with partial.open("wb") as handle:
        torch.save(content, handle)
        handle.flush()
        os.fsync(handle.fileno())
    partial.replace(path)


def load_state(
    path: Path, model: LDARNet, optimizer: torch.optim.Optimizer, digest: str
) -> Progress:
    """Continue from a state file.

    `digest` identifies what must not change within a run: shape, data, masking, seed.

    Raises
    ------
    InputError : no such file, a damaged one, or one of another run.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; wanted the state of a run to resume")
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        if content["digest"] != digest:
            raise InputError(
                f"{path}: belongs to a run with another model, data, masking or seed; resume with "
                "the config that it was started with, or choose another --out"
            )
        model.load_state_dict(content["model"])
        optimizer.load_state_dict(content["optimizer"])
        return Progress(**content["progress"])
    except (
        RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError,
        pickle.UnpicklingError,
    ) as error:  # fmt: skip
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{path}: is damaged ({reason[:120]}); remove it and start again, or restore it"
        ) from None
