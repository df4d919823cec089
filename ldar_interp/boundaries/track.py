"""Boundary probabilities on the edges of a genome, looked up by coordinate.

A track is sparse: segments of consecutive edges, only where somebody asked for values. NaN means
*not evaluated* and so does every edge off the segments; neither is ever 0.

    chr1   edge   ..  100 101 102 103  ..        segment(chrom="chr1", start=100, values=4 numbers)
                       |   |   |   |             values[i] is p at the edge 100 + i

`forward` holds what the model said on the plus strand, `reverse` what it said on the minus
strand, mapped back to plus-strand edges, `mean` the average of the two.

The values are p itself (`signal` is `prob`), or what is left of it once the letters around the
edge have explained their share (`residual`, observed minus expected; `ldar_interp.letters`).
"""

import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.intervals import reverse_edges

ORIENTATIONS = ("forward", "reverse", "mean")
STRAND_MODES = ("transcript", "forward", "mean")
SIGNALS = {"prob": (0, 1), "residual": (-1, 1)}
"""What a track can hold, and the range of its values."""

BOUNDARY_THRESHOLD = 0.5
_OTHER_STRAND = {"forward": "reverse", "reverse": "forward", "mean": "mean"}


def call_boundaries(prob: ArrayLike) -> NDArray[np.float32]:
    """Hard boundaries `p > 0.5` as 0.0 or 1.0, NaN where p is NaN; same shape, float32."""
    values = np.asarray(prob, dtype=np.float32)
    hard = (values > BOUNDARY_THRESHOLD).astype(np.float32)
    hard[np.isnan(values)] = np.nan
    return hard


@dataclass(frozen=True, slots=True, eq=False)
class TrackSegment:
    """p on the consecutive edges `start`, `start + 1`, .. of one chromosome.

    Parameters
    ----------
    chrom : name of the chromosome.
    start : first edge, >= 0.
    values : float32 (n,), in the range of the signal or NaN (not evaluated), n >= 1.
    signal : `prob`, values in [0, 1], or `residual`, in [-1, 1].

    Raises
    ------
    CoordinateError : start < 0.
    InputError : an unknown signal; values are not a non-empty float32 vector, or lie outside the
        signal's range.
    """

    chrom: str
    start: int
    values: NDArray[np.float32]
    signal: str = "prob"

    def __post_init__(self) -> None:
        where = f"track segment {self.chrom}:{self.start}"
        if self.start < 0:
            raise CoordinateError(f"{where} starts at a negative edge; edges are 0-based")
        if self.values.ndim != 1 or not self.values.size or self.values.dtype != np.float32:
            raise InputError(
                f"{where} has {self.values.dtype} values of shape {self.values.shape}; "
                "wanted a non-empty float32 vector"
            )
        if self.signal not in SIGNALS:
            raise InputError(
                f"{where} has the signal {self.signal!r}; wanted one of {', '.join(SIGNALS)}"
            )
        low, high = SIGNALS[self.signal]
        # Comparisons with NaN are False: NaN passes, infinity and anything outside do not.
        wrong = (self.values < low) | (self.values > high)
        if wrong.any():
            found = float(self.values[np.argmax(wrong)])
            raise InputError(f"{where} holds the value {found:g}; wanted [{low}, {high}] or NaN")

    @property
    def end(self) -> int:
        """One past the last edge."""
        return self.start + self.values.size


@dataclass(frozen=True, slots=True)
class _Lookup:
    """The segments of one chromosome and orientation, laid end to end."""

    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    begins: NDArray[np.int64]  # where each segment begins in `values`
    values: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class BoundaryTrack:
    """Segments of p, or of its residual, for each orientation that was computed.

    Parameters
    ----------
    segments : `forward`, `reverse` or `mean` -> segments, ascending and not overlapping within
        a chromosome. Copied into one array a chromosome.
    provenance : what made the track; anything that JSON can hold.
    signal : `prob` or `residual`, that of every segment.

    Raises
    ------
    InputError : unknown orientation, no orientation, a segment of another signal, or unsorted or
        overlapping segments.
    """

    segments: Mapping[str, Sequence[TrackSegment]]
    provenance: dict[str, Any] = field(default_factory=dict)
    signal: str = "prob"
    _lookup: dict[tuple[str, str], _Lookup] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        unknown = [name for name in self.segments if name not in ORIENTATIONS]
        if unknown or not self.segments:
            raise InputError(
                f"track has the orientations {sorted(self.segments)}; "
                f"wanted at least one of {', '.join(ORIENTATIONS)} and no other"
            )
        others = {part.signal for parts in self.segments.values() for part in parts}
        if self.signal not in SIGNALS or others - {self.signal}:
            raise InputError(
                f"track of {self.signal!r} has segments of {', '.join(sorted(others)) or 'none'}; "
                f"wanted one of {', '.join(SIGNALS)}, the same in all"
            )
        lookup: dict[tuple[str, str], _Lookup] = {}
        shared: dict[str, tuple[TrackSegment, ...]] = {}
        for orientation, segments in self.segments.items():
            by_chrom: dict[str, list[TrackSegment]] = {}
            for segment in segments:
                by_chrom.setdefault(segment.chrom, []).append(segment)
            views: list[TrackSegment] = []
            for chrom, parts in by_chrom.items():
                found = _lay_out(chrom, orientation, parts)
                lookup[orientation, chrom] = found
                views += [
                    TrackSegment(
                        chrom,
                        part.start,
                        found.values[begin : begin + part.values.size],
                        self.signal,
                    )
                    for part, begin in zip(parts, found.begins.tolist(), strict=True)
                ]
            shared[orientation] = tuple(views)
        # The segments become views of the look-up arrays, so a track is held in memory once.
        object.__setattr__(self, "segments", shared)
        object.__setattr__(self, "_lookup", lookup)

    @property
    def orientations(self) -> tuple[str, ...]:
        """The orientations that the track holds, in the order forward, reverse, mean."""
        return tuple(name for name in ORIENTATIONS if name in self.segments)

    @property
    def chroms(self) -> tuple[str, ...]:
        """Chromosomes with a segment in any orientation, sorted by name."""
        return tuple(sorted({chrom for _, chrom in self._lookup}))

    @property
    def is_boundary(self) -> "BoundaryTrack":
        """The same edges with `p > 0.5` as 0.0 or 1.0; NaN stays NaN.

        Raises
        ------
        InputError : the track holds residuals, which have no hard boundaries.
        """
        self.check_hard()
        hard = {
            name: [TrackSegment(s.chrom, s.start, call_boundaries(s.values)) for s in segments]
            for name, segments in self.segments.items()
        }
        return BoundaryTrack(hard, self.provenance)

    def check_hard(self) -> None:
        """Raise InputError if the values are no p, which alone says where tokens are cut."""
        if self.signal != "prob":
            raise InputError(
                f"track holds the signal {self.signal!r}, which has no hard boundaries; take them "
                "from the track of p"
            )

    def orientation_for(self, strand: str, mode: str) -> str:
        """Which orientation a site on `strand` (+ or -) reads under a strand mode.

        `transcript`: forward for +, reverse for -. `forward` and `mean`: that one for both.

        Raises
        ------
        InputError : unknown mode or strand, or the track was made without that orientation.
        """
        if mode not in STRAND_MODES:
            raise InputError(f"strand mode {mode!r}; wanted one of {', '.join(STRAND_MODES)}")
        if strand not in ("+", "-"):
            raise InputError(f"strand {strand!r} of a site; wanted + or -")
        name = ("forward" if strand == "+" else "reverse") if mode == "transcript" else mode
        if name not in self.segments:
            raise InputError(
                f"track holds {', '.join(self.orientations)} but strand mode {mode!r} needs {name} "
                f"for sites on {strand}; extract again with that mode or choose another"
            )
        return name

    def gather(self, chrom: str, edges: ArrayLike, orientation: str) -> NDArray[np.float32]:
        """p at any edges of one chromosome.

        Parameters
        ----------
        chrom : a chromosome of the track.
        edges : integers of any shape, in any order; negative ones are off the track.
        orientation : `forward`, `reverse` or `mean`.

        Returns
        -------
        float32 of the shape of `edges`; NaN off the track, never 0.

        Raises
        ------
        CoordinateError : no orientation of the track has the chromosome.
        InputError : the track does not hold the orientation.
        """
        if orientation not in self.segments:
            raise InputError(
                f"track holds {', '.join(self.orientations)}, not {orientation!r}; extract it first"
            )
        wanted = np.asarray(edges, dtype=np.int64)
        result = np.full(wanted.shape, np.nan, dtype=np.float32)
        found = self._lookup.get((orientation, chrom))
        if found is None:
            if chrom not in self.chroms:
                raise CoordinateError(
                    f"chromosome {chrom!r} is not on the track, which has "
                    f"{_name_some(self.chroms)}; use the genome that the track was made from"
                )
            return result
        index = np.searchsorted(found.starts, wanted, side="right") - 1
        inside = (index >= 0) & (wanted < found.ends[index])
        index = index[inside]
        result[inside] = found.values[found.begins[index] + wanted[inside] - found.starts[index]]
        return result

    def reverse_complement(self, lengths: Mapping[str, int]) -> "BoundaryTrack":
        """The track of the reverse-complemented genome: edge t becomes L - t, strands swap.

        Parameters
        ----------
        lengths : bases of every chromosome of the track.

        Raises
        ------
        CoordinateError : a length is missing, or a segment reaches beyond its chromosome.
        """
        turned: dict[str, list[TrackSegment]] = {}
        for name, segments in self.segments.items():
            parts = []
            for segment in segments:
                length = lengths.get(segment.chrom)
                if length is None or segment.end > length + 1:
                    raise CoordinateError(
                        f"track has edges {segment.chrom}:{segment.start}..{segment.end - 1} but "
                        f"the chromosome's length is given as {length}; give lengths in bases"
                    )
                start = int(reverse_edges(segment.end - 1, length))
                parts.append(TrackSegment(segment.chrom, start, segment.values[::-1], self.signal))
            turned[_OTHER_STRAND[name]] = sorted(parts, key=lambda part: (part.chrom, part.start))
        return BoundaryTrack(turned, self.provenance, self.signal)


def write_track(track: BoundaryTrack, path: str | Path) -> None:
    """Write a small track as `.npz`, exactly and with the same bytes for the same track.

    Meant for tests and demos; long tracks belong in a chunked store.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name in track.orientations:
        segments = track.segments[name]
        arrays[f"{name}_chrom"] = np.array([s.chrom for s in segments], dtype=np.str_)
        arrays[f"{name}_start"] = np.array([s.start for s in segments], dtype=np.int64)
        arrays[f"{name}_size"] = np.array([s.values.size for s in segments], dtype=np.int64)
        arrays[f"{name}_values"] = np.concatenate(
            [s.values for s in segments] or [np.zeros(0, np.float32)]
        )
    arrays["signal"] = np.array(track.signal)
    arrays["provenance"] = np.array(json.dumps(track.provenance, sort_keys=True))
    target = Path(path)
    partial = target.with_name(target.name + ".partial")
    with partial.open("wb") as handle:
        np.savez(handle, **arrays)  # type: ignore[arg-type]
    partial.replace(target)


def read_track(path: str | Path) -> BoundaryTrack:
    """Read a track that `write_track` wrote.

    Raises
    ------
    InputError : the file is not there, is not a zip archive, or lacks the arrays of a track.
    """
    try:
        with Path(path).open("rb") as handle, np.load(handle, allow_pickle=False) as archive:
            segments = {}
            # Tracks of p that were written before there were others do not say what they hold.
            signal = str(archive["signal"]) if "signal" in archive else "prob"
            for name in ORIENTATIONS:
                if f"{name}_chrom" in archive:
                    sizes = archive[f"{name}_size"]
                    pieces = np.split(archive[f"{name}_values"], np.cumsum(sizes)[:-1])
                    starts = archive[f"{name}_start"].tolist()
                    chroms = archive[f"{name}_chrom"].tolist()
                    segments[name] = [
                        TrackSegment(*part, signal)
                        for part in zip(chroms, starts, pieces[: len(chroms)], strict=True)
                    ]
            provenance = json.loads(str(archive["provenance"]))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path}: cannot be read as a boundary track ({error}); wanted an .npz that "
            "write_track made"
        ) from error
    return BoundaryTrack(segments, provenance, signal)


def _lay_out(chrom: str, orientation: str, parts: Sequence[TrackSegment]) -> _Lookup:
    starts = np.array([part.start for part in parts], dtype=np.int64)
    sizes = np.array([part.values.size for part in parts], dtype=np.int64)
    ends = starts + sizes
    clash = np.flatnonzero(starts[1:] < ends[:-1])
    if clash.size:
        i = int(clash[0])
        raise InputError(
            f"{orientation} segments of {chrom} at the edges {starts[i]}..{ends[i] - 1} and "
            f"{starts[i + 1]}..{ends[i + 1] - 1} overlap or are not ascending; sort and stitch them"
        )
    values = np.concatenate([part.values for part in parts])
    return _Lookup(starts, ends, np.cumsum(sizes) - sizes, values)


def _name_some(names: Sequence[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "none") + more
