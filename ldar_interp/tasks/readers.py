"""Read a task's examples from whatever a user has; the layout is told by what is in the folder.

1. `hf://owner/name`: the hub's files, then as below.
2. Class folders of the package `genomic-benchmarks` (`class_folders.py`).
3. Collected data, by their file names (`collected.py`).
4. Train and test files, or one file (`split_files.py`).

The folder is the task's own, or one that holds the task's folder by its name.
"""

from pathlib import Path

from ldar_interp.errors import InputError
from ldar_interp.tasks.class_folders import has_class_folders, read_class_folders
from ldar_interp.tasks.collected import HOMES, read_collected
from ldar_interp.tasks.examples import RawTask, TaskData, build_task
from ldar_interp.tasks.hub import fetch_task, is_hub_address
from ldar_interp.tasks.own import DEFINITION
from ldar_interp.tasks.registry import Task, tasks_of
from ldar_interp.tasks.split_files import read_split_files


def read_task(task: Task, folder: str | Path) -> TaskData:
    """Read, check and complete a task's examples.

    The time is that of reading and of comparing test with training rows: a second or two for a few
    thousand rows of 500 bp.

    Parameters
    ----------
    folder : the task's folder, a folder of task folders, one file, or `hf://owner/name`.

    Raises
    ------
    InputError : there is no such folder, it has no data of the task (the message says where to get
        them), it is another task's, or what it holds is broken.
    """
    if is_hub_address(folder):
        place = fetch_task(task, folder)
    else:
        place = Path(folder).expanduser()
    if not place.exists():
        raise InputError(f"{place} does not exist; wanted data of {task.name}: {task.where}")
    for candidate in _list_candidates(task, place):
        raw = _read_layout(task, candidate)
        if raw is not None:
            return build_task(task, raw)
    raise InputError(f"{place} has no data of {task.name}; to get them, {task.where}")


def has_folder(task: Task, folder: str | Path) -> bool:
    """Whether a folder of task folders has one for this task; for the hub always True.

    What lies in it is `read_task`'s to judge: a broken one is an error there, and not absent here.
    Another task's folder counts where it holds collected rows of this one.
    """
    if is_hub_address(folder):
        return True
    place = Path(folder).expanduser()
    if (place / task.name).is_dir():
        return True
    home = place / HOMES.get(task.name, task.name)
    return home.is_dir() and read_collected(task, home) is not None


def _list_candidates(task: Task, place: Path) -> list[Path]:
    """Where to look, best first."""
    if place.is_file():
        return [place]
    if task.definition is not None:
        return [task.definition.parent]
    home = HOMES.get(task.name, task.name)
    inside = [place / name for name in dict.fromkeys((task.name, home, "data"))]
    found = [path for path in inside if path.is_dir()]
    others = {other.name for other in tasks_of("all")} - {task.name}
    if place.name == home or place.name not in others:
        found.append(place)
    elif not found:
        raise InputError(f"{place} is the folder of {place.name}; wanted that of {task.name}")
    for path in found:
        if (path / DEFINITION).is_file():
            raise InputError(
                f"{path / DEFINITION} makes the folder a task of your own; wanted that of "
                f"{task.name}"
            )
    return found


def _read_layout(task: Task, place: Path) -> RawTask | None:
    if place.is_dir() and has_class_folders(place, task.classes):
        return read_class_folders(task, place)
    raw = read_collected(task, place)
    if raw is not None:
        return raw
    # Another task's folder is read for its collected rows only.
    is_foreign = place.is_dir() and place.name != task.name and place.name == HOMES.get(task.name)
    return None if is_foreign else read_split_files(task, place)
