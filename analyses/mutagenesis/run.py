"""What does the router read at splice sites, and is it more than at equal letters elsewhere?

Example: python -m analyses.mutagenesis.run --force

The embedded checkpoint and region, or others by --ckpt, --fasta and --gtf.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from analyses.mutagenesis.summarise import describe
from analyses.region_program import make_main
from ldar_interp.command_line import run_program
from ldar_interp.mutations.settings import MutationSettings
from ldar_interp.plots.mutation_positions import position_figure
from ldar_interp.plots.mutations import mutation_figure
from ldar_interp.plots.save import reduce_colours, save_figure
from ldar_interp.program.tables import write_table

NAME = "mutagenesis"
FOLDER = Path(__file__).resolve().parent


def measure(settings: MutationSettings, workers: int, folder: Path) -> Mapping[str, Any]:
    """Logos, changes by position, and the tables that they are drawn from."""
    from ldar_interp.mutations.analysis import run_analysis
    from ldar_interp.mutations.files import describe_run

    run = run_analysis(settings, workers=workers)
    tables = run.tables
    for name, table in tables._asdict().items():
        write_table(folder / f"data_{name}.tsv", table)
    figures = {
        NAME: mutation_figure(tables.mutations, tables.importance),
        "positions": position_figure(tables.importance, tables.difference),
    }
    for name, figure in figures.items():
        save_figure(figure, folder / name, formats=("pdf", "png"))
    # Not the maps: a palette would put steps into their colour scale.
    reduce_colours(folder / "positions.png")
    return describe_run(run, settings)


main = make_main(
    FOLDER,
    "What does the router read at splice sites, more than at equal letters elsewhere?",
    MutationSettings,
    measure,
    describe,
)

if __name__ == "__main__":
    run_program(main)
