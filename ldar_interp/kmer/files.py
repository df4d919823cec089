"""The files of a kmer-null result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

from ldar_interp.kmer.analysis import PROGRAM, KmerNullRun
from ldar_interp.kmer.settings import KmerNullSettings
from ldar_interp.plots.kmer_null import kmer_null_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.program.nulls import name_file
from ldar_interp.program.sidecar import describe_program, seal_folder
from ldar_interp.program.tables import write_table


def write_result(folder: Path, run: KmerNullRun, settings: KmerNullSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    for name, null in run.nulls.items():
        null.save(folder / name_file(name))
    write_table(folder / "r2.tsv", run.r2)
    write_table(folder / "quintiles.tsv", run.quintiles)
    save_figure(
        kmer_null_figure(run.r2, run.quintiles, width_mm=settings.width_mm), folder / "figure"
    )
    seal_folder(folder, describe_run(run, settings))


def describe_run(run: KmerNullRun, settings: KmerNullSettings) -> dict[str, Any]:
    """What made the result and what was kept and dropped; no paths, so no machine shows."""
    inputs = {"fasta": settings.genome_path, "gtf": settings.annotation_path}
    if settings.sites is not None:
        inputs["sites"] = settings.sites
    return describe_program(
        PROGRAM, settings, run.models, inputs, files={"sites"}, consistency=run.consistency
    ) | {
        "counts": {"annotation": run.annotation.counts, "background": run.counts},
    }
