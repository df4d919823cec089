"""How much of p the null explains on blocks that it did not see, and how sure that is."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.letters.features import KS
from ldar_interp.letters.fit import ESTIMATOR, CrossFit, FitEdges

R2_COLUMNS = (
    *("k", "gc", "estimator", "r2", "ci_low", "ci_high", "n_edges", "n_blocks", "chosen"),
)
QUINTILE_COLUMNS = ("context", "quintile", "gc_mean", "mean_prob", "n_edges")
LETTERS = "ACGT"


class Explained(NamedTuple):
    """R^2 = 1 - SS(residual) / SS(total), with a 95 % interval over blocks."""

    r2: float
    low: float
    high: float
    n_edges: int
    n_blocks: int


def measure_r2(
    prob: NDArray[np.float32],
    expected: NDArray[np.float32],
    block: NDArray[np.int64],
    *,
    n_boot: int = 2000,
    seed: int = 1,
) -> Explained:
    """R^2 of held-out edges (n,), SS(total) about their common mean.

    The interval is a studentised, symmetric bootstrap of blocks: R^2 is a ratio of block sums, its
    standard error the linearised one of each resample. NaN with fewer than three blocks, or if p
    does not vary.

    Raises
    ------
    InputError : no edges, or fewer than 100 resamples.
    """
    if not prob.size or n_boot < 100:
        raise InputError(f"{prob.size} edges and {n_boot} resamples; wanted some and 100 or more")
    y = prob.astype(np.float64)
    names, code = np.unique(block, return_inverse=True)
    sums = np.stack(
        [
            np.bincount(code, weights).astype(np.float64)
            for weights in (np.ones_like(y), y, y * y, (y - expected) ** 2)
        ],
        axis=1,
    )  # (blocks, 4): n, sum p, sum p^2, SS(residual)
    r2, error = _ratio(sums, np.ones((1, names.size)))
    estimate = float(r2[0])
    if names.size < 3 or not np.isfinite(estimate):
        return Explained(estimate, np.nan, np.nan, y.size, names.size)
    rng = np.random.default_rng([seed, 2])
    weights = rng.multinomial(names.size, np.full(names.size, 1 / names.size), size=n_boot)
    drawn, drawn_error = _ratio(sums, weights.astype(np.float64))
    with np.errstate(divide="ignore", invalid="ignore"):
        pivot = np.abs(drawn - estimate) / drawn_error
    # A resample without spread says nothing; counted as far out, it can only widen.
    pivot = np.where(np.isfinite(pivot), pivot, np.inf)
    rank = min(int(np.ceil((n_boot + 1) * 0.95)), n_boot) - 1
    half = float(np.partition(pivot, rank)[rank]) * float(error[0]) if error[0] > 0 else 0.0
    return Explained(estimate, estimate - half, min(estimate + half, 1.0), y.size, names.size)


def _ratio(
    sums: NDArray[np.float64], weights: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """R^2 and its standard error for each row of block weights (rows, blocks)."""
    n, total, square, left = (weights @ sums).T
    mean = total / n
    spread = square - n * mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        r2 = np.where(spread > 0, 1 - left / spread, np.nan)
    # A block's part in SS(left) - (1 - R^2) SS(total), the latter about the common mean.
    by_block = sums[:, 2] - 2 * mean[:, None] * sums[:, 1] + (mean**2)[:, None] * sums[:, 0]
    part = sums[:, 3] - (1 - r2)[:, None] * by_block
    n_blocks = weights.sum(axis=1)
    factor = n_blocks / np.maximum(n_blocks - 1, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(factor * (weights * part**2).sum(axis=1)) / spread
    return r2, error


def r2_table(
    with_gc: CrossFit, without_gc: CrossFit, *, n_boot: int = 2000, seed: int = 1
) -> pd.DataFrame:
    """R^2 for each k with and without GC (columns `R2_COLUMNS`).

    `chosen` marks the row whose k most folds of the null use, with GC; a fold may have chosen
    another.
    """
    rows: list[tuple[object, ...]] = []
    for fit, gc in ((without_gc, "no"), (with_gc, "yes")):
        for k in KS:
            found = measure_r2(
                fit.edges.prob, fit.expected[k], fit.edges.block, n_boot=n_boot, seed=seed
            )
            chosen = "yes" if gc == "yes" and k == with_gc.k else "no"
            rows.append((k, gc, ESTIMATOR, *found, chosen))
    return pd.DataFrame(rows, columns=list(R2_COLUMNS))


def quintile_table(edges: FitEdges) -> pd.DataFrame:
    """Mean p by the two letters across the edge, over quintiles of GC in 200 bp.

    `context` is the letters before and after the edge, `A|C`, as the model read them. Quintiles
    are of all fitted edges together, 1 the poorest in GC; an empty cell has no row.
    """
    cuts = np.quantile(edges.gc_far, [0.2, 0.4, 0.6, 0.8])
    quintile = np.searchsorted(cuts, edges.gc_far, side="left")
    inner = edges.code >> 16  # the innermost pair of ten letters
    cell = inner * 5 + quintile
    n, prob, gc = (
        np.bincount(cell, weights, 80)
        for weights in (None, edges.prob.astype(np.float64), edges.gc_far.astype(np.float64))
    )
    rows = [
        (
            f"{LETTERS[c // 20]}|{LETTERS[c // 5 % 4]}",
            c % 5 + 1,
            gc[c] / n[c],
            prob[c] / n[c],
            int(n[c]),
        )
        for c in range(80)
        if n[c]
    ]
    return pd.DataFrame(rows, columns=list(QUINTILE_COLUMNS))
