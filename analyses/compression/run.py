"""Loss, boundary rate and chunk lengths by target compression: figure, numbers, outcome.

Example: python -m analyses.compression.run --force

Reads the tables of analyses/nano_runs; works with whatever runs these hold.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from analyses.nano_runs import panels
from analyses.nano_runs.grid import read_grid
from analyses.nano_runs.program import make_main
from analyses.nano_runs.report import Plotted, Report
from analyses.nano_runs.seeds import count_seeds, mean_of_seeds, paired, values_of
from analyses.nano_runs.tables import TABLES, read_table, select
from analyses.outcome import markdown_table
from ldar_interp.command_line import run_program
from ldar_interp.plots.style import MUTED_INK, publication_style

NAME = "compression"
FOLDER = Path(__file__).resolve().parent


class Settings(BaseModel):
    """config.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    settings: tuple[str, ...]
    reference: str
    longest: int


def build_report(settings: Settings, tables: Path = TABLES) -> Report:
    """Everything that is drawn and said, from the tables alone."""
    runs = select(read_table("run", tables), settings.settings)
    lengths = select(read_table("chunk_lengths", tables), settings.settings)
    labels = {name: f"N = {target_of(name):g}:" for name in settings.settings}
    return Report(
        name=NAME,
        data=summarise(settings, runs, lengths),
        draw=lambda table: draw(settings, table, count_seeds(runs, labels)),
        paragraphs=describe(settings, runs, lengths),
        inputs=(tables / "run.tsv", tables / "chunk_lengths.tsv"),
        arguments=settings.model_dump(mode="json"),
    )


def target_of(setting: str) -> float:
    """N of a setting, as its runs were trained."""
    return read_grid().setting(setting).compression


def cost_of(settings: Settings, runs: pd.DataFrame, setting: str) -> pd.Series:
    """[MASK] loss less that of the reference, by seed."""
    return paired(
        values_of(runs, setting, "mask_loss"), values_of(runs, settings.reference, "mask_loss")
    )


def shares(lengths: pd.DataFrame, setting: str) -> pd.DataFrame:
    """Share of chunks by length (index) and seed (columns); the last length is an open bin."""
    mine = lengths[lengths["setting"] == setting]
    if mine.empty:
        return pd.DataFrame()
    counts = mine.pivot(index="length", columns="seed", values="count")
    counts = counts.reindex(np.arange(1, lengths["length"].max() + 1)).fillna(0.0)
    return counts / counts.sum()


def quantile(share: pd.Series, q: float) -> float:
    """Smallest length that at least a share q of the chunks do not exceed."""
    return float(share.index[np.searchsorted(share.cumsum().to_numpy(), q - 1e-12)])


def summarise(settings: Settings, runs: pd.DataFrame, lengths: pd.DataFrame) -> pd.DataFrame:
    """Plotted numbers: a boundary rate, b difference in loss, c shares of chunk lengths."""
    plotted = Plotted()
    for at, setting in enumerate(settings.settings):
        rate = values_of(runs, setting, "boundary_rate")
        plotted.add_seeds("a", setting, at, rate)
        plotted.add_mean("a", setting, at, mean_of_seeds(rate.tolist()))
        if setting != settings.reference:
            cost = cost_of(settings, runs, setting)
            plotted.add_seeds("b", setting, at, cost)
            plotted.add_mean("b", setting, at, mean_of_seeds(cost.tolist()))
        for length, of_seed in shares(lengths, setting).iterrows():
            if length <= settings.longest:
                plotted.add_mean("c", setting, length, mean_of_seeds(of_seed.tolist()))
    return plotted.table()


def describe(settings: Settings, runs: pd.DataFrame, lengths: pd.DataFrame) -> tuple[str, ...]:
    """The outcome in a sentence, then a row a setting: F and loss, and lengths of chunks."""
    endpoints, chunks, costs = [], [], []
    for name in settings.settings:
        n = target_of(name)
        rate, clean, loss, cost = (
            mean_of_seeds(values.tolist())
            for values in (
                values_of(runs, name, "boundary_rate"),
                values_of(runs, name, "boundary_rate_clean"),
                values_of(runs, name, "mask_loss"),
                cost_of(settings, runs, name),
            )
        )
        is_reference = name == settings.reference
        if not is_reference:
            costs.append(f"N = {n:g}, {cost.verdict('worse', 'better')}")
        endpoints.append(
            (
                f"{n:g}",
                f"{1 / n:.3f}",
                rate.text(3),
                clean.text(3),
                loss.text(4),
                "reference" if is_reference else cost.claim(4, above="worse", below="better"),
            )
        )
        chunks.append((f"{n:g}", *_describe_lengths(shares(lengths, name))))
    header = (
        "N", "1/N", "F", "F, clean input", "[MASK] loss (nat)",
        f"less that of N = {target_of(settings.reference):g}",
    )  # fmt: skip
    of_chunks = (
        "N", "median length (bases)", "95th percentile", "single bases (% of chunks)", "seeds",
    )  # fmt: skip
    verdict = f"**Loss, against N = {target_of(settings.reference):g}:** {'; '.join(costs)}."
    return verdict, markdown_table(header, endpoints), markdown_table(of_chunks, chunks)


def _describe_lengths(share: pd.DataFrame) -> tuple[str, str, str, str]:
    """Means over seeds of median, 95th percentile and share of ones; the number of seeds."""
    if share.empty:
        return "not measured", "", "", "0"
    middle, high = (
        mean_of_seeds([quantile(share[seed], q) for seed in share]).mean for q in (0.5, 0.95)
    )
    ones = mean_of_seeds(share.loc[1].tolist())
    return f"{middle:.3g}", f"{high:.3g}", f"{100 * ones.mean:.1f}", str(ones.n_seeds)


def draw(settings: Settings, data: pd.DataFrame, seeds: str) -> Figure:
    """Three panels, 183 mm wide, from data.tsv's table."""
    names = settings.settings
    colours = panels.colour_settings(names, settings.reference)
    labels = {name: f"{target_of(name):g}" for name in names}
    dashes = panels.dash_settings(names, settings.reference)
    with publication_style():
        figure, (rate, loss, chunk) = panels.panel_row(62, (1, 1, 1.5))
        panels.letter_panel(rate, "a", "boundary rate")
        for at, name in enumerate(names):
            target = 1 / target_of(name)
            rate.plot([at - 0.3, at + 0.3], [target] * 2, color=MUTED_INK, lw=0.5, ls=(0, (2, 2)))
        panels.draw_by_setting(rate, data[data["panel"] == "a"], names, colours, labels)
        rate.set(xlabel="N (dashes: 1/N)", ylabel="F on the validation region")
        rate.set_ylim(bottom=0)
        panels.add_seed_legend(rate, panels.seeds_in(data), loc="upper right")
        reference = labels[settings.reference]
        panels.letter_panel(loss, "b", f"[MASK] loss less that of N = {reference}")
        panels.draw_zero(loss)
        others = tuple(name for name in names if name != settings.reference)
        panels.draw_by_setting(loss, data[data["panel"] == "b"], others, colours, labels)
        loss.set(xlabel="N", ylabel="difference (nat)")
        panels.letter_panel(chunk, "c", "lengths of chunks, clean input")
        mine = data[data["panel"] == "c"]
        for name in names:
            part = mine[mine["series"] == name]
            if len(part):
                panels.draw_mean_curve(chunk, part, colours[name], dashes[name])
                chunk.plot(
                    [], [], color=colours[name], ls=dashes[name], label=f"N = {labels[name]}"
                )
        chunk.legend(loc="upper right", handlelength=2.4)
        chunk.set(
            xlabel="length (bases)", ylabel="share of chunks", xlim=(0.5, settings.longest + 0.5)
        )
        chunk.set_ylim(bottom=0)
        panels.note_seeds(figure, seeds, panels.T_BARS)
    return figure


main = make_main(
    FOLDER,
    "What does the target compression N change: loss, boundary rate, lengths of chunks?",
    Settings,
    build_report,
)

if __name__ == "__main__":
    run_program(main)
