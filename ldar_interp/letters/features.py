"""What the null knows of an edge: the k letters around it, and GC in the 50 and 200 bp around it.

    letters   .. A C G | T T A ..        edge t between base t - 1 and base t
    code_2           G   T               (G, T)
    code_4         C G   T T             code_2 * 16 + (C, T)
    code_6       A C G   T T A           code_4 * 16 + (A, A)

A code grows outwards, a pair of letters at a time, so that the code of the inner k - 2 letters is
`code >> 4`: backing off is a shift. Everything is read on the strand that the model read.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import C, G, N

KS = (2, 4, 6, 8, 10)
GC_NEAR_BP, GC_FAR_BP = 50, 200
REACH_BP = GC_FAR_BP // 2
"""Bases needed on each side of an edge; without them, or with an N among them, nothing is known."""


class EdgeFeatures(NamedTuple):
    """Features of the edges 0..L-1 of windows of L bases, the edge t before base t; all (n, L).

    `code` is int32, 0 where not `known`; `gc_near` and `gc_far` are float32 shares in [0, 1], 0
    where not `known`. `known` is false within 100 bp of an end of the window or of an N.
    """

    code: NDArray[np.int32]
    gc_near: NDArray[np.float32]
    gc_far: NDArray[np.float32]
    known: NDArray[np.bool_]


def check_k(k: int) -> None:
    """Raise InputError if k is not even or not in 2..10."""
    if k not in KS:
        raise InputError(f"k is {k}; wanted one of {', '.join(map(str, KS))}")


def measure_edges(ids: NDArray[np.uint8], k: int) -> EdgeFeatures:
    """Features of every edge of windows.

    Parameters
    ----------
    ids : uint8 (n, L), 5' to 3' of the strand that is modelled. Anything but A, C, G, T is unknown.
    k : letters around the edge, even, 2..10.

    Raises
    ------
    InputError : k is not one of these, or ids are not a matrix.
    """
    check_k(k)
    if ids.ndim != 2:
        raise InputError(f"ids have shape {ids.shape}; wanted windows x bases")
    n, length = ids.shape
    code = np.zeros((n, length), dtype=np.int32)
    near, far = (np.zeros((n, length), dtype=np.float32) for _ in range(2))
    known = np.zeros((n, length), dtype=bool)
    first, last = REACH_BP, length - REACH_BP  # the edges first..last have all their bases
    if last < first:
        return EdgeFeatures(code, near, far, known)
    # Edge L is no column: a model has no value there, and it is never known.
    size = min(last + 1, length) - first
    inner = slice(first, first + size)
    known[:, inner] = _sum_around(ids >= N, GC_FAR_BP, first, size) == 0
    is_gc = (ids == C) | (ids == G)
    near[:, inner] = _sum_around(is_gc, GC_NEAR_BP, first, size) / np.float32(GC_NEAR_BP)
    far[:, inner] = _sum_around(is_gc, GC_FAR_BP, first, size) / np.float32(GC_FAR_BP)
    letters = np.where(ids < N, ids, 0).astype(np.int32)
    grown = code[:, inner]
    for reach in range(1, k // 2 + 1):
        grown <<= 4
        grown += letters[:, first - reach : first - reach + size] << 2
        grown += letters[:, first + reach - 1 : first + reach - 1 + size]
    for values in (code, near, far):
        values[~known] = 0
    return EdgeFeatures(code, near, far, known)


def _sum_around(flags: NDArray[np.bool_], width: int, first: int, size: int) -> NDArray[np.int32]:
    """Flagged bases among the `width` around the edges first, first + 1, ..: (n, size)."""
    total = np.zeros((flags.shape[0], flags.shape[1] + 1), dtype=np.int32)
    np.cumsum(flags, axis=1, out=total[:, 1:])
    half = width // 2
    return (
        total[:, first + half : first + half + size] - total[:, first - half : first - half + size]
    )
