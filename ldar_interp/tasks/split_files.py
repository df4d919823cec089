"""Examples in files that anybody may bring: one file for each part, or one file for all.

    H3/train.fna  H3/test.fna                           the Nucleotide Transformer's release
    H3/train-00000-of-00001.parquet  ...                the same as parquet, shards allowed
    mine/train.csv  mine/validation.csv  mine/test.csv  `val`, `valid` and `dev` mean validation
    mine/all.tsv                                        with a column `split`, or split by hash

A file with a column `task` is cut to the task's rows. Files of the release's own kinds (`.fna` and
parquet) may claim the published test by its size alone; other files only if both sizes agree.
"""

from pathlib import Path

import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.tasks.examples import OTHER, PARTS, PUBLISHED, RawTask, split_by_hash
from ldar_interp.tasks.registry import Task
from ldar_interp.tasks.tables import PARQUET, find_kind, find_stem, read_table

_PART_NAMES = {"train": "train", "test": "test"} | dict.fromkeys(
    ("validation", "val", "valid", "dev"), "validation"
)


def find_split_files(folder: Path) -> dict[str, list[Path]]:
    """Readable files by part, by their name or their folder's; `all` for every other name."""
    if folder.is_file():
        return {_PART_NAMES.get(find_stem(folder).lower(), "all"): [folder]}
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and find_kind(path):
            found.setdefault(_PART_NAMES.get(find_stem(path).lower(), "all"), []).append(path)
        elif path.is_dir() and path.name.lower() in _PART_NAMES:
            inside = [one for one in sorted(path.iterdir()) if one.is_file() and find_kind(one)]
            if inside:
                found.setdefault(_PART_NAMES[path.name.lower()], []).extend(inside)
    return found


def read_split_files(task: Task, folder: Path) -> RawTask | None:
    """Read a folder or a single file; None if it holds nothing to read.

    Raises
    ------
    InputError : several files of which none is called train or test, a file that cannot be read, or
        a `split` that is not known.
    """
    found = find_split_files(folder)
    named = {part: paths for part, paths in found.items() if part in PARTS}
    base = folder.parent if folder.is_file() else folder
    if named:
        frames = {part: _read(task, paths, base) for part, paths in named.items()}
        files = tuple(path for paths in named.values() for path in paths)
    elif not found:
        return None
    elif len(found["all"]) > 1:
        names = ", ".join(path.name for path in found["all"])
        raise InputError(
            f"{folder} holds {names[:120]}; wanted train and test files, or one file: give its path"
        )
    else:
        files = tuple(found["all"])
        frames = {"all": _read(task, found["all"], base)}
        if "split" in frames["all"]:
            frames = _cut(frames["all"], files[0])
    if not {"train", "test"} <= set(frames):
        whole = pd.concat(frames.values(), ignore_index=True)
        missing = [part for part in ("train", "test") if part not in frames]
        what = " and ".join(missing)
        note = f"No {what} rows in the files: all rows were split by hash, 70/10/20 %."
        return RawTask(split_by_hash(whole), "files", files, OTHER, (note,))
    n_training = sum(len(frames[part]) for part in PARTS[:2] if part in frames)
    is_whole = n_training == task.n_train and len(frames["test"]) == task.n_test
    is_release = all(find_kind(path) in (".fna", PARQUET) for path in files)
    claim = PUBLISHED if is_whole or is_release else OTHER
    notes: tuple[str, ...] = ()
    if claim == OTHER and len(frames["test"]) == task.n_test:
        notes = (
            "As many test rows as published, which alone does not show that they are the same.",
        )
    return RawTask(frames, "files", files, claim, notes)


def _read(task: Task, paths: list[Path], base: Path) -> pd.DataFrame:
    frame = pd.concat([read_table(path, base) for path in paths], ignore_index=True)
    if "task" in frame:
        frame = frame[frame["task"] == task.name].reset_index(drop=True)
    return frame


def _cut(frame: pd.DataFrame, path: Path) -> dict[str, pd.DataFrame]:
    parts = frame["split"].str.strip().str.lower().map(_PART_NAMES)
    if parts.isna().any():
        odd = frame["split"][parts.isna()].iloc[0]
        raise InputError(f"{path}: split {odd!r}; wanted train, validation or test")
    return {str(part): rows.reset_index(drop=True) for part, rows in frame.groupby(parts)}
