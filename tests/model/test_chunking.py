"""Chunk, dechunk and the two-sided moving average."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.model.chunking import PROB_CLAMP, SMOOTHING_CHUNK, chunk, dechunk, smooth_both_ways
from ldar_interp.model.router import RouterOutput


def routed(prob: torch.Tensor, mask: torch.Tensor | None = None) -> RouterOutput:
    is_boundary = prob > 0.5 if mask is None else (prob > 0.5) & mask
    return RouterOutput(prob, is_boundary, torch.where(is_boundary, prob, 1 - prob), mask)


def smooth_in_a_loop(x: torch.Tensor, prob: torch.Tensor) -> torch.Tensor:
    def one_way(order: range) -> torch.Tensor:
        z, rows = torch.zeros_like(x[:, 0]), {}
        for j in order:
            z = prob[:, j, None] * x[:, j] + (1 - prob[:, j, None]) * z
            rows[j] = z
        return torch.stack([rows[j] for j in range(x.shape[1])], 1)

    length = x.shape[1]
    return 0.5 * (one_way(range(length)) + one_way(range(length - 1, -1, -1)))


@settings(max_examples=15, deadline=None)
@given(
    length=st.sampled_from([1, 2, 5, SMOOTHING_CHUNK, SMOOTHING_CHUNK + 1, 300]),
    low=st.sampled_from([0.0, 0.5, 1 - 1e-4]),
    seed=st.integers(0, 99),
)
def test_smoothing_is_the_loop(length, low, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(2, length, 3, generator=generator, dtype=torch.float64, requires_grad=True)
    prob = low + (1 - low) * torch.rand(2, length, generator=generator, dtype=torch.float64)
    prob = prob.clamp(PROB_CLAMP, 1 - PROB_CLAMP).requires_grad_()
    weights = torch.randn(2, length, 3, generator=generator, dtype=torch.float64)
    found, expected = smooth_both_ways(x, prob), smooth_in_a_loop(x, prob)
    torch.testing.assert_close(found, expected, atol=1e-12, rtol=1e-9)
    ours = torch.autograd.grad((found * weights).sum(), [x, prob])
    theirs = torch.autograd.grad((expected * weights).sum(), [x, prob])
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-7)


def test_smoothing_by_hand():
    """p = 1/2, x = 4, 8: from the left 2, 5; from the right 4, 4; their mean 3, 4.5."""
    found = smooth_both_ways(torch.tensor([[[4.0], [8.0]]]), torch.tensor([[0.5, 0.5]]))
    torch.testing.assert_close(found.flatten(), torch.tensor([3.0, 4.5]))


@pytest.mark.parametrize("length", [1, 17, 200])
def test_chunk_then_dechunk_with_certain_boundaries_is_the_identity(length):
    hidden = torch.randn(2, length, 5, generator=torch.Generator().manual_seed(0))
    decisions = routed(torch.ones(2, length))
    kept = chunk(hidden, decisions)
    assert torch.equal(kept.states, hidden)
    torch.testing.assert_close(dechunk(kept.states, kept), hidden, atol=1e-3, rtol=0)


def test_chunk_keeps_the_states_at_boundaries_in_order():
    hidden = torch.arange(12.0).reshape(2, 6, 1)
    prob = torch.tensor([[1, 0.2, 0.9, 0.5, 0.7, 0.1], [1, 0.1, 0.1, 0.6, 0.9, 0.9]])
    mask = torch.tensor([[True] * 6, [True] * 4 + [False] * 2])
    kept = chunk(hidden, routed(prob, mask))
    assert kept.states[..., 0].tolist() == [[0, 2, 4], [6, 9, 0]]
    torch.testing.assert_close(kept.prob, torch.tensor([[1, 0.9, 0.7], [1, 0.6, 0]]))
    assert kept.mask is not None
    assert kept.mask.tolist() == [[True] * 3, [True, True, False]]
    assert kept.chunk_of.tolist() == [[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 1]]


def test_every_base_takes_the_value_of_its_chunk():
    prob = torch.tensor([[1, 0.1, 0.1, 0.8, 0.2]])
    kept = chunk(torch.randn(1, 5, 2), routed(prob))
    assert kept.mask is None
    spread = dechunk(torch.tensor([[[1.0, 2.0], [3.0, 5.0]]]), kept)
    assert torch.equal(spread[0, 0], spread[0, 1])
    assert torch.equal(spread[0, 0], spread[0, 2])
    assert torch.equal(spread[0, 3], spread[0, 4])
    p = prob[0, [0, 3]].double().clamp(PROB_CLAMP, 1 - PROB_CLAMP)[None]
    expected = smooth_in_a_loop(torch.tensor([[[1.0, 2.0], [3.0, 5.0]]]).double(), p)
    torch.testing.assert_close(spread[0, [0, 3]].double(), expected[0], atol=1e-6, rtol=0)


def test_dechunk_is_float32_in_bfloat16():
    """In bfloat16 the moving average collapses."""
    generator = torch.Generator().manual_seed(0)
    prob = torch.rand(1, 300, generator=generator) * 0.4 + 0.55
    kept = chunk(torch.randn(1, 300, 2, generator=generator), routed(prob))
    states = kept.states.bfloat16()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = dechunk(states, kept)
    assert found.dtype == torch.float32
    assert torch.equal(found, dechunk(states.float(), kept))
