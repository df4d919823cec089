"""Candidates for the rungs of equal letters: collected block by block, in bounded memory.

Frequent letters stand at a hundred thousand places of a genome, and a site needs one. Of the
places that may be controls two samples are kept for each stratum (the sites that share their
letters), both by the lowest numbers of `letter_search.PlaceHash`, which makes them random and the
same in whatever order the genome is read:

- for matching, `n_kept` places for each GC count that lies within the caliper of one of its sites;
- for the balance "before matching", `n_sampled` places whatever their GC.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ldar_interp.sites.covariates import WIDE_BP, SequenceSums
from ldar_interp.sites.letter_search import (
    HASHED_BP,
    Block,
    Letters,
    PlaceHash,
    Places,
    read_blocks,
)
from ldar_interp.sites.loci import AnnotatedEdges

if TYPE_CHECKING:
    from ldar_interp.genome.fasta import Genome

KEEP_AWAY_BP = 60
"""Controls are farther than this from every edge to keep away from."""
_PRUNE_ROWS = 1 << 21


@dataclass(frozen=True)
class Frame:
    """Where the edge, the anchor and the letters of one kind's sites lie.

    `width` is 0 for a bare edge. The anchor lies `shift` = width // 2 downstream of the edge, so
    that the letters are centred on a motif. `flank_bp` bases are wanted on each side of the edge,
    `WIDE_BP` on each side of the anchor.
    """

    width: int
    flank_bp: int

    @property
    def shift(self) -> int:
        """Bases from the edge to the anchor, 5' to 3'."""
        return self.width // 2

    @property
    def reach_bp(self) -> int:
        """Bases on each side of the anchor that must exist and hold no N."""
        return max(self.flank_bp, WIDE_BP) + self.shift

    def edges_of(self, anchor: NDArray[np.int64], minus: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Edges of anchors: `shift` upstream of them."""
        return anchor - np.where(minus, -self.shift, self.shift)

    def anchors_of(self, edge: NDArray[np.int64], minus: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Anchors of edges: `shift` downstream of them."""
        return edge + np.where(minus, -self.shift, self.shift)

    def borders_of(
        self, edge: NDArray[np.int64], minus: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Left and right border on the plus strand; both are the edge if the width is 0."""
        other = edge + np.where(minus, -self.width, self.width)
        return np.minimum(edge, other), np.maximum(edge, other)


@dataclass(frozen=True)
class Forbidden:
    """Where no control may lie: near these edges, or in these regions.

    `regions` are sorted, disjoint intervals (n, 2) of each chromosome, 0-based, half-open.
    """

    edges: AnnotatedEdges
    regions: dict[str, NDArray[np.int64]]

    def is_near(
        self, chrom: str, low: NDArray[np.int64], high: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether either border is within `KEEP_AWAY_BP` of an edge to keep away from."""
        nearest = np.minimum(self.edges.distance(chrom, low), self.edges.distance(chrom, high))
        return nearest <= KEEP_AWAY_BP

    def is_inside(
        self, chrom: str, low: NDArray[np.int64], high: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Whether any base of [low, high), or a bare edge, lies in a region."""
        regions = self.regions.get(chrom)
        if regions is None:
            return np.zeros(len(low), dtype=bool)
        # Of the regions that begin before the right border, the last reaches farthest.
        index = np.searchsorted(regions[:, 0], high, side="left") - 1
        return (index >= 0) & (regions[np.maximum(index, 0), 1] > low)


@dataclass(frozen=True)
class Candidates:
    """Places that may be controls, sorted by stratum and number; all arrays are (n,).

    `chrom` is the chromosome's number in the genome, `gc` the count of G and C in the 200 bp
    around the anchor, `is_sampled` says which ones stand for all in the balance.
    """

    stratum: NDArray[np.int32]
    gc: NDArray[np.int32]
    number: NDArray[np.uint64]
    chrom: NDArray[np.int32]
    anchor: NDArray[np.int64]
    minus: NDArray[np.bool_]
    is_sampled: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.anchor)


_COLUMNS = ("stratum", "gc", "number", "chrom", "anchor", "minus")


@dataclass
class LetterPool:
    """Gathers the candidates of one kind on one rung.

    Parameters
    ----------
    frame : geometry of the kind.
    stratum_of : stratum of each of `Letters.codes`, -1 where no site of this kind has them.
    allowed : (strata, 2 * WIDE_BP + 1), GC counts within the caliper of a site of the stratum.
    n_kept : (strata,), places kept for each of these counts.
    n_sampled : places kept of each stratum for the balance.
    """

    frame: Frame
    stratum_of: NDArray[np.int32]
    allowed: NDArray[np.bool_]
    n_kept: NDArray[np.int64]
    n_sampled: int
    counts: Counter[str] = field(default_factory=Counter)
    _parts: list[tuple[NDArray[np.generic], ...]] = field(default_factory=list)
    _rows: int = 0
    _ceiling: NDArray[np.uint64] | None = None

    def add(
        self,
        block: Block,
        chrom_number: int,
        places: Places,
        sums: SequenceSums,
        number: PlaceHash,
        forbidden: Forbidden,
    ) -> None:
        """Take the places of one block that may be controls; count what is dropped and why."""
        places = places.select(self.stratum_of[places.row] >= 0)
        self.counts["candidates seen"] += len(places)
        edge = self.frame.edges_of(places.anchor + block.start, places.minus)
        borders = self.frame.borders_of(edge, places.minus)
        near = forbidden.is_near(block.chrom, *borders)
        self.counts[f"candidates dropped: within {KEEP_AWAY_BP} bp of an edge to avoid"] += int(
            near.sum()
        )
        inside = forbidden.is_inside(block.chrom, *borders) & ~near
        self.counts["candidates dropped: in a region to avoid"] += int(inside.sum())
        places = places.select(~near & ~inside)
        clean = sums.has_clean_flank(places.anchor, self.frame.reach_bp)
        self.counts["candidates dropped: flank leaves the sequence or holds N"] += int(
            (~clean).sum()
        )
        places = places.select(clean)
        stratum = self.stratum_of[places.row]
        share = sums.gc_share(places.anchor - WIDE_BP, places.anchor + WIDE_BP)
        gc = np.rint(share * 2 * WIDE_BP).astype(np.int32)
        drawn = number(places.anchor, places.minus)
        keep = self.allowed[stratum, gc]
        keep |= True if self._ceiling is None else drawn <= self._ceiling[stratum]
        chrom = np.full(len(places), chrom_number, dtype=np.int32)
        anchor = places.anchor + block.start
        columns = (stratum, gc, drawn, chrom, anchor, places.minus)
        self._parts.append(tuple(column[keep] for column in columns))
        self._rows += int(keep.sum())
        if self._rows > _PRUNE_ROWS:
            kept = self.gather()
            self._parts = [tuple(getattr(kept, name) for name in _COLUMNS)]
            # Some room before the next pruning, however much has to be kept.
            self._rows = len(kept) // 2
            last = np.full(len(self.allowed), np.iinfo(np.uint64).max, dtype=np.uint64)
            sampled = kept.stratum[kept.is_sampled]
            full = np.bincount(sampled, minlength=len(last)) >= self.n_sampled
            # Sorted by number within a stratum, so the last assignment is the highest.
            highest = last.copy()
            highest[sampled] = kept.number[kept.is_sampled]
            self._ceiling = np.where(full, highest, last)

    def gather(self) -> Candidates:
        """What is kept so far."""
        if not self._parts:
            none = np.empty(0, dtype=np.int64)
            self._parts = [(none,) * len(_COLUMNS)]
        joined = [np.concatenate(column) for column in zip(*self._parts, strict=True)]
        stratum, gc, drawn, chrom, anchor, minus = joined
        place = (minus, anchor, chrom)
        order = np.lexsort((*place, drawn, stratum))
        is_sampled = np.zeros(len(order), dtype=bool)
        is_sampled[order] = rank_within(stratum[order]) < self.n_sampled
        by_gc = np.lexsort((*place, drawn, gc, stratum))
        cell = stratum[by_gc].astype(np.int64) * self.allowed.shape[1] + gc[by_gc]
        is_kept = np.zeros(len(order), dtype=bool)
        is_kept[by_gc] = rank_within(cell) < self.n_kept[stratum[by_gc].astype(np.int64)]
        is_kept &= self.allowed[stratum.astype(np.int64), gc.astype(np.int64)]
        order = order[(is_kept | is_sampled)[order]]
        return Candidates(
            stratum=stratum[order].astype(np.int32),
            gc=gc[order].astype(np.int32),
            number=drawn[order].astype(np.uint64),
            chrom=chrom[order].astype(np.int32),
            anchor=anchor[order].astype(np.int64),
            minus=minus[order].astype(bool),
            is_sampled=is_sampled[order],
        )


def rank_within(keys: NDArray[np.integer]) -> NDArray[np.int64]:
    """Rank of each row among the rows of its key, 0 first; the keys are sorted."""
    starts = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else []
    sizes = np.diff(np.append(starts, len(keys)))
    return np.arange(len(keys)) - np.repeat(np.asarray(starts, dtype=np.int64), sizes)


def fill_pools(
    genome: "Genome",
    letters: dict[str, Letters],
    pools: dict[tuple[str, str], LetterPool],
    forbidden: Forbidden,
    seed: int,
) -> None:
    """Read the genome once and give every pool (rung, kind) the places of its rung's letters."""
    reach = max(HASHED_BP, *(pool.frame.reach_bp for pool in pools.values()))
    numbers = {chrom: number for number, chrom in enumerate(genome.chroms)}
    for block in read_blocks(genome, reach):
        if len(block.ids) < 2 * WIDE_BP:
            continue  # no place in it has its 200 bp
        sums = SequenceSums(block.ids, np.zeros(len(block.ids), dtype=bool))
        number = PlaceHash(block.ids, seed)
        for rung, wanted in letters.items():
            places = wanted.find(block.ids)
            edges = places.anchor + block.start
            places = places.select((edges >= block.first) & (edges < block.stop))
            for (name, _), pool in pools.items():
                if name == rung:
                    pool.add(block, numbers[block.chrom], places, sums, number, forbidden)
