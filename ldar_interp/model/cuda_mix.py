"""BiMamba-2 between its projections with kernels: one convolution, one scan for both directions.

The scan kernel runs left to right and takes any number of heads, and groups of heads that share
B and C. So the two directions are two groups of heads of one causal scan: heads 0..h-1 read the
sequence as it is, heads h..2h-1 read it reversed. All parameters then belong to heads or channels
and one launch does both. What it costs:

- one reversed copy of the convolution's input. The input is laid out as
  `x, reversed x, B, reversed B, C, reversed C` along the channels, so that one causal depthwise
  convolution serves both directions and its output is cut into the scan's arguments without
  another copy: x as (b, l, 2h, p), B and C as (b, l, 2, n);
- one reversal of the second half of the result, of width d_inner. The gate z, the norm and
  everything else stay in natural order.

The alternative, the second direction as the transpose of a causal scan, needs no reversal but the
kernel's backward pass as its forward pass, and so a second derivative that the kernel lacks.

Padding is exact without segment ids: reversed, pads come first; their inputs are zero, which is
what the convolution sees beyond an end, and dt = 0 makes the scan neither write nor forget there,
whatever the convolution's bias put into x.

Precision: x, B, C and z keep the dtype that `in_proj` gave (bfloat16 under autocast, else float32)
and the kernels add up in float32. dt, its softplus, A and D are float32 always. In float32 the
kernels' matrix products use TF32 unless TRITON_F32_DEFAULT=ieee is set.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from ldar_interp.errors import InputError
from ldar_interp.model.kernels import load_fused_convolution, load_triton_kernels

SCAN_CHUNK = 128
# Offsets inside the kernels are 32-bit.
MAX_ELEMENTS = 2**31
# causal-conv1d reads 16 bytes at a time from channels-last input.
CONVOLUTION_ALIGNMENT = 8
CONVOLUTION_TAPS = (2, 3, 4)


def mix_with_kernels(
    projected: Float[Tensor, "b l f"],
    mask: Bool[Tensor, "b l"] | None,
    *,
    conv_weight: Float[Tensor, "2 c k"],
    conv_bias: Float[Tensor, "2 c"],
    a_log: Float[Tensor, "2 h"],
    skip: Float[Tensor, "2 h"],
    dt_bias: Float[Tensor, "2 h"],
    norm_weight: Float[Tensor, "2 e"],
    eps: float,
) -> Float[Tensor, "b l e"]:
    """Mean of both directions' gated and normalised outputs, from `in_proj`'s output.

    Parameters
    ----------
    projected : z (e), x (e), B (n), C (n), dt (h) along the last axis; float32 or bfloat16.
    mask : True on real positions, right-padded; None means that all are.
    conv_weight, conv_bias, a_log, skip, dt_bias, norm_weight : parameters, direction 0 first.
    eps : of the RMSNorm.

    Returns
    -------
    The dtype of `projected`. Values on padding are finite and mean nothing.

    Raises
    ------
    InputError : the batch is too large for the kernels' 32-bit offsets.
    DeviceError : the kernels cannot be imported.
    """
    inner, heads = norm_weight.shape[1], a_log.shape[1]
    state = (conv_weight.shape[1] - inner) // 2
    wide = torch.promote_types(projected.dtype, torch.float32)
    _check_size(projected.shape[0], projected.shape[1], inner, state)
    if mask is not None:
        projected = projected * mask[..., None]
    z, mixed, dt = projected.split([inner, inner + 2 * state, heads], dim=-1)
    parts = [inner, state, state]
    both = _convolve(
        _lay_out(mixed, mixed.flip(1), parts),
        _lay_out(conv_weight[0].T, conv_weight[1].T, parts).T,
        _lay_out(conv_bias[0], conv_bias[1], parts),
    )
    x, b_in, c_out = both.split([2 * part for part in parts], dim=-1)
    y = scan_with_kernels(
        x.unflatten(-1, (2 * heads, inner // heads)),
        _step_sizes(dt.to(wide), dt_bias, mask),
        -a_log.to(wide).exp(),
        b_in.unflatten(-1, (2, state)),
        c_out.unflatten(-1, (2, state)),
        skip.to(wide),
    )
    forward, reverse = y.flatten(-2).split(inner, dim=-1)
    gated_norm = load_triton_kernels().gated_norm
    outputs = [
        # Half of each direction's weight: the sum is the mean.
        gated_norm(y, 0.5 * weight, None, z=z, eps=eps, norm_before_gate=False)
        for y, weight in zip((forward, reverse.flip(1)), norm_weight, strict=True)
    ]
    return outputs[0] + outputs[1]


def scan_with_kernels(
    x: Float[Tensor, "b l g p"],
    dt: Float[Tensor, "b l g"],
    rate: Float[Tensor, "2 h"],
    b_in: Float[Tensor, "b l 2 n"],
    c_out: Float[Tensor, "b l 2 n"],
    skip: Float[Tensor, "2 h"],
) -> Float[Tensor, "b l g p"]:
    """S_t = exp(rate dt_t) S_{t-1} + dt_t x_t B_t^T and y_t = S_t C_t + skip x_t, both directions.

    g = 2h heads, those of direction 0 first; what belongs to direction 1 is given, and comes back,
    reversed in time. `rate` is A <= 0. dt, rate and skip are float32.
    """
    scan = load_triton_kernels().scan
    return scan(x, dt, rate.flatten(), b_in, c_out, SCAN_CHUNK, D=skip.flatten())


def _lay_out(forward: Tensor, reverse: Tensor, parts: list[int]) -> Tensor:
    """Channels (last axis) of both directions interleaved by part: x, x', B, B', C, C'."""
    pairs = zip(forward.split(parts, dim=-1), reverse.split(parts, dim=-1), strict=True)
    return torch.cat([part for pair in pairs for part in pair], dim=-1)


def _step_sizes(
    dt: Float[Tensor, "b l h"], dt_bias: Float[Tensor, "2 h"], mask: Bool[Tensor, "b l"] | None
) -> Float[Tensor, "b l g"]:
    """softplus(dt + bias), 0 on padding, direction 1 reversed."""
    both = F.softplus(torch.cat([dt, dt.flip(1)], dim=-1) + dt_bias.flatten())
    if mask is None:
        return both
    real = torch.stack([mask, mask.flip(1)], dim=-1)
    return both * real.repeat_interleave(dt.shape[-1], dim=-1)


def _convolve(
    x: Float[Tensor, "b l c"], weight: Float[Tensor, "c k"], bias: Float[Tensor, " c"]
) -> Float[Tensor, "b l c"]:
    """SiLU of a causal depthwise convolution, the last tap on the base itself."""
    fused = load_fused_convolution() if x.is_cuda else None
    is_aligned = not any(step % CONVOLUTION_ALIGNMENT for step in x.stride()[:2])
    if fused is not None and is_aligned and weight.shape[1] in CONVOLUTION_TAPS:
        # Channels-last: the transposed view of a contiguous (b, l, c).
        y = fused(x.transpose(1, 2), weight.contiguous(), bias, activation="silu")
        return y.transpose(1, 2)
    return _convolve_portably(x, weight, bias)


def _convolve_portably(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """The same by one multiply-add a tap, added up in float32 or wider."""
    length, taps = x.shape[1], weight.shape[1]
    wide = torch.promote_types(x.dtype, torch.float32)
    padded = F.pad(x, (0, 0, taps - 1, 0))
    total = bias.to(wide)
    for tap in range(taps):
        total = total + padded[:, tap : tap + length] * weight[:, tap].to(wide)
    return F.silu(total).to(x.dtype)


def _check_size(batch: int, length: int, inner: int, state: int) -> None:
    chunks = -(-length // SCAN_CHUNK)
    largest = 2 * batch * max(length * (inner + 2 * state), chunks * inner * state)
    if largest >= MAX_ELEMENTS:
        raise InputError(
            f"a batch of {batch} x {length} positions makes a tensor of {largest} elements in the "
            f"CUDA scan; wanted fewer than {MAX_ELEMENTS}: use a smaller batch"
        )
