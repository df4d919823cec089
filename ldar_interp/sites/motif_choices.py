"""Which control each hit of one motif gets, rung by rung.

Every function takes the rows of a motif's sites and of its candidates in a pool and returns the
picks of all draws; randomness comes from a generator of the motif's own, so that one motif's
controls do not depend on which others are in the list.
"""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ldar_interp.sites.balance import PoolMoments
from ldar_interp.sites.covariates import MATCHED
from ldar_interp.sites.gene_controls import scale_covariates
from ldar_interp.sites.matching import UNMATCHED
from ldar_interp.sites.motif_places import Places
from ldar_interp.sites.rungs import BEYOND_CALIPER, choose_matched, choose_random, make_generator

NO_POSITION = "no free position left in the promoter"
NO_SHUFFLE = "no other order of the motif's columns"
NO_SHUFFLED_HIT = "no hit of the shuffled matrix left"
NO_OUTSIDE_HIT = "no hit of the motif outside promoters"
IN_PROMOTER = "matched in the same promoter"
NEAR_PROMOTER = "matched within 1000 bp of the same promoter"
OTHER_PROMOTER = "matched in another promoter"

STRATUM_SITES = 500
"""C2: more sites than this are matched in strata of GC in 200 bp, of about this many each."""

_GC_200 = MATCHED.index("gc_200")


@dataclass(frozen=True)
class Measured:
    """Places with their covariates (n, 8) and, for promoters, where they lie.

    `offset` is the edge's offset from the start of its promoter; `is_opposite` whether the strand
    is not the gene's. Both are 0 where there is no promoter.
    """

    places: Places
    values: NDArray[np.float64]
    offset: NDArray[np.int64]
    is_opposite: NDArray[np.bool_]


@dataclass
class Picks:
    """Draw, site row and candidate row of each control; what the candidates were like; counts."""

    draw: list[NDArray[np.int64]] = field(default_factory=list)
    site: list[NDArray[np.int64]] = field(default_factory=list)
    candidate: list[NDArray[np.int64]] = field(default_factory=list)
    moments: PoolMoments = field(default_factory=PoolMoments)
    counts: Counter[str] = field(default_factory=Counter)

    def add(
        self,
        draw: int,
        sites: NDArray[np.int64],
        candidates: NDArray[np.int64],
        index: NDArray[np.int64],
        reason: str,
    ) -> None:
        """Keep the pairs of a draw: `index` (n,) numbers `candidates`, -1 for no control."""
        found = index != UNMATCHED
        self.draw.append(np.full(int(found.sum()), draw))
        self.site.append(sites[found])
        self.candidate.append(candidates[index[found]])
        if draw == 0:
            self.counts["matched"] += int(found.sum())
            self.counts[f"unmatched: {reason}"] += int((~found).sum())

    def gather(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Draws, site rows and candidate rows of all pairs."""
        none = np.empty(0, dtype=np.int64)
        return (
            np.concatenate([none, *self.draw]),
            np.concatenate([none, *self.site]),
            np.concatenate([none, *self.candidate]),
        )


def choose_positions(
    rows: NDArray[np.int64],
    sites: Measured,
    candidates: NDArray[np.int64],
    pool: Measured,
    *,
    names: NDArray[np.object_],
    accession: str,
    n_draws: int,
    seed: int,
) -> Picks:
    """C0: random positions of the same promoter on the same strand; `names` are the promoters'."""
    picks = Picks()

    def key(places: Places, at: NDArray[np.int64]) -> NDArray[np.int64]:
        return 2 * places.window[at] + places.is_minus[at]

    of_site, of_candidate = key(sites.places, rows), key(pool.places, candidates)
    for code in np.unique(of_site).tolist():
        here, there = rows[of_site == code], candidates[of_candidate == code]
        picks.moments.add(pool.values[there], len(here))
        promoter, minus = str(names[code // 2]), str(code % 2)
        for draw in range(n_draws):
            rng = make_generator(seed, draw, "C0", accession, promoter, minus, "choose")
            choice = choose_random(len(here), len(there), rng)
            picks.add(draw, here, there, choice.index, NO_POSITION)
    return picks


def choose_shuffled(
    rows: NDArray[np.int64],
    sites: Measured,
    candidates: NDArray[np.int64],
    pool: Measured,
    *,
    draw_of: NDArray[np.int64],
    in_window: NDArray[np.bool_],
    has_shuffle: bool,
    accession: str,
    n_draws: int,
    seed: int,
) -> Picks:
    """C1: hits of the shuffled matrix: same promoter, else near it, else another promoter.

    Within each of the three, sites come in random order and take the free hit on the same strand
    of the gene, then with the most similar offset from the transcription start.
    """
    picks = Picks()
    reason = NO_SHUFFLED_HIT if has_shuffle else NO_SHUFFLE
    for draw in range(n_draws):
        at = candidates[draw_of[candidates] == draw]
        rng = make_generator(seed, draw, "C1", accession, "choose")
        index = np.full(len(rows), UNMATCHED, dtype=np.int64)
        order = rng.permutation(len(rows))
        for place in (IN_PROMOTER, NEAR_PROMOTER, OTHER_PROMOTER):
            n = _take_free(index, order, rows, sites, at, pool, in_window[at], place)
            if draw == 0:
                picks.counts[place] += n
        if draw == 0:
            picks.moments.add(pool.values[at], len(rows))
        picks.add(draw, rows, at, index, reason)
    return picks


def _take_free(
    index: NDArray[np.int64],
    order: NDArray[np.int64],
    rows: NDArray[np.int64],
    sites: Measured,
    at: NDArray[np.int64],
    pool: Measured,
    in_window: NDArray[np.bool_],
    place: str,
) -> int:
    """Give sites without a candidate one of a kind of place, in `index`; how many got one."""
    is_free = (in_window if place != NEAR_PROMOTER else ~in_window).copy()
    is_free[index[index != UNMATCHED]] = False
    window, offset, opposite = pool.places.window[at], pool.offset[at], pool.is_opposite[at]
    own = sites.places.window[rows]
    waiting = index[order] == UNMATCHED
    if place != OTHER_PROMOTER:
        waiting &= np.isin(own[order], window[is_free])
    n = 0
    for site in order[waiting].tolist():
        fits = is_free if place == OTHER_PROMOTER else is_free & (window == own[site])
        free = np.flatnonzero(fits)
        if len(free) == 0:
            continue
        other_strand = opposite[free] != sites.is_opposite[rows[site]]
        away = np.abs(offset[free] - sites.offset[rows[site]])
        best = free[np.lexsort((away, other_strand))[0]]
        index[site] = best
        is_free[best] = False
        n += 1
    return n


def choose_background(
    rows: NDArray[np.int64],
    sites: Measured,
    candidates: NDArray[np.int64],
    pool: Measured,
    *,
    caliper: float,
    accession: str,
    n_draws: int,
    seed: int,
) -> Picks:
    """C2: hits outside promoters, matched on the covariates of `covariates.MATCHED`.

    Distances are in standard deviations over the motif's sites, weighted as for splice sites.
    """
    picks = Picks()
    n = len(MATCHED)
    weights = scale_covariates(sites.values[rows])
    gc = sites.values[rows, _GC_200]
    n_strata = -(-len(rows) // STRATUM_SITES)
    cuts = np.unique(np.quantile(gc, np.arange(1, n_strata) / n_strata)) if n_strata > 1 else []
    of_site = np.searchsorted(cuts, gc, side="right")
    of_candidate = np.searchsorted(cuts, pool.values[candidates, _GC_200], side="right")
    for stratum in np.unique(of_site).tolist():
        here, there = rows[of_site == stratum], candidates[of_candidate == stratum]
        picks.moments.add(pool.values[there], len(here))
        for draw in range(n_draws):
            choice = choose_matched(
                sites.values[here, :n] * weights,
                pool.values[there, :n] * weights,
                caliper=caliper,
                draw=draw,
                rng=make_generator(seed, draw, "C2", accession, str(stratum)),
            )
            reason = BEYOND_CALIPER if len(there) else NO_OUTSIDE_HIT
            picks.add(draw, here, there, choice.index, reason)
    return picks
