"""Gather the results of finetune runs into the tables that the figure and the README are made of.

Example: python -m analyses.downstream.collect runs/downstream/probe runs/downstream/finetune

A folder is a run, or holds the runs of single tasks; its name is what the tables call it. Rows of
all folds together are kept; single folds stay in the runs' own folders. Tasks that an earlier call
gathered keep their rows until their results are gathered again. All tasks of a run have the same
settings and weights; floors may differ, since the tables show which of them a task has.
"""

import json
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analyses.nano_runs.tables import PROVENANCE, one_writer, read_table, sort_rows, write_tables
from ldar_interp.command_line import one_line_errors, run_program, say
from ldar_interp.downstream.store import FOLDS
from ldar_interp.errors import InputError
from ldar_interp.provenance import write_provenance
from ldar_interp.tasks.registry import tasks_of

PROGRAM = "downstream"
TABLES = Path(__file__).resolve().parent / "tables"
RUN_NAMES = ("results", "differences")
NAMES = (*RUN_NAMES, "published")

Described = dict[str, dict[str, Any]]
"""Of each run what all its tasks share, and by task what was read (`inputs`, `counts`)."""


def main(
    folders: Annotated[list[Path], typer.Argument(help="Folders that finetune wrote.")],
    tables: Annotated[Path, typer.Option(help="Folder of the tables.")] = TABLES,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """One table of all tasks and methods, from runs of finetune."""
    with one_line_errors(PROGRAM, debug=debug):
        gathered, runs = gather(folders), describe(folders)
        with one_writer(tables):
            if (tables / PROVENANCE).is_file():
                gathered, runs = add_earlier(gathered, runs, tables)
            write_tables(gathered, tables)
            write_provenance(tables / PROVENANCE, {"program": PROGRAM, "runs": runs})
        n_tasks = {name: len(run["counts"]) for name, run in runs.items()}
        found = ", ".join(f"{name} with {n} tasks" for name, n in n_tasks.items())
        say(f"{PROGRAM}: {found} in {tables}")


def gather(folders: list[Path]) -> dict[str, pd.DataFrame]:
    """Tables by name, the runs' rows one below the other; `run` names the folder.

    Raises
    ------
    InputError : a folder without a finished run, or with a task in two of them.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in NAMES}
    for folder in folders:
        found = find_runs(folder)
        for path in _runs_below(folder):
            if path not in found:
                say(f"{PROGRAM}: {path} is left out, because it is not finished")
        for run in found:
            for name in NAMES:
                table = read_table(name, run)
                if "fold" in table:
                    table = table[table["fold"].astype(str) == "all"]
                parts[name].append(table.assign(run=folder.name))
    tables = {name: pd.concat(part, ignore_index=True) for name, part in parts.items()}
    results = tables["results"]
    rows = results[["run", "task", "method", "split", "metric"]]
    if rows.duplicated().any():
        first = results[rows.duplicated()].iloc[0]
        raise InputError(f"{first['run']}: has task {first['task']} twice; wanted each task once")
    published = tables["published"].drop(columns="run")
    return in_order(tables | {"published": published.drop_duplicates(ignore_index=True)})


def find_runs(folder: Path) -> list[Path]:
    """The finished runs of a folder: itself, or one a task below it.

    Raises
    ------
    InputError : there is none.
    """
    finished = [path for path in (folder, *_runs_below(folder)) if (path / PROVENANCE).is_file()]
    if not finished:
        raise InputError(f"{folder}: holds no finished run; wanted a folder that finetune wrote")
    return finished


def _runs_below(folder: Path) -> list[Path]:
    return sorted(path.parent for path in folder.glob(f"*/{FOLDS}"))


def describe(folders: list[Path]) -> Described:
    """What each run was made of, from its provenance.

    Raises
    ------
    InputError : two tasks of a run were made with different settings or weights.
    """
    described: Described = {}
    for folder in folders:
        for run in find_runs(folder):
            content = json.loads((run / PROVENANCE).read_text())
            _join(described, folder.name, _describe_run(content))
    return described


def add_earlier(
    gathered: dict[str, pd.DataFrame], runs: Described, tables: Path
) -> tuple[dict[str, pd.DataFrame], Described]:
    """The same with what `tables` holds of tasks that are not among the gathered ones.

    Raises
    ------
    InputError : a run of the same name had other settings or weights.
    """
    earlier: Described = json.loads((tables / PROVENANCE).read_text())["runs"]
    new = {(name, task) for name, run in runs.items() for task in run["counts"]}
    joined = dict(gathered)
    for name in RUN_NAMES:
        old = read_table(name, tables)
        is_new = [pair in new for pair in zip(old["run"], old["task"], strict=True)]
        joined[name] = pd.concat([gathered[name], old[[not one for one in is_new]]])
    published = pd.concat([read_table("published", tables), gathered["published"]])
    kept = published[["task", "model", "metric"]].duplicated(keep="last")
    described = {**runs}
    for name, run in earlier.items():
        kept_tasks = [task for task in run["counts"] if (name, task) not in new]
        if kept_tasks:
            part = {key: {t: run[key][t] for t in kept_tasks} for key in ("inputs", "counts")}
            _join(described, name, {**run, **part})
    return in_order(joined | {"published": published[~kept]}), described


def in_order(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """By run, tasks as in the registry and then others by name, a task's rows as they were."""
    order = [task.name for task in tasks_of("all")]
    order += sorted({*tables["results"]["task"]} - {*order})
    return {
        name: sort_rows(table, ["run", "task"] if "run" in table else ["task"], "task", order)
        for name, table in tables.items()
    }


def _describe_run(content: dict[str, Any]) -> dict[str, Any]:
    by_task = ("task", "suite", "floors")
    return {
        "arguments": {k: v for k, v in content["arguments"].items() if k not in by_task},
        "checkpoint": content["inputs"]["checkpoint"],
        "computing": content["computing"],
        "weights": content["weights"],
        "inputs": content["inputs"]["tasks"],
        "counts": content["counts"],
    }


def _join(described: Described, name: str, run: dict[str, Any]) -> None:
    """Add the tasks of a run to those that are there under its name."""
    found = described.setdefault(name, {**run, "inputs": {}, "counts": {}})
    for key in ("arguments", "checkpoint", "computing", "weights"):
        if found[key] != run[key]:
            raise InputError(
                f"{name}: its tasks were made with different {key}, and one table cannot hold "
                "both; give the folder another name, or choose other --tables"
            )
    for key in ("inputs", "counts"):
        found[key] = {**found[key], **run[key]}


if __name__ == "__main__":
    run_program(main)
