"""What the grid of many kinds shows: which of them, on which colour scale, row by row."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.plots.tables import find_kinds, find_models

MOST_ROWS = 60
"""Kinds that are all drawn, too few or not; of more, only those with a claim."""
LIMIT_SHARE = 0.95
"""Share of the checkpoint's effects outside C0 that the colour scale tells apart."""
_STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.5, 10.0)

Row = Mapping[Hashable, Any]


def mark_too_few(table: pd.DataFrame) -> pd.Series:
    """Which rows were listed without a claim for want of sites or groups."""
    return table["method"].astype(str).str.startswith("too few")


def choose_kinds(table: pd.DataFrame, most: int = MOST_ROWS) -> list[str]:
    """All kinds of a table, or if they are more than `most` those with a claim on some rung.

    Of more than `most` with a claim, those with most pairs stay; of as many, the first by name.
    The order is that of `find_kinds`.
    """
    kinds = find_kinds(table)
    if len(kinds) <= most:
        return kinds
    main = table[table["model"].isin(find_models(table)[:1]) & ~mark_too_few(table)]
    pairs = main.groupby(main["kind"].astype(str))["n_sites"].max()
    chosen = set(sorted(pairs.index, key=lambda kind: (-pairs[kind], kind))[:most])
    return [kind for kind in kinds if kind in chosen]


def find_limit(table: pd.DataFrame) -> float:
    """The effect at which the colour is full; 1 if all are zero or missing.

    It is the first round number that `LIMIT_SHARE` of the drawn effects do not reach: one motif far
    out would leave all others pale. C0, the rung that leaves everything in, does not count, nor do
    random weights or what is too few (a cross without a colour), unless there is nothing else.
    """
    found = table
    for kept in (
        ~mark_too_few(table),
        table["control"] != "C0",
        table["model"].isin(find_models(table)[:1]),
    ):
        narrower = found[kept.reindex(found.index)]
        if narrower["effect"].abs().gt(0).any():
            found = narrower
    effects = found["effect"].abs().dropna()
    if not effects.gt(0).any():
        return 1.0
    return round_up(float(np.quantile(effects, LIMIT_SHARE, method="higher")) or effects.max())


def round_up(value: float) -> float:
    """The smallest of 1, 1.5, 2, 3, 4, 5, 7.5 times a power of ten that is >= value > 0."""
    scale = 10.0 ** math.floor(math.log10(value))
    # A number that is one of the steps up to rounding is that step.
    step = next(step for step in _STEPS if step * scale >= value * (1 - 1e-9))
    return float(f"{step * scale:.3g}")


def index_rows(table: pd.DataFrame) -> dict[tuple[str, str, str], Row]:
    """Rows of one signal and statistic by model, kind and rung.

    Raises
    ------
    InputError : two rows answer for one cell.
    """
    keys = ["model", "kind", "control"]
    twice = table[table.duplicated(keys)]
    if len(twice):
        row = twice.iloc[0]
        raise InputError(
            f"enrichment table: several rows for {row['model']} {row['kind']} {row['control']} "
            f"{row['statistic']}; wanted one, so pass the tables of one run"
        )
    return {
        (str(row["model"]), str(row["kind"]), str(row["control"])): row
        for row in table.to_dict("records")
    }
