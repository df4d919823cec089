"""Processes that work side by side: one thread each in every library, and how they are ended."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import active_children, get_context
from pathlib import Path

import pytest
import scipy.linalg  # noqa: F401  loads SciPy's BLAS
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from ldar_interp.boundaries.workers import one_thread, prepare_process, worker_pool


def count_threads() -> list[int]:
    """Threads of torch and of each library with a pool (BLAS of NumPy and of SciPy, OpenMP)."""
    return [torch.get_num_threads(), *(found["num_threads"] for found in threadpool_info())]


def test_a_prepared_process_has_one_thread_in_every_library():
    with ProcessPoolExecutor(1, get_context("spawn"), initializer=prepare_process) as pool:
        found = pool.submit(count_threads).result()
    assert len(found) >= 3
    assert set(found) == {1}


def test_one_thread_on_a_cpu_and_afterwards_as_before():
    threads = torch.get_num_threads()
    with threadpool_limits(2):
        torch.set_num_threads(2)
        before = count_threads()
        with one_thread("cpu"):
            inside = count_threads()
        after = count_threads()
        with one_thread("cuda"):
            beside_a_gpu = count_threads()
    torch.set_num_threads(threads)
    assert max(before) == 2
    assert set(inside) == {1}
    assert after == before == beside_a_gpu


INTERRUPTED = """
import time
from concurrent.futures import as_completed
from pathlib import Path
import polars  # puts its own handler of Ctrl-C in place
from ldar_interp.boundaries.workers import worker_pool

def work(path):
    import polars
    Path(path).touch()
    time.sleep(120)

if __name__ == "__main__":
    with worker_pool(2, print) as pool:
        for future in as_completed([pool.submit(work, name) for name in ("a", "b", "c")]):
            future.result()
"""


def test_ctrl_c_ends_a_pool_and_its_jobs_at_once(tmp_path):
    (tmp_path / "program.py").write_text(INTERRUPTED)
    # A session of its own, to which a terminal would send the signal as a whole.
    process = subprocess.Popen(
        [sys.executable, "program.py"], cwd=tmp_path, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 100
        while not ((tmp_path / "a").exists() and (tmp_path / "b").exists()):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        # Half the time that a job would take: what is said ends when the last worker has.
        _, said = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGINT
    # One traceback, the program's own: workers die silently, and no further job was begun.
    assert said.count("Traceback") == 1 and said.rstrip().endswith("KeyboardInterrupt")
    assert not (tmp_path / "c").exists()


def touch_later(path: str, seconds: float) -> None:
    time.sleep(seconds)
    Path(path).touch()


def test_an_error_ends_what_runs_and_begins_nothing_more(tmp_path):
    with pytest.raises(ZeroDivisionError), worker_pool(2, str) as pool:
        jobs = [pool.submit(touch_later, str(tmp_path / f"{k}"), 0.5 * k) for k in range(1, 9)]
        jobs[0].result()
        raise ZeroDivisionError
    # Job 2 is half done or begun; 3 to 8 would take ten seconds more.
    assert (tmp_path / "1").exists()
    assert not {"3", "4", "5", "6", "7", "8"} & {path.name for path in tmp_path.iterdir()}


def test_workers_are_deaf_to_ctrl_c_from_their_first_moment():
    before = active_children()
    with worker_pool(1, str) as pool:
        # Python itself is still being loaded in it.
        (worker,) = [process for process in active_children() if process not in before]
        os.kill(worker.pid, signal.SIGINT)
        assert pool.submit(os.getpid).result() == worker.pid
        job = pool.submit(time.sleep, 0.5)
        os.kill(worker.pid, signal.SIGINT)
        job.result()
        assert pool.submit(os.getpid).result() == worker.pid
    # This process hears it.
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
