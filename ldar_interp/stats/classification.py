"""How good are predicted classes: Matthews correlation, accuracy, F1, area under the ROC curve."""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata


def score_predictions(labels: ArrayLike, prob: ArrayLike) -> dict[str, float]:
    """MCC, accuracy, F1 and AUROC of probabilities.

    Parameters
    ----------
    labels : (n,) classes 0 .. c-1.
    prob : (n, c); the predicted class has the largest.

    Returns
    -------
    `mcc` (multi-class: Gorodkin 2004), `accuracy`, `f1` (of class 1 if c = 2, else the mean over
    classes that occur), `auroc` (of class 1 if c = 2, else the mean of one against the rest). NaN
    where the labels have one class only; MCC is 0 where the predictions have.
    """
    truth, probability = np.asarray(labels, dtype=np.int64), np.asarray(prob, dtype=np.float64)
    n_classes = probability.shape[1]
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (truth, probability.argmax(1)), 1)
    rows, columns, n, hits = counts.sum(1), counts.sum(0), counts.sum(), np.trace(counts)
    spread = (n**2 - (rows**2).sum()) * (n**2 - (columns**2).sum())
    mcc = (hits * n - rows @ columns) / np.sqrt(spread) if spread > 0 else 0.0
    f1 = 2 * np.diag(counts) / np.maximum(rows + columns, 1)
    has_all = np.count_nonzero(rows) > 1
    classes = [1] if n_classes == 2 else [k for k in range(n_classes) if rows[k] > 0]
    return {
        "mcc": float(mcc) if has_all else float("nan"),
        "accuracy": float(hits / n),
        "f1": float(f1[classes].mean()),
        "auroc": float(np.mean([_auroc(truth == k, probability[:, k]) for k in classes])),
    }


def _auroc(is_positive: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """Mann-Whitney: chance that a positive scores above a negative, ties counting one half."""
    n_positive = int(is_positive.sum())
    n_negative = len(is_positive) - n_positive
    if n_positive == 0 or n_negative == 0:
        return float("nan")
    rank_sum = rankdata(score)[is_positive].sum()
    return float((rank_sum - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))
