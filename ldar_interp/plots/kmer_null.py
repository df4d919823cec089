"""The figure of a kmer-null run: what letters explain, and why GC has to be among them.

a  R^2 on held-out blocks over k, with and without GC
b  mean p by the two letters across the edge; five dots a row, from GC-poor to GC-rich
"""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ldar_interp.plots.layout import place_axes, write_at
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    MODEL_LABELS,
    MODEL_LINE_PT,
    MODELS,
    PANEL_LETTER_PT,
    SET_COLOURS,
    TITLE_PT,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import check_table

R2_COLUMNS = ("model", "k", "gc", "r2", "ci_low", "ci_high", "chosen")
QUINTILE_COLUMNS = ("model", "context", "quintile", "mean_prob")
GC_COLOURS = {"yes": SET_COLOURS["site"], "no": SET_COLOURS["C1"]}
GC_LABELS = {"yes": "letters and GC", "no": "letters alone"}
# Dark to light reads in grey too; the palest end of the map would vanish on white.
_QUINTILES = {q: colormaps["viridis"](0.9 - 0.2 * (q - 1)) for q in range(1, 6)}

_HEIGHT_MM, _TOP_MM, _BOTTOM_MM = 78.0, 12.0, 11.0
_LEFT_MM, _GAP_MM, _RIGHT_MM = 12.0, 13.0, 3.0
_STACK_GAP_MM = 16.0


def kmer_null_figure(
    r2: pd.DataFrame, quintiles: pd.DataFrame, *, width_mm: int = DOUBLE_COLUMN_MM
) -> Figure:
    """Draw the tables of a kmer-null run (docs/contracts.md).

    Parameters
    ----------
    width_mm : 183, panels side by side, or 89, one below the other.

    Raises
    ------
    InputError : a table lacks a column or holds a model that is not known here.
    """
    check_table(r2, R2_COLUMNS, "r2")
    check_table(quintiles, QUINTILE_COLUMNS, "quintiles")
    models = [model for model in MODELS if model in set(quintiles["model"])]
    wide = width_mm == DOUBLE_COLUMN_MM
    inner = _HEIGHT_MM - _TOP_MM - _BOTTOM_MM
    height = _HEIGHT_MM if wide else 2 * inner + _TOP_MM + _STACK_GAP_MM + _BOTTOM_MM
    with publication_style():
        figure = Figure(figsize=(inches(width_mm), inches(height)))
        room = width_mm - _LEFT_MM - _RIGHT_MM
        first = (room - _GAP_MM) / 3 if wide else room
        ax = place_axes(figure, _LEFT_MM, _TOP_MM, first, inner)
        plot_r2(r2, ax=ax)
        left = _LEFT_MM + first + _GAP_MM if wide else _LEFT_MM
        top = _TOP_MM if wide else _TOP_MM + inner + _STACK_GAP_MM
        gap = 9.0
        each = (width_mm - _RIGHT_MM - left - gap * (len(models) - 1)) / len(models)
        order = _order_contexts(quintiles, models[0])
        for i, model in enumerate(models):
            panel = place_axes(figure, left + i * (each + gap), top, each, inner)
            plot_quintiles(quintiles, model=model, order=order, ax=panel)
            panel.set_title(MODEL_LABELS[model], loc="left", fontsize=TITLE_PT)
        _draw_key(figure, left, top)
        for letter, x, y in (("a", 1.0, _TOP_MM - 6), ("b", left - _GAP_MM + 3.0, top - 6)):
            write_at(figure, max(x, 1.0), y, letter, size=PANEL_LETTER_PT, weight="bold")
    return figure


def plot_r2(r2: pd.DataFrame, *, ax: Axes) -> Axes:
    """R^2 with its interval over k; colour says whether GC is known, line weight which model.

    The k of the null is a filled dot.
    """
    for model in [name for name in MODELS if name in set(r2["model"])]:
        for number, (gc, colour) in enumerate(GC_COLOURS.items()):
            rows = r2[(r2["model"] == model) & (r2["gc"] == gc)].sort_values("k")
            # A little aside, so that intervals at one k do not cover each other.
            k = rows["k"].to_numpy(dtype=float) + 0.16 * (number - 0.5)
            value = rows["r2"].to_numpy(dtype=float)
            width = MODEL_LINE_PT[model]
            ax.plot(k, value, color=colour, lw=width, ls="solid" if gc == "yes" else "dashed")
            ax.vlines(k, rows["ci_low"], rows["ci_high"], color=colour, lw=width)
            chosen = (rows["chosen"] == "yes").to_numpy()
            for mask, face in ((chosen, colour), (~chosen, "white")):
                ax.plot(
                    k[mask], value[mask], ls="none", marker="o", ms=2 + width,
                    mec=colour, mfc=face, mew=0.6,
                )  # fmt: skip
    ks = sorted(set(r2["k"]))
    ax.set_xticks(ks)
    ax.set_xlabel("letters around the edge, k")
    ax.set_ylabel("R² on held-out blocks")
    low = np.nanmin(np.append(r2["ci_low"].to_numpy(dtype=float), r2["r2"].min()))
    ax.set_ylim(min(0.0, float(low)), 1.02)
    handles = [
        Line2D([], [], color=GC_COLOURS[gc], lw=1.1, ls="solid" if gc == "yes" else "dashed")
        for gc in GC_COLOURS
    ] + [
        Line2D([], [], color="#222222", lw=MODEL_LINE_PT[model])
        for model in MODELS
        if model in set(r2["model"])
    ]
    labels = [*GC_LABELS.values(), *(MODEL_LABELS[m] for m in MODELS if m in set(r2["model"]))]
    ax.legend(handles, labels, loc="lower right", handlelength=2.2, borderaxespad=0.3)
    return ax


def plot_quintiles(quintiles: pd.DataFrame, *, model: str, order: list[str], ax: Axes) -> Axes:
    """Mean p of each context in each GC quintile, a row a context, joined by a hairline."""
    rows = quintiles[quintiles["model"] == model]
    for place, context in enumerate(order):
        own = rows[rows["context"] == context]
        if own.empty:
            continue
        prob = own["mean_prob"].to_numpy(dtype=float)
        ax.hlines(place, prob.min(), prob.max(), color=HAIRLINE, lw=HAIRLINE_PT, zorder=1)
        colours = [_QUINTILES[int(q)] for q in own["quintile"]]
        ax.scatter(prob, np.full(prob.size, place), s=7, c=colours, lw=0, zorder=2)
    ax.set_yticks(range(len(order)), order)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(-0.7, len(order) - 0.3)
    ax.set_xlim(0, 1)
    ax.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    ax.set_xlabel("mean p")
    return ax


def _order_contexts(quintiles: pd.DataFrame, model: str) -> list[str]:
    """Contexts by mean p over the quintiles, the lowest first."""
    mean = quintiles[quintiles["model"] == model].groupby("context")["mean_prob"].mean()
    return [str(name) for name in mean.sort_values(kind="stable").index]


def _draw_key(figure: Figure, left: float, top: float) -> None:
    """The colours of the quintiles, above the panels."""
    write_at(figure, left, top - 7.0, "GC in 200 bp: low")
    ax = place_axes(figure, left + 20.5, top - 9.3, 16.0, 3.0)
    ax.scatter(range(5), np.zeros(5), s=9, c=[_QUINTILES[q] for q in range(1, 6)], lw=0)
    ax.set_xlim(-0.6, 4.6)
    ax.axis("off")
    write_at(figure, left + 38.0, top - 7.0, "high")
