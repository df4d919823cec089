"""The legend of the promoter figure, drawn once, and the small print under its panels."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ldar_interp.plots.ladder import DAGGER
from ldar_interp.plots.ladder_figure import MOTIF_RUNGS
from ldar_interp.plots.layout import Layout, place_axes
from ldar_interp.plots.legend import HEADER_MM, ROW_MM, SWATCH_MM, draw_swatch
from ldar_interp.plots.promoter_panel import BAR_MM, BAR_PT, LEVEL, MOTIF_FILL, Motif
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    MODEL_LABELS,
    MUTED_INK,
    SET_COLOURS,
)
from ldar_interp.plots.tables import find_models, find_signals, list_flagged

_MARKS_MM = 94.0
"""Where the marks stand beside the lines, if there is room."""
_MOST_NAMES = 8


def key_height(layout: Layout, rungs: Sequence[str], tested: Sequence[str]) -> float:
    """Height of the legend in mm: marks stand beside the lines, or under them in one column."""
    lines = HEADER_MM + ROW_MM * (1 + len(rungs))
    marks = ROW_MM * (1 + 3 * bool(tested))
    if layout.width == DOUBLE_COLUMN_MM:
        return max(lines, HEADER_MM + marks)
    return lines + marks + 0.8


def draw_key(
    figure: Figure,
    layout: Layout,
    top: float,
    *,
    models: Sequence[str],
    rungs: Sequence[str],
    tested: Sequence[str],
) -> Axes:
    """What lines and marks mean; swatches are lines as in the panels."""
    width = layout.width - layout.left - layout.right
    height = key_height(layout, rungs, tested)
    ax = place_axes(figure, layout.left, top, width, height)
    ax.set(xlim=(0, width), ylim=(height, 0))
    ax.axis("off")
    wide = layout.width == DOUBLE_COLUMN_MM
    step = SWATCH_MM + (5.0 if wide else 1.5)
    text_x = step * len(models) + 1.0
    for m, model in enumerate(models):
        ax.text(
            step * m + SWATCH_MM / 2,
            HEADER_MM - 1.0,
            MODEL_LABELS[model].replace(" ", "\n").replace("checkpoint", "check-\npoint"),
            ha="center",
            va="bottom",
            color=MUTED_INK,
            linespacing=1.0,
        )
    right = text_x + 44.0
    ax.plot([0, right], [HEADER_MM - 0.4] * 2, color=HAIRLINE, linewidth=HAIRLINE_PT)
    for row, name in enumerate(["site", *rungs]):
        y = HEADER_MM + ROW_MM * (row + 0.5)
        for m, model in enumerate(models):
            if model == "checkpoint" or name == "site":
                draw_swatch(ax, step * m, y, name, model)
        if name == "site":
            ax.text(text_x, y, "hits of the motif in promoters", va="center_baseline")
        else:
            ax.text(text_x, y, name, va="center_baseline", fontweight="bold")
            ax.text(text_x + 5.2, y, MOTIF_RUNGS[name], va="center_baseline")
    x, y = (_MARKS_MM, HEADER_MM) if wide else (0.0, HEADER_MM + ROW_MM * (1 + len(rungs)) + 0.8)
    _draw_marks(ax, x, y, models, tested)
    return ax


def _draw_marks(
    ax: Axes, x: float, top: float, models: Sequence[str], tested: Sequence[str]
) -> None:
    """The motif's band, endpoint bars and single offsets, one a row."""
    text_x = x + SWATCH_MM + 2.0
    ax.add_patch(
        Rectangle((x, top + 0.4), SWATCH_MM, ROW_MM - 0.8, facecolor=MOTIF_FILL, linewidth=0)
    )
    for border in (x, x + SWATCH_MM):
        ax.plot(
            [border] * 2, [top + 0.4, top + ROW_MM - 0.4], color=HAIRLINE, linewidth=HAIRLINE_PT
        )
    words = "the motif, from its 5′ border (offset 0) to its 3′ border"
    ax.text(text_x, top + ROW_MM / 2, words, va="center_baseline")
    if not tested:
        return
    half = SWATCH_MM / 2
    shift = ROW_MM / 2 - (BAR_MM["checkpoint"] + BAR_MM["random"]) / 2
    for row, words in enumerate(
        (
            f"endpoint that differs from {' or '.join(tested)}, q < {LEVEL:g}",
            "endpoint that was tested and does not",
            f"single offset that differs from {tested[-1]}, family-wise p < 0.05",
        ),
        start=1,
    ):
        y = top + ROW_MM * row
        for model in models:
            at = y + shift + BAR_MM[model]
            if row == 1:
                for r, rung in enumerate(tested):
                    first = x + r * SWATCH_MM / len(tested)
                    last = first + SWATCH_MM / len(tested) - 0.6
                    ax.plot(
                        [first, last], [at] * 2, color=SET_COLOURS[rung], linewidth=BAR_PT[model]
                    )
            elif row == 2 and model == models[0]:
                ax.plot([x, x + SWATCH_MM - 0.6], [at] * 2, color=HAIRLINE, linewidth=0.3)
            elif row == 3:
                colour = SET_COLOURS["site"] if model == "checkpoint" else MUTED_INK
                ax.plot([x + half - 0.9, x + half], [at] * 2, color=colour, linewidth=BAR_PT[model])
        ax.text(text_x, y + ROW_MM / 2, words, va="center_baseline")


def write_promoter_note(
    motifs: Sequence[Motif],
    *,
    n_motifs: int,
    without_hits: Sequence[str],
    tested: Sequence[str],
    balance: pd.DataFrame | None,
    is_cut: bool = False,
) -> str:
    """What bands, scales and marks are, what was tested, and what is not shown."""
    profile = pd.concat([motif.profile for motif in motifs])
    signals = find_signals(profile)
    models = find_models(profile)
    sentences = ["Lines: means over all hits; bands: 95 % confidence intervals, loci resampled."]
    if "residual" in signals:
        sentences.append("Residual: p less what the nearest letters explain (k-mer null).")
    else:
        sentences.append("No residual was computed.")
    if tested:
        thin = "; thick checkpoint, thin random weights" if len(models) > 1 else ""
        sentences.append(
            f"Bars over a panel{thin}: rows {', '.join(tested)}, then single offsets; endpoints "
            "are mean differences of matched pairs over offsets −4..0, 1..w−1 and w..w+4; "
            "q: Benjamini–Hochberg over a model's declared rows."
        )
    sentences.append("Motifs share their scales")
    if any(motif.is_few for motif in motifs):
        sentences[-1] += " but those in grey, which have too few pairs or loci for a claim"
    sentences[-1] += "."
    if is_cut:
        sentences.append("Triangles at a border: a line or a band goes on beyond it.")
    if "random" not in models:
        sentences.append("No random-weights baseline was run.")
    flagged = [
        f"{motif.kind} {rung} ({', '.join(names)})"
        for motif in motifs
        for rung in motif.rungs
        if (names := list_flagged(balance, kind=motif.kind, control=rung, matched=True))
    ]
    if flagged:
        sentences.append(f"{DAGGER}\u00a0Matched, yet |SMD|\u00a0>\u00a00.1: {shorten(flagged)}.")
    if len(motifs) < n_motifs:
        sentences.append(
            f"Shown are {len(motifs)} of {n_motifs} motifs with hits; all are in the tables."
        )
    if without_hits:
        sentences.append(f"No hits: {shorten(without_hits)}.")
    return " ".join(sentences)


def shorten(names: Sequence[str]) -> str:
    """The first names and how many more there are."""
    more = len(names) - _MOST_NAMES
    return ", ".join(names[:_MOST_NAMES]) + (f" and {more} more" if more > 0 else "")
