"""Splice profiles on chr20: sequence that the checkpoint never saw, and that it was trained on.

Example: python -m analyses.splice_chr20.run --data DIR --force
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analyses.set_program import make_main
from analyses.splice_profile.summarise import describe_splice
from ldar_interp.command_line import run_program, say
from ldar_interp.splice.settings import SpliceSettings

NAME = "splice_chr20"
FOLDER = Path(__file__).resolve().parent
SET_NAMES = {
    "held_out": "Held out: never seen in training",
    "trained": "Trained: part of the training sequence",
}


def measure(
    settings: SpliceSettings, sets: Mapping[str, Path], workers: int, folder: Path
) -> Mapping[str, Any]:
    """A figure, a ladder and tables for each set."""
    from analyses.splice_profile.draw import draw_run
    from ldar_interp.splice.analysis import run_analysis
    from ldar_interp.splice.files import describe_run

    runs = {}
    for name, made in sets.items():
        say(f"{NAME}: {name}")
        mine = settings.model_copy(update={"fasta": made / "genome.fa", "gtf": made / "genes.gtf"})
        run = run_analysis(mine, workers=workers)
        draw_run(folder, run, {183: f"profile_{name}"}, f"_{name}")
        runs[name] = describe_run(run, mine)
    return {"runs": runs}


def describe(folder: Path) -> tuple[str, ...]:
    """The outcome of each set, from the files of a finished folder."""
    provenance = json.loads((folder / "provenance.json").read_text())
    said: list[str] = []
    for name in provenance["sets"]:
        enrichment, difference = (
            pd.read_csv(folder / f"data_{table}_{name}.tsv", sep="\t")
            for table in ("enrichment", "difference")
        )
        found = describe_splice(enrichment, difference, provenance["runs"][name])
        said += [f"### {SET_NAMES.get(name, name)}", *found]
    return tuple(said)


main = make_main(
    FOLDER, "Do learned boundaries mark splice sites of chr20?", SpliceSettings, measure, describe
)

if __name__ == "__main__":
    run_program(main)
