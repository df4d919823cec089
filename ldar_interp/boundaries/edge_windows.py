"""Windows around single edges, read 5' to 3' on the edge's strand, with the edge in the middle.

    upstream                 | downstream            at most half a window of bases on each side,
    ... N N N A C G T A C G T | G T A A G T ...       fewer where the sequence ends or an N stands

Nothing is shifted to fill a window: the edge's distance to both ends is the same in all windows
but those that are cut, and a window of the other strand is this one's reverse complement.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.genome.fasta import Genome


class EdgeWindow(NamedTuple):
    """Ids of the bases on both sides of an edge, 5' to 3' on its strand; none of them is N."""

    upstream: NDArray[np.uint8]
    downstream: NDArray[np.uint8]

    @property
    def ids(self) -> NDArray[np.uint8]:
        """The whole window."""
        return np.concatenate([self.upstream, self.downstream])

    @property
    def edge(self) -> int:
        """The edge, counted from the window's first edge."""
        return len(self.upstream)

    def has_margin(self, margin_bp: int) -> bool:
        """True if the edge is at least `margin_bp` from both ends."""
        return min(len(self.upstream), len(self.downstream)) >= margin_bp


def read_window(
    genome: Genome, chrom: str, edge: int, strand: str, *, window_bp: int
) -> EdgeWindow:
    """Read at most half of `window_bp` on each side of an edge; empty off the sequence."""
    half = window_bp // 2
    segment = genome.segment_at(chrom, edge)
    if segment is None:
        empty = np.empty(0, dtype=np.uint8)
        return EdgeWindow(empty, empty)
    low, high = max(segment.start, edge - half), min(segment.end, edge + half)
    ids = genome.fetch(chrom, low, high) if low < high else np.empty(0, dtype=np.uint8)
    left, right = cut_at_n(ids[: edge - low], from_end=True), cut_at_n(ids[edge - low :])
    if strand == "-":
        return EdgeWindow(reverse_complement(right), reverse_complement(left))
    return EdgeWindow(left, right)


def cut_at_n(ids: NDArray[np.uint8], *, from_end: bool = False) -> NDArray[np.uint8]:
    """The bases up to the first N, or those behind the last one with `from_end`."""
    places = np.flatnonzero(ids >= N)
    if not places.size:
        return ids
    return ids[places[-1] + 1 :] if from_end else ids[: places[0]]


def check_window(window_bp: int, margin_bp: int, train_length: int) -> None:
    """Raise InputError for a window that is odd, longer than trained on, or without a middle."""
    if window_bp % 2 or not 2 <= window_bp <= train_length:
        raise InputError(
            f"window of {window_bp} bp; wanted an even number from 2 to {train_length}, the length "
            "that the model was trained on"
        )
    if not 1 <= margin_bp <= window_bp // 2:
        raise InputError(
            f"margin of {margin_bp} bp in windows of {window_bp} bp; wanted 1 to {window_bp // 2}"
        )
