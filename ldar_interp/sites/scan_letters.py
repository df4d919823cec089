"""The letters of a scan: regions cut into pieces and laid end to end with an N between them.

One long sequence costs one call of the scanner for each motif and strand, where ten thousand
promoter windows would cost ten thousand. Overlapping regions are merged first, so no base is
scanned twice, and a long region is cut into pieces that share enough bases for the widest motif;
a hit belongs to the piece in which it starts before the shared bases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.sites.loci import merge_intervals

PIECE_BP = 1 << 22
BLOCK_BP = 1 << 24


class Regions:
    """Regions of a genome, in its order; a stretch is scanned if it lies wholly in one of them.

    Raises
    ------
    InputError : no region.
    CoordinateError : a region whose bases the genome does not have (when letters are read).
    """

    def __init__(self, genome: Genome, intervals: Sequence[Interval]) -> None:
        if not intervals:
            raise InputError("no regions to scan; wanted at least one interval")
        self.chroms = tuple(genome.chroms)
        self.lengths = np.array([len(interval) for interval in intervals], dtype=np.int64)
        spans: dict[str, list[tuple[int, int]]] = {}
        for interval in intervals:
            spans.setdefault(interval.chrom, []).append((interval.start, interval.end))
        order = {chrom: i for i, chrom in enumerate(self.chroms)}
        self._spans = {
            chrom: np.array(sorted(spans[chrom]), dtype=np.int64)
            # An unknown chromosome comes last, and its first fetch says that it is not there.
            for chrom in sorted(spans, key=lambda name: (order.get(name, len(order)), name))
        }

    def merge(self) -> Iterator[tuple[str, int, int]]:
        """The union of the regions: chromosome, start, end, sorted."""
        for chrom, spans in self._spans.items():
            for start, end in merge_intervals(spans).tolist():
                yield chrom, start, end

    def contain(self, chrom: str, start: NDArray[np.int64], width: int) -> NDArray[np.bool_]:
        """Whether [start, start + width) lies wholly in one region, bool (n,)."""
        spans = self._spans.get(chrom)
        if spans is None:
            return np.zeros(len(start), dtype=bool)
        reach = np.maximum.accumulate(spans[:, 1])
        at = np.searchsorted(spans[:, 0], start, side="right") - 1
        return (at >= 0) & (start + width <= reach[np.maximum(at, 0)])


@dataclass(frozen=True)
class Block:
    """Pieces laid end to end, an N after each: `ids` uint8 (length,).

    Piece i begins at `first[i]` of the block and at base `start[i]` of chromosome number
    `chrom[i]`; hits that begin at or after `stop[i]` on the chromosome belong to the next piece.
    """

    ids: NDArray[np.uint8]
    first: NDArray[np.int64]
    chrom: NDArray[np.int64]
    start: NDArray[np.int64]
    stop: NDArray[np.int64]

    def locate(
        self, positions: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Chromosome number and start of block positions (n,), and whether they belong here."""
        piece = np.searchsorted(self.first, positions, side="right") - 1
        start = self.start[piece] + positions - self.first[piece]
        return self.chrom[piece], start, start < self.stop[piece]


def read_blocks(
    genome: Genome,
    regions: Regions,
    *,
    widest: int,
    piece_bp: int = PIECE_BP,
    block_bp: int = BLOCK_BP,
) -> Iterator[Block]:
    """Read the regions block by block; about `block_bp` letters are in memory.

    `widest` is the width of the widest motif: pieces of one region share `widest - 1` bases.
    """
    numbers = {chrom: i for i, chrom in enumerate(regions.chroms)}
    letters: list[NDArray[np.uint8]] = []
    rows: list[tuple[int, int, int, int]] = []
    filled = 0
    for chrom, region_start, region_end in regions.merge():
        for start in range(region_start, region_end, piece_bp):
            stop = min(start + piece_bp, region_end)
            ids = genome.fetch(chrom, start, min(stop + widest - 1, region_end))
            letters += [ids, np.array([N], dtype=np.uint8)]
            rows.append((filled, numbers[chrom], start, stop))
            filled += len(ids) + 1
            if filled >= block_bp:
                yield _join(letters, rows)
                letters, rows, filled = [], [], 0
    if rows:
        yield _join(letters, rows)


def _join(letters: list[NDArray[np.uint8]], rows: list[tuple[int, int, int, int]]) -> Block:
    table = np.array(rows, dtype=np.int64)
    return Block(np.concatenate(letters), *(table[:, i] for i in range(4)))
