"""BiMamba-2 between its projections on a CPU: compiled passes around matrix products.

The same function as `BiMamba2._mix` in torch, in float32. Sequences are worked on a few at a time,
so that what one pass writes is still in the cache when the next one reads it. For the backward
pass the states that enter each chunk and the scan's output are kept; convolution, SiLU and C B^T
are computed again.

Matrix products by direction and base, with chunk Q, state n and width e, in multiply-adds: forward
Q (n + e) + 2 n e; backward twice that and Q n again. `ssd_factored` has the algebra.
"""

import functools
import logging
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ldar_interp.model import cpu_kernels, cpu_kernels_back
from ldar_interp.model.compiled import is_kept
from ldar_interp.model.ssd import CHUNK, MAX_FACTORED_DECAY
from ldar_interp.model.ssd_factored import mask_scores

_log = logging.getLogger(__name__)

# Of the scan, in bases: shorter where the decay over a longer one leaves the range of its factors.
CHUNKS = (CHUNK, CHUNK // 4, CHUNK // 16)
# Bases worked on at once: what they need stays within a few MB.
TILE = 1024


@dataclass(frozen=True, slots=True)
class MixerShape:
    """Widths that the passes need, the chunk of the scan in bases, and the norm's epsilon."""

    inner: int
    state: int
    heads: int
    chunk: int
    eps: float

    @property
    def offset_dt(self) -> int:
        """Column of `projected` where dt starts: behind z, x, B and C."""
        return 2 * self.inner + 2 * self.state

    @property
    def head_size(self) -> int:
        """Channels of a head."""
        return self.inner // self.heads


@dataclass(frozen=True, slots=True)
class Decays:
    """Step sizes and decay factors of whole sequences; see `cpu_kernels.decays`."""

    dt: Float[Tensor, "2 b l h"]
    into: Float[Tensor, "2 b l h"]
    out_of: Float[Tensor, "2 b l h"]
    half: Float[Tensor, "2 b c h"]
    lowest: float


def compute_decays(
    projected: Float[Tensor, "b l f"],
    lengths: Int[Tensor, " b"],
    rate: Float[Tensor, "2 h"],
    dt_bias: Float[Tensor, "2 h"],
    shape: MixerShape,
) -> Decays:
    """The result's `lowest` says whether its factors are within float32."""
    batch, length, _ = projected.shape
    n_chunks = -(-length // shape.chunk)
    dt, into, out_of = (
        torch.empty(2, batch, n_chunks * shape.chunk, shape.heads) for _ in range(3)
    )
    half = torch.empty(2, batch, n_chunks, shape.heads)
    lowest = cpu_kernels.decays(
        *_views(projected), shape.offset_dt, *_views(lengths, rate, dt_bias.clone()), shape.chunk,
        *_views(dt, into, out_of, half),
    )  # fmt: skip
    return Decays(dt, into, out_of, half, lowest)


def mix_compiled(
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
) -> Float[Tensor, "b l e"] | None:
    """Gated, normalised mean of both directions; zero on padding.

    None where even the shortest chunks decay beyond the range of the factors. `projected` has the
    columns of `cpu_kernels`, float32. `mask` is True on real bases, which come first.
    """
    _say_if_it_compiles()
    batch, length, _ = projected.shape
    inner = norm_weight.shape[1]
    state = (conv_weight.shape[1] - inner) // 2
    lengths = torch.full((batch,), length) if mask is None else mask.sum(1)
    rate = a_log.exp()
    for chunk in CHUNKS:
        shape = MixerShape(inner, state, a_log.shape[1], min(chunk, length), eps)
        decays = compute_decays(projected, lengths, rate, dt_bias, shape)
        if decays.lowest >= -MAX_FACTORED_DECAY:
            break
    else:
        return None
    out: Tensor = _Mix.apply(
        projected, conv_weight, conv_bias, a_log, skip, dt_bias, norm_weight,
        lengths, decays, shape, torch.is_grad_enabled(),
    )  # fmt: skip
    return out


@functools.cache
def _say_if_it_compiles() -> None:
    if not is_kept(cpu_kernels.convolve):
        _log.warning(
            "compiling the passes for this CPU, once: about 20 s, and as much for training"
        )


class _Mix(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, conv_weight: Tensor, conv_bias: Tensor, a_log: Tensor,
        skip: Tensor, dt_bias: Tensor, norm_weight: Tensor,
        lengths: Tensor, decays: Decays, shape: MixerShape, with_gradient: bool,
    ) -> Tensor:  # fmt: skip
        projected = projected.contiguous()
        taps = conv_weight.transpose(1, 2).contiguous()
        # Copies: memory that numpy has seen cannot be freed by its owner, as FSDP does.
        conv_bias, skip, dt_bias, norm_weight = (
            t.detach().clone() for t in (conv_bias, skip, dt_bias, norm_weight)
        )
        batch, length, _ = projected.shape
        out = projected.new_empty(batch, length, shape.inner)
        keeps = with_gradient and any(ctx.needs_input_grad)
        kept = []
        for rows in _tiles(batch, decays.dt.shape[2]):
            act, weighted, scores = _convolve(
                projected[rows], lengths[rows], taps, conv_bias, decays.into[:, rows], shape
            )
            b_in, c_out = _matrices(act, shape)
            states = (2, -1, decays.half.shape[2], shape.state, shape.inner)
            written = torch.bmm(b_in.mT, weighted.view(-1, shape.chunk, shape.inner))
            entering = torch.empty_like(written)
            half = decays.half[:, rows].contiguous()
            cpu_kernels.carry(
                *_views(written.view(states), half), shape.head_size, *_views(entering.view(states))
            )
            inner_y = torch.bmm(scores, weighted.view(-1, shape.chunk, shape.inner))
            torch.baddbmm(inner_y, c_out, entering, out=inner_y)
            cpu_kernels.gate(
                *_views(
                    projected[rows], lengths[rows], act, inner_y.view(weighted.shape),
                    decays.out_of[:, rows].contiguous(), skip, norm_weight,
                ), np.float32(shape.eps), shape.head_size, *_views(out[rows]),
            )  # fmt: skip
            if keeps:
                kept += [entering, inner_y]
        if keeps:
            ctx.save_for_backward(
                projected, lengths, taps, conv_bias, a_log, skip, dt_bias, norm_weight, *kept
            )
            ctx.decays, ctx.shape = decays, shape
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        # Who calls backward under autocast means the forward pass only.
        with torch.autocast("cpu", enabled=False):
            return _Mix._backward(ctx, grad)

    @staticmethod
    def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        projected, lengths, taps, conv_bias, a_log, skip, dt_bias, norm_weight, *kept = (
            ctx.saved_tensors
        )
        decays, shape = ctx.decays, ctx.shape
        chunk, inner, size = shape.chunk, shape.inner, shape.head_size
        grad = grad.contiguous()
        rate = a_log.exp()
        # Columns beyond dt, which have no meaning, keep their zeros.
        d_projected = torch.empty_like(projected)
        d_projected[..., shape.offset_dt + shape.heads :] = 0
        sums = [torch.zeros_like(t, dtype=torch.float64) for t in
                (taps, conv_bias, a_log, skip, dt_bias, norm_weight)]  # fmt: skip
        d_taps, d_conv_bias, d_a_log, d_skip, d_dt_bias, d_norm = sums
        for rows in _tiles(len(projected), decays.dt.shape[2]):
            entering, inner_y = kept[:2]
            kept = kept[2:]
            tile, real, d_tile = projected[rows], lengths[rows], d_projected[rows]
            dt, into, out_of, half = (
                t[:, rows].contiguous()
                for t in (decays.dt, decays.into, decays.out_of, decays.half)
            )
            act, weighted, scores = _convolve(tile, real, taps, conv_bias, into, shape)
            b_in, c_out = _matrices(act, shape)
            d_inner, d_x = torch.empty_like(weighted), torch.empty_like(weighted)
            gained, spent, d_dt = (torch.empty_like(dt) for _ in range(3))
            cpu_kernels_back.gate_back(
                *_views(
                    grad[rows], tile, real, act, inner_y.view(weighted.shape), out_of, skip,
                    norm_weight,
                ), np.float32(shape.eps), size,
                *_views(d_tile, d_inner, d_x, gained, d_skip, d_norm),
            )  # fmt: skip
            flat = (-1, chunk, inner)
            x_flat, d_flat = weighted.view(flat), d_inner.view(flat)
            d_weighted = torch.bmm(scores.mT, d_flat)
            d_scores = mask_scores(torch.bmm(d_flat, x_flat.mT))
            d_c = torch.bmm(d_scores, b_in)
            torch.baddbmm(d_c, d_flat, entering.mT, out=d_c)
            d_entering = torch.bmm(c_out.mT, d_flat)
            d_written, d_half = torch.empty_like(d_entering), torch.empty_like(half)
            states = (2, -1, half.shape[2], shape.state, inner)
            cpu_kernels_back.carry_back(
                *_views(d_entering.view(states), entering.view(states), half), size,
                *_views(d_written.view(states), d_half),
            )  # fmt: skip
            d_b = torch.bmm(d_scores.mT, c_out)
            torch.baddbmm(d_b, x_flat, d_written.mT, out=d_b)
            torch.baddbmm(d_weighted, b_in, d_written, out=d_weighted)
            narrow = (*weighted.shape[:3], shape.state)
            cpu_kernels_back.convolve_back(
                *_views(tile), inner, *_views(real, taps, conv_bias, into, out_of), size,
                *_views(
                    act, weighted, d_weighted.view(weighted.shape), d_x, d_b.view(narrow),
                    d_c.view(narrow), d_tile, spent, d_dt, torch.empty(1, *act.shape[2:]),
                    d_taps, d_conv_bias,
                ),
            )  # fmt: skip
            cpu_kernels_back.decays_back(
                *_views(gained, spent, d_dt, d_half, dt, rate, tile), shape.offset_dt,
                *_views(dt_bias, real), chunk, *_views(d_tile, d_a_log, d_dt_bias),
            )  # fmt: skip
        d_taps, d_conv_bias, d_a_log, d_skip, d_dt_bias, d_norm = (s.float() for s in sums)
        return (
            d_projected, d_taps.transpose(1, 2), d_conv_bias, d_a_log, d_skip, d_dt_bias, d_norm,
            None, None, None, None,
        )  # fmt: skip


def _tiles(batch: int, length: int) -> list[slice]:
    """Sequences in groups of about TILE bases, at least one."""
    rows = max(1, TILE // length)
    return [slice(at, min(at + rows, batch)) for at in range(0, batch, rows)]


def _views(*tensors: Tensor) -> list[np.ndarray[Any, Any]]:
    """The same memory as numpy arrays."""
    return [tensor.detach().numpy() for tensor in tensors]


def _convolve(
    tile: Tensor, lengths: Tensor, taps: Tensor, bias: Tensor, into: Tensor, shape: MixerShape
) -> tuple[Tensor, Tensor, Tensor]:
    """silu of both convolutions (2, r, l, x|B|C), x into (2, r, l, e), masked C B^T (g, Q, Q)."""
    filled = into.shape[2]
    act = tile.new_empty(2, len(tile), filled, shape.inner + 2 * shape.state)
    weighted = tile.new_empty(2, len(tile), filled, shape.inner)
    cpu_kernels.convolve(
        *_views(tile), shape.inner, *_views(lengths, taps, bias, into.contiguous()),
        shape.head_size, *_views(act, weighted),
    )  # fmt: skip
    b_in, c_out = _matrices(act, shape)
    return act, weighted, mask_scores(torch.bmm(c_out, b_in.mT))


def _matrices(act: Tensor, shape: MixerShape) -> tuple[Tensor, Tensor]:
    """B and C by chunk (g, Q, n): views of the convolution's output."""
    by_chunk = act.view(-1, shape.chunk, act.shape[-1])
    return by_chunk[..., shape.inner : -shape.state], by_chunk[..., -shape.state :]
