"""How well scores rank labels: AUROC, and the difference of two, with intervals by group.

AUROC is the chance that a row of label 1 has a higher score than one of label 0, ties counted
half. Rows near each other on a genome are not independent, so whole groups are resampled, with
all rows that they have: some replicates then hold more of one label than of the other.

The interval is the studentised, symmetric cluster bootstrap of `resample`. What one row adds to
the AUROC A is its placement among the rows of the other label, less A (DeLong et al. 1988):

    row of label 1:  (share of label 0 below it - A) / P        P rows of label 1
    row of label 0:  (share of label 1 above it - A) / N        N rows of label 0

Sums of these by group give the standard error. Two scores of the same rows are compared by the
difference of these numbers, so what they share cancels.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import InputError
from ldar_interp.stats.effects import Effect, bootstrap_effect, mid_share
from ldar_interp.stats.grouping import Floats, divide

MIN_GROUPS = 10
MIN_ROWS = 20
"""Fewer groups, or fewer rows of either label, leave no interval."""

# Rows of group weights (block, n_groups) to AUROC (block,) and each group's part (n_groups, block).
_Parts = Callable[[Floats], tuple[Floats, Floats]]


def measure_auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """P(score of a 1 > score of a 0) + P(equal) / 2; NaN without rows of both labels.

    Parameters
    ----------
    scores : (n,) finite.
    labels : (n,) of 0 and 1.

    Raises
    ------
    InputError : lengths differ, a score is NaN, a label is neither 0 nor 1.
    """
    values, is_one = _check_rows(scores, labels)
    zeros, ones = np.sort(values[~is_one]), values[is_one]
    if not zeros.size or not ones.size:
        return float("nan")
    below = np.searchsorted(zeros, ones, "left") + np.searchsorted(zeros, ones, "right")
    return float(below.sum() / (2 * zeros.size * ones.size))


def trace_roc(
    scores: ArrayLike, labels: ArrayLike, *, most_points: int = 400
) -> tuple[Floats, Floats]:
    """The ROC curve: shares of 0s and of 1s whose score is at least each threshold.

    From (0, 0) to (1, 1), a point for each distinct score, or `most_points` of them evenly spread.
    The area under straight lines through all of them is the AUROC. Errors as `measure_auroc`.
    """
    values, is_one = _check_rows(scores, labels)
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), values.size - 1)
    wrong, right = (np.cumsum(flag[order])[ends] for flag in (~is_one, is_one))
    kept = np.unique(np.linspace(0, ends.size, min(most_points, ends.size + 1)).astype(np.int64))
    curves = [np.append(0, count)[kept] / max(int(count[-1]), 1) for count in (wrong, right)]
    return curves[0], curves[1]


def estimate_ranking(
    scores: ArrayLike, labels: ArrayLike, group: ArrayLike, *, n_boot: int, rng: np.random.Generator
) -> Effect:
    """AUROC with its 95 % interval.

    Parameters
    ----------
    scores, labels : see `measure_auroc`.
    group : (n,) labels of the units that are resampled.
    n_boot : replicates, >= 100.

    Returns
    -------
    Effect. The interval is NaN with fewer than `MIN_GROUPS` groups, with fewer than `MIN_ROWS`
    rows of either label, and where the labels are separated completely: then every replicate is.

    Raises
    ------
    InputError : as `measure_auroc`, or n_boot < 100.
    """
    code, n_groups = _code_groups(group, len(np.atleast_1d(np.asarray(scores))))
    parts = _split_by_group(*_check_rows(scores, labels), code, n_groups)
    return _estimate([parts], labels, n_groups, n_boot, rng, bounds=(0.0, 1.0))


def compare_rankings(
    scores: ArrayLike,
    others: ArrayLike,
    labels: ArrayLike,
    group: ArrayLike,
    *,
    n_boot: int,
    rng: np.random.Generator,
) -> Effect:
    """AUROC of `scores` minus that of `others` for the same rows, with its 95 % interval.

    Parameters and errors as in `estimate_ranking`; the interval lies in [-1, 1].
    """
    code, n_groups = _code_groups(group, len(np.atleast_1d(np.asarray(scores))))
    pair = [
        _split_by_group(*_check_rows(values, labels), code, n_groups) for values in (scores, others)
    ]
    return _estimate(pair, labels, n_groups, n_boot, rng, bounds=(-1.0, 1.0))


def _estimate(
    parts: list[_Parts],
    labels: ArrayLike,
    n_groups: int,
    n_boot: int,
    rng: np.random.Generator,
    *,
    bounds: tuple[float, float],
) -> Effect:
    """The first AUROC, less the second if there is one."""
    if n_boot < 100:
        raise InputError(f"n_boot is {n_boot}; wanted at least 100")
    nan = float("nan")
    n_ones, n_rows = int(np.sum(np.asarray(labels) == 1)), np.asarray(labels).size
    fewest = min(n_ones, n_rows - n_ones)
    if not fewest:
        return Effect(nan, nan, nan, nan)

    def estimate(weight: Floats) -> tuple[Floats, Floats]:
        value, influence = parts[0](weight)
        for other in parts[1:]:
            other_value, other_influence = other(weight)
            value, influence = value - other_value, influence - other_influence
        variance = (weight.T * influence**2).sum(axis=0) * n_groups / max(n_groups - 1, 1)
        return value, np.sqrt(variance)

    found = bootstrap_effect(estimate, n_groups, n_boot, rng, width=20 * n_rows, bounds=bounds)
    if n_groups < MIN_GROUPS or fewest < MIN_ROWS or found.standard_error == 0:
        return Effect(found.estimate, nan, nan, found.standard_error)
    return found


def _split_by_group(
    values: Floats, is_one: NDArray[np.bool_], code: NDArray[np.int64], n_groups: int
) -> _Parts:
    """AUROC and the groups' parts of it, as a function of the groups' weights."""
    group_of = {flag: code[is_one == flag] for flag in (True, False)}
    score_of = {flag: values[is_one == flag] for flag in (True, False)}
    order = {flag: np.argsort(score_of[flag], kind="stable") for flag in (True, False)}
    place = {
        flag: [
            np.searchsorted(score_of[not flag][order[not flag]], score_of[flag], side)
            for side in ("left", "right")
        ]
        for flag in (True, False)
    }
    member = {flag: np.argsort(group_of[flag], kind="stable") for flag in (True, False)}
    # Groups that have rows of this label, and where each begins among the sorted rows.
    begins = {
        flag: np.unique(group_of[flag][member[flag]], return_index=True) for flag in (True, False)
    }

    def parts(weight: Floats) -> tuple[Floats, Floats]:
        by_replicate = np.ascontiguousarray(weight.T)
        w = {flag: by_replicate[group_of[flag]] for flag in (True, False)}
        total = {flag: w[flag].sum(axis=0) for flag in (True, False)}
        known = {flag: np.where(total[flag] > 0, total[flag], np.nan) for flag in (True, False)}
        below = mid_share(w[False][order[False]], place[True], known[False])
        above = 1 - mid_share(w[True][order[True]], place[False], known[True])
        value = divide((w[True] * below).sum(axis=0), total[True])
        influence = np.zeros((n_groups, len(weight)))
        for flag, share in ((True, below), (False, above)):
            groups, first = begins[flag]
            sums = np.add.reduceat((share - value)[member[flag]], first, axis=0)
            influence[groups] += sums / known[flag]
        return value, influence

    return parts


def _check_rows(scores: ArrayLike, labels: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    values, given = np.asarray(scores, dtype=np.float64), np.asarray(labels)
    if values.ndim != 1 or values.shape != given.shape or not np.isfinite(values).all():
        raise InputError(
            f"{values.size} scores and {given.size} labels; wanted one finite score a label, so "
            "drop rows without a score first"
        )
    if not np.isin(given, (0, 1)).all():
        raise InputError(f"labels hold {np.unique(given)[:5].tolist()}; wanted 0 and 1")
    return values, given == 1


def _code_groups(group: ArrayLike, n_rows: int) -> tuple[NDArray[np.int64], int]:
    names, code = np.unique(np.asarray(group).astype(np.str_), return_inverse=True)
    if code.shape != (n_rows,):
        raise InputError(f"{n_rows} scores and {code.size} groups; wanted one group a score")
    return code.astype(np.int64), names.size
