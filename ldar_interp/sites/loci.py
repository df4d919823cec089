"""Gene loci and annotated edges: where controls may lie and what they keep away from.

With an annotation, a locus is the genes of one group on one strand and its exons are the union of
theirs. Without one, both are read off the sites themselves: the locus runs from the group's first
site to its last, and read 5' to 3' every stretch between neighbouring sites is exonic, except from
a donor to the next acceptor, which is intronic. First and last exons are then unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ldar_interp.sites.gencode import SpliceAnnotation

LocusKey = tuple[str, str, str]
"""chrom, strand, group."""

FAR_AWAY_BP = 10**9
"""Distance where a chromosome has no annotated edge."""


@dataclass(frozen=True)
class Locus:
    """The genes of one group on one strand of one chromosome.

    `spans`, `exons` and `shared` are sorted, disjoint intervals, int64 (n, 2), 0-based, half-open.
    `shared` are the parts of the spans that a locus of another group on the same strand also
    covers: an edge there has no gene of its own and is nobody's control.
    """

    chrom: str
    strand: str
    group: str
    spans: NDArray[np.int64]
    exons: NDArray[np.int64]
    shared: NDArray[np.int64]


def merge_intervals(intervals: NDArray[np.int64]) -> NDArray[np.int64]:
    """Union of intervals (n, 2), sorted; those that touch become one."""
    pairs = np.asarray(intervals, dtype=np.int64).reshape(-1, 2)
    if len(pairs) == 0:
        return pairs
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    reach = np.maximum.accumulate(pairs[:, 1])
    opens = np.flatnonzero(np.concatenate([[True], pairs[1:, 0] > reach[:-1]]))
    closes = np.concatenate([opens[1:] - 1, [len(pairs) - 1]])
    return np.stack([pairs[opens, 0], reach[closes]], axis=1)


def lies_within(edges: NDArray[np.int64], intervals: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether edges lie strictly inside one of sorted, disjoint intervals: start < edge < end."""
    if len(intervals) == 0:
        return np.zeros(len(edges), dtype=bool)
    # The last interval that starts before the edge is the only one that can hold it.
    index = np.searchsorted(intervals[:, 0], edges, side="left") - 1
    return (index >= 0) & (edges < intervals[np.maximum(index, 0), 1])


class AnnotatedEdges:
    """Sorted annotated edges of each chromosome, both strands together."""

    def __init__(self, tables: Iterable[pd.DataFrame]) -> None:
        """Gather the columns `chrom` and `edge` of tables; duplicates count once."""
        parts = [table[["chrom", "edge"]] for table in tables]
        joined = pd.concat(parts, ignore_index=True)
        self._edges = {
            str(chrom): np.unique(rows.to_numpy(dtype=np.int64))
            for chrom, rows in joined.groupby("chrom", sort=True)["edge"]
        }

    def _of(self, chrom: str) -> NDArray[np.int64]:
        return self._edges.get(chrom, np.empty(0, dtype=np.int64))

    def distance(self, chrom: str, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Distance in bp to the nearest annotated edge, 0 on one."""
        known = self._of(chrom)
        return _distance(edges, known, np.searchsorted(known, edges, side="left"))

    def distance_to_other(self, chrom: str, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Distance in bp to the nearest annotated edge at another position, > 0."""
        known = self._of(chrom)
        right = np.searchsorted(known, edges, side="right")
        left = np.searchsorted(known, edges, side="left")
        return _distance(edges, known, right, left)


def _distance(
    edges: NDArray[np.int64],
    known: NDArray[np.int64],
    right: NDArray[np.int64],
    left: NDArray[np.int64] | None = None,
) -> NDArray[np.int64]:
    """Distance to the nearer of known[right] and known[left - 1]."""
    left = right if left is None else left
    padded = np.concatenate([[-FAR_AWAY_BP], known, [FAR_AWAY_BP]])
    nearest = np.minimum(padded[right + 1] - edges, edges - padded[left])
    return np.minimum(nearest, FAR_AWAY_BP)


def find_loci(
    sites: pd.DataFrame, annotation: "SpliceAnnotation | None" = None
) -> dict[LocusKey, Locus]:
    """Loci of all groups, in sorted order of chromosome, strand and group.

    Parameters
    ----------
    sites : SiteTable of donors and acceptors; used if there is no annotation.
    annotation : genes and exons; exons belong to the group of their `gene_id`.
    """
    if annotation is None:
        spans, exons = _read_off_sites(sites)
    else:
        genes = annotation.genes
        spans = _collect(genes, genes["group"])
        # A gene of the pseudo-autosomal regions has one id on two chromosomes.
        gene = ["chrom", "strand", "gene_id"]
        group_of = genes[[*gene, "group"]].drop_duplicates(gene)
        named = annotation.exons[[*gene, "start", "end"]].merge(group_of, on=gene, how="inner")
        exons = _collect(named, named["group"])
    none = np.empty((0, 2), dtype=np.int64)
    merged = {key: merge_intervals(spans[key]) for key in sorted(spans)}
    shared = _find_shared(merged)
    return {
        key: Locus(*key, merged[key], merge_intervals(exons.get(key, none)), shared.get(key, none))
        for key in merged
    }


def _collect(table: pd.DataFrame, group: pd.Series) -> dict[LocusKey, NDArray[np.int64]]:
    """Intervals of each chromosome, strand and group; rows without a group are no gene's."""
    rows = table[["chrom", "strand", "start", "end"]].assign(group=group.to_numpy())
    return {
        (str(chrom), str(strand), str(name)): part[["start", "end"]].to_numpy(dtype=np.int64)
        for (chrom, strand, name), part in rows.groupby(["chrom", "strand", "group"], sort=True)
    }


def _read_off_sites(
    sites: pd.DataFrame,
) -> tuple[dict[LocusKey, NDArray[np.int64]], dict[LocusKey, NDArray[np.int64]]]:
    spans, exons = {}, {}
    for (chrom, strand, group), rows in sites.groupby(["chrom", "strand", "group"], sort=True):
        key = (str(chrom), str(strand), str(group))
        edge = rows["edge"].to_numpy(dtype=np.int64)
        donor = rows["kind"].to_numpy() == "donor"
        # An edge that is both donor and acceptor sorts as acceptor first, in the order of reading.
        order = np.lexsort((donor, edge if strand == "+" else -edge))
        edge, donor = edge[order], donor[order]
        exonic = ~(donor[:-1] & ~donor[1:])
        ends = np.sort(np.stack([edge[:-1], edge[1:]], axis=1), axis=1)
        spans[key] = np.array([[edge.min(), edge.max()]], dtype=np.int64)
        exons[key] = ends[exonic]
    return spans, exons


def _find_shared(
    spans: dict[LocusKey, NDArray[np.int64]],
) -> dict[LocusKey, NDArray[np.int64]]:
    """Overlaps between the spans of different groups on one strand of one chromosome."""
    lanes: dict[tuple[str, str], list[tuple[int, int, LocusKey]]] = {}
    for key, intervals in spans.items():
        lane = lanes.setdefault(key[:2], [])
        lane.extend((int(start), int(end), key) for start, end in intervals)
    overlaps: dict[LocusKey, list[tuple[int, int]]] = {}
    for lane in lanes.values():
        open_spans: list[tuple[int, int, LocusKey]] = []
        for start, end, key in sorted(lane):
            open_spans = [other for other in open_spans if other[1] > start]
            for _, other_end, other_key in open_spans:
                both = (start, min(end, other_end))
                overlaps.setdefault(key, []).append(both)
                overlaps.setdefault(other_key, []).append(both)
            open_spans.append((start, end, key))
    return {key: merge_intervals(np.array(pairs)) for key, pairs in overlaps.items()}
