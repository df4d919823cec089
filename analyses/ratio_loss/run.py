"""Boundary rate and loss by the weight of the ratio loss: figure, numbers, outcome.

Example: python -m analyses.ratio_loss.run --force

Reads the tables of analyses/nano_runs; works with whatever runs these hold.
"""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from analyses.nano_runs import panels
from analyses.nano_runs.program import make_main
from analyses.nano_runs.report import Plotted, Report
from analyses.nano_runs.seeds import count_seeds, mean_of_seeds, paired, values_of
from analyses.nano_runs.tables import TABLES, read_table, select
from analyses.outcome import markdown_table
from ldar_interp.command_line import run_program
from ldar_interp.plots.style import MUTED_INK, publication_style

NAME = "ratio_loss"
FOLDER = Path(__file__).resolve().parent


class Settings(BaseModel):
    """config.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: tuple[str, ...]
    reference: str
    middle_step: int


def build_report(settings: Settings, tables: Path = TABLES) -> Report:
    """Everything that is drawn and said, from the tables alone."""
    runs = select(read_table("run", tables), settings.settings)
    curves = select(read_table("curve", tables), settings.settings)
    data = summarise(settings, runs, curves)
    labels = {name: f"α {label(name)}:" for name in settings.settings}
    return Report(
        name=NAME,
        data=data,
        draw=lambda table: draw(settings, table, count_seeds(runs, labels)),
        paragraphs=describe(settings, runs, curves),
        inputs=(tables / "run.tsv", tables / "curve.tsv"),
        arguments=settings.model_dump(mode="json"),
    )


def rates_at(curves: pd.DataFrame, setting: str, step: int) -> pd.Series:
    """Validation boundary rate of a setting at a step, by seed."""
    return values_of(curves[curves["step"] == step], setting, "boundary_rate")


def last_step(curves: pd.DataFrame) -> int:
    """The step at which these runs end; they all have the same."""
    return int(curves["step"].max())


def drift_of(settings: Settings, curves: pd.DataFrame, setting: str) -> pd.Series:
    """Boundary rate at the end less that in the middle, by seed."""
    middle = rates_at(curves, setting, settings.middle_step)
    return paired(rates_at(curves, setting, last_step(curves)), middle)


def cost_of(settings: Settings, runs: pd.DataFrame, setting: str) -> pd.Series:
    """[MASK] loss less that of the reference, by seed."""
    return paired(
        values_of(runs, setting, "mask_loss"), values_of(runs, settings.reference, "mask_loss")
    )


def summarise(settings: Settings, runs: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """Plotted numbers: a the boundary rate by step, b its drift, c the difference in loss."""
    plotted = Plotted()
    for at, setting in enumerate(settings.settings):
        mine = curves[curves["setting"] == setting]
        for step in sorted(set(mine["step"])):
            plotted.add_seeds("a", setting, step, rates_at(curves, setting, step))
        drift = drift_of(settings, curves, setting)
        plotted.add_seeds("b", setting, at, drift)
        plotted.add_mean("b", setting, at, mean_of_seeds(drift.tolist()))
        if setting != settings.reference:
            cost = cost_of(settings, runs, setting)
            plotted.add_seeds("c", setting, at, cost)
            plotted.add_mean("c", setting, at, mean_of_seeds(cost.tolist()))
    return plotted.table()


def describe(settings: Settings, runs: pd.DataFrame, curves: pd.DataFrame) -> tuple[str, ...]:
    """The outcome in a sentence, then a row a setting and a column an endpoint."""
    end = last_step(curves)
    rows, drifts, costs = [], [], []
    for name in settings.settings:
        rate, drift, loss, cost = (
            mean_of_seeds(values.tolist())
            for values in (
                rates_at(curves, name, end),
                drift_of(settings, curves, name),
                values_of(runs, name, "mask_loss"),
                cost_of(settings, runs, name),
            )
        )
        is_reference = name == settings.reference
        drifts.append(f"alpha {label(name)}, {drift.verdict('it rises', 'it falls')}")
        if not is_reference:
            costs.append(f"alpha {label(name)}, {cost.verdict('worse', 'better')}")
        rows.append(
            (
                label(name),
                rate.text(3),
                drift.claim(3, above="it rises", below="it falls"),
                loss.text(4),
                "reference" if is_reference else cost.claim(4, above="worse", below="better"),
            )
        )
    header = (
        "alpha",
        f"last F (step {end}; 1/N is 0.25)",
        f"drift of F, step {settings.middle_step} to {end}",
        "[MASK] loss (nat)",
        f"less that of alpha {label(settings.reference)}",
    )
    verdict = (
        f"**Does the boundary rate drift?** {'; '.join(drifts)}. **Loss, against alpha "
        f"{label(settings.reference)}:** {'; '.join(costs)}."
    )
    return verdict, markdown_table(header, rows)


def label(setting: str) -> str:
    """`alpha_0.3` -> `0.3`; the shared runs have 0.03."""
    return setting.removeprefix("alpha_") if setting.startswith("alpha_") else "0.03"


def draw(settings: Settings, data: pd.DataFrame, seeds: str) -> Figure:
    """Three panels, 183 mm wide, from data.tsv's table."""
    names = settings.settings
    colours = panels.colour_settings(names, settings.reference)
    labels = {name: label(name) for name in names}
    dashes = panels.dash_settings(names, settings.reference)
    with publication_style():
        figure, (curve, drift, loss) = panels.panel_row(62, (1.5, 1, 1))
        panels.letter_panel(curve, "a", "boundary rate on validation")
        curve.axhline(0.25, color=MUTED_INK, lw=0.5, ls=(0, (2, 2)), zorder=0)
        mine = data[data["panel"] == "a"]
        for name in names:
            part = mine[mine["series"] == name]
            panels.draw_curves(curve, part, colours[name], dashes[name], lw=0.9)
            if len(part):
                curve.plot([], [], color=colours[name], ls=dashes[name], label=f"α {labels[name]}")
        curve.legend(loc="upper right", ncols=2, handlelength=2.4)
        curve.set(xlabel="step", ylabel="F (share of bases that start a token)")
        curve.set_xlim(0, mine["x"].astype(float).max())
        # A fifth more on top, where the legend has no curve under it.
        curve.set_ylim(0, 1.25 * curve.get_ylim()[1])
        panels.letter_panel(drift, "b", f"drift, step {settings.middle_step} to the end")
        panels.draw_zero(drift)
        panels.draw_by_setting(drift, data[data["panel"] == "b"], names, colours, labels)
        drift.set(xlabel="α", ylabel="change of F")
        panels.add_seed_legend(drift, panels.seeds_in(data), loc="best")
        panels.letter_panel(loss, "c", f"[MASK] loss less that of α {labels[settings.reference]}")
        panels.draw_zero(loss)
        others = tuple(name for name in names if name != settings.reference)
        panels.draw_by_setting(loss, data[data["panel"] == "c"], others, colours, labels)
        loss.set(xlabel="α", ylabel="difference (nat)")
        panels.note_seeds(figure, seeds, panels.T_BARS)
    return figure


main = make_main(
    FOLDER,
    "Does compression drift without the ratio loss, and what does that loss cost?",
    Settings,
    build_report,
)

if __name__ == "__main__":
    run_program(main)
