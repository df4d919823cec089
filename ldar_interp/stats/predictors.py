"""The metrics of several predictors of one test set, for any draw of its rows.

What a bootstrap of test rows needs, and no more: checked inputs, weights that say how often each
row is drawn, and metrics for blocks of such weights. Predictors that are bootstrapped together
see the same rows in each replicate.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import InputError
from ldar_interp.stats.confusion import (
    Counts,
    WeightedRanks,
    measure_accuracy,
    measure_f1,
    measure_mcc,
)
from ldar_interp.stats.grouping import Floats

METRICS = ("mcc", "accuracy", "f1", "auroc")
MIN_BOOT = 100
_BLOCK_NUMBERS = 1_000_000  # 8 MB of float64 in each temporary array


class Replicates:
    """The metrics of k predictors of the same rows, for any weights of the rows.

    Parameters
    ----------
    labels : (n,) checked. prob : (k, n, c) checked, of `check_predictions`.
    """

    def __init__(self, labels: NDArray[np.int64], prob: Floats) -> None:
        self._shape = len(prob), prob.shape[2]
        n_classes = prob.shape[2]
        cells = labels * n_classes + prob.argmax(2)
        # (n, k * c * c): one 1 a row and predictor, in the cell of the matrix that the row adds to.
        self._cells = np.concatenate([np.eye(n_classes**2)[cell] for cell in cells], axis=1)
        wanted = [1] if n_classes == 2 else range(n_classes)
        self._ranks = [[WeightedRanks(p[:, k], labels == k) for k in wanted] for p in prob]

    def measure(self, weight: Floats) -> Floats:
        """(4 metrics, k predictors, n_replicates) for weights (n, n_replicates)."""
        n_predictors, c = self._shape
        counts: Counts = (weight.T @ self._cells).reshape(-1, n_predictors, c, c)
        auroc = [np.mean([r.measure(weight) for r in ranks], axis=0) for ranks in self._ranks]
        by_counts = [measure(counts).T for measure in (measure_mcc, measure_accuracy, measure_f1)]
        return np.stack([*by_counts, np.stack(auroc)])


def check_predictions(
    labels: ArrayLike, *probs: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels (n,) and the probabilities of k predictors stacked as (k, n, c), or InputError."""
    true = np.asarray(labels)
    tables = [np.asarray(prob, dtype=np.float64) for prob in probs]
    shapes = [table.shape for table in tables]
    if (
        true.ndim != 1
        or not true.size
        or {*shapes} != {shapes[0]}
        or len(shapes[0]) != 2
        or shapes[0][0] != true.size
        or shapes[0][1] < 2
    ):
        raise InputError(
            f"labels of shape {true.shape} and probabilities of shape "
            f"{', '.join(map(str, dict.fromkeys(shapes)))}; wanted (n >= 1,) and (n, c >= 2)"
        )
    n_classes = shapes[0][1]
    strange = ~np.isin(true, np.arange(n_classes))
    if strange.any():
        raise InputError(
            f"label {true[strange][0]} among {n_classes} classes; wanted 0 to {n_classes - 1}"
        )
    stacked = np.stack(tables)
    if not np.isfinite(stacked).all():
        row = int(np.flatnonzero(~np.isfinite(stacked).all((0, 2)))[0])
        raise InputError(
            f"the probabilities of row {row} are not finite; wanted numbers: see whether the "
            "training diverged"
        )
    return true.astype(np.int64), stacked


def draw_weights(
    n_rows: int, n_boot: int, rng: np.random.Generator, groups: ArrayLike | None
) -> Iterator[Floats]:
    """How often each row is drawn, in blocks of (n_rows, block): all rows of a group as often.

    Raises
    ------
    InputError : fewer than 100 replicates; not one group a row, or one group only.
    """
    if n_boot < MIN_BOOT:
        raise InputError(f"n_boot is {n_boot}; wanted at least {MIN_BOOT}")
    code, n_units = None, n_rows
    if groups is not None:
        names, code = np.unique(np.asarray(groups).astype(np.str_), return_inverse=True)
        n_units = names.size
        if code.size != n_rows or n_units < 2:
            raise InputError(
                f"{code.size} group labels, {n_units} of them different, for {n_rows} rows; wanted "
                "one a row and at least two groups"
            )
    block = max(1, _BLOCK_NUMBERS // n_rows)
    for begin in range(0, n_boot, block):
        size = min(block, n_boot - begin)
        drawn = rng.integers(0, n_units, size=(size, n_units))
        weight = np.stack([np.bincount(units, minlength=n_units) for units in drawn])
        # Rows first: what is gathered by rank then lies together.
        by_unit = np.ascontiguousarray(weight.T, dtype=np.float64)
        yield by_unit if code is None else by_unit[code]


def bootstrap_predictors(
    labels: NDArray[np.int64],
    prob: Floats,
    n_boot: int,
    seed: int,
    groups: ArrayLike | None,
) -> tuple[Floats, Floats]:
    """Metrics (4, k) of k predictors, and of their replicates (4, k, n_boot), drawn together."""
    replicates, rng = Replicates(labels, prob), np.random.default_rng(seed)
    value = replicates.measure(np.ones((labels.size, 1)))[..., 0]
    blocks = [replicates.measure(w) for w in draw_weights(labels.size, n_boot, rng, groups)]
    return value, np.concatenate(blocks, axis=-1)
