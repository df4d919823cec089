"""Which site a variant lies next to, and where that site's edge is once the variant is made.

An edge 5' of all replaced bases (on the + strand) keeps its place, one behind them moves by the
change in length. Between them, no place is right: of an insertion exactly on the edge nobody can
say on which side it is. An indel in a repeat slides (`vcf.spread_indel`), so it must leave the
edge outside of all the places that it can slide to; an exchange of as many bases as there were
moves no edge, wherever it is.

    edge x        first       last
      |  unmoved    [ replaced )   moved by len(inserted) - (end - start)
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.sites.vcf import USABLE

FAR = "no site within reach"
AMBIGUOUS = "the edge lies in the changed bases, or the indel can slide over it"
SITE_COLUMNS = ("site_id", "edge", "strand", "kind", "set", "group")


def find_nearest(variants: pd.DataFrame, sites: pd.DataFrame, *, reach_bp: int) -> pd.DataFrame:
    """The nearest site of each usable allele, and the allele's place on its strand.

    Parameters
    ----------
    variants : `Variants.table`.
    sites : SiteTable under the genome's names.
    reach_bp : bases between the changed stretch and the edge that are still near, >= 0.

    Returns
    -------
    A new table, rows as in `variants`, with `site_id, edge, strand, kind, set, group` of the site
    (missing where there is none), `distance_bp` (bases between the stretch that changes and the
    edge, 0 if they touch), `offset` (the edge on the 5' side of that stretch, in bp from the
    site's edge on its strand; an SNV of the first base downstream has offset 0) and `edge_shift`
    (how far the edge moves on the + strand). Of sites at one distance the first in order of
    edge, strand, kind and id counts. `status` says why a usable allele has no site.

    Raises
    ------
    InputError : reach_bp < 0.
    """
    if reach_bp < 0:
        raise InputError(f"reach_bp is {reach_bp}; wanted at least 0")
    ordered = sites.sort_values(["edge", "strand", "kind", "site_id"], kind="stable")
    by_chrom = dict(list(ordered.groupby("chrom", sort=False)))
    status = variants["status"].tolist()
    chosen: list[int | None] = [None] * len(variants)
    numbers: list[tuple[int | None, int | None, int | None]] = [(None, None, None)] * len(variants)
    fields = ("chrom", "start", "end", "inserted", "first", "last")
    columns = [variants[name].tolist() for name in fields]
    for row, (chrom, start, end, inserted, first, last) in enumerate(zip(*columns, strict=True)):
        if status[row] != USABLE:
            continue
        near = by_chrom.get(chrom)
        pick, distance = (None, 0) if near is None else _pick(near, first, last)
        if near is None or pick is None or distance > reach_bp:
            status[row] = FAR
            continue
        edge, strand = int(near["edge"].iloc[pick]), near["strand"].iloc[pick]
        shift = move_edge(edge, first, last, len(inserted) - (end - start))
        offset = first - edge if strand == "+" else edge - last
        chosen[row], numbers[row] = int(near.index[pick]), (distance, offset, shift)
        if shift is None:
            status[row] = AMBIGUOUS
    result = variants.assign(status=status).reset_index(drop=True)
    # Row -1 of the table of sites with one empty row behind it.
    empty = pd.DataFrame([dict.fromkeys(SITE_COLUMNS)], index=[-1])
    picked = pd.Index([-1 if index is None else index for index in chosen])
    for name in SITE_COLUMNS:
        values = pd.concat([sites[name].astype(object), empty[name].astype(object)])
        result[name] = values.loc[picked].to_numpy()
    result["edge"] = result["edge"].astype("Int64")
    for name, values in zip(
        ("distance_bp", "offset", "edge_shift"), zip(*numbers, strict=True), strict=True
    ):
        result[name] = pd.array(list(values), dtype="Int64")
    return result


def move_edge(edge: int, first: int, last: int, growth: int) -> int | None:
    """How far an edge moves; None where that is not defined.

    Parameters
    ----------
    first, last : the stretch of bases that the variant may change, first <= last.
    growth : inserted minus replaced bases.
    """
    if growth == 0:
        return 0
    is_before, is_behind = edge <= first, edge >= last
    if is_before == is_behind:
        return None
    return 0 if is_before else growth


def _pick(near: pd.DataFrame, first: int, last: int) -> tuple[int | None, int]:
    """Row number of the nearest site of a chromosome's, and its distance."""
    edges: NDArray[np.int64] = near["edge"].to_numpy(dtype=np.int64)
    low, high = int(np.searchsorted(edges, first)), int(np.searchsorted(edges, last, side="right"))
    if low < high:  # sites that the stretch touches or holds
        return low, 0
    best: tuple[int | None, int] = (None, 0)
    if low:
        left = int(np.searchsorted(edges, edges[low - 1]))
        best = left, int(first - edges[left])
    if high < len(edges):
        distance = int(edges[high] - last)
        if best[0] is None or distance < best[1]:
            best = high, distance
    return best
