"""Do learned boundaries help downstream at the same FLOPs? Figure, numbers, outcome.

Example: python -m analyses.matched_flops.run --force

Reads the tables that analyses.matched_flops.measure wrote; works with whatever runs these hold.
"""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyses.matched_flops.measure import FOLDER, TABLES
from analyses.matched_flops.probes import KMER, Settings
from analyses.matched_flops.tables import ALL_TASKS, rows_of
from analyses.nano_runs.program import make_main
from analyses.nano_runs.report import Report
from analyses.nano_runs.tables import read_table
from analyses.outcome import judge, markdown_table, with_interval
from ldar_interp.command_line import run_program
from ldar_interp.plots.layout import place_axes
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

NAME = "matched_flops"
_ROW_MM, _TOP_MM, _BOTTOM_MM, _LEFT_MM, _GAP_MM = 4.2, 11.0, 15.0, 27.0, 3.0


def build_report(settings: Settings, tables: Path) -> Report:
    """Everything that is drawn and said, from the tables alone."""
    differences, probes = read_table("differences", tables), read_table("probes", tables)
    return Report(
        name=NAME,
        data=differences,
        draw=lambda table: draw(settings, table),
        paragraphs=describe(settings, differences, probes),
        inputs=(tables / "differences.tsv", tables / "probes.tsv"),
        arguments=settings.model_dump(mode="json"),
    )


def draw(settings: Settings, differences: pd.DataFrame) -> Figure:
    """A panel a comparison, a row a task, the mean over tasks below; 183 mm wide."""
    tasks = [*settings.tasks, ALL_TASKS]
    drawn = [pair for pair in settings.comparison if len(rows_of(differences, pair))]
    limits = _limits(settings, differences)
    height = _ROW_MM * len(tasks)
    width = (DOUBLE_COLUMN_MM - _LEFT_MM - 3.0 - _GAP_MM * (len(drawn) - 1)) / len(drawn)
    with publication_style():
        size = (inches(DOUBLE_COLUMN_MM), inches(_TOP_MM + height + _BOTTOM_MM))
        figure = Figure(figsize=size)
        for number, pair in enumerate(drawn):
            left = _LEFT_MM + number * (width + _GAP_MM)
            ax = place_axes(figure, left, _TOP_MM, width, height)
            ax.set_ylim(len(tasks) - 0.5, -0.5)
            if pair.against != settings.untrained and limits is not None:
                ax.set_xlim(limits)
            ax.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)
            rows = rows_of(differences, pair).set_index("task")
            for y, task in enumerate(tasks):
                if task in rows.index:
                    _draw_row(ax, rows.loc[task], y, is_mean=task == ALL_TASKS)
            ax.axhline(len(settings.tasks) - 0.5, color=MUTED_INK, linewidth=0.4)
            ax.set_yticks(range(len(tasks)), tasks if number == 0 else [""] * len(tasks))
            ax.tick_params(axis="y", length=0)
            ax.spines["left"].set_visible(False)
            ax.locator_params(axis="x", nbins=4)
            n_seeds = int(rows["n_seeds"].max())
            title = pair.label.replace(": ", "\n")
            ax.set_title(f"{title}\n{n_seeds} seed{'s' if n_seeds > 1 else ''}", fontsize=6.0)
        figure.text(
            0.5, inches(6.5) / size[1],
            f"difference in {settings.metric.upper()} of frozen probes (95 % CI)",
            ha="center", color=INK,
        )  # fmt: skip
        figure.text(
            0.5, inches(2.5) / size[1],
            "tasks: over seeds and test rows; mean over tasks: over seeds",
            ha="center", color=MUTED_INK,
        )  # fmt: skip
    return figure


def _limits(settings: Settings, differences: pd.DataFrame) -> tuple[float, float] | None:
    """One scale for all routers; what pretraining adds is of another size and has its own."""
    rows = differences[differences["against"] != settings.untrained]
    if not len(rows):
        return None
    ends = rows[["ci_low", "ci_high", "effect"]]
    low, high = float(ends.min().min()), float(ends.max().max())
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _draw_row(ax: Axes, row: pd.Series, y: int, *, is_mean: bool) -> None:
    colour = SET_COLOURS["site" if is_mean else "C2"]
    if pd.notna(row["ci_low"]):
        ax.plot([row["ci_low"], row["ci_high"]], [y, y], color=colour, linewidth=1.0)
    ax.plot(
        [row["effect"]], [y], marker="D" if is_mean else "o", markersize=3.2, color=colour,
        linestyle="none",
    )  # fmt: skip


def describe(
    settings: Settings, differences: pd.DataFrame, probes: pd.DataFrame
) -> tuple[str, ...]:
    """The outcome: the declared endpoint, each comparison by task, and the level of the probes."""
    verdicts, table = [], []
    for pair in settings.comparison:
        rows = rows_of(differences, pair).set_index("task")
        if not len(rows):
            table.append((pair.label, "no run yet", "", ""))
            continue
        mean, tasks = rows.loc[ALL_TASKS], rows.drop(index=ALL_TASKS)
        above = [str(task) for task in tasks.index[tasks["ci_low"] > 0]]
        below = [str(task) for task in tasks.index[tasks["ci_high"] < 0]]
        text = with_interval(mean["effect"], mean["ci_low"], mean["ci_high"])
        table.append(
            (pair.label, f"{text}, {int(mean['n_seeds'])} seeds", _list(above), _list(below))
        )
        verdict = judge(mean["ci_low"], mean["ci_high"], above="above 0", below="below 0")
        verdicts.append(f"{pair.label}, {verdict}")
    levels = probes[probes["metric"] == settings.metric]
    by_setting = levels.groupby(["setting", "task"])["value"].mean().unstack("task")
    names = [KMER, *settings.list_settings()]
    rows = [
        (name, *(f"{by_setting.loc[name, task]:.2f}" for task in settings.tasks))
        for name in names
        if name in by_setting.index
    ]
    metric = settings.metric.upper()
    return (
        f"**Mean difference in {metric} over {len(settings.tasks)} tasks:** {'; '.join(verdicts)}.",
        markdown_table(("comparison", "mean over tasks", "tasks above 0", "tasks below 0"), table),
        f"With {len(settings.tasks)} tasks, chance alone puts about one interval in twenty on one "
        "side of 0; single tasks are not corrected for that.",
        f"**{metric} of the probes**, mean over seeds, beside 5-mer counts on the same rows:",
        markdown_table(("setting", *settings.tasks), rows),
    )


def _list(tasks: list[str]) -> str:
    return ", ".join(tasks) or "none"


main = make_main(
    FOLDER,
    "Do learned boundaries help downstream tasks at the same FLOPs?",
    Settings,
    build_report,
    TABLES,
)

if __name__ == "__main__":
    run_program(main)
