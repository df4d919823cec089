"""A planted signal is found, shuffled labels are not; every message; the same seed, the same."""

import logging
from functools import cache

import numpy as np
import pytest
import torch
from planted_word import plant, shuffle_labels

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode, encode, reverse_complement
from ldar_interp.model.checkpoint import load_model
from ldar_interp.stats.classification import score_intervals
from ldar_interp.tune import cnn_floor, probe
from ldar_interp.tune.cnn_floor import SmallCnn
from ldar_interp.tune.embeddings import embed
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.floors import count_kmers, fit_cnn, fit_kmer
from ldar_interp.tune.probe import fit_probe

TRAIN, VALIDATION, TEST = plant(600, 60, 1), plant(200, 60, 2), plant(300, 60, 3)
NOISE = shuffle_labels(TRAIN, 0), shuffle_labels(VALIDATION, 1)


def mcc_interval(labels, prob):
    table = score_intervals(labels, prob, n_boot=500, seed=0).set_index("metric")
    return table.loc["mcc", ["ci_low", "ci_high"]].tolist()


@cache
def states():
    """Rows of TRAIN, VALIDATION, TEST as a model that was never trained sees them."""
    model = load_model("random:nano", seed=0, backend="torch")
    return [
        embed(model, e.sequences, pooling="linear", rc_average=False, cache=None, weights_id="w")
        for e in (TRAIN, VALIDATION, TEST)
    ]


def probe_states(train, validation):
    x = states()
    fitted = fit_probe(x[0], train.labels, x[1], validation.labels, n_classes=2, seed=0)
    return fitted.predict(x[2])


def run_kmer(train, validation):
    return fit_kmer(train, validation, n_classes=2, seed=0).predict(TEST.sequences)


def run_cnn(train, validation):
    return fit_cnn(train, validation, n_classes=2, seed=0, epochs=6).predict(TEST.sequences)


@pytest.mark.parametrize(("run", "least"), [(probe_states, 0.05), (run_kmer, 0.5), (run_cnn, 0.7)])
def test_a_planted_signal_is_found_and_shuffled_labels_are_not(run, least):
    """Mean states of random weights tell little of one word among 60 bp, but not nothing."""
    prob = run(TRAIN, VALIDATION)
    assert prob.shape == (300, 2) and prob.dtype == np.float64
    assert prob.sum(1) == pytest.approx(1)
    assert mcc_interval(TEST.labels, prob)[0] > least
    low, high = mcc_interval(TEST.labels, run(*NOISE))
    assert low <= 0 <= high


def test_probe_of_three_classes_finds_a_linear_signal_and_is_repeatable():
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    x = (rng.normal(size=(300, 8)) + 1.5 * np.eye(8)[labels]).astype(np.float32)
    x[:, 7] = 4.0  # does not vary
    fits = [
        fit_probe(x[:200], labels[:200], x[200:250], labels[200:250], n_classes=4, seed=seed)
        for seed in (0, 1)
    ]
    prob = [fit.predict(x[250:]) for fit in fits]
    assert (prob[0] == prob[1]).all()
    assert (prob[0][:, 3] == 0).all()  # no training row has class 3
    assert (prob[0].argmax(1) == labels[250:]).mean() > 0.7
    assert fits[0].c in probe.GRID
    assert fits[0].predict(x[:0]).shape == (0, 4)


def test_the_penalty_is_chosen_on_validation_rows():
    """Noise in 200 columns: little penalty fits it. Ties go to the strongest penalty."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    x = rng.normal(size=(120, 200))
    x[:, 0] += 3 * labels
    parts = x[:60], labels[:60], x[60:], labels[60:]
    found = fit_probe(*parts, n_classes=2, seed=0)
    each = [fit_probe(*parts, n_classes=2, seed=0, grid=(c,)) for c in probe.GRID]
    best = max(fit.validation_mcc for fit in each)
    assert found.validation_mcc == best
    assert found.c == min(fit.c for fit in each if fit.validation_mcc == best)


def test_no_convergence_is_said_in_one_line(monkeypatch, caplog):
    monkeypatch.setattr(probe, "_MAX_ITERATIONS", 1)
    x = np.random.default_rng(0).normal(size=(40, 3))
    with caplog.at_level(logging.WARNING):
        fit_probe(x, np.arange(40) % 2, x, np.arange(40) % 2, n_classes=2, seed=0, grid=(1.0,))
    assert "logistic regression with C = 1 did not converge" in caplog.text


def test_kmers_by_hand():
    counts = count_kmers(["acgNAC", "A"], 2)
    assert counts.sum() == 3 and counts[0, 1] == 2 and counts[0, 6] == 1  # AC, CG
    both = count_kmers(["ACG"], 2, both_strands=True)[0]
    assert both[[1, 6, 11]].tolist() == [1, 2, 1]  # AC, CG and its own complement, GT
    other = decode(reverse_complement(encode("ACGTTTGCAN")))
    assert (
        count_kmers(["ACGTTTGCAN"], 3, both_strands=True)
        == count_kmers([other], 3, both_strands=True)
    ).all()


def test_the_network_is_repeatable_and_leaves_the_generator_alone():
    small = Examples(TRAIN.sequences[:100], TRAIN.labels[:100])
    torch.manual_seed(5)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    fits = [fit_cnn(small, small, n_classes=2, seed=s, epochs=2) for s in (0, 0, 1)]
    assert (torch.get_rng_state() == before).all() and torch.get_num_threads() == threads
    prob = [fit.predict(TEST.sequences[:20]) for fit in fits]
    assert (prob[0] == prob[1]).all() and (prob[0] != prob[2]).any()


def test_the_network_stops_and_keeps_the_best_epoch(monkeypatch):
    small = Examples(TRAIN.sequences[:80], TRAIN.labels[:80])
    for loss, n_epochs in (
        ([0.9] * 9, 5),
        ([0.9, 0.8, 0.7, 0.7, 0.8, 0.8, 0.1, 0.1], 6),
        ([0.9, 0.9, 0.9, 0.9, 0.8, 0.9, 0.9, 0.9], 8),
    ):
        scores, losses = iter([0.1, 0.3, 0.2, 0.3, 0.1, 0.1, 0.2, 0.1, 0.9]), iter(loss)
        monkeypatch.setattr(
            cnn_floor, "score_predictions", lambda *_, given=scores: {"mcc": next(given)}
        )
        monkeypatch.setattr(cnn_floor, "_cross_entropy", lambda *_, given=losses: next(given))
        stopped = fit_cnn(small, small, n_classes=2, seed=0, epochs=9, patience=3)
        assert len(stopped.validation_mcc) == n_epochs and stopped.best_epoch == 2
    monkeypatch.undo()
    monkeypatch.setattr(cnn_floor, "score_predictions", lambda *_: {"mcc": 0.5})
    twice = [fit_cnn(small, small, n_classes=2, seed=0, epochs=e) for e in (1, 3)]
    assert (twice[0].predict(["ACGT"]) == twice[1].predict(["ACGT"])).all()


@pytest.mark.parametrize("labels", [[0.0, 1.0], [True, False], ["a", "b"], [0.0, np.nan]])
def test_labels_of_a_probe_are_whole_numbers(labels):
    x = np.eye(2)
    with pytest.raises(InputError, match=r"training rows: labels of type .*; wanted whole"):
        fit_probe(x, np.array(labels), x, np.array([0, 1]), n_classes=2)
    with pytest.raises(InputError, match="training rows: no examples; wanted at least two"):
        fit_probe(x[:0], np.array([]), x, np.array([0, 1]), n_classes=2)


def test_cross_entropy_is_that_of_the_rows_own_class():
    prob = np.array([[0.5, 0.5], [0.1, 0.9], [1.0, 0.0]])
    found = cnn_floor._cross_entropy(prob, np.array([0, 1, 0]))
    assert found == pytest.approx(-(np.log(0.5) + np.log(0.9)) / 3)
    assert np.isfinite(cnn_floor._cross_entropy(prob, np.array([0, 1, 1])))


def test_padding_changes_nothing_in_the_network():
    torch.manual_seed(0)
    network = SmallCnn(3).eval()
    for length in (1, 3, 4, 13, 30):
        ids = torch.from_numpy(encode(TEST.sequences[0][:length]).astype(np.int64))[None]
        padded = torch.nn.functional.pad(ids, (0, 17), value=6)
        lengths = torch.tensor([length])
        assert torch.allclose(network(ids, lengths), network(padded, lengths), atol=1e-6)


@pytest.mark.parametrize("fit", [fit_kmer, fit_cnn])
def test_floors_refuse_labels_that_say_nothing(fit):
    constant = Examples(["ACGT"] * 4, np.zeros(4, dtype=np.int64))
    two = Examples(["ACGT"] * 4, np.arange(4) % 2)
    with pytest.raises(
        InputError, match="training rows: all 4 labels are 0; wanted examples of at least two"
    ):
        fit(constant, two, n_classes=2, seed=0)
    with pytest.raises(
        InputError, match="validation rows: all 4 labels are 0; wanted examples of at least two"
    ):
        fit(two, constant, n_classes=2, seed=0)
    with pytest.raises(
        InputError, match="training rows: labels from 0 to 2 for 2 classes; wanted 0 to 1"
    ):
        fit(Examples(["ACGT"] * 3, np.arange(3)), two, n_classes=2, seed=0)
    with pytest.raises(
        InputError, match="training rows: no examples; wanted at least two, of different classes"
    ):
        fit(Examples([], np.zeros(0, dtype=np.int64)), two, n_classes=2, seed=0)


def test_wrong_input():
    x, y = np.zeros((4, 2)), np.arange(4) % 2
    x[:, 0] = y
    with pytest.raises(InputError, match="4 training rows and 3 labels; wanted as many"):
        fit_probe(x, np.array([0, 1, 0]), x, y, n_classes=2, seed=0)
    with pytest.raises(InputError, match=r"training rows of shape \(4,\); wanted \(rows, features"):
        fit_probe(x[:, 0], y, x, y, n_classes=2, seed=0)
    broken = x.copy()
    broken[2, 1] = np.nan
    with pytest.raises(InputError, match="validation rows: row 2 has a feature that is not finite"):
        fit_probe(x, y, broken, y, n_classes=2, seed=0)
    with pytest.raises(InputError, match="rows to predict have 3 features; wanted the 2"):
        fit_probe(x, y, x, y, n_classes=2, seed=0).predict(np.zeros((1, 3)))
    with pytest.raises(InputError, match="k is 9; wanted words of 1 to 8 letters"):
        fit_kmer(TRAIN, VALIDATION, n_classes=2, k=9, seed=0)
    with pytest.raises(InputError, match="epochs 0, patience 6; wanted at least 1"):
        fit_cnn(TRAIN, VALIDATION, n_classes=2, seed=0, epochs=0)


def test_a_network_of_both_strands_gives_them_the_same_answer():
    small = Examples(TRAIN.sequences[:100], TRAIN.labels[:100])
    others = [decode(reverse_complement(encode(one))) for one in TEST.sequences[:20]]
    for both in (True, False):
        fitted = fit_cnn(small, small, n_classes=2, seed=0, epochs=2, both_strands=both)
        same = np.allclose(fitted.predict(TEST.sequences[:20]), fitted.predict(others), atol=1e-6)
        assert fitted.both_strands == both and same == both
    # Labels of a word on the other strand than in training: only both strands can tell.
    turned = Examples(
        [decode(reverse_complement(encode(one))) for one in TEST.sequences], TEST.labels
    )
    found = [
        fit_cnn(TRAIN, VALIDATION, n_classes=2, seed=0, epochs=6, both_strands=both)
        for both in (True, False)
    ]
    lows = [mcc_interval(turned.labels, one.predict(turned.sequences))[0] for one in found]
    assert lows[0] > 0.5 > lows[1]
