"""Train one run of the grid; call again to go on where it was cut."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import torch

from analyses.nano_runs.grid import Grid, NanoRun, training_config
from analyses.nano_runs.matching import last_plan, next_stop, plan_steps, read_costs, step_costs
from ldar_interp.errors import InputError
from ldar_interp.train.config import PretrainConfig
from ldar_interp.train.loop import pretrain
from ldar_interp.train.state import STATE

FINISHED = "finished.json"


def is_finished(folder: Path) -> bool:
    """True if a run is trained to its end."""
    return (folder / FINISHED).is_file()


def train_run(
    grid: Grid,
    run: NanoRun,
    *,
    data: Path | None,
    runs: Path,
    deadline: float,
    tell: Callable[[str], None],
) -> bool:
    """Train a run until its end or the deadline; True if it came to its end.

    Parameters
    ----------
    data : folder of FASTA files.
    runs : folder of all runs; this one is in `runs / run.name`.
    deadline : in seconds of `time.monotonic`.

    Raises
    ------
    InputError : the run whose FLOPs are the budget is not finished; what `pretrain` raises.
    """
    out = runs / run.name
    config = training_config(grid, run, data)
    budget = None if run.setting.match is None else _budget(runs, run)
    while True:
        done = _finished_steps(out)
        total = grid.optimizer.total_steps
        stop = total
        if budget is not None:
            total = _plan(grid, config, out, done, budget)
            stop = next_stop(done, total, grid.matching)
        minutes = max(0.0, deadline - time.monotonic()) / 60
        if minutes == 0:
            return False
        progress = pretrain(
            _with_steps(config, total),
            out,
            resume=True,
            max_steps=stop,
            max_minutes=minutes,
            cache=runs / "data",
            tell=tell,
        )
        if progress.step < stop:
            return False
        if progress.step == total and _is_last_plan(grid, config, out, total, budget):
            break
    _finish(config, out, budget)
    return True


def _finished_steps(out: Path) -> int:
    """Steps of the state on disk; rows of log.csv may go beyond it after a crash."""
    path = out / "state" / STATE
    if not path.is_file():
        return 0
    return int(torch.load(path, map_location="cpu", weights_only=True)["progress"]["step"])


def _plan(grid: Grid, config: PretrainConfig, out: Path, done: int, budget: float) -> int:
    """Steps in all by the last plan that was due: the same whenever the run is resumed."""
    shape, bases = config.shape(), _bases_of_step(config)
    planned_at = last_plan(done, grid.matching)
    costs: list[float] = []
    if planned_at:
        costs = read_costs(pd.read_csv(out / "log.csv").head(planned_at), shape, bases)
    spec = shape.router_spec
    expected = spec.count_kept(shape.train_length) / shape.train_length
    total = plan_steps(
        costs,
        budget,
        expected=step_costs(shape, [expected], bases)[0],
        recent_steps=grid.matching.recent_steps,
    )
    return max(total, done)


def _is_last_plan(
    grid: Grid, config: PretrainConfig, out: Path, total: int, budget: float | None
) -> bool:
    """False if a plan is due at the very step where the run stands, and wants more of them."""
    return budget is None or _plan(grid, config, out, total, budget) == total


def _with_steps(config: PretrainConfig, total: int) -> PretrainConfig:
    optimizer = config.optimizer.model_copy(update={"total_steps": total})
    return config.model_copy(update={"optimizer": optimizer})


def _bases_of_step(config: PretrainConfig) -> int:
    return config.optimizer.batch_windows * config.train_length


def _budget(runs: Path, run: NanoRun) -> float:
    path = runs / f"{run.setting.match}-seed{run.seed}" / FINISHED
    if not path.is_file():
        raise InputError(
            f"{path}: no such file, and {run.name} spends the FLOPs of that run; train it first"
        )
    return float(json.loads(path.read_text())["flops"])


def _finish(config: PretrainConfig, out: Path, budget: float | None) -> None:
    """What the run spent; the file says that it came to its end."""
    log = pd.read_csv(out / "log.csv")
    content = {
        "steps": len(log),
        "bases": int(log["bases"].iloc[-1]),
        "seconds": float(log["seconds"].iloc[-1]),
        "flops": sum(read_costs(log, config.shape(), _bases_of_step(config))),
        "budget": budget,
    }
    partial = out / "finished.partial"
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(out / FINISHED)
