"""Tracks as files that genome browsers open: p as bigWig, hard cuts and tokens as BED.

    edge:     100   101   102            p[101] is stored at base 101: [101, 102)
                |  A  |  C  |            a cut at edge 101 is the BED line 101 102
    base:         100   101              a token between cuts 100 and 102 is the BED line 100 102

That is so in every orientation: an edge is one place, whichever strand the model read. p is rounded
to 1/255, which keeps files small and is far below what p is known to. Edges without value are not
in the files: a browser shows a gap, not a 0. The edge behind a chromosome's last base has no base
to be stored at; a model has no value there, and if a track has one it is counted.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.boundaries.tokens import find_cuts, find_runs, find_tokens
from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment, call_boundaries
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome

STEPS = 255
SCORE_MAX = 1000
_BLOCK = 1 << 20


def round_prob(prob: ArrayLike) -> NDArray[np.float32]:
    """p, or a residual of it, to the nearest 1/255, float32 of the same shape; NaN stays NaN."""
    return (np.rint(np.asarray(prob, dtype=np.float64) * STEPS) / STEPS).astype(np.float32)


def list_chrom_sizes(genome: Genome) -> tuple[dict[str, int], list[str]]:
    """Lengths that browsers want to know, and the chromosomes for which they are not known.

    A chromosome that the FASTA holds in slices (`chr3:42000000-44000000`) is given the end of its
    last slice: positions are right, the chromosome seems to end there.

    Returns
    -------
    (sizes, sliced): bases by chromosome in the genome's order, and the names of those in slices.
    """
    sizes: dict[str, int] = {}
    for segment in genome.segments:
        sizes[segment.chrom] = max(sizes.get(segment.chrom, 0), segment.end)
    return sizes, [chrom for chrom in sizes if not genome.is_whole(chrom)]


def write_bigwig(
    track: BoundaryTrack,
    path: str | Path,
    orientation: str,
    chrom_sizes: Mapping[str, int],
    *,
    hard: bool = False,
) -> dict[str, int]:
    """One orientation as bigWig: fixed steps of one base, values rounded to 1/255.

    Parameters
    ----------
    orientation : `forward`, `reverse` or `mean`; the track must hold it.
    chrom_sizes : bases by chromosome; those of the track in this order come into the header.
    hard : hard cuts as 0 and 1 instead of p; a track of residuals has none.

    Returns
    -------
    Counts: `values` written, `missing` (NaN, left out), `off_end` (behind the last base, left out).

    Raises
    ------
    InputError : the track does not hold the orientation or a value in it, hard cuts are asked of
        residuals, or the file cannot be written.
    CoordinateError : a chromosome of the track has no size, or the track goes beyond its end.
    """
    import pyBigWig  # brings its own C library: only where a file is written

    if hard:
        track.check_hard()
    segments = _in_order(track, orientation, chrom_sizes)
    counts = {"values": 0, "missing": 0, "off_end": 0}
    pieces = []
    for segment in segments:
        values = segment.values[: chrom_sizes[segment.chrom] - segment.start]
        counts["off_end"] += int((~np.isnan(segment.values[values.size :])).sum())
        counts["missing"] += int(np.isnan(values).sum())
        pieces += [(segment, first, end) for first, end in find_runs(values)]
    if not pieces:
        raise InputError(f"track has no {orientation} value to write into {path}; extract it first")
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    try:
        # pyBigWig ends the process on a file that it cannot open: try before.
        partial.touch()
        _write_pieces(pyBigWig.open(str(partial), "w"), pieces, chrom_sizes, hard=hard)
        partial.replace(target)
    except OSError:
        raise _cannot_write(target) from None
    finally:
        partial.unlink(missing_ok=True)
    counts["values"] = sum(end - first for _, first, end in pieces)
    return counts


def _write_pieces(
    writer: Any,
    pieces: list[tuple[TrackSegment, int, int]],
    chrom_sizes: Mapping[str, int],
    *,
    hard: bool,
) -> None:
    """Runs of values [first, end) of segments, in the order of the sizes; closes the writer."""
    there = {segment.chrom for segment, _, _ in pieces}
    try:
        writer.addHeader([(c, n) for c, n in chrom_sizes.items() if c in there])
        for segment, first, end in pieces:
            # In blocks, because pyBigWig takes a list of Python floats.
            for begin in range(first, end, _BLOCK):
                part = segment.values[begin : min(end, begin + _BLOCK)]
                written = call_boundaries(part) if hard else round_prob(part)
                writer.addEntries(
                    segment.chrom,
                    segment.start + begin,
                    values=written.astype(np.float64).tolist(),
                    span=1,
                    step=1,
                )
    finally:
        writer.close()


def write_cuts_bed(
    track: BoundaryTrack, path: str | Path, orientation: str, chrom_sizes: Mapping[str, int]
) -> int:
    """Hard cuts as BED5, edge x at [x, x + 1), score p in thousandths; returns how many.

    Parameters and errors as in `write_bigwig`; no cuts are an empty file. The cut behind the last
    base of a chromosome has no line.
    """

    track.check_hard()

    def lines() -> Iterator[str]:
        for segment in _in_order(track, orientation, chrom_sizes):
            cuts = find_cuts(segment.values, segment.start)
            cuts = cuts[cuts < chrom_sizes[segment.chrom]]
            scores = _score(segment.values[cuts - segment.start])
            for cut, score in zip(cuts.tolist(), scores, strict=True):
                yield f"{segment.chrom}\t{cut}\t{cut + 1}\tcut\t{score}\n"

    return _write_lines(Path(path), lines())


def write_tokens_bed(
    track: BoundaryTrack, path: str | Path, orientation: str, chrom_sizes: Mapping[str, int]
) -> int:
    """Tokens as BED5, [cut, next cut), named by their length; returns how many.

    The score is the mean p of the token's edges, both cuts included, in thousandths. Tokens that
    reach an edge without value or an end of the track are incomplete and have no line. Parameters
    and errors as in `write_bigwig`.
    """

    track.check_hard()

    def lines() -> Iterator[str]:
        for segment in _in_order(track, orientation, chrom_sizes):
            tokens = find_tokens(segment.values, segment.start)
            scores = _score(tokens.mean_prob)
            for start, end, score in zip(
                tokens.start.tolist(), tokens.end.tolist(), scores, strict=True
            ):
                yield f"{segment.chrom}\t{start}\t{end}\t{end - start}bp\t{score}\n"

    return _write_lines(Path(path), lines())


def _score(prob: NDArray[Any]) -> list[int]:
    """BED scores are whole numbers from 0 to 1000."""
    return np.rint(np.asarray(prob, dtype=np.float64) * SCORE_MAX).astype(np.int64).tolist()


def _in_order(
    track: BoundaryTrack, orientation: str, chrom_sizes: Mapping[str, int]
) -> list[TrackSegment]:
    """Segments by chromosome in the order of the sizes, then by start."""
    if orientation not in track.segments:
        raise InputError(
            f"track holds {', '.join(track.orientations)}, not {orientation!r}; extract it first"
        )
    rank = {chrom: i for i, chrom in enumerate(chrom_sizes)}
    for segment in track.segments[orientation]:
        size = chrom_sizes.get(segment.chrom)
        if size is None or segment.end > size + 1:
            raise CoordinateError(
                f"track has edges {segment.chrom}:{segment.start}..{segment.end - 1} but the "
                f"chromosome's length is given as {size}; give the sizes of the genome that the "
                "track was made from"
            )
    return sorted(track.segments[orientation], key=lambda s: (rank[s.chrom], s.start))


def _write_lines(target: Path, lines: Iterator[str]) -> int:
    partial = target.with_name(f".{target.name}.partial")
    n = 0
    try:
        with partial.open("w", encoding="utf-8", newline="\n") as handle:
            for line in lines:
                handle.write(line)
                n += 1
        partial.replace(target)
    except OSError:
        raise _cannot_write(target) from None
    finally:
        partial.unlink(missing_ok=True)
    return n


def _cannot_write(target: Path) -> InputError:
    return InputError(f"{target}: cannot be written; wanted a file in a writable folder")
