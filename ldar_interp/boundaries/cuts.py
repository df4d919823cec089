"""Hard cuts of a tokenizer: sorted edges on the stretches where it was asked.

Every tokenizer answers the same question, "which edges do you cut?", so that a learned router can
stand beside a grid, byte pairs or chance. The `Domain` says where the question was asked, and on
which strand the sequence was read:

    domain   forward chr1   [100 .. 180]   [240 .. 300]        closed ranges of edges, ascending
    cuts     forward chr1    101 105 106 .. 178  244 ..        sorted edges, only inside the ranges

Outside of the domain nothing is known: an edge there is neither cut nor uncut.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.boundaries.track import BOUNDARY_THRESHOLD, BoundaryTrack
from ldar_interp.errors import InputError

Place = tuple[str, str]
"""orientation (forward, reverse or mean) and chromosome."""

Edges = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Domain:
    """Where tokenizers are asked: place -> closed ranges of edges, int64 (n, 2), apart, ascending.

    Raises
    ------
    InputError : ranges that are empty, touch, or are not ascending.
    """

    ranges: Mapping[Place, Edges]

    def __post_init__(self) -> None:
        for (orientation, chrom), pairs in self.ranges.items():
            flat = pairs.ravel()
            steps = np.diff(flat)
            if pairs.shape != (len(pairs), 2) or (steps[::2] < 0).any() or (steps[1::2] < 2).any():
                raise InputError(
                    f"ranges of {orientation} {chrom} are empty, touch or are not ascending; "
                    "wanted closed ranges of edges, apart and sorted: merge them"
                )

    @property
    def n_edges(self) -> int:
        """Edges that a tokenizer is asked about."""
        return sum(int((pairs[:, 1] - pairs[:, 0] + 1).sum()) for pairs in self.ranges.values())

    def list_edges(self, place: Place) -> Edges:
        """All edges of one place, ascending."""
        pairs = self.ranges[place]
        size = pairs[:, 1] - pairs[:, 0] + 1
        offset = np.arange(int(size.sum())) - np.repeat(np.cumsum(size) - size, size)
        return np.asarray(np.repeat(pairs[:, 0], size) + offset, dtype=np.int64)

    def holds(self, place: Place, edges: ArrayLike) -> NDArray[np.bool_]:
        """Whether edges, of any shape, are in the domain."""
        wanted = np.asarray(edges, dtype=np.int64)
        if place not in self.ranges or not len(self.ranges[place]):
            return np.zeros(wanted.shape, dtype=bool)
        pairs = self.ranges[place]
        at = np.searchsorted(pairs[:, 0], wanted, side="right") - 1
        return np.asarray((at >= 0) & (wanted <= pairs[np.maximum(at, 0), 1]))


@dataclass(frozen=True, eq=False)
class Cuts:
    """Edges that a tokenizer cuts: place -> sorted unique int64 edges, all inside the domain.

    Raises
    ------
    InputError : a place of the domain without an array, edges that are not sorted and unique,
        or edges outside of the domain.
    """

    domain: Domain
    edges: Mapping[Place, Edges]

    def __post_init__(self) -> None:
        for place in self.domain.ranges:
            found = self.edges.get(place)
            if found is None:
                raise InputError(f"no cuts for {' '.join(place)}; wanted an array, even if empty")
            if (np.diff(found) <= 0).any():
                raise InputError(f"cuts of {' '.join(place)} are not ascending; sort them")
            if not self.domain.holds(place, found).all():
                raise InputError(
                    f"cuts of {' '.join(place)} lie where nobody asked; wanted edges of the domain"
                )

    @property
    def n_cuts(self) -> int:
        """Edges that are cut."""
        return sum(len(found) for found in self.edges.values())

    @property
    def rate(self) -> float:
        """Share of the domain's edges that are cut; its inverse is the mean token in bp."""
        return self.n_cuts / max(1, self.domain.n_edges)

    def between(self, place: Place, low: int, high: int) -> Edges:
        """Cut edges low..high, both ends included, ascending."""
        found = self.edges.get(place, np.zeros(0, dtype=np.int64))
        first, last = np.searchsorted(found, [low, high + 1])
        return found[first:last]

    def at(self, place: Place, edges: ArrayLike) -> NDArray[np.float32]:
        """1 where an edge is cut, 0 where not, NaN outside of the domain; shape of `edges`."""
        wanted = np.asarray(edges, dtype=np.int64)
        found = self.edges.get(place, np.zeros(0, dtype=np.int64))
        result = np.zeros(wanted.shape, dtype=np.float32)
        if len(found):
            near = np.minimum(np.searchsorted(found, wanted), len(found) - 1)
            result[found[near] == wanted] = 1
        result[~self.domain.holds(place, wanted)] = np.nan
        return result


def find_domain(*tracks: BoundaryTrack) -> Domain:
    """The edges on which all tracks have a value.

    Raises
    ------
    InputError : no tracks, or tracks of different orientations.
    """
    if not tracks or any(track.orientations != tracks[0].orientations for track in tracks):
        raise InputError("tracks hold different orientations; wanted at least one, all alike")
    ranges: dict[Place, Edges] = {}
    for orientation in tracks[0].orientations:
        by_chrom: dict[str, list[Edges]] = {}
        for segment in tracks[0].segments[orientation]:
            edges = np.arange(segment.start, segment.end, dtype=np.int64)
            known = ~np.isnan(segment.values)
            for other in tracks[1:]:
                known &= ~np.isnan(other.gather(segment.chrom, edges, orientation))
            by_chrom.setdefault(segment.chrom, []).append(edges[known])
        for chrom, parts in by_chrom.items():
            ranges[orientation, chrom] = _to_ranges(np.concatenate(parts))
    return Domain(ranges)


def cut_by_track(track: BoundaryTrack, domain: Domain) -> Cuts:
    """Cuts of a router: edges with p > 0.5."""
    edges = {}
    for orientation, chrom in domain.ranges:
        asked = domain.list_edges((orientation, chrom))
        prob = track.gather(chrom, asked, orientation)
        edges[orientation, chrom] = asked[prob > BOUNDARY_THRESHOLD]
    return Cuts(domain, edges)


def cut_by_grid(domain: Domain, period: int, phase: int) -> Cuts:
    """A cut at every edge e with e = phase (mod period), counted along the chromosome.

    Raises
    ------
    InputError : period < 1 or a phase outside 0..period - 1.
    """
    if period < 1 or not 0 <= phase < period:
        raise InputError(f"grid of {period} bp in phase {phase}; wanted 0 <= phase < period")
    edges = {}
    for place in domain.ranges:
        asked = domain.list_edges(place)
        edges[place] = asked[asked % period == phase]
    return Cuts(domain, edges)


def cut_at_random(domain: Domain, rate: float, rng: np.random.Generator) -> Cuts:
    """Each edge cut with the same probability, independent of all others.

    Raises
    ------
    InputError : a rate outside [0, 1].
    """
    if not 0 <= rate <= 1:
        raise InputError(f"rate {rate:g} of random cuts; wanted 0 to 1")
    edges = {}
    for place in sorted(domain.ranges):
        asked = domain.list_edges(place)
        edges[place] = asked[rng.random(len(asked)) < rate]
    return Cuts(domain, edges)


def _to_ranges(edges: Edges) -> Edges:
    """Ascending edges as closed ranges (n, 2)."""
    if not len(edges):
        return np.zeros((0, 2), dtype=np.int64)
    gap = np.flatnonzero(np.diff(edges) > 1)
    low = edges[np.concatenate([[0], gap + 1])]
    high = edges[np.concatenate([gap, [len(edges) - 1]])]
    return np.stack([low, high], axis=1)
