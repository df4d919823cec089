"""Folds and hold-outs: every row once, labels in equal shares, groups whole, the same by seed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.errors import InputError
from ldar_interp.tasks.splits import hold_out, make_folds


def make_frame(labels, groups=None):
    groups = np.arange(len(labels)) if groups is None else groups
    return pd.DataFrame({"label": np.asarray(labels, np.int64), "group": [f"g{i}" for i in groups]})


def test_ten_rows_of_two_classes_in_five_folds():
    folds = make_folds(make_frame([0, 1] * 5), 5, seed=1)
    for fold in folds:
        assert len(fold.validation) == 2 and len(fold.train) == 8
        assert set(fold.validation % 2) == {0, 1}  # one row of each class
        assert fold.train.dtype == fold.validation.dtype == np.int64
    assert sorted(np.concatenate([fold.validation for fold in folds])) == list(range(10))


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_folds_are_a_partition_that_keeps_groups(seed, n_folds):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(60, 200))
    frame = make_frame(rng.integers(0, 3, n), rng.integers(0, n, n))
    folds = make_folds(frame, n_folds, seed)
    assert sorted(np.concatenate([fold.validation for fold in folds])) == list(range(n))
    sizes = frame["group"].value_counts()
    for fold in folds:
        assert sorted([*fold.train, *fold.validation]) == list(range(n))
        assert not set(frame["group"].iloc[fold.train]) & set(frame["group"].iloc[fold.validation])
        for label, rows in frame.groupby("label"):
            held = (frame["label"].iloc[fold.validation] == label).sum()
            assert abs(held - len(rows) / n_folds) <= sizes.max() + 1


def test_seeds_repeat_and_differ():
    frame = make_frame(np.arange(100) % 2)
    one, again, other = (make_folds(frame, 5, seed) for seed in (1, 1, 2))
    assert all((a.validation == b.validation).all() for a, b in zip(one, again, strict=True))
    assert any(set(a.validation) != set(b.validation) for a, b in zip(one, other, strict=True))


def test_one_large_group_fills_a_fold_and_the_rest_goes_elsewhere():
    frame = make_frame([0, 1] * 20, [0] * 10 + list(range(1, 31)))
    folds = make_folds(frame, 4, seed=0)
    assert sorted(len(fold.validation) for fold in folds) == [10] * 4
    assert any(set(range(10)) == set(fold.validation) for fold in folds)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_hold_out_takes_its_share_of_each_label(share):
    frame = make_frame([0] * 300 + [1] * 100)
    kept, held = hold_out(frame, share, seed=3)
    assert sorted([*kept, *held]) == list(range(400))
    assert (held < 300).sum() == round(300 * share) and (held >= 300).sum() == round(100 * share)


def test_thirty_thousand_rows_are_dealt_at_once():
    folds = make_folds(make_frame(np.arange(30_000) % 2, np.arange(30_000) // 1.1), 10, seed=0)
    assert {len(fold.validation) for fold in folds} <= {2999, 3000, 3001}


def test_too_few_folds():
    with pytest.raises(InputError, match="n_folds is 1; wanted at least 2"):
        make_folds(make_frame([0, 1]), 1, seed=0)


def test_a_class_with_fewer_groups_than_folds():
    frame = make_frame([0, 0, 0, 1, 1, 1], [0, 1, 2, 3, 3, 4])
    with pytest.raises(
        InputError, match=r"class 1 has 2 different .* wanted at least 3, one a fold"
    ):
        make_folds(frame, 3, seed=0)


@pytest.mark.parametrize("share", [0, 1, 1.5, float("nan")])
def test_share_out_of_range(share):
    with pytest.raises(InputError, match=r"share is .*; wanted a number between 0 and 1"):
        hold_out(make_frame([0, 1]), share, seed=0)


def test_a_class_that_cannot_be_on_both_sides():
    with pytest.raises(InputError, match=r"1 rows of class 1 cannot give 0\.5 of them away"):
        hold_out(make_frame([0, 0, 0, 1]), 0.5, seed=0)
