"""Fit the null, choose its settings and measure what it explains, nothing ever seen before.

Folds f = 0..F-1 of blocks. For each f, k and the penalty are chosen by R^2 on the next fold f + 1,
under fits without either; then a fit without f predicts f:

    fold      0   1   2   3 ..          choose for 0: fit on 2, 3, ..  measured on 1
              ?   c   x   x             predict 0:    fit on 1, 2, 3, ..

So neither the coefficients nor the settings know the block that is predicted. Only the mean and
spread of GC are taken from all edges: they do not involve p.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.letters.background import Background
from ldar_interp.letters.backoff import (
    Coefficients,
    Sums,
    add_up,
    predict,
    scale_gc,
    solve_levels,
)
from ldar_interp.letters.blocks import deal_folds
from ldar_interp.letters.features import KS, check_k, measure_edges
from ldar_interp.letters.fitted import list_fitted
from ldar_interp.letters.kmer_null import KmerNull

SHRINKS = (1.0, 4.0, 16.0)
ESTIMATOR = "backoff_ridge"


@dataclass(frozen=True, eq=False)
class FitEdges:
    """Edges that can be fitted: all (n,), in the order of the background's windows.

    `chrom` and `edge` say where they lie, on the plus strand.
    """

    code: NDArray[np.int32]
    gc_near: NDArray[np.float32]
    gc_far: NDArray[np.float32]
    prob: NDArray[np.float32]
    block: NDArray[np.int64]
    chrom: NDArray[np.str_]
    edge: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class CrossFit:
    """A null with what it said of every edge of its background, from fits without its block.

    `expected` maps k to float32 (n,), each with its penalty chosen for that k; `chosen` is what the
    null itself says. `k` is the k of most folds.
    """

    null: KmerNull
    edges: FitEdges
    expected: dict[int, NDArray[np.float32]]
    chosen: NDArray[np.float32]
    k: int


def gather_edges(background: Background) -> FitEdges:
    """Edges with p and features, out of windows; features know their neighbours left out or not."""
    features = measure_edges(background.ids, 10)
    used = features.known & np.isfinite(background.prob)
    return FitEdges(
        features.code[used],
        features.gc_near[used],
        features.gc_far[used],
        background.prob[used],
        np.broadcast_to(background.block[:, None], used.shape)[used],
        np.broadcast_to(background.chrom[:, None], used.shape)[used],
        background.edges()[used],
    )


def fit_null(
    background: Background,
    *,
    k: int | Literal["auto"] = "auto",
    gc: bool = True,
    shrinks: tuple[float, ...] = SHRINKS,
    provenance: dict[str, Any] | None = None,
) -> CrossFit:
    """Fit E[p | k letters, GC] for every fold of blocks and for all edges.

    Parameters
    ----------
    background : from `sample_background`, with the edges near sites left out.
    k : letters around the edge, even, 2..10, or chosen on held-out blocks.
    gc : whether GC is known; without it the null is a plain k-mer table.
    shrinks : penalties to choose from.
    provenance : kept in the null, with what the fit adds.

    Returns
    -------
    CrossFit; `.null` is the KmerNull.

    Raises
    ------
    InputError : a k that is not possible, or fewer than three blocks with edges.
    """
    if k != "auto":
        check_k(k)
    edges = gather_edges(background)
    n_by_block = np.bincount(edges.block, minlength=len(background.blocks))
    fold_of_block = deal_folds(n_by_block)
    scale = scale_gc(edges.gc_near, edges.gc_far, used=gc)
    x = scale.design(edges.gc_near, edges.gc_far)
    fold = fold_of_block[edges.block]
    n_folds = int(fold_of_block.max()) + 1
    seen = np.unique(edges.code)
    total = add_up(edges.code, x, edges.prob, seen)
    rows = [np.flatnonzero(fold == f) for f in range(n_folds)]

    def sums_of(f: int) -> Sums:
        return add_up(edges.code[rows[f]], x[rows[f]], edges.prob[rows[f]], seen)

    next_sums = sums_of(0)

    expected = {one: np.empty(edges.prob.size, dtype=np.float32) for one in KS}
    chosen = np.empty(edges.prob.size, dtype=np.float32)
    fits: list[Coefficients] = []
    settings: list[tuple[int, float]] = []
    for f in range(n_folds):
        own_sums, next_sums = next_sums, sums_of((f + 1) % n_folds)
        without = total - own_sums
        test = rows[(f + 1) % n_folds]
        best = _choose_shrink(
            without - next_sums,
            edges.code[test], x[test], edges.prob[test], shrinks,
        )  # fmt: skip
        use = k if k != "auto" else min(KS, key=lambda one: (best[one][1], one))
        settings.append((use, best[use][0]))
        for shrink in sorted({value for value, _ in best.values()}):
            ks = tuple(one for one in KS if best[one][0] == shrink)
            for one, fit in solve_levels(without, shrink=shrink, ks=ks).items():
                expected[one][rows[f]] = predict(fit, edges.code[rows[f]], x[rows[f]])
                if one == use:
                    fits.append(fit)
        chosen[rows[f]] = expected[use][rows[f]]
    # Most folds' settings; of equals the smaller k, then the larger penalty.
    most = max(settings, key=lambda found: (settings.count(found), -found[0], found[1]))
    settings.append(most)
    fits.append(solve_levels(total, shrink=most[1], ks=(most[0],))[most[0]])
    null = KmerNull(
        blocks=background.blocks,
        fold=fold_of_block,
        beta=np.stack([fit.beta for fit in fits]),
        tail=np.stack([fit.tail for fit in fits]),
        scale=scale,
        k=np.array([found[0] for found in settings], dtype=np.int64),
        shrink=np.array([found[1] for found in settings]),
        strands=background.strands,
        fitted=list_fitted(edges.chrom, edges.edge),
        provenance={
            **(provenance or {}),
            "estimator": ESTIMATOR,
            "background": background.counts,
            "edges_fitted": int(edges.prob.size),
            "folds": n_folds,
        },
    )
    return CrossFit(null, edges, expected, chosen, most[0])


def _choose_shrink(
    sums: Sums,
    code: NDArray[np.int32],
    x: NDArray[np.float32],
    prob: NDArray[np.float32],
    shrinks: tuple[float, ...],
) -> dict[int, tuple[float, float]]:
    """For each k, the penalty with the least squared error on these edges, and that error."""
    if not shrinks or min(shrinks) <= 0:
        raise InputError(f"penalties {shrinks}; wanted one or more above 0")
    best: dict[int, tuple[float, float]] = {}
    for shrink in shrinks:
        for k, fit in solve_levels(sums, shrink=shrink, ks=KS).items():
            error = float(((prob - predict(fit, code, x)).astype(np.float64) ** 2).sum())
            if k not in best or error < best[k][1]:
                best[k] = (shrink, error)
    return best
