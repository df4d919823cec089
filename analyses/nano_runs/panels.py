"""What the figures of the four analyses share: colours, seeds as markers, means with intervals."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MUTED_INK,
    PANEL_LETTER_PT,
    SET_COLOURS,
    inches,
)

T_BARS = "bars: 95 % t-intervals over seeds"
REFERENCE_COLOUR = SET_COLOURS["site"]
OTHER_COLOURS = (SET_COLOURS["C2"], SET_COLOURS["C1"], SET_COLOURS["C0"])
DASHES = ("solid", (0, (4.0, 1.2)), (0, (1.0, 1.0)), (0, (5.0, 1.2, 1.2, 1.2)))
SEED_MARKERS = {"1": "o", "2": "s", "3": "^"}


def panel_row(
    height_mm: float,
    width_ratios: Sequence[float],
    *,
    left: float = 0.065,
    bottom: float = 0.22,
    top: float = 0.88,
) -> tuple[Figure, list[Axes]]:
    """A figure of two columns' width and its panels side by side, in the current style."""
    figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(height_mm)))
    grid = figure.add_gridspec(
        1, len(width_ratios), left=left, right=0.99, bottom=bottom, top=top, wspace=0.34,
        width_ratios=width_ratios,
    )  # fmt: skip
    return figure, [figure.add_subplot(cell) for cell in grid]


def colour_settings(settings: Sequence[str], reference: str) -> dict[str, str]:
    """A colour a setting; the reference always has the same."""
    others = iter(OTHER_COLOURS)
    return {name: REFERENCE_COLOUR if name == reference else next(others) for name in settings}


def dash_settings(settings: Sequence[str], reference: str) -> dict[str, Any]:
    """A dash a setting; the reference is drawn through."""
    others = iter(DASHES[1:])
    return {name: DASHES[0] if name == reference else next(others) for name in settings}


def letter_panel(ax: Axes, letter: str, title: str) -> None:
    """Title on the left, the panel's letter before it."""
    ax.set_title(title, loc="left", pad=5)
    ax.annotate(
        letter,
        (0, 1),
        xytext=(-16, 6),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=PANEL_LETTER_PT,
        fontweight="bold",
        ha="right",
    )


def draw_by_setting(
    ax: Axes,
    data: pd.DataFrame,
    settings: Sequence[str],
    colours: dict[str, str],
    labels: dict[str, str],
) -> None:
    """A column a setting: a marker a seed, beside it the mean and its interval."""
    for at, name in enumerate(settings):
        mine = data[data["series"] == name]
        single = mine[mine["seed"] != ""]
        for row in single.itertuples():
            ax.plot(at - 0.14, row.y, SEED_MARKERS.get(row.seed, "D"), color=colours[name],
                    mfc="white", ms=2.8, mew=0.6)  # fmt: skip
        for row in mine[mine["seed"] == ""].itertuples():
            ax.plot([at + 0.04, at + 0.24], [row.y, row.y], color=colours[name], lw=1.4)
            ax.plot([at + 0.14] * 2, [row.low, row.high], color=colours[name], lw=0.8)
        if mine.empty:
            ax.text(at, 0.5, "no run yet", transform=ax.get_xaxis_transform(), rotation=90,
                    ha="center", va="center", color=MUTED_INK)  # fmt: skip
    ax.set_xticks(range(len(settings)), [labels[name] for name in settings])
    ax.set_xlim(-0.5, len(settings) - 0.5)
    if data.empty:
        ax.set_yticks([])


def draw_zero(ax: Axes) -> None:
    """A line at 0, with room on both sides of it."""
    ax.axhline(0, color=HAIRLINE, lw=HAIRLINE_PT, zorder=0)


def draw_curves(ax: Axes, data: pd.DataFrame, colour: str, dash: Any, **line: Any) -> None:
    """One thin line a seed over x, in the rows of one series."""
    for _, mine in data[data["seed"] != ""].groupby("seed", sort=True):
        ax.plot(mine["x"].astype(float), mine["y"], color=colour, ls=dash, **line)


def draw_mean_curve(
    ax: Axes, data: pd.DataFrame, colour: str, dash: Any, *, at: Sequence[float] | None = None
) -> None:
    """Means over seeds joined by a line, with their intervals as bars; `at` replaces x."""
    mine = data[data["seed"] == ""]
    x = mine["x"].astype(float).to_numpy() if at is None else np.asarray(at)
    ax.plot(x, mine["y"], color=colour, ls=dash, lw=1.0, marker="o", ms=2.2, mew=0)
    ax.vlines(x, mine["low"], mine["high"], color=colour, lw=0.7)


def add_seed_legend(ax: Axes, seeds: Sequence[str], **place: Any) -> None:
    """Which marker is which seed."""
    handles = [
        Line2D([], [], color=INK, marker=SEED_MARKERS.get(seed, "D"), mfc="white", ms=2.8, mew=0.6,
               lw=0)
        for seed in seeds
    ]  # fmt: skip
    ax.legend(handles, [f"seed {seed}" for seed in seeds], handletextpad=0.1, **place)


def seeds_in(data: pd.DataFrame) -> list[str]:
    """Seeds of a plotted table, in order."""
    return sorted(set(data["seed"]) - {""})


def note_seeds(figure: Figure, seeds: str, bars: str) -> None:
    """How many seeds the figure rests on and what its bars are, at its foot."""
    figure.text(0.01, 0.012, f"seeds: {seeds}; {bars}", color=MUTED_INK, ha="left", va="bottom")
