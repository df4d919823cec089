"""Processes that work side by side have one thread each, in every library."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import scipy.linalg  # noqa: F401  loads SciPy's BLAS
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from ldar_interp.boundaries.workers import one_thread, prepare_process


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
