"""Fine-tuning learns a planted signal and nothing from shuffled labels; what it leaves behind."""

import logging

import numpy as np
import pytest
import torch
from planted import FLAT, NESTED, plant, tiny_head, tiny_model, tiny_protocol

from ldar_interp.model.checkpoint import load_model
from ldar_interp.stats.classification import score_intervals
from ldar_interp.tune import checks
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.fine_tune import fine_tune, predict
from ldar_interp.tune.pooling import POOLINGS, Head

TRAIN, VALIDATION = plant(16, 0, shortest=14, longest=30), plant(8, 1, shortest=14, longest=30)


def shuffle(examples: Examples, seed: int) -> Examples:
    return Examples(examples.sequences, np.random.default_rng(seed).permutation(examples.labels))


def score_nano(shuffled: bool, kind: str = "linear") -> tuple[float, float, float]:
    """Test MCC of `random:nano` and its 99 % interval."""
    model = load_model("random:nano", backend="torch")
    head = Head(kind, model.config.d_model[0], 2, seed=0)
    sets = [plant(256, 0), plant(64, 1), plant(400, 2)]
    if shuffled:
        # The test labels too: a motif that is there to be seen can agree with either label.
        sets = [shuffle(one, 100 + k) for k, one in enumerate(sets)]
    protocol = tiny_protocol(epochs=2, batch_size=16, lr=1e-2)
    fine_tune(model, head, sets[0], sets[1], protocol, seed=0)
    prob = predict(model, head, sets[2].sequences, rc_average=False)
    intervals = score_intervals(sets[2].labels, prob, n_boot=400, seed=0, level=0.99)
    found = intervals.set_index("metric").loc["mcc"]
    return found["value"], found["ci_low"], found["ci_high"]


def test_a_planted_motif_is_learned():
    mcc, low, _ = score_nano(shuffled=False)
    assert mcc > 0.6
    assert low > 0.5


def test_shuffled_labels_teach_nothing():
    mcc, low, high = score_nano(shuffled=True)
    assert low <= 0 <= high
    assert abs(mcc) < 0.15


@pytest.mark.parametrize("kind", POOLINGS)
def test_history_and_what_is_left_behind(kind):
    model, head, rows = tiny_model(), tiny_head(kind), []
    mlm = model.head.weight.clone()
    result = fine_tune(
        model, head, TRAIN, VALIDATION, tiny_protocol(epochs=3), seed=0, on_epoch=rows.append
    )
    history = result.history
    assert history["epoch"].tolist() == [0, 1, 2, 3]
    assert history["n_steps"].tolist() == [0, 2, 2, 2]
    assert history.to_dict("records")[1:] == rows[1:]
    assert np.isnan(history.loc[0, ["lr", "train_loss"]].astype(float)).all()
    assert not history.loc[1:].isna().any().any()
    assert history["boundary_rate"].between(1 / 30, 1).all()
    assert result.best_metric == history.loc[1:, "validation_mcc"].max()
    assert result.best_epoch == history.loc[1:, "validation_mcc"].idxmax()
    assert not (model.training or head.training)
    for parameter in (*model.parameters(), *head.parameters()):
        assert not parameter.requires_grad
        assert parameter.grad is None
    assert torch.equal(model.head.weight, mlm)


def test_the_best_weights_are_kept():
    model, head = tiny_model(), tiny_head()
    # Large steps, so that epochs differ.
    protocol = tiny_protocol(epochs=6, lr=2e-2, patience=9)
    result = fine_tune(model, head, TRAIN, VALIDATION, protocol, seed=0)
    assert 1 <= result.best_epoch < 6, "another seed is wanted: the last epoch tests nothing"
    prob = predict(model, head, VALIDATION.sequences, rc_average=False)
    loss = -np.log(prob[np.arange(len(prob)), VALIDATION.labels]).mean()
    assert loss == pytest.approx(result.history["validation_loss"][result.best_epoch], rel=1e-5)


def test_it_stops_and_slows_down_by_the_protocol():
    # A rate at which nothing changes: the first epoch stays the best.
    protocol = tiny_protocol(
        epochs=9, lr=1e-12, min_lr=0, patience=4, plateau_patience=1, plateau_factor=0.1
    )
    result = fine_tune(tiny_model(), tiny_head(), TRAIN, VALIDATION, protocol, seed=0)
    assert result.best_epoch == 1
    rates = result.history["lr"].tolist()[1:]
    assert rates == pytest.approx([1e-12, 1e-12, 1e-12, 1e-13, 1e-13])


@pytest.mark.parametrize("config", [NESTED, FLAT], ids=["nested", "flat"])
def test_models_with_two_routers_and_with_none(config):
    model, head = tiny_model(config), tiny_head()
    result = fine_tune(model, head, TRAIN, VALIDATION, tiny_protocol(epochs=1), seed=0)
    assert result.history["boundary_rate"].notna().all() == (config is NESTED)


def test_both_strands():
    model, head = tiny_model(), tiny_head()
    protocol = tiny_protocol(rc_augment=True, rc_average=True)
    fine_tune(model, head, TRAIN, VALIDATION, protocol, seed=0)
    complement = str.maketrans("ACGT", "TGCA")
    others = [s.translate(complement)[::-1] for s in VALIDATION.sequences]
    found, flipped = (
        predict(model, head, some, rc_average=True) for some in (VALIDATION.sequences, others)
    )
    np.testing.assert_allclose(found, flipped, atol=1e-6)
    one = predict(model, head, VALIDATION.sequences, rc_average=False)
    other = predict(model, head, others, rc_average=False)
    np.testing.assert_allclose(found, (one + other) / 2, atol=1e-6)


def test_augmentation_changes_what_is_seen_and_a_seed_repeats_it():
    plain, first, again, seed = (
        fine_tune(tiny_model(), tiny_head(), TRAIN, VALIDATION, tiny_protocol(**p), seed=s).history
        for p, s in (({}, 0), ({"rc_augment": True}, 0), ({"rc_augment": True}, 0),
                     ({"rc_augment": True}, 1))
    )  # fmt: skip
    assert first.equals(again)
    assert not first.equals(plain)
    assert not first.equals(seed)


def test_max_train():
    protocol = tiny_protocol(max_train=10, epochs=1)
    result = fine_tune(tiny_model(), tiny_head(), TRAIN, VALIDATION, protocol, seed=0)
    assert result.n_train == 10
    assert result.history["n_steps"].tolist() == [0, 2]


def test_predictions_do_not_depend_on_batches():
    model, head = tiny_model(), tiny_head("chunks")
    sequences = ["ACGTTGCANNACGT", "A", "ACGGT", "NNNN", "TTGACCA" * 6]
    found = predict(model, head, sequences, rc_average=True)
    assert found.shape == (5, 2)
    assert found.dtype == np.float64
    np.testing.assert_allclose(found.sum(1), 1)
    for max_bases in (1, 50):
        cut = predict(model, head, sequences, rc_average=True, max_bases=max_bases)
        np.testing.assert_allclose(found, cut, atol=1e-6)
    alone = predict(model, head, [sequences[0].lower()], rc_average=True)
    np.testing.assert_allclose(alone[0], found[0], atol=1e-6)


def test_n_one_base_and_beyond_the_trained_length(caplog):
    checks._warn.cache_clear()
    sequences = ["N" * 12, "A", "C", "ACGTN" * 15, "T", "GANTC", "ACG", "NNNNA"]
    odd = Examples(sequences, np.array([0, 1] * 4))
    with caplog.at_level(logging.WARNING, "ldar_interp"):
        model, head = tiny_model(), tiny_head("chunks")
        result = fine_tune(model, head, odd, odd, tiny_protocol(), seed=0)
        assert np.isfinite(predict(model, head, sequences, rc_average=False)).all()
    assert result.history["validation_loss"].notna().all()
    (record,) = caplog.records
    assert record.getMessage() == (
        "the longest sequence has 75 bases, and the model was trained on windows of 64: it reads "
        "them whole, beyond what it was trained for"
    )
