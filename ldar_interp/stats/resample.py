"""Resampling by group: intervals, tests and their adjustment.

Sites of one gene are not independent, so nothing here resamples sites. All statistics are
written on group sums, D (groups x columns) of the values and N of their counts, where a column is
an offset; the site-weighted mean is sum(D) / sum(N), and every resampling is a matrix product.

Interval: cluster bootstrap, studentised and symmetric. Groups are drawn with replacement, the
standard error is recomputed in each replicate, and the half width is the 95 % quantile of
|t*| times the standard error. In simulations with 30-50 groups of log-normal sizes, this covers
93-97 % where percentile intervals cover 90-94 % and BCa 88-91 % (tests/statistics).

Test: sign flips of whole groups at all columns together. The standard error is recomputed in each
flip, and the maximum of |t| over columns gives family-wise p-values (Westfall and Young 1993).

Both use the linearised standard error of a ratio of group sums,
    se^2 = G / (G - 1) * sum_g (D_g - mean * N_g)^2 / (sum_g N_g)^2.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from ldar_interp.errors import InputError
from ldar_interp.stats.grouping import (
    Floats,
    correct_small_sample,
    divide,
    studentise,
    sum_by_group,
)

_BLOCK_NUMBERS = 4_000_000  # 32 MB of float64 in each temporary array
_TIE = 1 - 1e-9  # a flip that equals the observed split must count in spite of rounding


@dataclass(frozen=True, slots=True, eq=False)
class MeanInterval:
    """Site-weighted means with cluster-bootstrap intervals; arrays of (n_columns,).

    `low` and `high` are NaN where fewer than `min_groups` groups or `min_sites` values are.
    `standard_error` is NaN with fewer than two groups.
    """

    mean: Floats
    standard_error: Floats
    low: Floats
    high: Floats
    n: NDArray[np.int64]
    n_groups: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class SignFlipTest:
    """Two-sided sign-flip p-values; arrays of (n_columns,), NaN where too few groups.

    `p_value` is for each column by itself, `p_maxt` is family-wise over the columns.
    `n_flips` is B of p = (b + 1) / (B + 1).
    """

    t: Floats
    p_value: Floats
    p_maxt: Floats
    n_flips: int


def draw_group_weights(
    n_groups: int, n_boot: int, rng: np.random.Generator, *, width: int = 1
) -> Iterator[Floats]:
    """Bootstrap weights, how often each group is drawn, as blocks of (block, n_groups).

    `width` is how many numbers a replicate needs beside its weights; it bounds the block.
    """
    share = np.full(n_groups, 1 / n_groups)
    block = max(1, _BLOCK_NUMBERS // max(n_groups, width))
    for begin in range(0, n_boot, block):
        size = min(block, n_boot - begin)
        yield rng.multinomial(n_groups, share, size=size).astype(np.float64)


def bootstrap_mean(
    values: ArrayLike,
    group: ArrayLike,
    *,
    n_boot: int,
    rng: np.random.Generator,
    level: float = 0.95,
    min_groups: int = 2,
    min_sites: int = 1,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> MeanInterval:
    """Site-weighted means of columns with studentised cluster-bootstrap intervals.

    Parameters
    ----------
    values : (n,) or (n, n_columns); NaN values are left out, column by column.
    group : (n,) labels of the units that are resampled.
    n_boot : replicates, >= 100.
    level : coverage wanted.
    min_groups, min_sites : columns with less get no interval (NaN).
    bounds : the range that the mean can have; intervals are cut to it.

    Raises
    ------
    InputError : n_boot < 100, or values and labels do not fit together.
    """
    if n_boot < 100:
        raise InputError(f"n_boot is {n_boot}; wanted at least 100")
    sums = sum_by_group(values, group)
    n = sums.count.sum(axis=0)
    mean = divide(sums.total.sum(axis=0), n)
    resid = sums.total - np.nan_to_num(mean) * sums.count
    factor = correct_small_sample(sums.n_groups)
    error = divide(np.sqrt(factor * (resid**2).sum(axis=0)), n)

    is_enough = (sums.n_groups >= max(2, min_groups)) & (n >= min_sites)
    if not is_enough.any():
        none = np.full(mean.size, np.nan)
        return MeanInterval(mean, error, none, none, n.astype(np.int64), sums.n_groups)
    # Without NaN the counts are the same in every column: two of the five products become thin.
    count = sums.count[:, :1] if (sums.count == sums.count[:, :1]).all() else sums.count
    square, square_n = resid**2, count**2
    cross = None if _is_even(count) else resid * count
    n_columns = mean.size
    pivots = np.empty((n_boot, n_columns))
    begin = 0
    for weight in draw_group_weights(sums.total.shape[0], n_boot, rng, width=n_columns):
        drawn = weight @ count
        moved = weight @ resid
        crossed = moved * count[0] if cross is None else weight @ cross
        shift = divide(moved, drawn)
        spread = weight @ square - 2 * shift * crossed + shift**2 * (weight @ square_n)
        spread = np.sqrt(factor * np.maximum(spread, 0))
        pivots[begin : begin + len(weight)] = studentise(shift, divide(spread, drawn))
        begin += len(weight)
    half = scale_by_quantile(pivots, error, level)
    half[~is_enough] = np.nan
    return MeanInterval(
        mean=mean,
        standard_error=error,
        low=np.clip(mean - half, *bounds),
        high=np.clip(mean + half, *bounds),
        n=n.astype(np.int64),
        n_groups=sums.n_groups,
    )


def sign_flip_test(
    values: ArrayLike,
    group: ArrayLike,
    *,
    n_flips: int,
    rng: np.random.Generator,
    min_groups: int = 2,
    min_sites: int = 1,
) -> SignFlipTest:
    """Is the site-weighted mean of paired differences zero? Signs of whole groups are flipped.

    Where there are no more than `n_flips` arrangements besides the observed one, all are used
    once and p is exact; else `n_flips` are drawn. Either way p = (b + 1) / (B + 1), never 0.

    Parameters
    ----------
    values : (n,) or (n, n_columns) of differences, symmetric about 0 under the null.
    group : (n,) labels; one sign for a group, the same at all columns.
    n_flips : B, >= 99.
    min_groups, min_sites : columns with less are not tested and leave the family (NaN).

    Raises
    ------
    InputError : n_flips < 99, or values and labels do not fit together.
    """
    if n_flips < 99:
        raise InputError(f"n_flips is {n_flips}; wanted at least 99")
    sums = sum_by_group(values, group)
    n = sums.count.sum(axis=0)
    kept = (sums.n_groups >= max(2, min_groups)) & (n >= min_sites)
    t, p_value, p_maxt = (np.full(n.size, np.nan) for _ in range(3))
    if not kept.any():
        return SignFlipTest(t, p_value, p_maxt, n_flips)
    total, count, n = sums.total[:, kept], sums.count[:, kept], n[kept]
    factor = correct_small_sample(sums.n_groups[kept])
    square, square_n = (total**2).sum(axis=0), (count**2).sum(axis=0)
    cross = None if _is_even(count) else total * count

    def test_statistic(signs: Floats) -> Floats:
        moved = signs @ total
        crossed = moved * count[0] if cross is None else signs @ cross
        mean = moved / n
        spread = square - 2 * mean * crossed + mean**2 * square_n
        # Rounding leaves about 1e-16 of the terms where all groups agree exactly.
        spread = np.maximum(spread, 1e-12 * square)
        return studentise(mean, np.sqrt(factor * spread) / n)

    observed = test_statistic(np.ones((1, total.shape[0])))[0]
    bar = np.abs(observed) * _TIE
    beyond, beyond_max, used = np.zeros(n.size), np.zeros(n.size), 0
    for signs in _draw_signs(total.shape[0], n_flips, rng, width=n.size):
        size = np.abs(test_statistic(signs))
        beyond += (size >= bar).sum(axis=0)
        beyond_max += (size.max(axis=1, keepdims=True) >= bar).sum(axis=0)
        used += len(signs)
    t[kept] = observed
    p_value[kept], p_maxt[kept] = (beyond + 1) / (used + 1), (beyond_max + 1) / (used + 1)
    return SignFlipTest(t, p_value, p_maxt, used)


def adjust_bh(p_values: ArrayLike) -> Floats:
    """Benjamini-Hochberg q-values of p-values (n,); NaN is no member of the family and stays."""
    p = np.asarray(p_values, dtype=np.float64)
    q = np.full(p.shape, np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known], method="bh")
    return q


def scale_by_quantile(pivots: Floats, error: Floats, level: float) -> Floats:
    """Half widths: standard errors (n_columns,) times the `level` quantile of |t*| (rows).

    The quantile is an order statistic. Replicates whose standard error is 0, or that drew no
    value at all, count as infinitely far out, which can only widen. A column that does not vary
    has half width 0.
    """
    size = np.where(np.isnan(pivots), np.inf, np.abs(pivots))
    rank = min(int(np.ceil((len(pivots) + 1) * level)), len(pivots)) - 1
    quantile = np.partition(size, rank, axis=0)[rank]
    return np.asarray(np.where(error == 0, 0.0, quantile) * error)


def _is_even(count: Floats) -> bool:
    """Have all groups the same number of values? The product with counts is then a multiple."""
    return bool(count.size) and bool((count == count[0]).all())


def _draw_signs(
    n_groups: int, n_flips: int, rng: np.random.Generator, *, width: int
) -> Iterator[Floats]:
    """Blocks of +-1 (block, n_groups): every arrangement but the observed one, or a sample."""
    block = max(1, _BLOCK_NUMBERS // max(n_groups, width))
    exact = n_groups < 60 and 2**n_groups - 1 <= n_flips
    last = 2**n_groups - 1 if exact else n_flips
    for begin in range(0, last, block):
        size = min(block, last - begin)
        if exact:
            code = np.arange(begin + 1, begin + size + 1)[:, None]
            bits = code >> np.arange(n_groups) & 1
        else:
            bits = rng.integers(0, 2, size=(size, n_groups), dtype=np.int8)
        yield 1 - 2 * bits.astype(np.float64)
