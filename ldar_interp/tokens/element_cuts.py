"""The cuts around each element, 5' to 3', and which elements have a value everywhere."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.cuts import Cuts, Domain


@dataclass(frozen=True, eq=False)
class ElementCuts:
    """Cuts on the offsets -context .. w + context of every element.

    `by_width` : width -> (rows, cuts): rows of the element table, int64 (n,), and float32
    (n, w + 2 * context + 1), 0 or 1.
    `edge_ids` : the same shape as `cuts` for each width: which edge it is, so that an edge that
    two elements share can be given one random cut.
    """

    by_width: dict[int, tuple[NDArray[np.int64], NDArray[np.float32]]]
    edge_ids: dict[int, NDArray[np.int64]]


def find_usable(
    elements: pd.DataFrame, domain: Domain, context_bp: int, strand: str
) -> NDArray[np.bool_]:
    """Elements of which all edges within `context_bp` of both borders were evaluated."""
    usable = np.ones(len(elements), dtype=bool)
    for width, rows in _group_widths(elements).items():
        edges = _list_edges(elements, rows, width, context_bp)
        for place, here in _group_places(elements, rows, strand).items():
            usable[rows[here]] = domain.holds(place, edges[here]).all(axis=1)
    return usable


def read_cuts(elements: pd.DataFrame, cuts: Cuts, context_bp: int, strand: str) -> ElementCuts:
    """Cuts around every element, on the orientation that its strand asks for.

    `strand` is `transcript` (elements on - read the reverse orientation) or `forward`.
    """
    by_width, edge_ids = {}, {}
    chroms = sorted(set(elements["chrom"]))
    for width, rows in _group_widths(elements).items():
        edges = _list_edges(elements, rows, width, context_bp)
        found = np.empty(edges.shape, dtype=np.float32)
        ids = np.empty(edges.shape, dtype=np.int64)
        for place, here in _group_places(elements, rows, strand).items():
            found[here] = cuts.at(place, edges[here])
            ids[here] = edges[here] * len(chroms) + chroms.index(place[1])
        by_width[width] = (rows, found)
        edge_ids[width] = ids
    return ElementCuts(by_width, edge_ids)


def _group_widths(elements: pd.DataFrame) -> dict[int, NDArray[np.int64]]:
    width = elements["width_bp"].to_numpy(dtype=np.int64)
    return {int(w): np.flatnonzero(width == w) for w in np.unique(width)}


def _list_edges(
    elements: pd.DataFrame, rows: NDArray[np.int64], width: int, context_bp: int
) -> NDArray[np.int64]:
    """Edges (n, w + 2 * context + 1), 5' to 3' of each element's strand."""
    offsets = np.arange(-context_bp, width + context_bp + 1)
    sign = np.where(elements["strand"].to_numpy(dtype=object)[rows] == "-", -1, 1)
    edge = elements["edge"].to_numpy(dtype=np.int64)[rows]
    return np.asarray(edge[:, None] + sign[:, None] * offsets, dtype=np.int64)


def _group_places(
    elements: pd.DataFrame, rows: NDArray[np.int64], strand: str
) -> dict[tuple[str, str], NDArray[np.int64]]:
    """Positions in `rows` by orientation and chromosome."""
    part = elements.iloc[rows]
    reverse = (part["strand"] == "-").to_numpy() & (strand == "transcript")
    orientation = np.where(reverse, "reverse", "forward")
    chrom = part["chrom"].to_numpy(dtype=object)
    return {
        (str(o), str(c)): np.flatnonzero((orientation == o) & (chrom == c))
        for o, c in sorted(set(zip(orientation.tolist(), chrom.tolist(), strict=True)))
    }
