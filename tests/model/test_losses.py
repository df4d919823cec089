"""Masked-language-model and ratio loss."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ldar_interp.model.losses import IGNORE, mlm_loss, ratio_loss, total_ratio_loss
from ldar_interp.model.router import RouterOutput


def routed(prob, is_boundary, mask=None) -> RouterOutput:
    prob = torch.as_tensor(prob, dtype=torch.float64)
    is_boundary = torch.as_tensor(is_boundary)
    mask = None if mask is None else torch.as_tensor(mask)
    return RouterOutput(prob, is_boundary, prob, mask)


@pytest.mark.parametrize("n", [2, 4, 5, 10])
def test_ratio_is_one_at_the_target(n):
    """F = G = 1/N."""
    out = routed(torch.full((1, n), 1 / n), [[True] + [False] * (n - 1)])
    assert ratio_loss(out, float(n)).item() == pytest.approx(1.0)


@given(f=st.integers(0, 8), g=st.floats(0, 1), n=st.floats(1.5, 10))
def test_ratio_formula(f, g, n):
    out = routed(torch.full((2, 4), g), (torch.arange(8) < f).view(2, 4))
    fraction = f / 8
    expected = ((1 - fraction) * (1 - g) + (n - 1) * fraction * g) * n / (n - 1)
    assert ratio_loss(out, n).item() == pytest.approx(expected, abs=1e-6)


def test_gradient_goes_through_the_mean_probability_only():
    """d/dG = ((N-1) F - (1-F)) N/(N-1), spread evenly: F = 1/2, N = 4 gives 4/3 over 4 bases."""
    prob = torch.full((1, 4), 0.3, dtype=torch.float64, requires_grad=True)
    is_boundary = torch.tensor([[True, True, False, False]])
    loss = ratio_loss(RouterOutput(prob, is_boundary, prob, None), 4.0)
    loss.backward()
    torch.testing.assert_close(prob.grad, torch.full_like(prob, 1 / 3))


def test_padding_is_left_out_and_the_batch_is_pooled():
    mask = [[True] * 4, [True, True, False, False]]
    padded = routed(
        [[1, 0.2, 0.2, 0.6], [1, 0.4, 0.9, 0.9]],
        [[True, False, False, True], [True, False, False, False]],
        mask,
    )
    pooled = routed([[1, 0.2, 0.2, 0.6, 1, 0.4]], [[True, False, False, True, True, False]])
    assert ratio_loss(padded, 4.0).item() == pytest.approx(ratio_loss(pooled, 4.0).item())


def test_stages_are_summed_with_their_own_target():
    outer, inner = routed([[1, 0.1]], [[True, False]]), routed([[1.0]], [[True]])
    total = total_ratio_loss((outer, inner), (4.0, 2.0)).item()
    assert total == pytest.approx(ratio_loss(outer, 4.0).item() + ratio_loss(inner, 2.0).item())
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        total_ratio_loss((outer, inner), (4.0,))


def test_mlm_averages_over_targets_only():
    logits = torch.zeros(1, 3, 7)
    logits[0, 1, 2] = 5.0
    labels = torch.tensor([[IGNORE, 2, 3]])
    at_1 = math.log(6 + math.exp(5)) - 5
    assert mlm_loss(logits, labels).item() == pytest.approx((at_1 + math.log(7)) / 2, rel=1e-6)


def test_no_targets_is_zero_with_zero_gradient():
    logits = torch.randn(1, 3, 7, requires_grad=True)
    loss = mlm_loss(logits, torch.full((1, 3), IGNORE))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(logits.grad, torch.zeros_like(logits))
