"""Where are chunks long? Mean length by class of sequence, composition held: figure and outcome.

Example: python -m analyses.chunk_lengths.run --force

The embedded checkpoint and region, or others by --ckpt, --fasta and --gtf.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analyses.chunk_lengths.summarise import describe
from analyses.region_program import make_main
from ldar_interp.command_line import run_program
from ldar_interp.plots.chunks import chunk_figure
from ldar_interp.plots.save import reduce_colours, save_figure
from ldar_interp.program.tables import write_table
from ldar_interp.tokens.settings import ChunkSettings

NAME = "chunk_lengths"
FOLDER = Path(__file__).resolve().parent


def measure(settings: ChunkSettings, workers: int, folder: Path) -> Mapping[str, Any]:
    """Figure, data.tsv (means) and data_histogram.tsv (lengths)."""
    from ldar_interp.tokens.chunk_files import describe_run
    from ldar_interp.tokens.chunk_run import run_chunks

    run = run_chunks(settings, workers=workers)
    write_table(folder / "data.tsv", run.table)
    write_table(folder / "data_histogram.tsv", run.histogram)
    save_figure(chunk_figure(run.table, run.histogram), folder / NAME, formats=("pdf", "png"))
    reduce_colours(folder / f"{NAME}.png")
    return describe_run(run, settings)


main = make_main(
    FOLDER, "Where are chunks short or long, composition held?", ChunkSettings, measure, describe
)

if __name__ == "__main__":
    run_program(main)
