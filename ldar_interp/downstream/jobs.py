"""The jobs of a run, spread over processes: what each does is in `methods.py`.

A job is one fold of a method that takes minutes, or all folds of one that takes seconds. Every
job reads the task and cuts the folds anew, which costs less than sending them; the numbers do not
depend on how many processes there are.
"""

import shutil
import sys
from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tqdm import tqdm

from ldar_interp.boundaries.workers import one_thread, prepare_process, worker_pool
from ldar_interp.downstream.examples import RunExamples, open_examples
from ldar_interp.downstream.methods import FoldLearner, works_by_fold
from ldar_interp.downstream.settings import PROGRAM, FinetuneSettings
from ldar_interp.downstream.store import FoldResult, fold_path, read_fold, write_fold
from ldar_interp.tasks.registry import Task
from ldar_interp.tasks.splits import make_folds
from ldar_interp.tune.protocol import Protocol


@dataclass(frozen=True, slots=True)
class TaskPlan:
    """A task, where its examples are, its protocol, and the digest of each of its methods."""

    task: Task
    folder: str
    protocol: Protocol
    identities: dict[str, str]


@dataclass(frozen=True, slots=True)
class Job:
    """Some folds of one method on one task."""

    plan: TaskPlan
    method: str
    folds: tuple[int, ...]


def list_jobs(settings: FinetuneSettings, plans: list[TaskPlan]) -> list[Job]:
    """What is left to do, long jobs first.

    Raises
    ------
    InputError : a fold on disk is damaged or of a run with other settings.
    """
    jobs = []
    for plan in plans:
        for method in plan.identities:
            left = tuple(
                fold
                for fold in range(plan.protocol.n_folds)
                if _read(settings, plan, method, fold) is None
            )
            parts = [(fold,) for fold in left] if works_by_fold(method) else [left] if left else []
            jobs += [Job(plan, method, part) for part in parts]
    return sorted(jobs, key=lambda job: not works_by_fold(job.method))


def do_jobs(settings: FinetuneSettings, jobs: list[Job], *, cache: Path, workers: int) -> None:
    """All jobs, in this process or in others, with a progress bar; folds are on disk afterwards."""
    bar = tqdm(
        _finish(settings, jobs, cache, workers), total=len(jobs), desc=PROGRAM, unit="job",
        file=sys.stderr, delay=2.0,
    )  # fmt: skip
    for _ in bar:
        pass


def read_folds(settings: FinetuneSettings, plan: TaskPlan, method: str) -> list[FoldResult]:
    """All folds of a method, each of which is finished."""
    found = [_read(settings, plan, method, fold) for fold in range(plan.protocol.n_folds)]
    return [result for result in found if result is not None]


def _read(settings: FinetuneSettings, plan: TaskPlan, method: str, fold: int) -> FoldResult | None:
    path = fold_path(settings.out, plan.task.name, method, fold)
    return read_fold(path, plan.identities[method])


def _finish(
    settings: FinetuneSettings, jobs: list[Job], cache: Path, workers: int
) -> Iterator[None]:
    # A GPU is not shared; its jobs come one after another.
    n_processes = min(workers, len(jobs)) if settings.device == "cpu" else 1
    if n_processes <= 1:
        for job in jobs:
            with one_thread(settings.device):
                do_job(settings, job, cache)
            yield
        return
    with worker_pool(n_processes, prepare_process) as pool:
        for future in as_completed([pool.submit(do_job, settings, job, cache) for job in jobs]):
            future.result()
            yield


def do_job(settings: FinetuneSettings, job: Job, cache: Path) -> None:
    """Learn and predict the folds of a job; each is on disk as soon as it is done."""
    plan, examples = job.plan, _open(settings, job.plan)
    folds = make_folds(examples.pool, plan.protocol.n_folds, settings.seed)
    learner = FoldLearner(settings, plan.protocol, job.method, examples, cache)
    for fold in job.folds:
        path = fold_path(settings.out, plan.task.name, job.method, fold)
        state = path.with_suffix("")
        result = learner.learn(folds[fold], fold, state)
        write_fold(path, result, plan.identities[job.method])
        # Not before: a fold that cannot be written goes on from its state.
        shutil.rmtree(state, ignore_errors=True)


def _open(settings: FinetuneSettings, plan: TaskPlan) -> RunExamples:
    return _open_once(settings, plan.task, plan.folder)


@lru_cache(maxsize=1)
def _open_once(settings: FinetuneSettings, task: Task, folder: str) -> RunExamples:
    return open_examples(settings, task, folder)
