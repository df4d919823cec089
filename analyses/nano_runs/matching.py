"""FLOPs that a run spends, and how many steps fit into a budget.

A step costs `training_flops` at the boundary rate that log.csv has for it. A fixed grid costs the
same at every step, so its number of steps follows from the budget. The cost of a router that
learns is known only as it goes: its steps are planned again and again from what it has spent, and
since the rate of learning falls at the end of the planned steps, each plan moves that end.
"""

import math
from collections.abc import Sequence
from functools import cache

import pandas as pd

from analyses.nano_runs.grid import Matching
from ldar_interp.errors import InputError
from ldar_interp.model.config import LDARNetConfig
from ldar_interp.model.flops import training_flops


def step_costs(shape: LDARNetConfig, rates: Sequence[float], bases: int) -> list[float]:
    """FLOPs of each step (forward and backward), of `bases` bases at the measured rates."""
    length = shape.train_length
    # A grid keeps what it keeps; its counter refuses rates that contradict it.
    is_grid = shape.router_spec.period is not None

    @cache
    def per_base(kept: int) -> float:
        return training_flops(shape, length, None if is_grid else kept / length)

    # The counter rounds to whole positions; steps between two of them lie on the line.
    costs = []
    for rate in rates:
        low = max(1, math.floor(rate * length))
        share = max(0.0, rate * length - low)
        cost = per_base(low)
        if share > 0:
            cost += share * (per_base(low + 1) - cost)
        costs.append(cost * bases)
    return costs


def plan_steps(costs: Sequence[float], budget: float, *, expected: float, recent_steps: int) -> int:
    """Steps in all, those done included, that fit into a budget.

    Parameters
    ----------
    costs : FLOPs of the steps done.
    budget : FLOPs to spend in all, > 0.
    expected : FLOPs of a step, for a run that has done none.
    recent_steps : a step to come costs as much as the mean of so many last ones.

    Raises
    ------
    InputError : the budget holds no step at all.
    """
    recent = costs[-recent_steps:]
    ahead = sum(recent) / len(recent) if recent else expected
    total = len(costs) + max(0, math.floor((budget - sum(costs)) / ahead))
    if total < 1:
        raise InputError(
            f"a budget of {budget:.4g} FLOPs holds no step of {ahead:.4g}; wanted a budget of at "
            "least one step: give the matched run more steps"
        )
    return total


def last_plan(done: int, matching: Matching) -> int:
    """The last step, at most `done`, after which steps are planned; 0 before the first one."""
    return max((step for step in matching.replan_at if step <= done), default=0)


def next_stop(done: int, total: int, matching: Matching) -> int:
    """Where to train to before planning again: the next step of `replan_at`, or the end."""
    return min([total, *(step for step in matching.replan_at if step > done)])


def read_costs(log: pd.DataFrame, shape: LDARNetConfig, bases: int) -> list[float]:
    """`step_costs` of the rows of log.csv."""
    return step_costs(shape, log["boundary_rate"].tolist(), bases)
