"""Many motifs at once: effect against q, a panel an endpoint, for a scan of every matrix.

Right of zero the hits have more than their controls, left less; the higher, the smaller q. What
lies above the line at q = 0.05 is coloured, and the strongest are named where there is room.
Random weights have panels of their own on the same axes: a claim is what they do not show.
"""

from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from ldar_interp.errors import InputError
from ldar_interp.plots.ladder_choice import mark_too_few
from ldar_interp.plots.ladder_figure import MOTIF_RUNGS
from ldar_interp.plots.layout import choose_layout, place_axes, wrap_note, write_at
from ldar_interp.plots.name_points import Point, name_points
from ldar_interp.plots.profiles import SIGNAL_LABELS
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    MODEL_LABELS,
    MUTED_INK,
    SET_COLOURS,
    SINGLE_COLUMN_MM,
    TITLE_PT,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import (
    ENRICHMENT_COLUMNS,
    check_table,
    find_models,
    find_rungs,
    find_signals,
    select_signal,
)
from ldar_interp.stats.regions import MOTIF_REGIONS

LEVEL = 0.05
MOST_NAMES = 6
"""Motifs named in a panel, the strongest first; fewer where there is no room."""
_FAINT = "#B9B9B5"
_PANEL_MM = {DOUBLE_COLUMN_MM: 44.0, SINGLE_COLUMN_MM: 38.0}
_HEAD_MM = {DOUBLE_COLUMN_MM: 7.4, SINGLE_COLUMN_MM: 10.3}
_LINE_MM = 2.9


@dataclass(frozen=True)
class _Cell:
    """One panel: rows with a q, and how many have none."""

    model: str
    statistic: str
    tested: pd.DataFrame
    n_few: int
    n_untested: int


def volcano_figure(
    enrichment: pd.DataFrame,
    *,
    control: str = "C2",
    signal: str = "residual",
    width_mm: int = DOUBLE_COLUMN_MM,
    title: str | None = None,
) -> Figure:
    """Draw effect against q for every motif, one panel a model and endpoint.

    Parameters
    ----------
    enrichment : the table of docs/contracts.md; rows of `left_flank`, `inside` and `right_flank`
        are drawn if they have a q, counted if not.
    control, signal : which rows to draw.
    width_mm : 183 (endpoints side by side) or 89 (endpoints under each other).
    title : printed on top.

    Returns
    -------
    Figure; hand it to `save_figure`. No pyplot state is touched.

    Raises
    ------
    InputError : a column is missing, a model, rung, signal or width is unknown, no row of this
        rung and signal is one of the endpoints, or two rows answer for one point.
    """
    layout = choose_layout(width_mm)
    check_table(enrichment, ENRICHMENT_COLUMNS, "enrichment")
    find_signals(enrichment)
    endpoints = [region.name for region in MOTIF_REGIONS]
    table = enrichment[enrichment["statistic"].isin(endpoints)]
    table = select_signal(table[table["control"] == control], signal)
    if table.empty:
        raise InputError(
            f"enrichment table: no {signal} rows of {', '.join(endpoints)} against {control!r}; "
            f"it has {', '.join(find_rungs(enrichment)) or 'no rungs'} and "
            f"{', '.join(find_signals(enrichment)) or 'no signals'}"
        )
    models = find_models(table)
    cells = [[_read_cell(table, model, statistic) for statistic in endpoints] for model in models]
    wide = width_mm == DOUBLE_COLUMN_MM
    # One column has room for the two models side by side, not for three endpoints.
    grid = cells if wide else [list(column) for column in zip(*cells, strict=True)]
    gap = 4.5
    width = layout.width - layout.left - layout.right - gap * (len(grid[0]) - 1)
    width = min(width / len(grid[0]), 66.0)
    height = _PANEL_MM[width_mm]
    head = _HEAD_MM[width_mm]
    step = head + height + 4.4
    first = 6.5 if title else 1.0
    bottom = first + step * len(grid) + 1.0
    note = wrap_note(_write_note(table, control, signal), layout.width, layout.text_columns)
    with publication_style():
        figure = Figure(figsize=(inches(layout.width), inches(bottom + 6.0 + _LINE_MM * len(note))))
        if title:
            write_at(figure, layout.left, 4.5, title, size=TITLE_PT, weight="bold")
        limits = _find_limits(table)
        panels: list[tuple[Axes, _Cell]] = []
        for r, row in enumerate(grid):
            for c, cell in enumerate(row):
                left, top = layout.left + c * (width + gap), first + r * step
                ax = place_axes(figure, left, top + head, width, height)
                _write_head(figure, left, top, cell, one_line=wide)
                _draw_points(ax, cell, limits)
                ax.xaxis.set_major_locator(MaxNLocator(6 if wide else 4))
                ax.tick_params(labelbottom=r == len(grid) - 1, labelleft=c == 0)
                if cell.tested.empty:
                    _say_empty(ax, cell)
                panels.append((ax, cell))
            middle = first + r * step + head + height / 2
            write_at(figure, 2.2, middle, "q (log scale)", ha="center", va="center", rotation=90)
        middle = layout.left + (len(grid[0]) * (width + gap) - gap) / 2
        label = f"effect: hits − {control}, {SIGNAL_LABELS[signal]}"
        write_at(figure, middle, bottom + 1.2, label, ha="center")
        for i, line in enumerate(note):
            write_at(figure, 1.0, bottom + 6.0 + _LINE_MM * i, line, color=MUTED_INK)
        figure.draw_without_rendering()
        for ax, cell in panels:
            _name_strongest(ax, cell)
    return figure


def _read_cell(table: pd.DataFrame, model: str, statistic: str) -> _Cell:
    """Rows of one panel, the strongest first: by q, then by the size of the effect."""
    rows = table[(table["model"] == model) & (table["statistic"] == statistic)]
    twice = rows["kind"][rows["kind"].duplicated()]
    if len(twice):
        raise InputError(
            f"enrichment table: several rows for {model} {twice.iloc[0]} {statistic}; wanted one, "
            "so pass the tables of one run"
        )
    tested = rows[rows["q_value"].notna() & rows["effect"].notna()]
    n_few = int(mark_too_few(rows).sum())
    order = tested.assign(size=-tested["effect"].abs()).sort_values(
        ["q_value", "size", "kind"], kind="stable"
    )
    return _Cell(model, statistic, order, n_few, len(rows) - len(tested) - n_few)


def _find_limits(table: pd.DataFrame) -> tuple[float, float, float]:
    """Effects (low, high) and the smallest q to make room for, the same in all panels."""
    tested = table[table["q_value"].notna() & table["effect"].notna()]
    if tested.empty:
        return -1.0, 1.0, LEVEL / 10
    low, high = min(0.0, tested["effect"].min()), max(0.0, tested["effect"].max())
    room = 0.08 * ((high - low) or 1.0)
    return low - room, high + room, min(float(tested["q_value"].min()), LEVEL / 2)


def _write_head(figure: Figure, left: float, top: float, cell: _Cell, *, one_line: bool) -> None:
    """Model and endpoint; under them how many motifs were tested, and how many could not be."""
    heading = f"{MODEL_LABELS[cell.model]}, {cell.statistic.replace('_', ' ')}"
    write_at(figure, left, top + 2.6, heading, weight="bold")
    n_clear = int((cell.tested["q_value"] < LEVEL).sum())
    lines = [f"{len(cell.tested):,} tested, {n_clear:,} with q < {LEVEL:g}"]
    others = [f"{cell.n_few:,} too few"] * bool(cell.n_few)
    others += [f"{cell.n_untested:,} without a test"] * bool(cell.n_untested)
    lines += [", ".join(others)] * bool(others)
    for i, line in enumerate(["; ".join(lines)] if one_line else lines):
        write_at(figure, left, top + 5.6 + _LINE_MM * i, line, color=MUTED_INK)


def _draw_points(ax: Axes, cell: _Cell, limits: tuple[float, float, float]) -> None:
    """Points, the line at q = 0.05 and the one at zero; smaller q is higher."""
    low, high, smallest = limits
    ax.set_yscale("log")
    ax.set(xlim=(low, high), ylim=(1.35, smallest / 3.5))
    ax.yaxis.set_major_locator(LogLocator(10, numticks=6))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda q, _: f"{q:g}".replace("-", "−")))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)
    ax.axhline(LEVEL, color=MUTED_INK, linewidth=HAIRLINE_PT, linestyle=(0, (3, 2)), zorder=0)
    clear = cell.tested["q_value"] < LEVEL
    filled = cell.model == "checkpoint"
    for rows, name, size, colour in (
        (cell.tested[~clear], "rest", 1.8, _FAINT),
        (cell.tested[clear], "clear", 2.6, SET_COLOURS["site"]),
    ):
        ax.plot(
            rows["effect"].to_numpy(dtype=float),
            rows["q_value"].to_numpy(dtype=float),
            linestyle="none",
            marker="o",
            markersize=size,
            markerfacecolor=colour if filled else "white",
            markeredgecolor=colour,
            markeredgewidth=0.0 if filled else 0.5,
            gid=f"{name}-{cell.model}-{cell.statistic}",
        )


def _say_empty(ax: Axes, cell: _Cell) -> None:
    """An empty panel looks like one of no effect: it says that nothing was tested."""
    ax.text(
        0.5,
        0.5,
        "nothing was tested",
        transform=ax.transAxes,
        ha="center",
        va="center",
        color=MUTED_INK,
        gid=f"empty-{cell.model}-{cell.statistic}",
    )


def _name_strongest(ax: Axes, cell: _Cell) -> None:
    """Name and pairs beside the strongest points under the level, where there is room."""
    clear = cell.tested[cell.tested["q_value"] < LEVEL]
    points = [
        Point(
            float(row["effect"]), float(row["q_value"]), f"{row['kind']} ({int(row['n_sites']):,})"
        )
        for _, row in clear.iterrows()
    ]
    name_points(ax, points, most=MOST_NAMES, prefix=f"name-{cell.model}-{cell.statistic}")


def _write_note(table: pd.DataFrame, control: str, signal: str) -> str:
    """What a point is, what q was taken over, and what is not shown."""
    sentences = [
        "A point is a motif: mean difference of matched pairs over offsets −4..0 (left flank), "
        f"1..w−1 (inside) or w..w+4 (right flank), against {control} ({MOTIF_RUNGS[control]}).",
        f"Dashed: q = {LEVEL:g}. q: Benjamini–Hochberg over a model's declared rows.",
        "Named, with their number of pairs: the strongest that have room.",
    ]
    if signal == "residual":
        sentences.append("Residual: p less what the nearest letters explain (k-mer null).")
    if table["q_value"].isna().all():
        sentences.append(f"No motif has enough pairs for a test against {control}.")
    if mark_too_few(table).any():
        sentences.append("Too few: not enough hits or loci for a test; listed in the tables.")
    if "random" not in find_models(table):
        sentences.append("No random-weights baseline was run.")
    return " ".join(sentences)
