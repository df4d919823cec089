"""The 27 downstream tasks: what is asked, how it is scored, how large the published splits are.

- `nt18`: the 18 tasks of the Nucleotide Transformer's original release. The revised release of 2024
  has other histone marks (human) and other splits; its numbers are not comparable with these.
- `gb9`: the nine sets of Genomic Benchmarks. The package `genomic-benchmarks` 1.0.0 offers exactly
  these nine for download, but its README lists eight, without `drosophila_enhancers_stark`, and
  many papers score those eight. Which nine the LDARNet paper means was not checked against it.

Numbers are in `registry.toml`. `Task.checked` says which of a task's numbers were compared with
data or a second source; the others are quoted from the publications. Readers compare the sizes
with what they read, so a wrong one is seen as soon as the published data are there.
"""

import difflib
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from ldar_interp.errors import InputError

SUITES = ("nt18", "gb9", "all")
_STRANDED = ("promoter", "splice", "coding")


@dataclass(frozen=True, slots=True)
class Task:
    """One task as published, or one of a user's own (`tasks/own.py`).

    Attributes
    ----------
    name : as in the release, `H3` or `human_nontata_promoters`; also the name of its folder.
    suite : `nt18`, `gb9` or `own`.
    group : `histone`, `promoter`, `enhancer`, `splice`, `regulatory`, `coding`, `species` or `own`.
    classes : names in the order of their labels 0..n-1.
    length_bp : shortest and longest published sequence; None for a task of one's own.
    metric : headline metric, `mcc` (nt18) or `accuracy` (gb9).
    n_train, n_test : rows of the published splits; None for a task of one's own.
    source : citation and URL, or the file that defines it.
    where : how to get the data, for messages.
    is_stranded : whether the label is one of the given strand: promoters lie in front of their
        start and splice sites in the direction of their gene, so the reverse complement is another
        case.
    checked : which of `n_train`, `n_test`, `length_bp` were compared with data or a second source.
    definition : the file that defines a task of one's own.
    """

    name: str
    suite: str
    group: str
    classes: tuple[str, ...]
    length_bp: tuple[int, int] | None
    metric: str
    n_train: int | None
    n_test: int | None
    source: str
    where: str
    is_stranded: bool
    checked: tuple[str, ...] = ()
    definition: Path | None = None


@cache
def _read_registry() -> dict[str, Task]:
    text = resources.files("ldar_interp.tasks").joinpath("registry.toml").read_text("utf-8")
    parsed = tomllib.loads(text)
    tasks = {}
    for name, row in parsed["tasks"].items():
        suite = parsed["suites"][row["suite"]]
        first, last = row["length_bp"]
        tasks[name] = Task(
            name=name,
            suite=row["suite"],
            group=row["group"],
            classes=tuple(row["classes"]),
            length_bp=(first, last),
            metric=suite["metric"],
            n_train=row["n_train"],
            n_test=row["n_test"],
            source=suite["source"],
            where=suite["where"].format(name=name),
            is_stranded=row["group"] in _STRANDED,
            checked=tuple(row["checked"]),
        )
    return tasks


def is_registered(name: str) -> bool:
    """Whether one of the 27 tasks is called so."""
    return name in _read_registry()


def find_task(name: str) -> Task:
    """The task of that name.

    Raises
    ------
    InputError : there is none; the message names those that are spelled alike.
    """
    tasks = _read_registry()
    if name in tasks:
        return tasks[name]
    by_lower = {known.lower(): known for known in tasks}
    close = [
        by_lower[match]
        for match in difflib.get_close_matches(name.lower(), by_lower, n=3, cutoff=0.5)
    ]
    hint = f"{', '.join(close)}?" if close else f"one of {', '.join(tasks)}"
    raise InputError(f"no task is called {name!r}; wanted {hint}")


def tasks_of(suite: str) -> tuple[Task, ...]:
    """The tasks of `nt18`, `gb9` or `all`, in the order of the registry.

    Raises
    ------
    InputError : another suite.
    """
    if suite not in SUITES:
        raise InputError(f"suite is {suite!r}; wanted one of {', '.join(SUITES)}")
    return tuple(task for task in _read_registry().values() if suite in ("all", task.suite))
