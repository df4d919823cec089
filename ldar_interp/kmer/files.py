"""The files of a kmer-null result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

from ldar_interp.kmer.analysis import PROGRAM, KmerNullRun
from ldar_interp.kmer.settings import KmerNullSettings
from ldar_interp.plots.kmer_null import kmer_null_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.program.nulls import name_file
from ldar_interp.program.tables import write_table
from ldar_interp.provenance import describe_input, write_provenance


def write_result(folder: Path, run: KmerNullRun, settings: KmerNullSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    for name, null in run.nulls.items():
        null.save(folder / name_file(name))
    write_table(folder / "r2.tsv", run.r2)
    write_table(folder / "quintiles.tsv", run.quintiles)
    save_figure(
        kmer_null_figure(run.r2, run.quintiles, width_mm=settings.width_mm), folder / "figure"
    )
    written = sorted(path.name for path in folder.iterdir())
    write_provenance(folder / "provenance.json", describe_run(run, settings) | {"files": written})


def describe_run(run: KmerNullRun, settings: KmerNullSettings) -> dict[str, Any]:
    """What made the result and what was kept and dropped; no paths, so no machine shows."""
    inputs: dict[str, Any] = {
        "fasta": describe_input(settings.genome_path),
        "gtf": describe_input(settings.annotation_path),
        "checkpoint": run.models.describe_source(),
    }
    if settings.sites is not None:
        inputs["sites"] = describe_input(settings.sites)
    return {
        "program": PROGRAM,
        "arguments": settings.model_dump(
            mode="json", exclude={"ckpt", "fasta", "gtf", "sites", "out"}
        ),
        "inputs": inputs,
        **run.models.describe(),
        "seed": settings.seed,
        "counts": {"annotation": run.annotation.counts, "background": run.counts},
        "offset_consistency": {name: found.summary() for name, found in run.consistency.items()},
    }
