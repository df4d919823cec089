"""Training state on disk: cut off at any moment, it is the old one or the new one, as a whole.

A state is written under a temporary name, flushed to the disk and renamed; the folder is flushed
too. The generation before it stays as `previous.pt`. What a state holds is independent of the
number of processes: full weights, full moments, how far the run is, and what run it is. There is
no random state to keep: windows and masks are functions of (seed, step), and the model draws
nothing.
"""

import errno
import os
import pickle
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ldar_interp.errors import InputError
from ldar_interp.model.checkpoint import save_model
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.train.identity import first_difference

STATE, PREVIOUS = "state.pt", "previous.pt"
# A full disk, a user's share of it, a file larger than is allowed; Windows knows no EDQUOT.
NO_ROOM = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))
UNREADABLE = (
    RuntimeError, EOFError, LookupError, TypeError, ValueError, AttributeError, OSError,
    pickle.UnpicklingError,
)  # fmt: skip


@dataclass
class Progress:
    """How far a run is: finished steps, bases seen, seconds of training."""

    step: int = 0
    bases: int = 0
    seconds: float = 0.0


def write_state(folder: Path, content: dict[str, Any]) -> None:
    """Replace `state.pt` as a whole, or not at all; what it was becomes `previous.pt`.

    Raises
    ------
    InputError : it cannot be written (a full disk, for one); the old state is as it was.
    """
    path, partial = folder / STATE, folder / "state.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as handle:
            torch.save(content, handle)
            handle.flush()
            os.fsync(handle.fileno())
        if path.exists():
            _keep_previous(path)
        partial.replace(path)
        flush_folder(folder)
    except (OSError, RuntimeError) as error:
        partial.unlink(missing_ok=True)
        # torch's writer reports a failed write as a RuntimeError on top of it.
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        raise cannot_write(path, cause) from None


def cannot_write(path: Path, error: OSError) -> InputError:
    """The one line for a full disk, or for a folder that cannot be written for another reason."""
    if error.errno in NO_ROOM:
        advice = "make room or choose another --out, then add --resume to go on from the last state"
    else:
        advice = "choose another --out"
    return InputError(f"{path}: cannot be written ({error.strerror}); {advice}")


def write_weights(model: LDARNet, out: Path) -> None:
    """`model.safetensors` and `config.json`. Raises InputError where they cannot be written."""
    from safetensors import SafetensorError

    try:
        save_model(model, out)
    except OSError as error:
        raise cannot_write(out, error) from None
    except SafetensorError as error:
        raise InputError(
            f"{out}: the weights cannot be written ({error}); make room, then add --resume"
        ) from None
    finally:
        for partial in out.glob(".*.partial"):
            partial.unlink()


def read_state(folder: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    """What `write_state` wrote; None where the folder holds no state at all.

    Raises
    ------
    InputError : a damaged or missing state (the message says what `previous.pt` holds), or one
        of another run.
    """
    path = folder / STATE
    if not path.exists():
        if (folder / PREVIOUS).exists():
            raise InputError(f"{path}: no such file; {advise(folder)}")
        return None
    with damage_is_an_error(folder):
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        difference = first_difference(content["run"], identity)
        if difference is None:
            content["progress"] = Progress(**content["progress"])
            return content
    raise InputError(
        f"{path}: belongs to another run ({difference}); resume with the config that it was "
        "started with, or choose another --out"
    )


@contextmanager
def damage_is_an_error(folder: Path) -> Iterator[None]:
    """Turn what torch raises on a damaged state into one line."""
    try:
        yield
    except torch.OutOfMemoryError:
        # A RuntimeError that says nothing about the file.
        raise
    except UNREADABLE as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(
            f"{folder / STATE}: is damaged ({reason[:120]}); {advise(folder)}"
        ) from None


def advise(folder: Path) -> str:
    """How to go on without `state.pt`."""
    previous = folder / PREVIOUS
    try:
        step = torch.load(previous, map_location="cpu", weights_only=True)["progress"]["step"]
    except UNREADABLE:
        return "there is no readable previous.pt beside it: remove the folder and start again"
    return (
        f"{previous} holds step {step}: rename it to {STATE} and add --resume to go on from there"
    )


def flush_folder(folder: Path) -> None:
    """Make renames in a folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_previous(path: Path) -> None:
    """A second name for the current state, so that `state.pt` itself is never missing."""
    spare = path.with_name("previous.partial")
    spare.unlink(missing_ok=True)
    try:
        os.link(path, spare)
    except OSError:
        # A file system without hard links.
        shutil.copyfile(path, spare)
    spare.replace(path.with_name(PREVIOUS))
