"""Chunk lengths by class of sequence: means in three strata, distributions, and letter runs."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ldar_interp.errors import InputError
from ldar_interp.plots.layout import place_axes, write_at
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MODEL_LABELS,
    MODEL_LINE_PT,
    MODELS,
    MUTED_INK,
    PANEL_LETTER_PT,
    inches,
    publication_style,
)

CHUNK_COLUMNS = ("model", "class", "stratum", "mean_bp", "ci_low", "ci_high", "n_chunks")
HISTOGRAM_COLUMNS = ("model", "class", "length_bp", "share")
# Paul Tol's bright and muted schemes (https://personal.sron.nl/~pault/), told apart by dash too.
CLASS_COLOURS = {
    "CDS": "#CC3311", "UTR": "#EE7733", "exon": "#882255", "promoter": "#009988",
    "repeat": "#999933", "intron": "#0077BB", "intergenic": "#222222",
}  # fmt: skip
_DASHES = {
    "CDS": "solid", "UTR": (0, (4, 1)), "exon": "solid", "promoter": (0, (4, 1)),
    "repeat": (0, (1, 1)), "intron": (0, (5, 1, 1, 1)), "intergenic": (0, (2, 1)),
}  # fmt: skip
_MEANS = {
    "all": "mean chunk (bp),\nall chunks",
    "complex": "mean chunk (bp),\nno low complexity",
    "complex_gc_standardised": "mean chunk (bp), no low\ncomplexity, GC standardised",
}
_RUNS = ("run_1", "run_2", "run_3", "run_4", "run_5+")
_SHOWN_BP = 24
_LEFT_MM, _GAP_MM, _ROW_MM, _TOP_MM, _LOW_MM = 19.0, 9.0, 6.0, 7.0, 40.0


def chunk_figure(chunks: pd.DataFrame, histogram: pd.DataFrame) -> Figure:
    """Means by class (a-c), length distributions (d, e) and means by letter run (f).

    Checkpoint thick and filled, random weights thin and open. Intervals are 95 %, blocks of the
    genome resampled; rows without one have too few chunks or blocks.

    Raises
    ------
    InputError : a column of docs/contracts.md is missing, or a table has no rows.
    """
    for table, columns, name in (
        (chunks, CHUNK_COLUMNS, "chunk"), (histogram, HISTOGRAM_COLUMNS, "histogram"),
    ):  # fmt: skip
        missing = [column for column in columns if column not in table.columns]
        if missing or not len(table):
            raise InputError(
                f"{name} table: {'no rows' if not missing else 'no column ' + missing[0]}; wanted "
                "the columns of docs/contracts.md and at least one row"
            )
    classes = [name for name in CLASS_COLOURS if name in set(chunks["class"])]
    models = [name for name in MODELS if name in set(chunks["model"])]
    rows_mm = _ROW_MM * len(classes)
    second = _TOP_MM + rows_mm + 21.0
    height = second + _LOW_MM + 18.0
    width = (DOUBLE_COLUMN_MM - _LEFT_MM - 4.0 - 2 * _GAP_MM) / 3
    lefts = [_LEFT_MM + k * (width + _GAP_MM) for k in range(3)]
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(height)))
        first: Axes | None = None
        for left, (stratum, label), letter in zip(lefts, _MEANS.items(), "abc", strict=True):
            ax = place_axes(figure, left, _TOP_MM, width, rows_mm, sharex=first)
            first = first or ax
            _draw_means(ax, chunks[chunks["stratum"] == stratum], classes, models)
            names = _label_classes(chunks, classes, models[0])
            ax.set_yticks(range(len(classes)), names if letter == "a" else [""] * len(classes))
            ax.set_ylim(len(classes) - 0.5, -0.5)
            ax.set_xlabel(label)
            write_at(figure, left - 4.0, 5.0, letter, size=PANEL_LETTER_PT, weight="bold")
        for left, model, letter in zip(lefts, models, "de", strict=False):
            ax = place_axes(figure, left, second, width, _LOW_MM)
            _draw_lengths(ax, histogram[histogram["model"] == model], classes, model)
            write_at(figure, left - 4.0, second - 2.0, letter, size=PANEL_LETTER_PT, weight="bold")
        ax = place_axes(figure, lefts[2], second, width, _LOW_MM)
        _draw_runs(ax, chunks, classes, models)
        write_at(figure, lefts[2] - 4.0, second - 2.0, "f", size=PANEL_LETTER_PT, weight="bold")
        figure.draw_without_rendering()
        for number, line in enumerate(_note(models)):
            write_at(figure, 3.0, height - 5.5 + 2.8 * number, line, color=MUTED_INK)
    return figure


def _label_classes(chunks: pd.DataFrame, classes: list[str], model: str) -> list[str]:
    """Name and number of chunks."""
    rows = chunks[(chunks["model"] == model) & (chunks["stratum"] == "all")].set_index("class")
    return [
        f"{name}\nn = {int(rows.at[name, 'n_chunks']):,}" if name in rows.index else name
        for name in classes
    ]


def _draw_means(ax: Axes, rows: pd.DataFrame, classes: list[str], models: list[str]) -> None:
    """One row a class, one dot a model."""
    shift = {"checkpoint": -0.17, "random": 0.17} if len(models) > 1 else dict.fromkeys(models, 0)
    for y, name in enumerate(classes):
        ax.axhline(y + 0.5, color=HAIRLINE, linewidth=HAIRLINE_PT / 2, zorder=0)
        for model in models:
            found = rows[(rows["class"] == name) & (rows["model"] == model)]
            if not len(found) or pd.isna(found["mean_bp"].iloc[0]):
                continue
            row, at = found.iloc[0], y + shift[model]
            if pd.notna(row["ci_low"]):
                ax.plot(
                    [float(row["ci_low"]), float(row["ci_high"])], [at, at],
                    color=CLASS_COLOURS[name], linewidth=1.2 * MODEL_LINE_PT[model],
                )  # fmt: skip
            ax.plot(
                [float(row["mean_bp"])], [at], linestyle="none", marker="o",
                markersize=3.4 if model == "checkpoint" else 2.8,
                markerfacecolor=CLASS_COLOURS[name] if model == "checkpoint" else "white",
                markeredgecolor=CLASS_COLOURS[name], markeredgewidth=0.6, zorder=3,
            )  # fmt: skip
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.xaxis.set_major_locator(MaxNLocator(5))


def _draw_lengths(ax: Axes, rows: pd.DataFrame, classes: list[str], model: str) -> None:
    """Share of chunks of each length, one line a class."""
    for name in classes:
        mine = rows[(rows["class"] == name) & (rows["length_bp"] <= _SHOWN_BP)]
        if len(mine):
            ax.plot(
                mine["length_bp"].to_numpy(), mine["share"].to_numpy(), color=CLASS_COLOURS[name],
                linestyle=_DASHES[name], linewidth=MODEL_LINE_PT["checkpoint"], label=name,
            )  # fmt: skip
    ax.set_xlim(0.5, _SHOWN_BP + 0.5)
    ax.set_ylim(bottom=0)
    ax.set_xticks([1, 6, 12, 18, 24])
    ax.set_xlabel("chunk length (bp)")
    ax.set_ylabel("share of chunks")
    ax.set_title(MODEL_LABELS[model], loc="left", color=INK)
    if model == "checkpoint":
        ax.legend(loc="upper right", handlelength=2.6)


def _draw_runs(ax: Axes, chunks: pd.DataFrame, classes: list[str], models: list[str]) -> None:
    """Mean chunk by the run of equal letters that its first base is in."""
    lookup = chunks.set_index(["model", "class", "stratum"])["mean_bp"]
    for model in models:
        for name in classes:
            y = [float(lookup.get((model, name, run), np.nan)) for run in _RUNS]
            ax.plot(
                range(1, len(_RUNS) + 1), y, color=CLASS_COLOURS[name], linestyle=_DASHES[name],
                linewidth=MODEL_LINE_PT[model], marker="o", markersize=2.2,
                markerfacecolor=CLASS_COLOURS[name] if model == "checkpoint" else "white",
                markeredgewidth=0.4,
            )  # fmt: skip
    ax.set_xticks(range(1, len(_RUNS) + 1), ["1", "2", "3", "4", "5+"])
    ax.set_ylim(bottom=0)
    ax.set_xlabel("run of equal letters at the first base (bp)")
    ax.set_ylabel("mean chunk (bp)")


def _note(models: list[str]) -> list[str]:
    beside = (
        "Filled and thick: checkpoint; open and thin: random weights. " if len(models) > 1 else ""
    )
    counted = "the checkpoint" if models[0] == "checkpoint" else MODEL_LABELS[models[0]]
    return [
        f"{beside}Bars: 95 % intervals, blocks of the genome resampled. n: chunks of {counted}.",
        "Every base has one class. d, e: longer chunks are in the table. "
        "Low complexity: DUST score of 64 bp.",
    ]
