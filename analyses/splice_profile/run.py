"""The shipped splice figure in both widths and the ladder figure, with every plotted number.

Example: python -m analyses.splice_profile.run --force

The embedded checkpoint and region through the same steps as `make demo`.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analyses.region_program import make_main
from analyses.splice_profile.summarise import describe_splice
from ldar_interp.command_line import run_program
from ldar_interp.splice.settings import SpliceSettings

FOLDER = Path(__file__).resolve().parent
WIDTHS_MM = {183: "splice_profile", 89: "splice_profile_89mm"}


def measure(settings: SpliceSettings, workers: int, folder: Path) -> Mapping[str, Any]:
    """Figures and their numbers."""
    from analyses.splice_profile.draw import draw_run
    from ldar_interp.splice.analysis import run_analysis
    from ldar_interp.splice.files import describe_run

    run = run_analysis(settings, workers=workers)
    draw_run(folder, run, WIDTHS_MM)
    return describe_run(run, settings)


def describe(folder: Path) -> tuple[str, ...]:
    """The outcome, from the files of a finished folder."""
    enrichment, difference = (
        pd.read_csv(folder / f"data_{name}.tsv", sep="\t") for name in ("enrichment", "difference")
    )
    return describe_splice(
        enrichment, difference, json.loads((folder / "provenance.json").read_text())
    )


main = make_main(
    FOLDER, "Do learned boundaries mark splice sites?", SpliceSettings, measure, describe
)

if __name__ == "__main__":
    run_program(main)
