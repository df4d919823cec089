"""Controls with equal letters as tables: what was found, what was not and why, and the balance."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.balance import PoolMoments, measure_balance
from ldar_interp.sites.controls import NO_FLANK
from ldar_interp.sites.letter_matching import Seekers
from ldar_interp.sites.letter_pools import Candidates, Frame, LetterPool
from ldar_interp.sites.placed_sites import PlacedSites, PlaceMeter
from ldar_interp.sites.table import check_sites, make_site_ids

RUNG_LETTERS = {"C3-8": (4, 4), "C3-10": (5, 5), "C3-core": (3, 6)}
"""Letters on the 5' and on the 3' side of the anchor."""
NO_PLACE = "no other place with these letters"
BEYOND_GC = "no free place within the GC caliper"


def count_matches(
    placed: PlacedSites,
    kind: str,
    seeker: Seekers,
    candidates: Candidates,
    index: NDArray[np.int64],
    pool: LetterPool,
) -> dict[str, float]:
    """What became of the sites in draw 0, and of the candidates."""
    n = int((placed.kind == kind).sum())
    has_place = np.isin(seeker.stratum, candidates.stratum)
    matched = int((index >= 0).sum())
    reasons = {
        f"unmatched: {NO_FLANK}": n - len(index),
        f"unmatched: {NO_PLACE}": int((~has_place).sum()),
        f"unmatched: {BEYOND_GC}": int((has_place & (index < 0)).sum()),
    }
    entry: dict[str, float] = {"sites": n, "matched": matched, "unmatched": n - matched}
    entry["share_unmatched"] = (n - matched) / n
    more = reasons | pool.counts
    return entry | {name: more[name] for name in sorted(more) if more[name]}


class MatchedPlaces(NamedTuple):
    """Candidates of one kind and rung, and which the draws use: rows of them, -1 for none."""

    candidates: Candidates
    found: list[NDArray[np.int64]]
    frame: Frame


@dataclass(frozen=True)
class MeasuredPlaces:
    """The candidates that are used or sampled, measured; `rows` are theirs, sorted.

    See `measure_matched`.
    """

    candidates: Candidates
    rows: NDArray[np.int64]
    table: pd.DataFrame
    values: NDArray[np.float64]

    def tabulate(
        self,
        placed: PlacedSites,
        rows: NDArray[np.int64],
        index: NDArray[np.int64],
        rung: str,
        draw: int,
    ) -> pd.DataFrame:
        """The controls of one draw, one row a matched site."""
        matched = rows[index >= 0]
        sites = placed.table.iloc[matched].reset_index(drop=True)
        at = np.searchsorted(self.rows, index[index >= 0])
        frame = self.table.iloc[at].reset_index(drop=True)
        for column in ("kind", "group", *(["width_bp"] if "width_bp" in sites else [])):
            frame[column] = sites[column]
        return frame.assign(matched_to=sites["site_id"], set=rung, draw=draw, row=matched)

    def compare(
        self,
        rung: str,
        kind: str,
        site_values: NDArray[np.float64],
        seeker: Seekers,
        index: NDArray[np.int64],
        names: Sequence[str],
    ) -> pd.DataFrame:
        """Balance of draw 0; each set of letters counts as often as sites have it."""
        pool = PoolMoments()
        sampled = self.candidates.is_sampled[self.rows]
        stratum = self.candidates.stratum[self.rows][sampled]
        values = self.values[sampled]
        n_sites = np.bincount(seeker.stratum)
        bounds = np.searchsorted(stratum, np.arange(len(n_sites) + 1))
        for i, weight in enumerate(n_sites.tolist()):
            pool.add(values[bounds[i] : bounds[i + 1]], weight)
        return measure_balance(
            kind,
            rung,
            names,
            sites=site_values,
            pool=pool,
            matched_sites=site_values[index >= 0],
            matched_controls=self.values[np.searchsorted(self.rows, index[index >= 0])],
        )


def measure_matched(
    parts: Sequence[MatchedPlaces], genome: Genome, meter: PlaceMeter
) -> list[MeasuredPlaces]:
    """Measure what the draws use and what is sampled, of all kinds and rungs at once.

    At once, because each reading goes through the whole genome: for a thousand motifs one by one
    it took longer than their models' windows.
    """
    rows = []
    for part in parts:
        used = np.unique(np.concatenate(part.found))
        sampled = np.flatnonzero(part.candidates.is_sampled)
        rows.append(np.union1d(used[used >= 0], sampled).astype(np.int64))
    own = [(part.candidates, at) for part, at in zip(parts, rows, strict=True)]
    anchors = [found.anchor[at] for found, at in own]
    signs = [found.minus[at] for found, at in own]
    edges = [
        part.frame.edges_of(anchor, minus)
        for part, anchor, minus in zip(parts, anchors, signs, strict=True)
    ]
    chrom = np.asarray(genome.chroms, dtype=object)[
        np.concatenate([found.chrom[at] for found, at in own])
    ]
    edge, anchor, minus = np.concatenate(edges), np.concatenate(anchors), np.concatenate(signs)
    values = meter.measure(chrom, edge, anchor, minus)
    table = pd.DataFrame({"chrom": chrom, "edge": edge, "strand": np.where(minus, "-", "+")}).join(
        pd.DataFrame(values, columns=list(meter.names))
    )
    stops = np.cumsum([len(at) for at in rows]).tolist()
    return [
        MeasuredPlaces(
            part.candidates,
            at,
            table.iloc[stop - len(at) : stop].reset_index(drop=True),
            values[stop - len(at) : stop],
        )
        for part, at, stop in zip(parts, rows, stops, strict=True)
    ]


def join_controls(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """All controls as a SiteTable, sorted by rung, draw and site."""
    joined = pd.concat(tables, ignore_index=True)
    place = joined["set"].map({rung: i for i, rung in enumerate(RUNG_LETTERS)})
    joined = joined.assign(place=place).sort_values(["place", "draw", "row"], ignore_index=True)
    joined["site_id"] = make_site_ids(joined)
    first = ["site_id", "chrom", "edge", "strand", "kind", "set", "group", "matched_to", "draw"]
    rest = [name for name in joined.columns if name not in (*first, "row", "place")]
    return check_sites(joined[[*first, *rest]], name="controls")
