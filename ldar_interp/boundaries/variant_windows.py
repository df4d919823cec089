"""Windows with a variant in their middle, without it and with it, and which edges are the same.

A base has an edge on its 5' side, another one on either strand. The window of a strand has the edge
on the 5' side of the changed letters in its middle, so both strands see a variant in the same
place, and a genome read from its other end gives the same two windows:

    + strand   ...A C G | T>A G T A...       edge 3: bases 3 - half to 3 + half
    - strand   ...T A C | A>T C G T...       edge 4, read from the right

The window with the variant is cut from the changed sequence: an indel moves its far end. Edges
before and behind the letters that change are the same edge in both; an indel that can slide in a
repeat has the whole stretch [first, last) changed (`sites.vcf.spread_indel`). Between, edges of an
exchange of as many letters are the same too, and those of an indel have no partner.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ldar_interp.boundaries.edge_windows import EdgeWindow, read_window
from ldar_interp.boundaries.variants import change_window
from ldar_interp.genome.fasta import Genome

Edges = NDArray[np.int64]
STRANDS = ("+", "-")


class Allele(NamedTuple):
    """Bases [start, end) of a chromosome become `inserted`; [first, last) may change by it."""

    chrom: str
    start: int
    end: int
    inserted: str
    first: int
    last: int

    @property
    def growth(self) -> int:
        """Inserted minus replaced bases."""
        return len(self.inserted) - (self.end - self.start)

    def middle(self, strand: str) -> int:
        """The edge on the 5' side of the changed letters of a strand: a window's middle."""
        return self.first if strand == "+" else self.last

    def shift(self, strand: str) -> int:
        """How far the middle moves on the + strand: the left end not at all, the right one by all.

        An insertion between two bases has one edge for both ends: its letters then lie downstream
        of the middle on either strand.
        """
        return 0 if strand == "+" else self.growth


def read_pair(
    genome: Genome, allele: Allele, strand: str, *, window_bp: int
) -> tuple[EdgeWindow, EdgeWindow]:
    """The windows without and with the variant, 5' to 3' on the strand, its edge in the middle.

    Either is shorter where the sequence ends or an N stands, as `read_window` tells; the second is
    empty where such a place or the window's end lies between the middle and the changed letters.
    """
    middle = allele.middle(strand)
    without = read_window(genome, allele.chrom, middle, strand, window_bp=window_bp)
    if allele.last - allele.first > window_bp // 2:
        return without, EdgeWindow(without.upstream[:0], without.downstream[:0])
    changed = change_window(
        genome,
        allele.chrom,
        allele.start,
        allele.end,
        allele.inserted,
        middle,
        strand,
        allele.shift(strand),
        window_bp,
    )
    return without, changed


def list_edges(allele: Allele, reach_bp: int) -> tuple[Edges, Edges]:
    """Edges with at most `reach_bp` bases between them and the variant, ascending.

    Returns
    -------
    (edges, moved) : where they are on the + strand without the variant and with it. Those that
    have no place with it are left out.
    """
    edges = np.arange(allele.first - reach_bp, allele.last + reach_bp + 1, dtype=np.int64)
    if allele.growth == 0:
        return edges, edges
    is_before, is_behind = edges <= allele.first, edges >= allele.last
    edges, is_behind = edges[is_before != is_behind], is_behind[is_before != is_behind]
    return edges, np.where(is_behind, edges + allele.growth, edges)


def place_edges(
    allele: Allele, window: EdgeWindow, strand: str, edges: Edges, *, is_changed: bool
) -> Edges:
    """Numbers of edges within a window of `read_pair`; some may lie outside of it.

    Parameters
    ----------
    edges : on the + strand, of the changed sequence for its window (`is_changed`).
    """
    middle = allele.middle(strand)
    middle += allele.shift(strand) if is_changed else 0
    return window.edge + (edges - middle if strand == "+" else middle - edges)
