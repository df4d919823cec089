"""The steps of a run, in order: tasks, folds, tables, figure."""

from pathlib import Path
from typing import Any

import pandas as pd

from ldar_interp.command_line import say
from ldar_interp.downstream.examples import RunExamples, find_tasks, open_examples
from ldar_interp.downstream.files import check_folder, lock_folder, write_result
from ldar_interp.downstream.jobs import TaskPlan, do_jobs, list_jobs, read_folds
from ldar_interp.downstream.methods import (
    describe_computing,
    embed_examples,
    identify_weights,
    is_trunk,
    list_methods,
)
from ldar_interp.downstream.settings import PROGRAM, FinetuneSettings
from ldar_interp.downstream.store import digest
from ldar_interp.downstream.summary import summarise_differences, summarise_methods
from ldar_interp.errors import InputError
from ldar_interp.provenance import hash_input
from ldar_interp.tasks.readers import has_folder
from ldar_interp.tasks.registry import Task
from ldar_interp.tune.cnn_floor import RECIPE
from ldar_interp.tune.protocol import Protocol, find_protocol

OVERRIDES = {"n_folds": "folds", "epochs": "epochs", "lr": "lr", "batch_size": "batch_size"}


def run_tasks(
    settings: FinetuneSettings, *, workers: int, cache: Path | None, resume: bool, force: bool
) -> None:
    """Everything that is left of a run, then its tables.

    Raises
    ------
    InputError, CheckpointError, DeviceError : by the steps, for wrong input.
    """
    with lock_folder(settings.out):
        check_folder(settings.out, probe=settings.probe, resume=resume, force=force)
        states = cache or settings.out / "embeddings"
        opened, plans = _open_tasks(settings)
        jobs = list_jobs(settings, plans)
        if settings.probe:
            wanted = {(job.plan.task.name, job.method) for job in jobs}
            _embed_first(settings, plans, opened, wanted, states, workers)
        do_jobs(settings, jobs, cache=states, workers=workers)
        results: list[pd.DataFrame] = []
        differences: list[pd.DataFrame] = []
        for plan in plans:
            folds = {method: read_folds(settings, plan, method) for method in plan.identities}
            name, examples = plan.task.name, opened[plan.task.name]
            splits = examples.list_splits(check_leaks=plan.protocol.check_leaks)
            for tables, summarise in (
                (results, summarise_methods),
                (differences, summarise_differences),
            ):
                tables.append(
                    summarise(
                        name, examples, folds, splits=splits, n_boot=settings.n_boot,
                        seed=settings.seed,
                    )
                )  # fmt: skip
        write_result(
            settings,
            opened,
            {plan.task.name: plan.protocol for plan in plans},
            pd.concat(results, ignore_index=True),
            pd.concat(differences, ignore_index=True),
        )


def _open_tasks(
    settings: FinetuneSettings,
) -> tuple[dict[str, RunExamples], list[TaskPlan]]:
    """Read every task before the first is learned, so that wrong input is told at once.

    Of a suite, tasks without examples are named and left out.
    """
    assert settings.data is not None, "settings without data are refused"
    tasks = find_tasks(settings)
    if settings.suite is not None:
        absent = [task for task in tasks if not has_folder(task, settings.data)]
        tasks = tuple(task for task in tasks if task not in absent)
        if not tasks:
            raise InputError(
                f"{settings.data}: has no folder of any task of {settings.suite}; wanted one named "
                "as the task"
            )
        if absent:
            say(
                f"{PROGRAM}: left out, because {settings.data} has no folder of theirs: "
                f"{', '.join(task.name for task in absent)}. {absent[0].where}"
            )
    opened: dict[str, RunExamples] = {}
    plans: list[TaskPlan] = []
    for task in tasks:
        protocol = choose_protocol(settings, task)
        examples = open_examples(settings, task, settings.data)
        for other in opened.values():
            _check_apart(examples, other)
        files = [hash_input(path) for path in examples.data.inputs]
        opened[task.name] = examples
        identities = {
            method: digest(_identify(settings, protocol, task.name, files, method))
            for method in list_methods(settings)
        }
        plans.append(TaskPlan(task, settings.data, protocol, identities))
        _tell(examples)
    return opened, plans


def _check_apart(examples: RunExamples, other: RunExamples) -> None:
    """Refuse rows of one file under the names of two tasks."""
    if examples.test["row_id"].equals(other.test["row_id"]) and (
        examples.data.files == other.data.files
    ):
        raise InputError(
            f"{examples.data.files[0]}: the same rows would be read as {other.data.task.name} and "
            f"{examples.data.task.name}; wanted a folder for each task, or a column `task`"
        )


def choose_protocol(settings: FinetuneSettings, task: Task) -> Protocol:
    """The preset with what was set otherwise; a task of the given strand is read on that strand."""
    given = {name: getattr(settings, option) for name, option in OVERRIDES.items()}
    preset = find_protocol(settings.protocol)
    changes = {name: value for name, value in given.items() if value is not None}
    if task.is_stranded:
        changes |= {"rc_augment": False, "rc_average": False}
    return preset.override(changes)


def _identify(
    settings: FinetuneSettings, protocol: Protocol, task: str, files: list[str], method: str
) -> dict[str, Any]:
    """Everything that a fold's predictions depend on, but for the machine; `files` by hash.

    What is `auto` counts as what it is here: a run that goes on with another kind of device is
    another run.
    """
    content: dict[str, Any] = {
        "task": task,
        "files": files,
        "n_folds": protocol.n_folds,
        "seed": settings.seed,
        "max_train": settings.max_train,
        "max_test": settings.max_test,
        "method": method,
    }
    if is_trunk(method):
        content |= {
            "weights": identify_weights(settings, method),
            "head": settings.head,
            "computing": describe_computing(settings)._asdict(),
            "protocol": protocol.model_dump(mode="json", exclude={"n_boot"}),
        }
    elif method == "cnn":
        content |= {"both_strands": protocol.rc_average, "recipe": RECIPE}
    return content


def _embed_first(
    settings: FinetuneSettings,
    plans: list[TaskPlan],
    opened: dict[str, RunExamples],
    wanted: set[tuple[str, str]],
    cache: Path,
    workers: int,
) -> None:
    """Frozen states of all jobs that need them, on all cores, before the jobs read them."""
    for plan in plans:
        for method in plan.identities:
            if method.startswith("probe") and (plan.task.name, method) in wanted:
                embed_examples(
                    settings, plan.protocol, method, opened[plan.task.name], cache, workers=workers,
                    progress=f"{PROGRAM}: {plan.task.name}, {method}",
                )  # fmt: skip


def _tell(examples: RunExamples) -> None:
    task = examples.data.task
    say(
        f"{PROGRAM}: {task.name}: {len(examples.pool):,} training and {len(examples.test):,} test "
        f"rows, {len(task.classes)} classes; split: {examples.data.split}"
    )
    for note in examples.notes:
        say(f"{PROGRAM}: {task.name}: {note}")
