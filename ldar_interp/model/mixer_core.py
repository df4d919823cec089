"""BiMamba-2 between its projections, one sequence and one direction at a time.

convolution + SiLU -> dt -> scan -> skip -> gate -> norm, summed over the two directions.

On a CPU these steps are bound by memory traffic: in ordinary autograd over a batch they spend most
of their time in pointwise operations on tensors that fit no cache, and in page faults of freshly
allocated ones. Here one sequence goes through all steps before the next one starts, in place
where nothing is kept, and only the projected input is saved: the backward pass recomputes the
rest. `BiMamba2.mix_plainly` is the same function in ordinary autograd, and a test compares them.

Notation as in `ssd.py`. The factored form only: the caller checks `fits_factored` first.
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


@dataclass(frozen=True, slots=True)
class Direction:
    """Parameters of one direction of a BiMamba-2 layer: (c, taps), (c,), (h,) x 3, (d_inner,)."""

    conv_weight: Tensor
    conv_bias: Tensor
    A_log: Tensor
    D: Tensor
    dt_bias: Tensor
    norm_weight: Tensor


class MixerCore(torch.autograd.Function):
    """(b, l, f) projected, (b, l) mask or None, parameters stacked by direction -> (b, l, d)."""

    @staticmethod
    def forward(ctx: Any, projected: Tensor, mask: Tensor | None, *parameters: Tensor) -> Tensor:
        ctx.save_for_backward(projected, mask, *parameters)
        directions = [Direction(*(value[d] for value in parameters)) for d in (0, 1)]
        out = projected.new_zeros(*projected.shape[:2], parameters[-1].shape[-1])
        for row in range(projected.shape[0]):
            sequence = _Sequence(projected[row], None if mask is None else mask[row], directions[0])
            for d in (0, 1):
                _Pass(sequence, directions[d], is_reverse=d == 1).add_to(out[row])
        return out

    @staticmethod
    def backward(ctx: Any, grad_out: Tensor) -> tuple[Tensor | None, ...]:
        projected, mask, *parameters = ctx.saved_tensors
        directions = [Direction(*(value[d] for value in parameters)) for d in (0, 1)]
        sums = [torch.zeros_like(value) for value in parameters]
        grad = torch.zeros_like(projected)
        for row in range(projected.shape[0]):
            row_mask = None if mask is None else mask[row]
            sequence = _Sequence(projected[row], row_mask, directions[0])
            for d in (0, 1):
                parts = _Pass(sequence, directions[d], is_reverse=d == 1).backward(
                    grad_out[row], grad[row]
                )
                for total, part in zip(sums, parts, strict=True):
                    total[d] += part
            if row_mask is not None:
                grad[row] *= row_mask[:, None]
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
    """What both directions read of one sequence: (l, f) split, padded to whole chunks."""

    def __init__(self, projected: Tensor, mask: Tensor | None, sizes: Direction) -> None:
        self.length = projected.shape[0]
        self.inner = sizes.norm_weight.shape[0]
        self.heads = sizes.A_log.shape[0]
        self.state = (sizes.conv_bias.shape[0] - self.inner) // 2
        self.mask = mask
        if mask is not None:
            projected = projected * mask[:, None]
        self.z, mixed, self.dt_raw = projected.split(
            [self.inner, self.inner + 2 * self.state, self.heads], dim=-1
        )
        self.silu_z = F.silu(self.z)
        self.chunk = min(CHUNK, self.length)
        self.n_chunks = -(-self.length // self.chunk)
        self.full = self.n_chunks * self.chunk
        # Both convolutions read from one buffer with room on either side.
        self.reach = sizes.conv_weight.shape[1] - 1
        self.mixed = mixed.new_zeros(self.full + 2 * self.reach, mixed.shape[1])
        self.mixed[self.reach : self.reach + self.length] = mixed


class _Pass:
    """One direction of one sequence, with what its backward pass needs."""

    def __init__(self, sequence: _Sequence, p: Direction, *, is_reverse: bool) -> None:
        self.s = sequence
        self.p = p
        self.is_reverse = is_reverse
        order = range(sequence.n_chunks)
        self.order = order[::-1] if is_reverse else order
        self.by_head = (sequence.n_chunks, sequence.chunk, sequence.heads, MAMBA_HEAD_DIM)
        self.skip = p.D.repeat_interleave(MAMBA_HEAD_DIM)
        self.rate = -p.A_log.exp()

    def add_to(self, out: Tensor) -> None:
        """Add half of this direction's gated and normed output to (l, d_inner) `out`."""
        s = self.s
        act = F.silu(self._convolve(s.mixed, self.p.conv_weight, self.is_reverse), inplace=True)
        gated = self._scan(act).addcmul_(act[:, : s.inner], self.skip)[: s.length]
        gated *= s.silu_z
        gated *= self._inverse_norm(gated)
        out.addcmul_(gated, self.p.norm_weight, value=0.5)

    def backward(self, grad: Tensor, grad_projected: Tensor) -> tuple[Tensor, ...]:
        """Add to (l, f) `grad_projected`; return gradients in the order of `Direction`."""
        s, p, length, inner = self.s, self.p, self.s.length, self.s.inner
        pre = self._convolve(s.mixed, p.conv_weight, self.is_reverse)
        sigmoid = pre.sigmoid()
        act = pre.mul_(sigmoid)
        x = act[:, :inner]
        y = self._scan(act)
        y_skip = torch.addcmul(y, x, self.skip)[:length]
        normed = y_skip * s.silu_z
        inverse = self._inverse_norm(normed)
        normed *= inverse

        half = grad * 0.5
        d_norm = (half * normed).sum(0)
        d_gated = half * p.norm_weight
        along = (d_gated * normed).sum(-1, keepdim=True).div_(inner)
        d_gated = d_gated.addcmul_(normed, along, value=-1).mul_(inverse)
        d_y = act.new_zeros(s.full, inner)
        torch.mul(d_gated, s.silu_z, out=d_y[:length])
        gate = s.z.sigmoid()
        # d silu(z) = sigmoid + silu (1 - sigmoid)
        slope = torch.addcmul(gate + s.silu_z, gate, s.silu_z, value=-1)
        grad_projected[:, :inner].addcmul_(d_gated.mul_(y_skip), slope)

        d_act, d_dt, d_decay = self._scan_backward(d_y, y, act)
        d_D = (d_y * x).sum(0).unflatten(0, (s.heads, -1)).sum(-1)
        d_act[:, :inner].addcmul_(d_y, self.skip)
        d_A_log = (d_decay * self.dt).sum(0) * self.rate
        d_dt = d_dt.addcmul_(d_decay, self.rate)[:length]
        if s.mask is not None:
            d_dt = d_dt * s.mask[:, None]
        d_dt = d_dt * (s.dt_raw + p.dt_bias).sigmoid()
        grad_projected[:, -s.heads :] += d_dt

        d_pre = d_act.mul_(torch.addcmul(sigmoid + act, sigmoid, act, value=-1))
        d_pre[length:] = 0
        d_weight = self._convolve_backward(d_pre, grad_projected[:, inner : -s.heads])
        return d_weight, d_pre.sum(0), d_A_log, d_D, d_dt.sum(0), d_norm

    def _inverse_norm(self, gated: Tensor) -> Tensor:
        return (gated * gated).mean(-1, keepdim=True).add_(NORM_EPS).rsqrt_()

    def _convolve(self, buffer: Tensor, weight: Tensor, is_reverse: bool) -> Tensor:
        """Depthwise convolution of a buffer with `reach` rows on either side: (full, c).

        As a channels-last 2-D convolution, which torch runs in one pass over memory.
        """
        taps = weight.shape[1]
        rows = buffer[self.s.reach :] if is_reverse else buffer[: self.s.full + self.s.reach]
        kernel = weight.flip(1) if is_reverse else weight
        image = rows.T[None, :, None, :]
        kernel = kernel.reshape(-1, 1, 1, taps).contiguous(memory_format=torch.channels_last)
        bias = self.p.conv_bias if buffer is self.s.mixed else None
        return F.conv2d(image, kernel, bias, groups=weight.shape[0])[0, :, 0].T

    def _convolve_backward(self, d_pre: Tensor, d_mixed: Tensor) -> Tensor:
        """Add to (l, c) `d_mixed`; return the gradient of the taps."""
        s = self.s
        padded = F.pad(d_pre, (0, 0, s.reach, s.reach))
        # The transpose of a causal convolution is the mirrored one with the same taps.
        d_mixed += self._convolve(padded, self.p.conv_weight, not self.is_reverse)[: s.length]
        d_weight = torch.empty_like(self.p.conv_weight)
        for tap in range(s.reach + 1):
            start = 2 * s.reach - tap if self.is_reverse else tap
            d_weight[:, tap] = (d_pre * s.mixed[start : start + s.full]).sum(0)
        return d_weight

    def _scan(self, act: Tensor) -> Tensor:
        """(full, d_inner) without the skip term; keeps the chunk products for the backward."""
        s = self.s
        self.dt = act.new_zeros(s.full, s.heads)
        self.dt[: s.length] = F.softplus(s.dt_raw + self.p.dt_bias)
        if s.mask is not None:
            self.dt[: s.length] *= s.mask[:, None]
        a = (self.dt * self.rate).view(s.n_chunks, s.chunk, s.heads)
        left = a.cumsum(1)
        total = left[:, -1:]
        decay = total - left + a if self.is_reverse else left
        middle = 0.5 * total
        self.grow = (middle - decay).exp_()
        self.shrink = (decay - middle).exp_()
        self.to_end = (total - middle).exp_()
        self.from_start = middle.exp()
        self.keep = total.exp_()
        x, self.b, self.c = act.view(s.n_chunks, s.chunk, -1).split(
            [s.inner, s.state, s.state], dim=-1
        )
        scale = self.dt.view(s.n_chunks, s.chunk, s.heads) * self.grow
        self.weighted = (x.unflatten(-1, self.by_head[2:]) * scale[..., None]).flatten(-2)
        self.scores = self._masked(torch.bmm(self.c, self.b.mT))
        self.written = self._scaled(torch.bmm(self.b.mT, self.weighted), self.to_end)
        self.entering = self._carry(self.written)
        self.carried = self._scaled(self.entering.clone(), self.from_start)
        y = torch.bmm(self.scores, self.weighted).baddbmm_(self.c, self.carried)
        return y.view(self.by_head).mul_(self.shrink[..., None]).view(s.full, s.inner)

    def _scan_backward(self, d_y: Tensor, y: Tensor, act: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients of (x, B, C) together, of dt where it weights x, and of the log-decay a."""
        s = self.s
        d_y = d_y.view(self.by_head)
        d_decay = (d_y * y.view(self.by_head)).sum(-1)
        d_inside = (d_y * self.shrink[..., None]).flatten(-2)
        d_scores = self._masked(torch.bmm(d_inside, self.weighted.mT))
        d_entering = self._scaled(torch.bmm(self.c.mT, d_inside), self.from_start)
        d_written, d_total = self._carry_backward(d_entering)
        d_total += self._head_sums(d_written, self.written)
        d_written = self._scaled(d_written, self.to_end)
        d_act = torch.empty_like(act)
        d_x, d_b, d_c = d_act.view(s.n_chunks, s.chunk, -1).split(
            [s.inner, s.state, s.state], dim=-1
        )
        d_c.copy_(torch.bmm(d_scores, self.b).baddbmm_(d_inside, self.carried.mT))
        d_b.copy_(torch.bmm(d_scores.mT, self.c).baddbmm_(self.weighted, d_written.mT))
        d_weighted = torch.bmm(self.scores.mT, d_inside).baddbmm_(self.b, d_written)
        d_weighted = d_weighted.view(self.by_head)
        x = act[:, : s.inner].unflatten(-1, self.by_head[2:]).view(self.by_head)
        d_dt = (d_weighted * x).sum(-1).mul_(self.grow)
        dt = self.dt.view(s.n_chunks, s.chunk, s.heads)
        d_decay -= d_dt * dt
        torch.mul(d_weighted, (dt * self.grow)[..., None], out=d_x.unflatten(-1, self.by_head[2:]))
        # a_k adds to the sums of all positions behind it.
        running = d_decay.cumsum(1)
        d_a = running if self.is_reverse else running[:, -1:] - running + d_decay
        d_a = d_a + d_total[:, None]
        return d_act, d_dt.view(s.full, -1), d_a.view(s.full, -1)

    def _masked(self, scores: Tensor) -> Tensor:
        return scores.triu_() if self.is_reverse else scores.tril_()

    def _scaled(self, states: Tensor, factor: Tensor) -> Tensor:
        """States (c, n, d) in place times a factor (c, 1, h) by chunk and head."""
        states.unflatten(-1, self.by_head[2:]).mul_(factor.unsqueeze(-1))
        return states

    def _carry(self, written: Tensor) -> Tensor:
        """State entering each chunk: the one before, decayed, plus what the chunk before wrote."""
        entering = torch.empty_like(written)
        states, writes = entering.unbind(), written.unbind()
        factors = self.keep.repeat_interleave(MAMBA_HEAD_DIM, dim=-1).unbind()
        states[self.order[0]].zero_()
        for c, following in pairwise(self.order):
            torch.addcmul(writes[c], states[c], factors[c], out=states[following])
        return entering

    def _carry_backward(self, d_entering: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of what each chunk writes (c, n, d) and of its total decay (c, h)."""
        grads = d_entering.unbind()
        factors = self.keep.repeat_interleave(MAMBA_HEAD_DIM, dim=-1).unbind()
        for following, c in pairwise(self.order[::-1]):
            grads[c].addcmul_(grads[following], factors[c])
        # What a chunk writes enters the one behind it; the last one's goes nowhere.
        d_written = torch.empty_like(d_entering)
        if self.is_reverse:
            d_written[1:], d_written[0] = d_entering[:-1], 0
        else:
            d_written[:-1], d_written[-1] = d_entering[1:], 0
        return d_written, self._head_sums(d_written, self.entering) * self.keep[:, 0]

    def _head_sums(self, left: Tensor, right: Tensor) -> Tensor:
        """Sum of products over states and channels, by chunk and head: (c, h)."""
        return (left * right).sum(1).unflatten(-1, (self.s.heads, MAMBA_HEAD_DIM)).sum(-1)
