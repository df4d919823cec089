"""Group sums, bootstrap intervals, sign flips and Benjamini-Hochberg, by hand and against SciPy."""

import itertools

import numpy as np
import pytest
from scipy import stats

from ldar_interp.errors import InputError
from ldar_interp.stats import resample
from ldar_interp.stats.grouping import sum_by_group
from ldar_interp.stats.resample import (
    adjust_bh,
    bootstrap_mean,
    draw_group_weights,
    scale_by_quantile,
    sign_flip_test,
)

NAN = np.nan


def test_sums_by_group_skip_nan_by_column():
    values = np.array([[1.0, NAN], [2.0, 3.0], [4.0, 5.0], [NAN, NAN]])
    sums = sum_by_group(values, ["b", "a", "b", "c"])
    np.testing.assert_array_equal(sums.total, [[2, 3], [5, 5], [0, 0]])
    np.testing.assert_array_equal(sums.count, [[1, 1], [2, 1], [0, 0]])
    np.testing.assert_array_equal(sums.n_groups, [2, 2])
    with pytest.raises(InputError, match="2 rows of values but 1 group labels"):
        sum_by_group([1.0, 2.0], ["a"])


def test_weights_draw_every_group_as_often():
    weight = np.concatenate(list(draw_group_weights(5, 4000, np.random.default_rng(0))))
    assert weight.shape == (4000, 5) and (weight.sum(axis=1) == 5).all()
    np.testing.assert_allclose(weight.mean(axis=0), 1, atol=0.06)


def test_mean_is_site_weighted_and_its_error_is_the_clustered_one():
    group = np.repeat(["a", "b", "c", "d"], [1, 2, 3, 4])
    values = np.array([1, 2, 4, 0, 1, 5, 2, 2, 3, 7.0])
    found = bootstrap_mean(values, group, n_boot=200, rng=np.random.default_rng(0))
    assert found.mean[0] == pytest.approx(2.7)
    resid = [-1.7, 0.6, 6 - 8.1, 14 - 10.8]
    assert found.standard_error[0] == pytest.approx(np.sqrt(4 / 3 * np.square(resid).sum()) / 10)
    assert found.n.tolist() == [10] and found.n_groups.tolist() == [4]


def test_replicates_are_the_ratio_and_its_own_error(monkeypatch):
    """The matrix products, against a loop that resamples rows of groups."""
    rng = np.random.default_rng(3)
    group = np.repeat(np.arange(12), rng.integers(1, 5, 12)).astype(str)
    values = rng.normal(size=(group.size, 3))
    values[rng.random(values.shape) < 0.2] = NAN
    drawn = np.concatenate(list(draw_group_weights(12, 300, np.random.default_rng(8))))
    names, code = np.unique(group, return_inverse=True)
    expected = []
    for column in values.T:
        known = ~np.isnan(column)

        def ratio(weight, column=column, known=known):
            w = weight[code] * known
            mean = (w * np.nan_to_num(column)).sum() / w.sum()
            by_group = [
                np.nansum(column[code == g] - mean) * (known & (code == g)).any()
                for g in range(names.size)
            ]
            spread = (weight * np.square(by_group)).sum()
            n_groups = np.unique(code[known]).size
            return mean, np.sqrt(n_groups / (n_groups - 1) * spread) / w.sum()

        mean, error = ratio(np.ones(12))
        t = sorted(abs((m - mean) / e) for m, e in map(ratio, drawn))
        half = t[int(np.ceil(301 * 0.95)) - 1] * error
        expected.append((mean, mean - half, mean + half))
    monkeypatch.setattr(resample, "_BLOCK_NUMBERS", 12 * 300)  # one block, as drawn above
    found = bootstrap_mean(values, group, n_boot=300, rng=np.random.default_rng(8))
    np.testing.assert_allclose(np.array(expected).T, [found.mean, found.low, found.high])


def test_thin_and_full_counts_agree():
    """The short cut for columns without NaN gives what the general products give."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(15), 3)
    full = rng.normal(size=(45, 2))
    holed = np.column_stack([full, np.where(group < 4, NAN, full[:, 0])])
    thin = bootstrap_mean(full, group, n_boot=200, rng=np.random.default_rng(1))
    general = bootstrap_mean(holed, group, n_boot=200, rng=np.random.default_rng(1))
    np.testing.assert_allclose(thin.low, general.low[:2])
    np.testing.assert_allclose(thin.high, general.high[:2])


def test_interval_limits():
    rng = np.random.default_rng(0)
    few = bootstrap_mean([0.1, 0.2, 0.9], list("abc"), n_boot=200, rng=rng, min_groups=4)
    assert np.isnan(few.low[0]) and few.mean[0] == pytest.approx(0.4)
    few = bootstrap_mean([0.1, 0.2, 0.9], list("abc"), n_boot=200, rng=rng, min_sites=4)
    assert np.isnan(few.high[0])
    cut = bootstrap_mean([0.0, 0.0, 0.0, 1.0], list("abcd"), n_boot=200, rng=rng, bounds=(0, 1))
    assert (cut.low[0], cut.high[0]) == (0, 1)
    same = bootstrap_mean([0.3] * 4, list("abcd"), n_boot=200, rng=rng)
    assert same.low[0] == same.high[0] == pytest.approx(0.3)
    # A tenth of the replicates draws neither of the two groups that have a value.
    rare = bootstrap_mean([0.3, 0.3] + [NAN] * 6, list("abcdefgh"), n_boot=200, rng=rng)
    assert rare.low[0] == rare.high[0] == pytest.approx(0.3)
    nothing = bootstrap_mean(np.full((4, 2), NAN), list("abcd"), n_boot=200, rng=rng)
    assert np.isnan(nothing.mean).all() and nothing.n.tolist() == [0, 0]
    empty = bootstrap_mean(np.zeros((0, 3)), [], n_boot=200, rng=rng)
    assert np.isnan(empty.low).all() and empty.mean.shape == (3,)
    with pytest.raises(InputError, match="n_boot is 99; wanted at least 100"):
        bootstrap_mean([0.3], ["a"], n_boot=99, rng=rng)


def test_quantile_is_an_order_statistic_and_flat_replicates_widen():
    pivots = np.arange(1.0, 100.0)[:, None] * [1, -1]
    np.testing.assert_array_equal(scale_by_quantile(pivots, np.array([2.0, 0.0]), 0.95), [190, 0])
    pivots[:6] = NAN
    assert scale_by_quantile(pivots, np.array([1.0, 1.0]), 0.95).tolist() == [np.inf, np.inf]


def test_exact_sign_flips_agree_with_scipy():
    """One site a group: the studentised test orders the flips as the mean does."""
    values = np.random.default_rng(2).normal(0.5, 1, 11)
    ours = sign_flip_test(values, np.arange(11), n_flips=9999, rng=np.random.default_rng(0))
    theirs = stats.permutation_test(
        (values,), np.mean, permutation_type="samples", n_resamples=np.inf
    )
    assert ours.n_flips == 2**11 - 1
    assert ours.p_value[0] == pytest.approx(theirs.pvalue, abs=1e-12)
    assert ours.p_maxt[0] == ours.p_value[0]
    assert ours.t[0] == pytest.approx(stats.ttest_1samp(values, 0).statistic)


def test_drawn_sign_flips_approach_the_exact_p():
    values = np.random.default_rng(2).normal(0.5, 1, 13)
    exact = sign_flip_test(values, np.arange(13), n_flips=9000, rng=np.random.default_rng(0))
    drawn = sign_flip_test(values, np.arange(13), n_flips=8000, rng=np.random.default_rng(0))
    assert (exact.n_flips, drawn.n_flips) == (8191, 8000)
    assert drawn.p_value[0] == pytest.approx(exact.p_value[0], abs=0.01)


def test_max_t_by_enumeration():
    """All 2^8 arrangements in a loop, unequal groups, NaN, the error recomputed in each."""
    rng = np.random.default_rng(6)
    group = np.repeat(np.arange(8), [1, 2, 3, 1, 4, 2, 1, 2])
    values = rng.normal(0.6, 1, size=(group.size, 4))
    values[0, 1] = values[5, 2] = NAN
    total = np.array([np.nansum(values[group == g], axis=0) for g in range(8)])
    count = np.array([(~np.isnan(values[group == g])).sum(axis=0) for g in range(8)])
    n_groups = (count > 0).sum(axis=0)

    def t_of(signs):
        flipped = total * np.array(signs)[:, None]
        mean = flipped.sum(axis=0) / count.sum(axis=0)
        spread = ((flipped - mean * count) ** 2).sum(axis=0) * n_groups / (n_groups - 1)
        return mean / np.sqrt(spread) * count.sum(axis=0)

    t = np.abs([t_of(signs) for signs in itertools.product([1, -1], repeat=8)])
    bar = np.abs(t_of([1] * 8)) - 1e-9
    found = sign_flip_test(values, group, n_flips=255, rng=rng)
    np.testing.assert_allclose(found.p_value, (t >= bar).mean(axis=0))
    np.testing.assert_allclose(found.p_maxt, (t.max(axis=1, keepdims=True) >= bar).mean(axis=0))
    assert (found.p_maxt >= found.p_value).all()


def test_flips_of_even_groups_take_the_short_cut_to_the_same_t():
    rng = np.random.default_rng(7)
    group = np.repeat(np.arange(8), 3)
    values = rng.normal(0.3, 1, size=(24, 2))
    holed = np.column_stack([values, np.where(group < 4, NAN, values[:, 0])])
    even, uneven = (
        sign_flip_test(v, group, n_flips=255, rng=np.random.default_rng(0)) for v in (values, holed)
    )
    assert even.n_flips == uneven.n_flips == 255
    np.testing.assert_allclose(even.t, uneven.t[:2])
    np.testing.assert_array_equal(even.p_value, uneven.p_value[:2])


def test_p_is_never_zero_and_dips_count():
    values = np.column_stack([np.full(40, 0.3), np.full(40, -0.3)]) + 0.01 * np.sin(
        np.arange(80)
    ).reshape(40, 2)
    found = sign_flip_test(values, np.arange(40), n_flips=999, rng=np.random.default_rng(0))
    np.testing.assert_array_equal(found.p_value, [1 / 1000] * 2)
    np.testing.assert_array_equal(found.p_maxt, [1 / 1000] * 2)
    assert found.t[0] > 0 > found.t[1]


def test_columns_with_too_few_leave_the_family():
    rng = np.random.default_rng(1)
    values = rng.normal(size=(30, 2))
    values[5:, 1] = NAN
    found = sign_flip_test(values, np.arange(30), n_flips=499, rng=rng, min_groups=10)
    assert np.isnan([found.t[1], found.p_value[1], found.p_maxt[1]]).all()
    assert found.p_maxt[0] == found.p_value[0]
    none = sign_flip_test(values, np.arange(30), n_flips=499, rng=rng, min_sites=31)
    assert np.isnan(none.p_maxt).all()
    flat = sign_flip_test(np.zeros(30), np.arange(30), n_flips=499, rng=rng)
    assert flat.t[0] == 0 and flat.p_value[0] == 1
    with pytest.raises(InputError, match="n_flips is 98; wanted at least 99"):
        sign_flip_test(values, np.arange(30), n_flips=98, rng=rng)


def test_blocks_change_nothing_in_the_counts(monkeypatch):
    rng = np.random.default_rng(1)
    values, group = rng.normal(0.2, 1, size=(200, 5)), np.repeat(np.arange(20), 10)
    one = sign_flip_test(values, group, n_flips=2000, rng=np.random.default_rng(0))
    monkeypatch.setattr(resample, "_BLOCK_NUMBERS", 20 * 7)
    many = sign_flip_test(values, group, n_flips=2000, rng=np.random.default_rng(0))
    assert many.n_flips == 2000
    np.testing.assert_allclose(one.p_maxt, many.p_maxt, atol=0.05)


def test_the_same_seed_gives_the_same_numbers():
    values, group = np.random.default_rng(1).normal(size=(60, 3)), np.repeat(np.arange(20), 3)

    def run(seed):
        rng = np.random.default_rng(seed)
        interval = bootstrap_mean(values, group, n_boot=200, rng=rng)
        return [interval.low, sign_flip_test(values, group, n_flips=499, rng=rng).p_maxt]

    np.testing.assert_array_equal(run(0), run(0))
    assert not np.array_equal(run(0), run(1))


def test_order_of_the_rows_changes_nothing():
    rng = np.random.default_rng(1)
    values, group = rng.normal(size=(60, 3)), np.repeat(np.arange(20), 3)
    order = rng.permutation(60)
    here, there = (
        bootstrap_mean(v, g, n_boot=200, rng=np.random.default_rng(0))
        for v, g in ((values, group), (values[order], group[order]))
    )
    np.testing.assert_allclose(here.low, there.low)


def test_bh_agrees_with_scipy_and_nan_passes_through():
    p = np.random.default_rng(0).random(20) ** 2
    np.testing.assert_array_equal(adjust_bh(p), stats.false_discovery_control(p))
    holed = np.insert(p, [0, 7], NAN)
    q = adjust_bh(holed)
    assert np.isnan(q[[0, 8]]).all()
    np.testing.assert_array_equal(q[~np.isnan(q)], adjust_bh(p))
    np.testing.assert_allclose(adjust_bh([0.01, 0.04, 0.03, NAN]), [0.03, 0.04, 0.04, NAN])
    assert np.isnan(adjust_bh([NAN])).all() and adjust_bh([]).shape == (0,)
