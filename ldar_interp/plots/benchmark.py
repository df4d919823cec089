"""Dots with intervals: how each method does on each task, and what was published elsewhere."""

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ldar_interp.errors import InputError
from ldar_interp.plots.layout import place_axes, shorten, write_at
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MUTED_INK,
    SET_COLOURS,
    inches,
    publication_style,
)

BENCHMARK_COLUMNS = (
    "task", "method", "fold", "split", "metric", "value", "ci_low", "ci_high", "n_train", "n_test",
)  # fmt: skip
DIFFERENCE_COLUMNS = ("task", "method", "floor", "split", "metric", "effect", "ci_low", "ci_high")
# In the order in which they are drawn; shades as in the other figures.
METHODS = {
    "finetune": ("checkpoint, fine-tuned", SET_COLOURS["site"], "o", True),
    "probe": ("checkpoint, frozen", SET_COLOURS["site"], "o", False),
    "finetune_random": ("random weights, fine-tuned", SET_COLOURS["C0"], "o", True),
    "probe_random": ("random weights, frozen", SET_COLOURS["C0"], "o", False),
    "cnn": ("small CNN", SET_COLOURS["C1"], "D", True),
    "kmer": ("5-mer logistic regression", SET_COLOURS["C2"], "s", True),
}
_ROW_MM, _GAP_MM, _TOP_MM = 2.7, 2.2, 6.0
# The longest name of a task in the registry, in bold, is 43 mm wide.
_LEFT_MM, _PANEL_MM = 47.0, 67.0


def benchmark_figure(
    results: pd.DataFrame,
    differences: pd.DataFrame,
    *,
    metric: str = "mcc",
    published: Mapping[str, float] | None = None,
    published_label: str = "published, other training data",
) -> Figure:
    """A block of rows a task, a row a method, with 95 % intervals over folds and test rows.

    Beside each block: the main method minus its 5-mer floor on the same rows, with its interval,
    and how many rows were learned from and tested on. A dashed tick is a published value, which is
    not the same measurement.

    Parameters
    ----------
    results, differences : tables of docs/contracts.md; rows of all folds together are drawn.
    metric : which metric's rows.
    published : task -> value in the metric's units.

    Raises
    ------
    InputError : a column is missing, or no row has this metric.
    """
    _check(results, BENCHMARK_COLUMNS, "results")
    _check(differences, DIFFERENCE_COLUMNS, "differences")
    shown = results[
        (results["fold"].astype(str) == "all")
        & (results["split"] == "test")
        & (results["metric"] == metric)
        & results["method"].isin(list(METHODS))
    ]
    if not len(shown):
        raise InputError(
            f"results table: no rows of metric {metric!r} over all folds; wanted at least one"
        )
    tasks = list(dict.fromkeys(shown["task"].astype(str)))
    blocks, y = {}, 0.0
    for task in tasks:
        mine = shown[shown["task"] == task].set_index("method", drop=False)
        names = [name for name in METHODS if name in mine.index]
        blocks[task] = [
            (name, y + (k + 0.5) * _ROW_MM, mine.loc[name]) for k, name in enumerate(names)
        ]
        y += len(names) * _ROW_MM + _GAP_MM
    used = [name for name in METHODS if (shown["method"] == name).any()]
    legend_mm = 3.2 * (len(used) + (published is not None)) + 12.0
    known = published or {}
    low = min(0.0, float(shown[["value", "ci_low"]].min().min()))
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(_TOP_MM + y + legend_mm)))
        ax = place_axes(figure, _LEFT_MM, _TOP_MM, _PANEL_MM, y)
        ax.set(xlim=(low - 0.02, 1.0), ylim=(y, 0))
        ax.set_yticks([])
        ax.spines["left"].set_visible(False)
        ax.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT)
        ax.set_xlabel(f"{_label_metric(metric)} on the test rows (95 % CI)")
        text_x = _LEFT_MM + _PANEL_MM + 4.0
        write_at(figure, text_x, 4.0, "value [95 % CI]", color=MUTED_INK)
        write_at(figure, text_x + 30.0, 4.0, "minus 5-mers [95 % CI]", color=MUTED_INK)
        for task, rows in blocks.items():
            top = rows[0][1] - _ROW_MM / 2
            first = rows[0][2]
            ax.axhline(top - _GAP_MM / 2, color=HAIRLINE, linewidth=HAIRLINE_PT / 2)
            name = shorten(task, _LEFT_MM - 3.0, weight="bold")
            write_at(figure, 2.0, _TOP_MM + top + 2.0, name, weight="bold", color=INK)
            sizes = f"{int(first['n_train']):,} train, {int(first['n_test']):,} test"
            write_at(figure, 2.0, _TOP_MM + top + 4.9, sizes, color=MUTED_INK)
            for name, at, row in rows:
                _draw(ax, row, at, name)
            if task in known:
                ends = (top, rows[-1][1] + _ROW_MM / 2)
                ax.plot([known[task]] * 2, ends, color=MUTED_INK, linewidth=0.8, dashes=(1.5, 1.2))
            _write(figure, rows[0], text_x, differences, task, metric)
        _draw_key(figure, used, _TOP_MM + y + 9.0, published_label if known else None)
    return figure


def _check(table: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(
            f"{name} table: no column {missing[0]}; wanted the columns of docs/contracts.md"
        )


def _label_metric(metric: str) -> str:
    names = {"mcc": "Matthews correlation", "auroc": "AUROC", "f1": "F1", "accuracy": "accuracy"}
    return names.get(metric, metric)


def _draw(ax: Axes, row: pd.Series, y: float, name: str) -> None:
    _, colour, marker, filled = METHODS[name]
    if pd.notna(row["ci_low"]) and pd.notna(row["ci_high"]):
        ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, linewidth=1.0, zorder=2)
    ax.plot(
        [row["value"]], [y], linestyle="none", marker=marker, markersize=3.2, zorder=3,
        markerfacecolor=colour if filled else "white", markeredgecolor=colour, markeredgewidth=0.8,
        gid=f"value-{row['task']}-{name}",
    )  # fmt: skip


def _write(
    figure: Figure,
    first: tuple[str, float, pd.Series],
    x: float,
    differences: pd.DataFrame,
    task: str,
    metric: str,
) -> None:
    """The main method's value and its difference from the 5-mer floor, on its own row."""
    name, at, row = first
    write_at(figure, x, _TOP_MM + at, _interval(row["value"], row), va="center", color=INK)
    found = differences[
        (differences["task"] == task)
        & (differences["method"] == name)
        & (differences["floor"] == "kmer")
        & (differences["split"] == "test")
        & (differences["metric"] == metric)
    ]
    if len(found):
        row = found.iloc[0]
        write_at(
            figure, x + 30.0, _TOP_MM + at, _interval(row["effect"], row, signed=True),
            va="center", color=INK,
        )  # fmt: skip


def _interval(value: float, row: pd.Series, *, signed: bool = False) -> str:
    """`0.64 [0.60, 0.68]`, with true minus signs."""
    sign = "+" if signed else ""
    text = f"{value:{sign}.2f}"
    if pd.notna(row["ci_low"]) and pd.notna(row["ci_high"]):
        text += f" [{row['ci_low']:{sign}.2f}, {row['ci_high']:{sign}.2f}]"
    return text.replace("-", "−")


def _draw_key(figure: Figure, used: list[str], top: float, published: str | None) -> None:
    height = 3.2 * (len(used) + (published is not None))
    ax = place_axes(figure, _LEFT_MM, top, _PANEL_MM, height)
    ax.set(xlim=(0, _PANEL_MM), ylim=(height, 0))
    ax.axis("off")
    for k, name in enumerate(used):
        label, colour, marker, filled = METHODS[name]
        y = 3.2 * (k + 0.5)
        ax.plot(
            [2.0], [y], marker=marker, markersize=3.2, linestyle="none", markeredgecolor=colour,
            markerfacecolor=colour if filled else "white", markeredgewidth=0.8,
        )  # fmt: skip
        ax.text(5.0, y, label, va="center", color=INK)
    if published is not None:
        y = 3.2 * (len(used) + 0.5)
        ax.plot([2.0, 2.0], [y - 1.4, y + 1.4], color=MUTED_INK, linewidth=0.8, dashes=(1.5, 1.2))
        ax.text(5.0, y, published, va="center", color=INK)
