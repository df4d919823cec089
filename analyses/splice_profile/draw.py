"""Figures and plotted numbers of a splice run, in a folder that is kept in the repository."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from ldar_interp.plots.logos import logo_table
from ldar_interp.plots.save import reduce_colours
from ldar_interp.plots.splice import DRAWN_RUNGS
from ldar_interp.program.tables import write_table
from ldar_interp.splice.analysis import SpliceRun
from ldar_interp.splice.files import draw_figure, draw_ladder


def draw_run(folder: Path, run: SpliceRun, widths: Mapping[int, str], ending: str = "") -> None:
    """Profiles in some widths, the ladder, and what they show, as TSV.

    Parameters
    ----------
    widths : mm -> file name without its ending.
    ending : behind the names of the ladder and the tables, such as `_trained`.
    """
    stems = [*widths.values(), f"ladder{ending}"]
    for width_mm, stem in widths.items():
        draw_figure(folder / stem, run, width_mm=width_mm)
    draw_ladder(folder / stems[-1], run)
    for stem in stems:
        (folder / f"{stem}.svg").unlink()
        reduce_colours(folder / f"{stem}.png")
    for name, table in plotted_numbers(run).items():
        write_table(folder / f"{name}{ending}.tsv", table)


def plotted_numbers(run: SpliceRun) -> dict[str, pd.DataFrame]:
    """What the panels show, and the residual's differences; all rungs: `splice_profile` itself."""
    profile, difference = run.result.profile, run.result.difference
    return {
        "data_profile": profile[profile["set"].isin(["site", *DRAWN_RUNGS])],
        "data_logo": logo_table(run.logos),
        "data_difference": difference[difference["control"].isin(DRAWN_RUNGS)],
        "data_enrichment": run.result.enrichment,
        "data_balance": run.ladder.balance,
    }
