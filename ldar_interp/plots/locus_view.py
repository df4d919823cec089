"""What a view of a locus shows at its scale, and its x axis.

The width that a base has on paper decides what can be drawn honestly:

    letters    0.7 mm a base or more: letters, and a bar of p on each edge between them
    bars       0.12 mm or more: a bar on each edge
    bins       less: mean and range of runs of edges, and the panel says how long a run is

x is the edge. Base n of a browser (1-based) lies between the edges n - 1 and n, so the tick of base
n stands at n - 0.5. A region on the minus strand is drawn from right to left: 5' is on the left.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import format_region

LETTER_MM = 0.7
BAR_MM = 0.12
BIN_MM = 0.25
_TICK_MM = 19.0
_PT_PER_MM = 72 / 25.4

Detail = Literal["letters", "bars", "bins"]


@dataclass(frozen=True)
class LocusView:
    """A region and the width in mm that its panels have."""

    region: Interval
    width_mm: float

    @property
    def is_reversed(self) -> bool:
        """Whether x runs from high to low, because the region is on the minus strand."""
        return self.region.strand == "-"

    @property
    def mm_per_bp(self) -> float:
        """Width of a base on paper."""
        return self.width_mm / (len(self.region) + 1)

    @property
    def detail(self) -> Detail:
        """What the scale allows."""
        if self.mm_per_bp >= LETTER_MM:
            return "letters"
        return "bars" if self.mm_per_bp >= BAR_MM else "bins"

    @property
    def bin_bp(self) -> int:
        """Edges of a bin: 1 while every edge is drawn."""
        if self.detail != "bins":
            return 1
        return int(np.ceil(BIN_MM / self.mm_per_bp))

    @property
    def edges(self) -> NDArray[np.int64]:
        """All edges of the region, both ends included."""
        return np.arange(self.region.start, self.region.end + 1, dtype=np.int64)

    def points(self, bp: float) -> float:
        """A width in bp as a line width in points."""
        return bp * self.mm_per_bp * _PT_PER_MM

    def bp(self, mm: float) -> float:
        """A width on paper in bp."""
        return mm / self.mm_per_bp


def describe_region(region: Interval) -> str:
    """`chr3:42,000,001-42,001,000, 1,000 bp`, in kb from 10 kb on."""
    size = len(region)
    length = f"{size:,} bp" if size < 10_000 else f"{size / 1000:,.4g} kb"
    strand = {"-": ", − strand", "+": ", + strand"}.get(region.strand, "")
    start, end = format_region(region).rpartition(":")[2].split("-")
    return f"{region.chrom}:{int(start):,}-{int(end):,}{strand}, {length}"


def set_x(ax: Axes, view: LocusView) -> None:
    """The region's edges with half a base on each side; reversed for the minus strand."""
    low, high = view.region.start - 0.5, view.region.end + 0.5
    ax.set_xlim((high, low) if view.is_reversed else (low, high))


def label_x(ax: Axes, view: LocusView) -> None:
    """Ticks at round 1-based bases and the name of the axis, under the lowest row."""
    step = _round_step(len(view.region), max(2, int(view.width_mm / _TICK_MM)))
    first = -(-(view.region.start + 1) // step) * step
    bases = np.arange(first, view.region.end + 1, step)
    ax.set_xticks((bases - 0.5).tolist(), [f"{base:,}" for base in bases.tolist()])
    ax.tick_params(labelbottom=True, bottom=True)
    ax.spines["bottom"].set_visible(True)
    direction = ", minus strand 5′ to 3′" if view.is_reversed else ""
    ax.set_xlabel(f"{view.region.chrom}, base{direction}")


def _round_step(length: int, n_ticks: int) -> int:
    """The smallest 1, 2 or 5 times a power of ten that gives at most `n_ticks` ticks."""
    step = 1
    while True:
        for factor in (1, 2, 5):
            if length / (factor * step) <= n_ticks:
                return factor * step
        step *= 10
