"""Bins, cuts and tokens by hand, and against a loop."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.boundaries.bins import bin_values
from ldar_interp.boundaries.tokens import find_cuts, find_runs, find_tokens
from ldar_interp.errors import InputError

NAN = np.nan
probs = st.lists(st.one_of(st.just(NAN), st.floats(0, 1, width=32)), min_size=1, max_size=40)


def test_bins_by_hand():
    bins = bin_values([0.2, NAN, 0.6, NAN, NAN, NAN, 1.0], 100, 3)
    assert bins.first.tolist() == [100, 103, 106] and bins.last.tolist() == [102, 105, 106]
    np.testing.assert_allclose(bins.mean, [0.4, NAN, 1.0], rtol=1e-6)
    np.testing.assert_allclose(bins.low, [0.2, NAN, 1.0], rtol=1e-6)
    np.testing.assert_allclose(bins.high, [0.6, NAN, 1.0], rtol=1e-6)
    assert bins.n_values.tolist() == [2, 0, 1]


@settings(deadline=None)
@given(probs, st.integers(1, 9))
def test_bins_are_those_of_a_loop(values, size):
    bins = bin_values(values, 7, size)
    for i, (first, last) in enumerate(zip(bins.first, bins.last, strict=True)):
        known = [v for v in values[first - 7 : last - 6] if not np.isnan(v)]
        assert bins.n_values[i] == len(known)
        if known:
            assert bins.mean[i] == pytest.approx(np.mean(known), abs=1e-6)
            assert (bins.low[i], bins.high[i]) == (min(known), max(known))
        else:
            assert np.isnan([bins.mean[i], bins.low[i], bins.high[i]]).all()
    assert bins.last[-1] == 6 + len(values)


@pytest.mark.parametrize(("values", "size"), [([], 3), ([[0.1]], 3), ([0.1], 0)])
def test_what_cannot_be_binned_is_an_error(values, size):
    with pytest.raises(InputError, match=r"values of shape .* in bins of \d; wanted a non-empty"):
        bin_values(values, 0, size)


def test_tokens_by_hand():
    #        100  101  102  103  104  105  106  107  108
    values = [0.4, 0.9, 0.1, 0.7, NAN, 0.2, 0.8, 0.5, 0.6]
    assert find_cuts(values, 100).tolist() == [101, 103, 106, 108]
    tokens = find_tokens(values, 100)
    assert tokens.start.tolist() == [101, 106] and tokens.end.tolist() == [103, 108]
    np.testing.assert_allclose(tokens.mean_prob, [(0.9 + 0.1 + 0.7) / 3, (0.8 + 0.5 + 0.6) / 3])


@settings(deadline=None)
@given(probs)
def test_tokens_are_those_of_a_loop(values):
    wanted, begin, total = [], None, []
    for i, p in enumerate(values):
        if np.isnan(p):
            begin = None
            continue
        total = [*total, p] if begin is not None else [p]
        if p > 0.5:
            if begin is not None:
                wanted.append((begin, i, np.mean(total)))
            begin, total = i, [p]
    found = find_tokens(values, 0)
    assert list(zip(found.start, found.end, strict=True)) == [(a, b) for a, b, _ in wanted]
    np.testing.assert_allclose(found.mean_prob, [m for *_, m in wanted], atol=1e-9)


def test_runs():
    values = [NAN, 0.1, 0.2, NAN, 0.3]
    assert find_runs(values) == [(1, 3), (4, 5)]
    assert find_runs(values, missing=True) == [(0, 1), (3, 4)]
    assert find_runs([]) == []
