"""Metrics by hand and against scikit-learn; intervals that have no value; every message."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from ldar_interp.errors import InputError
from ldar_interp.stats.classification import (
    combine_folds,
    compare_folds,
    compare_predictions,
    score_intervals,
    score_predictions,
)
from ldar_interp.stats.confusion import WeightedRanks, measure_mcc
from ldar_interp.stats.predictors import draw_weights

LABELS = np.array([0, 0, 0, 1, 1, 1, 1, 1])
PROB_1 = np.array([0.1, 0.4, 0.6, 0.4, 0.7, 0.8, 0.9, 0.5])


def two(prob_1):
    return np.stack([1 - np.asarray(prob_1), prob_1], axis=1)


def test_by_hand():
    """tp 3, tn 2, fp 1, fn 2 (.5 is class 0). AUROC by counting pairs."""
    found = score_predictions(LABELS, two(PROB_1))
    assert found["accuracy"] == 5 / 8
    assert found["f1"] == pytest.approx(2 * 3 / (2 * 3 + 1 + 2))
    assert found["mcc"] == pytest.approx((3 * 2 - 1 * 2) / np.sqrt(4 * 5 * 3 * 4))
    # .4 beats .1 and ties .4; .5 beats two; .7, .8, .9 beat all three.
    assert found["auroc"] == pytest.approx((1.5 + 2 + 3 * 3) / 15)


@st.composite
def predictions(draw):
    n_classes = draw(st.integers(2, 4))
    n = draw(st.integers(n_classes, 40))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    labels = np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    prob = rng.random((n, n_classes))
    prob[np.arange(n), labels] += draw(st.sampled_from([0.0, 0.5]))
    if draw(st.booleans()):
        prob = np.round(prob, 1) + 0.05  # ties
    return labels, prob / prob.sum(1, keepdims=True)


@settings(max_examples=30, deadline=None)
@given(predictions())
def test_as_scikit_learn(case):
    labels, prob = case
    n_classes, predicted = prob.shape[1], prob.argmax(1)
    found = score_predictions(labels, prob)
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(labels, predicted))
    assert found["accuracy"] == pytest.approx(sk.accuracy_score(labels, predicted))
    average = "binary" if n_classes == 2 else "macro"
    f1 = sk.f1_score(labels, predicted, average=average, zero_division=0)
    assert found["f1"] == pytest.approx(f1)
    score = prob[:, 1] if n_classes == 2 else prob
    assert found["auroc"] == pytest.approx(sk.roc_auc_score(labels, score, multi_class="ovr"))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_weights_are_repeated_rows(seed):
    rng = np.random.default_rng(seed)
    score, weight = np.round(rng.random(12), 1), rng.integers(0, 4, 12)
    positive = np.arange(12) % 3 == 0
    found = WeightedRanks(score, positive).measure(weight[:, None].astype(float))[0]
    rows = np.repeat(np.arange(12), weight)
    if len(set(positive[rows])) < 2:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(sk.roc_auc_score(positive[rows], score[rows]))


def test_a_constant_prediction_has_mcc_0_and_perfect_has_1():
    assert measure_mcc(np.array([[5.0, 0.0], [3.0, 0.0]])) == 0
    assert measure_mcc(np.array([[5.0, 0.0], [0.0, 3.0]])) == 1
    assert measure_mcc(np.array([[0.0, 5.0], [3.0, 0.0]])) == -1
    # Counts whose product is beyond 2**53.
    assert measure_mcc(np.diag([1e9, 1e9])) == pytest.approx(1)


def test_one_class_only_has_an_accuracy_and_nothing_else():
    found = score_predictions([1, 1, 1], two([0.2, 0.8, 0.9]))
    assert found["accuracy"] == pytest.approx(2 / 3)
    assert all(np.isnan(found[name]) for name in ("mcc", "f1", "auroc"))
    table = score_intervals([1, 1, 1], two([0.2, 0.8, 0.9]), n_boot=100, seed=0)
    table = table.set_index("metric")
    assert table.loc[["mcc", "f1", "auroc"]].isna().all(axis=None)
    assert table.loc["accuracy"].notna().all()


def test_a_missing_class_leaves_auroc_without_value():
    prob = np.eye(3)[[0, 1, 0]] + 0.1
    found = score_predictions([0, 1, 1], prob)
    assert np.isnan(found["auroc"]) and found["mcc"] > 0


def test_a_class_of_one_row_has_no_interval():
    """A third of the draws lack it."""
    labels = np.array([0] * 20 + [1])
    table = score_intervals(labels, two(np.linspace(0, 1, 21)), n_boot=200, seed=0)
    assert table.ci_low.isna().tolist() == [True, False, True, True]


def test_intervals_hold_the_value_and_stay_in_range():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 50)
    table = score_intervals(labels, two(0.9 * labels + 0.1 * rng.random(50)), n_boot=100, seed=0)
    assert (table.value == 1).all() and table[["ci_low", "ci_high"]].isna().all(axis=None)
    weak = score_intervals(labels, two(rng.random(50)), n_boot=300, seed=0)
    assert (weak.ci_low < weak.value).all() and (weak.value < weak.ci_high).all()
    assert weak.ci_low.min() >= -1 and weak.ci_high.max() <= 1


def test_same_seed_same_table_and_seeds_differ():
    one, again, other = (
        score_intervals(LABELS, two(PROB_1), n_boot=100, seed=seed) for seed in (1, 1, 2)
    )
    assert one.equals(again) and not one.equals(other)


def test_whole_groups_are_drawn():
    groups = np.array(list("aababbcc"))
    weight = np.concatenate(list(draw_weights(8, 100, np.random.default_rng(0), groups)), axis=1)
    assert weight.shape == (8, 100)
    for name in "abc":
        rows = weight[groups == name]
        assert (rows == rows[0]).all()
    assert (weight[[0, 2, 6]].sum(0) == 3).all()


def test_copies_of_rows_need_groups():
    """Every row four times: rows drawn singly make the interval half as wide as it should be."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 100)
    prob = two(np.clip(0.3 * labels + 0.7 * rng.random(100), 0, 1))
    copied = np.repeat(labels, 4), np.repeat(prob, 4, axis=0)
    kind = {"n_boot": 1000, "seed": 0}
    once = score_intervals(labels, prob, **kind)
    grouped = score_intervals(*copied, groups=np.repeat(np.arange(100), 4), **kind)
    naive = score_intervals(*copied, **kind)
    width = [(t.ci_high - t.ci_low).to_numpy() for t in (once, grouped, naive)]
    assert width[1] == pytest.approx(width[0], rel=0.1)
    assert width[2] == pytest.approx(width[0] / 2, rel=0.1)


def test_differences_are_paired():
    """b is a with a few rows spoiled: much of what the test set is cancels."""
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 3, 600)
    a = rng.random((600, 3)) + 0.6 * np.eye(3)[labels]
    b = a.copy()
    b[:40] = rng.random((40, 3))
    found = compare_predictions(labels, a, b, n_boot=300, seed=0)
    alone = score_intervals(labels, a, n_boot=300, seed=0)
    scores = [score_predictions(labels, p) for p in (a, b)]
    assert found.value.tolist() == pytest.approx(
        [scores[0][m] - scores[1][m] for m in found.metric]
    )
    width, width_alone = ((t.ci_high - t.ci_low)[:3] for t in (found, alone))
    assert (width < 0.7 * width_alone).all()  # 1.4 times as wide if they were not paired
    assert (found.ci_low > 0).all()
    same = compare_predictions(labels, a, a, n_boot=100, seed=0)
    assert (same[["value", "ci_low", "ci_high"]] == 0).all(axis=None)


def test_folds():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 300)
    folds = [two(np.clip(0.3 * labels + 0.7 * rng.random(300), 0, 1)) for _ in range(3)]
    table = combine_folds(labels, folds, n_boot=200, seed=0)
    each = np.array([list(score_predictions(labels, fold).values()) for fold in folds])
    assert table.value.to_numpy() == pytest.approx(each.mean(0))
    assert table.fold_sd.to_numpy() == pytest.approx(each.std(0, ddof=1))
    assert (table.n_folds == 3).all()
    single = combine_folds(labels, folds[:1], n_boot=200, seed=0)
    direct = score_intervals(labels, folds[0], n_boot=200, seed=0)
    assert single[direct.columns].equals(direct) and single.fold_sd.isna().all()
    difference = compare_folds(labels, folds, folds[::-1], n_boot=100, seed=0)
    assert difference.value.to_numpy() == pytest.approx(np.zeros(4))


def test_equal_folds_have_the_interval_of_one():
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 2, 200)
    fold = two(np.clip(0.4 * labels + 0.6 * rng.random(200), 0, 1))
    one = score_intervals(labels, fold, n_boot=200, seed=0)
    ten = combine_folds(labels, [fold] * 10, n_boot=200, seed=0)
    assert ten[["ci_low", "ci_high"]].to_numpy() == pytest.approx(
        one[["ci_low", "ci_high"]].to_numpy()
    )


def test_many_rows_are_fast():
    """2,000 draws of 9,000 rows and 3 classes: about 0.6 s of CPU time when nothing else runs."""
    rng = np.random.default_rng(0)
    labels, prob = rng.integers(0, 3, 9000), rng.random((9000, 3))
    began = time.process_time()
    score_intervals(labels, prob, n_boot=2000, seed=0)
    assert time.process_time() - began < 3


@pytest.mark.parametrize(
    ("labels", "prob", "message"),
    [
        (
            [0, 1],
            two([0.1, 0.2, 0.3]),
            r"labels of shape \(2,\) and .* of shape \(3, 2\)",
        ),
        ([], np.zeros((0, 2)), r"wanted \(n >= 1,\) and \(n, c >= 2\)"),
        ([0, 0], np.ones((2, 1)), r"wanted \(n >= 1,\) and \(n, c >= 2\)"),
        ([0, 2], two([0.1, 0.2]), "label 2 among 2 classes; wanted 0 to 1"),
        ([0, 1], two([0.1, np.nan]), "the probabilities of row 1 are not finite"),
    ],
)
def test_wrong_input(labels, prob, message):
    with pytest.raises(InputError, match=message):
        score_predictions(labels, prob)


def test_wrong_resampling():
    with pytest.raises(InputError, match="n_boot is 10; wanted at least 100"):
        score_intervals(LABELS, two(PROB_1), n_boot=10, seed=0)
    with pytest.raises(InputError, match="3 group labels, 3 of them different, for 8 rows"):
        score_intervals(LABELS, two(PROB_1), n_boot=100, seed=0, groups=["a", "b", "c"])
    with pytest.raises(InputError, match="no folds; wanted the probabilities of at least one"):
        combine_folds(LABELS, [], n_boot=100, seed=0)
    with pytest.raises(InputError, match="1 folds of one predictor and 2 of the other"):
        compare_folds(LABELS, [two(PROB_1)], [two(PROB_1)] * 2, n_boot=100, seed=0)
