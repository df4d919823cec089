"""Metrics of counts: MCC, accuracy and F1 from confusion matrices, AUROC from weighted ranks.

Everything here takes many replicates at once, because a bootstrap asks for thousands. A confusion
matrix has the true class in its rows and the predicted class in its columns; resampling rows of
data only changes its counts, so a replicate is a small matrix and never a list of rows.

What has no value is NaN: see each function.
"""

import numpy as np
from numpy.typing import NDArray

from ldar_interp.stats.grouping import Floats, divide

Counts = NDArray[np.float64]
"""(..., n_classes, n_classes) counts or weights: true class, predicted class."""


def measure_mcc(counts: Counts) -> Floats:
    """Matthews correlation of c classes, R_K of Gorodkin 2004; the usual MCC if c is 2.

    (s tr C - sum_k t_k p_k) / sqrt((s^2 - sum p_k^2)(s^2 - sum t_k^2)), t_k and p_k how often
    class k is true and predicted, s their sum.

    Returns
    -------
    (...,) in [-1, 1]. NaN where fewer than two classes are among the true ones. 0 where every row
    is given the same class: the prediction says nothing (also scikit-learn's convention).
    """
    true, predicted, total = _margins(counts)
    hits = np.trace(counts, axis1=-2, axis2=-1)
    spread_true = total**2 - (true**2).sum(-1)
    spread_predicted = total**2 - (predicted**2).sum(-1)
    top = hits * total - (true * predicted).sum(-1)
    # One root of the product: where both are equal, rounding then leaves exactly their value.
    bottom = np.sqrt(np.maximum(spread_true, 0) * np.maximum(spread_predicted, 0))
    mcc = np.where(bottom > 0, divide(top, bottom), 0.0)
    return np.where(has_two_classes(counts), mcc, np.nan)


def measure_accuracy(counts: Counts) -> Floats:
    """Share of rows given their own class, (...,); NaN without any row."""
    return divide(np.trace(counts, axis1=-2, axis2=-1), counts.sum((-2, -1)))


def measure_f1(counts: Counts) -> Floats:
    """F1 of class 1 where there are two classes, else the mean of every class's F1 (macro).

    F1 of class k is 2 C_kk / (t_k + p_k). The mean is over classes that are true or predicted
    somewhere, as scikit-learn has it.

    Returns
    -------
    (...,) in [0, 1]. NaN where fewer than two classes are among the true ones.
    """
    true, predicted, _ = _margins(counts)
    f1 = divide(2 * np.diagonal(counts, axis1=-2, axis2=-1), true + predicted)
    if counts.shape[-1] == 2:
        found = np.where(np.isnan(f1[..., 1]), 0.0, f1[..., 1])
    else:
        found = divide(np.nansum(f1, axis=-1), (~np.isnan(f1)).sum(-1).astype(np.float64))
    return np.where(has_two_classes(counts), found, np.nan)


def has_two_classes(counts: Counts) -> NDArray[np.bool_]:
    """Are at least two classes among the true ones?"""
    return np.asarray((counts.sum(-1) > 0).sum(-1) >= 2)


class WeightedRanks:
    """AUROC of one score for any weights of its rows; sorted once, used for every replicate.

    P(a positive row scores above a negative one) + P(equal) / 2, rows drawn by their weights.

    Parameters
    ----------
    score : (n,) finite; higher means more positive.
    is_positive : (n,) which rows are positive.
    """

    def __init__(self, score: Floats, is_positive: NDArray[np.bool_]) -> None:
        order = np.argsort(score, kind="stable")
        positive = is_positive[order]
        self._positive, self._negative = order[positive], order[~positive]
        below, ties = score[self._negative], score[self._positive]
        self._left = np.searchsorted(below, ties, "left")
        self._right = np.searchsorted(below, ties, "right")

    def measure(self, weight: Floats) -> Floats:
        """AUROC (n_replicates,) for weights (n, n_replicates); NaN where a side has no weight."""
        positive, negative = weight[self._positive], weight[self._negative]
        below = np.zeros((len(negative) + 1, weight.shape[1]))
        np.cumsum(negative, axis=0, out=below[1:])
        mid = below[self._left]
        if not np.array_equal(self._left, self._right):
            mid = (mid + below[self._right]) / 2
        won = np.einsum("ij,ij->j", positive, mid)
        return divide(won, positive.sum(0) * below[-1])


def _margins(counts: Counts) -> tuple[Floats, Floats, Floats]:
    """How often each class is true and predicted (..., c), and the sum (...,)."""
    return counts.sum(-1), counts.sum(-2), counts.sum((-2, -1))
