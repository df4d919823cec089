"""The ladder of many kinds at once: one row a motif, one cell a rung, in blocks of endpoints.

The big square of a cell is the checkpoint's effect, the small one in its corner that of random
weights, on one diverging scale that is white at zero. Marks: a dot for q < 0.05, a ring where
the 95 % interval leaves zero out without a test. A cell without a claim ("too few") is a grey
cross, one that was not run is empty.
"""

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ldar_interp.errors import InputError
from ldar_interp.plots.ladder import is_too_few
from ldar_interp.plots.ladder_choice import Row, choose_kinds, find_limit, index_rows
from ldar_interp.plots.ladder_figure import SIGNAL_TITLES, join_tables
from ldar_interp.plots.layout import place_axes, write_at
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MUTED_INK,
    TITLE_PT,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import (
    find_kinds,
    find_models,
    find_rungs,
    find_signals,
    resolve_kind,
    select_signal,
)

ENDPOINTS = ("left_flank", "inside", "right_flank")
COLOURS = "PuOr_r"
"""Purple below zero, orange above: apart in every common colour vision (ColorBrewer)."""
LEVEL = 0.05

_NAME_MM, _N_MM, _MARGIN_MM, _GAP_MM, _SIGNAL_GAP_MM = 25.0, 10.0, 2.0, 1.5, 3.5
_ROW_MM, _HEAD_MM, _FOOT_MM = 3.6, 19.0, 17.0
_MOST_LETTERS = 19
"""Of a name, in a column of `_NAME_MM`."""
_RUNG_SHORT = {"C3-8": "3-8", "C3-10": "3-10", "C3-core": "core"}


def ladder_grid(
    enrichment: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    kinds: Sequence[str] | None = None,
    rungs: Sequence[str] | None = None,
    statistics: Sequence[str] = ENDPOINTS,
    offset: int | None = None,
    limit: float | None = None,
    title: str | None = None,
) -> Figure:
    """Draw the effects of many kinds as a grid, 183 mm wide.

    Parameters
    ----------
    enrichment : as in `ladder_figure`; one row a model, signal, kind, rung and statistic.
    kinds, rungs : what to draw, in this order; by default all there is, but of more than
        `MOST_ROWS` kinds only those with a claim (`choose_kinds`), and the foot says of how many.
    statistics : endpoints, one block each within a signal.
    offset : offset of the rows to draw; None takes the only one that each statistic has.
    limit : effect at which the colour is full, > 0; by default a round number that nearly all
        effects outside C0 do not reach (`find_limit`).
    title : printed on top.

    Raises
    ------
    InputError : as `ladder_figure`, a limit <= 0, or a statistic that the table does not have.
    """
    table = join_tables(enrichment)
    if offset is not None:
        table = table[table["offset"] == offset]
    for statistic in statistics:
        if statistic not in set(table["statistic"]):
            raise InputError(
                f"enrichment table: no statistic {statistic!r} among "
                f"{', '.join(sorted(set(table['statistic']))) or 'none'}; name those it has"
            )
    table = table[table["statistic"].isin(statistics)]
    if kinds is None:
        rows = choose_kinds(table)
    else:
        rows = [resolve_kind(find_kinds(table), kind, "enrichment") for kind in kinds]
    n_kinds = len(find_kinds(table))
    if not rows:
        raise InputError(
            f"enrichment table: none of {n_kinds} kinds has enough pairs for a claim; name some "
            "with kinds="
        )
    table = table[table["kind"].isin(rows)]
    columns = list(rungs) if rungs is not None else find_rungs(table)
    largest = limit if limit is not None else find_limit(table)
    if not largest > 0:
        raise InputError(f"limit {limit}; wanted an effect > 0 at which the colour is full")
    scale = mpl.colormaps[COLOURS], Normalize(-largest, largest)
    signals = find_signals(table)
    head = _HEAD_MM + (4.5 if title else 0.0)
    height = head + _ROW_MM * len(rows) + _FOOT_MM
    room = DOUBLE_COLUMN_MM - 2 * _MARGIN_MM - _NAME_MM - _N_MM
    room -= _SIGNAL_GAP_MM * len(signals) + _GAP_MM * len(signals) * (len(statistics) - 1)
    width = room / (len(signals) * len(statistics))
    most_pairs = table.groupby(table["kind"].astype(str))["n_sites"].max()
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(height)))
        if title:
            write_at(figure, _MARGIN_MM, 4.5, title, size=TITLE_PT, weight="bold")
        for y, kind in enumerate(rows):
            at = head + _ROW_MM * (y + 0.5) + 0.75
            write_at(figure, _MARGIN_MM, at, _shorten(kind))
            n = most_pairs.get(kind)
            count = "–" if n is None or pd.isna(n) else f"{int(n):,}"
            write_at(figure, DOUBLE_COLUMN_MM - _MARGIN_MM, at, count, ha="right")
        write_at(
            figure, DOUBLE_COLUMN_MM - _MARGIN_MM, head - 1.5, "max. pairs", ha="right",
            color=MUTED_INK,
        )  # fmt: skip
        left = _MARGIN_MM + _NAME_MM
        for signal in signals:
            write_at(figure, left, head - 12.5, SIGNAL_TITLES[signal], weight="bold")
            for statistic in statistics:
                write_at(figure, left, head - 8.8, statistic.replace("_", " "))
                ax = place_axes(figure, left, head, width, _ROW_MM * len(rows))
                part = select_signal(table[table["statistic"] == statistic], signal)
                _draw_block(ax, part, rows, columns, statistic, scale, f"{signal}-{statistic}")
                left += width + _GAP_MM
            left += _SIGNAL_GAP_MM - _GAP_MM
        _draw_key(figure, height - _FOOT_MM + 5.0, scale, largest, find_models(table))
        if len(rows) < n_kinds:
            words = f"Shown are {len(rows)} of {n_kinds} motifs with hits"
            words += (
                "; all are in the tables."
                if kinds is not None
                else (", those with enough pairs for a claim on some rung; all are in the tables.")
            )
            write_at(figure, _MARGIN_MM + _NAME_MM, height - 1.5, words, color=MUTED_INK)
        figure.draw_without_rendering()
    return figure


def _shorten(kind: str) -> str:
    """A name that fits into its column."""
    return kind if len(kind) <= _MOST_LETTERS else f"{kind[: _MOST_LETTERS - 1]}…"


def _draw_block(
    ax: Axes,
    table: pd.DataFrame,
    kinds: Sequence[str],
    rungs: Sequence[str],
    statistic: str,
    scale: tuple[mpl.colors.Colormap, Normalize],
    gid: str,
) -> None:
    """Cells of one signal and endpoint."""
    ax.set(xlim=(-0.5, len(rungs) - 0.5), ylim=(len(kinds) - 0.5, -0.5), yticks=[])
    ax.set_xticks(range(len(rungs)), [_RUNG_SHORT.get(rung, rung) for rung in rungs], rotation=90)
    ax.tick_params(axis="x", top=False, bottom=False, labeltop=True, labelbottom=False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    for y in range(len(kinds) + 1):
        ax.axhline(y - 0.5, color=HAIRLINE, linewidth=0.3, zorder=0)
    offsets = set(table["offset"].dropna())
    if len(offsets) > 1:
        raise InputError(
            f"enrichment table: {statistic} at {len(offsets)} offsets; name one with offset="
        )
    models = find_models(table)
    by_cell = index_rows(table)
    for y, kind in enumerate(kinds):
        for x, rung in enumerate(rungs):
            for model in models:
                row = by_cell.get((model, kind, rung))
                if row is not None:
                    _draw_cell(ax, x, y, row, scale, f"{gid}-{model}-{kind}-{rung}")


def _draw_cell(
    ax: Axes,
    x: float,
    y: float,
    row: Row,
    scale: tuple[mpl.colors.Colormap, Normalize],
    gid: str,
) -> None:
    """The square of one model, and what is known about the checkpoint's effect."""
    is_main = row["model"] == "checkpoint"
    if is_too_few(row) or pd.isna(row["effect"]):
        if is_main:
            ax.plot([x], [y], marker="x", markersize=2.2, color=MUTED_INK, markeredgewidth=0.5)
        return
    colours, norm = scale
    corner, size = ((x - 0.46, y - 0.46), 0.92) if is_main else ((x + 0.12, y + 0.12), 0.34)
    ax.add_patch(
        Rectangle(
            corner,
            size,
            size,
            facecolor=colours(float(norm(float(row["effect"])))),
            edgecolor=HAIRLINE if is_main else MUTED_INK,
            linewidth=0.3,
            zorder=1.0 if is_main else 2.0,
            gid=f"cell-{gid}",
        )
    )
    if not is_main:
        return
    tested = pd.notna(row["q_value"])
    low, high = float(row["ci_low"]), float(row["ci_high"])
    clear = not math.isnan(low) and not math.isnan(high) and (low > 0 or high < 0)
    if (tested and float(row["q_value"]) < LEVEL) or (not tested and clear):
        _draw_mark(ax, x - 0.12, y - 0.12, tested, f"mark-{gid}")


def _draw_mark(ax: Axes, x: float, y: float, tested: bool, gid: str | None = None) -> None:
    """A dot: q under `LEVEL`. A ring: not tested, the interval leaves zero out."""
    ax.plot(
        [x],
        [y],
        marker="o",
        markersize=2.3 if tested else 1.9,
        markerfacecolor=INK if tested else "white",
        # A white rim, or a dot would be lost on the darkest cells.
        markeredgecolor="white" if tested else INK,
        markeredgewidth=0.5,
        linestyle="none",
        zorder=3,
        gid=gid,
    )


def _draw_key(
    figure: Figure,
    top: float,
    scale: tuple[mpl.colors.Colormap, Normalize],
    limit: float,
    models: Sequence[str],
) -> None:
    """The colour bar and what the marks say."""
    bar = place_axes(figure, _MARGIN_MM + _NAME_MM, top, 34.0, 2.2)
    bar.imshow(
        np.linspace(-limit, limit, 128)[None, :],
        cmap=scale[0],
        norm=scale[1],
        aspect="auto",
        extent=(-limit, limit, 0, 1),
    )
    bar.set(yticks=[], xticks=[-limit, 0.0, limit])
    bar.set_xticklabels([f"≤ −{limit:.2g}", "0", f"≥ +{limit:.2g}"])
    for spine in bar.spines.values():
        spine.set_linewidth(HAIRLINE_PT)
    left = _MARGIN_MM + _NAME_MM
    write_at(figure, left + 17.0, top + 7.6, "sites − controls", ha="center")
    key = place_axes(figure, left + 42.0, top - 1.6, 110.0, 9.6)
    key.set(xlim=(0, 110), ylim=(9.6, 0))
    key.axis("off")
    words = ["big square: checkpoint"]
    words += ["small: random weights"] * ("random" in models)
    key.text(0, 2.4, ", ".join(words), va="center_baseline")
    for x, tested, text in (
        (1.0, True, f"q < {LEVEL:g}"),
        (17.0, False, "not tested, 95 % CI leaves zero out"),
    ):
        _draw_mark(key, x, 6.0, tested)
        key.text(x + 2.0, 6.0, text, va="center_baseline")
    key.plot([64.0], [6.0], marker="x", markersize=2.2, color=MUTED_INK, markeredgewidth=0.5)
    key.text(66.0, 6.0, "too few   (empty: not run)", va="center_baseline")
