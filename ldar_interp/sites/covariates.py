"""What stands around an edge: GC, CpG observed/expected and soft mask, from prefix sums.

Every number is a difference of two prefix sums, so an edge costs the same whatever the window.
Sequences are read 5' to 3' of the site's strand: "upstream" is the 5' side on either strand.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ldar_interp.genome.alphabet import C, G, N

NEAR_BP = 50
WIDE_BP = 100

COMPOSITION = (
    "gc_up50",
    "gc_down50",
    "cpg_up50",
    "cpg_down50",
    "gc_200",
    "soft_mask_200",
)
"""Columns of `measure_composition`, in order."""

MATCHED = ("strength", *COMPOSITION)
"""Covariates that rung C2 matches on."""

REPORTED = (*MATCHED, "nearest_edge_bp", "exonic")
"""Covariates of every balance table; the last two are reported and never matched."""


def _accumulate(hits: NDArray[np.bool_]) -> NDArray[np.int32]:
    total = np.zeros(len(hits) + 1, dtype=np.int32)
    np.cumsum(hits, out=total[1:])
    return total


class SequenceSums:
    """Prefix sums over one sequence read 5' to 3'; 24 bytes a base.

    Parameters
    ----------
    ids : letters, uint8 (length,).
    soft_mask : True where the base is soft-masked (lower case), bool (length,).
    """

    def __init__(self, ids: NDArray[np.uint8], soft_mask: NDArray[np.bool_]) -> None:
        self.length = len(ids)
        is_c, is_g = ids == C, ids == G
        is_cpg = np.zeros(len(ids), dtype=bool)
        is_cpg[:-1] = is_c[:-1] & is_g[1:]
        self._c = _accumulate(is_c)
        self._g = _accumulate(is_g)
        self._cpg = _accumulate(is_cpg)
        self._unknown = _accumulate(ids >= N)
        self._soft = _accumulate(soft_mask)

    def has_clean_flank(self, edges: NDArray[np.int64], flank_bp: int) -> NDArray[np.bool_]:
        """Whether the bases [t - flank, t + flank) exist and hold no N, bool (n,)."""
        start, end = edges - flank_bp, edges + flank_bp
        clean = (start >= 0) & (end <= self.length)
        clean[clean] = self._unknown[end[clean]] == self._unknown[start[clean]]
        return clean

    def gc_share(self, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of G and C in the bases [start, end), 0 to 1."""
        gc = self._c[end] - self._c[start] + self._g[end] - self._g[start]
        return gc / (end - start)

    def cpg_ratio(self, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
        """CpG observed/expected, (CpG x length) / (C x G), in the bases [start, end).

        Gardiner-Garden and Frommer (1987, doi:10.1016/0022-2836(87)90689-9). A window without
        C or without G has no CpG and none is expected: the ratio is 0 / 0 and is set to 0, so that
        such windows are alike instead of being dropped.
        """
        c, g = self._c[end] - self._c[start], self._g[end] - self._g[start]
        # A CpG that starts at the last base ends outside.
        cpg = self._cpg[end - 1] - self._cpg[start]
        expected = c.astype(np.float64) * g / (end - start)
        return np.divide(cpg, expected, out=np.zeros(len(expected)), where=expected > 0)

    def soft_share(self, start: NDArray[np.int64], end: NDArray[np.int64]) -> NDArray[np.float64]:
        """Share of soft-masked bases in [start, end), 0 to 1."""
        return (self._soft[end] - self._soft[start]) / (end - start)


def measure_composition(sums: SequenceSums, edges: NDArray[np.int64]) -> NDArray[np.float64]:
    """Composition around edges, float64 (n, 6) in the order of `COMPOSITION`.

    GC and CpG o/e in the 50 bp upstream and the 50 bp downstream of the edge, GC and soft-masked
    share in the 200 bp around it (100 on each side). The windows must lie inside the sequence.
    """
    up, down = edges - NEAR_BP, edges + NEAR_BP
    left, right = edges - WIDE_BP, edges + WIDE_BP
    columns: Sequence[NDArray[np.float64]] = (
        sums.gc_share(up, edges),
        sums.gc_share(edges, down),
        sums.cpg_ratio(up, edges),
        sums.cpg_ratio(edges, down),
        sums.gc_share(left, right),
        sums.soft_share(left, right),
    )
    return np.stack(columns, axis=1)
