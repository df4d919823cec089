"""The short depthwise convolution and SiLU of BiMamba-2, for both directions.

Direction 0 is causal (taps on the base and the ones before it), direction 1 its mirror image. On a
CPU torch runs a channels-last 2-D convolution in one pass over memory, where one multiply-add a
tap takes four; its own backward of a depthwise convolution is slow, so the transposed convolution
is written here as a convolution again. Only the input is saved: the rest is computed anew.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def convolve_both_ways(
    mixed: Float[Tensor, "b l c"], weight: Float[Tensor, "2 c k"], bias: Float[Tensor, "2 c"]
) -> Float[Tensor, "2 b l c"]:
    """SiLU of the causal convolution (0) and of its mirror image (1).

    The last tap sits on the base itself in both directions; beyond the ends are zeros.
    """
    return _ConvolveSiLU.apply(mixed, weight, bias)


class _ConvolveSiLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mixed: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(mixed, weight, bias)
        out = mixed.new_empty(2, *mixed.shape)
        padded = _pad(mixed, weight)
        for direction in (0, 1):
            pre = _convolve(padded, weight[direction], bias[direction], mirrored=direction == 1)
            torch.ops.aten.silu.out(pre, out=out[direction])
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mixed, weight, bias = ctx.saved_tensors
        taps, length = weight.shape[-1], mixed.shape[1]
        padded = _pad(mixed, weight)
        d_mixed = torch.zeros_like(mixed)
        d_weight, d_bias = torch.empty_like(weight), torch.empty_like(bias)
        for d in (0, 1):
            pre = _convolve(padded, weight[d], bias[d], mirrored=d == 1)
            sigmoid = pre.sigmoid()
            # d silu(x) = s (1 + x (1 - s)) = s + x s - x s^2
            slope = pre.mul_(sigmoid)
            slope = slope.addcmul_(slope, sigmoid, value=-1).add_(sigmoid)
            d_pre = slope.mul_(grad[d])
            # The transpose of a causal convolution is the mirrored one with the same taps.
            d_mixed += _convolve(_pad(d_pre, weight), weight[d], None, mirrored=d == 0)
            for tap in range(taps):
                start = tap if d == 0 else 2 * (taps - 1) - tap
                product = d_pre * padded[:, start : start + length]
                d_weight[d, :, tap] = product.sum((0, 1))
            d_bias[d] = d_pre.sum((0, 1))
        return d_mixed, d_weight, d_bias


def _pad(x: Tensor, weight: Tensor) -> Tensor:
    """Room for the taps on either side of (b, l, c), for both directions."""
    reach = weight.shape[-1] - 1
    return F.pad(x, (0, 0, reach, reach))


def _convolve(padded: Tensor, weight: Tensor, bias: Tensor | None, *, mirrored: bool) -> Tensor:
    """(b, l, c) from its padded form and (c, k) taps, depthwise."""
    reach = weight.shape[1] - 1
    rows = padded[:, reach:] if mirrored else padded[:, : padded.shape[1] - reach]
    taps = weight.flip(1) if mirrored else weight
    kernel = taps[:, None, None].contiguous(memory_format=torch.channels_last)
    # (b, c, 1, l) with channels innermost in memory: a view, not a copy.
    image = rows.transpose(1, 2)[:, :, None]
    out = F.conv2d(image, kernel, bias, groups=weight.shape[0])
    return out[:, :, 0].transpose(1, 2)
