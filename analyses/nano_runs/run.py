"""Train what is missing of the grid, one run after another, and measure what is trained.

Example: python -m analyses.nano_runs.run --data DIR --runs runs/nano --max-minutes 60

Cut off at any moment, the same command goes on where it was. The tables beside this file hold
whatever runs are measured; `--no-train` measures only, also while another process trains.
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
    train: Annotated[bool, typer.Option(help="Train what is missing.")] = True,
    again: Annotated[
        bool, typer.Option("--again", help="Measure also what was measured before.")
    ] = False,
    tables: Annotated[Path, typer.Option(help="Folder of the tables.")] = FOLDER / "tables",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Train the runs that ratio_loss, compression, routing and training_dynamics read."""
    with one_line_errors(PROGRAM, debug=debug):
        grid = read_grid(config)
        deadline = math.inf if max_minutes is None else time.monotonic() + 60 * max_minutes
        if train:
            with alone_in(runs):
                n_left = train_queue(grid, data=data, runs=runs, deadline=deadline)
            say(f"{PROGRAM}: {len(grid.queue()) - n_left} of {len(grid.queue())} runs are trained")
        n_measured = measure(grid, data=data, runs=runs, tables=tables, again=again)
        say(f"{PROGRAM}: {n_measured} runs in {tables}")


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


def measure(grid: Grid, *, data: Path, runs: Path, tables: Path, again: bool) -> int:
    """Evaluate finished runs and write the tables of all; how many there are.

    Raises
    ------
    InputError : no run is finished.
    """
    import torch

    from analyses.nano_runs.evaluation import evaluate_run, is_evaluated, read_windows
    from analyses.nano_runs.grid import training_config
    from analyses.nano_runs.splice_effects import open_pairs
    from analyses.nano_runs.tables import collect_tables, describe_tables, write_tables
    from analyses.nano_runs.training import is_finished
    from ldar_interp.provenance import write_provenance

    torch.set_num_threads(1)
    finished = [run for run in grid.queue() if is_finished(runs / run.name)]
    if not finished:
        raise InputError(f"{runs}: holds no finished run; wanted at least one to measure")
    waiting = [run for run in finished if again or not is_evaluated(runs / run.name)]
    if waiting:
        windows = read_windows(grid, data)
        mask_rate = training_config(grid, waiting[0], data).objective.mask_rate
        with open_pairs(grid.evaluation.splice) as pairs:
            for run in waiting:
                say(f"{PROGRAM}: measuring {run.name}")
                out = runs / run.name
                evaluate_run(grid, run, out, windows, pairs, mask_rate=mask_rate)
    write_tables(collect_tables(grid, runs), tables)
    sources = training_config(grid, finished[0], data).validation
    write_provenance(tables / "provenance.json", describe_tables(grid, runs, sources))
    return len(finished)


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
