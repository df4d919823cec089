"""Tasks of one's own: labelled sequences under a name that the registry does not have.

`task.toml` beside their files says what the registry says of its own tasks:

    classes = ["background", "enhancer"]   # in the order of the labels 0, 1, ...
    stranded = false                       # true: the label is one of the given strand alone
"""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from ldar_interp.errors import InputError
from ldar_interp.tasks.hub import is_hub_address
from ldar_interp.tasks.registry import Task, find_task, is_registered
from ldar_interp.toml_files import read_toml

DEFINITION = "task.toml"
OWN = "own"
# A name becomes that of a folder, here and in a run's results.
_NAME = re.compile(r"\w[\w.-]*")
_WANTED = 'wanted classes = ["name of label 0", "name of label 1", ...] and perhaps stranded = true'


class _Definition(BaseModel):
    """What `task.toml` holds."""

    model_config = ConfigDict(extra="forbid")

    classes: list[StrictStr] = Field(min_length=2)
    stranded: StrictBool = False


def open_task(name: str, folder: str | Path) -> Task:
    """The task of the registry, or the one whose `task.toml` is in its folder.

    Parameters
    ----------
    name : of the registry, or of a folder.
    folder : the task's folder, one file in it, a folder of task folders, or `hf://owner/name`,
        where only tasks of the registry are looked for.

    Raises
    ------
    InputError : neither has the name, both do, or `task.toml` cannot be read.
    """
    if is_hub_address(folder):
        return find_task(name)
    path = _find_definition(name, Path(folder).expanduser())
    if path is None:
        return _find_registered(name, folder)
    if is_registered(name):
        raise InputError(
            f"{path}: {name} is a task of the registry, whose classes are known; wanted a folder "
            f"of another name for a task of your own, or no {DEFINITION}"
        )
    found = _read_definition(path)
    return Task(
        name=name,
        suite=OWN,
        group=OWN,
        classes=tuple(found.classes),
        length_bp=None,
        metric="mcc",
        n_train=None,
        n_test=None,
        source=str(path),
        where=f"put its train and test files, or one file, beside {path}",
        is_stranded=found.stranded,
        definition=path,
    )


def _find_definition(name: str, place: Path) -> Path | None:
    if not _NAME.fullmatch(name):
        return None
    own = place.parent if place.is_file() else place
    candidates = [place / name / DEFINITION]
    if own.absolute().name == name:
        candidates.append(own / DEFINITION)
    return next((path for path in candidates if path.is_file()), None)


def _find_registered(name: str, folder: str | Path) -> Task:
    try:
        return find_task(name)
    except InputError as error:
        raise InputError(
            f"{error}; for a task of your own, {Path(folder) / name / DEFINITION} with its classes"
        ) from None


def _read_definition(path: Path) -> _Definition:
    try:
        found = _Definition.model_validate(read_toml(path, _WANTED))
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {name}: {first['msg']}; {_WANTED}") from None
    names = [one.strip() for one in found.classes]
    if not all(names) or len(set(names)) < len(names):
        raise InputError(f"{path}: classes {found.classes} are not all different names; {_WANTED}")
    numbers = {str(i) for i in range(len(names))}
    if any(one in numbers and one != str(i) for i, one in enumerate(names)):
        raise InputError(
            f"{path}: classes {found.classes} are numbers of other labels; wanted label i's name"
        )
    return found.model_copy(update={"classes": names})
