"""The examples of a task as a run uses them: one pool to learn from, one fixed test set.

Training and validation rows that a reader gives are one pool, which folds are cut from; the test
set is the same in every fold. Both can be cut down to fewer rows, drawn with the seed.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.downstream.settings import FinetuneSettings
from ldar_interp.errors import InputError
from ldar_interp.tasks.examples import TaskData
from ldar_interp.tasks.own import open_task
from ldar_interp.tasks.readers import read_task
from ldar_interp.tasks.registry import Task, tasks_of
from ldar_interp.tune.examples import Examples

ALL, CLEAN = "test", "test_clean"


@dataclass(frozen=True, slots=True, eq=False)
class RunExamples:
    """`pool` and `test` are frames of docs/contracts.md, `data` is what was read."""

    data: TaskData
    pool: pd.DataFrame
    test: pd.DataFrame
    notes: tuple[str, ...]

    def test_rows(self, split: str) -> NDArray[np.int64]:
        """Rows of the test set, all or those without a copy in the training data."""
        if split == ALL:
            return np.arange(len(self.test))
        return np.flatnonzero(self.test["leak"].to_numpy() == "none")

    def list_splits(self, *, check_leaks: bool) -> tuple[str, ...]:
        """`test`; with leaks asked for and found also `test_clean`, unless that is of one class or
        one group."""
        if not check_leaks:
            return (ALL,)
        clean = self.test_rows(CLEAN)
        has_clean = len(clean) < len(self.test) and all(
            self.test[name].iloc[clean].nunique() > 1 for name in ("label", "group")
        )
        return (ALL, CLEAN) if has_clean else (ALL,)


def find_tasks(settings: FinetuneSettings) -> tuple[Task, ...]:
    """The tasks that a run asks for, those of a suite in the registry's order.

    Raises
    ------
    InputError : no task is called so, in the registry or by a `task.toml` in the data.
    """
    assert settings.data is not None, "settings without data are refused"
    names = settings.task
    if settings.suite is not None:
        names = tuple(task.name for task in tasks_of(settings.suite))
    return tuple(open_task(name, settings.data) for name in names)


def open_examples(settings: FinetuneSettings, task: Task, folder: str) -> RunExamples:
    """Read a task and cut it down to `max_train` and `max_test` rows.

    Raises
    ------
    InputError : by `read_task`, or a test set of a single class or group.
    """
    data = read_task(task, folder)
    everything, notes = data.pool_training(), list(data.notes)
    pool, test = (
        draw_rows(everything, settings.max_train, settings.seed),
        draw_rows(data.test, settings.max_test, settings.seed),
    )
    for name, drawn, whole in (
        ("training", pool, len(everything)),
        ("test", test, len(data.test)),
    ):
        if len(drawn) < whole:
            notes.append(
                f"{len(drawn):,} of {whole:,} {name} rows, drawn with seed {settings.seed}"
            )
    for name, frame in (("training", pool), ("test", test)):
        if frame["label"].nunique() < 2:
            raise InputError(
                f"{task.name}: the {len(frame):,} {name} rows are all of one class; wanted at "
                "least two: give more rows"
            )
    if test["group"].nunique() < 2:
        raise InputError(
            f"{task.name}: the {len(test):,} test rows are all of one group; wanted at least two, "
            "because groups are what intervals are drawn from"
        )
    return RunExamples(data, pool, test, tuple(notes))


def draw_rows(frame: pd.DataFrame, n_rows: int | None, seed: int) -> pd.DataFrame:
    """`n_rows` rows at random, in the frame's order; all where there are no more."""
    if n_rows is None or len(frame) <= n_rows:
        return frame.reset_index(drop=True)
    rows = np.random.default_rng(seed).choice(len(frame), n_rows, replace=False)
    return frame.iloc[np.sort(rows)].reset_index(drop=True)


def take(frame: pd.DataFrame, rows: NDArray[np.int64] | None = None) -> Examples:
    """Sequences and labels of some rows, or of all."""
    chosen = frame if rows is None else frame.iloc[rows]
    return Examples(
        chosen["sequence"].tolist(), chosen["label"].to_numpy(dtype=np.int64, copy=True)
    )
