"""The command line of analyses that run a model over one genome, by default the embedded region.

Nothing in them knows which checkpoint is embedded: its sha256 goes into provenance.json, and from
there into the README with the numbers.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer

from analyses.figure_folder import Describe, write_folder
from ldar_interp.command_line import merge_settings, one_line_errors, say
from ldar_interp.program import options
from ldar_interp.program.settings import ModelSettings

Settings = TypeVar("Settings", bound=ModelSettings)
Measure = Callable[[Settings, int, Path], Mapping[str, Any]]
"""Settings, number of processes and a folder -> figures and tables in it, and their provenance."""


def make_main(
    folder: Path,
    question: str,
    model: type[Settings],
    measure: Measure[Settings],
    describe: Describe,
) -> Callable[..., Any]:
    """The `main` of an analysis.

    Parameters
    ----------
    folder : of the analysis; its name is the analysis's, `config.toml` and `README.md` lie there.
    question : what `--help` says.
    model : what config.toml holds, that of the program which measures.
    measure : write figures and tables.
    describe : the outcome, from what was written.
    """
    name = folder.name

    def main(
        config: Annotated[Path, typer.Option(help="Settings.")] = folder / "config.toml",
        out: Annotated[Path, typer.Option(help="Folder for the figure.")] = Path("figures") / name,
        ckpt: options.Ckpt = None,
        fasta: options.Fasta = None,
        gtf: options.Gtf = None,
        readme: Annotated[Path, typer.Option(help="README whose outcome is written.")] = folder
        / "README.md",
        workers: options.Workers = None,
        force: options.Force = False,
        debug: options.Debug = False,
    ) -> None:
        with one_line_errors(name, debug=debug):
            from ldar_interp.boundaries.extract import count_workers

            settings = merge_settings(model, config, {"ckpt": ckpt, "fasta": fasta, "gtf": gtf})
            write_folder(
                out,
                readme,
                force=force,
                fill=lambda folder: measure(settings, workers or count_workers(), folder),
                describe=describe,
            )
            say(f"{name}: figure in {out}, outcome in {readme}")

    main.__doc__ = question
    return main
