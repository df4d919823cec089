"""The command line that the four analyses of the small runs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from analyses.nano_runs.report import Report, write_report
from analyses.nano_runs.tables import TABLES
from ldar_interp.command_line import merge_settings, one_line_errors
from ldar_interp.program import options

Settings = TypeVar("Settings", bound=BaseModel)


def make_main(
    folder: Path,
    question: str,
    model: type[Settings],
    build_report: Callable[[Settings, Path], Report],
    own_tables: Path = TABLES,
) -> Callable[..., Any]:
    """The `main` of an analysis.

    Parameters
    ----------
    folder : of the analysis; its name is the analysis's, `config.toml` and `README.md` lie there.
    question : what `--help` says.
    model : what config.toml holds.
    build_report : settings and the folder of tables -> what is drawn and said.
    own_tables : where the tables lie if `--tables` does not say.
    """
    name = folder.name

    def main(
        config: Annotated[Path, typer.Option(help="Settings.")] = folder / "config.toml",
        out: Annotated[Path, typer.Option(help="Folder for the figure.")] = Path("figures") / name,
        tables: Annotated[Path, typer.Option(help="Tables of the small runs.")] = own_tables,
        readme: Annotated[
            Path | None, typer.Option(help="README whose outcome is written.")
        ] = folder / "README.md",
        force: options.Force = False,
        debug: options.Debug = False,
    ) -> None:
        with one_line_errors(name, debug=debug):
            settings = merge_settings(model, config, {})
            write_report(build_report(settings, tables), out, readme, force=force)

    main.__doc__ = question
    return main
