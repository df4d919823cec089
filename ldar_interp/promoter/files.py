"""The files of a promoter-profile result; their columns are in docs/contracts.md."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from ldar_interp.ladder.files import count_profiles, write_profiles, write_tables
from ldar_interp.ladder.settings import PRIMARY
from ldar_interp.plots.ladder_grid import ladder_grid
from ldar_interp.plots.promoter import promoter_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.plots.volcano import volcano_figure
from ldar_interp.program.sidecar import describe_program, seal_folder
from ldar_interp.program.tables import write_table
from ldar_interp.promoter.analysis import PromoterRun
from ldar_interp.promoter.report import PROGRAM
from ldar_interp.promoter.settings import PromoterSettings
from ldar_interp.sites.motif_lists import ALL, DECLARED, DECLARED_LIST
from ldar_interp.sites.table import count_kinds


def write_result(folder: Path, run: PromoterRun, settings: PromoterSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    run = with_accessions(run)
    write_tables(folder, run.ladder, run.result, sites_name="hits")
    write_table(folder / "motifs.tsv", run.motifs.motifs)
    write_profiles(folder / "profiles.npz", run.measured)
    draw_figure(folder / "figure", run, width_mm=settings.width_mm)
    draw_ladders(folder / "ladder", run)
    if settings.motifs == ALL:
        draw_volcano(folder / "volcano", run, width_mm=settings.width_mm)
    seal_folder(folder, describe_run(run, settings))


def with_accessions(run: PromoterRun) -> PromoterRun:
    """The run with the matrix's accession behind `kind` in every result table."""
    accession = name_accessions(run)

    def add(table: pd.DataFrame) -> pd.DataFrame:
        at = list(table.columns).index("kind") + 1
        wider = table.copy()
        wider.insert(at, "accession", table["kind"].map(accession))
        return wider

    return replace(
        run,
        ladder=replace(run.ladder, balance=add(run.ladder.balance)),
        result=replace(
            run.result,
            enrichment=add(run.result.enrichment),
            profile=add(run.result.profile),
            difference=add(run.result.difference),
        ),
    )


def name_accessions(run: PromoterRun) -> dict[str, str]:
    """Accession of each motif of the list, by name."""
    table = run.motifs.motifs
    return dict(zip(table["kind"].astype(str), table["accession"].astype(str), strict=True))


def draw_figure(stem: Path, run: PromoterRun, *, width_mm: int) -> None:
    """`stem`.pdf, .png and .svg: a panel a motif, in the order of the list."""
    sites = run.ladder.sites
    # In a scan of every matrix motifs with few hits have no curves.
    with_curves = sites[sites["kind"].isin(set(run.result.profile["kind"]))]
    widths = {
        str(kind): int(rows["width_bp"].iloc[0]) for kind, rows in with_curves.groupby("kind")
    }
    figure = promoter_figure(
        run.result.profile,
        run.result.difference,
        run.result.enrichment,
        run.logos,
        {kind: widths[kind] for kind in run.motifs.motifs["kind"] if kind in widths},
        width_mm=width_mm,
        balance=run.ladder.balance,
        n_groups={str(kind): int(rows["group"].nunique()) for kind, rows in sites.groupby("kind")},
        accessions=name_accessions(run),
        n_motifs=int(sites["kind"].nunique()),
    )
    save_figure(figure, stem)


def draw_ladders(stem: Path, run: PromoterRun) -> None:
    """`stem`.pdf, .png and .svg: the effect of every motif, endpoint and rung, raw and residual."""
    save_figure(ladder_grid(run.result.enrichment), stem)


def draw_volcano(stem: Path, run: PromoterRun, *, width_mm: int) -> None:
    """`stem`.pdf, .png and .svg: effects against q, of the residual where there is one.

    Against C2, or against C1 if no motif has pairs enough for a test there.
    """
    signal = "residual" if run.nulls.by_name else "prob"
    table = run.result.enrichment
    figure = volcano_figure(
        table, control=choose_volcano_rung(table), signal=signal, width_mm=width_mm
    )
    save_figure(figure, stem)


def choose_volcano_rung(table: pd.DataFrame) -> str:
    """The tightest declared rung on which something was tested; of those that are there else."""
    declared = [rung for rung in reversed(PRIMARY) if (table["control"] == rung).any()]
    tested = set(table.loc[table["q_value"].notna(), "control"])
    found = next((rung for rung in declared if rung in tested), None)
    return found or (declared[0] if declared else str(table["control"].iloc[0]))


def describe_run(run: PromoterRun, settings: PromoterSettings) -> dict[str, Any]:
    """What made the result and what was kept and dropped; no paths, so no machine shows."""
    inputs = {"fasta": settings.genome_path, "gtf": settings.annotation_path}
    if settings.tss is not None:
        inputs["tss"] = settings.tss
    files = {"tss", "residual"}
    if settings.motifs != ALL:
        files.add("motifs")
        is_declared = settings.motifs == DECLARED
        inputs["motifs"] = DECLARED_LIST if is_declared else Path(settings.motifs)
    return describe_program(
        PROGRAM, settings, run.models, inputs, files=files, consistency=run.consistency
    ) | {
        "kmer_null": run.nulls.describe(),
        "counts": {
            "promoters": run.promoters.counts,
            "absent_chroms": list(run.promoters.absent_chroms),
            "chrom_names": run.promoters.chrom_names,
            "scan": run.motifs.counts,
            "sites_used": count_kinds(run.ladder.sites),
            "controls": run.ladder.counts,
            "contexts": run.measured.context_counts,
            "extraction": run.measured.extraction,
            "profiles": count_profiles(run.measured),
        },
    }
