"""Hard cuts and the tokens between them, on consecutive edges.

    edge     100   101   102   103   104   105
    p         .9    .1    .7    NaN   .2    .8
    cut        |           |                 |
    token      [-- 2 bp --)      not a token: an edge inside was not evaluated

A token is what lies between two neighbouring cuts, if every edge between them was evaluated. What
reaches a gap or an end of the values is incomplete and is no token.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.boundaries.track import BOUNDARY_THRESHOLD


class Tokens(NamedTuple):
    """Complete tokens [start, end) in order, and the mean p of their edges, both cuts included."""

    start: NDArray[np.int64]
    end: NDArray[np.int64]
    mean_prob: NDArray[np.float64]


def find_cuts(prob: ArrayLike, start: int) -> NDArray[np.int64]:
    """Edges with p > 0.5; `prob` (n,) lies on the edges start, start + 1, .., NaN is no cut."""
    return start + np.flatnonzero(np.asarray(prob) > BOUNDARY_THRESHOLD).astype(np.int64)


def find_tokens(prob: ArrayLike, start: int) -> Tokens:
    """Complete tokens of consecutive edges; `prob` (n,) lies on the edges start, start + 1, .."""
    values = np.asarray(prob, dtype=np.float64)
    cuts = np.flatnonzero(values > BOUNDARY_THRESHOLD)
    first, last = cuts[:-1], cuts[1:]
    # Sums over edges first..last are differences of running sums; NaN would spoil them all.
    missing = np.concatenate([[0], np.cumsum(np.isnan(values))])
    total = np.concatenate([[0.0], np.cumsum(np.nan_to_num(values))])
    whole = missing[last + 1] == missing[first]
    first, last = first[whole], last[whole]
    mean = (total[last + 1] - total[first]) / (last + 1 - first)
    return Tokens(start + first.astype(np.int64), start + last.astype(np.int64), mean)


def find_runs(values: ArrayLike, *, missing: bool = False) -> list[tuple[int, int]]:
    """Runs [first, end) of indices that hold a value, or none if `missing`; ascending."""
    wanted = np.isnan(np.asarray(values)) == missing
    change = np.flatnonzero(np.diff(np.concatenate([[0], wanted.astype(np.int8), [0]])))
    return list(zip(change[::2].tolist(), change[1::2].tolist(), strict=True))
