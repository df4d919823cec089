"""What the benchmark programs share: a clock, the matrix rate's size, peak memory, output."""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path

MATRIX = 1536
"""Side of the square matrices whose product gives a machine's fp32 rate."""


def time_once(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one call by `clock`; `time.thread_time` leaves out what other processes take."""
    start = clock()
    work()
    return clock() - start


def peak_mb() -> float:
    """Largest resident memory of this process so far.

    Not getrusage's, whose maximum starts at what the parent process held when it forked.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def show(title: str, values: Mapping[str, float]) -> None:
    """Print one part of a result."""
    print(title)
    for name, value in values.items():
        print(f"  {name:28s} {value:.4g}", flush=True)


def write_results(results: object, out: Path | None) -> None:
    """Write JSON if asked to."""
    if out is not None:
        out.write_text(json.dumps(results, indent=1) + "\n")
