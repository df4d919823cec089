"""The chunked scan in matrix products, with its own backward pass.

With c the running sum of the log-decay inside a chunk and m half of the chunk's total, the factors
exp(m - c_j) dt_j and exp(c_i - m) are taken into x and y, and all heads share one masked matrix:

    X = x dt exp(m - c)       W = B^T X            state that a chunk writes, seen from its middle
    F' = g g' (F + W)         g = exp(m)           exp(m) times the state that enters it
    Y = (C B^T * mask) X + C F                     y = Y exp(c - m)

(' is the next chunk in the direction of the scan.) Autograd would keep a dozen tensors of the size
of x for it and, for the carry, fill one zero tensor of all states a chunk. The backward pass below
is the same algebra transposed: the mask transposed, the carry run from the other side, and the
gradient of a decay as the difference of two row sums, y . dy - X . dX, since only exp(c - m) and
exp(m - c) contain it. What it needs again is C B^T, one product; states and X are kept.
"""

from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def scan_factored(
    x: Float[Tensor, "2 b l h p"],
    dt: Float[Tensor, "2 b l h"],
    log_decay: Float[Tensor, "2 b l h"],
    b_in: Float[Tensor, "2 b l n"],
    c_out: Float[Tensor, "2 b l n"],
    chunk: int,
) -> Float[Tensor, "2 b l h p"]:
    """Both directions; `l` is a whole number of chunks.

    The caller makes sure that the log-decay of a chunk keeps exp(+-m) within the dtype.
    """
    y: Tensor = _FactoredScan.apply(x, dt, log_decay, b_in, c_out, chunk)
    return y


class _FactoredScan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, dt: Tensor, log_decay: Tensor, b_in: Tensor, c_out: Tensor, chunk: int
    ) -> Tensor:
        _, batch, length, heads, size = x.shape
        n_chunks = length // chunk
        by_head = (2, batch, n_chunks, chunk, heads)
        flat = (2 * batch * n_chunks, chunk)
        decay, middle = _sums(log_decay.reshape(by_head))
        into = (middle - decay).exp_().mul_(dt.reshape(by_head))
        out_of = (decay - middle).exp_()
        b_in, c_out = b_in.reshape(*flat, -1), c_out.reshape(*flat, -1)
        weighted = torch.mul(x.reshape(*by_head, size), into[..., None]).view(*flat, heads * size)
        written = torch.bmm(b_in.mT, weighted)
        half = middle.exp()
        entering = torch.empty_like(written)
        _carry(
            written.view(2, batch, n_chunks, -1, heads, size),
            half,
            entering.view(2, batch, n_chunks, -1, heads, size),
        )
        scores = mask_scores(torch.bmm(c_out, b_in.mT))
        y = torch.bmm(scores, weighted)
        torch.baddbmm(y, c_out, entering, out=y)
        y = y.view(*by_head, size).mul_(out_of[..., None])
        ctx.save_for_backward(x, dt, b_in, c_out, weighted, entering, into, out_of, half, y)
        return y.view(2, batch, length, heads, size)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        # Who calls backward under autocast means the forward pass only.
        with torch.autocast(grad.device.type, enabled=False):
            return _FactoredScan._backward(ctx, grad)

    @staticmethod
    def _backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, dt, b_in, c_out, weighted, entering, into, out_of, half, y = ctx.saved_tensors
        _, batch, n_chunks, chunk, heads, size = y.shape
        flat = (2 * batch * n_chunks, chunk)
        grad = grad.reshape(y.shape)
        # d/d log(out_of) of the loss, by position and head.
        gained = torch.linalg.vecdot(grad, y)
        d_inner = (grad * out_of[..., None]).view(*flat, heads * size)
        scores = mask_scores(torch.bmm(c_out, b_in.mT))
        d_weighted = torch.bmm(scores.mT, d_inner)
        d_scores = mask_scores(torch.bmm(d_inner, weighted.mT))
        d_c = torch.bmm(d_scores, b_in)
        torch.baddbmm(d_c, d_inner, entering.mT, out=d_c)
        d_entering = torch.bmm(c_out.mT, d_inner)
        states = (2, batch, n_chunks, -1, heads, size)
        d_written, d_half = _carry_back(d_entering.view(states), entering.view(states), half)
        d_written = d_written.view(d_entering.shape)
        d_b = torch.bmm(d_scores.mT, c_out)
        torch.baddbmm(d_b, weighted, d_written.mT, out=d_b)
        torch.baddbmm(d_weighted, b_in, d_written, out=d_weighted)
        d_weighted = d_weighted.view(y.shape)
        d_x = d_weighted * into[..., None]
        # into = dt exp(m - c): its log-derivative, and the part of dt without dividing by dt.
        spent = torch.linalg.vecdot(d_weighted, weighted.view(y.shape))
        d_dt = torch.linalg.vecdot(d_weighted, x.reshape(y.shape)).div_(out_of)
        d_decay = gained.sub_(spent)
        d_middle = d_half - d_decay.sum(3, keepdim=True)
        d_total = d_middle.mul_(0.5)
        d_log = torch.empty_like(d_decay)
        # decay is the sum from the left (0) or right (1) including the position itself.
        from_left = d_decay.cumsum(3)
        d_log[0] = from_left[0, :, :, -1:] - from_left[0] + d_decay[0]
        d_log[1] = from_left[1]
        d_log += d_total
        d_x, d_b, d_c = (
            t.view(2, batch, n_chunks * chunk, *shape)
            for t, shape in ((d_x, (heads, size)), (d_b, (-1,)), (d_c, (-1,)))
        )
        return d_x, d_dt.view(dt.shape), d_log.view(dt.shape), d_b, d_c, None


def _sums(log_decay: Float[Tensor, "2 b c q h"]) -> tuple[Tensor, Tensor]:
    """Inclusive sums from the left (0) and the right (1) inside a chunk, and half of the total."""
    decay = log_decay.cumsum(3)
    total = decay[:, :, :, -1:].clone()
    decay[1] = total[1] - decay[1] + log_decay[1]
    return decay, total.mul_(0.5)


def mask_scores(scores: Float[Tensor, "g q q"]) -> Float[Tensor, "g q q"]:
    """In place: j <= i for direction 0, the first half of the matrices, j >= i for direction 1."""
    half = len(scores) // 2
    scores[:half].tril_()
    scores[half:].triu_()
    return scores


def _order(direction: int, n_chunks: int) -> range:
    return range(n_chunks) if direction == 0 else range(n_chunks - 1, -1, -1)


def _carry(
    written: Float[Tensor, "2 b c n h p"],
    half: Float[Tensor, "2 b c 1 h"],
    entering: Float[Tensor, "2 b c n h p"],
) -> None:
    """Fill `entering` with F: zero, then F' = g g' (F + W)."""
    n_chunks = written.shape[2]
    for direction in (0, 1):
        order = _order(direction, n_chunks)
        f, w, g = entering[direction], written[direction], half[direction].unsqueeze(-1)
        f[:, order[0]] = 0
        for here, after in pairwise(order):
            torch.add(f[:, here], w[:, here], out=f[:, after])
            f[:, after] *= g[:, here] * g[:, after]


def _carry_back(
    d_entering: Float[Tensor, "2 b c n h p"],
    entering: Float[Tensor, "2 b c n h p"],
    half: Float[Tensor, "2 b c 1 h"],
) -> tuple[Float[Tensor, "2 b c n h p"], Float[Tensor, "2 b c 1 h"]]:
    """Gradients of what the chunks wrote, and of log g. `d_entering` is used up.

    With D the gradient of F: dW = g g' D' and D = D + dW, from the last chunk to the first.
    """
    n_chunks = d_entering.shape[2]
    d_written = torch.empty_like(d_entering)
    # D . F summed over states: by how much the logarithm of g g' matters.
    d_half = torch.zeros_like(half)
    for direction in (0, 1):
        order = _order(direction, n_chunks)[::-1]
        d_f, d_w, g = d_entering[direction], d_written[direction], half[direction].unsqueeze(-1)
        d_w[:, order[0]] = 0
        for after, here in pairwise(order):
            torch.mul(d_f[:, after], g[:, here] * g[:, after], out=d_w[:, here])
            d_f[:, here] += d_w[:, here]
            product = (d_f[:, after] * entering[direction][:, after]).sum((1, 3), keepdim=False)
            d_half[direction][:, here, 0] += product
            d_half[direction][:, after, 0] += product
    return d_written, d_half
