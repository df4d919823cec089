"""Genomic Benchmarks as its package writes them: `train/<class>/<id>.txt`, one sequence a file.

Class folders are sorted, so that labels do not depend on the file system. (The package's own
PyTorch data set numbers the classes in the order in which the file system lists them.)
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.tasks.examples import PUBLISHED, RawTask
from ldar_interp.tasks.registry import Task


def has_class_folders(folder: Path, classes: Sequence[str]) -> bool:
    """Whether `train` and `test` hold folders.

    Raises
    ------
    InputError : only one of them does, and its folders are the classes.
    """
    inside = {
        part: {path.name for path in (folder / part).iterdir() if path.is_dir()}
        for part in ("train", "test")
        if (folder / part).is_dir()
    }
    found = [part for part, names in inside.items() if names]
    if len(found) == 1 and inside[found[0]] == set(classes):
        missing = folder / ("test" if found == ["train"] else "train")
        raise InputError(
            f"{missing} has no folders of classes, and {found[0]} beside it has; wanted both"
        )
    return len(found) == 2


def read_class_folders(task: Task, folder: Path) -> RawTask:
    """Read `train` and `test` of one task.

    Raises
    ------
    InputError : the folders are not the task's classes, or a file cannot be read.
    """
    parts, files = {}, []
    for part in ("train", "test"):
        found = sorted(path.name for path in (folder / part).iterdir() if path.is_dir())
        if found != sorted(task.classes):
            raise InputError(
                f"{folder / part} has the folders {', '.join(found)}; wanted those of {task.name}: "
                f"{', '.join(sorted(task.classes))}"
            )
        rows = []
        for name in task.classes:
            paths = sorted(
                (folder / part / name).glob("*.txt"), key=lambda path: (len(path.name), path.name)
            )
            files.append(folder / part / name)
            rows += [(f"{part}/{name}/{path.name}", _read(path), name) for path in paths]
        parts[part] = pd.DataFrame(rows, columns=["row_id", "sequence", "label"])
    return RawTask(parts, "genomic-benchmarks folders", tuple(files), PUBLISHED)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not text"
        raise InputError(f"{path}: cannot be read ({reason}); wanted one DNA sequence") from None
