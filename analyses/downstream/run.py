"""Are the downstream tasks above their floors? A figure a run, numbers, outcome.

Example: python -m analyses.downstream.run --force

Reads the tables that analyses.downstream.collect wrote.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analyses.downstream.collect import NAMES, PROGRAM, TABLES
from analyses.figure_folder import write_folder
from analyses.nano_runs.tables import PROVENANCE, read_table
from analyses.outcome import judge, markdown_table, with_interval
from ldar_interp.command_line import one_line_errors, run_program
from ldar_interp.downstream.examples import ALL, CLEAN
from ldar_interp.plots.benchmark import benchmark_figure
from ldar_interp.plots.save import reduce_colours, save_figure
from ldar_interp.program import options
from ldar_interp.program.tables import write_table
from ldar_interp.provenance import describe_input
from ldar_interp.tasks.published import find_marks

FOLDER = Path(__file__).resolve().parent
METRIC = "mcc"
FLOOR = "kmer"
Counts = dict[str, dict[str, Any]]
"""By run and task, as in the provenance of the tables."""

LABELS = {
    "probe": "the frozen checkpoint",
    "finetune": "the fine-tuned checkpoint",
    "kmer": "5-mers",
    "cnn": "the CNN",
    "probe_random": "random weights",
    "finetune_random": "random weights",
}


def main(
    out: Annotated[Path, typer.Option(help="Folder for the figures.")] = Path("figures") / PROGRAM,
    tables: Annotated[Path, typer.Option(help="Tables of the runs.")] = TABLES,
    readme: Annotated[Path | None, typer.Option(help="README whose outcome is written.")] = FOLDER
    / "README.md",
    force: options.Force = False,
    debug: options.Debug = False,
) -> None:
    """Frozen probes and fine-tuning on every task with data, beside their floors."""
    with one_line_errors(PROGRAM, debug=debug):
        found = {name: read_table(name, tables) for name in NAMES}
        counts = read_counts(tables)

        def fill(folder: Path) -> dict[str, Any]:
            for name, table in found.items():
                write_table(folder / f"{name}.tsv", table)
            for run in runs_of(found["results"]):
                draw(found, run, counts, folder)
            inputs = [describe_input(tables / f"{name}.tsv") for name in NAMES]
            return {"program": PROGRAM, "inputs": inputs}

        write_folder(
            out, readme, force=force, fill=fill, describe=lambda _: describe(found, counts)
        )


def runs_of(results: pd.DataFrame) -> list[str]:
    """Names of the runs, in the order of the table."""
    return list(dict.fromkeys(results["run"].astype(str)))


def read_counts(tables: Path) -> Counts:
    """By run and task what the rows are: `split`, and how many of `test` are clean."""
    runs = json.loads((tables / PROVENANCE).read_text())["runs"]
    return {name: run["counts"] for name, run in runs.items()}


def draw(found: dict[str, pd.DataFrame], run: str, counts: Counts, folder: Path) -> None:
    """PDF and PNG of one run."""
    results, differences = (
        found[name][found[name]["run"] == run] for name in ("results", "differences")
    )
    splits = {task: one["split"] for task, one in counts[run].items()}
    marks, label = find_marks(found["published"], splits)
    figure = benchmark_figure(results, differences, published=marks, published_label=label)
    save_figure(figure, folder / run, formats=("pdf", "png"))
    reduce_colours(folder / f"{run}.png")


def describe(found: dict[str, pd.DataFrame], counts: Counts) -> tuple[str, ...]:
    """Two paragraphs and a table a run: each task against its floors, also without copied rows."""
    paragraphs: list[str] = []
    for run in runs_of(found["results"]):
        results, differences = (
            found[name][(found[name]["run"] == run) & (found[name]["metric"] == METRIC)]
            for name in ("results", "differences")
        )
        main = str(results["method"].iloc[0])
        floors = list(dict.fromkeys(differences["floor"]))
        tasks = list(dict.fromkeys(results["task"]))
        counted = [
            f"{_count_above(differences, tasks, floor, split)} {words}"
            for floor, split, words in _comparisons(floors)
        ]
        n_below = _count_below(differences, tasks)
        paragraphs.append(
            f"**Run `{run}`: {counted[0]}**, their floor ({METRIC.upper()} of {LABELS[main]}, 95 % "
            f"interval of the difference above 0), {n_below} are below it."
        )
        if counted[1:]:
            paragraphs.append(f"Likewise: {'; '.join(counted[1:])}.")
        header = ["task", METRIC.upper(), "5-mers"]
        header += [words for _, _, words in _columns(floors)] + ["verdict"]
        rows = [
            _row(results, differences, main, task, floors, counts[run][task]["test"])
            for task in tasks
        ]
        paragraphs.append(markdown_table(header, rows))
    return tuple(paragraphs)


def _comparisons(floors: Sequence[str]) -> list[tuple[str, str, str]]:
    """Floor, rows and words of each count: the declared endpoints, the primary one first."""
    names = [FLOOR, *(floor for floor in floors if floor != FLOOR)]
    found = [(floor, ALL, f"above {LABELS[floor]}") for floor in names]
    found += [
        (floor, CLEAN, f"above {LABELS[floor]} on the rows without copies") for floor in names
    ]
    return found


def _columns(floors: Sequence[str]) -> list[tuple[str, str, str]]:
    """The same as columns of the table, rows without copies against 5-mers only."""
    found = [(floor, split, f"minus {LABELS[floor]}") for floor, split, _ in _comparisons(floors)]
    return [one for one in found if one[1] == ALL] + [(FLOOR, CLEAN, "... on rows without copies")]


def _find(differences: pd.DataFrame, task: str, floor: str, split: str) -> pd.Series | None:
    """The difference of a task; None where it has none such: `CLEAN` only where rows are copies."""
    mine = differences[
        (differences["task"] == task)
        & (differences["floor"] == floor)
        & (differences["split"] == split)
    ]
    return mine.iloc[0] if len(mine) else None


def _count_above(differences: pd.DataFrame, tasks: Sequence[str], floor: str, split: str) -> str:
    """`2 of 5 tasks are`: those whose interval is above 0, of those that have one."""
    rows = [row for task in tasks if (row := _find(differences, task, floor, split)) is not None]
    return f"{sum(row['ci_low'] > 0 for row in rows)} of {len(rows)} tasks are"


def _count_below(differences: pd.DataFrame, tasks: Sequence[str]) -> int:
    """Tasks whose interval against 5-mers is below 0."""
    rows = [_find(differences, task, FLOOR, ALL) for task in tasks]
    return sum(row is not None and row["ci_high"] < 0 for row in rows)


def _row(
    results: pd.DataFrame,
    differences: pd.DataFrame,
    main: str,
    task: str,
    floors: Sequence[str],
    n_test: Mapping[str, int],
) -> tuple[str, ...]:
    mine = results[(results["task"] == task) & (results["split"] == ALL)]
    values = mine.set_index("method")["value"].astype(float)
    cells, verdict = [], "no floor"
    for floor, split, _ in _columns(floors):
        row = _find(differences, task, floor, split)
        if row is None:
            is_copied = split == CLEAN and n_test[CLEAN] < n_test[ALL]
            cells.append("none" if split == ALL or is_copied else "no copies")
        else:
            cells.append(with_interval(row["effect"], row["ci_low"], row["ci_high"]))
        if row is not None and (floor, split) == (FLOOR, ALL):
            verdict = judge(row["ci_low"], row["ci_high"], above="above", below="below")
    floor_value = f"{values[FLOOR]:.3f}" if FLOOR in values else "none"
    return (task, f"{values[main]:.3f}", floor_value, *cells, verdict)


if __name__ == "__main__":
    run_program(main)
