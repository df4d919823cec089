"""Values on edges summarised in bins, for views in which an edge is narrower than a printed dot.

    edge     100 101 102 103 104 105 106            start 100, size 3
             [  bin 0  ] [  bin 1  ] [bin 2: the rest]

A mean of p hides the cuts and a maximum hides everything else, so a bin keeps mean, smallest and
largest. NaN is left out; a bin without any value is NaN in all of them, never 0.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import InputError


@dataclass(frozen=True)
class Bins:
    """Summaries of consecutive runs of `size` edges from `start` on; the last may be shorter.

    `first` and `last` are the edges of each bin, both included; `n_values` counts those with a
    value. `mean`, `low` and `high` are float32, NaN where `n_values` is 0.
    """

    size: int
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    mean: NDArray[np.float32]
    low: NDArray[np.float32]
    high: NDArray[np.float32]
    n_values: NDArray[np.int64]


def bin_values(values: ArrayLike, start: int, size: int) -> Bins:
    """Mean, smallest and largest value of each run of `size` edges.

    Parameters
    ----------
    values : (n,), on the edges start, start + 1, ..; NaN for no value.
    start : the first edge.
    size : edges of a bin, >= 1.

    Raises
    ------
    InputError : no values, more than one axis, or a size below 1.
    """
    given = np.asarray(values, dtype=np.float32)
    if given.ndim != 1 or not given.size or size < 1:
        raise InputError(
            f"values of shape {given.shape} in bins of {size}; wanted a non-empty vector and bins "
            "of at least 1 edge"
        )
    n_bins = -(-given.size // size)
    padded = np.full(n_bins * size, np.nan, dtype=np.float32)
    padded[: given.size] = given
    table = padded.reshape(n_bins, size)
    known = ~np.isnan(table)
    n_values = known.sum(axis=1)
    is_empty = n_values == 0
    total = np.where(known, table, 0).sum(axis=1, dtype=np.float64)
    mean = (total / np.where(is_empty, 1, n_values)).astype(np.float32)
    low = np.where(known, table, np.inf).min(axis=1).astype(np.float32)
    high = np.where(known, table, -np.inf).max(axis=1).astype(np.float32)
    for summary in (mean, low, high):
        summary[is_empty] = np.nan
    first = start + size * np.arange(n_bins, dtype=np.int64)
    last = np.minimum(first + size, start + given.size) - 1
    return Bins(size, first, last, mean, low, high, n_values.astype(np.int64))
