"""The files of a variant-scores result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

from ldar_interp.plots.save import save_figure
from ldar_interp.plots.variants import variant_figure
from ldar_interp.program.sidecar import describe_program, seal_folder
from ldar_interp.program.tables import write_table
from ldar_interp.variants.analysis import VariantRun
from ldar_interp.variants.settings import PROGRAM, VariantSettings


def write_result(folder: Path, run: VariantRun, settings: VariantSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    tables = {"scores": run.scores, "distribution": run.distribution}
    auroc = roc = None
    if run.rankings is not None:
        auroc, roc = run.rankings.auroc, run.rankings.roc
        tables |= {"auroc": auroc, "roc": roc}
    for name, table in tables.items():
        write_table(folder / f"{name}.tsv", table)
    save_figure(variant_figure(run.distribution, auroc, roc), folder / "figure")
    seal_folder(folder, describe_run(run, settings))


def describe_run(run: VariantRun, settings: VariantSettings) -> dict[str, Any]:
    """What made the result and what was kept and dropped; no paths, so no machine shows."""
    found = describe_program(PROGRAM, settings, run.models, run.inputs, files={"vcf", "table"})
    return found | {"counts": run.counts}
