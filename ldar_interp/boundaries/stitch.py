"""Which windows to model for which sites, and putting their values back on the edges.

    sites        |            |  |                     merged ranges of edges, one array each
    ranges    [-----]      [--------]
    windows  (=======)    (===========)                each answers for the edges in its middle

Sites on + ask for the forward orientation and sites on - for the reverse one (`transcript`), so
there is one plan for each orientation that is modelled. Nothing here knows the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.tiling import Window, check_margin, merge_edges, plan_windows
from ldar_interp.boundaries.track import (
    ORIENTATIONS,
    STRAND_MODES,
    BoundaryTrack,
    TrackSegment,
)
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval

SITE_COLUMNS = ("chrom", "edge", "strand")

EdgeSpans = list[tuple[int, int]]
"""Closed ranges of edges, ascending, not touching."""


@dataclass
class EdgeRanges:
    """Wanted edges of one chromosome: closed ranges low..high, and a value for each edge.

    `values[i]` is float32 (high[i] - low[i] + 1,), NaN until a window fills it. `end` is the last
    edge that the chromosome is known to have.
    """

    low: NDArray[np.int64]
    high: NDArray[np.int64]
    end: int
    values: list[NDArray[np.float32]] = field(init=False)

    def __post_init__(self) -> None:
        sizes = (self.high - self.low + 1).tolist()
        self.values = [np.full(size, np.nan, dtype=np.float32) for size in sizes]


@dataclass
class Orientation:
    """What the model reads of one strand: windows in order, and where their values go.

    `n_missing` counts wanted edges without a window: off the sequence, in N, within the margin.
    """

    windows: list[Window]
    ranges: dict[str, EdgeRanges]
    n_missing: int

    def fill(self, window: Window, prob: NDArray[np.float32], *, is_reverse: bool) -> None:
        """Put the p of one window, (n_bases,) as the model read it, on the edges it answers for."""
        by_edge = np.full(prob.size + 1, np.nan, dtype=np.float32)
        if is_reverse:
            # Edge t of the window read on the other strand is edge size - t on this one.
            by_edge[1:] = prob[::-1]
        else:
            by_edge[:-1] = prob
        wanted = self.ranges[window.chrom]
        at = int(np.searchsorted(wanted.high, window.first))
        while at < wanted.low.size and wanted.low[at] <= window.last:
            low = int(wanted.low[at])
            first, last = max(window.first, low), min(window.last, int(wanted.high[at]))
            wanted.values[at][first - low : last + 1 - low] = by_edge[
                first - window.start : last + 1 - window.start
            ]
            at += 1

    def segments(self) -> list[TrackSegment]:
        """All ranges as track segments, by chromosome and edge."""
        found = []
        for chrom, wanted in self.ranges.items():
            for low, values in zip(wanted.low.tolist(), wanted.values, strict=True):
                # A flank may reach beyond either end, where a chromosome has no edges.
                kept = values[max(0, -low) : max(0, wanted.end + 1 - low)]
                if kept.size:
                    found.append(TrackSegment(chrom, max(0, low), kept))
        return found


def plan_orientations(
    genome: Genome,
    tables: Sequence[pd.DataFrame],
    *,
    flank_bp: int,
    strand: str,
    length: int,
    margin_bp: int,
) -> dict[str, Orientation]:
    """Windows for all edges within `flank_bp` of the sites, for each orientation to be modelled.

    Parameters
    ----------
    tables : SiteTables; `chrom`, `edge` and `strand` are read.
    strand : `transcript`, `forward` or `mean`.
    length, margin_bp : of the windows, see `plan_windows`.

    Returns
    -------
    `forward`, `reverse` or both; an orientation that no site asks for has no windows.

    Raises
    ------
    InputError : unknown strand or mode, no sites, a missing column, flank_bp < 0, a bad margin.
    CoordinateError : sites lie on a chromosome that the genome does not have.
    """
    sites = _join(tables)
    if strand not in STRAND_MODES:
        raise InputError(f"strand mode {strand!r}; wanted one of {', '.join(STRAND_MODES)}")
    if flank_bp < 0:
        raise InputError(f"flank_bp is {flank_bp}; wanted 0 or more")
    check_margin(margin_bp, length)
    _check_chroms(sites, genome)
    is_minus = (sites["strand"] == "-").to_numpy()
    everything = np.ones(len(sites), dtype=bool)
    wanted = {
        "transcript": {"forward": ~is_minus, "reverse": is_minus},
        "forward": {"forward": everything},
        "mean": {"forward": everything, "reverse": everything},
    }[strand]
    ranges: dict[str, dict[str, EdgeSpans]] = {}
    for name, rows in wanted.items():
        edges_of = {str(chrom): part for chrom, part in sites[rows].groupby("chrom")["edge"]}
        ranges[name] = {
            chrom: merge_edges(edges.to_numpy(np.int64), flank_bp)
            for chrom, edges in edges_of.items()
        }
    return plan_ranges(genome, ranges, length=length, margin_bp=margin_bp)


def plan_regions(
    genome: Genome,
    regions: Sequence[Interval],
    orientations: Sequence[str],
    *,
    length: int,
    margin_bp: int,
) -> dict[str, Orientation]:
    """Windows for all edges `start` .. `end` of regions that lie inside the genome.

    Parameters
    ----------
    regions : under the genome's names, in any order; those that overlap or touch are one.
    orientations : some of `forward`, `reverse`, `mean`, which needs both strands.
    length, margin_bp : of the windows, see `plan_windows`.

    Returns
    -------
    `forward`, `reverse` or both.

    Raises
    ------
    InputError : an unknown orientation, one twice, or none; a bad margin.
    """
    if not orientations or len(set(orientations)) < len(orientations):
        found = ", ".join(orientations) or "none"
        raise InputError(f"orientations are {found}; wanted {', '.join(ORIENTATIONS)}, each once")
    for name in orientations:
        if name not in ORIENTATIONS:
            raise InputError(f"orientation {name!r}; wanted some of {', '.join(ORIENTATIONS)}")
    check_margin(margin_bp, length)
    spans: dict[str, EdgeSpans] = {}
    for region in sorted(regions):
        merged = spans.setdefault(region.chrom, [])
        if merged and region.start <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], region.end))
        else:
            merged.append((region.start, region.end))
    read = [name for name in ORIENTATIONS[:2] if name in orientations or "mean" in orientations]
    return plan_ranges(genome, dict.fromkeys(read, spans), length=length, margin_bp=margin_bp)


def plan_ranges(
    genome: Genome,
    ranges: Mapping[str, Mapping[str, EdgeSpans]],
    *,
    length: int,
    margin_bp: int,
) -> dict[str, Orientation]:
    """Windows for closed ranges of edges, by orientation and chromosome."""
    end_of = {segment.chrom: segment.end for segment in genome.segments}
    plans = {}
    for name, spans in ranges.items():
        plan = Orientation([], {}, 0)
        for chrom in genome.chroms:
            if chrom not in spans:
                continue
            windows, missing = plan_windows(
                genome, chrom, spans[chrom], length=length, margin_bp=margin_bp
            )
            low, high = np.array(spans[chrom], dtype=np.int64).T
            plan.ranges[chrom] = EdgeRanges(low, high, end_of[chrom])
            plan.windows += windows
            plan.n_missing += missing
        plans[name] = plan
    return plans


def build_track(
    plans: dict[str, Orientation], strand: str, provenance: dict[str, Any]
) -> BoundaryTrack:
    """The track of filled plans; with `mean`, the average where both strands were evaluated."""
    if strand != "mean":
        return BoundaryTrack({name: plan.segments() for name, plan in plans.items()}, provenance)
    return BoundaryTrack({"mean": average_segments(plans)}, provenance)


def average_segments(plans: Mapping[str, Orientation]) -> list[TrackSegment]:
    """Mean of both strands on the same edges; NaN where either has no value."""
    return [
        TrackSegment(
            forward.chrom, forward.start, (forward.values + reverse.values) / np.float32(2)
        )
        for forward, reverse in zip(
            plans["forward"].segments(), plans["reverse"].segments(), strict=True
        )
    ]


def _join(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    for table in tables:
        missing = [name for name in SITE_COLUMNS if name not in table.columns]
        if missing:
            raise InputError(
                f"site table lacks the columns {', '.join(missing)}; see docs/contracts.md"
            )
    filled = [table.loc[:, list(SITE_COLUMNS)] for table in tables if len(table)]
    if not filled:
        raise InputError("no sites to extract around; wanted at least one")
    sites = pd.concat(filled, ignore_index=True)
    wrong = ~sites["strand"].isin(["+", "-"])
    if wrong.any():
        raise InputError(f"strand {sites['strand'][wrong].iloc[0]!r} of a site; wanted + or -")
    return sites


def _check_chroms(sites: pd.DataFrame, genome: Genome) -> None:
    unknown = sorted(set(sites["chrom"]) - set(genome.chroms))
    if not unknown:
        return
    place = "genome in memory" if genome.path is None else genome.path
    shown = ", ".join(genome.chroms[:5]) + (", ..." if len(genome.chroms) > 5 else "")
    raise CoordinateError(
        f"{place}: {int(sites['chrom'].isin(unknown).sum())} of {len(sites)} sites lie on "
        f"{unknown[0]!r}{f' and {len(unknown) - 1} more' if len(unknown) > 1 else ''}, which is "
        f"not there (it has {shown}); use the genome that the sites were made from"
    )
