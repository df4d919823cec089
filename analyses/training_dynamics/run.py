"""Splice effects and agreement of p over training steps: figure, numbers, outcome.

Example: python -m analyses.training_dynamics.run --force

Reads the tables of analyses/nano_runs; works with whatever runs these hold.
"""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analyses.nano_runs import panels
from analyses.nano_runs.program import make_main
from analyses.nano_runs.report import Report
from analyses.nano_runs.seeds import count_seeds
from analyses.nano_runs.tables import TABLES, read_table, select
from analyses.training_dynamics.summarise import (
    BETWEEN,
    WITHIN,
    Settings,
    describe,
    steps_of,
    summarise,
)
from ldar_interp.command_line import run_program
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    INK,
    MUTED_INK,
    SET_COLOURS,
    inches,
    publication_style,
)

NAME = "training_dynamics"
FOLDER = Path(__file__).resolve().parent


def build_report(settings: Settings, tables: Path = TABLES) -> Report:
    """Everything that is drawn and said, from the tables alone."""
    splice = select(read_table("splice", tables), (settings.setting,))
    agreement = select(read_table("agreement", tables), (settings.setting,))
    seeds = count_seeds(splice, {settings.setting: settings.setting})
    return Report(
        name=NAME,
        data=summarise(settings, splice, agreement),
        draw=lambda table: draw(settings, table, seeds),
        paragraphs=describe(settings, splice, agreement),
        inputs=(tables / "splice.tsv", tables / "agreement.tsv"),
        arguments=settings.model_dump(mode="json"),
    )


def draw(settings: Settings, data: pd.DataFrame, seeds: str) -> Figure:
    """Six panels of effects and two of correlations, 183 mm wide, from data.tsv's table."""
    kinds, controls = settings.kinds, settings.controls
    n_columns = len(controls) + 1
    steps = steps_of(data, "x")
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(96)))
        grid = figure.add_gridspec(
            len(kinds), n_columns, left=0.07, right=0.99, bottom=0.14, top=0.92, wspace=0.36,
            hspace=0.42,
        )  # fmt: skip
        letters = iter("abcdefgh")
        for row, kind in enumerate(kinds):
            first: Axes | None = None
            for column, control in enumerate(controls):
                ax = figure.add_subplot(grid[row, column], sharey=first)
                first = first or ax
                panels.letter_panel(ax, next(letters), f"{kind} against {control}")
                mine = data[data["panel"] == f"{kind}, {control}"]
                _draw_effects(ax, mine, steps, SET_COLOURS[control])
                if column == 0:
                    ax.set_ylabel("site − control, p at the edge")
            ax = figure.add_subplot(grid[row, n_columns - 1])
            series = (WITHIN, BETWEEN)[row]
            panels.letter_panel(ax, next(letters), f"p {series}")
            mine = data[(data["panel"] == "correlation") & (data["series"] == series)]
            _draw_correlation(ax, mine, steps)
        legend = figure.axes[len(controls)]
        panels.add_seed_legend(legend, _single_seeds(data), loc="lower right")
        bars = "thin bars: 95 % bootstrap over genes in one run; lines: mean over seeds"
        panels.note_seeds(figure, seeds, bars)
    return figure


def _single_seeds(data: pd.DataFrame) -> list[str]:
    return [seed for seed in panels.seeds_in(data) if "-" not in seed]


def _draw_effects(ax: Axes, data: pd.DataFrame, steps: list[int], colour: str) -> None:
    """A marker a seed with its bar at each step; the line joins means."""
    panels.draw_zero(ax)
    place = {step: at for at, step in enumerate(steps)}
    single, means = data[data["seed"] != ""], data[data["seed"] == ""]
    ax.plot([place[int(x)] for x in means["x"]], means["y"], color=colour, lw=1.0)
    names = sorted(set(single["seed"]))
    for number, name in enumerate(names):
        mine = single[single["seed"] == name]
        at = [place[int(x)] + 0.2 * (number - (len(names) - 1) / 2) for x in mine["x"]]
        ax.vlines(at, mine["low"], mine["high"], color=colour, lw=0.5)
        marker = panels.SEED_MARKERS.get(name, "D")
        ax.plot(at, mine["y"], marker, color=colour, mfc="white", ms=2.4, mew=0.6)
    _label_steps(ax, steps)


def _draw_correlation(ax: Axes, data: pd.DataFrame, steps: list[int]) -> None:
    """A line a seed, or a pair of seeds."""
    place = {step: at for at, step in enumerate(steps)}
    pairs = [str(name) for name in sorted(set(data["seed"])) if "-" in str(name)]
    dashes = dict(zip(pairs, panels.DASHES, strict=False))
    for name, mine in data.groupby("seed", sort=True):
        at = [place[int(x)] for x in mine["x"]]
        marker = panels.SEED_MARKERS.get(str(name), "")
        dash = dashes.get(str(name), "solid")
        ax.plot(at, mine["y"], color=INK, ls=dash, marker=marker, mfc="white", ms=2.4, mew=0.6,
                lw=0.8, label=f"seeds {str(name).replace('-', ', ')}")  # fmt: skip
    if pairs:
        ax.legend(loc="upper left", handlelength=2.4)
    if data.empty:
        ax.text(0.5, 0.5, "fewer than two runs", transform=ax.transAxes, ha="center",
                color=MUTED_INK)  # fmt: skip
    ax.set_ylabel("correlation")
    ax.set_ylim(min(0.0, data["y"].min() if len(data) else 0.0) - 0.02, 1.5 if pairs else 1.04)
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    _label_steps(ax, steps)


def _label_steps(ax: Axes, steps: list[int]) -> None:
    """Steps at equal distances, since they double."""
    ax.set_xticks(range(len(steps)), [str(step) for step in steps])
    ax.set_xlim(-0.5, len(steps) - 0.5)
    ax.set_xlabel("step")


main = make_main(
    FOLDER,
    "How does the splice profile emerge, and do seeds agree on where boundaries are?",
    Settings,
    build_report,
)

if __name__ == "__main__":
    run_program(main)
