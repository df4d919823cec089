"""Edges that are left out of the fit, because what happens there is the question."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError

KEEP_AWAY_BP = 60


def near_sites(
    chrom: NDArray[np.str_],
    edges: NDArray[np.int64],
    tables: Sequence[pd.DataFrame],
    *,
    keep_away_bp: int = KEEP_AWAY_BP,
) -> NDArray[np.bool_]:
    """Which edges lie within `keep_away_bp` of a site or of a motif instance, on either strand.

    Parameters
    ----------
    chrom : (n,) the chromosome of each row of edges.
    edges : int64 (n, m), plus-strand edges.
    tables : with `chrom` and `edge`; rows with a `width_bp` need their `strand`: the motif covers
        the edges from `edge` on + to edge + width, on - to edge - width.

    Raises
    ------
    InputError : a table lacks a column.
    """
    near = np.zeros(edges.shape, dtype=bool)
    parts = [_cover(table) for table in tables]
    if not parts:
        return near
    covered = pd.concat(parts, ignore_index=True)
    for name, rows in covered.groupby("chrom", sort=True):
        windows = np.flatnonzero(chrom == name)
        if not windows.size:
            continue
        low = np.sort(rows["low"].to_numpy(dtype=np.int64) - keep_away_bp)
        high = np.sort(rows["high"].to_numpy(dtype=np.int64) + keep_away_bp)
        wanted = edges[windows]
        # Ranges that began at or before the edge, less those that ended before it.
        begun = np.searchsorted(low, wanted, side="right")
        ended = np.searchsorted(high, wanted, side="left")
        near[windows] = begun > ended
    return near


def _cover(table: pd.DataFrame) -> pd.DataFrame:
    """Closed ranges `low`..`high` of edges that each row covers."""
    wanted = ["chrom", "edge"]
    if "width_bp" in table.columns:
        wanted.append("strand")
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise InputError(
            f"table of sites to keep away from lacks the columns {', '.join(missing)}; see "
            "docs/contracts.md"
        )
    edge = table["edge"].to_numpy(dtype=np.int64)
    width = np.zeros(len(table), dtype=np.int64)
    if "width_bp" in table.columns:
        width = table["width_bp"].fillna(0).to_numpy(dtype=np.int64)
        width = np.where(table["strand"].to_numpy(dtype=object) == "-", -width, width)
    return pd.DataFrame(
        {
            "chrom": table["chrom"].to_numpy(dtype=object),
            "low": np.minimum(edge, edge + width),
            "high": np.maximum(edge, edge + width),
        }
    )
