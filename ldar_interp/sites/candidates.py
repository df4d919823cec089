"""Candidate control edges of one gene locus, and the letters around the sites.

Everything is done on sequence read 5' to 3' of the strand, so that the minus strand has no code
of its own: a stretch is fetched, reverse-complemented if need be, and its edges are mapped with
edge t <-> edge length - t. One locus is in memory at a time.
"""

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.genome.intervals import reverse_edges
from ldar_interp.sites.covariates import REPORTED, SequenceSums, measure_composition
from ldar_interp.sites.loci import AnnotatedEdges, Locus, lies_within
from ldar_interp.sites.strength import STRENGTH_WINDOWS, score_edges

if TYPE_CHECKING:
    from ldar_interp.genome.fasta import Genome

DINUCLEOTIDE_START = {"donor": 0, "acceptor": -2}
"""First base of a site's two letters: they follow a donor edge and precede an acceptor edge."""


@dataclass(frozen=True)
class OrientedStretch:
    """Part of a locus with its flanks, read 5' to 3'.

    `start` is its first base on the plus strand; `first_edge` and `last_edge` are the edges of the
    gene span inside it, on the chromosome.
    """

    start: int
    strand: str
    first_edge: int
    last_edge: int
    ids: NDArray[np.uint8]
    sums: SequenceSums

    def flip(self, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Local plus-strand edges to edges as read, and back: the same rule both ways."""
        return reverse_edges(edges, len(self.ids)) if self.strand == "-" else edges

    def to_chromosome(self, local: NDArray[np.int64]) -> NDArray[np.int64]:
        """Edges as read to edges of the chromosome."""
        return self.flip(local) + self.start


@dataclass(frozen=True)
class Pool:
    """Candidates of one stratum: chromosome edges, sorted (n,), and covariates (n, k)."""

    edges: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.edges)


def read_stretches(genome: "Genome", locus: Locus, flank_bp: int) -> list[OrientedStretch]:
    """Read the spans of a locus, with flanks as far as the sequence goes, 5' to 3'."""
    stretches = []
    for segment in genome.segments:
        if segment.chrom != locus.chrom:
            continue
        for first, last in locus.spans.tolist():
            start, end = max(segment.start, first - flank_bp), min(segment.end, last + flank_bp)
            if end <= start:
                continue
            ids = genome.fetch(locus.chrom, start, end)
            mask = genome.soft_mask(locus.chrom, start, end)
            if locus.strand == "-":
                ids, mask = reverse_complement(ids), mask[::-1]
            sums = SequenceSums(ids, mask)
            stretches.append(OrientedStretch(start, locus.strand, first, last, ids, sums))
    return stretches


def count_bases(genome: "Genome", locus: Locus) -> NDArray[np.int64]:
    """Letters A, C, G, T of a locus, read on its own strand, (4,)."""
    counts = np.zeros(4, dtype=np.int64)
    for segment in genome.segments:
        for first, last in locus.spans.tolist():
            start, end = max(segment.start, first), min(segment.end, last)
            if segment.chrom == locus.chrom and end > start:
                ids = genome.fetch(locus.chrom, start, end)
                counts += np.bincount(ids, minlength=N + 1)[:4]
    return counts[::-1] if locus.strand == "-" else counts


def find_dinucleotides(ids: NDArray[np.uint8], kind: str, dinucleotide: int) -> NDArray[np.int64]:
    """Edges of a sequence read 5' to 3' that have two letters where sites of `kind` have theirs.

    `dinucleotide` is 4 * first + second letter. int64, sorted.
    """
    first, second = divmod(dinucleotide, 4)
    base = np.flatnonzero((ids[:-1] == first) & (ids[1:] == second))
    return base - DINUCLEOTIDE_START[kind]


def find_pool(
    stretches: list[OrientedStretch],
    locus: Locus,
    annotated: AnnotatedEdges,
    *,
    kind: str,
    dinucleotide: int | None,
    keep_away_bp: int,
    flank_bp: int,
    log_odds: NDArray[np.float64] | None,
    counts: Counter[str],
    rng: np.random.Generator | None = None,
    sample: int = 0,
) -> Pool:
    """Candidates of a locus for one kind, with their covariates.

    Parameters
    ----------
    stretches, locus, annotated : sequence, gene and the edges to keep away from.
    kind : `donor` or `acceptor`.
    dinucleotide : code of the two letters, or None for every edge.
    keep_away_bp : a candidate is farther than this from every annotated edge, on either strand.
    flank_bp : the bases [edge - flank, edge + flank) must exist and hold no N.
    log_odds : strength matrix of this kind and group; None gives strength NaN.
    counts : what was seen and dropped, and why, is added here.
    rng, sample : with a generator, keep at most `sample` exonic and `sample` other candidates,
        drawn at random: where every edge is a candidate, measuring all is a waste.

    Returns
    -------
    Pool with the covariates in the order of `covariates.REPORTED`, sorted by edge.
    """
    found = [
        _locate(stretch, locus, annotated, kind, dinucleotide, keep_away_bp, flank_bp, counts)
        for stretch in stretches
    ]
    if rng is not None:
        found = _thin(found, stretches, locus, rng, sample)
    edge_parts, value_parts = [np.empty(0, dtype=np.int64)], [np.empty((0, len(REPORTED)))]
    for stretch, local in zip(stretches, found, strict=True):
        edges = stretch.to_chromosome(local)
        letters = measure_letters(stretch.ids, stretch.sums, local, kind, log_odds)
        distance = annotated.distance_to_other(locus.chrom, edges)
        edge_parts.append(edges)
        value_parts.append(np.column_stack([letters, distance, lies_within(edges, locus.exons)]))
    edges = np.concatenate(edge_parts)
    order = np.argsort(edges, kind="stable")
    return Pool(edges[order], np.concatenate(value_parts)[order])


def _locate(
    stretch: OrientedStretch,
    locus: Locus,
    annotated: AnnotatedEdges,
    kind: str,
    dinucleotide: int | None,
    keep_away_bp: int,
    flank_bp: int,
    counts: Counter[str],
) -> NDArray[np.int64]:
    """Candidates of one stretch as local edges, 5' to 3'."""
    if dinucleotide is None:
        local = np.arange(len(stretch.ids) + 1)
    else:
        local = find_dinucleotides(stretch.ids, kind, dinucleotide)
    edges = stretch.to_chromosome(local)
    inside = (edges >= stretch.first_edge) & (edges <= stretch.last_edge)
    local, edges = local[inside], edges[inside]
    counts["candidates seen"] += len(local)
    far = annotated.distance(locus.chrom, edges) > keep_away_bp
    counts[f"candidates dropped: within {keep_away_bp} bp of an annotated edge"] += int(
        (~far).sum()
    )
    local, edges = local[far], edges[far]
    shared = lies_within(edges, locus.shared)
    counts["candidates dropped: in genes of two groups"] += int(shared.sum())
    local = local[~shared]
    clean = stretch.sums.has_clean_flank(local, flank_bp)
    counts["candidates dropped: flank leaves the sequence or holds N"] += int((~clean).sum())
    return local[clean]


def _thin(
    found: list[NDArray[np.int64]],
    stretches: list[OrientedStretch],
    locus: Locus,
    rng: np.random.Generator,
    sample: int,
) -> list[NDArray[np.int64]]:
    """At most `sample` exonic and `sample` other candidates, all stretches together."""
    origin = np.repeat(np.arange(len(found)), [len(local) for local in found])
    local = np.concatenate([np.empty(0, dtype=np.int64), *found])
    edges = [stretch.to_chromosome(part) for stretch, part in zip(stretches, found, strict=True)]
    exonic = lies_within(np.concatenate([np.empty(0, dtype=np.int64), *edges]), locus.exons)
    keep = np.zeros(len(local), dtype=bool)
    for side in (np.flatnonzero(exonic), np.flatnonzero(~exonic)):
        if len(side) > sample:
            side = rng.choice(side, size=sample, replace=False, shuffle=False)
        keep[side] = True
    return [local[keep & (origin == i)] for i in range(len(found))]


def measure_letters(
    ids: NDArray[np.uint8],
    sums: SequenceSums,
    local: NDArray[np.int64],
    kind: str,
    log_odds: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """Covariates that are read off the letters, (n, 7) in the order of `covariates.MATCHED`.

    Strength is NaN if `log_odds` is None.
    """
    if log_odds is None:
        strength = np.full(len(local), np.nan)
    else:
        strength = score_edges(ids, local, log_odds, STRENGTH_WINDOWS[kind][0])
    return np.column_stack([strength, measure_composition(sums, local)])
