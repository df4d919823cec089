"""How many test rows of each task lie in the sequence that the checkpoint was pretrained on?

Example: python -m analyses.downstream.pretraining_overlap --data DIR --genomes GENOMES

DIR holds the tasks' folders, GENOMES the FASTA files that analyses/checkpoint/config.toml names.
Pretraining sees no labels, so this is no leak of what is tested; but states of sequence that was
trained on may be better than those of new sequence, and what pretraining adds over random weights
on such a task may not be had on another genome.

The training regions are cut into windows of 2 kb, each beginning 1 kb after the one before, so that
every stretch of 1 kb lies whole in one of them. A test row is *in* the training sequence if one
window, on either strand, holds all of its distinct 20-mers, and *near* if one holds half of them
(`tasks.leaks`). Rows without a 20-mer that has no N are neither.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from analyses.downstream.collect import PROGRAM, TABLES
from ldar_interp.command_line import one_line_errors, run_program, say
from ldar_interp.genome.alphabet import decode
from ldar_interp.program.tables import write_table
from ldar_interp.tasks.leaks import NEAR_SHARE, find_leaks
from ldar_interp.tasks.readers import has_folder, read_task
from ldar_interp.tasks.registry import tasks_of
from ldar_interp.train.config import Source, read_config
from ldar_interp.train.regions import read_source

CONFIG = Path(__file__).resolve().parents[1] / "checkpoint" / "config.toml"
NAME = "pretraining_overlap"
STEP_BP = 1000
COLUMNS = ["task", "source", "n_test", "n_in", "n_near"]


def main(
    data: Annotated[str, typer.Option(help="Folder of the tasks' folders.")],
    genomes: Annotated[Path, typer.Option(help="Folder of the FASTA files.")],
    config: Annotated[Path, typer.Option(help="What was pretrained on.")] = CONFIG,
    tables: Annotated[Path, typer.Option(help="Folder of the table.")] = TABLES,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Count the test rows of each task that the pretraining sequence holds."""
    with one_line_errors(PROGRAM, debug=debug):
        windows = {one.name: list_windows(one) for one in read_config(config, genomes).train}
        parts = []
        for task in tasks_of("all"):
            if has_folder(task, data):
                say(f"{PROGRAM}: {task.name}")
                sequences = read_task(task, data).test["sequence"].tolist()
                parts.append(count_overlap(sequences, windows).assign(task=task.name))
        write_table(tables / f"{NAME}.tsv", pd.concat(parts, ignore_index=True)[COLUMNS])


def list_windows(source: Source) -> list[str]:
    """Windows of `2 * STEP_BP` of a source's regions; the last of each may be shorter."""
    return [
        decode(ids[begin : begin + 2 * STEP_BP])
        for _, ids in read_source(source)
        for begin in range(0, max(1, len(ids) - STEP_BP), STEP_BP)
    ]


def count_overlap(sequences: list[str], windows: dict[str, list[str]]) -> pd.DataFrame:
    """A row a source, and `all` for the best window of any: `source, n_test, n_in, n_near`."""
    share = {
        name: np.nan_to_num(find_leaks(texts, sequences).share) for name, texts in windows.items()
    }
    share["all"] = np.max(list(share.values()), axis=0)
    rows = [
        (name, len(sequences), int((one == 1).sum()), int((one >= NEAR_SHARE).sum()))
        for name, one in share.items()
    ]
    return pd.DataFrame(rows, columns=COLUMNS[1:])


if __name__ == "__main__":
    run_program(main)
