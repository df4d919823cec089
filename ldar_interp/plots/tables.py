"""Read curves and rows out of the result tables of docs/contracts.md, checking as we go.

Nothing is computed here: values are looked up, and offsets that a table lacks become NaN, so
that a line breaks where nothing was measured instead of bridging the gap.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.plots.style import MODELS, SET_COLOURS
from ldar_interp.sites.covariates import MATCHED

PROFILE_COLUMNS = ("model", "signal", "kind", "set", "offset", "mean", "ci_low", "ci_high", "n")
DIFFERENCE_COLUMNS = (
    "model", "signal", "kind", "control", "offset", "difference", "ci_low", "ci_high", "p_maxt",
)  # fmt: skip
ENRICHMENT_COLUMNS = (
    "model", "signal", "kind", "control", "statistic", "offset", "effect", "ci_low", "ci_high",
    "p_value", "q_value", "n_sites", "n_groups", "method",
)  # fmt: skip
BALANCE_COLUMNS = ("kind", "control", "covariate", "flagged")
KIND_ORDER = ("donor", "acceptor")
MATCHED_ON: dict[str, tuple[str, ...]] = {
    "C2": MATCHED,
    "C3-8": ("gc_200",),
    "C3-10": ("gc_200",),
    "C3-core": ("gc_200",),
}
SIGNALS = ("prob", "residual")


@dataclass(frozen=True)
class Curve:
    """Values on consecutive offsets (bp); NaN where the table has no value."""

    offsets: NDArray[np.int64]
    values: NDArray[np.float64]
    ci_low: NDArray[np.float64]
    ci_high: NDArray[np.float64]
    p_maxt: NDArray[np.float64]


def check_table(table: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """Check that a result table can be drawn.

    Raises
    ------
    InputError : a column of docs/contracts.md is missing, or a model or set is not known here.
    """
    missing = [column for column in columns if column not in table.columns]
    if missing:
        raise InputError(
            f"{name} table: no column {', '.join(missing)} among "
            f"{', '.join(map(str, table.columns))}; wanted the columns of docs/contracts.md"
        )
    for column, known in (("model", MODELS), ("set", SET_COLOURS), ("control", SET_COLOURS)):
        if column in columns and column in table.columns:
            unknown = sorted(set(table[column].astype(str)) - set(known))
            if unknown:
                raise InputError(
                    f"{name} table: {column} {unknown[0]!r} has no colour or line; "
                    f"wanted one of {', '.join(known)}"
                )


def select_signal(table: pd.DataFrame, signal: str) -> pd.DataFrame:
    """The rows of one signal, `prob` or `residual`; none if the table has no such rows."""
    return table[table["signal"] == signal]


def find_kinds(*tables: pd.DataFrame) -> list[str]:
    """Kinds in any of the tables: donor, acceptor, then others by name."""
    found = {str(kind) for table in tables for kind in table["kind"]}
    return [k for k in KIND_ORDER if k in found] + sorted(found - set(KIND_ORDER))


def find_models(*tables: pd.DataFrame) -> list[str]:
    """Models in any of the tables, checkpoint first."""
    found = {str(model) for table in tables for model in table["model"]}
    return [model for model in MODELS if model in found]


def find_rungs(*tables: pd.DataFrame) -> list[str]:
    """Control rungs in any of the tables, from loose to tight."""
    found: set[str] = set()
    for table in tables:
        found.update(map(str, table["control" if "control" in table.columns else "set"]))
    return [rung for rung in SET_COLOURS if rung in found and rung != "site"]


def resolve_kind(kinds: Sequence[str], kind: str | None, name: str) -> str:
    """The kind to draw: the one asked for, or the only one there is.

    Raises
    ------
    InputError : the kind is not in the table, or none was named and there are several or none.
    """
    if not kinds:
        raise InputError(f"{name} table: it has no rows; wanted at least one kind to draw")
    if kind is None and len(kinds) == 1:
        return kinds[0]
    if kind is None or kind not in kinds:
        raise InputError(f"{name} table: kind {kind!r} is not one of {', '.join(kinds)}; name one")
    return kind


def read_curve(
    table: pd.DataFrame, value: str, *, model: str, kind: str, column: str, name: str
) -> Curve | None:
    """One curve of a profile or difference table; None if the table has no such rows.

    Parameters
    ----------
    table : profile (`value="mean"`, `column="set"`) or difference table
        (`value="difference"`, `column="control"`).
    name : the set or rung to look up in `column`.

    Raises
    ------
    InputError : two rows for the same offset.
    """
    rows = table[(table["model"] == model) & (table["kind"] == kind) & (table[column] == name)]
    if rows.empty:
        return None
    offsets = rows["offset"].to_numpy(dtype=np.int64)
    grid = np.arange(offsets.min(), offsets.max() + 1)
    values, counts = np.unique(offsets, return_counts=True)
    if counts.max() > 1:
        raise InputError(
            f"{model} {kind} {name}: {counts.max()} rows at offset {values[counts.argmax()]}; "
            "wanted one row an offset, so pass the tables of one run"
        )

    def on_grid(source: str) -> NDArray[np.float64]:
        out = np.full(len(grid), np.nan)
        if source in rows.columns:
            out[offsets - grid[0]] = rows[source].to_numpy(dtype=np.float64, na_value=np.nan)
        return out

    return Curve(
        offsets=grid,
        values=on_grid(value),
        ci_low=on_grid("ci_low"),
        ci_high=on_grid("ci_high"),
        p_maxt=on_grid("p_maxt"),
    )


def read_effect(
    enrichment: pd.DataFrame,
    *,
    model: str,
    kind: str,
    control: str,
    statistic: str = "mean_difference",
    offset: int | None = 0,
) -> pd.Series | None:
    """One row of the enrichment table; None if it is not there.

    `offset` None is that of endpoints which are means over several edges.

    Raises
    ------
    InputError : several rows answer.
    """
    rows = enrichment[
        (enrichment["model"] == model)
        & (enrichment["kind"] == kind)
        & (enrichment["control"] == control)
        & (enrichment["statistic"] == statistic)
        & (enrichment["offset"].isna() if offset is None else enrichment["offset"] == offset)
    ]
    if len(rows) > 1:
        raise InputError(
            f"enrichment table: {len(rows)} rows for {model} {kind} {control} {statistic} at "
            f"offset {offset}; wanted one, so pass the tables of one run"
        )
    return None if rows.empty else rows.iloc[0]


def find_signals(enrichment: pd.DataFrame) -> list[str]:
    """Signals in the table, `prob` before `residual`.

    Raises
    ------
    InputError : another signal.
    """
    found = set(enrichment["signal"].astype(str))
    if found - set(SIGNALS):
        raise InputError(
            f"enrichment table: signal {min(found - set(SIGNALS))!r}; "
            f"wanted one of {', '.join(SIGNALS)}"
        )
    return [signal for signal in SIGNALS if signal in found]


def list_flagged(
    balance: pd.DataFrame | None, *, kind: str, control: str, matched: bool
) -> list[str]:
    """Covariates of a rung that the balance table flags, |SMD| > 0.1 after matching.

    Parameters
    ----------
    balance : the table; None gives none.
    matched : True for those that the rung is matched on (`MATCHED_ON`), False for those that are
        only reported. A rung that is matched on no covariate (C0, C1, C4) has neither: a difference
        there is what the next rung removes, not a failure.

    Raises
    ------
    InputError : a column is missing.
    """
    if balance is None or control not in MATCHED_ON:
        return []
    check_table(balance, BALANCE_COLUMNS, "balance")
    rows = balance[(balance["kind"] == kind) & (balance["control"] == control)]
    return [
        str(covariate)
        for covariate, flag in zip(rows["covariate"], rows["flagged"], strict=True)
        # A table read from TSV holds text where a cell of the column was empty.
        if str(flag).lower() == "true" and (covariate in MATCHED_ON[control]) == matched
    ]
