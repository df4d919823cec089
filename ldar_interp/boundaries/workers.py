"""One model, many jobs: in this process, or spread over processes with one thread each.

Results come in the order of the jobs, and a job is never split, so the numbers do not depend on
how many processes there are.
"""

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import active_children, get_context
from threading import current_thread, main_thread
from typing import Any, TypeVar

import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ldar_interp.model.allocator import keep_freed_memory
from ldar_interp.model.ldarnet import LDARNet

_PROGRESS_SECONDS = 2.0

Job = TypeVar("Job")
Result = TypeVar("Result")


def run_jobs(
    model: LDARNet,
    work: Callable[[LDARNet, Job], Result],
    jobs: Iterable[Job],
    *,
    n_jobs: int,
    workers: int,
    progress: str | None = None,
    unit: str = "batch",
) -> Iterator[Result]:
    """`work(model, job)` for each job, in order, read as they are needed.

    Parameters
    ----------
    work : a function of a module or a `functools.partial` of one, so that it can be sent to
        another process; so must be jobs and results.
    n_jobs : how many jobs there are.
    workers : processes on a CPU, never more than jobs; on another device there is this one only.
    progress : label of a progress bar on stderr; None for none.
    unit : what a job is called beside the bar.
    """
    device = next(model.parameters()).device.type
    results = _run(model, work, jobs, min(workers, n_jobs) if device == "cpu" else 1, device)
    return iter(
        tqdm(
            results,
            total=n_jobs,
            desc=progress,
            unit=unit,
            delay=_PROGRESS_SECONDS,
            disable=progress is None,
            file=sys.stderr,
        )
    )


def _run(
    model: LDARNet,
    work: Callable[[LDARNet, Job], Result],
    jobs: Iterable[Job],
    workers: int,
    device: str,
) -> Iterator[Result]:
    if workers <= 1:
        with one_thread(device):
            for job in jobs:
                yield work(model, job)
        return
    with worker_pool(workers, _start_worker, model, work) as pool:
        # `map` would read all jobs at once; this holds a few a worker.
        pending: list[Future[Any]] = []
        for job in jobs:
            pending.append(pool.submit(_work, job))
            if len(pending) >= 4 * workers:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()


@contextmanager
def worker_pool(n: int, prepare: Callable[..., None], *given: Any) -> Iterator[ProcessPoolExecutor]:
    """`n` processes that each begin with `prepare(*given)`.

    An error or Ctrl-C within it ends them where they are.
    """
    before = active_children()
    # Spawned, not forked: a fork of a process whose OpenMP threads ran may hang.
    with ProcessPoolExecutor(n, get_context("spawn"), initializer=prepare, initargs=given) as pool:
        went_well = False
        try:
            _start(pool, n)
            yield pool
            went_well = True
        finally:
            if not went_well:
                for process in active_children():
                    if process not in before:
                        process.terminate()


def _start(pool: ProcessPoolExecutor, n: int) -> None:
    """Start the processes, deaf to Ctrl-C, which a terminal sends to all of a program at once.

    A worker would take it for an error of the job in hand and begin the next. What is blocked here
    stays so in a process that is started here.
    """
    _hear_interrupts()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        for _ in range(n):
            pool.submit(int)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _hear_interrupts() -> None:
    """Put Python's own handler of Ctrl-C back in place.

    polars puts another one below it when it is imported (2.1.0 was seen to), with which a
    process that waits for a lock hears nothing until the wait is over.
    """
    handler = signal.getsignal(signal.SIGINT)
    if current_thread() is main_thread() and handler is not None:
        signal.signal(signal.SIGINT, handler)


_worker: tuple[LDARNet, Callable[[LDARNet, Any], Any]] | None = None


def prepare_process() -> None:
    """What a process that works beside others does first: one thread, memory kept."""
    torch.set_num_threads(1)
    _limit_libraries()
    keep_freed_memory()


def _limit_libraries() -> threadpool_limits:
    """One thread in the libraries of NumPy and SciPy too, until the result restores what was.

    Two processes whose BLAS starts two threads each on two cores wait for one another: 5-mer
    regressions of task H3 took 106 s so and 22 s with one thread each.
    """
    import scipy.linalg  # noqa: F401  SciPy's BLAS is not NumPy's, and is limited once it is loaded

    return threadpool_limits(limits=1)


def _start_worker(model: LDARNet, work: Callable[[LDARNet, Any], Any]) -> None:
    global _worker
    prepare_process()
    _worker = (model, work)


def _work(job: Any) -> Any:
    assert _worker is not None
    model, work = _worker
    return work(model, job)


@contextmanager
def one_thread(device: str) -> Iterator[None]:
    """One thread on a CPU: faster for small models, and the same sums everywhere."""
    if device != "cpu":
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    libraries = _limit_libraries()
    try:
        yield
    finally:
        libraries.restore_original_limits()
        torch.set_num_threads(before)
