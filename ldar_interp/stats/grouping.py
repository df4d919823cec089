"""Values added up by group, and the arithmetic of ratios of group sums.

Everything that is resampled is a unit of independence (a gene, a 1-Mb block), so the sums by group
are all that the resampling ever sees.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GroupSums:
    """Values added up by group. D and N are (n_groups, n_columns); NaN values count nowhere."""

    total: Floats
    count: Floats

    @property
    def n_groups(self) -> NDArray[np.int64]:
        """Groups with at least one value, for each column."""
        return np.asarray((self.count > 0).sum(axis=0), dtype=np.int64)


def sum_by_group(values: ArrayLike, group: ArrayLike) -> GroupSums:
    """Add up values (n,) or (n, n_columns) by group label (n,), skipping NaN.

    Groups are ordered by sorted label; groups with no value at all stay, with zeros.
    """
    matrix = np.asarray(values, dtype=np.float64)
    matrix = matrix[:, None] if matrix.ndim == 1 else matrix
    labels = np.asarray(group)
    if labels.shape != matrix.shape[:1]:
        raise InputError(
            f"{matrix.shape[0]} rows of values but {labels.size} group labels; wanted one a row"
        )
    names, code = np.unique(labels.astype(np.str_), return_inverse=True)
    known = ~np.isnan(matrix)
    total = np.zeros((names.size, matrix.shape[1]))
    count = np.zeros_like(total)
    order = np.argsort(code, kind="stable")
    if order.size:
        first = np.searchsorted(code[order], np.arange(names.size))
        total = np.add.reduceat(np.where(known, matrix, 0.0)[order], first, axis=0)
        count = np.add.reduceat(known[order].astype(np.float64), first, axis=0)
    return GroupSums(total, count)


def correct_small_sample(n_groups: NDArray[np.int64]) -> Floats:
    """G / (G - 1) for each column; NaN with fewer than two groups."""
    return divide(n_groups.astype(np.float64), n_groups.astype(np.float64) - 1)


def divide(top: Floats, bottom: Floats) -> Floats:
    """top / bottom, NaN where the bottom is not positive."""
    shape = np.broadcast_shapes(np.shape(top), np.shape(bottom))
    return np.divide(top, bottom, out=np.full(shape, np.nan), where=np.asarray(bottom) > 0)


def studentise(shift: Floats, error: Floats) -> Floats:
    """shift / error; 0 / 0 is 0 (nothing moved), and x / 0 is infinite."""
    flat = error == 0
    t = shift / np.where(flat, 1.0, error)
    return np.where(flat & (shift != 0), np.copysign(np.inf, shift), t)
