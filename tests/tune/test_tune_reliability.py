"""What fine-tuning refuses, and runs that are cut: every message, every bit."""

import numpy as np
import pytest
import torch
from planted import FLAT, plant, tiny_head, tiny_model, tiny_protocol

from ldar_interp.errors import InputError
from ldar_interp.train.state import STATE
from ldar_interp.tune import fine_tune as module
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.fine_tune import fine_tune, predict
from ldar_interp.tune.pooling import Head

TRAIN, VALIDATION = plant(20, 0, shortest=14, longest=30), plant(8, 1, shortest=14, longest=30)
PROTOCOL = tiny_protocol(epochs=3, rc_augment=True, patience=9, lr=1e-2)


def run(folder=None, *, kind="attention", seed=0, protocol=PROTOCOL, train=TRAIN, **options):
    """History, and all weights that a run ends with."""
    model, head = tiny_model(), tiny_head(kind)
    result = fine_tune(
        model, head, train, VALIDATION, protocol, seed=seed, checkpoint=folder, **options
    )
    return result, [*model.state_dict().values(), *head.state_dict().values()]


@pytest.fixture(scope="module")
def unbroken():
    return run()


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    run(folder)
    return folder


def assert_same(found, wanted):
    assert found[0].history.equals(wanted[0].history)
    assert found[0].best_epoch == wanted[0].best_epoch
    assert all(map(torch.equal, found[1], wanted[1]))


@pytest.mark.parametrize("cut_at", [1, 3, 8])
def test_a_run_cut_within_an_epoch_goes_on_to_the_last_bit(tmp_path, monkeypatch, cut_at, unbroken):
    calls, take_step = [], module.take_step

    def take_some(*arguments):
        calls.append(1)
        if len(calls) > cut_at:
            raise KeyboardInterrupt
        return take_step(*arguments)

    monkeypatch.setattr(module, "SAVE_SECONDS", 0.0)
    monkeypatch.setattr(module, "take_step", take_some)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    calls.clear()
    cut_at = 99
    assert_same(run(tmp_path), unbroken)
    # Nine steps in all; those before the cut were not taken again.
    assert len(calls) < 9
    # A finished run takes none.
    calls.clear()
    assert_same(run(tmp_path), unbroken)
    assert not calls


def test_a_run_cut_between_epochs_goes_on(tmp_path, unbroken):
    def cut(row):
        if row["epoch"] == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, on_epoch=cut)
    seen = []
    assert_same(run(tmp_path, on_epoch=seen.append), unbroken)
    assert [row["epoch"] for row in seen] == [3]


def test_an_interrupted_model_is_left_frozen_and_in_eval_mode():
    def cut(_):
        raise KeyboardInterrupt

    model, head = tiny_model(), tiny_head()
    with pytest.raises(KeyboardInterrupt):
        fine_tune(model, head, TRAIN, VALIDATION, PROTOCOL, seed=0, on_epoch=cut)
    assert not model.training
    assert not any(p.requires_grad for p in [*model.parameters(), *head.parameters()])


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"seed": 1}, "seed is 0 there, 1 here"),
        ({"kind": "linear"}, "head is 'attention' there, 'linear' here"),
        ({"protocol": PROTOCOL.override({"lr": 0.5})}, "protocol.lr is 0.01 there, 0.5 here"),
        ({"train": VALIDATION}, "train is '.*' there"),
    ],
)
def test_the_state_of_another_run_is_refused(finished, changes, difference):
    with pytest.raises(InputError, match=f"belongs to another run \\({difference}"):
        run(finished, **changes)


def test_weights_that_were_tuned_do_not_start_the_same_run(tmp_path):
    model, head = tiny_model(), tiny_head()
    fine_tune(model, head, TRAIN, VALIDATION, PROTOCOL, seed=0, checkpoint=tmp_path)
    with pytest.raises(InputError, match="another run \\(initial weights is"):
        fine_tune(model, head, TRAIN, VALIDATION, PROTOCOL, seed=0, checkpoint=tmp_path)


def test_what_only_reports_does_not_change_a_run(finished, unbroken):
    other = PROTOCOL.override({"name": "mine", "n_folds": 7, "n_boot": 9, "check_leaks": True})
    assert_same(run(finished, protocol=other), unbroken)


def test_a_damaged_state_is_one_line(tmp_path):
    run(tmp_path)
    path = tmp_path / STATE
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(InputError, match=r"is damaged .*previous.pt holds step"):
        run(tmp_path)


def replace(examples: Examples, labels: object) -> Examples:
    return Examples(examples.sequences, np.asarray(labels))


@pytest.mark.parametrize(
    ("train", "message"),
    [
        (Examples([], np.array([], dtype=np.int64)), "train: no examples; wanted at least two"),
        (replace(TRAIN, [1] * 20), "train: all 20 labels are 1; wanted .* at least two classes"),
        (
            replace(TRAIN, [*TRAIN.labels[:19], 2]),
            "train: labels from 0 to 2 for 2 classes; wanted 0 to 1: number the classes",
        ),
        (replace(TRAIN, [-1, *TRAIN.labels[:19]]), "train: labels from -1 to 1 for 2 classes"),
        (replace(TRAIN, [0, 1]), r"labels of shape \(2,\) and type int64 for 20 sequences"),
        (replace(TRAIN, [0.5] * 20), "type float64 for 20 sequences; wanted one whole number"),
        (
            Examples(["", *TRAIN.sequences[:19]], TRAIN.labels),
            "sequence 0 is empty; wanted at least one base",
        ),
    ],
)
def test_examples_that_cannot_be_learned_from(train, message):
    with pytest.raises(InputError, match=message):
        run(train=train)


def test_validation_is_checked_too():
    with pytest.raises(InputError, match="validation: all 8 labels are 0"):
        fine_tune(tiny_model(), tiny_head(), TRAIN, replace(VALIDATION, [0] * 8), PROTOCOL, seed=0)


def test_heads_that_do_not_fit():
    def start(head, *, model=None, protocol=PROTOCOL):
        fine_tune(model or tiny_model(), head, TRAIN, VALIDATION, protocol, seed=0)

    with pytest.raises(InputError, match="a head of width 16 on a model of width 32; wanted"):
        start(Head("linear", 16, 2, seed=0))
    with pytest.raises(InputError, match="'chunks' on a model without a router"):
        start(tiny_head("chunks"), model=tiny_model(FLAT))
    held = PROTOCOL.override({"ratio_weight": 0.1, "compression": (3.0, 3.0)})
    with pytest.raises(InputError, match="compression has 2 entries for 1 routers; wanted one N"):
        start(tiny_head(), protocol=held)


def test_a_head_for_too_many_classes_works_and_learns_not_to_use_them():
    model, head = tiny_model(), tiny_head(n_classes=4)
    fine_tune(model, head, TRAIN, VALIDATION, tiny_protocol(epochs=4, lr=1e-2), seed=0)
    prob = predict(model, head, VALIDATION.sequences, rc_average=False)
    assert prob[:, 2:].max() < 0.25


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path, monkeypatch):
    calls, take_step = [], module.take_step

    def break_step(learner, *arguments):
        calls.append(1)
        if len(calls) == 5:
            learner.head.classify.weight.data.fill_(float("nan"))
        return take_step(learner, *arguments)

    monkeypatch.setattr(module, "take_step", break_step)
    with pytest.raises(InputError) as error:
        run(tmp_path)
    assert str(error.value) == (
        "epoch 2, step 2: the loss or its gradient is not finite at learning rate 0.01; lower lr, "
        f"remove {tmp_path} and start again"
    )


def test_predictions_that_are_not_finite_and_none_at_all():
    model, head = tiny_model(), tiny_head()
    with pytest.raises(InputError, match="no sequences to predict; wanted at least one"):
        predict(model, head, [], rc_average=False)
    head.classify.bias.data[0] = float("nan")
    with pytest.raises(InputError, match="2 of 2 predictions are not finite; the weights are"):
        predict(model, head, ["ACGT", "AC"], rc_average=False)


def test_rare_classes_can_be_weighed():
    labels = np.array([0] * 17 + [1] * 3)
    train = replace(TRAIN, labels)
    first = tiny_protocol(epochs=1, lr=1e-12)
    plain, weighed = (
        run(train=train, protocol=first.override({"class_weights": rule}))[0].history
        for rule in ("none", "balanced")
    )
    # Before anything is learned, the head's scores are near 0 whatever the weights.
    assert weighed["train_loss"][1] == pytest.approx(np.log(2), abs=0.05)
    assert weighed["train_loss"][1] != plain["train_loss"][1]
