"""Means over training seeds with their uncertainty, and how they are put into words.

A seed fixes the random weights, the windows and the masks, so runs of two settings with the same
seed saw the same data in the same order: differences are taken seed by seed. With n seeds the 95 %
interval is Student's, mean +- t(0.975, n - 1) s / sqrt(n); with one seed there is none.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class SeedMean:
    """A mean over seeds, its 95 % interval and the number of seeds; NaN where there is none."""

    mean: float
    low: float
    high: float
    n_seeds: int

    @property
    def excludes_zero(self) -> bool:
        """True if the interval exists and 0 is not in it."""
        return self.low > 0 or self.high < 0

    def text(self, digits: int, *, signed: bool = False) -> str:
        """`0.25 [0.24, 0.26], 3 seeds`; without seeds `not measured`."""
        if self.n_seeds == 0:
            return "not measured"
        sign = "+" if signed else ""
        mean = f"{self.mean:{sign}.{digits}f}"
        if self.n_seeds == 1:
            return f"{mean} (1 seed, no interval)"
        return f"{mean} [{self.low:.{digits}f}, {self.high:.{digits}f}], {self.n_seeds} seeds"

    def claim(self, digits: int, *, above: str, below: str) -> str:
        """`text` with its sign, and what the interval says about 0."""
        if self.n_seeds == 0:
            return self.text(digits)
        return f"{self.text(digits, signed=True)}: {self.verdict(above, below)}"

    def verdict(self, above: str, below: str) -> str:
        """What the interval says about 0."""
        if self.n_seeds == 0:
            return "not measured"
        if math.isnan(self.low):
            return "one seed, so nothing is claimed"
        if not self.excludes_zero:
            return "the interval holds 0"
        return above if self.mean > 0 else below


def mean_of_seeds(values: Sequence[float]) -> SeedMean:
    """Mean and t-interval of one value a seed; NaN values are no seeds."""
    known = np.asarray([value for value in values if not math.isnan(value)], dtype=np.float64)
    n = known.size
    if n == 0:
        return SeedMean(math.nan, math.nan, math.nan, 0)
    mean = float(known.mean())
    if n == 1:
        return SeedMean(mean, math.nan, math.nan, 1)
    half = float(stats.t.ppf(0.5 + LEVEL / 2, n - 1) * known.std(ddof=1) / math.sqrt(n))
    return SeedMean(mean, mean - half, mean + half, n)


def values_of(table: pd.DataFrame, setting: str, column: str) -> pd.Series:
    """A column of a setting's rows by seed; the table has one row a setting and seed."""
    chosen = table[table["setting"] == setting]
    return pd.Series(chosen[column].to_numpy(np.float64), index=chosen["seed"].to_numpy(np.int64))


def paired(values: pd.Series, reference: pd.Series) -> pd.Series:
    """Differences from the reference by seed, for seeds that both have."""
    shared = [seed for seed in values.index if seed in reference.index]
    return values.loc[shared] - reference.loc[shared]


def count_seeds(table: pd.DataFrame, labels: Mapping[str, str]) -> str:
    """`learned 3, fixed 1, random 0`: seeds of each setting, by its label."""
    counts = (
        f"{label} {table.loc[table['setting'] == name, 'seed'].nunique()}"
        for name, label in labels.items()
    )
    return ", ".join(counts)
