"""Choosing controls inside one stratum: random, half exonic, or matched.

Each function takes the sites and the candidates of a stratum and says which candidate, if any,
each site gets. Randomness comes from a generator of the stratum's own, so that one gene's controls
do not depend on which other genes are in the table.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.sites.matching import UNMATCHED, match_greedy, match_optimal

N_CHOICES = 5
"""In repeat draws of C2 a site takes one of this many nearest free candidates."""

EXHAUSTED = "no candidate left in the gene with these two letters"
NO_EXONIC = "no exonic edge left in the gene"
NO_INTRONIC = "no intronic edge left in the gene"
BEYOND_CALIPER = "no free candidate within the caliper"
NO_STRENGTH = "no site in another gene to fit site strength on"


@dataclass(frozen=True)
class Choice:
    """Row of the candidate for each site (n,), -1 for none; how many have none, by reason."""

    index: NDArray[np.int64]
    unmatched: dict[str, int]


def make_generator(seed: int, draw: int, *stratum: str) -> np.random.Generator:
    """The generator of a stratum and draw: same names, same numbers, on any machine."""
    return np.random.default_rng([seed, draw, zlib.crc32("\t".join(stratum).encode())])


def choose_random(n_sites: int, n_candidates: int, rng: np.random.Generator) -> Choice:
    """Give sites in random order random candidates, without replacement."""
    index = np.full(n_sites, UNMATCHED, dtype=np.int64)
    n = min(n_sites, n_candidates)
    index[rng.permutation(n_sites)[:n]] = rng.choice(n_candidates, size=n, replace=False)
    return Choice(index, {EXHAUSTED: n_sites - n})


def choose_half_exonic(
    n_sites: int, is_exonic: NDArray[np.bool_], rng: np.random.Generator
) -> Choice:
    """Give half of the sites an exonic, half an intronic edge; a coin decides about an odd one.

    A half that runs out of edges stays short: an exonic control is not replaced by an intronic one.
    """
    n_exonic = n_sites // 2 + int(n_sites % 2 and rng.integers(2))
    order = rng.permutation(n_sites)
    index = np.full(n_sites, UNMATCHED, dtype=np.int64)
    unmatched = {}
    for rows, candidates, reason in (
        (order[:n_exonic], np.flatnonzero(is_exonic), NO_EXONIC),
        (order[n_exonic:], np.flatnonzero(~is_exonic), NO_INTRONIC),
    ):
        n = min(len(rows), len(candidates))
        index[rows[:n]] = rng.choice(candidates, size=n, replace=False) if n else UNMATCHED
        unmatched[reason] = len(rows) - n
    return Choice(index, unmatched)


def choose_matched(
    sites: NDArray[np.float64],
    candidates: NDArray[np.float64],
    *,
    caliper: float,
    draw: int,
    rng: np.random.Generator,
) -> Choice:
    """Match scaled covariates (n, k) and (m, k).

    Draw 0 is the optimal assignment. Later draws take sites in random order and give each one of
    its five nearest free candidates: the optimal pairing would come out the same every time, and
    the range over draws is meant to show what other controls, about as good, would have said.
    """
    if np.isnan(sites).any():
        return Choice(np.full(len(sites), UNMATCHED, dtype=np.int64), {NO_STRENGTH: len(sites)})
    if draw == 0:
        index = match_optimal(sites, candidates, caliper=caliper)
    else:
        index = match_greedy(sites, candidates, caliper=caliper, rng=rng, n_choices=N_CHOICES)
    lost = int((index == UNMATCHED).sum())
    return Choice(index, {BEYOND_CALIPER if len(candidates) else EXHAUSTED: lost})
