"""From single tests to the plotted numbers: one tidy table for all panels, and the outcome."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analyses.splice_controls.nulls import BY_GENE, GROUP_TEST, NAIVE_TEST, NULLS, binomial_interval
from ldar_interp.stats.resample import adjust_bh

COLUMNS = (
    *("panel", "series", "test", "kind", "control", "x", "y", "low", "high", "p_value", "n"),
)
"""Of data.tsv. `low` and `high` are 95 % intervals, but in panel e the 2.5 and 97.5 % quantiles of
the estimates; an empty cell is a number that does not apply."""

_ECDF_GRID = np.linspace(0.0, 1.0, 101)


def summarise_nulls(tests: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Rejection rates by null, test and rung (panel a); distribution of p-values (panel b)."""
    rows: list[dict[str, Any]] = []
    for null in NULLS:
        for test in (GROUP_TEST, NAIVE_TEST):
            mine = tests[(tests["null"] == null) & (tests["test"] == test)]
            for control, part in mine.groupby("control", sort=True):
                rows.append(_rate("a", null, test, str(control), part["p_value"], alpha))
            if test == GROUP_TEST or null == BY_GENE:
                p_values = np.sort(mine["p_value"].to_numpy())
                share = np.searchsorted(p_values, _ECDF_GRID, side="right") / p_values.size
                rows += [
                    {"panel": "b", "series": null, "test": test, "x": x, "y": y, "n": p_values.size}
                    for x, y in zip(_ECDF_GRID.tolist(), share.tolist(), strict=True)
                ]
    return _tidy(rows)


def summarise_effects(panel: str, results: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The declared endpoint of each track, against each rung (panels c and d)."""
    rows: list[dict[str, Any]] = []
    for series, table in results.items():
        mine = table[table["statistic"] == "mean_difference"]
        rows += [
            {
                "panel": panel,
                "series": series,
                "kind": row["kind"],
                "control": row["control"],
                "y": row["effect"],
                "low": row["ci_low"],
                "high": row["ci_high"],
                "p_value": row["p_value"],
                "n": row["n_sites"],
            }
            for _, row in mine.iterrows()
        ]
    return _tidy(rows)


def summarise_planted(
    recovered: pd.DataFrame, repeats: pd.DataFrame, *, control: str, alpha: float
) -> pd.DataFrame:
    """Effects found against planted ones (panel e), power and coverage (panel f).

    Parameters
    ----------
    recovered : `model, kind, delta, change`, the change of the reported effect.
    repeats : `model, kind, delta` and the columns of `measure_power`.
    """
    rows: list[dict[str, Any]] = [
        {
            "panel": "e",
            "series": row["model"],
            "test": "planted on the track",
            "kind": row["kind"],
            "control": control,
            "x": row["delta"],
            "y": row["change"],
            "n": 1,
        }
        for _, row in recovered.iterrows()
    ]
    for (kind, delta), part in repeats.groupby(["kind", "delta"], sort=True):
        shared = {"kind": kind, "control": control, "x": delta, "n": len(part)}
        low, high = np.quantile(part["effect"], [0.025, 0.975]).tolist()
        rows.append(
            {
                "panel": "e",
                "series": "all",
                "test": "estimates in resampled genes",
                "y": float(part["effect"].mean()),
                "low": low,
                "high": high,
                **shared,
            }
        )
        found = {
            "power": part["p_value"] <= alpha,
            "coverage": (part["ci_low"] <= part["truth"]) & (part["truth"] <= part["ci_high"]),
        }
        for name, hit in found.items():
            low, high = binomial_interval(int(hit.sum()), len(hit))
            rows.append(
                {
                    "panel": "f",
                    "series": name,
                    "y": float(hit.mean()),
                    "low": low,
                    "high": high,
                    **shared,
                }
            )
    return _tidy(rows)


def rate_of_draws(tests: pd.DataFrame, alpha: float) -> pd.DataFrame:
    """Rejection rate where one draw of controls stands against another, as built (panel a)."""
    return _tidy(
        [
            _rate("a", "draw against draw", GROUP_TEST, str(control), part["p_value"], alpha)
            for control, part in tests.groupby("control", sort=True)
        ]
    )


def describe_outcome(tests: pd.DataFrame, data: pd.DataFrame, alpha: float) -> dict[str, Any]:
    """The declared criteria as numbers, for provenance.json and the README."""
    outcome: dict[str, Any] = {"nulls": {}, "effects": {}}
    for (null, test), part in tests.groupby(["null", "test"], sort=True):
        p_values = part["p_value"].to_numpy()
        low, high = binomial_interval(int((p_values <= alpha).sum()), p_values.size)
        found = stats.kstest(p_values, "uniform")
        outcome["nulls"][f"{null}, {test}"] = {
            "n": p_values.size,
            "rejected_share": float((p_values <= alpha).mean()),
            "rejected_low": low,
            "rejected_high": high,
            "ks_distance": float(found.statistic),
            "ks_p_value": float(found.pvalue),
        }
    for panel, name in (("c", "fixed and random cuts"), ("d", "random weights")):
        mine = data[data["panel"] == panel]
        for control, part in mine.groupby("control", sort=True):
            outcome["effects"][f"{name}, {control}"] = _describe_effects(part, alpha)
        outcome["effects"][f"{name}, all"] = _describe_effects(mine, alpha)
    return outcome


def _describe_effects(part: pd.DataFrame, alpha: float) -> dict[str, float]:
    p_values = part["p_value"].to_numpy(dtype=np.float64)
    covers = (part["low"] <= 0) & (part["high"] >= 0)
    return {
        "n": len(part),
        "p_at_most_alpha": int((p_values <= alpha).sum()),
        "smallest_p": float(np.nanmin(p_values)),
        "smallest_q": float(np.nanmin(adjust_bh(p_values))),
        "intervals_that_cover_0": int(covers.sum()),
        "median_abs_effect": float(part["y"].abs().median()),
        "largest_abs_effect": float(part["y"].abs().max()),
    }


def _rate(
    panel: str, series: str, test: str, control: str, p_values: pd.Series, alpha: float
) -> dict[str, Any]:
    hits = int((p_values <= alpha).sum())
    low, high = binomial_interval(hits, len(p_values))
    return {
        "panel": panel,
        "series": series,
        "test": test,
        "control": control,
        "x": hits / len(p_values),
        "low": low,
        "high": high,
        "n": len(p_values),
    }


def _tidy(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(COLUMNS))
