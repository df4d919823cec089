"""How good are predicted classes? MCC, accuracy, F1 and AUROC with bootstrap intervals.

A prediction is the class of the highest probability, the first of them if several are equal.

| metric | is | NaN where |
|---|---|---|
| mcc | Matthews correlation, R_K of Gorodkin 2004 for more classes | labels of one class only |
| accuracy | share of rows given their own class | never |
| f1 | of class 1 of two, else the mean over classes (macro) | labels of one class only |
| auroc | of class 1 of two, else the mean of one against the rest | a class has no label |

**One test set.** Its rows, or whole groups of them, are drawn with replacement, which gives each
metric a standard error. The interval is value +- z * standard error on the logit scale (for MCC
the logit of (1 + MCC) / 2, which is Fisher's z): near 1 it is wider below than above and never
leaves the range. In simulations of 400 and 1,500 rows it covers 93-97 % up to an AUROC of .99,
where percentiles of the replicates fall to 88 % (tests/statistics). Differences of two predictors
keep their own scale. Where every row is predicted right every draw is too, and no bootstrap knows
how often the next row will be wrong: there is no interval (NaN).

**Several folds on one test set.** Models trained on other folds differ in what they learned, and
are all tested on the same rows. Their spread says nothing about those rows: ten folds may agree
to .01 on a test set of 400 whose own sampling error is .04. With m_k of fold k,

    se^2 = v_shared + S^2 / K,    v_shared = max(0, v_test - v_inside / K)

where v_test is the variance of the mean over folds when the same test rows are drawn for all
folds in a replicate, v_inside the variance between folds that such draws bring about by
themselves, and S^2 the variance of m_k between folds, which holds v_inside and what the folds
learned otherwise. Student's t with Satterthwaite's degrees of freedom replaces z, since K folds
know S^2 badly: with three folds, and differences in which the shared part cancels, that is the
difference between 88 and 95 % coverage (tests/statistics). Folds of a cross-validation share
most of their training rows, so their spread is less than that of models trained on new data.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ldar_interp.errors import InputError
from ldar_interp.stats.grouping import Floats
from ldar_interp.stats.prediction_intervals import LOWEST, measure_spread, tabulate_intervals
from ldar_interp.stats.predictors import (
    METRICS,
    Replicates,
    bootstrap_predictors,
    check_predictions,
)


def score_predictions(labels: ArrayLike, prob: ArrayLike) -> dict[str, float]:
    """The four metrics of one predictor.

    Parameters
    ----------
    labels : (n,) classes 0 .. c - 1.
    prob : (n, c) probabilities, or other scores of which the highest wins.

    Returns
    -------
    `mcc`, `accuracy`, `f1`, `auroc`, NaN where they are not defined: see the module.

    Raises
    ------
    InputError : shapes that do not fit, no rows, fewer than two classes, a label that is no
        class, a probability that is not finite.
    """
    true, stacked = check_predictions(labels, prob)
    found = Replicates(true, stacked).measure(np.ones((true.size, 1)))[:, 0, 0]
    return dict(zip(METRICS, found.tolist(), strict=True))


def score_intervals(
    labels: ArrayLike,
    prob: ArrayLike,
    *,
    n_boot: int,
    seed: int,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The four metrics of one predictor with intervals over what the test set might have been.

    Parameters
    ----------
    labels, prob : as in `score_predictions`.
    n_boot : replicates, >= 100.
    groups : (n,) what is drawn as a whole, for rows that are not independent; None draws rows.
    level : coverage wanted.

    Returns
    -------
    DataFrame `metric, value, ci_low, ci_high`. An interval is NaN where more than 5 % of the
    replicates have no value, as where a class has very few rows.

    Raises
    ------
    InputError : as `score_predictions`; n_boot < 100; not one group a row, or fewer than two.
    """
    true, stacked = check_predictions(labels, prob)
    spread = measure_spread(*bootstrap_predictors(true, stacked, n_boot, seed, groups))
    return tabulate_intervals(spread, level, lowest=LOWEST)[
        ["metric", "value", "ci_low", "ci_high"]
    ]


def compare_predictions(
    labels: ArrayLike,
    prob_a: ArrayLike,
    prob_b: ArrayLike,
    *,
    n_boot: int,
    seed: int,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The four metrics of predictor a less those of b on the same rows, with paired intervals.

    Returns
    -------
    As `score_intervals`, of the differences.
    """
    found = compare_folds(
        labels, [prob_a], [prob_b], n_boot=n_boot, seed=seed, groups=groups, level=level
    )
    return found[["metric", "value", "ci_low", "ci_high"]]


def combine_folds(
    labels: ArrayLike,
    probs: Sequence[ArrayLike],
    *,
    n_boot: int,
    seed: int,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The mean over folds of each metric, with both fold spread and test sampling in the interval.

    Parameters
    ----------
    labels : (n,) classes of the one test set.
    probs : (k, n, c) probabilities of the k folds' (or seeds') models on it. Of one fold the
        interval holds test sampling only.
    n_boot, seed, groups, level : as in `score_intervals`.

    Returns
    -------
    DataFrame `metric, value, ci_low, ci_high, fold_sd, n_folds`; `fold_sd` is the standard
    deviation between folds as it is often reported, NaN of one fold.
    """
    true, stacked = check_predictions(labels, *_list_folds(probs))
    spread = measure_spread(*bootstrap_predictors(true, stacked, n_boot, seed, groups))
    return tabulate_intervals(spread, level, lowest=LOWEST)


def compare_folds(
    labels: ArrayLike,
    probs_a: Sequence[ArrayLike],
    probs_b: Sequence[ArrayLike],
    *,
    n_boot: int,
    seed: int,
    groups: ArrayLike | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """The mean over folds of a less b, fold by fold and on the same test rows.

    Parameters
    ----------
    probs_a, probs_b : (k, n, c); fold k of both belongs together (same training rows, or seed).

    Returns
    -------
    As `combine_folds`, of the differences.

    Raises
    ------
    InputError : also where the two have not the same number of folds.
    """
    folds_a, folds_b = _list_folds(probs_a), _list_folds(probs_b)
    n_folds = len(folds_a)
    if n_folds != len(folds_b):
        raise InputError(
            f"{n_folds} folds of one predictor and {len(folds_b)} of the other; wanted pairs"
        )
    true, stacked = check_predictions(labels, *folds_a, *folds_b)
    value, drawn = bootstrap_predictors(true, stacked, n_boot, seed, groups)
    spread = measure_spread(
        value[:, :n_folds] - value[:, n_folds:], drawn[:, :n_folds] - drawn[:, n_folds:]
    )
    return tabulate_intervals(spread, level, lowest=None)


def _list_folds(probs: Sequence[ArrayLike]) -> list[Floats]:
    folds = [np.asarray(prob, dtype=np.float64) for prob in probs]
    if not folds:
        raise InputError("no folds; wanted the probabilities of at least one")
    return folds
