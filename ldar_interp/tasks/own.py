"""Tasks of one's own: labelled sequences under a name that the registry does not have.

`task.toml` beside their files says what the registry says of its own tasks:

    classes = ["background", "enhancer"]   # in the order of the labels 0, 1, ...
    stranded = false                       # true: the label is one of the given strand alone
"""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictStr, ValidationError

from ldar_interp.errors import InputError
from ldar_interp.tasks.examples import spell_numbers
from ldar_interp.tasks.hub import is_hub_address
from ldar_interp.tasks.registry import Task, find_task, is_registered
from ldar_interp.toml_files import read_toml

DEFINITION = "task.toml"
OWN = "own"
# A name becomes that of a folder, here and in a run's results.
_NAME = re.compile(r"\w[\w.-]{0,99}")
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
    place = Path(folder).expanduser()
    path = _place_definition(name, place)
    if not path.is_file():
        return _find_registered(name, place, path)
    if not _NAME.fullmatch(name):
        raise InputError(
            f"task {name[:100]!r}; wanted a name of at most 100 letters, digits, '_', '.' and '-'"
        )
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


def _place_definition(name: str, place: Path) -> Path:
    """Where a task of one's own would be defined: in the folder of its name, or beside its file."""
    if place.is_file():
        return place.parent / DEFINITION
    # Also resolved, because the name of "." is nothing.
    is_own = name in (place.name, place.resolve().name)
    if is_own or not _NAME.fullmatch(name):
        return place / DEFINITION
    return place / name / DEFINITION


def _find_registered(name: str, place: Path, path: Path) -> Task:
    try:
        return find_task(name)
    except InputError as error:
        if not place.exists():
            raise InputError(f"{place} does not exist; wanted the folder of {name!r}") from None
        raise InputError(f"{path}: not there, and {error}") from None


def _read_definition(path: Path) -> _Definition:
    try:
        found = _Definition.model_validate(read_toml(path, _WANTED))
    except ValidationError as error:
        # A word that is not known may be the one that is missing, misspelled.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        name = ".".join(map(str, first["loc"]))
        raise InputError(f"{path}: {name}: {first['msg']}; {_WANTED}") from None
    names = [one.strip() for one in found.classes]
    if not all(names) or len(set(names)) < len(names):
        raise InputError(f"{path}: classes {found.classes} are not all different names; {_WANTED}")
    numbers = spell_numbers(len(names))
    if any(numbers.get(one, i) != i for i, one in enumerate(names)):
        raise InputError(
            f"{path}: classes {found.classes} are numbers of other labels; wanted label i's name"
        )
    return found.model_copy(update={"classes": names})
