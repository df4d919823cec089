"""How alike sites and controls are: standardised mean differences before and after matching.

Before: all candidates of each site's stratum, each stratum weighted by its number of sites, which
is what a random draw inside the strata would give. After: the matched pairs of the declared draw.
Both are divided by the same standard deviation, that before matching, so a difference cannot
look small because matching widened the spread (Stuart 2010, doi:10.1214/09-STS313; Austin 2009,
doi:10.1002/sim.3697). No p-values: balance is a property of the sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

BALANCE_COLUMNS = (
    "kind",
    "control",
    "covariate",
    "smd_before",
    "smd_after",
    "variance_ratio",
    "flagged",
)
FLAG_ABOVE = 0.1


@dataclass
class PoolMoments:
    """Weighted mean and variance of candidates, gathered one stratum at a time."""

    weights: list[float] = field(default_factory=list)
    means: list[NDArray[np.float64]] = field(default_factory=list)
    variances: list[NDArray[np.float64]] = field(default_factory=list)
    lows: list[NDArray[np.float64]] = field(default_factory=list)
    highs: list[NDArray[np.float64]] = field(default_factory=list)

    def add(self, values: NDArray[np.float64], weight: float) -> None:
        """Add the candidates (n, covariates) of one stratum; an empty stratum adds nothing."""
        if len(values) == 0 or weight <= 0:
            return
        self.weights.append(weight)
        self.means.append(values.mean(axis=0))
        self.variances.append(values.var(axis=0))
        self.lows.append(values.min(axis=0))
        self.highs.append(values.max(axis=0))

    def summarise(self, n_covariates: int) -> tuple[NDArray[np.float64], ...]:
        """Mean, variance, minimum and maximum (covariates,) each; NaN if nothing was added."""
        if not self.weights:
            return tuple(np.full(n_covariates, np.nan) for _ in range(4))
        weight = np.asarray(self.weights)[:, None]
        means = np.asarray(self.means)
        mean = (weight * means).sum(axis=0) / weight.sum()
        spread = np.asarray(self.variances) + (means - mean) ** 2
        variance = (weight * spread).sum(axis=0) / weight.sum()
        return mean, variance, np.min(self.lows, axis=0), np.max(self.highs, axis=0)


def measure_balance(
    kind: str,
    control: str,
    covariates: Sequence[str],
    *,
    sites: NDArray[np.float64],
    pool: PoolMoments,
    matched_sites: NDArray[np.float64],
    matched_controls: NDArray[np.float64],
) -> pd.DataFrame:
    """Balance of one kind and rung, one row a covariate.

    Parameters
    ----------
    kind, control : `donor` or `acceptor`; the rung, `C0` and so on.
    covariates : names of the columns of the arrays that follow.
    sites : all sites that could be measured, (n, covariates).
    pool : the candidates.
    matched_sites, matched_controls : the pairs, (m, covariates) each, row by row.

    Returns
    -------
    DataFrame with `BALANCE_COLUMNS`. SMDs are (sites - controls) / sqrt((var_sites + var_pool)/2).
    A covariate that is one constant over sites and candidates has SMD NaN and is not flagged; one
    that is constant in each but at different values has an infinite SMD and is flagged.
    `variance_ratio` is that of the matched sites over their controls, NaN where the controls do
    not vary. Without matched pairs `smd_after` is NaN. `flagged`: |smd_after| > 0.1.
    """
    n = len(covariates)
    pool_mean, pool_var, low, high = pool.summarise(n)
    missing = np.full(n, np.nan)
    site_mean, site_var = (sites.mean(axis=0), sites.var(axis=0)) if len(sites) else (missing,) * 2
    constant = np.full(n, True)
    if len(sites) and pool.weights:
        constant = (np.minimum(low, sites.min(axis=0)) == np.maximum(high, sites.max(axis=0))) | (
            np.isnan(site_mean + pool_mean)
        )
    scale = np.where(constant, np.nan, np.sqrt((site_var + pool_var) / 2))
    after, ratio = missing, missing
    if len(matched_sites):
        difference = matched_sites.mean(axis=0) - matched_controls.mean(axis=0)
        varies = np.ptp(matched_controls, axis=0) > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            after = np.where(constant, np.nan, difference / scale)
            ratio = np.where(
                varies, matched_sites.var(axis=0) / matched_controls.var(axis=0), np.nan
            )
    with np.errstate(divide="ignore", invalid="ignore"):
        before = (site_mean - pool_mean) / scale
    return pd.DataFrame(
        {
            "kind": [kind] * n,
            "control": [control] * n,
            "covariate": list(covariates),
            "smd_before": before,
            "smd_after": after,
            "variance_ratio": ratio,
            "flagged": np.abs(after) > FLAG_ABOVE,
        },
        columns=list(BALANCE_COLUMNS),
    )
