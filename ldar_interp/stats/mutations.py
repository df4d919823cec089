"""What mutations do to p on average: by letter, by position, by region, against controls.

With delta[s, x, b] = p of site s with letter b at position x, minus p as it is (0 for the letter
that is there), three numbers describe a position:

- mean_delta: the mean of the three changes. Below 0, the letter that is there holds p up.
- mean_abs_delta: the mean of their sizes, which letters that pull in both directions leave.
- effect of a letter: delta[s, x, b] less its mean over the four letters, the height in the logo.
  It says how much p is above that of an average letter with b there, whatever the genome has; the
  four effects of a position add up to 0.

All are averaged over sites; intervals are 95 % of a bootstrap of groups and need at least 20 sites
in 10 groups.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.stats.resample import MeanInterval, bootstrap_mean

LETTERS = "ACGT"
MIN_SITES, MIN_GROUPS = 20, 10
"""Fewer leave no interval."""
DINUCLEOTIDE = {"donor": (0, 1), "acceptor": (-2, -1)}
"""Offsets of the two bases whose change disrupts a splice site: GT and AG."""
ACROSS = {"donor": (-2, -1), "acceptor": (0, 1)}
"""The two bases on the other side of the edge, as near to it."""
MEASURES = ("mean_delta", "mean_abs_delta")
MUTATION_COLUMNS = (
    "model", "kind", "set", "offset", "letter", "mean_delta", "ci_low", "ci_high", "effect", "n",
)  # fmt: skip
_NUMBERS = (
    "mean_delta", "ci_low", "ci_high", "mean_abs_delta", "abs_ci_low", "abs_ci_high",
    "n_sites", "n_groups",
)  # fmt: skip
IMPORTANCE_COLUMNS = ("model", "kind", "set", "offset", *_NUMBERS)
REGION_COLUMNS = ("model", "kind", "set", "region", *_NUMBERS)
DIFFERENCE_COLUMNS = ("model", "kind", "control", "offset", *_NUMBERS)


class MutationTables(NamedTuple):
    """The tables of docs/contracts.md: by letter, by position, by region, sites - controls."""

    mutations: pd.DataFrame
    importance: pd.DataFrame
    regions: pd.DataFrame
    difference: pd.DataFrame


class _Positions(NamedTuple):
    """(n_sites, n_positions) each, NaN where a site has no value."""

    mean: NDArray[np.float64]
    size: NDArray[np.float64]


def summarise_mutations(
    deltas: Mapping[str, NDArray[np.float32]],
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    sites: pd.DataFrame,
    *,
    n_boot: int = 2000,
    seed: int = 1,
) -> MutationTables:
    """Average over the sites of each kind and set.

    Parameters
    ----------
    deltas : model -> (n_sites, n_positions, 4), as `Mutagenesis.delta`.
    letters : (n_sites, n_positions) ids of what the genome has, 4 where nothing was mutated.
    offsets : (n_positions,) of the bases.
    sites : SiteTable in the order of the rows; controls of draw 0 are compared with the sites
        that they are matched to, within groups of the site.
    n_boot : bootstrap resamples, >= 100.
    seed : of the resampling; a row depends on it and on its own sites alone.

    Raises
    ------
    InputError : arrays and tables that do not fit together, or n_boot < 100.
    """
    for name, delta in deltas.items():
        if delta.shape != (len(sites), len(offsets), 4) or letters.shape != delta.shape[:2]:
            raise InputError(
                f"delta of {name} has shape {delta.shape}, letters {letters.shape}; wanted "
                f"{(len(sites), len(offsets), 4)} and the same without the last"
            )
    groups = sites["group"].to_numpy(dtype=np.str_)
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in MutationTables._fields}
    for model, delta in deltas.items():
        values = np.asarray(delta, dtype=np.float64)
        positions = _measure_positions(values)
        for kind, name, rows in _sets(sites):
            key = {"model": model, "kind": kind, "set": name}
            here = _Boot(groups[rows], n_boot, seed, (model, kind, name))
            parts["mutations"].append(_by_letter(key, values[rows], letters[rows], offsets, here))
            chosen = _Positions(positions.mean[rows], positions.size[rows])
            parts["importance"].append(_by_position(key, chosen, {"offset": offsets}, here))
            if kind in DINUCLEOTIDE:
                labels, columns = _by_region(kind, offsets, chosen)
                parts["regions"].append(_by_position(key, columns, {"region": labels}, here))
        for kind, control, own, other in _pairs(sites):
            key = {"model": model, "kind": kind, "control": control}
            here = _Boot(groups[own], n_boot, seed, (model, kind, control, "pairs"))
            gap = _Positions(*(part[own] - part[other] for part in positions))
            parts["difference"].append(_by_position(key, gap, {"offset": offsets}, here))
    headers = (MUTATION_COLUMNS, IMPORTANCE_COLUMNS, REGION_COLUMNS, DIFFERENCE_COLUMNS)
    return MutationTables(
        *(
            pd.concat(tables, ignore_index=True)[list(wanted)]
            if tables
            else pd.DataFrame(columns=list(wanted))
            for tables, wanted in zip(parts.values(), headers, strict=True)
        )
    )


def centre_letters(delta: NDArray[np.floating]) -> NDArray[np.float64]:
    """Effects of the letters: delta (..., 4) less its mean over them."""
    values = np.asarray(delta, dtype=np.float64)
    centred: NDArray[np.float64] = values - values.mean(axis=-1, keepdims=True)
    return centred


class _Boot(NamedTuple):
    """Groups of some rows, and how they are resampled."""

    groups: NDArray[np.str_]
    n_boot: int
    seed: int
    purpose: tuple[str, ...]

    def mean(self, values: NDArray[np.float64], what: str) -> MeanInterval:
        key = crc32("\t".join((*self.purpose, what)).encode())
        return bootstrap_mean(
            values,
            self.groups,
            n_boot=self.n_boot,
            rng=np.random.default_rng([self.seed, key]),
            min_groups=MIN_GROUPS,
            min_sites=MIN_SITES,
        )


def _sets(sites: pd.DataFrame) -> Iterator[tuple[str, str, NDArray[np.intp]]]:
    """Kind, set and rows; of controls the draw that is declared."""
    is_used = np.ones(len(sites), dtype=bool)
    if "draw" in sites:
        is_used = (sites["draw"].isna() | (sites["draw"] == 0)).to_numpy(dtype=bool)
    kinds, sets = (sites[name].to_numpy(dtype=np.str_) for name in ("kind", "set"))
    for kind in np.unique(kinds):
        for name in np.unique(sets[kinds == kind]):
            rows = np.flatnonzero((kinds == kind) & (sets == name) & is_used)
            if rows.size:
                yield str(kind), str(name), rows


def _pairs(
    sites: pd.DataFrame,
) -> Iterator[tuple[str, str, NDArray[np.intp], NDArray[np.intp]]]:
    """Kind, control set, rows of sites and rows of their controls of draw 0."""
    if "matched_to" not in sites:
        return
    place = {name: row for row, name in enumerate(sites["site_id"])}
    for kind, name, rows in _sets(sites):
        if name == "site":
            continue
        own = [place.get(str(sites["matched_to"].iloc[row]), -1) for row in rows]
        known = np.asarray(own) >= 0
        if known.any():
            yield kind, name, np.asarray(own)[known], rows[known]


def _measure_positions(delta: NDArray[np.float64]) -> _Positions:
    """Means over the three changes: the fourth is the 0 of the letter that is there."""
    return _Positions(delta.sum(axis=2) / 3, np.abs(delta).sum(axis=2) / 3)


def _by_letter(
    key: Mapping[str, str],
    delta: NDArray[np.float64],
    letters: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    boot: _Boot,
) -> pd.DataFrame:
    n_columns = 4 * len(offsets)
    is_native = letters[:, :, None] == np.arange(4)
    found = boot.mean(np.where(is_native, np.nan, delta).reshape(-1, n_columns), "letters")
    effects = centre_letters(delta).reshape(-1, n_columns)
    known = ~np.isnan(effects)
    count = known.sum(axis=0)
    total = np.where(known, effects, 0).sum(axis=0)
    return pd.DataFrame(
        {
            **key,
            "offset": np.repeat(offsets, 4),
            "letter": list(LETTERS) * len(offsets),
            "mean_delta": found.mean,
            "ci_low": found.low,
            "ci_high": found.high,
            "effect": np.divide(total, count, out=np.full(n_columns, np.nan), where=count > 0),
            "n": found.n,
        }
    )


def _by_position(
    key: Mapping[str, str],
    values: _Positions,
    labels: Mapping[str, object],
    boot: _Boot,
) -> pd.DataFrame:
    mean, size = (
        boot.mean(part, f"{what} {','.join(labels)}")
        for part, what in zip(values, MEASURES, strict=True)
    )
    return pd.DataFrame(
        {
            **key,
            **labels,
            "mean_delta": mean.mean,
            "ci_low": mean.low,
            "ci_high": mean.high,
            "mean_abs_delta": size.mean,
            "abs_ci_low": size.low,
            "abs_ci_high": size.high,
            "n_sites": mean.n,
            "n_groups": mean.n_groups,
        }
    )


def _by_region(
    kind: str, offsets: NDArray[np.int64], values: _Positions
) -> tuple[list[str], _Positions]:
    """Means over the bases of each region site by site, and differences between regions."""
    inside = np.isin(offsets, DINUCLEOTIDE[kind])
    across = np.isin(offsets, ACROSS[kind])

    def measure(part: NDArray[np.float64]) -> NDArray[np.float64]:
        core, other, rest = (
            _row_means(part[:, chosen]) for chosen in (inside, across, ~(inside | across))
        )
        return np.stack([core, other, rest, core - other, core - rest], axis=1)

    labels = [
        "dinucleotide", "across", "elsewhere", "dinucleotide - across", "dinucleotide - elsewhere",
    ]  # fmt: skip
    return labels, _Positions(measure(values.mean), measure(values.size))


def _row_means(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means of the rows over what is known; NaN where nothing is."""
    known = ~np.isnan(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0).sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
