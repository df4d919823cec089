"""AUROC and odds ratio: against SciPy and by hand; intervals against plain loops."""

import numpy as np
import pytest
from scipy import stats

from ldar_interp.errors import InputError
from ldar_interp.stats import resample
from ldar_interp.stats.effects import detectable_effect, estimate_auroc, estimate_odds_ratio
from ldar_interp.stats.resample import draw_group_weights


def run(function, *arrays, n_boot=300, seed=0):
    return function(*arrays, n_boot=n_boot, rng=np.random.default_rng(seed))


def test_auroc_is_mann_whitney():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 40), rng.integers(1, 7, 40)  # with many ties
    found = run(estimate_auroc, x, y, np.arange(40))
    expected = stats.mannwhitneyu(x, y, method="asymptotic").statistic / 40**2
    assert found.estimate == pytest.approx(expected)
    assert found.low < expected < found.high


def test_auroc_error_is_delong_with_one_pair_a_group():
    """With independent pairs the influence gives the variance of paired placements."""
    rng = np.random.default_rng(1)
    x, y = rng.normal(0.5, 1, 60), rng.normal(size=60)
    placement = (x[:, None] > y).mean(axis=1) + (x[:, None] > y).mean(axis=0)
    found = run(estimate_auroc, x, y, np.arange(60))
    assert found.standard_error == pytest.approx(placement.std(ddof=1) / np.sqrt(60))


def test_auroc_replicates_are_those_of_resampled_rows(monkeypatch):
    rng = np.random.default_rng(2)
    group = np.repeat(np.arange(11), rng.integers(1, 4, 11))
    x, y = rng.integers(0, 9, group.size), rng.integers(0, 8, group.size)
    labels = np.array(list("abcdefghijk"))[group]
    drawn = np.concatenate(list(draw_group_weights(11, 150, np.random.default_rng(0))))

    def auroc(weight):
        w = weight[group]
        more = (x[:, None] > y) + (x[:, None] == y) / 2
        value = w @ more @ w / w.sum() ** 2
        influence = (more @ w + w @ more) / w.sum() - 2 * value
        by_group = np.bincount(group, influence, 11) / w.sum()
        return value, np.sqrt((weight * by_group**2).sum() * 11 / 10)

    value, error = auroc(np.ones(11))
    t = sorted(abs((v - value) / e) for v, e in map(auroc, drawn))
    half = t[int(np.ceil(151 * 0.95)) - 1] * error
    monkeypatch.setattr(resample, "_BLOCK_NUMBERS", 10**6)
    found = run(estimate_auroc, x, y, labels, n_boot=150)
    np.testing.assert_allclose(
        [found.low, found.high], [max(value - half, 0), min(value + half, 1)]
    )


def test_separated_values_reach_the_end_of_the_scale():
    found = run(estimate_auroc, np.arange(20) + 100, np.arange(20), np.arange(20))
    assert (found.estimate, found.low, found.high) == (1, 1, 1)


def test_odds_ratio_by_hand():
    site, control = np.repeat([1.0, 0.0], [12, 8]), np.repeat([1.0, 0.0], [5, 15])
    found = run(estimate_odds_ratio, site, control, np.arange(20))
    assert found.estimate == pytest.approx(12.5 * 15.5 / (8.5 * 5.5))
    assert found.low < found.estimate < found.high
    swapped = run(estimate_odds_ratio, control, site, np.arange(20))
    assert swapped.estimate == pytest.approx(1 / found.estimate)
    assert swapped.low == pytest.approx(1 / found.high)


def test_odds_ratio_error_is_woolf_for_independent_rows():
    """Independent sites and controls: the log error is near sqrt of summed reciprocals."""
    rng = np.random.default_rng(0)
    x, y = (rng.random(4000) < 0.4).astype(float), (rng.random(4000) < 0.2).astype(float)
    found = run(estimate_odds_ratio, x, y, np.arange(4000))
    table = [x.sum(), (1 - x).sum(), y.sum(), (1 - y).sum()]
    assert found.standard_error == pytest.approx(np.sqrt((1 / np.array(table)).sum()), rel=0.05)


def test_an_empty_cell_stays_finite():
    found = run(estimate_odds_ratio, np.ones(20), np.zeros(20), np.arange(20))
    assert found.estimate == pytest.approx(41**2)
    assert found.standard_error == pytest.approx(0, abs=1e-12)  # all groups say the same


def test_groups_too_few_for_an_interval():
    one = run(estimate_auroc, [1.0, 2.0], [0.0, 3.0], ["a", "a"])
    assert one.estimate == 0.5 and np.isnan([one.low, one.high]).all()
    none = run(estimate_odds_ratio, [], [], [])
    assert np.isnan(none.estimate)


@pytest.mark.parametrize("arrays", [([1.0], [np.nan], ["a"]), ([1.0, 2.0], [1.0], ["a"])])
def test_pairs_must_be_whole(arrays):
    with pytest.raises(InputError, match="drop pairs with NaN first"):
        run(estimate_auroc, *arrays)


def test_detectable_effect_has_that_power():
    """Simulated two-sided t-tests at the stated effect succeed in about 80 % of runs."""
    rng = np.random.default_rng(0)
    effect = detectable_effect(1 / np.sqrt(25), 25)
    p = stats.ttest_1samp(rng.normal(effect, 1, (4000, 25)), 0, axis=1).pvalue
    assert (p < 0.05).mean() == pytest.approx(0.8, abs=0.03)
    assert np.isnan(detectable_effect(0.1, 1))
