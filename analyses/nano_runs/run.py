"""Train what is missing of the grid, one run after another.

Example: python -m analyses.nano_runs.run --data DIR --runs runs/nano --max-minutes 60

Cut off at any moment, the same command goes on where it was.
"""

import fcntl
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from analyses.nano_runs.grid import FOLDER, Grid, read_grid
from ldar_interp.command_line import one_line_errors, run_program, say
from ldar_interp.errors import InputError

PROGRAM = "nano_runs"


def main(
    data: Annotated[Path, typer.Option(help="Folder of the FASTA files.")],
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs/nano"),
    config: Annotated[Path, typer.Option(help="The grid.")] = FOLDER / "config.toml",
    max_minutes: Annotated[
        float | None, typer.Option(help="Stop cleanly after this time in this call.", min=0)
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Train the runs that ratio_loss, compression, routing and training_dynamics read."""
    with one_line_errors(PROGRAM, debug=debug):
        grid = read_grid(config)
        deadline = math.inf if max_minutes is None else time.monotonic() + 60 * max_minutes
        with alone_in(runs):
            n_left = train_queue(grid, data=data, runs=runs, deadline=deadline)
        say(f"{PROGRAM}: {len(grid.queue()) - n_left} of {len(grid.queue())} runs are trained")


def train_queue(grid: Grid, *, data: Path, runs: Path, deadline: float) -> int:
    """Train runs in order until the deadline or a signal; how many are left."""
    import torch

    from analyses.nano_runs.training import is_finished, train_run
    from ldar_interp.model.allocator import keep_freed_memory

    torch.set_num_threads(1)
    keep_freed_memory()
    queue = grid.queue()
    for number, run in enumerate(queue):
        if is_finished(runs / run.name):
            continue
        say(f"{PROGRAM}: {run.name} ({number + 1} of {len(queue)})")
        if not train_run(grid, run, data=data, runs=runs, deadline=deadline, tell=say):
            break
    return sum(not is_finished(runs / run.name) for run in queue)


@contextmanager
def alone_in(runs: Path) -> Iterator[None]:
    """Keep a second process off the same runs.

    Raises
    ------
    InputError : another process is at work there.
    """
    runs.mkdir(parents=True, exist_ok=True)
    with (runs / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{runs}: another process trains there; wait for it or choose another --runs"
            ) from None
        yield


if __name__ == "__main__":
    run_program(main)
