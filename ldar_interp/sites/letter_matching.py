"""Each site one place with its letters: nearest in GC, without overlaps within a draw.

Sites choose in an order drawn from their letters and the seed. A site takes the free place nearest
to it in GC; places that are equally near are taken in the order of their numbers, which the draw
stirs anew. Repeat draws take one of the `N_CHOICES` nearest free places instead, because the range
over draws is meant to show what other controls, about as good, would have said.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.sites.letter_pools import Candidates
from ldar_interp.sites.letter_search import mix
from ldar_interp.sites.rungs import N_CHOICES

UNMATCHED = -1


@dataclass(frozen=True)
class Seekers:
    """Sites that look for a control, row by row: stratum, GC count in 200 bp, and number."""

    stratum: NDArray[np.int32]
    gc: NDArray[np.int32]
    number: NDArray[np.uint64]


class _Taken:
    """Anchors that are taken; a new one must be `apart_bp` from all of them."""

    def __init__(self, apart_bp: int) -> None:
        self._apart = apart_bp
        self._anchors: dict[tuple[int, int], list[int]] = {}

    def is_free(self, chrom: int, anchor: int) -> bool:
        cell = anchor // self._apart
        return all(
            abs(anchor - other) >= self._apart
            for near in (cell - 1, cell, cell + 1)
            for other in self._anchors.get((chrom, near), ())
        )

    def take(self, chrom: int, anchor: int) -> None:
        self._anchors.setdefault((chrom, anchor // self._apart), []).append(anchor)


def match_letters(
    seekers: Seekers, candidates: Candidates, *, caliper: int, apart_bp: int, draw: int
) -> NDArray[np.int64]:
    """Row of the candidate for each site, -1 where none is left; int64 (n,).

    Parameters
    ----------
    seekers, candidates : of one kind and rung; candidates are sorted by stratum.
    caliper : largest difference of the GC counts.
    apart_bp : smallest distance between the anchors of two controls, on whatever strands.
    draw : 0 takes the nearest free place, later draws one of the `N_CHOICES` nearest.
    """
    result = np.full(len(seekers.gc), UNMATCHED, dtype=np.int64)
    wish = mix(seekers.number, 2 * draw)
    drawn = mix(candidates.number, 2 * draw + 1)
    starts = np.searchsorted(candidates.stratum, seekers.stratum, side="left")
    stops = np.searchsorted(candidates.stratum, seekers.stratum, side="right")
    taken = _Taken(apart_bp)
    n_choices = 1 if draw == 0 else N_CHOICES
    for site in np.argsort(wish, kind="stable").tolist():
        span = slice(int(starts[site]), int(stops[site]))
        distance = np.abs(candidates.gc[span] - seekers.gc[site])
        order = np.lexsort((drawn[span], distance))
        free: list[int] = []
        for at in order[: int((distance <= caliper).sum())].tolist():
            row = span.start + at
            if taken.is_free(int(candidates.chrom[row]), int(candidates.anchor[row])):
                free.append(row)
                if len(free) == n_choices:
                    break
        if free:
            row = free[int(wish[site] % np.uint64(len(free)))]
            taken.take(int(candidates.chrom[row]), int(candidates.anchor[row]))
            result[site] = row
    return result
