"""Observed minus expected: the part of p that the letters next to the edge do not explain.

forward : the null is asked with the letters of the plus strand
reverse : with those of the minus strand, as the model read them; edge t of L is edge L - t
mean    : observed mean minus the mean of both expectations
"""

import numpy as np
from numpy.typing import NDArray

from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.features import REACH_BP
from ldar_interp.letters.kmer_null import KmerNull

_READ = {"forward": ("forward",), "reverse": ("reverse",), "mean": ("forward", "reverse")}


def residual_track(track: BoundaryTrack, genome: Genome, null: KmerNull) -> BoundaryTrack:
    """The track of observed minus expected p, on the same edges.

    Each edge is predicted by the fit that left its block out.

    Parameters
    ----------
    track : of p.
    genome : the one that the track was made from.
    null : fitted on the same model's p.

    Returns
    -------
    BoundaryTrack with `signal` `residual`; values in [-1, 1], NaN where p or the expectation is
    not known: within 100 bp of an end of the sequence or of an N.

    Raises
    ------
    InputError : the track holds residuals already, or reverse reads that the null has not seen.
    CoordinateError : the genome lacks the track's sequence.
    """
    if track.signal != "prob":
        raise InputError(f"track holds the signal {track.signal!r}; wanted p: a residual is final")
    unread = [name for name in track.orientations if name != "forward"]
    if unread and null.strands == "forward":
        raise InputError(
            f"track holds {', '.join(unread)} but the null was fitted on forward reads only; fit "
            "it with the strand mode of the track"
        )
    segments = {
        name: [
            TrackSegment(
                part.chrom,
                part.start,
                part.values - expect_edges(null, genome, part.chrom, part.start, part.end, name),
                "residual",
            )
            for part in track.segments[name]
        ]
        for name in track.orientations
    }
    return BoundaryTrack(
        segments, {**track.provenance, "kmer_null": null.provenance}, signal="residual"
    )


def expect_edges(
    null: KmerNull, genome: Genome, chrom: str, start: int, end: int, orientation: str
) -> NDArray[np.float32]:
    """Expected p on the plus-strand edges [start, end), float32 (end - start,).

    `orientation` is `forward`, `reverse` or `mean`; NaN where there is no expectation.
    """
    low, high = start - REACH_BP, end + REACH_BP
    ids = _fetch_padded(genome, chrom, low, high)
    edges = np.arange(low, high + 1, dtype=np.int64)
    block = null.blocks.find(chrom, edges)
    found = []
    for name in _READ[orientation]:
        if name == "forward":
            by_edge = null.expect_windows(ids[None], block[None, :-1])[0]
            found.append(by_edge[REACH_BP : REACH_BP + end - start])
        else:
            # Column t of the reverse read is edge L - t; column 0, edge L, is never known.
            turned = reverse_complement(ids)[None]
            by_column = null.expect_windows(turned, block[None, :0:-1])[0]
            by_edge = by_column[::-1]  # edges low + 1, low + 2, ..
            found.append(by_edge[REACH_BP - 1 : REACH_BP - 1 + end - start])
    total = found[0] if len(found) == 1 else (found[0] + found[1]) / np.float32(2)
    return np.asarray(total, dtype=np.float32)


def _fetch_padded(genome: Genome, chrom: str, low: int, high: int) -> NDArray[np.uint8]:
    """Ids of [low, high), N where the genome has no bases."""
    ids = np.full(high - low, N, dtype=np.uint8)
    for segment in genome.segments:
        first, last = max(low, segment.start), min(high, segment.end)
        if segment.chrom == chrom and first < last:
            ids[first - low : last - low] = genome.fetch(chrom, first, last)
    return ids
