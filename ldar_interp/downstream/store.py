"""What each fold predicted, on disk: written as a whole, and the reason why a run can go on.

DIR/folds/<task>/<method>/fold_00.npz     predictions on the test rows and on the fold's own
DIR/folds/<task>/<method>/fold_00.csv     epochs of a fine-tuning
DIR/folds/<task>/<method>/fold_00/        its state while it runs

Each file holds the digest of everything that its numbers depend on. A file of another digest is
an error, never overwritten and never taken for one's own.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError

FOLDS = "folds"


@dataclass(frozen=True, slots=True, eq=False)
class FoldResult:
    """One fold of one method on one task.

    `prob` (n_test, n_classes) in the order of the test rows, float32 on disk; `validation_rows`
    (n_validation,) int64, rows of the training pool that chose epoch or penalty, with their
    `validation_prob`; `n_train` rows were learned from; `chosen` is what validation chose.
    """

    prob: NDArray[np.floating[Any]]
    validation_rows: NDArray[np.int64]
    validation_prob: NDArray[np.floating[Any]]
    n_train: int
    chosen: dict[str, float]


def digest(identity: Mapping[str, Any]) -> str:
    """sha256 of plain JSON content, the same whatever the order of its keys."""
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()


def fold_path(out: Path, task: str, method: str, fold: int) -> Path:
    """Where a fold's predictions lie."""
    return out / FOLDS / task / method / f"fold_{fold:02d}.npz"


def write_fold(path: Path, result: FoldResult, identity: str) -> None:
    """Put the file in place as a whole.

    Raises
    ------
    InputError : it cannot be written.
    """
    partial = path.with_name(f".{path.name}.partial")
    meta = {"identity": identity, "n_train": result.n_train, "chosen": result.chosen}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as handle:
            np.savez_compressed(
                handle,
                prob=result.prob.astype(np.float32),
                validation_rows=result.validation_rows.astype(np.int64),
                validation_prob=result.validation_prob.astype(np.float32),
                meta=np.array(json.dumps(meta, sort_keys=True)),
            )
        partial.replace(path)
    except OSError as error:
        with suppress(OSError):
            partial.unlink()
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); make room or choose another --out, "
            "then add --resume"
        ) from None


def read_fold(path: Path, identity: str) -> FoldResult | None:
    """The fold if it is finished, None if not.

    Raises
    ------
    InputError : the file is damaged, or of a run with other settings.
    """
    if not path.exists():
        return None
    try:
        # Opened here, because np.load leaves a damaged file open.
        with path.open("rb") as handle, np.load(handle) as content:
            meta = json.loads(str(content["meta"]))
            result = FoldResult(
                content["prob"],
                content["validation_rows"],
                content["validation_prob"],
                int(meta["n_train"]),
                dict(meta["chosen"]),
            )
            found = str(meta["identity"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: is damaged ({error}); remove this file and add --resume to make it again"
        ) from None
    if found != identity:
        raise InputError(
            f"{path}: belongs to a run with other settings, data or weights; choose another --out, "
            "or give --force instead of --resume to replace the whole run"
        )
    return result
