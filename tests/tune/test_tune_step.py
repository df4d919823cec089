"""One step: the loss by hand, micro-batches, what is trained, class weights, the ratio loss."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from planted import TINY, plant, tiny_head, tiny_model, tiny_protocol

from ldar_interp.model.losses import ratio_loss
from ldar_interp.tune.batches import encode_sequences
from ldar_interp.tune.step import add_gradients, make_learner, take_step, weigh_classes

EXAMPLES = plant(6, 0, shortest=14, longest=30)
ENCODED = encode_sequences(EXAMPLES.sequences)
ROWS = np.array([4, 0, 1, 3])


def learner(kind="linear", max_bases=10_000, config=TINY, labels=EXAMPLES.labels, **changes):
    return make_learner(
        tiny_model(config), tiny_head(kind), labels, tiny_protocol(**changes),
        precision="fp32", max_bases=max_bases,
    )  # fmt: skip


def gradients(found) -> list[torch.Tensor]:
    return [p.grad for group in found.optimizer.param_groups for p in group["params"]]


def test_gradients_are_those_of_the_mean_over_examples_one_by_one():
    ours, plain = learner(), learner()
    loss_sum, weight = add_gradients(ours, ENCODED, EXAMPLES.labels, ROWS).tolist()
    total = torch.zeros(())
    for row in ROWS:
        ids = torch.from_numpy(ENCODED[row].astype(np.int64))[None]
        scores = plain.head.classify(plain.model(ids).hidden.mean(1))
        total = total + F.cross_entropy(scores, torch.tensor(EXAMPLES.labels[row])[None])
    (total / len(ROWS)).backward()
    assert weight == len(ROWS)
    assert loss_sum == pytest.approx(total.item(), rel=1e-5)
    for a, b in zip(gradients(ours), gradients(plain), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("kind", ["linear", "attention", "chunks"])
def test_micro_batches_change_rounding_only(kind):
    whole, cut = learner(kind), learner(kind, max_bases=35)
    sums = [add_gradients(one, ENCODED, EXAMPLES.labels, ROWS) for one in (whole, cut)]
    torch.testing.assert_close(sums[0], sums[1])
    for a, b in zip(gradients(whole), gradients(cut), strict=True):
        torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-4)


def test_everything_is_trained_but_the_mlm_head():
    found = learner()
    before = {name: value.clone() for name, value in found.model.state_dict().items()}
    take_step(found, ENCODED, EXAMPLES.labels, ROWS)
    same = {n for n, value in found.model.state_dict().items() if torch.equal(value, before[n])}
    # The tail of a wider inner stage is the only other parameter that may be idle: there is none.
    assert same == {"head.weight"}
    router = found.model.stage.router
    assert router.q_proj.weight.grad is not None, "through the straight-through factor"


def test_a_tied_head_is_the_embedding_and_trained():
    from dataclasses import replace

    found = learner(config=replace(TINY, tie_embeddings=True))
    before = found.model.embedding.weight.clone()
    take_step(found, ENCODED, EXAMPLES.labels, ROWS)
    assert not torch.equal(found.model.embedding.weight, before)


def test_weight_decay_spares_what_pretraining_spares_and_rates_follow_the_protocol():
    found = learner("attention", head_lr=1e-2, weight_decay=0.1)
    names = {p: f"model.{n}" for n, p in found.model.named_parameters()}
    names |= {p: f"head.{n}" for n, p in found.head.named_parameters()}
    decayed = set()
    for group in found.optimizer.param_groups:
        for p in group["params"]:
            assert group["peak_lr"] == (1e-2 if names[p].startswith("head.") else 3e-3)
        if group["weight_decay"]:
            assert group["weight_decay"] == 0.1
            decayed |= {names[p] for p in group["params"]}
    assert {"model.embedding.weight", "head.classify.weight", "head.query"} <= decayed
    assert not [n for n in decayed if "norm" in n or n.endswith(("bias", "A_log", ".D"))]
    assert found.set_rates(2) == pytest.approx(3e-3 / 4)
    assert found.optimizer.param_groups[2]["lr"] == pytest.approx(1e-2 / 4)


def test_balanced_weights():
    labels = np.array([0, 0, 0, 1, 3, 3])
    weights = weigh_classes(labels, 4, "balanced")
    assert weights.tolist() == pytest.approx([6 / 9, 6 / 3, 0, 6 / 6])
    assert weights[labels].mean() == pytest.approx(1)
    assert weigh_classes(labels, 4, "none").tolist() == [1, 1, 1, 1]


def test_the_weighted_loss_counts_classes_equally():
    labels = np.array([0, 0, 0, 0, 0, 1])
    found = learner(labels=labels, class_weights="balanced")
    _, weight = add_gradients(found, ENCODED, labels, np.arange(6)).tolist()
    assert weight == pytest.approx(6)
    assert found.class_weight.tolist() == pytest.approx([0.6, 3.0])


def test_the_ratio_loss_is_added_where_it_is_asked_for():
    plain, held = learner(), learner(ratio_weight=2.0)
    for one in (plain, held):
        add_gradients(one, ENCODED, EXAMPLES.labels, ROWS[:1])
    routed = (
        (third := learner())
        .model(torch.from_numpy(ENCODED[ROWS[0]].astype(np.int64))[None])
        .boundaries[0]
    )
    (2.0 * ratio_loss(routed, 4.0)).backward()
    weights = [one.model.stage.router.q_proj.weight.grad for one in (plain, held, third)]
    torch.testing.assert_close(weights[1], weights[0] + weights[2])
    assert weights[2].abs().max() > 0


def test_a_gradient_that_is_not_finite_updates_nothing():
    found = learner()
    found.model.embedding.weight.data[0, 0] = float("nan")
    before = {name: value.clone() for name, value in found.model.state_dict().items()}
    _, norm = take_step(found, ENCODED, EXAMPLES.labels, ROWS)
    assert not torch.isfinite(norm)
    for name, value in found.model.state_dict().items():
        torch.testing.assert_close(value, before[name], equal_nan=True, rtol=0, atol=0)


def test_clipping():
    found = learner(clip_norm=1e-3)
    _, norm = take_step(found, ENCODED, EXAMPLES.labels, ROWS)
    clipped = torch.stack([g.norm() for g in gradients(found) if g is not None]).norm()
    assert norm > 1e-3
    assert clipped.item() == pytest.approx(1e-3, rel=1e-3)
