"""Loss by kind of routing at matched FLOPs, and p under masking: figure, numbers, outcome.

Example: python -m analyses.routing.run --force

Reads the tables of analyses/nano_runs; works with whatever runs these hold.
"""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analyses.nano_runs import panels
from analyses.nano_runs.masked_p import BINS
from analyses.nano_runs.program import make_main
from analyses.nano_runs.report import Report
from analyses.nano_runs.seeds import count_seeds
from analyses.nano_runs.tables import TABLES, read_table, select
from analyses.routing.summarise import (
    PATTERNS,
    ROUTER_NAMES,
    Settings,
    describe,
    summarise,
)
from ldar_interp.command_line import run_program
from ldar_interp.plots.style import SET_COLOURS, publication_style

NAME = "routing"
FOLDER = Path(__file__).resolve().parent
PATTERN_DASHES = dict(zip(PATTERNS, panels.DASHES, strict=False))
PATTERN_LABELS = {"random": "15 % masked", "sparse": "one base in 256"}


def build_report(settings: Settings, tables: Path = TABLES) -> Report:
    """Everything that is drawn and said, from the tables alone."""
    wanted = (settings.reference, *settings.settings)
    runs = select(read_table("run", tables), wanted)
    masked = select(read_table("masked", tables), settings.routers)
    labels = {name: f"{name.replace('_', '-')}:" for name in wanted}
    return Report(
        name=NAME,
        data=summarise(settings, runs, masked),
        draw=lambda table: draw(settings, table, count_seeds(runs, labels)),
        paragraphs=describe(settings, runs, masked),
        inputs=(tables / "run.tsv", tables / "masked.tsv"),
        arguments=settings.model_dump(mode="json"),
    )


def draw(settings: Settings, data: pd.DataFrame, seeds: str) -> Figure:
    """Three panels, 183 mm wide, from data.tsv's table."""
    colours = dict(zip(settings.settings, panels.OTHER_COLOURS[::-1], strict=False))
    labels = {name: name.replace("_", "-") for name in settings.settings}
    with publication_style():
        figure, (loss, change, flips) = panels.panel_row(
            66, (1, 1.35, 1.35), left=0.075, bottom=0.21, top=0.89
        )
        panels.letter_panel(loss, "a", "[MASK] loss less that of learned")
        panels.draw_zero(loss)
        mine = data[data["panel"] == "a"]
        panels.draw_by_setting(loss, mine, settings.settings, colours, labels)
        loss.set(xlabel="boundaries, same FLOPs", ylabel="difference (nat)")
        # Above everything, in one row: bars reach high and low, so no corner stays free.
        low, high = loss.get_ylim()
        loss.set_ylim(low, high + 0.16 * (high - low))
        panels.add_seed_legend(
            loss, panels.seeds_in(mine), loc="upper center", ncols=3, columnspacing=0.8
        )
        panels.letter_panel(change, "b", "change of p, masked against clean")
        panels.letter_panel(flips, "c", "hard boundaries that flip")
        _draw_distances(change, data[data["panel"] == "b"], settings)
        _draw_distances(flips, data[data["panel"] == "c"], settings)
        change.set(ylabel="mean |dp|")
        flips.set(ylabel="share of edges")
        drawn = [
            (router, pattern)
            for router in settings.routers
            for pattern in PATTERNS
            if (data["series"] == f"{router}, {pattern}").any()
        ]
        handles = [
            Line2D([], [], color=_router_colour(settings, router), ls=PATTERN_DASHES[pattern], lw=1)
            for router, pattern in drawn
        ]
        words = [f"{ROUTER_NAMES[router]}, {PATTERN_LABELS[pattern]}" for router, pattern in drawn]
        change.legend(handles, words, loc="upper right", handlelength=2.4)
        panels.note_seeds(figure, seeds, panels.T_BARS)
    return figure


def _router_colour(settings: Settings, router: str) -> str:
    return panels.REFERENCE_COLOUR if router == settings.reference else SET_COLOURS["C2"]


def _draw_distances(ax: Axes, data: pd.DataFrame, settings: Settings) -> None:
    for number, router in enumerate(settings.routers):
        for pattern in PATTERNS:
            part = data[data["series"] == f"{router}, {pattern}"]
            means = part[part["seed"] == ""]
            at = means["x"].astype(float) + 0.08 * (number - 0.5)
            colour = _router_colour(settings, router)
            panels.draw_mean_curve(ax, part, colour, PATTERN_DASHES[pattern], at=at.tolist())
    ax.set_xticks(range(len(BINS)), [name.replace("-", "–") for name, _, _ in BINS])
    ax.set_xlim(-0.4, len(BINS) - 0.6)
    ax.set_ylim(bottom=0)
    ax.set_xlabel("bases from the nearest [MASK]")


main = make_main(
    FOLDER,
    "Are learned boundaries better at the same FLOPs, and robust to [MASK]?",
    Settings,
    build_report,
)

if __name__ == "__main__":
    run_program(main)
