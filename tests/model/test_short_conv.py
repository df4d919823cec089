"""Both convolutions and their hand-written backward pass against torch's own, in float64."""

import pytest
import torch
import torch.nn.functional as F

from ldar_interp.model.short_conv import convolve_both_ways


def reference(mixed, weight, bias):
    """Causal Conv1d for direction 0; flip, convolve, flip for direction 1."""

    def causal(x, d):
        padded = F.pad(x.mT, (weight.shape[-1] - 1, 0))
        return F.conv1d(padded, weight[d][:, None], bias[d], groups=weight.shape[1]).mT

    return F.silu(torch.stack([causal(mixed, 0), causal(mixed.flip(1), 1).flip(1)]))


@pytest.mark.parametrize(("batch", "length", "taps"), [(1, 1, 4), (2, 3, 4), (3, 50, 4), (2, 9, 2)])
def test_values_and_gradients(batch, length, taps):
    generator = torch.Generator().manual_seed(length)

    def draw(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()

    inputs = (draw(batch, length, 6), draw(2, 6, taps), draw(2, 6))
    weights = draw(2, batch, length, 6).detach()
    expected, found = reference(*inputs), convolve_both_ways(*inputs)
    torch.testing.assert_close(found, expected)
    ours = torch.autograd.grad((found * weights).sum(), inputs)
    theirs = torch.autograd.grad((expected * weights).sum(), inputs)
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b)
