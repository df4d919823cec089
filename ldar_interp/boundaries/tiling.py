"""Where to put model windows so that every wanted edge is far from a window's ends.

    segment   |==============================================| cut by N and record ends
    wanted          ....          ......   ..
    windows     [------------]  [------------]                  kept: [start + margin, end - margin]

A window is as long as the model was trained on. It is put so that the edges it answers for lie in
its middle, within the segment. Edges closer than the margin to a segment's end have no window
with enough context: they are left out, counted, and stay NaN.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval


@dataclass(frozen=True, slots=True)
class Window:
    """Bases [start, end) that the model reads, and the edges first..last that it answers for."""

    chrom: str
    start: int
    end: int
    first: int
    last: int


def merge_edges(edges: NDArray[np.int64], flank_bp: int) -> list[tuple[int, int]]:
    """Closed ranges of edges within `flank_bp` of any given edge, ascending, not touching."""
    merged: list[tuple[int, int]] = []
    for edge in np.unique(edges).tolist():
        low, high = edge - flank_bp, edge + flank_bp
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], high)
        else:
            merged.append((low, high))
    return merged


def clean_segments(genome: Genome, chrom: str, low: int, high: int) -> list[Interval]:
    """Pieces of [low, high) of a chromosome that are there and hold no N, ascending."""
    pieces = []
    for segment in genome.segments:
        start, end = max(segment.start, low), min(segment.end, high)
        if segment.chrom != chrom or start >= end:
            continue
        is_letter = genome.fetch(chrom, start, end) != N
        change = np.flatnonzero(np.diff(np.concatenate([[0], is_letter.astype(np.int8), [0]])))
        pieces += [
            Interval(chrom, start + a, start + b)
            for a, b in zip(change[::2].tolist(), change[1::2].tolist(), strict=True)
        ]
    return pieces


def check_margin(margin_bp: int, length: int) -> None:
    """Raise InputError if the margin leaves nothing of a window of `length` bases."""
    if margin_bp < 1 or 2 * margin_bp >= length:
        raise InputError(
            f"margin of {margin_bp} bp in windows of {length} bp; wanted 1 to "
            f"{(length - 1) // 2}: choose a margin in that range"
        )


def plan_windows(
    genome: Genome,
    chrom: str,
    ranges: Iterable[tuple[int, int]],
    *,
    length: int,
    margin_bp: int,
) -> tuple[list[Window], int]:
    """The fewest windows that answer for all wanted edges, and how many edges have none.

    Parameters
    ----------
    ranges : closed ranges of wanted edges, ascending, not overlapping.
    length : bases of a window; a segment shorter than that is one window.
    margin_bp : edges closer than this to either end of a window are not answered for.

    Returns
    -------
    Windows in ascending order, and the number of wanted edges that lie off the sequence, in an N
    run, or within the margin of either.

    Raises
    ------
    InputError : the margin leaves nothing of a window.
    """
    check_margin(margin_bp, length)
    windows: list[Window] = []
    n_missing = 0
    for cluster in _cluster(ranges, length):
        # Sequence is cut a window's length away from the cluster, so that no window is shortened
        # or pushed aside by this cut, only by the ends of the sequence and by N.
        low, high = cluster[0][0] - length, cluster[-1][1] + length
        usable: list[tuple[int, int, Interval]] = []
        n_wanted = sum(b - a + 1 for a, b in cluster)
        for piece in clean_segments(genome, chrom, max(0, low), high):
            for a, b in cluster:
                first, last = max(a, piece.start + margin_bp), min(b, piece.end - margin_bp)
                if first <= last:
                    usable.append((first, last, piece))
        n_missing += n_wanted - sum(b - a + 1 for a, b, _ in usable)
        windows += _cover(usable, length, margin_bp)
    return windows, n_missing


def _cluster(ranges: Iterable[tuple[int, int]], length: int) -> Iterable[list[tuple[int, int]]]:
    """Ranges that may share windows or context, so that sequence is read once and locally."""
    cluster: list[tuple[int, int]] = []
    for low, high in ranges:
        if cluster and low - cluster[-1][1] > 2 * length:
            yield cluster
            cluster = []
        cluster.append((low, high))
    if cluster:
        yield cluster


def _cover(usable: list[tuple[int, int, Interval]], length: int, margin_bp: int) -> list[Window]:
    """Windows for closed ranges of edges, each with the piece that it lies in, ascending.

    Greedy from the left, which is optimal on a line; then each window is centred.
    """
    windows: list[Window] = []
    at = 0
    done = -1
    while at < len(usable):
        first, _, piece = usable[at]
        # A range longer than a window's middle goes on in the next window.
        first = max(first, done + 1)
        size = min(length, len(piece))
        reach = first + size - 2 * margin_bp
        end = first
        while at < len(usable) and usable[at][2] == piece and usable[at][0] <= reach:
            end = min(usable[at][1], reach)
            if usable[at][1] > reach:
                break
            at += 1
        start = (first + end) // 2 - size // 2
        start = min(max(start, piece.start), piece.end - size)
        windows.append(Window(piece.chrom, start, start + size, first, end))
        done = end
    return windows
