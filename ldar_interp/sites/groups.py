"""The unit of independence of an edge: its merged gene locus, or a 1-Mb block.

Edges that lie close together share sequence and are no independent evidence. Where genes are
known, an edge belongs to the locus that holds it (overlapping genes are one locus, see `genes`);
where none is, to the megabase that it lies in.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.sites.loci import FAR_AWAY_BP

BLOCK_BP = 1_000_000
GENE_COLUMNS = ("chrom", "start", "end", "group")


def find_groups(
    chroms: NDArray[np.object_],
    edges: NDArray[np.int64],
    genes: pd.DataFrame | None = None,
    *,
    margin_bp: int = 0,
) -> NDArray[np.object_]:
    """Name the group of each edge.

    Parameters
    ----------
    chroms, edges : chromosome names and edges, (n,).
    genes : `chrom, start, end, group`, such as `SpliceAnnotation.genes`; overlapping genes must
        have one group. None: blocks for all.
    margin_bp : an edge this far outside a group still belongs to it, to the nearer of two.

    Returns
    -------
    Text (n,): the group of the genes with start - margin <= edge <= end + margin, else `chr3:42Mb`
    for the block of 1 Mb that begins at 42,000,000.

    Raises
    ------
    InputError : `genes` lacks a column, or two groups overlap.
    """
    blocks = [
        f"{c}:{e // BLOCK_BP}Mb" for c, e in zip(chroms.tolist(), edges.tolist(), strict=True)
    ]
    result = np.array(blocks, dtype=object)
    if genes is None:
        return result
    missing = [column for column in GENE_COLUMNS if column not in genes.columns]
    if missing:
        raise InputError(f"genes lack column {missing[0]!r}; wanted {', '.join(GENE_COLUMNS)}")
    spans = genes.groupby(["chrom", "group"], sort=True).agg(
        start=("start", "min"), end=("end", "max")
    )
    for chrom, rows in spans.reset_index().groupby("chrom", sort=True):
        ordered = rows.sort_values("start")
        start, end = ordered["start"].to_numpy(), ordered["end"].to_numpy()
        names = ordered["group"].to_numpy(dtype=object)
        crossing = np.flatnonzero(start[1:] < end[:-1])
        if len(crossing):
            i = int(crossing[0])
            raise InputError(
                f"genes of the groups {names[i]!r} and {names[i + 1]!r} overlap on {chrom}; wanted "
                "one group for genes that overlap"
            )
        here = np.flatnonzero(chroms == chrom)
        right = np.searchsorted(start, edges[here], side="right")
        after = np.append(start, FAR_AWAY_BP)[right] - edges[here]
        before = np.maximum(0, edges[here] - np.insert(end, 0, -FAR_AWAY_BP)[right])
        nearest = np.where(before <= after, right - 1, right)
        inside = np.minimum(before, after) <= margin_bp
        result[here[inside]] = names[nearest[inside]]
    return result
