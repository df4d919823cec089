"""Whole models with each router: both passes, nested stages, padding, losses, extraction."""

import numpy as np
import pytest
import torch

from ldar_interp.boundaries.extract import predict_boundaries, run_router
from ldar_interp.genome.alphabet import PAD
from ldar_interp.model.checkpoint import random_model
from ldar_interp.model.config import PRESETS, LDARNetConfig
from ldar_interp.model.losses import mlm_loss, total_ratio_loss
from ldar_interp.model.router import BidirectionalRouter, OneSidedRouter

ROUTERS = ("learned", "one_sided", "fixed:3", "random:0.3")
NESTED = LDARNetConfig(
    ["m1t1", ["m1", ["M1"], "m1"], "m1"],
    (32, 32, 64),
    (0, 0, 64),
    (2, 2, 2),
    (8, 8, 8),
    (9, -1, -1),
    d_state=16,
)


@pytest.fixture(scope="module", params=ROUTERS)
def model(request):
    return random_model(NESTED.with_router(request.param), seed=2).eval().requires_grad_(False)


def draw_rows(*lengths: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(11)
    return [torch.randint(0, 4, (n,), generator=generator) for n in lengths]


def pad(rows: list[torch.Tensor]) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


def test_a_batch_gives_what_its_members_give_alone(model):
    rows = draw_rows(70, 9, 131, 1)
    alone = [model(row[None]) for row in rows]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [1, 0]):
        out = model(pad([rows[i] for i in order]))
        for place, i in enumerate(order):
            n = len(rows[i])
            torch.testing.assert_close(out.logits[place, :n], alone[i].logits[0], atol=2e-5, rtol=0)
            assert len(out.boundaries) == len(alone[i].boundaries) == 2
            for mine, other in zip(out.boundaries, alone[i].boundaries, strict=True):
                k = other.prob.shape[1]
                torch.testing.assert_close(mine.prob[place, :k], other.prob[0], atol=1e-6, rtol=0)
                assert torch.equal(mine.is_boundary[place, :k], other.is_boundary[0])
                assert not bool(mine.is_boundary[place, k:].any())
                assert float(mine.prob[place, 0]) == 1.0


def test_router_alone_gives_what_the_full_model_gives(model):
    ids = pad(draw_rows(40, 23))
    full, (_, routed) = model(ids).boundaries[0], model.encode(ids)
    assert torch.equal(routed.prob, full.prob)
    assert torch.equal(routed.is_boundary, full.is_boundary)


def test_each_stage_keeps_what_the_router_says():
    length = 4000
    (ids,) = draw_rows(length)
    with torch.no_grad():
        for text, rate in (("fixed:3", 1 / 3), ("random:0.3", 0.3)):
            outer, inner = random_model(NESTED.with_router(text), seed=2)(ids[None]).boundaries
            for routed in (outer, inner):
                n = routed.is_boundary.shape[1]
                kept, expected = int(routed.is_boundary.sum()), n * rate
                assert abs(kept - expected) < 4 * (n * rate * (1 - rate)) ** 0.5
            assert inner.is_boundary.shape[1] == int(outer.is_boundary.sum())
            if text == "random:0.3":
                k = inner.is_boundary.shape[1]
                assert not torch.equal(outer.is_boundary[:, :k], inner.is_boundary)


@pytest.mark.parametrize("router", ROUTERS)
def test_training_step(router):
    """Both losses backward; every parameter has a finite gradient."""
    model = random_model(NESTED.with_router(router), seed=2).train()
    ids = pad(draw_rows(50, 31))
    out = model(ids)
    ratio = total_ratio_loss(out.boundaries, (3.0, 3.0))
    has_gradient = router in ("learned", "one_sided")
    assert ratio.requires_grad is has_gradient
    assert bool(torch.isfinite(ratio))
    labels = torch.where(ids == PAD, -100, ids)
    (mlm_loss(out.logits, labels) + 0.03 * ratio).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert bool(torch.isfinite(parameter.grad).all()), name
    routed = [name for name, _ in model.named_parameters() if ".router." in name]
    assert len(routed) == (4 if has_gradient else 0)


@pytest.mark.parametrize("router", ["learned", "one_sided"])
def test_the_language_model_alone_teaches_the_router(router):
    """Through the probability that was acted on and through the moving average."""
    model = random_model(NESTED.with_router(router), seed=2).train()
    (row,) = draw_rows(60)
    mlm_loss(model(row[None]).logits, row[None]).backward()
    for stage in (model.stage, model.stage.inner):
        for projection in (stage.router.q_proj, stage.router.k_proj):
            assert float(projection.weight.grad.abs().max()) > 0


def test_ratio_loss_of_a_grid_by_hand():
    """F = G = 1/3: ((2/3)(2/3) + 3 (1/3)(1/3)) 4/3 = 28/27."""
    model = random_model(PRESETS["nano"].with_router("fixed:3"), seed=0)
    (row,) = draw_rows(60)
    loss = total_ratio_loss(model(row[None]).boundaries, (4.0,))
    assert float(loss) == pytest.approx(28 / 27, rel=1e-6)


def test_one_sided_by_hand():
    """q is the state itself, k the state turned by a right angle, so only q_{t-1}.k_t counts."""
    router = OneSidedRouter(2)
    with torch.no_grad():
        router.q_proj.weight.copy_(torch.eye(2))
        router.k_proj.weight.copy_(torch.tensor([[0.0, -1], [1, 0]]))
    states = torch.tensor([[[1.0, 0], [0, 2], [3, 0], [3, 0]]])
    # k = (0,1), (-1,0), (0,1), (0,1); s_1 = (1,0).(-1,0), s_2 = (0,1).(0,1), s_3 = (1,0).(0,1)
    out = router(states)
    assert out.prob.tolist() == [[1.0, 1.0, 0.0, 0.5]]
    assert out.is_boundary.tolist() == [[True, True, False, False]]
    assert out.selected_prob.tolist() == [[1.0, 1.0, 1.0, 0.5]]


def test_one_sided_and_learned_agree_where_q_is_k():
    """The difference is in the order alone: with q = k there is none."""
    learned = random_model(PRESETS["nano"], seed=4).requires_grad_(False)
    one_sided = random_model(PRESETS["nano"].with_router("one_sided"), seed=4).requires_grad_(False)
    assert isinstance(learned.stage.router, BidirectionalRouter)
    assert isinstance(one_sided.stage.router, OneSidedRouter)
    (row,) = draw_rows(50)
    expected, found = (m.encode(row[None])[1].prob for m in (learned, one_sided))
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    one_sided.stage.router.k_proj.weight[0, 1] += 2.0
    learned.stage.router.k_proj.weight[0, 1] += 2.0
    expected, found = (m.encode(row[None])[1].prob for m in (learned, one_sided))
    assert float((found - expected).abs().max()) > 1e-3


@pytest.mark.parametrize("router", ROUTERS)
def test_extraction(router):
    model = random_model(PRESETS["nano"].with_router(router), seed=1).eval().requires_grad_(False)
    rows = [row.numpy().astype(np.uint8) for row in draw_rows(45, 20)]
    ids = np.full((2, 45), PAD, np.uint8)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = row
    found = run_router(model, ids)
    again = predict_boundaries(model, rows[::-1])[::-1]
    for place, row in enumerate(rows):
        prob = found[place, : len(row)]
        assert np.isnan(prob[0]) and np.isfinite(prob[1:]).all()
        assert np.isnan(found[place, len(row) :]).all()
        np.testing.assert_allclose(prob, again[place], atol=1e-6)
        if router == "fixed:3":
            assert prob[1:].tolist() == [float(t % 3 == 0) for t in range(1, len(row))]
        if router == "random:0.3":
            assert set(prob[1:].tolist()) == {0.0, 1.0}
    narrow = run_router(model, ids, dtype="bfloat16")
    if router not in ("learned", "one_sided"):
        np.testing.assert_array_equal(narrow, found)
