"""Are the downstream tasks above their floors? A figure a run, numbers, outcome.

Example: python -m analyses.downstream.run --force

Reads the tables that analyses.downstream.collect wrote.
"""

from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import typer

from analyses.downstream.collect import NAMES, PROGRAM, TABLES
from analyses.figure_folder import write_folder
from analyses.nano_runs.tables import read_table
from analyses.outcome import judge, markdown_table, with_interval
from ldar_interp.command_line import one_line_errors, run_program
from ldar_interp.plots.benchmark import benchmark_figure
from ldar_interp.plots.save import reduce_colours, save_figure
from ldar_interp.program import options
from ldar_interp.program.tables import write_table
from ldar_interp.provenance import describe_input
from ldar_interp.tasks.published import LDARNET

FOLDER = Path(__file__).resolve().parent
METRIC = "mcc"
FLOOR = "kmer"


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

        def fill(folder: Path) -> dict[str, Any]:
            for name, table in found.items():
                write_table(folder / f"{name}.tsv", table)
            for run in runs_of(found["results"]):
                draw(found, run, folder)
            inputs = [describe_input(tables / f"{name}.tsv") for name in NAMES]
            return {"program": PROGRAM, "inputs": inputs}

        write_folder(out, readme, force=force, fill=fill, describe=lambda _: describe(found))


def runs_of(results: pd.DataFrame) -> list[str]:
    """Names of the runs, in the order of the table."""
    return list(dict.fromkeys(results["run"].astype(str)))


def draw(found: dict[str, pd.DataFrame], run: str, folder: Path) -> None:
    """PDF and PNG of one run."""
    results, differences = (
        found[name][found[name]["run"] == run] for name in ("results", "differences")
    )
    published = found["published"]
    mine = published[(published["model"] == LDARNET) & published["task"].isin(results["task"])]
    values = dict(zip(mine["task"], mine["value"].astype(float), strict=True))
    figure = benchmark_figure(results, differences, published=values)
    save_figure(figure, folder / run, formats=("pdf", "png"))
    reduce_colours(folder / f"{run}.png")


def describe(found: dict[str, pd.DataFrame]) -> tuple[str, ...]:
    """A paragraph and a table a run: each task against its 5-mer floor."""
    paragraphs: list[str] = []
    for run in runs_of(found["results"]):
        results, differences = (
            found[name][(found[name]["run"] == run) & (found[name]["metric"] == METRIC)]
            for name in ("results", "differences")
        )
        verdicts, rows = [], []
        for task in dict.fromkeys(results["task"]):
            main, values = _values(results, task)
            against = differences[
                (differences["task"] == task)
                & (differences["floor"] == FLOOR)
                & (differences["split"] == "test")
            ]
            verdict, text = "no floor", ""
            if len(against):
                row = against.iloc[0]
                text = with_interval(row["effect"], row["ci_low"], row["ci_high"])
                verdict = judge(row["ci_low"], row["ci_high"], above="above", below="below")
            verdicts.append(verdict)
            others = ", ".join(
                f"{name} {value:.3f}" for name, value in values.items() if name != main
            )
            rows.append((str(task), f"{values[main]:.3f}", others, text, verdict))
        above = verdicts.count("above")
        paragraphs.append(
            f"**Run `{run}`: {above} of {len(verdicts)} tasks are above their 5-mer floor** "
            f"({METRIC.upper()}, 95 % interval of the difference above 0), "
            f"{verdicts.count('below')} are below it."
        )
        paragraphs.append(
            markdown_table(("task", METRIC.upper(), "others", "minus 5-mers", "verdict"), rows)
        )
    return tuple(paragraphs)


def _values(results: pd.DataFrame, task: str) -> tuple[str, pd.Series]:
    """The main method of a task, and each method's value on all test rows."""
    mine = results[(results["task"] == task) & (results["split"] == "test")]
    values = mine.set_index("method")["value"].astype(float)
    return str(values.index[0]), values


if __name__ == "__main__":
    run_program(main)
