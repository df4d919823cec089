"""Gather the results of finetune runs into the tables that the figure and the README are made of.

Example: python -m analyses.downstream.collect runs/downstream/probe runs/downstream/finetune

Rows of all folds together are kept; single folds stay in the runs' own folders.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analyses.nano_runs.tables import write_tables
from ldar_interp.command_line import one_line_errors, run_program, say
from ldar_interp.errors import InputError
from ldar_interp.provenance import write_provenance

PROGRAM = "downstream"
TABLES = Path(__file__).resolve().parent / "tables"
NAMES = ("results", "differences", "published")


def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders that finetune wrote.")],
    tables: Annotated[Path, typer.Option(help="Folder of the tables.")] = TABLES,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """One table of all tasks and methods, from runs of finetune."""
    with one_line_errors(PROGRAM, debug=debug):
        gathered = gather(folders)
        write_tables(gathered, tables)
        write_provenance(tables / "provenance.json", {"program": PROGRAM, **describe(folders)})
        tasks = gathered["results"]["task"].nunique()
        say(f"{PROGRAM}: {tasks} tasks of {len(folders)} runs in {tables}")


def gather(folders: list[Path]) -> dict[str, pd.DataFrame]:
    """Tables by name, the runs' rows one below the other; `run` names the folder.

    Raises
    ------
    InputError : a folder that is no finished run.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in NAMES}
    for folder in folders:
        for name in NAMES:
            path = folder / f"{name}.tsv"
            if not path.is_file():
                raise InputError(f"{path}: no such file; wanted the folder of a finished run")
            table = pd.read_csv(path, sep="\t", keep_default_na=True)
            if "fold" in table:
                table = table[table["fold"].astype(str) == "all"]
            parts[name].append(table.assign(run=folder.name))
    tables = {name: pd.concat(part, ignore_index=True) for name, part in parts.items()}
    published = tables["published"].drop(columns="run")
    return tables | {"published": published.drop_duplicates(ignore_index=True)}


def describe(folders: list[Path]) -> dict[str, Any]:
    """What each run was made of, from its provenance."""
    runs = {folder.name: json.loads((folder / "provenance.json").read_text()) for folder in folders}
    return {
        "runs": {
            name: {key: run[key] for key in ("arguments", "inputs", "weights", "counts", "seed")}
            for name, run in runs.items()
        }
    }


if __name__ == "__main__":
    run_program(main)
