"""Where the controls of motif hits may lie, rung by rung.

- C0: positions of the promoter windows that no hit of the motif overlaps, on the strand of the hit.
- C1: hits of the motif with its columns shuffled. At 1e-4 the shuffled matrix has a hit in about
  one promoter of 14, so the windows are scanned with 1 kb more on each side, and a hit there counts
  as near. Hits that overlap one of the motif are left out.
- C2: hits of the same matrix whose borders are more than 500 bp from every known transcription
  start and outside the promoter windows.

A place in several windows belongs to the nearest start, as hits do, so no place is two promoters'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.sites.column_shuffle import shuffle_columns
from ldar_interp.sites.find_hits import Hits, find_hits
from ldar_interp.sites.loci import merge_intervals
from ldar_interp.sites.motif_places import Places, join_places
from ldar_interp.sites.promoter_windows import (
    NO_WINDOW,
    find_nearest_start,
    list_intervals,
    widen_windows,
)
from ldar_interp.sites.rungs import make_generator
from ldar_interp.sites.scan_letters import Regions
from ldar_interp.sites.score_distribution import MotifScores, Scoring, score_motif

KEEP_AWAY_BP = 500
"""C2 controls are farther than this from every known transcription start."""

NEARBY_BP = 1000
"""C1 looks this far beyond a promoter window."""

POSITIONS_PER_PROMOTER = 60
"""C0 draws from at most this many positions of a promoter and strand, taken at random."""

BACKGROUND_SAMPLE = 5000
"""C2 matches among at most this many hits of a motif, taken at random."""


@dataclass(frozen=True, eq=False)
class Search:
    """What all pools are made from.

    `windows` are the promoters; `hits` every hit of every motif in them (`Places`, whatever was
    selected as sites); `known` the table of transcription starts, `chrom, edge`.
    """

    genome: Genome
    windows: pd.DataFrame
    motifs: Sequence[MotifScores]
    hits: Places
    known: pd.DataFrame
    scoring: Scoring
    seed: int

    @cached_property
    def _taken(self) -> dict[tuple[int, int], NDArray[np.int64]]:
        """First bases of the hits of each motif on each chromosome, sorted."""
        widths = np.array([scores.motif.width for scores in self.motifs], dtype=np.int64)
        hits = self.hits
        start = np.where(hits.is_minus, hits.edge - widths[hits.motif], hits.edge)
        return {
            (int(hits.motif[rows[0]]), int(hits.chrom[rows[0]])): np.sort(start[rows])
            for rows in _split(np.stack([hits.motif, hits.chrom], axis=1))
        }

    def is_free(self, motif: int, chrom: int, start: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether [start, start + width) overlaps no hit of the motif, bool (n,)."""
        width = self.motifs[motif].motif.width
        taken = self._taken.get((motif, chrom), np.empty(0, dtype=np.int64))
        below = np.searchsorted(taken, start - width, side="right")
        return below == np.searchsorted(taken, start + width, side="left")


def pool_positions(search: Search, sites: Places) -> Places:
    """C0: free positions of the promoters that have sites, for each motif and strand of its sites.

    A position that is nearer to another promoter's start is left out: it is that one's.
    """
    numbers = {chrom: i for i, chrom in enumerate(search.genome.chroms)}
    names = search.windows["tss_id"].to_numpy(dtype=object)
    starts, ends = (search.windows[name].to_numpy(dtype=np.int64) for name in ("start", "end"))
    chroms = search.windows["chrom"].to_numpy(dtype=object)
    parts = []
    keys = np.stack([sites.motif, sites.window, sites.is_minus], axis=1)
    for motif, window, minus in np.unique(keys, axis=0).tolist():
        width = search.motifs[motif].motif.width
        start = np.arange(starts[window], ends[window] - width + 1)
        chrom = numbers[chroms[window]]
        start = start[search.is_free(motif, chrom, start)]
        if len(start) > POSITIONS_PER_PROMOTER:
            accession = search.motifs[motif].motif.accession
            rng = make_generator(search.seed, 0, "C0", accession, names[window], str(minus))
            start = np.sort(rng.choice(start, size=POSITIONS_PER_PROMOTER, replace=False))
        parts.append(_make(motif, chrom, start, bool(minus), width, window))
    drawn = join_places(parts)
    widths = np.array([scores.motif.width for scores in search.motifs])[drawn.motif]
    return drawn.select(_locate(search, search.windows, drawn, widths) == drawn.window)


@dataclass(frozen=True, eq=False)
class ShuffledHits:
    """C1: hits of shuffled matrices. `draw` (n,) is the draw whose shuffle found the place;
    `in_window` (n,) whether it lies in a promoter window; `no_shuffle` numbers the motifs that have
    no other order of their columns."""

    places: Places
    draw: NDArray[np.int64]
    in_window: NDArray[np.bool_]
    no_shuffle: frozenset[int]


def pool_shuffled(search: Search, motifs: Sequence[int], n_draws: int) -> ShuffledHits:
    """C1: hits of shuffled matrices in and near the promoters, a shuffle for each draw."""
    shuffled: list[tuple[int, int, MotifScores]] = []
    none: set[int] = set()
    for number in motifs:
        motif = search.motifs[number].motif
        for draw in range(n_draws):
            other = shuffle_columns(motif, seed=search.seed, draw=draw)
            if other is None:
                none.add(number)
            else:
                shuffled.append((number, draw, score_motif(other, search.scoring)))
    wide = widen_windows(search.windows, search.genome, NEARBY_BP)
    promoters = Regions(search.genome, list_intervals(search.windows))
    found = find_hits(
        search.genome,
        Regions(search.genome, list_intervals(wide)),
        [scores for _, _, scores in shuffled],
        search.scoring.p_value,
    )
    parts, draws, inside = [], [], []
    for (number, draw, _), hits in zip(shuffled, found, strict=True):
        free = np.zeros(len(hits), dtype=bool)
        in_window = np.zeros(len(hits), dtype=bool)
        for chrom in np.unique(hits.chrom).tolist():
            rows = np.flatnonzero(hits.chrom == chrom)
            start = hits.start[rows]
            free[rows] = search.is_free(number, chrom, start)
            in_window[rows] = promoters.contain(promoters.chroms[chrom], start, hits.width)
        kept = hits.select(free)
        places = _from_hits(number, kept)
        # A place in a window belongs to its start there, whatever other start is nearer.
        widths = np.full(len(places), kept.width)
        window = _locate(search, wide, places, widths)
        core = _locate(search, search.windows, places, widths)
        window = np.where(core == NO_WINDOW, window, core)
        parts.append(_with_window(places, window))
        draws.append(np.full(len(places), draw))
        inside.append(in_window[free])
    return ShuffledHits(
        join_places(parts),
        np.concatenate([np.empty(0, dtype=np.int64), *draws]),
        np.concatenate([np.empty(0, dtype=bool), *inside]),
        frozenset(none),
    )


def pool_background(
    search: Search, motifs: Sequence[int], background: Sequence[Interval] | None
) -> tuple[Places, dict[int, int]]:
    """C2: hits of each motif outside promoters, and how many there were before the sampling.

    Raises
    ------
    InputError : no base of the background is outside promoters.
    CoordinateError : a background that the genome does not have.
    """
    outside = find_outside(search, background)
    found = find_hits(
        search.genome,
        Regions(search.genome, outside),
        [search.motifs[number] for number in motifs],
        search.scoring.p_value,
    )
    parts, n_found = [], {}
    for number, hits in zip(motifs, found, strict=True):
        n_found[number] = len(hits)
        if len(hits) > BACKGROUND_SAMPLE:
            accession = search.motifs[number].motif.accession
            rng = make_generator(search.seed, 0, "C2", accession, "sample")
            rows = rng.choice(len(hits), size=BACKGROUND_SAMPLE, replace=False)
            hits = hits.select(np.sort(rows))
        parts.append(_from_hits(number, hits))
    return join_places(parts), n_found


def find_outside(search: Search, background: Sequence[Interval] | None) -> list[Interval]:
    """The background less the promoter windows and 500 bp around every known start, merged."""
    given = search.genome.segments if background is None else background
    closed: dict[str, list[tuple[int, int]]] = {}
    for chrom, edge in zip(search.known["chrom"], search.known["edge"].tolist(), strict=True):
        # A hit that begins at edge + 501 or ends at edge - 501 is more than 500 bp away.
        closed.setdefault(chrom, []).append((edge - KEEP_AWAY_BP - 1, edge + KEEP_AWAY_BP + 1))
    for interval in list_intervals(search.windows):
        closed.setdefault(interval.chrom, []).append((interval.start, interval.end))
    result = []
    for chrom in dict.fromkeys(interval.chrom for interval in given):
        spans = [(i.start, i.end) for i in given if i.chrom == chrom]
        shut = merge_intervals(np.array(closed.get(chrom, []), dtype=np.int64))
        for first, last in merge_intervals(np.array(spans, dtype=np.int64)).tolist():
            at = first
            for low, high in shut[(shut[:, 1] > first) & (shut[:, 0] < last)].tolist():
                if low > at:
                    result.append(Interval(chrom, at, low))
                at = max(at, high)
            if at < last:
                result.append(Interval(chrom, at, last))
    if not result:
        raise InputError(
            "no base of the background lies outside promoters; wanted regions more than "
            f"{KEEP_AWAY_BP} bp from every known transcription start"
        )
    return result


def _make(
    motif: int, chrom: int, start: NDArray[np.int64], is_minus: bool, width: int, window: int
) -> Places:
    n = len(start)
    return Places(
        np.full(n, motif),
        np.full(n, chrom),
        start + width if is_minus else start,
        np.full(n, is_minus),
        np.zeros(n, dtype=np.int64),
        np.full(n, window),
    )


def _from_hits(motif: int, hits: Hits) -> Places:
    n = len(hits)
    none = np.full(n, NO_WINDOW)
    return Places(np.full(n, motif), hits.chrom, hits.edge, hits.is_minus, hits.units, none)


def _with_window(places: Places, window: NDArray[np.int64]) -> Places:
    return Places(places.motif, places.chrom, places.edge, places.is_minus, places.units, window)


def _locate(
    search: Search, windows: pd.DataFrame, places: Places, widths: NDArray[np.int64]
) -> NDArray[np.int64]:
    start = np.where(places.is_minus, places.edge - widths, places.edge)
    names = np.array(search.genome.chroms, dtype=object)[places.chrom]
    return find_nearest_start(windows, names, start, widths, places.edge)[0]


def _split(keys: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of each distinct row of `keys`, in sorted order of these."""
    if len(keys) == 0:
        return []
    _, code = np.unique(keys, axis=0, return_inverse=True)
    order = np.argsort(code.ravel(), kind="stable")
    return np.split(order, np.flatnonzero(np.diff(code.ravel()[order])) + 1)
