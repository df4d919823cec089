"""The shipped splice figure in both widths and the ladder figure, with every plotted number.

Example: python -m analyses.splice_profile.run --force

The embedded checkpoint and region through the same steps as `make demo`.
"""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from ldar_interp.command_line import merge_settings, one_line_errors, result_folder, run_program

FOLDER = Path(__file__).resolve().parent
WIDTHS_MM = {183: "splice_profile", 89: "splice_profile_89mm"}


def main(
    config: Annotated[Path, typer.Option(help="Settings.")] = FOLDER / "config.toml",
    out: Annotated[Path, typer.Option(help="Folder for the figure.")] = Path(
        "figures/splice_profile"
    ),
    workers: Annotated[
        int | None, typer.Option(help="Processes on a CPU.", show_default="all cores")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier figure.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Draw the figure of the README."""
    with one_line_errors("splice_figure", debug=debug):
        from ldar_interp.boundaries.extract import count_workers
        from ldar_interp.plots.save import reduce_colours
        from ldar_interp.program.tables import write_table
        from ldar_interp.provenance import write_provenance
        from ldar_interp.splice.analysis import run_analysis
        from ldar_interp.splice.files import describe_run, draw_figure, draw_ladder
        from ldar_interp.splice.settings import SpliceSettings

        settings = merge_settings(SpliceSettings, config, {})
        with result_folder(out, force=force) as folder:
            run = run_analysis(settings, workers=workers or count_workers())
            for width_mm, stem in WIDTHS_MM.items():
                draw_figure(folder / stem, run, width_mm=width_mm)
            draw_ladder(folder / "ladder", run)
            for drawn in folder.glob("*.svg"):
                drawn.unlink()
            for drawn in folder.glob("*.png"):
                reduce_colours(drawn)
            tables = plotted_numbers(run.result, run.ladder.balance, run.logos)
            for name, table in tables.items():
                write_table(folder / f"{name}.tsv", table)
            files = sorted(path.name for path in folder.iterdir())
            write_provenance(
                folder / "provenance.json", describe_run(run, settings) | {"files": files}
            )


def plotted_numbers(result, balance, logos) -> dict[str, pd.DataFrame]:  # type: ignore[no-untyped-def]
    """What the panels show, and the residual's differences; all rungs: `splice_profile` itself."""
    from ldar_interp.plots.logos import logo_table
    from ldar_interp.plots.splice import DRAWN_RUNGS

    profile, difference = result.profile, result.difference
    return {
        "data_profile": profile[profile["set"].isin(["site", *DRAWN_RUNGS])],
        "data_logo": logo_table(logos),
        "data_difference": difference[difference["control"].isin(DRAWN_RUNGS)],
        "data_enrichment": result.enrichment,
        "data_balance": balance,
    }


if __name__ == "__main__":
    run_program(main)
