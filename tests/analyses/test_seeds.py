"""Intervals over seeds by hand, and the words that are made of them."""

import math

import pandas as pd
import pytest
from scipy import stats

from analyses.nano_runs.seeds import SeedMean, count_seeds, mean_of_seeds, paired, values_of

TABLE = pd.DataFrame(
    {
        "setting": ["a", "a", "a", "b", "b"],
        "seed": [1, 2, 3, 3, 1],
        "loss": [1.0, 2.0, 4.0, 4.5, 1.1],
    }
)


def test_three_seeds_by_hand():
    """Mean 2, standard deviation 1, t with 2 degrees of freedom is 4.303."""
    found = mean_of_seeds([1.0, 2.0, 3.0])
    assert found.mean == 2.0
    half = 4.302652729911275 / math.sqrt(3)
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half))
    test = stats.ttest_1samp([1.0, 2.0, 3.0], 0).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((test.low, test.high))
    assert found.n_seeds == 3


def test_one_seed_has_no_interval_and_none_has_nothing():
    one, none = mean_of_seeds([0.5]), mean_of_seeds([math.nan])
    assert (one.mean, one.n_seeds, none.n_seeds) == (0.5, 1, 0)
    assert math.isnan(one.low) and math.isnan(none.mean)
    assert one.text(2) == "0.50 (1 seed, no interval)"
    assert one.claim(2, above="up", below="down").endswith("one seed, so nothing is claimed")
    assert none.claim(2, above="up", below="down") == none.text(2) == "not measured"


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.1, 0.5, "up"), (-0.1, 0.7, "the interval holds 0"), (-0.5, -0.1, "down")],
)
def test_what_an_interval_says(low, high, words):
    found = SeedMean((low + high) / 2, low, high, 3)
    assert found.verdict("up", "down") == words
    assert found.text(1, signed=True).endswith("], 3 seeds")


def test_differences_are_taken_by_seed_and_only_where_both_have_it():
    difference = paired(values_of(TABLE, "b", "loss"), values_of(TABLE, "a", "loss"))
    assert difference.to_dict() == pytest.approx({3: 0.5, 1: 0.1})
    assert paired(values_of(TABLE, "c", "loss"), values_of(TABLE, "a", "loss")).empty


def test_seeds_are_counted_by_label():
    assert count_seeds(TABLE, {"a": "A:", "b": "B:", "c": "C:"}) == "A: 3, B: 2, C: 0"
