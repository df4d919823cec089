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
        return F.silu(_both(mixed, weight, bias), inplace=True)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mixed, weight, bias = ctx.saved_tensors
        pre = _both(mixed, weight, bias)
        sigmoid = pre.sigmoid()
        # d silu(x) = s (1 + x (1 - s)) = s + x s - x s^2
        slope = pre.mul_(sigmoid)
        slope.addcmul_(slope, sigmoid, value=-1).add_(sigmoid)
        d_pre = slope.mul_(grad)
        d_mixed = torch.empty_like(mixed)
        d_weight = torch.empty_like(weight)
        taps, length = weight.shape[-1], mixed.shape[1]
        padded = F.pad(mixed, (0, 0, taps - 1, taps - 1))
        for direction in (0, 1):
            # The transpose of a causal convolution is the mirrored one with the same taps.
            part = _convolve(d_pre[direction], weight[direction], None, mirrored=direction == 0)
            if direction == 0:
                d_mixed.copy_(part)
            else:
                d_mixed += part
            for tap in range(taps):
                start = tap if direction == 0 else 2 * (taps - 1) - tap
                product = d_pre[direction] * padded[:, start : start + length]
                d_weight[direction, :, tap] = product.sum((0, 1))
        return d_mixed, d_weight, d_pre.sum((1, 2))


def _both(mixed: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    return torch.stack([_convolve(mixed, weight[d], bias[d], mirrored=d == 1) for d in (0, 1)])


def _convolve(x: Tensor, weight: Tensor, bias: Tensor | None, *, mirrored: bool) -> Tensor:
    """(b, l, c) depthwise with (c, k) taps, zeros beyond the ends."""
    reach = weight.shape[1] - 1
    padded = F.pad(x, (0, 0, 0, reach) if mirrored else (0, 0, reach, 0))
    taps = weight.flip(1) if mirrored else weight
    kernel = taps[:, None, None].contiguous(memory_format=torch.channels_last)
    # (b, c, 1, l) with channels innermost in memory: a view, not a copy.
    image = padded.transpose(1, 2)[:, :, None]
    out = F.conv2d(image, kernel, bias, groups=weight.shape[0])
    return out[:, :, 0].transpose(1, 2)
