"""AUROC by hand, ties, against the double loop; intervals that cover; differences; errors."""

import numpy as np
import pytest

from ldar_interp.errors import InputError
from ldar_interp.stats.ranking import compare_rankings, estimate_ranking, measure_auroc


def draw(rng, n_groups, *, shift, spread=0.6, size=6):
    """Rows in groups of uneven size whose scores share a part; labels differ by `shift`."""
    sizes = 1 + rng.poisson(size * rng.lognormal(0, 0.5, n_groups))
    group = np.repeat(np.arange(n_groups), sizes)
    labels = rng.integers(0, 2, group.size)
    common = rng.normal(0, spread, n_groups)[group]
    return common + rng.normal(0, 1, group.size) + shift * labels, labels, group


@pytest.mark.parametrize(
    ("scores", "labels", "wanted"),
    [
        ([1, 2, 3, 4], [0, 0, 1, 1], 1.0),
        ([4, 3, 2, 1], [0, 0, 1, 1], 0.0),
        ([1, 2, 2, 3], [0, 0, 1, 1], 0.875),  # of 4 pairs, 3 won and one tied
        ([5, 5, 5], [0, 1, 1], 0.5),
        ([1, 3, 2], [0, 0, 1], 0.5),
        ([1, 2], [1, 1], np.nan),
    ],
)
def test_auroc_by_hand(scores, labels, wanted):
    np.testing.assert_equal(measure_auroc(scores, labels), wanted)


def test_estimate_is_the_plain_auroc_and_the_error_is_delongs():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, 80)
    scores = np.round(rng.normal(labels, 1), 1)  # with ties
    found = estimate_ranking(scores, labels, np.arange(80), n_boot=100, rng=rng)
    ones, zeros = scores[labels == 1], scores[labels == 0]
    wins = (ones[:, None] > zeros) + 0.5 * (ones[:, None] == zeros)
    assert found.estimate == pytest.approx(wins.mean()) == measure_auroc(scores, labels)
    # DeLong's error, but for its n - 1 in each label against one G - 1 here.
    wanted = np.sqrt((wins.mean(1).var() / len(ones) + wins.mean(0).var() / len(zeros)) * 80 / 79)
    assert found.standard_error == pytest.approx(wanted)
    assert found.low < found.estimate < found.high


@pytest.mark.slow
def test_interval_covers_with_groups():
    rng = np.random.default_rng(2)
    truth = measure_auroc(*draw(rng, 20000, shift=0.8, spread=1.0)[:2])
    n_runs, hits = 150, 0
    for _ in range(n_runs):
        scores, labels, group = draw(rng, 40, shift=0.8, spread=1.0)
        found = estimate_ranking(scores, labels, group, n_boot=200, rng=rng)
        hits += found.low <= truth <= found.high
    assert truth == pytest.approx(0.657, abs=0.02)
    # 300 runs of 400 replicates: 0.947; percentile intervals 0.91 to 0.94.
    assert hits / n_runs >= 0.9


def test_difference_of_two_scores_is_paired():
    rng = np.random.default_rng(3)
    scores, labels, group = draw(rng, 40, shift=1.0)
    worse = scores + rng.normal(0, 1.5, scores.size)
    found = compare_rankings(scores, worse, labels, group, n_boot=400, rng=rng)
    single = [estimate_ranking(x, labels, group, n_boot=400, rng=rng) for x in (scores, worse)]
    assert found.estimate == pytest.approx(single[0].estimate - single[1].estimate)
    assert found.low > 0
    # Narrower than that of two independent scores.
    assert found.standard_error < np.hypot(single[0].standard_error, single[1].standard_error)
    same = compare_rankings(scores, scores, labels, group, n_boot=400, rng=rng)
    assert same.estimate == 0 and np.isnan(same.low)


def test_no_interval_where_it_would_mean_nothing():
    rng = np.random.default_rng(4)
    scores, labels, group = draw(rng, 9, shift=1.0, size=10)
    assert np.isnan(estimate_ranking(scores, labels, group, n_boot=100, rng=rng).low)
    labels = np.arange(60) < 19
    found = estimate_ranking(rng.normal(size=60), labels, np.arange(60), n_boot=100, rng=rng)
    assert np.isfinite(found.estimate) and np.isnan([found.low, found.high]).all()
    labels = np.arange(60) < 30
    found = estimate_ranking(labels + 0.0, labels, np.arange(60), n_boot=100, rng=rng)
    assert found.estimate == 1 and np.isnan(found.low)
    found = estimate_ranking(np.ones(9), np.ones(9), np.arange(9), n_boot=100, rng=rng)
    assert np.isnan(found.estimate)


@pytest.mark.parametrize(
    ("scores", "labels", "group", "n_boot", "message"),
    [
        ([1, np.nan], [0, 1], [0, 1], 100, "2 scores and 2 labels; wanted one finite score"),
        ([1, 2], [0, 1, 1], [0, 1], 100, "2 scores and 3 labels; wanted one finite score"),
        ([1, 2], [0, 2], [0, 1], 100, "labels hold \\[0, 2\\]; wanted 0 and 1"),
        ([1, 2], [0, 1], [0], 100, "2 scores and 1 groups; wanted one group a score"),
        ([1, 2], [0, 1], [0, 1], 99, "n_boot is 99; wanted at least 100"),
    ],
)
def test_errors(scores, labels, group, n_boot, message):
    with pytest.raises(InputError, match=message):
        estimate_ranking(scores, labels, group, n_boot=n_boot, rng=np.random.default_rng())
