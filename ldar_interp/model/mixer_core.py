"""BiMamba-2 between its projections, sequence by sequence, with a backward pass of its own.

convolution + SiLU -> dt -> scan in both directions -> gate -> norm -> mean of the directions.

On a CPU these steps are bound by memory traffic: written with ordinary autograd over a batch they
spend most of their time in pointwise operations on tensors that fit no cache. Here one sequence
goes through all steps before the next one starts, and nothing but the projected input is kept for
the backward pass, which recomputes the rest. Measured at 8 windows of 1024 bases, see
benchmarks/. `BiMamba2.mix` is the same function in ordinary autograd, and a test compares them.

Notation as in `ssd.py`; a leading 2 is the direction. The factored form only: the caller checks
`fits_factored` first.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ldar_interp.model.config import MAMBA_HEAD_DIM
from ldar_interp.model.ssd import CHUNK, MAX_FACTORED_DECAY

NORM_EPS = 1e-5


@dataclass(slots=True)
class Parameters:
    """What belongs to one direction of a BiMamba-2 layer, stacked (see `BiMamba2`)."""

    conv_weight: Tensor
    conv_bias: Tensor
    A_log: Tensor
    D: Tensor
    dt_bias: Tensor
    norm_weight: Tensor


class MixerCore(torch.autograd.Function):
    """(b, l, f) projected, (b, l) mask or None, parameters -> (b, l, d_inner)."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, mask: Tensor | None, *parameters: Tensor) -> Tensor:
        p = Parameters(*parameters)
        out = projected.new_empty(*projected.shape[:2], p.norm_weight.shape[1])
        for row in range(projected.shape[0]):
            out[row] = _Sequence(projected[row], None if mask is None else mask[row], p).output()
        ctx.save_for_backward(projected, mask, *parameters)
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        projected, mask, *parameters = ctx.saved_tensors
        p = Parameters(*parameters)
        sums = [torch.zeros_like(value) for value in parameters]
        grad = torch.empty_like(projected)
        for row in range(projected.shape[0]):
            sequence = _Sequence(projected[row], None if mask is None else mask[row], p)
            sequence.output()
            for total, part in zip(sums, sequence.backward(grad_out[row], grad[row]), strict=True):
                total += part
        return grad, None, *sums


def fits_factored(projected: Tensor, A_log: Tensor, dt_bias: Tensor) -> bool:
    """False if the decay inside some chunk of CHUNK bases may exceed what float32 factors hold."""
    n_heads = A_log.shape[1]
    with torch.no_grad():
        dt = F.softplus(projected[..., -n_heads:] + dt_bias[:, None, None])
        decay = dt * A_log.exp()[:, None, None]
        fill = -decay.shape[2] % CHUNK
        by_chunk = F.pad(decay, (0, 0, 0, fill)).unflatten(2, (-1, CHUNK)).sum(3)
        return bool((by_chunk <= MAX_FACTORED_DECAY).all())


class _Sequence:
    """One sequence on its way through the layer, with what its backward pass needs."""

    def __init__(self, projected: Tensor, mask: Tensor | None, p: Parameters) -> None:
        self.p = p
        self.length = projected.shape[0]
        self.inner = p.norm_weight.shape[1]
        self.heads = p.A_log.shape[1]
        self.state = (p.conv_bias.shape[1] - self.inner) // 2
        self.mask = mask
        if mask is not None:
            projected = projected * mask[:, None]
        self.z, self.mixed, self.dt_raw = projected.split(
            [self.inner, self.inner + 2 * self.state, self.heads], dim=-1
        )

    def output(self) -> Tensor:
        """(l, d_inner): mean over directions of the gated, normed scan."""
        length, inner, p = self.length, self.inner, self.p
        self.chunk = min(CHUNK, length)
        self.n_chunks = -(-length // self.chunk)
        # Filled up to whole chunks with zeros, which neither write nor forget.
        self.full = self.n_chunks * self.chunk
        self.pre = self._convolve()
        self.act = self.pre.new_zeros(2, self.full, self.pre.shape[-1])
        self.sigmoid = self.pre.sigmoid()
        torch.mul(self.pre, self.sigmoid, out=self.act[:, :length])
        self.dt = self.pre.new_zeros(2, self.full, self.heads)
        self.dt[:, :length] = F.softplus(self.dt_raw + p.dt_bias[:, None])
        if self.mask is not None:
            self.dt[:, :length] *= self.mask[:, None]
        self.rate = -p.A_log.exp()
        x = self.act[..., :inner]
        self.y = self._scan(x)
        skip = p.D.repeat_interleave(MAMBA_HEAD_DIM, dim=1)[:, None]
        self.y_skip = torch.addcmul(self.y, x, skip)[:, :length]
        self.silu_z = F.silu(self.z)
        self.gated = self.y_skip * self.silu_z
        mean_square = torch.linalg.vecdot(self.gated, self.gated).unsqueeze(-1) / inner
        self.inverse = (mean_square + NORM_EPS).rsqrt_()
        self.gated *= self.inverse
        out = self.gated[0] * p.norm_weight[0]
        return out.addcmul_(self.gated[1], p.norm_weight[1]).mul_(0.5)

    def backward(self, grad: Tensor, grad_projected: Tensor) -> tuple[Tensor, ...]:
        """Fill (l, f) `grad_projected`; return gradients in the order of `Parameters`."""
        length, inner, p = self.length, self.inner, self.p
        half = grad * 0.5
        normed = self.gated
        d_norm = (half * normed).sum(1)
        d_normed = half * p.norm_weight[:, None]
        along = torch.linalg.vecdot(d_normed, normed).unsqueeze(-1) / inner
        d_gated = torch.addcmul(d_normed, normed, along, value=-1).mul_(self.inverse)
        d_y = self.act.new_zeros(2, self.full, inner)
        torch.mul(d_gated, self.silu_z, out=d_y[:, :length])
        sigmoid = self.z.sigmoid()
        slope = sigmoid * (1 + self.z * (1 - sigmoid))
        d_z = (d_gated * self.y_skip).sum(0).mul_(slope)

        d_act = torch.empty_like(self.act)
        x = self.act[..., :inner]
        by_head = (2, self.full, self.heads, MAMBA_HEAD_DIM)
        d_D = torch.linalg.vecdot(d_y.view(by_head), x.unflatten(-1, by_head[2:])).sum(1)
        d_x, d_b, d_c, d_dt, d_decay = self._scan_backward(d_y, x)
        skip = p.D.repeat_interleave(MAMBA_HEAD_DIM, dim=1)[:, None]
        torch.addcmul(d_x, d_y, skip, out=d_act[..., :inner])
        d_act[..., inner : inner + self.state] = d_b
        d_act[..., inner + self.state :] = d_c
        d_A_log = (d_decay * self.dt).sum(1) * self.rate
        d_dt = torch.addcmul(d_dt, d_decay, self.rate[:, None])[:, :length]
        if self.mask is not None:
            d_dt = d_dt * self.mask[:, None]
        d_dt = d_dt * (self.dt_raw + p.dt_bias[:, None]).sigmoid()
        d_pre = d_act[:, :length]
        # d silu = sigmoid + silu (1 - sigmoid), with silu at hand.
        silu = self.act[:, :length]
        slope = torch.addcmul(silu + self.sigmoid, silu, self.sigmoid, value=-1)
        d_pre = slope.mul_(d_pre)
        d_weight = self._convolve_backward(d_pre, grad_projected[:, inner : -self.heads])
        grad_projected[:, :inner] = d_z
        grad_projected[:, -self.heads :] = d_dt.sum(0)
        if self.mask is not None:
            grad_projected *= self.mask[:, None]
        return d_weight, d_pre.sum(1), d_A_log, d_D, d_dt.sum(1), d_norm

    def _taps(self) -> list[tuple[int, int, slice, slice]]:
        """(direction, tap, where it writes, where it reads) of the two mirrored convolutions."""
        taps = self.p.conv_weight.shape[2]
        found = []
        for tap in range(taps):
            back = taps - 1 - tap
            if back < self.length:
                here, there = slice(back, None), slice(None, self.length - back)
                found += [(0, tap, here, there), (1, tap, there, here)]
        return found

    def _convolve(self) -> Tensor:
        """Depthwise, causal for direction 0 and mirrored for direction 1, before SiLU."""
        pre = self.p.conv_bias[:, None].repeat(1, self.length, 1)
        for direction, tap, to, source in self._taps():
            weight = self.p.conv_weight[direction, :, tap]
            pre[direction, to].addcmul_(self.mixed[source], weight)
        return pre

    def _convolve_backward(self, d_pre: Tensor, d_mixed: Tensor) -> Tensor:
        d_weight = torch.zeros_like(self.p.conv_weight)
        d_mixed.zero_()
        for direction, tap, to, source in self._taps():
            weight = self.p.conv_weight[direction, :, tap]
            d_mixed[source].addcmul_(d_pre[direction, to], weight)
            d_weight[direction, :, tap] = (d_pre[direction, to] * self.mixed[source]).sum(0)
        return d_weight

    def _scan(self, x: Tensor) -> Tensor:
        """(2, L, d_inner) without the skip term; keeps the chunk products for the backward."""
        inner, heads = self.inner, self.heads
        shape = (2, self.n_chunks, self.chunk)
        a = (self.dt * self.rate[:, None]).view(*shape, heads)
        left = a.cumsum(2)
        total = left[:, :, -1:]
        decay = torch.stack([left[0], total[1] - left[1] + a[1]])
        middle = 0.5 * total
        self.grow = (middle - decay).exp_()
        self.shrink = (decay - middle).exp_()
        self.to_end = (total - middle).exp_()
        self.keep = total.exp()
        self.from_start = middle.exp()
        flat = (2 * self.n_chunks, self.chunk, -1)
        scale = (self.dt.view(*shape, heads) * self.grow)[..., None]
        by_head = (*shape, heads, MAMBA_HEAD_DIM)
        self.weighted = (x.unflatten(-1, by_head[3:]).view(by_head) * scale).view(flat)
        self.b = self.act[..., inner : inner + self.state].reshape(flat)
        self.c = self.act[..., inner + self.state :].reshape(flat)
        self.triangle = self.b.new_ones(self.chunk, self.chunk).tril_()
        self.triangle = torch.stack([self.triangle, self.triangle.T])[:, None]
        self.scores = torch.bmm(self.c, self.b.transpose(1, 2))
        self._masked(self.scores)
        written = torch.bmm(self.b.transpose(1, 2), self.weighted)
        self.written = self._scaled(written, self.to_end)
        self.entering = self._carry(self.written)
        self.carried = self._scaled(self.entering.clone(), self.from_start).flatten(0, 1)
        y = torch.bmm(self.scores, self.weighted).baddbmm_(self.c, self.carried)
        y = y.view(by_head).mul_(self.shrink[..., None])
        return y.view(2, self.full, inner)

    def _scan_backward(
        self, d_y: Tensor, x: Tensor
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Gradients of x, B, C, of dt where it weights x, and of the log-decay a."""
        shape = (2, self.n_chunks, self.chunk)
        by_head = (*shape, self.heads, MAMBA_HEAD_DIM)
        flat = (2 * self.n_chunks, self.chunk, self.inner)
        d_decay = torch.linalg.vecdot(d_y.view(by_head), self.y.view(by_head))
        d_inside = (d_y.view(by_head) * self.shrink[..., None]).view(flat)
        d_scores = torch.bmm(d_inside, self.weighted.transpose(1, 2))
        self._masked(d_scores)
        d_c = torch.bmm(d_scores, self.b).baddbmm_(d_inside, self.carried.transpose(1, 2))
        d_entering = torch.bmm(self.c.transpose(1, 2), d_inside)
        d_entering = self._scaled(d_entering, self.from_start)
        d_written, d_total = self._carry_backward(d_entering)
        d_total += self._head_sums(d_written, self.written)
        d_written = self._scaled(d_written.flatten(0, 1), self.to_end).flatten(0, 1)
        d_weighted = torch.bmm(self.scores.transpose(1, 2), d_inside)
        d_weighted.baddbmm_(self.b, d_written)
        d_b = torch.bmm(d_scores.transpose(1, 2), self.c)
        d_b.baddbmm_(self.weighted, d_written.transpose(1, 2))
        d_weighted = d_weighted.view(by_head)
        x = x.unflatten(-1, by_head[3:]).view(by_head)
        d_dt = torch.linalg.vecdot(d_weighted, x).mul_(self.grow)
        dt = self.dt.view(*shape, self.heads)
        d_decay -= d_dt * dt
        d_x = d_weighted.mul_((dt * self.grow)[..., None])
        # a_k adds to the sums of all positions behind it: i >= k, or i <= k in direction 1.
        running = d_decay.cumsum(2)
        d_a = torch.stack([running[0, :, -1:] - running[0] + d_decay[0], running[1]])
        d_a += d_total.unsqueeze(2)
        full = (2, self.full, -1)
        return d_x.view(full), d_b.view(full), d_c.view(full), d_dt.view(full), d_a.view(full)

    def _masked(self, scores: Tensor) -> None:
        scores.view(2, self.n_chunks, self.chunk, self.chunk).mul_(self.triangle)

    def _scaled(self, states: Tensor, factor: Tensor) -> Tensor:
        """States (2c, n, d) in place times a factor a chunk and head; as (2, c, n, d)."""
        states = states.view(2, self.n_chunks, -1, self.heads, MAMBA_HEAD_DIM)
        return states.mul_(factor.unsqueeze(-1)).flatten(-2)

    def _carry(self, written: Tensor) -> Tensor:
        """State entering each chunk: the one before, decayed, plus what the chunk before wrote."""
        entering = torch.empty_like(written)
        keep = self.keep.repeat_interleave(MAMBA_HEAD_DIM, dim=-1)
        for direction in (0, 1):
            states, writes = entering[direction].unbind(), written[direction].unbind()
            order = range(self.n_chunks) if direction == 0 else range(self.n_chunks - 1, -1, -1)
            factors = keep[direction].unbind()
            states[order[0]].zero_()
            for c, following in pairwise(order):
                torch.addcmul(writes[c], states[c], factors[c], out=states[following])
        return entering

    def _carry_backward(self, d_entering: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of what each chunk writes (2, c, n, d) and of its total decay (2, c, h)."""
        keep = self.keep.repeat_interleave(MAMBA_HEAD_DIM, dim=-1)
        d_written = torch.empty_like(d_entering)
        for direction in (0, 1):
            grads, factors = d_entering[direction].unbind(), keep[direction].unbind()
            order = range(self.n_chunks - 1, -1, -1) if direction == 0 else range(self.n_chunks)
            for following, c in pairwise(order):
                grads[c].addcmul_(grads[following], factors[c])
        # What chunk c writes enters the chunk after it; the last one's goes nowhere.
        d_written[0, :-1], d_written[0, -1] = d_entering[0, 1:], 0
        d_written[1, 1:], d_written[1, 0] = d_entering[1, :-1], 0
        d_total = self._head_sums(d_written, self.entering) * self.keep[:, :, 0]
        return d_written, d_total

    def _head_sums(self, left: Tensor, right: Tensor) -> Tensor:
        """Sum of products over states and channels, by chunk and head: (2, c, h)."""
        product = (left * right).sum(2)
        return product.unflatten(-1, (self.heads, MAMBA_HEAD_DIM)).sum(-1)
