"""Rows of a locus view that show values on edges: p, the residual, and hard cuts.

An edge without a value is a hatched band from top to bottom, so that a gap is never read as 0.
"""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from ldar_interp.boundaries.bins import bin_values
from ldar_interp.boundaries.tokens import find_cuts, find_runs
from ldar_interp.boundaries.track import BOUNDARY_THRESHOLD, call_boundaries
from ldar_interp.plots.locus_view import LocusView
from ldar_interp.plots.style import HAIRLINE, HAIRLINE_PT, MUTED_INK

CUT = "#14365F"
NO_CUT = "#8DADCE"
PALE = "#D9E3EE"
ABOVE = "#C4500A"
BELOW = "#1F77B4"
MISSING, MISSING_HATCH = "#F5F5F5", "#C4C4C4"
RESIDUAL_RANGE = "#F1E8DD"
_MOST_BAR_MM = 1.5
_BAR_SHARE = {"letters": 0.7, "bars": 0.95, "bins": 1.0}


def draw_prob(ax: Axes, view: LocusView, values: NDArray[np.float32]) -> str:
    """p on a scale from 0 to 1, and what the marks mean, in words.

    Bars have the colour of a hard cut where p > 0.5. Bins are drawn as a dark line (mean) in a pale
    range (smallest to largest).
    """
    ax.set_ylim(0, 1.02)
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set_ylabel("boundary probability")
    _draw_missing(ax, view, values)
    if view.detail != "bins":
        ax.axhline(BOUNDARY_THRESHOLD, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0.6)
        is_cut = values > BOUNDARY_THRESHOLD
        _draw_bars(ax, view, values, is_cut, CUT, "prob-cut")
        _draw_bars(ax, view, values, ~is_cut & ~np.isnan(values), NO_CUT, "prob-no-cut")
        return "p at each edge; dark: p > 0.5, a cut"
    bins = bin_values(values, view.region.start, view.bin_bp)
    _draw_range(ax, bins.first, bins.last, bins.low, bins.high, PALE, "prob-range")
    _draw_steps(ax, bins.first, bins.last, bins.mean, CUT, "prob-mean")
    return f"bins of {view.bin_bp} bp: mean (line), smallest to largest p (pale)"


def draw_residual(ax: Axes, view: LocusView, values: NDArray[np.float32], label: str) -> None:
    """Signed values around 0, what is above in orange and what is below in blue."""
    known = values[~np.isnan(values)]
    if view.detail == "bins":
        bins = bin_values(values, view.region.start, view.bin_bp)
        shown = np.concatenate([bins.low, bins.high])
        known = shown[~np.isnan(shown)]
    reach = max(float(np.abs(known).max()) if known.size else 0.0, 0.05) * 1.05
    ax.set_ylim(-reach, reach)
    ax.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))
    ax.set_ylabel(label)
    _draw_missing(ax, view, values)
    ax.axhline(0, color=MUTED_INK, linewidth=HAIRLINE_PT, zorder=2.2)
    if view.detail != "bins":
        _draw_bars(ax, view, values, values > 0, ABOVE, "residual-above")
        _draw_bars(ax, view, values, values < 0, BELOW, "residual-below")
        return
    _draw_range(ax, bins.first, bins.last, bins.low, bins.high, RESIDUAL_RANGE, "residual-range")
    zero = np.where(np.isnan(bins.mean), np.nan, 0).astype(np.float32)
    for colour, gid, part in (
        (ABOVE, "residual-above", np.maximum(bins.mean, 0)),
        (BELOW, "residual-below", np.minimum(bins.mean, 0)),
    ):
        _draw_range(ax, bins.first, bins.last, np.minimum(part, zero), np.maximum(part, zero),
                    colour, gid)  # fmt: skip


def draw_cuts(ax: Axes, view: LocusView, values: NDArray[np.float32]) -> str:
    """A tick at each hard cut, or how many of the edges of a bin are cut; and the row's name."""
    _draw_missing(ax, view, values)
    if view.detail != "bins":
        ax.set_ylim(0, 1)
        ax.set_yticks([])
        cuts = find_cuts(values, view.region.start)
        ticks = LineCollection(
            [[(x, 0.1), (x, 0.9)] for x in cuts.tolist()],
            colors=CUT,
            linewidths=min(max(view.points(0.45), 0.4), 1.2),
            gid="cuts",
        )
        ax.add_collection(ticks, autolim=False)
        return "cuts"
    bins = bin_values(call_boundaries(values), view.region.start, view.bin_bp)
    top = max(float(np.nanmax(bins.mean)), 0.1)
    ax.set_ylim(0, top * 1.05)
    ax.yaxis.set_major_locator(MaxNLocator(2))
    _draw_range(ax, bins.first, bins.last, np.zeros_like(bins.mean), bins.mean, NO_CUT, "cut-share")
    return "cut\nshare"


def _draw_missing(ax: Axes, view: LocusView, values: NDArray[np.float32]) -> None:
    """Hatched where an edge, or every edge of a bin, has no value."""
    size = view.bin_bp
    if size > 1:
        values = bin_values(values, view.region.start, size).mean
    last_edge = view.region.end
    for first, end in find_runs(values, missing=True):
        left = view.region.start + first * size - 0.5
        right = min(view.region.start + end * size - 0.5, last_edge + 0.5)
        band = ax.axvspan(left, right, facecolor=MISSING, edgecolor=MISSING_HATCH, zorder=0.3)
        band.set(linewidth=0, hatch="/////")
        band.set_gid("missing")


def _draw_bars(
    ax: Axes,
    view: LocusView,
    values: NDArray[np.float32],
    shown: NDArray[np.bool_],
    colour: str,
    gid: str,
) -> None:
    """A bar from 0 to the value, on the edge itself."""
    edges, heights = view.edges[shown].tolist(), values[shown].tolist()
    width = view.points(min(_BAR_SHARE[view.detail], view.bp(_MOST_BAR_MM)))
    bars = LineCollection(
        [[(x, 0.0), (x, y)] for x, y in zip(edges, heights, strict=True)],
        colors=colour,
        linewidths=width,
        capstyle="butt",
        zorder=2,
        gid=gid,
    )
    ax.add_collection(bars, autolim=False)


def _draw_range(
    ax: Axes,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    low: NDArray[np.float32],
    high: NDArray[np.float32],
    colour: str,
    gid: str,
) -> None:
    """A box a bin from low to high, joined into one outline for each run of bins with values."""
    outlines = []
    for begin, end in find_runs(high):
        x = _corners(first[begin:end], last[begin:end])
        top, bottom = np.repeat(high[begin:end], 2), np.repeat(low[begin:end], 2)
        outlines.append(
            np.column_stack([np.concatenate([x, x[::-1]]), np.concatenate([top, bottom[::-1]])])
        )
    shape = PolyCollection(outlines, facecolors=colour, linewidths=0, zorder=1, gid=gid)
    ax.add_collection(shape, autolim=False)


def _draw_steps(
    ax: Axes,
    first: NDArray[np.int64],
    last: NDArray[np.int64],
    values: NDArray[np.float32],
    colour: str,
    gid: str,
) -> None:
    """A line that is flat over each bin and broken where bins have no value."""
    lines = [
        np.column_stack([_corners(first[a:b], last[a:b]), np.repeat(values[a:b], 2)])
        for a, b in find_runs(values)
    ]
    steps = LineCollection(lines, colors=colour, linewidths=0.6, zorder=2, gid=gid)
    ax.add_collection(steps, autolim=False)


def _corners(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.float64]:
    """Left and right end of each bin, half a base beyond its edges."""
    return np.column_stack([first - 0.5, last + 0.5]).ravel()
