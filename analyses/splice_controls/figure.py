"""The six panels, drawn from data.tsv's table and nothing else."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analyses.splice_controls.nulls import BY_GENE, BY_PAIR, CONTROLS, GROUP_TEST, NAIVE_TEST
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MUTED_INK,
    PANEL_LETTER_PT,
    SET_COLOURS,
    inches,
    publication_style,
)

HEIGHT_MM = 122
RUNGS = ("C0", "C1", "C2")
KINDS = ("donor", "acceptor")
KIND_COLOURS = {"donor": "#CC3311", "acceptor": "#14365F"}
_RATE_ROWS = (
    (BY_PAIR, GROUP_TEST, "pairs swapped"),
    (CONTROLS, GROUP_TEST, "two controls"),
    (BY_GENE, GROUP_TEST, "genes swapped"),
    ("draw against draw", GROUP_TEST, "draw, next draw"),
    (BY_PAIR, NAIVE_TEST, "pairs swapped"),
    (CONTROLS, NAIVE_TEST, "two controls"),
    (BY_GENE, NAIVE_TEST, "genes swapped"),
)
_CURVES = (
    (BY_PAIR, GROUP_TEST, "pairs swapped", "solid", INK),
    (CONTROLS, GROUP_TEST, "two controls", (0, (4.0, 1.2)), "#3F9FD8"),
    (BY_GENE, GROUP_TEST, "genes swapped", (0, (1.0, 1.0)), "#14365F"),
    (BY_GENE, NAIVE_TEST, "genes swapped, t-test", "solid", "#CC3311"),
)


def draw_controls(data: pd.DataFrame, *, alpha: float) -> Figure:
    """The figure of the pipeline controls, 183 mm wide.

    Parameters
    ----------
    data : `summarise.COLUMNS`, all panels.
    alpha : level of the tests; a line in panels a and f, and the border of filled markers.
    """
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(HEIGHT_MM)))
        grid = figure.add_gridspec(
            2, 3, left=0.125, right=0.985, bottom=0.085, top=0.935, wspace=0.36, hspace=0.42
        )
        draw: tuple[tuple[str, str, Callable[[Axes, pd.DataFrame, float], None]], ...] = (
            ("a", "no difference: false alarms", _draw_rates),
            ("b", "no difference: p-values", _draw_ecdf),
            ("c", "cuts that read no letters", _draw_effects),
            ("d", "untrained models read letters", _draw_effects),
            ("e", "planted difference: size", _draw_sizes),
            ("f", "planted difference: power", _draw_power),
        )
        for i, (letter, title, panel) in enumerate(draw):
            ax = figure.add_subplot(grid[i // 3, i % 3])
            panel(ax, data[data["panel"] == letter], alpha)
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
    return figure


def _draw_rates(ax: Axes, data: pd.DataFrame, alpha: float) -> None:
    labels, ticks, y = [], [], 0.0
    for row, (null, test, label) in enumerate(_RATE_ROWS):
        mine = data[(data["series"] == null) & (data["test"] == test)]
        if row == 4:
            y += 1.0
            ax.axhline(y - 1.35, color=HAIRLINE, lw=HAIRLINE_PT)
        for step, rung in enumerate(RUNGS):
            part = mine[mine["control"] == rung]
            if len(part):
                found = part.iloc[0]
                at = y + (step - 1) * 0.24
                ax.plot([found["low"], found["high"]], [at, at], color=SET_COLOURS[rung], lw=0.9)
                ax.plot(found["x"], at, "o", color=SET_COLOURS[rung], ms=2.6, mew=0)
        labels.append(label)
        ticks.append(y)
        y += 1
    ax.axvline(alpha, color=INK, lw=HAIRLINE_PT, ls=(0, (2, 2)), zorder=0)
    ax.set_xscale("log")
    shown = [0.01, alpha, 0.2, 1.0]
    ax.set_xlim(0.008, 1.15)
    ax.set_xticks(shown, [f"{100 * x:g}" for x in shown])
    ax.minorticks_off()
    ax.set_yticks(ticks, labels)
    ax.set_ylim(y - 0.4, -1.2)
    ax.set_xlabel(f"rejected at {100 * alpha:g} % (%), log scale")
    for at, text in ((-0.8, "sign flips of genes (ours)"), (4.12, "t-test of pairs (naive)")):
        ax.text(
            0.0085,
            at,
            text,
            color=MUTED_INK,
            va="center",
            bbox={"fc": "white", "lw": 0, "pad": 0.5},
        )
    handles = [Line2D([], [], color=SET_COLOURS[r], marker="o", ms=2.6, lw=0.9) for r in RUNGS]
    ax.legend(handles, RUNGS, loc="upper right", handlelength=1.2, borderaxespad=0)


def _draw_ecdf(ax: Axes, data: pd.DataFrame, alpha: float) -> None:
    ax.axvline(alpha, color=INK, lw=HAIRLINE_PT, ls=(0, (2, 2)), zorder=0)
    ax.plot([0, 1], [0, 1], color=HAIRLINE, lw=HAIRLINE_PT)
    for null, test, label, dash, colour in _CURVES:
        mine = data[(data["series"] == null) & (data["test"] == test)].sort_values("x")
        ax.plot(mine["x"], mine["y"], color=colour, ls=dash, lw=1.0, label=label)
    ax.set(xlim=(0, 1), ylim=(0, 1.45), xlabel="p-value", ylabel="share of tests with p up to this")
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.legend(loc="upper left", handlelength=1.8, borderaxespad=0.2, labelspacing=0.3)


def _draw_effects(ax: Axes, data: pd.DataFrame, alpha: float) -> None:
    ax.axhline(0, color=INK, lw=HAIRLINE_PT)
    names = list(dict.fromkeys(data["series"].tolist()))
    spread = np.linspace(-0.36, 0.36, len(names))
    for k, kind in enumerate(KINDS):
        for r, rung in enumerate(RUNGS):
            centre = r + k * (len(RUNGS) + 0.4)
            for name, shift in zip(names, spread, strict=True):
                part = data[
                    (data["series"] == name) & (data["kind"] == kind) & (data["control"] == rung)
                ]
                for _, row in part.iterrows():
                    colour = SET_COLOURS[rung]
                    marker = "s" if name.startswith("grid") else "o"
                    at = centre + shift
                    ax.plot([at, at], [row["low"], row["high"]], color=colour, lw=0.6)
                    filled = colour if row["p_value"] <= alpha else "white"
                    ax.plot(at, row["y"], marker, color=colour, mfc=filled, ms=2.4, mew=0.5)
        middle = k * (len(RUNGS) + 0.4) + 1
        ax.text(middle, 1.0, kind, transform=ax.get_xaxis_transform(), ha="center", va="top")
    positions = [r + k * (len(RUNGS) + 0.4) for k in range(len(KINDS)) for r in range(len(RUNGS))]
    ax.set_xticks(positions, list(RUNGS) * len(KINDS))
    low, high = ax.get_ylim()
    ax.set_ylim(low - 0.12 * (high - low), high + 0.12 * (high - low))
    ax.set_ylabel("site − control, p at the edge")
    handles = [
        Line2D([], [], color=INK, mfc=INK, marker="o", ms=2.4, mew=0.5, lw=0),
        Line2D([], [], color=INK, mfc="white", marker="o", ms=2.4, mew=0.5, lw=0),
    ]
    labels = [f"p ≤ {alpha:g}", f"p > {alpha:g}"]
    if any(name.startswith("grid") for name in names):
        handles.append(Line2D([], [], color=INK, mfc="white", marker="s", ms=2.4, mew=0.5, lw=0))
        labels.append("grid")
    ax.legend(
        handles,
        labels,
        loc="lower center",
        ncols=len(labels),
        handletextpad=0.0,
        columnspacing=0.6,
        borderaxespad=0,
    )


def _draw_sizes(ax: Axes, data: pd.DataFrame, alpha: float) -> None:
    del alpha  # no test in this panel
    most = float(data["x"].max())
    ax.plot([0, most], [0, most], color=HAIRLINE, lw=HAIRLINE_PT)
    for k, kind in enumerate(KINDS):
        colour, shift = KIND_COLOURS[kind], (k - 0.5) * 0.012 * most
        mine = data[data["kind"] == kind]
        exact = mine[mine["test"] == "planted on the track"]
        ax.plot(exact["x"] + shift, exact["y"], "_", color=colour, ms=3.6, mew=0.7)
        drawn = mine[mine["test"] != "planted on the track"]
        for _, row in drawn.iterrows():
            at = row["x"] + shift
            ax.plot([at, at], [row["low"], row["high"]], color=colour, lw=0.7)
            ax.plot(at, row["y"], "o", color=colour, ms=2.2, mew=0)
    ax.set(xlabel="planted difference in p", ylabel="difference found")
    handles = [
        Line2D([], [], color=colour, marker="o", ms=2.2, mew=0, lw=0.7)
        for colour in KIND_COLOURS.values()
    ]
    handles.append(Line2D([], [], color=INK, marker="_", ms=3.6, mew=0.7, lw=0))
    ax.legend(
        handles,
        ["donor, resampled genes", "acceptor, resampled genes", "planted on the track"],
        loc="upper left",
        handlelength=1.2,
    )


def _draw_power(ax: Axes, data: pd.DataFrame, alpha: float) -> None:
    ax.axhline(alpha, color=INK, lw=HAIRLINE_PT, ls=(0, (2, 2)), zorder=0)
    ax.axhline(0.95, color=INK, lw=HAIRLINE_PT, ls=(0, (2, 2)), zorder=0)
    for kind in KINDS:
        colour = KIND_COLOURS[kind]
        for series, dash, mark in (("power", "solid", "o"), ("coverage", (0, (1.0, 1.0)), "^")):
            mine = data[(data["kind"] == kind) & (data["series"] == series)].sort_values("x")
            if series == "power":
                ax.fill_between(
                    mine["x"], mine["low"], mine["high"], color=colour, alpha=0.15, lw=0
                )
            ax.plot(
                *(mine["x"], mine["y"]), color=colour, ls=dash, marker=mark, ms=2.2, mew=0, lw=0.9
            )
    ax.set(xlabel="planted difference in p", ylabel="share of runs", ylim=(0, 1.02))
    ax.set_yticks([0, alpha, 0.5, 0.8, 0.95], ["0", f"{alpha:g}", "0.5", "0.8", "0.95"])
    handles = [
        *(
            Line2D([], [], color=colour, marker="o", ms=2.2, lw=0.9)
            for colour in KIND_COLOURS.values()
        ),
        Line2D([], [], color=INK, marker="^", ms=2.2, lw=0.9, ls=(0, (1.0, 1.0))),
    ]
    ax.legend(
        handles,
        ["power, donor", "power, acceptor", "interval covers"],
        loc="center right",
        bbox_to_anchor=(1.0, 0.35),
    )
