"""The files of a splice-profile result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

from ldar_interp.ladder.files import count_profiles, write_profiles, write_tables
from ldar_interp.plots.ladder_figure import ladder_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.plots.splice import splice_figure
from ldar_interp.program.sidecar import describe_program, seal_folder
from ldar_interp.sites.table import count_kinds
from ldar_interp.splice.analysis import SpliceRun
from ldar_interp.splice.report import PROGRAM
from ldar_interp.splice.settings import SpliceSettings


def write_result(folder: Path, run: SpliceRun, settings: SpliceSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    write_tables(folder, run.ladder, run.result)
    write_profiles(folder / "profiles.npz", run.measured)
    draw_figure(folder / "figure", run, width_mm=settings.width_mm)
    draw_ladder(folder / "ladder", run)
    seal_folder(folder, describe_run(run, settings))


def draw_figure(stem: Path, run: SpliceRun, *, width_mm: int) -> None:
    """`stem`.pdf, .png and .svg from the tables of the run: profiles and differences."""
    figure = splice_figure(
        run.result.profile,
        run.result.difference,
        run.result.enrichment,
        run.logos,
        width_mm=width_mm,
        balance=run.ladder.balance,
        n_genes={
            str(kind): int(rows["group"].nunique())
            for kind, rows in run.ladder.sites.groupby("kind", sort=True)
        },
    )
    save_figure(figure, stem)


def draw_ladder(stem: Path, run: SpliceRun) -> None:
    """`stem`.pdf, .png and .svg: the effect at every rung, raw and residual."""
    save_figure(ladder_figure(run.result.enrichment, balance=run.ladder.balance), stem)


def describe_run(run: SpliceRun, settings: SpliceSettings) -> dict[str, Any]:
    """What made the result and what was kept and dropped; no paths, so no machine shows."""
    inputs = {"fasta": settings.genome_path, "gtf": settings.annotation_path}
    return describe_program(
        PROGRAM, settings, run.models, inputs, files={"residual"}, consistency=run.consistency
    ) | {
        "kmer_null": run.nulls.describe(),
        "counts": {
            "annotation": run.annotation.counts,
            "absent_chroms": list(run.annotation.absent_chroms),
            "chrom_names": run.annotation.chrom_names,
            "sites_used": count_kinds(run.ladder.sites),
            "controls": run.ladder.counts,
            "contexts": run.measured.context_counts,
            "extraction": run.measured.extraction,
            "profiles": count_profiles(run.measured),
        },
    }
