"""The table that is the splice figure's legend: lines, what they are, how many sites and genes."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ldar_interp.plots.ladder import label_rung
from ldar_interp.plots.layout import Layout, place_axes
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    MODEL_BAND_ALPHA,
    MODEL_LINE_PT,
    MUTED_INK,
    SET_COLOURS,
    SET_DASHES,
)
from ldar_interp.plots.tables import find_models, read_effect

ROW_MM = 3.3
HEADER_MM = 6.2
SWATCH_MM = 9.0
_SET_LABELS = {
    "site": ("annotated splice sites", "splice sites"),
    "C0": ("any edge of the same gene", "same gene"),
    "C1": ("and the same dinucleotide", "+ dinucleotide"),
    "C2": ("and matched site strength, GC, CpG o/e", "+ strength, GC, CpG"),
    "C3-8": ("the same 8 letters elsewhere, matched GC", "same 8 letters"),
    "C3-10": ("the same 10 letters elsewhere, matched GC", "same 10 letters"),
    "C3-core": ("the same letters −3..+6 elsewhere, matched GC", "same −3..+6"),
    "C4": ("the site itself with shuffled flanks", "flanks shuffled"),
}
_COLUMN_HEADS = {"donor": "donors\nn (loci)", "acceptor": "acceptors\nn (loci)"}
_MODEL_HEADS = {"checkpoint": "check-\npoint", "random": "random\nweights"}


def legend_height(rungs: list[str]) -> float:
    """Height of the table in mm."""
    return HEADER_MM + ROW_MM * (1 + len(rungs))


def draw_legend(
    figure: Figure,
    layout: Layout,
    top: float,
    *,
    profile: pd.DataFrame,
    enrichment: pd.DataFrame,
    kinds: list[str],
    rungs: list[str],
    balance: pd.DataFrame | None,
    n_genes: Mapping[str, int] | None,
) -> Axes:
    """Draw the table `top` mm from the figure's top; one row a set, one swatch a model."""
    width = layout.width - layout.left - layout.right
    height = legend_height(rungs)
    ax = place_axes(figure, layout.left, top, width, height)
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    models = find_models(profile)
    wide = layout.width == DOUBLE_COLUMN_MM
    step = SWATCH_MM + (5.0 if wide else 1.5)
    name_x = step * len(models) + (1.0 if wide else 0.5)
    # Columns of numbers follow the names at a fixed distance; rows are short enough to read across.
    number_x = [name_x + (62.0 if wide else 39.0) + (22.0 if wide else 15.0) * k for k in (0, 1)]
    for m, model in enumerate(models):
        ax.text(
            step * m + SWATCH_MM / 2,
            HEADER_MM - 1.0,
            _MODEL_HEADS[model],
            ha="center",
            va="bottom",
            color=MUTED_INK,
            linespacing=1.0,
        )
    for kind, x in zip(kinds, number_x, strict=False):
        ax.text(
            x,
            HEADER_MM - 1.0,
            _COLUMN_HEADS[kind],
            ha="right",
            va="bottom",
            color=MUTED_INK,
            linespacing=1.0,
        )
    right = number_x[len(kinds) - 1]
    indent = 5.2 if all(len(rung) < 3 for rung in rungs) else 10.0
    ax.plot([0, right], [HEADER_MM - 0.4] * 2, color=HAIRLINE, linewidth=HAIRLINE_PT)
    for row, name in enumerate(["site", *rungs]):
        y = HEADER_MM + ROW_MM * (row + 0.5)
        for m, model in enumerate(models):
            draw_swatch(ax, step * m, y, name, model)
        label = _SET_LABELS[name][0 if wide else 1]
        if name == "site":
            ax.text(name_x, y, label, va="center_baseline")
        else:
            ax.text(name_x, y, name, va="center_baseline", fontweight="bold")
            ax.text(name_x + indent, y, label, va="center_baseline")
        for kind, x in zip(kinds, number_x, strict=False):
            text = _count_cell(profile, enrichment, kind, name, n_genes)
            mark = label_rung(name, kind=kind, balance=balance)[len(name) :]
            ax.text(x, y, text, ha="right", va="center_baseline")
            ax.text(x + 0.4, y, mark, ha="left", va="center_baseline")
    return ax


def draw_swatch(ax: Axes, x: float, y: float, name: str, model: str) -> None:
    """A line as in the panels, on its band where it has one."""
    colour = SET_COLOURS[name]
    if model == "checkpoint":
        half = 0.33 * ROW_MM
        ax.add_patch(
            Rectangle(
                (x, y - half),
                SWATCH_MM,
                2 * half,
                facecolor=colour,
                alpha=MODEL_BAND_ALPHA[model],
                linewidth=0,
            )
        )
    ax.plot(
        [x, x + SWATCH_MM],
        [y, y],
        color=colour,
        linestyle=SET_DASHES[name],
        linewidth=MODEL_LINE_PT[model],
    )


def _count_cell(
    profile: pd.DataFrame,
    enrichment: pd.DataFrame,
    kind: str,
    name: str,
    n_genes: Mapping[str, int] | None,
) -> str:
    """`n (genes)` of a set at the edge, from the tables; the genes are left out if unknown."""
    rows = profile[(profile["kind"] == kind) & (profile["set"] == name) & (profile["offset"] == 0)]
    for model in find_models(profile):
        of_model = rows[rows["model"] == model]
        if of_model.empty or pd.isna(of_model["n"].iloc[0]):
            continue
        n = f"{int(of_model['n'].iloc[0]):,}"
        if name == "site":
            return f"{n} ({n_genes[kind]})" if n_genes and kind in n_genes else n
        effect = read_effect(enrichment, model=model, kind=kind, control=name)
        known = effect is not None and pd.notna(effect["n_groups"])
        return f"{n} ({int(effect['n_groups'])})" if effect is not None and known else n
    return "–"
