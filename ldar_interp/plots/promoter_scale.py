"""One y range for the panels with a claim, and marks where something goes on beyond it.

The range holds every mean of hits and of controls that are not too few, and nearly all ends of
their intervals: with 20 pairs a single offset can have an interval of half the axis, which would
press the others flat. What is left outside, and the means of controls that are too few, is cut at
the border, and a triangle there says so.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from matplotlib.axes import Axes

from ldar_interp.plots.promoter_panel import Motif, name_curves
from ldar_interp.plots.style import SET_COLOURS
from ldar_interp.plots.tables import Curve, find_models, read_curve, select_signal

INTERVAL_SHARE = 0.98
"""Share of the ends of intervals, on each side, that the range holds."""
_ROOM = 0.05
_MARK_PT = 1.9
_MARK_AT = 0.04
"""Where a triangle is, as a share of the axis from its border."""


def find_limits(motifs: Sequence[Motif], signal: str) -> tuple[float, float] | None:
    """The lowest and highest y to show for these motifs; None where nothing is drawn.

    Parameters
    ----------
    motifs : those that share the range: with a claim.
    signal : `prob` or `residual`.
    """
    means, lows, highs = [], [], []
    for motif in motifs:
        for model, name, curve in _read_curves(motif, signal):
            if name in motif.few:
                continue
            means.append(curve.values)
            if model == "checkpoint":
                lows.append(curve.ci_low)
                highs.append(curve.ci_high)
    drawn = _known(means)
    if not drawn.size:
        return None
    low, high = float(drawn.min()), float(drawn.max())
    if (ends := _known(lows)).size:
        low = min(low, float(np.quantile(ends, 1 - INTERVAL_SHARE)))
    if (ends := _known(highs)).size:
        high = max(high, float(np.quantile(ends, INTERVAL_SHARE)))
    room = _ROOM * ((high - low) or 1.0)
    return low - room, high + room


def list_cut(motif: Motif, signal: str, limits: tuple[float, float]) -> dict[tuple[int, str], str]:
    """What leaves the range: (offset, `below` or `above`) -> the set whose line or interval it is.

    Where several things leave at one offset, the hits are named before the controls.
    """
    low, high = limits
    found: dict[tuple[int, str], str] = {}
    for model, name, curve in _read_curves(motif, signal):
        below, above = curve.values < low, curve.values > high
        if model == "checkpoint":  # the others have no band
            below, above = below | (curve.ci_low < low), above | (curve.ci_high > high)
        for side, flags in (("below", below), ("above", above)):
            for offset in curve.offsets[flags].tolist():
                found[offset, side] = name  # hits are read last
    return found


def apply_limits(
    ax: Axes,
    motif: Motif,
    signal: str,
    limits: tuple[float, float],
    cut: dict[tuple[int, str], str],
) -> None:
    """Set the range of a panel, with a triangle where something in `cut` leaves it."""
    ax.set_ylim(limits)
    for side, marker, y in (("below", "v", _MARK_AT), ("above", "^", 1 - _MARK_AT)):
        for name in dict.fromkeys(cut.values()):
            at = [o for (o, where), owner in cut.items() if where == side and owner == name]
            if at:
                ax.plot(
                    at,
                    [y] * len(at),
                    transform=ax.get_xaxis_transform(),
                    linestyle="none",
                    marker=marker,
                    markersize=_MARK_PT,
                    markeredgewidth=0,
                    color=SET_COLOURS[name],
                    zorder=4,
                    gid=f"cut-{side}-{signal}-{motif.kind}-{name}",
                )


def _read_curves(motif: Motif, signal: str) -> Iterator[tuple[str, str, Curve]]:
    """Model, set and curve of everything that the panel draws, hits of the checkpoint last."""
    table = select_signal(motif.profile, signal)
    for model in reversed(find_models(table)):
        for name in name_curves(motif, model):
            curve = read_curve(table, "mean", model=model, kind=motif.kind, column="set", name=name)
            if curve is not None:
                yield model, name, curve


def _known(parts: Sequence[np.ndarray]) -> np.ndarray:
    values = np.concatenate([np.empty(0), *parts])
    return values[np.isfinite(values)]
