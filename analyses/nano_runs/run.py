"""Train what is missing of the grid, one run after another, and measure what is trained.

Example: python -m analyses.nano_runs.run --data DIR --runs runs/nano --max-minutes 60

Cut off at any moment, the same command goes on where it was; given twice at once, the two share
the queue. The tables beside this file hold whatever runs are measured, also those whose weights
are not at hand any more; `--no-train` measures only, also while another process trains.
"""

import fcntl
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from analyses.nano_runs.grid import FOLDER, Grid, NanoRun, read_grid
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
    only: Annotated[
        str | None, typer.Option(help="Settings to train, by comma; all of them by default.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(help="Seeds to train, by comma; all of them by default.")
    ] = None,
    train: Annotated[bool, typer.Option(help="Train what is missing.")] = True,
    again: Annotated[
        bool, typer.Option("--again", help="Measure also what was measured before.")
    ] = False,
    tables: Annotated[Path, typer.Option(help="Folder of the tables.")] = FOLDER / "tables",
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Train the runs that five analyses read, and measure them."""
    with one_line_errors(PROGRAM, debug=debug):
        grid = read_grid(config)
        deadline = math.inf if max_minutes is None else time.monotonic() + 60 * max_minutes
        if train:
            queue = choose_runs(grid, only, seeds)
            n_left = train_queue(grid, queue, data=data, runs=runs, deadline=deadline)
            say(f"{PROGRAM}: {len(queue) - n_left} of {len(queue)} runs are trained")
        n_measured = measure(grid, data=data, runs=runs, tables=tables, again=again)
        say(f"{PROGRAM}: {n_measured} runs in {tables}")


def choose_runs(grid: Grid, only: str | None, seeds: str | None) -> list[NanoRun]:
    """The runs of some settings and seeds, in the order of the queue.

    Raises
    ------
    InputError : a setting or a seed that the grid does not have.
    """
    names = {setting.name for setting in grid.settings()}
    if only is not None:
        names = {grid.setting(name.strip()).name for name in only.split(",")}
    known = {str(run.seed): run.seed for run in grid.queue()}
    chosen = [one.strip() for one in (",".join(known) if seeds is None else seeds).split(",")]
    for one in chosen:
        if one not in known:
            raise InputError(f"--seeds {one}: not in the grid; wanted some of {', '.join(known)}")
    return [run for run in grid.queue() if run.setting.name in names and str(run.seed) in chosen]


def train_queue(
    grid: Grid, queue: list[NanoRun], *, data: Path, runs: Path, deadline: float
) -> int:
    """Train runs in order until the deadline or a signal; how many are left.

    A run that another process trains is left to it, and one whose FLOPs depend on a run that is
    not finished waits: the next call takes it.
    """
    from analyses.nano_runs.training import is_finished, train_run
    from ldar_interp.boundaries.workers import prepare_process

    prepare_process()
    for number, run in enumerate(queue):
        label = f"{PROGRAM}: {run.name} ({number + 1} of {len(queue)})"
        match = run.setting.match
        with alone_in(runs / run.name) as is_alone:
            if not is_alone:
                say(f"{label} is trained by another process")
            elif is_finished(runs / run.name):
                pass
            elif match is not None and not is_finished(runs / f"{match}-seed{run.seed}"):
                say(f"{label} waits for {match}-seed{run.seed}, whose FLOPs it spends")
            else:
                say(label)
                if not train_run(grid, run, data=data, runs=runs, deadline=deadline, tell=say):
                    break
    return sum(not is_finished(runs / run.name) for run in queue)


def measure(grid: Grid, *, data: Path, runs: Path, tables: Path, again: bool) -> int:
    """Evaluate finished runs and write the tables of all; how many there are.

    Raises
    ------
    InputError : no run is finished; the tables hold rows of another grid.
    """
    import torch

    from analyses.nano_runs.evaluation import evaluate_run, is_evaluated, read_windows
    from analyses.nano_runs.grid import training_config
    from analyses.nano_runs.splice_effects import open_pairs
    from analyses.nano_runs.tables import (
        AGREEMENT,
        NAMES,
        PROVENANCE,
        add_earlier,
        collect_tables,
        describe_runs,
        describe_tables,
        one_writer,
        read_earlier,
        write_tables,
    )
    from analyses.nano_runs.training import is_finished
    from ldar_interp.provenance import write_provenance

    torch.set_num_threads(1)
    finished = [run for run in grid.queue() if is_finished(runs / run.name)]
    if not finished:
        raise InputError(f"{runs}: holds no finished run; wanted at least one to measure")
    made_of = describe_tables(grid, training_config(grid, finished[0], data))
    names = (*NAMES, AGREEMENT)
    # Before minutes of measuring, so that a table which cannot take the rows is told at once.
    read_earlier(tables, made_of, names=names, runs="runs")
    waiting = [run for run in finished if again or not is_evaluated(runs / run.name)]
    if waiting:
        windows = read_windows(grid, data)
        mask_rate = training_config(grid, waiting[0], data).objective.mask_rate
        with open_pairs(grid.evaluation.splice) as pairs:
            for run in waiting:
                out = runs / run.name
                with alone_in(out) as is_alone:
                    if not is_alone:
                        say(f"{PROGRAM}: {run.name} is measured by another process")
                    elif again or not is_evaluated(out):
                        say(f"{PROGRAM}: measuring {run.name}")
                        evaluate_run(grid, run, out, windows, pairs, mask_rate=mask_rate)
    at_hand = describe_runs(grid, runs)
    weights = {name: content["weights_sha256"] for name, content in at_hand.items()}
    made = collect_tables(grid, runs)
    with one_writer(tables):
        earlier = read_earlier(tables, made_of, names=names, runs="runs")
        all_runs = {**earlier.runs, **at_hand}
        write_tables(add_earlier(grid, made, earlier, weights), tables)
        write_provenance(tables / PROVENANCE, {**made_of, "runs": all_runs})
    return len(all_runs)


@contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Hold the folder of a run against other processes; False if one of them holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


if __name__ == "__main__":
    run_program(main)
