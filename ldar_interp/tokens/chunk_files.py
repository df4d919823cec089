"""The files of a chunk-lengths result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

from ldar_interp.plots.chunks import chunk_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.program.sidecar import describe_program, seal_folder
from ldar_interp.program.tables import write_table
from ldar_interp.tokens.chunk_run import PROGRAM, ChunkRun
from ldar_interp.tokens.settings import ChunkSettings


def write_chunks(folder: Path, run: ChunkRun, settings: ChunkSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    for name, table in {"chunks": run.table, "histogram": run.histogram}.items():
        write_table(folder / f"{name}.tsv", table)
    save_figure(chunk_figure(run.table, run.histogram), folder / "figure")
    seal_folder(folder, describe_run(run, settings))


def describe_run(run: ChunkRun, settings: ChunkSettings) -> dict[str, Any]:
    """What made the result, without paths, so that no machine shows."""
    return describe_program(
        PROGRAM, settings, run.models, run.inputs, files={"repeats"}, consistency=run.consistency
    ) | {
        "margin_bp": run.margin_bp,
        "strand": "forward",
        "counts": run.counts | {"extraction": run.extraction},
    }
