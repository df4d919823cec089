"""Where a motif scores high: both strands, exact scores, overlaps resolved.

The scanner (lightmotif, https://github.com/althonos/lightmotif) adds up rounded log-odds, which
are whole numbers that float32 holds exactly, so its scores are the ones of `score_distribution`
whatever the order of the sums. Left to itself it scores N as 0, above most letters; here N scores
minus infinity, so no hit touches one, and lower-case letters are scanned as letters.

Hits of one motif that overlap, on either strand, are one place: the best p-value stays, then the
leftmost, then the plus strand. A palindrome is thus one hit, on plus.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import lightmotif
import numpy as np
from numpy.typing import NDArray

from ldar_interp.genome.alphabet import decode
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.motif import LETTER_ORDER
from ldar_interp.sites.scan_letters import Block, Regions, read_blocks
from ldar_interp.sites.score_distribution import MotifScores


@dataclass(frozen=True, eq=False)
class Hits:
    """Hits of one motif, sorted by chromosome number, start and strand (plus first).

    `chrom` numbers the genome's chromosomes; `start` is the first base on the plus strand;
    `units` the score in hundredths of a bit. (n,) each. `n_overlapping` were dropped for a better
    hit of the same motif.
    """

    width: int
    chrom: NDArray[np.int64]
    start: NDArray[np.int64]
    is_minus: NDArray[np.bool_]
    units: NDArray[np.int64]
    n_overlapping: int = 0

    def __len__(self) -> int:
        return len(self.start)

    @property
    def edge(self) -> NDArray[np.int64]:
        """The 5' edge of each hit on its own strand: start on plus, end on minus."""
        return np.where(self.is_minus, self.start + self.width, self.start)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Hits":
        """Some of the hits, in the order asked for."""
        return Hits(
            self.width,
            self.chrom[rows],
            self.start[rows],
            self.is_minus[rows],
            self.units[rows],
            self.n_overlapping,
        )


def find_hits(
    genome: Genome,
    regions: Regions,
    motifs: Sequence[MotifScores],
    p_value: float,
    *,
    block_bp: int | None = None,
) -> list[Hits]:
    """Hits of each motif that lie wholly in one of the regions, overlaps resolved.

    Parameters
    ----------
    genome, regions : what is scanned.
    motifs : motifs that can reach `p_value`.
    p_value : a hit's score has at most this p-value.
    block_bp : letters in memory at a time; the result does not depend on it.

    Returns
    -------
    Hits of each motif, in the order of `motifs`.

    Raises
    ------
    CoordinateError : a region whose bases the genome does not have.
    InputError : a motif that cannot reach `p_value`.
    """
    if not motifs:
        return []
    widest = max(scores.motif.width for scores in motifs)
    parts: list[list[Hits]] = [[] for _ in motifs]
    matrices = [_make_matrices(scores) for scores in motifs]
    thresholds = [scores.find_threshold(p_value) for scores in motifs]
    options = {} if block_bp is None else {"block_bp": block_bp, "piece_bp": block_bp}
    for block in read_blocks(genome, regions, widest=widest, **options):
        striped = lightmotif.stripe(decode(block.ids))
        for i, scores in enumerate(motifs):
            if scores.motif.width > len(block.ids):
                continue
            parts[i] += _scan(block, striped, matrices[i], scores.motif.width, thresholds[i])
    found = []
    for scores, own in zip(motifs, parts, strict=True):
        joined = _join(scores.motif.width, own)
        found.append(resolve_overlaps(_keep_inside(joined, regions)))
    return found


def score_at(units: NDArray[np.int64], windows: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Scores in hundredths of a bit of windows (n, width) of A, C, G, T, read 5' to 3'."""
    return units[np.arange(len(units)), windows].sum(axis=1)


def resolve_overlaps(hits: Hits) -> Hits:
    """Keep, of hits of one motif that overlap, the best score, then the leftmost, then plus.

    Greedy from the best hit down; a hit that overlaps none that was kept is kept.
    """
    n = len(hits)
    if n == 0:
        return hits
    apart = (np.diff(hits.chrom) != 0) | (np.diff(hits.start) >= hits.width)
    bounds = np.concatenate([[0], np.flatnonzero(apart) + 1, [n]])
    keep = np.zeros(n, dtype=bool)
    size = np.diff(bounds)
    keep[bounds[:-1][size == 1]] = True
    # Sorted by start and plus before minus, so a stable sort by score settles every tie.
    for first, last in zip(bounds[:-1][size > 1], bounds[1:][size > 1], strict=True):
        start = hits.start[first:last].tolist()
        kept: list[int] = []
        for i in np.argsort(-hits.units[first:last], kind="stable").tolist():
            if all(abs(start[i] - start[j]) >= hits.width for j in kept):
                kept.append(i)
                keep[first + i] = True
    chosen = hits.select(keep)
    return Hits(
        chosen.width, chosen.chrom, chosen.start, chosen.is_minus, chosen.units, int((~keep).sum())
    )


def _make_matrices(scores: MotifScores) -> tuple[lightmotif.ScoringMatrix, ...]:
    """The rounded log-odds of both strands, with N at minus infinity."""
    both = []
    for units in (scores.units, scores.units[::-1, ::-1]):
        rows = {letter: units[:, i].tolist() for i, letter in enumerate(LETTER_ORDER)}
        both.append(lightmotif.ScoringMatrix(rows | {"N": [float("-inf")] * len(units)}))
    return tuple(both)


def _scan(
    block: Block,
    striped: lightmotif.StripedSequence,
    matrices: tuple[lightmotif.ScoringMatrix, ...],
    width: int,
    threshold: int,
) -> Iterator[Hits]:
    for is_minus, matrix in enumerate(matrices):
        found = [
            (hit.position, hit.score)
            for hit in lightmotif.scan(matrix, striped, threshold=float(threshold))
        ]
        if found:
            table = np.array(found, dtype=np.float64).astype(np.int64)
            chrom, start, belongs = block.locate(table[:, 0])
            minus = np.full(len(start), bool(is_minus))
            yield Hits(width, chrom, start, minus, table[:, 1]).select(belongs)


def _join(width: int, parts: list[Hits]) -> Hits:
    none = np.empty(0, dtype=np.int64)
    chrom, start, units = (
        np.concatenate([none, *(getattr(part, name) for part in parts)])
        for name in ("chrom", "start", "units")
    )
    is_minus = np.concatenate([none.astype(bool), *(part.is_minus for part in parts)])
    order = np.lexsort((is_minus, start, chrom))
    return Hits(width, chrom[order], start[order], is_minus[order], units[order])


def _keep_inside(hits: Hits, regions: Regions) -> Hits:
    keep = np.zeros(len(hits), dtype=bool)
    for number in np.unique(hits.chrom).tolist():
        rows = np.flatnonzero(hits.chrom == number)
        keep[rows] = regions.contain(regions.chroms[number], hits.start[rows], hits.width)
    return hits.select(keep)
