"""The committed tables: what all evaluated runs of the grid hold, one below the other.

Whatever runs are there go in. A run that was measured before and whose weights are not at hand
keeps its rows, so that no result is lost with a folder of weights; a run that was never measured
has none, and nothing stands in for it.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.nano_runs.evaluation import EVALUATION, is_evaluated
from analyses.nano_runs.grid import FOLDER, Grid, NanoRun
from analyses.nano_runs.masked_p import correlate
from ldar_interp.errors import InputError
from ldar_interp.provenance import describe_input, hash_file, plain
from ldar_interp.train.config import PretrainConfig

TABLES = FOLDER / "tables"
NAMES = ("run", "curve", "chunk_lengths", "masked", "splice")
AGREEMENT = "agreement"
PROVENANCE = "provenance.json"
AGREEMENT_COLUMNS = (
    "setting", "seed_a", "step_a", "seed_b", "step_b", "n_edges", "correlation", "disagreement",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Earlier:
    """What a folder of tables holds already: the tables, and what its provenance says of `runs`."""

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    runs: Mapping[str, Any] = field(default_factory=dict)


def read_earlier(
    folder: Path, made_of: Mapping[str, Any], *, names: Sequence[str], runs: str
) -> Earlier:
    """The tables of earlier calls; nothing if there are none.

    Parameters
    ----------
    made_of : what all rows share, as it goes into the provenance.
    names : of the tables; one that no run had rows for is not there.
    runs : the key under which the provenance lists the models.

    Raises
    ------
    InputError : they were made with other settings or sequence, so that rows of both cannot stand
        together.
    """
    if not (folder / PROVENANCE).is_file():
        return Earlier()
    content = json.loads((folder / PROVENANCE).read_text())
    for key, value in made_of.items():
        if content.get(key) != plain(value):
            raise InputError(
                f"{folder}: holds rows made with other {key}, and those of this call cannot stand "
                "beside them; remove the folder to measure everything anew, or choose another "
                "--tables"
            )
    there = [name for name in names if (folder / f"{name}.tsv").is_file()]
    return Earlier({name: read_table(name, folder) for name in there}, content[runs])


@contextmanager
def one_writer(folder: Path) -> Iterator[None]:
    """Tables are read, joined and written by one process at a time; others wait here."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def evaluated_runs(grid: Grid, runs: Path) -> list[NanoRun]:
    """The runs that are measured in `runs`, by setting and seed."""
    found = [run for run in grid.queue() if is_evaluated(runs / run.name)]
    return sorted(found, key=lambda run: (grid.settings().index(run.setting), run.seed))


def add_earlier(
    grid: Grid, made: Mapping[str, pd.DataFrame], earlier: Earlier, weights: Mapping[str, str]
) -> dict[str, pd.DataFrame]:
    """Tables of what is at hand and, for the other runs, the rows of earlier calls.

    `weights` is the sha256 of the runs at hand. What an earlier call found between such a run and
    one that is not at hand stays if the weights are the same, and goes if they are not.
    """
    changed = {
        name
        for name, digest in weights.items()
        if name in earlier.runs and earlier.runs[name]["weights_sha256"] != digest
    }
    joined = {}
    for name in (*NAMES, AGREEMENT):
        old, new = (tables.get(name, pd.DataFrame()) for tables in (earlier.tables, made))
        if len(old):
            sides = [run_names(old, column) for column in _seed_columns(name)]
            at_hand = pd.concat([side.isin(list(weights)) for side in sides], axis=1).all(axis=1)
            stale = pd.concat([side.isin(changed) for side in sides], axis=1).any(axis=1)
            old = old[~(at_hand | stale)]
        parts = [part for part in (new, old) if len(part)]
        if parts:
            joined[name] = _in_order(grid, pd.concat(parts, ignore_index=True), name)
        elif name in made:
            joined[name] = new
    return joined


def _seed_columns(name: str) -> tuple[str, ...]:
    return ("seed_a", "seed_b") if name == AGREEMENT else ("seed",)


def run_names(table: pd.DataFrame, seed: str = "seed") -> pd.Series:
    """Names of the runs that rows are about, as `NanoRun.name`."""
    return table["setting"] + "-seed" + table[seed].astype(str)


def sort_rows(
    table: pd.DataFrame, by: Sequence[str], column: str, order: Iterable[str]
) -> pd.DataFrame:
    """Sorted by some columns, one of them in a given order; rows that are equal in all stay."""
    rank = {name: number for number, name in enumerate(order)}
    return table.sort_values(
        list(by),
        key=lambda values: values.map(rank) if values.name == column else values,
        kind="stable",
        ignore_index=True,
    )


def _in_order(grid: Grid, table: pd.DataFrame, name: str) -> pd.DataFrame:
    """By setting as in the grid and by seed; rows of a run stay in their order."""
    keys = ["seed_a", "step_a", "seed_b", "step_b"] if name == AGREEMENT else ["seed"]
    names = [setting.name for setting in grid.settings()]
    return sort_rows(table, ["setting", *keys], "setting", names)


def collect_tables(grid: Grid, runs: Path) -> dict[str, pd.DataFrame]:
    """Tables by name of the runs at hand, rows in the order of the grid."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in NAMES}
    found = evaluated_runs(grid, runs)
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


def describe_runs(grid: Grid, runs: Path) -> dict[str, Any]:
    """The runs at hand: sha256 of their last weights, and what they were trained on."""
    trained = {}
    for name in (run.name for run in evaluated_runs(grid, runs)):
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
    return trained


def describe_tables(grid: Grid, config: PretrainConfig) -> dict[str, Any]:
    """What all rows share, for the provenance; `config` is that of any run of the grid."""
    sequence = {
        part: [
            source.model_dump(mode="json") | {"fasta": source.fasta.name}
            for source in getattr(config, part)
        ]
        for part in ("train", "validation")
    }
    rest = {"mask_rate": config.objective.mask_rate, "max_n_share": config.max_n_share}
    return {
        "program": "nano_runs",
        "arguments": grid.describe(),
        "inputs": [describe_input(source.fasta) for source in config.validation],
        "sequence": sequence | rest,
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
    # A task or a run called `007` or `NA` keeps its name.
    return pd.read_csv(path, sep="\t", converters={"task": str, "run": str})


def select(table: pd.DataFrame, settings: tuple[str, ...]) -> pd.DataFrame:
    """Rows of some settings, in the order in which these are given."""
    chosen = table[table["setting"].isin(settings)]
    return sort_rows(chosen, ["setting"], "setting", settings)
