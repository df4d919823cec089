"""The files of a chunk-lengths result; their columns are in docs/contracts.md."""

from pathlib import Path
from typing import Any

from ldar_interp.plots.chunks import chunk_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.program.tables import write_table
from ldar_interp.provenance import describe_input, write_provenance
from ldar_interp.tokens.chunk_run import PROGRAM, ChunkRun
from ldar_interp.tokens.settings import ChunkSettings

_PATHS = {"ckpt", "fasta", "gtf", "out", "repeats"}


def write_chunks(folder: Path, run: ChunkRun, settings: ChunkSettings) -> None:
    """Write all files of a result into an existing, empty folder, provenance last."""
    for name, table in {"chunks": run.table, "histogram": run.histogram}.items():
        write_table(folder / f"{name}.tsv", table)
    save_figure(chunk_figure(run.table, run.histogram), folder / "figure")
    written = sorted(path.name for path in folder.iterdir())
    write_provenance(folder / "provenance.json", describe_run(run, settings) | {"files": written})


def describe_run(run: ChunkRun, settings: ChunkSettings) -> dict[str, Any]:
    """What made the result, without paths, so that no machine shows."""
    return {
        "program": PROGRAM,
        "arguments": settings.model_dump(mode="json", exclude=_PATHS),
        "inputs": {name: describe_input(path) for name, path in run.inputs.items()}
        | {"checkpoint": run.models.describe_source()},
        **run.models.describe(),
        "seed": settings.seed,
        "margin_bp": run.margin_bp,
        "strand": "forward",
        "counts": run.counts | {"extraction": run.extraction},
        "offset_consistency": {name: found.summary() for name, found in run.consistency.items()},
    }
