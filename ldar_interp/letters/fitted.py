"""Which edges a null was fitted on, so that a later run can ask whether its sites were left out.

A null that saw the sites has part of what is special about them in its expectation: their residual
comes out too small. What a fit left out cannot be checked afterwards by the name of a table, but
what it used can: these edges are kept with the null, as ranges.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.letters.exclusion import KEEP_AWAY_BP, near_sites


@dataclass(frozen=True, eq=False)
class FittedEdges:
    """Closed ranges `low`..`high` of plus-strand edges on `chrom`, all (n,), not overlapping."""

    chrom: NDArray[np.str_]
    low: NDArray[np.int64]
    high: NDArray[np.int64]

    @property
    def n_edges(self) -> int:
        """Edges in all ranges."""
        return int((self.high - self.low + 1).sum())

    def count_near(
        self, tables: Sequence[pd.DataFrame], *, keep_away_bp: int = KEEP_AWAY_BP
    ) -> int:
        """How many of these edges lie within `keep_away_bp` of a site or of a motif instance.

        Parameters
        ----------
        tables : as for `near_sites`.

        Raises
        ------
        InputError : a table lacks a column.
        """
        size = self.high - self.low + 1
        within = np.arange(self.n_edges) - np.repeat(np.cumsum(size) - size, size)
        edges = np.repeat(self.low, size) + within
        chrom = np.repeat(self.chrom, size)
        return int(near_sites(chrom, edges[:, None], tables, keep_away_bp=keep_away_bp).sum())


def list_fitted(chrom: NDArray[np.str_], edges: NDArray[np.int64]) -> FittedEdges:
    """The ranges of edges (n,), in any order; one that comes twice counts once."""
    names, low, high = [], [], []
    for name in np.unique(chrom).tolist():
        own = np.unique(edges[chrom == name])
        first = np.flatnonzero(np.diff(own, prepend=own[0] - 2) > 1)
        names += [name] * first.size
        low.append(own[first])
        high.append(own[np.append(first[1:], own.size) - 1])
    none = np.empty(0, dtype=np.int64)
    return FittedEdges(
        np.array(names, dtype=np.str_),
        np.concatenate([none, *low]),
        np.concatenate([none, *high]),
    )
