"""Where a token starts: p, ties, padding, symmetry."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.model.router import BidirectionalRouter


def identity_router(d_model: int) -> BidirectionalRouter:
    router = BidirectionalRouter(d_model)
    with torch.no_grad():
        router.q_proj.weight.copy_(torch.eye(d_model))
        router.k_proj.weight.copy_(torch.eye(d_model))
    return router


def test_angles_by_hand():
    """Same direction p = 0, right angle 1/2 (a tie: no boundary), opposite 1; length is ignored."""
    states = torch.tensor([[[1.0, 0], [3, 0], [0, 2], [0, -1]]])
    out = identity_router(2)(states)
    assert out.prob.tolist() == [[1.0, 0.0, 0.5, 1.0]]
    assert out.is_boundary.tolist() == [[True, False, False, True]]
    assert out.selected_prob.tolist() == [[1.0, 1.0, 0.5, 1.0]]


def test_the_first_base_starts_a_token_whatever_the_weights():
    torch.manual_seed(0)
    out = BidirectionalRouter(8)(torch.randn(5, 1, 8))
    assert out.prob.tolist() == [[1.0]] * 5
    assert bool(out.is_boundary.all())


def test_both_orders_are_averaged():
    torch.manual_seed(1)
    router = BidirectionalRouter(6).double()
    x = torch.randn(1, 2, 6, dtype=torch.float64)
    q = torch.nn.functional.normalize(router.q_proj(x[0]), dim=-1)
    k = torch.nn.functional.normalize(router.k_proj(x[0]), dim=-1)
    expected = (1 - (q[0] @ k[1] + q[1] @ k[0]) / 2) / 2
    torch.testing.assert_close(router(x).prob[0, 1], expected)


def test_padding_is_never_a_boundary():
    states = torch.tensor([[[1.0, 0], [-1, 0], [1, 0], [-1, 0]]])
    mask = torch.tensor([[True, True, False, False]])
    out = identity_router(2)(states, mask)
    assert out.is_boundary.tolist() == [[True, True, False, False]]
    assert out.mask is mask


@settings(max_examples=20, deadline=None)
@given(length=st.integers(2, 30), seed=st.integers(0, 999), shared=st.booleans())
def test_reversed_states_give_reversed_edges(length, seed, shared):
    """Edge t of a window becomes edge L - t, for any weights: the two orders are averaged."""
    torch.manual_seed(seed)
    router = identity_router(5) if shared else BidirectionalRouter(5)
    states = torch.randn(2, length, 5)
    forward, backward = router(states).prob, router(states.flip(1)).prob
    for t in range(1, length):
        torch.testing.assert_close(forward[:, t], backward[:, length - t], atol=1e-6, rtol=0)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_probabilities_are_float32_for_narrow_states(dtype):
    torch.manual_seed(0)
    router, states = BidirectionalRouter(8), torch.randn(1, 9, 8).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = router(states).prob
    assert found.dtype == torch.float32
    assert torch.equal(found, router(states.float()).prob)
