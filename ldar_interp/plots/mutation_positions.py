"""Which positions the router reads: mean change of p at the edge, by the base that is replaced.

Two rows of panels, a column a kind. Above, sites and their controls, each with the change that the
three other letters make on average; below, sites less their controls, the endpoint. Below 0 the
letter that is there holds p up, above 0 it holds p down.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, MultipleLocator

from ldar_interp.errors import InputError
from ldar_interp.plots.layout import place_axes, write_at
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MODEL_BAND_ALPHA,
    MODEL_LINE_PT,
    MUTED_INK,
    PANEL_LETTER_PT,
    SET_COLOURS,
    SET_DASHES,
    TITLE_PT,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import find_kinds, find_models

MOST_KINDS = 2
"""Kinds drawn side by side; the tables hold all."""
_NUMBERS = ("offset", "mean_delta", "ci_low", "ci_high", "n_sites", "n_groups")
IMPORTANCE_COLUMNS = ("model", "kind", "set", *_NUMBERS)
DIFFERENCE_COLUMNS = ("model", "kind", "control", *_NUMBERS)
_TITLES = {"donor": "donors", "acceptor": "acceptors"}
_LEFT, _RIGHT, _GAP, _TOP = 14.0, 3.0, 12.0, 9.5
_ROW, _ROW_GAP, _UNDER, _LINE_MM = 30.0, 7.0, 10.0, 2.9
_NOTE = (
    "Each base is replaced by the three others in turn; change of p at the edge at 0, mean of the "
    "three and over sites.{weights}",
    "Bands: 95 % intervals, gene loci resampled, not corrected for the number of positions; none "
    "under 20 sites in 10 loci.",
)


def position_figure(importance: pd.DataFrame, difference: pd.DataFrame) -> Figure:
    """Draw the tables `importance` and `difference` of docs/contracts.md; compute nothing.

    Without controls (`difference` has no rows) the lower row is left out.

    Returns
    -------
    Figure, 183 mm wide; hand it to `save_figure`.

    Raises
    ------
    InputError : a column is missing, or `importance` has no rows.
    """
    for table, columns, name in (
        (importance, IMPORTANCE_COLUMNS, "importance"),
        (difference, DIFFERENCE_COLUMNS, "difference"),
    ):
        missing = [column for column in columns if column not in table.columns]
        if missing:
            raise InputError(
                f"{name} table lacks column {missing[0]!r}; wanted {', '.join(columns)}"
            )
    if importance.empty:
        raise InputError("importance table has no rows; wanted at least one site's")
    kinds = find_kinds(importance)[:MOST_KINDS]
    rows = 2 if len(difference) else 1
    bottom = _TOP + rows * _ROW + (rows - 1) * _ROW_GAP
    height = bottom + _UNDER + _LINE_MM * len(_NOTE)
    width = (DOUBLE_COLUMN_MM - _LEFT - _RIGHT - _GAP * (len(kinds) - 1)) / len(kinds)
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(height)))
        for k, kind in enumerate(kinds):
            left = _LEFT + k * (width + _GAP)
            write_at(figure, left, 3.0, _TITLES.get(kind, kind), size=TITLE_PT, weight="bold")
            upper = place_axes(figure, left, _TOP, width, _ROW)
            handles = _draw_sets(upper, importance[importance["kind"] == kind])
            upper.legend(
                handles=handles, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(handles),
                borderaxespad=0.2, handlelength=2.2, columnspacing=1.2,
            )  # fmt: skip
            panels = [(upper, _TOP, "change of p at the edge")]
            if rows == 2:
                at = _TOP + _ROW + _ROW_GAP
                lower = place_axes(figure, left, at, width, _ROW, sharex=upper)
                n = _draw_gaps(lower, difference[difference["kind"] == kind])
                write_at(figure, left + 1.5, at - 1.2, n, color=INK)
                panels.append((lower, at, "site − control"))
            for r, (ax, at, label) in enumerate(panels):
                ax.axhline(0, color=MUTED_INK, linewidth=HAIRLINE_PT, zorder=0)
                ax.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)
                ax.xaxis.set_major_locator(MultipleLocator(10))
                ax.yaxis.set_major_locator(MaxNLocator(5))
                ax.tick_params(labelbottom=r == rows - 1)
                if k == 0:
                    ax.set_ylabel(label)
                write_at(
                    figure, left - 10.0, at - 1.2, "abcd"[r * len(kinds) + k],
                    size=PANEL_LETTER_PT, weight="bold",
                )  # fmt: skip
        middle = (_LEFT + DOUBLE_COLUMN_MM - _RIGHT) / 2
        write_at(figure, middle, bottom + 5.5, "base replaced, from the edge (bp)", ha="center")
        both = len(find_models(importance)) > 1
        for i, line in enumerate(_NOTE):
            text = line.format(weights=" Thick: checkpoint; thin: random weights." if both else "")
            write_at(figure, 1.0, bottom + _UNDER + _LINE_MM * i, text, color=MUTED_INK)
        figure.draw_without_rendering()
    return figure


def _draw_sets(ax: Axes, rows: pd.DataFrame) -> list[Line2D]:
    """Curves of sites and controls of every model, random weights thin; the legend's entries."""
    handles = []
    models = find_models(rows)
    names = ["site", *sorted(set(rows["set"]) - {"site"})]
    for model in models[::-1]:
        for name in names:
            mine = rows[(rows["model"] == model) & (rows["set"] == name)]
            if len(mine):
                _draw_curve(ax, mine, model, SET_COLOURS.get(name, INK), SET_DASHES.get(name))
    for name in names:
        mine = rows[(rows["model"] == models[0]) & (rows["set"] == name)]
        if len(mine):
            what = "sites" if name == "site" else name
            label = f"{what} (n = {int(mine['n_sites'].max())})"
            handles.append(
                Line2D([], [], color=SET_COLOURS.get(name, INK), ls=SET_DASHES.get(name, "solid"),
                       lw=MODEL_LINE_PT[models[0]], label=label)
            )  # fmt: skip
    return handles


def _draw_gaps(ax: Axes, rows: pd.DataFrame) -> str:
    """Differences of every model, and how many pairs they are of."""
    said = []
    for control, mine in rows.groupby("control", sort=True):
        for model in find_models(mine)[::-1]:
            part = mine[mine["model"] == model]
            _draw_curve(ax, part, model, SET_COLOURS.get(str(control), INK), "solid")
        n = mine.iloc[int(mine["n_sites"].argmax())]
        said.append(f"{int(n['n_sites'])} pairs with {control} in {int(n['n_groups'])} loci")
    return ", ".join(said)


def _draw_curve(ax: Axes, rows: pd.DataFrame, model: str, colour: str, dash: object) -> None:
    """Line through the middle of each base, and its band."""
    x = rows["offset"].to_numpy(dtype=float) + 0.5
    y = rows["mean_delta"].to_numpy(dtype=float)
    ax.plot(x, y, color=colour, ls=dash or "solid", lw=MODEL_LINE_PT[model])
    low, high = (rows[name].to_numpy(dtype=float) for name in ("ci_low", "ci_high"))
    ax.fill_between(x, low, high, color=colour, alpha=MODEL_BAND_ALPHA[model], lw=0)
    ax.set_xlim(x.min() - 0.5, x.max() + 0.5)
