"""Effects that are not means: AUROC and the odds ratio of hard boundaries, with intervals.

Both compare site and control values of the same groups at one offset. Intervals are the same
studentised, symmetric cluster bootstrap as in `resample`, on a scale where the standard error
is known from each group's influence: the AUROC itself, and the log odds ratio. Where sites and
controls are separated completely, every resample is as well, and the interval is a point.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ldar_interp.errors import InputError
from ldar_interp.stats.grouping import Floats
from ldar_interp.stats.resample import draw_group_weights, scale_by_quantile

# Rows of group weights (block, n_groups) to an estimate and its standard error, (block,) each.
EstimateByWeight = Callable[[Floats], tuple[Floats, Floats]]

HALDANE = 0.5  # added to each cell of the 2 x 2 table: Haldane 1956, Anscombe 1956


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect with its interval; NaN where it cannot be computed.

    `standard_error` is on the scale of the interval's construction (log for an odds ratio).
    """

    estimate: float
    low: float
    high: float
    standard_error: float


def estimate_auroc(
    site: ArrayLike, control: ArrayLike, group: ArrayLike, *, n_boot: int, rng: np.random.Generator
) -> Effect:
    """P(site > control) + P(equal) / 2 over all site-control pairs, Mann-Whitney's U / (n m).

    Parameters
    ----------
    site, control : (n,) finite values; row i of both is one matched pair.
    group : (n,) labels of the units that are resampled, pairs kept whole.

    Raises
    ------
    InputError : lengths differ, or a value is NaN.
    """
    x, y, code, n_groups = _check_pairs(site, control, group)
    order = np.argsort(code, kind="stable")
    x, y, code = x[order], y[order], code[order]
    first = np.searchsorted(code, np.arange(n_groups))
    by_x, by_y = np.argsort(x, kind="stable"), np.argsort(y, kind="stable")
    below = [np.searchsorted(y[by_y], x, side) for side in ("left", "right")]
    above = [np.searchsorted(x[by_x], y, side) for side in ("left", "right")]

    def estimate(weight: Floats) -> tuple[Floats, Floats]:
        """AUROC and its standard error for rows of group weights, by cumulative weights."""
        by_replicate = np.ascontiguousarray(weight.T)  # sites first: gathers then copy whole rows
        w = by_replicate[code]
        total = w.sum(axis=0)
        share_below = mid_share(w[by_y], below, total)
        share_above = 1 - mid_share(w[by_x], above, total)
        auroc = (w * share_below).sum(axis=0) / total
        influence = np.add.reduceat(share_below + share_above - 2 * auroc, first, axis=0) / total
        variance = (by_replicate * influence**2).sum(axis=0) * n_groups / max(n_groups - 1, 1)
        return auroc, np.sqrt(variance)

    return bootstrap_effect(estimate, n_groups, n_boot, rng, width=16 * x.size, bounds=(0.0, 1.0))


def estimate_odds_ratio(
    site: ArrayLike, control: ArrayLike, group: ArrayLike, *, n_boot: int, rng: np.random.Generator
) -> Effect:
    """Odds ratio of a hard boundary at sites against controls, 1/2 added to each cell.

    The Haldane-Anscombe correction is always applied, so the effect is finite and continuous
    when a cell becomes empty; it pulls the ratio towards 1 by little when cells are large.

    Parameters
    ----------
    site, control : (n,) of 0 or 1; row i of both is one matched pair.
    group : (n,) labels of the units that are resampled, pairs kept whole.

    Returns
    -------
    Effect : estimate and interval as odds ratios, the standard error of the log odds ratio.
    """
    x, y, code, n_groups = _check_pairs(site, control, group)
    cells = np.stack(
        [np.bincount(code, part, minlength=n_groups) for part in (x, 1 - x, y, 1 - y)], axis=1
    )
    sign = np.array([1.0, -1.0, -1.0, 1.0])

    def estimate(weight: Floats) -> tuple[Floats, Floats]:
        table = weight @ cells + HALDANE
        influence = (sign / table) @ cells.T
        drawn = weight.sum(axis=1, keepdims=True)
        influence -= (weight * influence).sum(axis=1, keepdims=True) / drawn
        variance = (weight * influence**2).sum(axis=1) * n_groups / max(n_groups - 1, 1)
        return np.log(table) @ sign, np.sqrt(variance)

    found = bootstrap_effect(estimate, n_groups, n_boot, rng, width=4 * n_groups)
    with np.errstate(over="ignore"):  # an interval without end is printed as inf
        odds, low, high = np.exp([found.estimate, found.low, found.high]).tolist()
    return Effect(odds, low, high, found.standard_error)


def detectable_effect(
    standard_error: float, n_groups: int, *, power: float = 0.8, alpha: float = 0.05
) -> float:
    """The smallest true effect that a two-sided test at `alpha` finds with `power`.

    (t_{1 - alpha/2} + t_{power}) * SE with G - 1 degrees of freedom (Bloom 1995); NaN with fewer
    than two groups. A guide, not a promise: with 40 groups of very uneven size the sign-flip test
    found effects of this size in 70-75 % of simulations, with even sizes in 76-80 %.
    """
    if n_groups < 2:
        return float("nan")
    factor = stats.t.ppf(1 - alpha / 2, n_groups - 1) + stats.t.ppf(power, n_groups - 1)
    return float(factor * standard_error)


def _check_pairs(
    site: ArrayLike, control: ArrayLike, group: ArrayLike
) -> tuple[Floats, Floats, NDArray[np.int64], int]:
    x, y = np.asarray(site, dtype=np.float64), np.asarray(control, dtype=np.float64)
    names, code = np.unique(np.asarray(group).astype(np.str_), return_inverse=True)
    if not x.shape == y.shape == code.shape or not np.isfinite(x + y).all():
        raise InputError(
            f"{x.size} site values, {y.size} control values and {code.size} groups; wanted one "
            "row a pair with finite values, so drop pairs with NaN first"
        )
    return x, y, code, names.size


def mid_share(weight: Floats, edges: list[NDArray[np.intp]], total: Floats) -> Floats:
    """Weight below each value, ties counted half, as a share; rows of `weight` sorted by value."""
    cumulated = np.zeros((len(weight) + 1, weight.shape[1]))
    np.cumsum(weight, axis=0, out=cumulated[1:])
    return np.asarray((cumulated[edges[0]] + cumulated[edges[1]]) / (2 * total))


def bootstrap_effect(
    estimate: EstimateByWeight,
    n_groups: int,
    n_boot: int,
    rng: np.random.Generator,
    *,
    width: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Effect:
    """Studentised symmetric interval of anything that is known with its standard error by weights.

    Parameters
    ----------
    estimate : see `EstimateByWeight`; a replicate without a value is NaN and widens the interval.
    width : numbers a replicate needs beside its weights; it bounds the memory.
    bounds : the range that the effect can have; the interval is cut to it.
    """
    nan = float("nan")
    if n_groups == 0:
        return Effect(nan, nan, nan, nan)
    value, error = (part[0] for part in estimate(np.ones((1, n_groups))))
    if n_groups < 2:
        return Effect(float(value), nan, nan, nan)
    pivots = []
    for weight in draw_group_weights(n_groups, n_boot, rng, width=width):
        drawn, spread = estimate(weight)
        flat = spread == 0
        t = (drawn - value) / np.where(flat, 1.0, spread)
        pivots.append(np.where(flat & (drawn != value), np.inf, t))
    half = scale_by_quantile(np.concatenate(pivots)[:, None], np.array([error]), 0.95)[0]
    low, high = np.clip([value - half, value + half], *bounds).tolist()
    return Effect(float(value), low, high, float(error))
