"""One model, many jobs: in this process, or spread over processes with one thread each.

Results come in the order of the jobs, and a job is never split, so the numbers do not depend on
how many processes there are.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

import torch

from ldar_interp.model.allocator import keep_freed_memory
from ldar_interp.model.ldarnet import LDARNet

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_jobs(
    model: LDARNet,
    work: Callable[[LDARNet, Job], Result],
    jobs: Iterable[Job],
    *,
    workers: int,
) -> Iterator[Result]:
    """`work(model, job)` for each job, in order, read as they are needed.

    Parameters
    ----------
    work : a function of a module or a `functools.partial` of one, so that it can be sent to
        another process; so must be jobs and results.
    workers : processes; 1 is this one. More are for a CPU only.
    """
    if workers <= 1:
        with one_thread(model):
            for job in jobs:
                yield work(model, job)
        return
    # Spawned, not forked: a fork of a process whose OpenMP threads ran may hang.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_start_worker, initargs=(model, work)
    ) as pool:
        # `map` would read all jobs at once; this holds a few a worker.
        pending: list[Future[Any]] = []
        for job in jobs:
            pending.append(pool.submit(_work, job))
            if len(pending) >= 4 * workers:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()


_worker: tuple[LDARNet, Callable[[LDARNet, Any], Any]] | None = None


def _start_worker(model: LDARNet, work: Callable[[LDARNet, Any], Any]) -> None:
    global _worker
    torch.set_num_threads(1)
    keep_freed_memory()
    _worker = (model, work)


def _work(job: Any) -> Any:
    assert _worker is not None
    model, work = _worker
    return work(model, job)


@contextmanager
def one_thread(model: LDARNet) -> Iterator[None]:
    """One torch thread on a CPU: faster for small models, and the same sums everywhere."""
    before = torch.get_num_threads()
    if next(model.parameters()).device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
