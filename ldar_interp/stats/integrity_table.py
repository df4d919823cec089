"""From cuts around elements to `integrity.tsv`: one row a tokenizer, kind and endpoint."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.stats.grouping import Floats
from ldar_interp.stats.integrity import (
    BOUNDS,
    ENDPOINTS,
    FLANK_EDGES,
    Measured,
    average_measured,
    expect_at_rate,
    measure_endpoints,
    measure_places,
    subtract_chance,
)
from ldar_interp.stats.resample import bootstrap_mean

COLUMNS = (
    "tokenizer", "kind", "endpoint", "value", "ci_low", "ci_high",
    "null", "difference", "diff_ci_low", "diff_ci_high", "ratio",
    "null_shifted", "difference_shifted", "shifted_ci_low", "shifted_ci_high",
    "n_instances", "n_groups", "rate", "mean_token_bp",
)  # fmt: skip
RANDOM = "random_cuts"
ALL_KINDS = "all"
MIN_INSTANCES, MIN_GROUPS = 20, 10
MIN_EVENTS = 5
"""Fewer elements that have, or lack, what a share counts leave no interval: resamples without any
have no standard error, and the interval may come out as everything from 0 to 1."""
_ROUNDING = 1e-12

ByWidth = Mapping[int, tuple[NDArray[np.int64], NDArray[np.float32]]]
"""width -> rows of the element table and their cuts (n, w + 2 * context + 1)."""


def summarise_integrity(
    cuts: Mapping[str, Sequence[ByWidth]],
    kind: NDArray[np.object_],
    width: NDArray[np.int64],
    group: NDArray[np.object_],
    *,
    edge_ids: Mapping[int, NDArray[np.int64]],
    n_random: int,
    n_boot: int,
    seed: int,
    pools: Mapping[str, Sequence[str]] | None = None,
) -> pd.DataFrame:
    """All endpoints of all tokenizers, against chance at their own rate.

    Parameters
    ----------
    cuts : tokenizer -> equally likely cuts around the elements (the phases of a grid; one
        otherwise). `checkpoint` gives the rate of the random cuts.
    kind, width, group : (n,) of the elements.
    edge_ids : width -> identity of the edges, shaped as the cuts; the same edge has one random
        cut for all elements that hold it.
    n_random : draws of the random cuts.
    n_boot : bootstrap replicates over groups.
    pools : further names for several kinds together, such as the hits of all motifs.

    Returns
    -------
    Columns `COLUMNS`; endpoints without meaning at a kind's width have no row. In `all`, which is
    every element, and in `pools` each is compared with chance at the rate of its own kind. Rows
    of `random_cuts`: `value` is the mean over draws, `ci_low` and `ci_high` the central 95 % of
    the draws; they hold what chance does on these very elements and are no bootstrap.
    """
    kinds = list(dict.fromkeys(kind.tolist()))
    rows_of = {str(name): np.flatnonzero(kind == name) for name in kinds}
    joined = {name: list(members) for name, members in (pools or {}).items()}
    if len(kinds) > 1:
        joined[ALL_KINDS] = list(rows_of)
    parts = []
    rates = {}
    for name, draws in cuts.items():
        measured = average_measured([_measure(draw, len(kind)) for draw in draws])
        difference = np.full(measured.value.shape, np.nan)
        null = difference.copy()
        for one, rows in rows_of.items():
            rate, null[rows], difference[rows] = subtract_chance(
                _select(measured, rows), width[rows]
            )
            rates[name, one] = rate
        together = {
            one: np.sort(np.concatenate([rows_of[member] for member in members]))
            for one, members in joined.items()
        }
        for one, rows in {**rows_of, **together}.items():
            parts.append(
                _make_rows(
                    name, one, _select(measured, rows), null[rows], difference[rows], group[rows],
                    n_boot=n_boot, seed=seed,
                )
            )  # fmt: skip
    parts += _draw_random(
        cuts["checkpoint"][0], edge_ids, rows_of, joined, width, group,
        {one: rates["checkpoint", one] for one in rows_of}, n_random, seed,
    )  # fmt: skip
    table = pd.concat(parts, ignore_index=True)
    # A grid equals its null exactly; rounding would leave 1e-17 and look like a finding.
    numbers = table.select_dtypes("float64").columns
    table[numbers] = table[numbers].mask(table[numbers].abs() < _ROUNDING, 0.0)
    return table[list(COLUMNS)]


def _measure(by_width: ByWidth, n: int) -> Measured:
    """Endpoints of all elements, in table order."""
    shape = (n, len(ENDPOINTS))
    value, shifted = np.full(shape, np.nan), np.full(shape, np.nan)
    n_cuts, n_edges = np.zeros(n), np.zeros(n)
    for width, (rows, cut) in by_width.items():
        context = (cut.shape[1] - width - 1) // 2
        found = measure_places(cut, width, context)
        value[rows], shifted[rows] = found.value, found.shifted
        n_cuts[rows], n_edges[rows] = found.cuts, found.edges
    return Measured(value, shifted, n_cuts, n_edges)


def _select(measured: Measured, rows: NDArray[np.int64]) -> Measured:
    return Measured(
        measured.value[rows], measured.shifted[rows], measured.cuts[rows], measured.edges[rows]
    )


def _make_rows(
    name: str,
    kind: str,
    measured: Measured,
    null: Floats,
    difference: Floats,
    group: NDArray[np.object_],
    *,
    n_boot: int,
    seed: int,
) -> pd.DataFrame:
    """Rows of one tokenizer and kind, with bootstrap intervals over groups."""
    intervals = {
        what: bootstrap_mean(
            values,
            group,
            n_boot=n_boot,
            # The same draws of groups for every tokenizer and column.
            rng=np.random.default_rng([seed, 13]),
            min_groups=MIN_GROUPS,
            min_sites=MIN_INSTANCES,
        )
        for what, values in (
            ("value", measured.value),
            ("difference", difference),
            ("shifted", measured.value - measured.shifted),
        )
    }
    value, gap, shifted = (intervals[what] for what in ("value", "difference", "shifted"))
    low = np.array([BOUNDS[endpoint][0] for endpoint in ENDPOINTS])
    high = np.array([BOUNDS[endpoint][1] for endpoint in ENDPOINTS])
    known = ~np.isnan(measured.value).all(axis=0)
    rare = (low == 0) & (np.minimum(value.mean, 1 - value.mean) * value.n < MIN_EVENTS)
    expected = np.full(len(ENDPOINTS), np.nan)
    beside = expected.copy()
    expected[known] = np.nanmean(null[:, known], axis=0)
    beside[known] = np.nanmean(measured.shifted[:, known], axis=0)
    rate = float(measured.cuts.sum() / measured.edges.sum())
    table = pd.DataFrame(
        {
            "tokenizer": name,
            "kind": kind,
            "endpoint": ENDPOINTS,
            "value": value.mean,
            "ci_low": np.where(rare, np.nan, np.clip(value.low, low, high)),
            "ci_high": np.where(rare, np.nan, np.clip(value.high, low, high)),
            "null": expected,
            "difference": gap.mean,
            "diff_ci_low": gap.low,
            "diff_ci_high": gap.high,
            "ratio": _ratio(value.mean, expected),
            "null_shifted": beside,
            "difference_shifted": shifted.mean,
            "shifted_ci_low": shifted.low,
            "shifted_ci_high": shifted.high,
            "n_instances": value.n,
            "n_groups": value.n_groups,
            "rate": rate,
            "mean_token_bp": 1 / rate if rate else np.nan,
        }
    )
    return table[known].reset_index(drop=True)


def _draw_random(
    checkpoint: ByWidth,
    edge_ids: Mapping[int, NDArray[np.int64]],
    rows_of: Mapping[str, NDArray[np.int64]],
    joined: Mapping[str, Sequence[str]],
    width: NDArray[np.int64],
    group: NDArray[np.object_],
    rates: Mapping[str, float],
    n_random: int,
    seed: int,
) -> list[pd.DataFrame]:
    """Rows of the random cuts, a kind at a time, at the checkpoint's rate around that kind."""
    parts = []
    sums_of: dict[str, tuple[Floats, Floats, Floats]] = {}
    size_of: dict[str, float] = {}
    for number, (kind, rows) in enumerate(rows_of.items()):
        rng = np.random.default_rng([seed, 17, number])
        of_width = {}
        for w, (all_rows, cut) in checkpoint.items():
            mine = np.isin(all_rows, rows)
            if mine.any():
                context = (cut.shape[1] - w - 1) // 2
                middle = slice(context - FLANK_EDGES, context + w + FLANK_EDGES + 1)
                of_width[w] = edge_ids[w][mine][:, middle]
        ids, index = np.unique(
            np.concatenate([found.ravel() for found in of_width.values()]), return_inverse=True
        )
        draws = np.zeros((n_random, len(ENDPOINTS)))
        known = np.zeros(len(ENDPOINTS))
        for draw in range(n_random):
            is_cut = (rng.random(len(ids)) < rates[kind]).astype(np.float32)[index]
            begin = 0
            for w, found in of_width.items():
                part = is_cut[begin : begin + found.size].reshape(found.shape)
                begin += found.size
                values = measure_endpoints(part, w)
                draws[draw] += np.nan_to_num(values).sum(axis=0)
                if draw == 0:
                    known += (~np.isnan(values)).sum(axis=0)
        expected, _ = expect_at_rate(rates[kind], width[rows])
        total = np.nan_to_num(expected).sum(axis=0)
        sums_of[kind] = (draws, known, total)
        size_of[kind] = float(sum(cut[np.isin(r, rows)].size for r, cut in checkpoint.values()))
        parts.append(
            _random_rows(kind, draws, known, total, rates[kind], len(set(group[rows].tolist())))
        )
    for name, members in joined.items():
        sums, counts, nulls = (
            np.sum([sums_of[one][i] for one in members], axis=0) for i in range(3)
        )
        sizes = np.array([size_of[one] for one in members])
        rate = float(sizes @ [rates[one] for one in members] / sizes.sum())
        n_groups = len({one for member in members for one in group[rows_of[member]].tolist()})
        parts.append(_random_rows(name, sums, counts, nulls, rate, n_groups))
    return parts


def _random_rows(
    kind: str, sums: Floats, counts: Floats, nulls: Floats, rate: float, n_groups: int
) -> pd.DataFrame:
    """Rows of one kind from sums over elements: (draws, 8), their number and expected sum (8,)."""
    known = counts > 0
    values = sums[:, known] / counts[known]
    null = nulls[known] / counts[known]
    low, high = np.quantile(values, [0.025, 0.975], axis=0)
    mean = values.mean(axis=0)
    empty = np.full(len(mean), np.nan)
    return pd.DataFrame(
        {
            "tokenizer": RANDOM,
            "kind": kind,
            "endpoint": [name for name, here in zip(ENDPOINTS, known, strict=True) if here],
            "value": mean,
            "ci_low": low,
            "ci_high": high,
            "null": null,
            "difference": mean - null,
            "diff_ci_low": low - null,
            "diff_ci_high": high - null,
            "ratio": _ratio(mean, null),
            "null_shifted": empty,
            "difference_shifted": empty,
            "shifted_ci_low": empty,
            "shifted_ci_high": empty,
            "n_instances": counts[known].astype(np.int64),
            "n_groups": n_groups,
            "rate": rate,
            "mean_token_bp": 1 / rate if rate else np.nan,
        }
    )


def _ratio(value: Floats, null: Floats) -> Floats:
    """value / null; NaN where chance is 0 (the contrasts)."""
    return np.divide(value, null, out=np.full(len(value), np.nan), where=null > 0)
