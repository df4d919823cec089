"""From replicates of metrics to intervals: what the test set adds, what folds add, and the scale.

The formulas and what they are worth are in the docstring of `classification`.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ldar_interp.stats.grouping import Floats
from ldar_interp.stats.predictors import METRICS

LOWEST = np.array([-1.0, 0.0, 0.0, 0.0])
"""The lowest value of each of `METRICS`; the highest is 1."""
_MOST_UNDEFINED = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Means over folds and what they vary by; arrays of (4 metrics,).

    `v_shared` is the variance of the mean that the test rows bring about in all folds alike,
    `v_own` that of what each fold has by itself, its own part of the test rows' noise included.
    """

    mean: Floats
    v_shared: Floats
    v_own: Floats
    fold_sd: Floats
    n_folds: int


def measure_spread(value: Floats, drawn: Floats) -> Spread:
    """From the folds' metrics (4, k) and their replicates (4, k, n_boot).

    Replicates without a value are left out; `v_shared` is NaN where they are more than 5 %.
    """
    n_folds = value.shape[1]
    known = np.asarray(~np.isnan(drawn).any(1))
    # A metric without any replicate would be a mean of nothing, which numpy warns of.
    filled = np.where(known[:, None], drawn, np.where(known.any(-1), np.nan, 0.0)[:, None, None])
    v_test = np.nanvar(filled.mean(1), axis=-1, ddof=1)
    v_test[(~known).mean(-1) > _MOST_UNDEFINED] = np.nan
    if n_folds == 1:
        nothing = np.zeros(len(value))
        return Spread(value[:, 0], v_test, nothing, np.full(len(value), np.nan), 1)
    between = value.var(1, ddof=1)
    inside = np.nanmean((filled - value[..., None]).var(1, ddof=1), axis=-1)
    v_shared = np.maximum(v_test - inside / n_folds, 0)
    return Spread(value.mean(1), v_shared, between / n_folds, np.sqrt(between), n_folds)


def tabulate_intervals(spread: Spread, level: float, *, lowest: Floats | None) -> pd.DataFrame:
    """One row a metric; on the logit scale if the metrics' lowest values are given."""
    variance = spread.v_shared + spread.v_own
    # Satterthwaite: what the folds share counts as known, their own part is known from K values.
    share = np.divide(spread.v_own, variance, out=np.zeros_like(variance), where=variance > 0)
    freedom = np.divide(
        spread.n_folds - 1, share**2, out=np.full_like(share, np.inf), where=share > 0
    )
    half = stats.t.ppf((1 + level) / 2, freedom) * np.sqrt(variance)
    low, high = spread.mean - half, spread.mean + half
    if lowest is not None:
        # Draws that are all alike, as where every row is right, say nothing of the next row.
        low, high = _bend(spread.mean, np.where(half > 0, half, np.nan), lowest)
    return pd.DataFrame(
        {
            "metric": METRICS,
            "value": spread.mean,
            "ci_low": low,
            "ci_high": high,
            "fold_sd": spread.fold_sd,
            "n_folds": spread.n_folds,
        }
    )


def _bend(value: Floats, half: Floats, lowest: Floats) -> tuple[Floats, Floats]:
    """Ends of value +- half in [lowest, 1], symmetric on the logit scale; as far at first order."""
    share = (value - lowest) / (1 - lowest)
    slope = share * (1 - share)
    inner = slope > 0
    odds = np.divide(share, 1 - share, out=np.ones_like(share), where=inner)
    width = np.divide(half / (1 - lowest), slope, out=np.zeros_like(share), where=inner)
    ends = []
    for step in (-width, width):
        with np.errstate(over="ignore"):
            bent = lowest + (1 - lowest) / (1 + np.exp(-step) / odds)
        ends.append(np.where(inner, bent, np.where(np.isnan(half), np.nan, value)))
    return ends[0], ends[1]
