"""Matching: against brute force, and what must hold for any input."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ldar_interp.errors import InputError
from ldar_interp.sites.matching import UNMATCHED, match_greedy, match_optimal

coordinates = st.integers(-20, 20).map(lambda x: x / 4)
values = st.integers(0, 4).flatmap(lambda n: arrays(np.float64, (n, 2), elements=coordinates))


def line(*xs: float) -> np.ndarray:
    return np.array(xs, dtype=float)[:, None]


def brute_force(sites: np.ndarray, candidates: np.ndarray, caliper: float) -> tuple[int, float]:
    """Most pairs within the caliper, then least total squared distance."""
    best = (0, 0.0)
    slots = [*range(len(candidates)), *[UNMATCHED] * len(sites)]
    for choice in set(permutations(slots, len(sites))):
        pairs = [(i, j) for i, j in enumerate(choice) if j != UNMATCHED]
        squares = [float(((sites[i] - candidates[j]) ** 2).sum()) for i, j in pairs]
        if all(square <= caliper**2 for square in squares):
            best = min(best, (-len(pairs), sum(squares)))
    return best


def test_optimal_gives_the_second_best_to_the_site_that_loses_less() -> None:
    # Greedy in this order would give 0.9 to the site at 1 and leave 0 with 5.
    index = match_optimal(line(1.0, 0.0), line(0.9, 5.0, 1.2), caliper=2.0)
    assert index.tolist() == [2, 0]


def test_caliper_is_inclusive_and_beyond_it_is_unmatched() -> None:
    assert match_optimal(line(0.0), line(1.0), caliper=1.0).tolist() == [0]
    assert match_optimal(line(0.0), line(1.01), caliper=1.0).tolist() == [UNMATCHED]
    rng = np.random.default_rng(0)
    assert match_greedy(line(0.0), line(1.01), caliper=1.0, rng=rng).tolist() == [UNMATCHED]


def test_more_sites_than_candidates_leaves_the_rest_unmatched() -> None:
    index = match_optimal(line(0.0, 0.1, 0.2), line(0.0), caliper=1.0)
    assert index.tolist() == [0, UNMATCHED, UNMATCHED]
    assert match_optimal(line(0.0), np.empty((0, 1)), caliper=1.0).tolist() == [UNMATCHED]


@settings(max_examples=60, deadline=None)
@given(values, values, st.sampled_from([0.5, 1.0, 3.0]))
def test_optimal_agrees_with_brute_force(
    sites: np.ndarray, candidates: np.ndarray, caliper: float
) -> None:
    sites, candidates = sites[:3], candidates[:3]
    index = match_optimal(sites, candidates, caliper=caliper)
    found = index != UNMATCHED
    total = float(((sites[found] - candidates[index[found]]) ** 2).sum())
    pairs, squares = brute_force(sites, candidates, caliper)
    assert -found.sum() == pairs
    assert total == pytest.approx(squares)


@settings(max_examples=60, deadline=None)
@given(values, values, st.integers(0, 5), st.integers(1, 3))
def test_greedy_never_repeats_nor_leaves_a_site_that_could_be_matched(
    sites: np.ndarray, candidates: np.ndarray, seed: int, n_choices: int
) -> None:
    rng = np.random.default_rng(seed)
    index = match_greedy(sites, candidates, caliper=2.0, rng=rng, n_choices=n_choices)
    used = index[index != UNMATCHED]
    assert len(set(used.tolist())) == len(used)
    free = np.setdiff1d(np.arange(len(candidates)), used)
    for site, choice in zip(sites, index, strict=True):
        if choice == UNMATCHED:
            assert (np.linalg.norm(candidates[free] - site, axis=1) > 2.0).all()
        else:
            assert np.linalg.norm(candidates[choice] - site) <= 2.0


def test_greedy_draws_among_the_nearest_only() -> None:
    candidates = line(*range(10))
    seen = {
        int(match_greedy(line(0.0), candidates, caliper=9, rng=rng, n_choices=3)[0])
        for rng in map(np.random.default_rng, range(40))
    }
    assert seen == {0, 1, 2}


@pytest.mark.parametrize(
    ("sites", "candidates", "caliper", "message"),
    [
        (np.zeros((2, 2)), np.zeros((2, 3)), 1.0, r"shapes \(2, 2\) and \(2, 3\)"),
        (np.array([[np.nan]]), np.zeros((1, 1)), 1.0, "NaN or infinity"),
        (np.zeros((1, 1)), np.zeros((1, 1)), 0.0, "caliper 0.0; wanted > 0"),
    ],
)
def test_wrong_input_is_refused(
    sites: np.ndarray, candidates: np.ndarray, caliper: float, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        match_optimal(sites, candidates, caliper=caliper)
    with pytest.raises(InputError, match=message):
        match_greedy(sites, candidates, caliper=caliper, rng=np.random.default_rng(0))


def test_n_choices_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="n_choices 0; wanted >= 1"):
        match_greedy(
            np.zeros((1, 1)),
            np.zeros((1, 1)),
            caliper=1.0,
            rng=np.random.default_rng(0),
            n_choices=0,
        )
