"""Nearest-neighbour matching without replacement inside one exact stratum.

Values are scaled by the caller, so that distances are Euclidean and a caliper is one number for
all strata. `match_optimal` finds the pairing that leaves the fewest unmatched and, among those,
has the least total squared distance; `match_greedy` takes sites in random order, each its nearest
free candidate or one of its few nearest. Cost: a k-d tree over the candidates, and for the optimal
pairing an assignment among each site's n nearest candidates (more can never be needed, since the
other n - 1 sites can take at most n - 1 of them).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial import cKDTree

from ldar_interp.errors import InputError

UNMATCHED = -1


def _check(sites: NDArray[np.float64], candidates: NDArray[np.float64], caliper: float) -> None:
    if sites.ndim != 2 or candidates.ndim != 2 or sites.shape[1] != candidates.shape[1]:
        raise InputError(
            f"matching values of shapes {sites.shape} and {candidates.shape}; "
            "wanted (n, covariates) for sites and candidates alike"
        )
    if not (np.isfinite(sites).all() and np.isfinite(candidates).all()):
        raise InputError(
            "matching values hold NaN or infinity; wanted finite numbers: drop such rows first"
        )
    if not caliper > 0:
        raise InputError(f"caliper {caliper}; wanted > 0, in units of the scaled covariates")


def match_optimal(
    sites: NDArray[np.float64], candidates: NDArray[np.float64], *, caliper: float
) -> NDArray[np.int64]:
    """Pair each site with one candidate, all together.

    Parameters
    ----------
    sites, candidates : scaled covariates, (n, k) and (m, k), finite.
    caliper : largest distance of a pair, > 0.

    Returns
    -------
    int64 (n,): row of the candidate, -1 where none is left within the caliper. No candidate is
    used twice. Deterministic.

    Raises
    ------
    InputError : shapes that do not fit, values that are not finite, caliper <= 0.
    """
    _check(sites, candidates, caliper)
    result = np.full(len(sites), UNMATCHED, dtype=np.int64)
    if len(sites) == 0 or len(candidates) == 0:
        return result
    k = min(len(sites), len(candidates))
    distance, index = cKDTree(candidates).query(
        sites, k=np.arange(1, k + 1), distance_upper_bound=np.nextafter(caliper, np.inf)
    )
    near = np.isfinite(distance)
    used = np.unique(index[near])
    if len(used) == 0:
        return result
    # One more column a site says "unmatched"; it costs more than any set of pairs can save.
    forbidden = (len(sites) + 1) * (caliper**2 + 1.0)
    cost = np.full((len(sites), len(used) + len(sites)), forbidden)
    row = np.broadcast_to(np.arange(len(sites))[:, None], distance.shape)[near]
    cost[row, np.searchsorted(used, index[near])] = distance[near] ** 2
    rows, columns = linear_sum_assignment(cost)
    real = cost[rows, columns] < forbidden
    result[rows[real]] = used[columns[real]]
    return result


def match_greedy(
    sites: NDArray[np.float64],
    candidates: NDArray[np.float64],
    *,
    caliper: float,
    rng: np.random.Generator,
    n_choices: int = 1,
) -> NDArray[np.int64]:
    """Pair sites in random order, each with one of its nearest free candidates.

    Parameters
    ----------
    sites, candidates, caliper : as in `match_optimal`.
    rng : draws the order of the sites and the choice among the nearest.
    n_choices : how many nearest free candidates within the caliper are drawn from; 1 is the
        nearest.

    Returns
    -------
    int64 (n,), as in `match_optimal`.

    Raises
    ------
    InputError : as in `match_optimal`, or n_choices < 1.
    """
    _check(sites, candidates, caliper)
    if n_choices < 1:
        raise InputError(f"n_choices {n_choices}; wanted >= 1")
    result = np.full(len(sites), UNMATCHED, dtype=np.int64)
    if len(sites) == 0 or len(candidates) == 0:
        return result
    k = min(len(sites) + n_choices - 1, len(candidates))
    _, index = cKDTree(candidates).query(
        sites, k=np.arange(1, k + 1), distance_upper_bound=np.nextafter(caliper, np.inf)
    )
    taken = np.zeros(len(candidates) + 1, dtype=bool)
    taken[-1] = True  # the k-d tree's answer for "no neighbour within the caliper"
    for site in rng.permutation(len(sites)):
        free = index[site][~taken[index[site]]][:n_choices]
        if len(free):
            choice = free[rng.integers(len(free))]
            taken[choice] = True
            result[site] = choice
    return result
