"""The folder of a run: one call at a time, and no results lost to a fresh start.

Files of a run have fixed names, temporary ones too, so two calls in one folder would write into
each other's. The first process of a call holds a lock on `DIR/.lock` for as long as the call
lasts. The system lets go of it however the process ends, so there is never one to clear away; the
empty file stays.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ldar_interp.errors import InputError
from ldar_interp.train.parallel import Team, write_first
from ldar_interp.train.state import PREVIOUS, STATE, cannot_write

logger = logging.getLogger("ldar_interp")

LOCK = ".lock"
WEIGHTS = "model.safetensors"
# What a fresh start would overwrite, states first: with one of those a run can be resumed.
RESULTS = (f"state/{STATE}", f"state/{PREVIOUS}", WEIGHTS, "run.json", "log.csv")


@contextmanager
def claim_folder(
    out: Path, team: Team, *, resume: bool, tell: Callable[[str], None]
) -> Iterator[None]:
    """Make the folder, keep other calls out of it, and refuse a start that would lose results.

    Raises
    ------
    InputError : the folder cannot be made, another call is training in it, or it holds what
        `check_start` refuses.
    """
    held: list[IO[str]] = []

    def claim() -> None:
        try:
            out.mkdir(parents=True, exist_ok=True)
            held.append((out / LOCK).open("a"))
        except OSError as error:
            raise cannot_write(out, error) from None
        lock_file(held[0], out)
        check_start(out, resume=resume, tell=tell)

    try:
        write_first(team, claim)
        yield
    finally:
        for handle in held:
            handle.close()


def check_start(out: Path, *, resume: bool, tell: Callable[[str], None]) -> None:
    """Compare what a folder holds with what is asked for.

    Without `resume` it must hold no results. With it, and without any state, it must hold no
    weights: those belong to a run whose state is gone, and step 0 would write over them.

    Raises
    ------
    InputError : names what was found.
    """
    found = [name for name in RESULTS if (out / name).exists()]
    has_state = any(name.startswith("state/") for name in found)
    if WEIGHTS in found and not has_state:
        raise InputError(
            f"{out / WEIGHTS}: weights of a run whose state is gone, which cannot be resumed and "
            "would be overwritten; choose another --out (with --init these weights start a new "
            "run) or move the folder away"
        )
    if found and not resume:
        raise InputError(
            f"{out / found[0]}: this folder holds a run; add --resume to continue it or choose "
            "another --out"
        )
    if resume and not has_state:
        tell("no state yet: starts at step 0")


def lock_file(handle: IO[str], out: Path) -> None:
    """Take the lock, or say who has it. Where nothing can be locked, do without.

    Raises
    ------
    InputError : another call holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(
            f"{out}: another call is training in this folder; wait for it or stop it"
        ) from None
    except OSError as error:
        logger.warning(
            "%s: the file system cannot lock (%s); let one call at a time train here",
            out, error.strerror,
        )  # fmt: skip
