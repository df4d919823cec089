"""The committed tables: what all evaluated runs of the grid hold, one below the other.

Whatever runs are there go in; a run that is missing has no rows, and nothing stands in for it.
"""

import json
from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.nano_runs.evaluation import EVALUATION, is_evaluated
from analyses.nano_runs.grid import FOLDER, Grid
from analyses.nano_runs.masked_p import correlate
from ldar_interp.errors import InputError
from ldar_interp.provenance import describe_input, hash_file
from ldar_interp.train.config import Source

TABLES = FOLDER / "tables"
NAMES = ("run", "curve", "chunk_lengths", "masked", "splice")
AGREEMENT = "agreement"
AGREEMENT_COLUMNS = (
    "setting", "seed_a", "step_a", "seed_b", "step_b", "n_edges", "correlation", "disagreement",
)  # fmt: skip


def collect_tables(grid: Grid, runs: Path) -> dict[str, pd.DataFrame]:
    """Tables by name, rows in the order of the grid."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in NAMES}
    found = [run for run in grid.queue() if is_evaluated(runs / run.name)]
    found.sort(key=lambda run: (grid.settings().index(run.setting), run.seed))
    for run in found:
        for name in NAMES:
            path = runs / run.name / EVALUATION / f"{name}.tsv"
            if path.is_file():
                parts[name].append(pd.read_csv(path, sep="\t"))
    tables = {name: pd.concat(part, ignore_index=True) for name, part in parts.items() if part}
    agreement = [
        compare_runs(name, {run.seed: runs / run.name for run in found if run.setting.name == name})
        for name in grid.evaluation.dynamics
    ]
    tables[AGREEMENT] = pd.concat(agreement, ignore_index=True)
    return tables


def compare_runs(setting: str, folders: dict[int, Path]) -> pd.DataFrame:
    """p of the sample windows between steps of a run, and between seeds at the same step.

    Returns
    -------
    `AGREEMENT_COLUMNS`; `disagreement` is the share of edges with a hard boundary in one only.
    """
    loaded: dict[tuple[int, int], NDArray[np.float32]] = {}
    for seed, folder in folders.items():
        with np.load(folder / EVALUATION / "p.npz") as content:
            loaded |= {(seed, int(name[5:])): content[name] for name in content.files}
    rows = []
    for (a, p), (b, q) in combinations_with_replacement(loaded.items(), 2):
        if a[0] != b[0] and a[1] != b[1]:
            continue
        known = ~np.isnan(p)
        x, y = p[known].astype(np.float64), q[known].astype(np.float64)
        disagreement = float(((x > 0.5) != (y > 0.5)).mean())
        rows.append((setting, *a, *b, x.size, correlate(x, y), disagreement))
    return pd.DataFrame(rows, columns=list(AGREEMENT_COLUMNS))


def write_tables(tables: dict[str, pd.DataFrame], folder: Path = TABLES) -> None:
    """One TSV a table."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        partial = folder / f".{name}.partial"
        table.to_csv(partial, sep="\t", index=False, float_format="%.6g", lineterminator="\n")
        partial.replace(folder / f"{name}.tsv")


def describe_tables(grid: Grid, runs: Path, sources: Sequence[Source]) -> dict[str, Any]:
    """What the tables are made of, for their provenance.

    `sources` are the validation sequences. Runs are named with the sha256 of their last weights
    and with what they were trained on.
    """
    found = [run.name for run in grid.queue() if is_evaluated(runs / run.name)]
    trained = {}
    for name in found:
        content = json.loads((runs / name / "provenance.json").read_text())
        calls = content["calls"]
        trained[name] = {
            "weights_sha256": hash_file(runs / name / "model.safetensors"),
            **{
                key: sorted({call[key] for call in calls})
                for key in ("device", "backend", "precision")
            },
            "torch": sorted({call["versions"]["torch"] for call in calls}),
        }
    return {
        "program": "nano_runs",
        "arguments": grid.model_dump(mode="json", exclude={"sources"}),
        "inputs": [describe_input(source.fasta) for source in sources],
        "runs": trained,
    }


def read_table(name: str, folder: Path = TABLES) -> pd.DataFrame:
    """A committed table.

    Raises
    ------
    InputError : it is not there, because no run that has it was evaluated yet.
    """
    path = folder / f"{name}.tsv"
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; wanted a table of evaluated runs: run "
            "python -m analyses.nano_runs.run"
        )
    return pd.read_csv(path, sep="\t")


def select(table: pd.DataFrame, settings: tuple[str, ...]) -> pd.DataFrame:
    """Rows of some settings, in the order in which these are given."""
    chosen = table[table["setting"].isin(settings)]
    order = {name: number for number, name in enumerate(settings)}
    return chosen.sort_values(
        ["setting"], key=lambda column: column.map(order), kind="stable"
    ).reset_index(drop=True)
