"""Figures and plotted numbers of a promoter run, in a folder that is kept in the repository."""

from pathlib import Path

import pandas as pd

from ldar_interp.plots.ladder_grid import ENDPOINTS
from ldar_interp.plots.profiles import FAMILY_WISE_LEVEL
from ldar_interp.plots.promoter import PROMOTER_RUNGS, choose_motifs
from ldar_interp.plots.save import reduce_colours
from ldar_interp.plots.style import DOUBLE_COLUMN_MM
from ldar_interp.program.tables import write_table
from ldar_interp.promoter.analysis import PromoterRun
from ldar_interp.promoter.files import draw_figure, draw_ladders, with_accessions
from ldar_interp.stats.pairs import SITE_SET

SHOWN_BP = 20
"""Offsets that the figure shows on each side of a motif."""


def draw_run(folder: Path, run: PromoterRun, name: str, *, profiles: bool) -> None:
    """The ladder of all motifs and, if asked for, the profiles of those with most hits; tables.

    Parameters
    ----------
    name : ending of the files' names.
    """
    run = with_accessions(run)
    stems = [f"ladder_{name}"]
    draw_ladders(folder / stems[0], run)
    if profiles:
        stems.append(f"profile_{name}")
        draw_figure(folder / stems[1], run, width_mm=DOUBLE_COLUMN_MM)
    for stem in stems:
        (folder / f"{stem}.svg").unlink()
    if profiles:
        # Not the ladder: a palette would put steps into its colour scale.
        reduce_colours(folder / f"{stems[1]}.png")
    for table, rows in plotted_numbers(run, profiles=profiles).items():
        write_table(folder / f"{table}_{name}.tsv", rows)


def plotted_numbers(run: PromoterRun, *, profiles: bool) -> dict[str, pd.DataFrame]:
    """What ladder and profiles show; every rung and offset: `promoter_profile` itself."""
    result, sites = run.result, run.ladder.sites
    tables = {
        "data_enrichment": result.enrichment[result.enrichment["statistic"].isin(ENDPOINTS)],
        "data_motifs": run.motifs.motifs,
        "data_balance": run.ladder.balance,
    }
    if profiles:
        widths = {str(kind): int(rows["width_bp"].iloc[0]) for kind, rows in sites.groupby("kind")}
        order = {kind: widths[kind] for kind in run.motifs.motifs["kind"] if kind in widths}
        drawn = choose_motifs(result.profile, order)
        tables["data_profile"] = _near(_curves(result.profile), drawn, widths)
        marked = result.difference["p_maxt"] < FAMILY_WISE_LEVEL
        tables["data_difference"] = _near(result.difference[marked], drawn, widths)
    return tables


def _curves(profile: pd.DataFrame) -> pd.DataFrame:
    """Sites of every model, controls of the checkpoint."""
    is_site = profile["set"] == SITE_SET
    is_control = profile["set"].isin(PROMOTER_RUNGS) & (profile["model"] != "random")
    return profile[is_site | is_control]


def _near(table: pd.DataFrame, drawn: list[str], widths: dict[str, int]) -> pd.DataFrame:
    """Rows of the motifs that have a panel, at the offsets that it shows."""
    mine = table[table["kind"].isin(drawn)]
    high = mine["kind"].map(widths).astype("int64") + SHOWN_BP
    return mine[(mine["offset"] >= -SHOWN_BP) & (mine["offset"] <= high)]
