"""Labels that mean nothing: how often does each test call a difference that is not there?

Three nulls on the values at offset 0 of real sites and real controls:

- `swapped by pair`: site and control change places, by a coin for each matched pair. True for any
  test that treats pairs as the unit or anything coarser.
- `swapped by gene`: one coin for all pairs of a gene. Pairs of a gene stay alike, as they are in
  truth, so a test that counts pairs as independent is wrong here.
- `control against control`: two of a site's controls of one rung, in random order, from all draws.

What varies between repeats is the coins alone; sites, controls and tracks stay.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from ldar_interp.errors import InputError
from ldar_interp.profiles import Profiles
from ldar_interp.stats.pairs import draws_of, pair_sites
from ldar_interp.stats.resample import sign_flip_test

BY_PAIR = "swapped by pair"
BY_GENE = "swapped by gene"
CONTROLS = "control against control"
NULLS = (BY_PAIR, BY_GENE, CONTROLS)
GROUP_TEST = "sign flips of genes"
NAIVE_TEST = "t-test of pairs"


@dataclass(frozen=True, slots=True, eq=False)
class PairsAtEdge:
    """Values at offset 0 of matched pairs, both evaluated; arrays of (n_pairs,).

    `n_dropped` counts the pairs left out because either value is NaN.
    """

    site: NDArray[np.float64]
    control: NDArray[np.float64]
    group: NDArray[np.str_]
    n_dropped: int

    @property
    def difference(self) -> NDArray[np.float64]:
        """Site minus control."""
        return self.site - self.control


def pair_at_edge(
    sites: Profiles, controls: Profiles, *, kind: str, control: str, draw: int = 0
) -> PairsAtEdge:
    """Each site of a kind beside its control of one rung and draw, at offset 0."""
    pairs = pair_sites(sites, controls, kind=kind, control=control, draw=draw)
    centre = int(np.flatnonzero(sites.offsets == 0)[0])
    site = pairs.site[:, centre].astype(np.float64)
    other = pairs.control[:, centre].astype(np.float64)
    known = ~np.isnan(site - other)
    return PairsAtEdge(site[known], other[known], pairs.group[known], int((~known).sum()))


def swap_labels(
    difference: NDArray[np.float64],
    group: NDArray[np.str_],
    *,
    by: str,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Differences after site and control changed places by a coin a pair, or a coin a gene.

    Raises
    ------
    InputError : `by` is not one of the two.
    """
    if by == BY_PAIR:
        return difference * rng.choice([-1.0, 1.0], size=difference.size)
    if by == BY_GENE:
        names, code = np.unique(group, return_inverse=True)
        return difference * rng.choice([-1.0, 1.0], size=names.size)[code]
    raise InputError(f"labels swapped by {by!r}; wanted {BY_PAIR!r} or {BY_GENE!r}")


def pick_controls(
    sites: Profiles, controls: Profiles, *, kind: str, control: str
) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Values at offset 0 of every control of each site (n_sites, n_draws), and the sites' groups.

    Only sites with a value in two draws or more; NaN where a draw has none.
    """
    table = controls.sites
    chosen = (table["kind"] == kind) & (table["set"] == control)
    draws = sorted(set(draws_of(table)[chosen.to_numpy()].tolist()))
    centre = int(np.flatnonzero(sites.offsets == 0)[0])
    values = np.full((len(sites), len(draws)), np.nan)
    for column, draw in enumerate(draws):
        pairs = pair_sites(sites, controls, kind=kind, control=control, draw=draw)
        values[pairs.site_rows, column] = pairs.control[:, centre]
    kept = (~np.isnan(values)).sum(axis=1) >= 2
    return values[kept], sites.sites["group"].to_numpy(dtype=np.str_)[kept]


def subtract_two(values: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    """One known value of each row minus another, both drawn at random, (n_rows,)."""
    order = np.argsort(np.where(np.isnan(values), 2.0, rng.random(values.shape)), axis=1)
    rows = np.arange(len(values))
    return np.asarray(values[rows, order[:, 0]] - values[rows, order[:, 1]])


def run_null_tests(
    sites: Profiles,
    controls: Profiles,
    *,
    model: str,
    kind: str,
    control: str,
    n_repeats: int,
    n_flips: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """p-values of both tests under each null, many times.

    Returns
    -------
    `null, model, kind, control, repeat, test, p_value`; the t-test is SciPy's one-sample test of
    the paired differences, which takes pairs as independent.
    """
    pairs = pair_at_edge(sites, controls, kind=kind, control=control)
    drawn, drawn_group = pick_controls(sites, controls, kind=kind, control=control)
    rows = []
    for null in NULLS:
        group = drawn_group if null == CONTROLS else pairs.group
        for repeat in range(n_repeats):
            if null == CONTROLS:
                difference = subtract_two(drawn, rng)
            else:
                difference = swap_labels(pairs.difference, group, by=null, rng=rng)
            flipped = sign_flip_test(difference, group, n_flips=n_flips, rng=rng)
            naive = float(stats.ttest_1samp(difference, 0.0).pvalue)
            rows.append((null, repeat, GROUP_TEST, float(flipped.p_value[0])))
            rows.append((null, repeat, NAIVE_TEST, naive))
    table = pd.DataFrame(rows, columns=["null", "repeat", "test", "p_value"])
    return table.assign(model=model, kind=kind, control=control)


def compare_draws(
    controls: Profiles, *, first: int, second: int, kind: str, control: str
) -> PairsAtEdge:
    """Controls of one draw beside those of another, for the same sites, as they were built.

    Unlike the nulls above this has no coin: it asks whether the draws themselves are alike.
    """
    table = controls.sites
    chosen = ((table["kind"] == kind) & (table["set"] == control)).to_numpy()
    draw = draws_of(table)
    centre = int(np.flatnonzero(controls.offsets == 0)[0])
    values = {
        number: pd.Series(
            controls.values[chosen & (draw == number), centre].astype(np.float64),
            index=table["matched_to"][chosen & (draw == number)],
        )
        for number in (first, second)
    }
    group = pd.Series(
        table["group"][chosen & (draw == first)].to_numpy(), index=values[first].index
    )
    both = values[first].index.intersection(values[second].index, sort=False)
    a, b = values[first].loc[both].to_numpy(), values[second].loc[both].to_numpy()
    known = ~np.isnan(a - b)
    names = group.loc[both].to_numpy(dtype=np.str_)
    return PairsAtEdge(a[known], b[known], names[known], int((~known).sum()))


def binomial_interval(hits: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a share; (NaN, NaN) of nothing."""
    if n == 0:
        return float("nan"), float("nan")
    found = stats.binomtest(hits, n).proportion_ci(level, method="exact")
    return float(found.low), float(found.high)
