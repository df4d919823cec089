"""A difference of known size, planted at the sites: is it found, how often, and at its size?

Two questions, two ways of planting:

- `plant` adds to p on the *track*, at the sites' edges on the strand that each site reads. What the
  pipeline then reports must differ from what it reported before by the planted size, at offset 0
  and nowhere else: this tests coordinates, strands and pairing.
- `measure_power` adds to the *values* of pairs. The model's own mean difference is subtracted
  first, so that nothing but the planted one is there; what varies between repeats is the genes,
  drawn with replacement, each copy a gene of its own. Differences between genes stay what they are.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.splice_controls.nulls import PairsAtEdge
from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.stats.resample import bootstrap_mean, sign_flip_test


@dataclass(frozen=True, slots=True, eq=False)
class Planted:
    """A track with a planted difference, and what clipping to [0, 1] took of it.

    `n_planted` edges were raised, `n_clipped` of them by less than `delta`; `n_missing` had no
    value. `lost` is the mean over planted edges of what was clipped away.
    """

    track: BoundaryTrack
    n_planted: int
    n_clipped: int
    n_missing: int
    lost: float


def plant(track: BoundaryTrack, sites: pd.DataFrame, delta: float) -> Planted:
    """Add `delta` to p at the edge of each site, forward for +, reverse for -; clip to [0, 1].

    An edge that several sites share on one strand is raised once.
    """
    planted: dict[str, list[TrackSegment]] = {}
    shortfalls, n_missing = [], 0
    for orientation, segments in track.segments.items():
        strand = {"forward": "+", "reverse": "-"}.get(orientation)
        mine = sites if strand is None else sites[sites["strand"] == strand]
        by_chrom = {
            str(chrom): np.unique(rows["edge"].to_numpy(np.int64))
            for chrom, rows in mine.groupby("chrom", sort=True)
        }
        planted[orientation] = []
        n_found = 0
        for segment in segments:
            edges = by_chrom.get(segment.chrom, np.zeros(0, np.int64))
            at = edges[(edges >= segment.start) & (edges < segment.end)] - segment.start
            values = segment.values.astype(np.float64)
            raised = np.clip(values[at] + delta, 0.0, 1.0)
            shortfall = delta - (raised - values[at])
            shortfalls.append(shortfall[~np.isnan(shortfall)])
            n_found += int((~np.isnan(shortfall)).sum())
            values[at] = raised
            planted[orientation].append(
                TrackSegment(segment.chrom, segment.start, values.astype(np.float32))
            )
        n_missing += sum(map(len, by_chrom.values())) - n_found
    lost = np.concatenate(shortfalls) if shortfalls else np.zeros(0)
    return Planted(
        BoundaryTrack(planted, track.provenance),
        n_planted=lost.size,
        n_clipped=int((np.abs(lost) > 1e-7).sum()),
        n_missing=n_missing,
        lost=float(lost.mean()) if lost.size else 0.0,
    )


def resample_genes(
    group: NDArray[np.str_], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of as many genes as there are, drawn with replacement, and a new label for each copy."""
    names, code = np.unique(group, return_inverse=True)
    members = [np.flatnonzero(code == i) for i in range(names.size)]
    drawn = rng.integers(0, names.size, size=names.size)
    rows = np.concatenate([members[i] for i in drawn])
    label = np.repeat(np.arange(names.size), [members[i].size for i in drawn])
    return rows.astype(np.int64), label.astype(np.int64)


def measure_power(
    pairs: PairsAtEdge,
    delta: float,
    *,
    n_repeats: int,
    n_flips: int,
    n_boot: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Test and interval for a planted difference in resampled genes.

    Returns
    -------
    One row a repeat: `effect`, `p_value`, `ci_low`, `ci_high`, and `truth`, the mean planted
    difference over all pairs after clipping, which is the same in every row.
    """
    raised = np.clip(pairs.site + delta, 0.0, 1.0) - pairs.site
    centred = pairs.difference - pairs.difference.mean() + raised
    truth = float(raised.mean())
    found = []
    for _ in range(n_repeats):
        rows, label = resample_genes(pairs.group, rng)
        values = centred[rows]
        test = sign_flip_test(values, label, n_flips=n_flips, rng=rng)
        interval = bootstrap_mean(values, label, n_boot=n_boot, rng=rng)
        found.append(
            (
                float(interval.mean[0]),
                float(test.p_value[0]),
                float(interval.low[0]),
                float(interval.high[0]),
                truth,
            )
        )
    return pd.DataFrame(found, columns=["effect", "p_value", "ci_low", "ci_high", "truth"])
