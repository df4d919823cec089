"""From tables to a figure's folder and a README's outcome, the same way for all four analyses.

What is plotted is one long table: `panel, series, x, seed, y, low, high, n_seeds`. Rows with a
seed are single runs, rows without are means over seeds with their interval. The outcome in the
README stands between two marks and is written from the same tables, so that it cannot say anything
else; a test compares both.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from analyses.figure_folder import write_folder
from analyses.nano_runs.seeds import SeedMean
from ldar_interp.command_line import say
from ldar_interp.plots.save import save_figure
from ldar_interp.plots.style import check_figure
from ldar_interp.provenance import describe_input

COLUMNS = ("panel", "series", "x", "seed", "y", "low", "high", "n_seeds")


@dataclass
class Plotted:
    """Rows of `COLUMNS`, gathered."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)

    def add_seeds(self, panel: str, series: str, x: float, values: pd.Series) -> None:
        """One row a seed."""
        self.rows += [(panel, series, x, str(seed), y, None, None, 1) for seed, y in values.items()]

    def add_mean(self, panel: str, series: str, x: float, found: SeedMean) -> None:
        """One row without a seed; nothing where no seed was measured."""
        if found.n_seeds:
            row = (panel, series, x, "", found.mean, found.low, found.high, found.n_seeds)
            self.rows.append(row)

    def table(self) -> pd.DataFrame:
        """All rows."""
        table = pd.DataFrame(self.rows, columns=list(COLUMNS))
        return table.astype({"y": float, "low": float, "high": float})


@dataclass(frozen=True)
class Report:
    """What an analysis found: plotted numbers, the figure drawn from them, and its sentences."""

    name: str
    data: pd.DataFrame
    draw: Callable[[pd.DataFrame], Figure]
    paragraphs: tuple[str, ...]
    inputs: tuple[Path, ...]
    arguments: dict[str, Any]


def write_report(report: Report, out: Path, readme: Path | None, *, force: bool) -> None:
    """Figure, data.tsv and provenance.json into `out`; the outcome into the README, where given.

    Raises
    ------
    InputError : `out` may not be replaced, or the README has no place for an outcome.
    """

    def fill(folder: Path) -> dict[str, Any]:
        report.data.to_csv(
            folder / "data.tsv", sep="\t", index=False, float_format="%.6g", lineterminator="\n"
        )
        figure = report.draw(report.data)
        for problem in check_figure(figure):
            say(f"{report.name}: {problem}")
        save_figure(figure, folder / report.name, formats=("pdf", "png"))
        return {
            "program": report.name,
            "inputs": [describe_input(path) for path in report.inputs],
            "arguments": report.arguments,
        }

    write_folder(out, readme, force=force, fill=fill, describe=lambda _: report.paragraphs)
