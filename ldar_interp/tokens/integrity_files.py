"""The files of a tokenizer-integrity result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

from ldar_interp.plots.integrity import integrity_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.program.sidecar import describe_program, seal_folder
from ldar_interp.program.tables import write_table
from ldar_interp.sites.table import write_sites
from ldar_interp.tokens.integrity_run import PROGRAM, IntegrityRun
from ldar_interp.tokens.settings import IntegritySettings


def write_integrity(folder: Path, run: IntegrityRun, settings: IntegritySettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    write_sites(folder / "elements.tsv", run.elements)
    write_table(folder / "integrity.tsv", run.table)
    save_figure(integrity_figure(run.table), folder / "figure")
    seal_folder(folder, describe_run(run, settings))


def describe_run(run: IntegrityRun, settings: IntegritySettings) -> dict[str, Any]:
    """What made the result, without paths, so that no machine shows."""
    return describe_program(
        PROGRAM,
        settings,
        run.models,
        run.inputs,
        files={"elements", "bpe_fasta"},
        consistency=run.consistency,
    ) | {
        "margin_bp": run.margin_bp,
        "byte_pairs": run.byte_pairs,
        "grid_phases": "all, averaged",
        "counts": run.counts | {"extraction": run.extraction},
    }
