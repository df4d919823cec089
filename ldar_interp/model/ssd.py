"""The Mamba-2 state-space scan in both directions at once, chunked into matrix products.

One direction and one head (Mamba-2, arXiv:2405.21060, section 6), with a_t = A dt_t <= 0:

    S_t = exp(a_t) S_{t-1} + dt_t x_t B_t^T        y_t = S_t C_t

Within a chunk of Q positions and with c_t the running sum of a_t,

    y_i = sum_{j <= i} (C_i . B_j) exp(c_i - c_j) dt_j x_j  +  exp(c_i) (S_in C_i)

The second direction is the same with sums from the right and j >= i: the upper triangle. So both
run in natural order and nothing is flipped. Because B and C are shared by all heads, factoring
exp(c_i - c_j) into exp(c_i - m) exp(m - c_j) turns all heads into one matrix product with a single
masked Q x Q matrix. Those factors leave float32 when the decay inside a chunk is large, so beyond
`MAX_FACTORED_DECAY` the scan takes a slower path that only ever exponentiates differences <= 0.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ldar_interp.model.ssd_factored import scan_factored

# exp(+-40) on either side of the chunk's middle: products stay within 1e35, sums keep full
# precision because the largest factor belongs to the position nearest the output.
MAX_FACTORED_DECAY = 80.0
CHUNK = 64


def scan_sequential(
    x: Float[Tensor, "2 b l h p"],
    dt: Float[Tensor, "2 b l h"],
    log_decay: Float[Tensor, "2 b l h"],
    b_in: Float[Tensor, "2 b l n"],
    c_out: Float[Tensor, "2 b l n"],
) -> Float[Tensor, "2 b l h p"]:
    """The recurrence as written, one step a base: the readable reference that tests compare with.

    Direction 0 runs left to right, direction 1 right to left. All dtypes; use float64.
    """
    length = x.shape[2]
    outputs = []
    for direction in (0, 1):
        state = x.new_zeros(*x.shape[1:2], *x.shape[3:], b_in.shape[-1])
        rows: list[Tensor] = [x.new_empty(0)] * length
        order = range(length) if direction == 0 else range(length - 1, -1, -1)
        for t in order:
            write = (dt[direction, :, t, :, None] * x[direction, :, t])[..., None]
            state = state * log_decay[direction, :, t].exp()[..., None, None]
            state = state + write * b_in[direction, :, t, None, None, :]
            rows[t] = (state * c_out[direction, :, t, None, None, :]).sum(-1)
        outputs.append(torch.stack(rows, dim=1))
    return torch.stack(outputs)


def scan_chunked(
    x: Float[Tensor, "2 b l h p"],
    dt: Float[Tensor, "2 b l h"],
    log_decay: Float[Tensor, "2 b l h"],
    b_in: Float[Tensor, "2 b l n"],
    c_out: Float[Tensor, "2 b l n"],
    *,
    chunk: int = CHUNK,
) -> Float[Tensor, "2 b l h p"]:
    """The same function as `scan_sequential` in matrix products; float32 or float64.

    A position with dt = 0 and log_decay = 0 neither writes nor forgets, which is how padding
    stays without effect: sequences are filled up to whole chunks that way.
    """
    _, batch, length, heads, _ = x.shape
    chunk = min(chunk, length)
    n_chunks = -(-length // chunk)
    fill = n_chunks * chunk - length
    if fill:
        x = F.pad(x, (0, 0, 0, 0, 0, fill))
        dt, log_decay = (F.pad(t, (0, 0, 0, fill)) for t in (dt, log_decay))
        b_in, c_out = (F.pad(t, (0, 0, 0, fill)) for t in (b_in, c_out))
    # The largest sum of |log_decay| over a chunk decides whether factors exp(+-m) are safe.
    total = log_decay.detach().view(2, batch, n_chunks, chunk, heads).sum(3)
    if float(total.amin()) >= -MAX_FACTORED_DECAY:
        y = scan_factored(x, dt, log_decay, b_in, c_out, chunk)
    else:
        y = _scan_safely(x, dt, log_decay, b_in, c_out, chunk)
    return y[:, :, :length]


def _scan_safely(
    x: Tensor, dt: Tensor, log_decay: Tensor, b_in: Tensor, c_out: Tensor, chunk: int
) -> Float[Tensor, "2 b l h p"]:
    """Whole chunks of any decay: one matrix a head, exponents never above 0."""
    _, batch, length, heads, size = x.shape
    n_chunks = length // chunk
    flat = (2 * batch * n_chunks, chunk)
    by_head = (2, batch, n_chunks, chunk, heads)
    x = x.reshape(*by_head, size)
    dt, a = dt.reshape(by_head), log_decay.reshape(by_head)
    b_in, c_out = b_in.reshape(*flat, -1), c_out.reshape(*flat, -1)
    # Inclusive sums: from the left for direction 0, from the right for direction 1.
    left = a.cumsum(3)
    total = left[:, :, :, -1:]
    decay = torch.stack([left[0], total[1] - left[1] + a[1]])
    triangle = _triangles(chunk, x.device)
    scores = torch.bmm(c_out, b_in.mT).view(2, batch, n_chunks, chunk, chunk)
    u = x * dt[..., None]
    # (2, b, c, h, i, j): masked before exp, so that no entry and no gradient overflows.
    rows = decay.transpose(-1, -2)
    gap = rows.unsqueeze(-1) - rows.unsqueeze(-2)
    gap = gap.masked_fill(~triangle.unsqueeze(3), -torch.inf)
    weights = scores.unsqueeze(3) * gap.exp()
    y = (weights @ u.transpose(3, 4)).transpose(3, 4)
    to_end = u * (total - decay).exp()[..., None]
    written = torch.bmm(b_in.mT, to_end.view(*flat, -1))
    entering = _carry(written.view(2, batch, n_chunks, -1, heads, size), total.exp())
    carried = torch.bmm(c_out, entering.view(flat[0], -1, heads * size))
    y = y + carried.view(*by_head, size) * decay.exp()[..., None]
    return y.reshape(2, batch, length, heads, size)


def _triangles(chunk: int, device: torch.device) -> Tensor:
    """Masks (2, 1, 1, Q, Q): j <= i for direction 0, j >= i for direction 1."""
    ones = torch.ones(chunk, chunk, dtype=torch.bool, device=device)
    return torch.stack([ones.tril(), ones.triu()])[:, None, None]


def _carry(
    written: Float[Tensor, "2 b c n h p"], keep: Float[Tensor, "2 b c 1 h"]
) -> Float[Tensor, "2 b c n h p"]:
    """State that enters each chunk: E' = keep E + written, from either side."""
    both = []
    for direction in (0, 1):
        # Unbound once: the gradient of an index is a tensor of zeros as large as all states.
        writes, keeps = written[direction].unbind(1), keep[direction].unsqueeze(-1).unbind(1)
        order = range(len(writes)) if direction == 0 else range(len(writes) - 1, -1, -1)
        states = {order[0]: torch.zeros_like(writes[0])}
        for here, after in pairwise(order):
            states[after] = states[here] * keeps[here] + writes[here]
        both.append(torch.stack([states[c] for c in range(len(writes))], 1))
    return torch.stack(both)
