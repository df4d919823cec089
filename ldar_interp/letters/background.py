"""What the null is fitted on: windows of the genome with the p of edges that are near no site.

Reverse reads are just more reads: the null knows only the letters as the model saw them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.letters.blocks import Blocks
from ldar_interp.letters.exclusion import KEEP_AWAY_BP, near_sites


@dataclass(frozen=True, eq=False)
class Background:
    """Windows of L bases and the p of their edges; row i of everything is one window.

    `ids` (n, L) 5' to 3' as the model read them, `prob` (n, L) of the edge before each base: NaN
    in the margins and, once they are left out, near sites. `chrom`, `start` (first base on the
    plus strand), `is_reverse` and `block` (a number of `blocks`) are (n,). `strands` is `both` or
    `forward`; `counts` says what was drawn and left out.
    """

    ids: NDArray[np.uint8]
    prob: NDArray[np.float32]
    chrom: NDArray[np.str_]
    start: NDArray[np.int64]
    is_reverse: NDArray[np.bool_]
    block: NDArray[np.int64]
    blocks: Blocks
    strands: str
    counts: dict[str, Any]

    def __len__(self) -> int:
        return self.start.size

    def edges(self) -> NDArray[np.int64]:
        """Plus-strand edge of every value, int64 (n, L)."""
        length = self.ids.shape[1]
        steps = np.arange(length, dtype=np.int64)
        # Edge t of a window read on the other strand is edge L - t on this one.
        return self.start[:, None] + np.where(self.is_reverse[:, None], length - steps, steps)


def leave_out_sites(
    background: Background, tables: Sequence[pd.DataFrame], *, keep_away_bp: int = KEEP_AWAY_BP
) -> Background:
    """The background with NaN on the edges near sites, whichever strand they are on.

    Parameters
    ----------
    tables : with `chrom` and `edge`; a row that has a `width_bp` (a motif) covers its width from
        `edge` on, along its `strand`.
    keep_away_bp : edges at this distance or less are left out.
    """
    near = near_sites(background.chrom, background.edges(), tables, keep_away_bp=keep_away_bp)
    prob = np.where(near, np.float32(np.nan), background.prob)
    left_out = int((near & np.isfinite(background.prob)).sum())
    counts = {**background.counts, "edges_near_sites": left_out, "keep_away_bp": keep_away_bp}
    return replace(background, prob=prob, counts=counts)
