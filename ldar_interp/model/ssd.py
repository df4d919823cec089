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

import torch
from jaxtyping import Float
from torch import Tensor

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
    _, batch, length, heads, size = x.shape
    if length <= chunk:
        chunk = length
    n_chunks = -(-length // chunk)
    fill = n_chunks * chunk - length
    u = x * dt[..., None]
    if fill:
        u = torch.nn.functional.pad(u, (0, 0, 0, 0, 0, fill))
        log_decay = torch.nn.functional.pad(log_decay, (0, 0, 0, fill))
        b_in = torch.nn.functional.pad(b_in, (0, 0, 0, fill))
        c_out = torch.nn.functional.pad(c_out, (0, 0, 0, fill))
    shape = (2, batch, n_chunks, chunk)
    u = u.reshape(*shape, heads, size)
    b_in, c_out = b_in.reshape(*shape, -1), c_out.reshape(*shape, -1)
    a = log_decay.reshape(*shape, heads)
    # Inclusive sums: from the left for direction 0, from the right for direction 1.
    left = a.cumsum(3)
    total = left[:, :, :, -1]
    decay = torch.stack([left[0], total[1].unsqueeze(2) - left[1] + a[1]])

    triangle = _triangles(chunk, x.device)
    scores = c_out @ b_in.transpose(-1, -2)
    if float(total.detach().amin()) >= -MAX_FACTORED_DECAY:
        middle = (0.5 * total.detach()).unsqueeze(3)
        grow = (middle - decay).exp()
        shrink = (decay - middle).exp()
        weighted = (u * grow[..., None]).reshape(*shape, heads * size)
        written = b_in.transpose(-1, -2) @ weighted
        written = (
            written.unflatten(-1, (heads, size)) * (total.unsqueeze(3) - middle).exp()[..., None]
        )
        carried = _carry(written, total.exp())
        carried = (carried * middle.exp()[..., None]).flatten(-2)
        inside = (scores * triangle) @ weighted
        y = (inside + c_out @ carried).unflatten(-1, (heads, size)) * shrink[..., None]
    else:
        # (2, b, c, h, i, j): masked before exp, so that no entry and no gradient overflows.
        by_head = decay.transpose(-1, -2)
        gap = by_head.unsqueeze(-1) - by_head.unsqueeze(-2)
        gap = gap.masked_fill(~triangle.unsqueeze(3).bool(), -torch.inf)
        weights = scores.unsqueeze(3) * gap.exp()
        y = (weights @ u.transpose(3, 4)).transpose(3, 4)
        to_end = (total.unsqueeze(3) - decay).exp()
        written = b_in.transpose(-1, -2) @ (u * to_end[..., None]).flatten(-2)
        carried = _carry(written.unflatten(-1, (heads, size)), total.exp()).flatten(-2)
        y = y + (c_out @ carried).unflatten(-1, (heads, size)) * decay.exp()[..., None]
    return y.reshape(2, batch, n_chunks * chunk, heads, size)[:, :, :length]


def _triangles(chunk: int, device: torch.device) -> Tensor:
    """0/1 masks (2, 1, 1, Q, Q): j <= i for direction 0, j >= i for direction 1."""
    ones = torch.ones(chunk, chunk, device=device)
    return torch.stack([ones.tril(), ones.triu()])[:, None, None]


def _carry(
    written: Float[Tensor, "2 b c n h p"], decay: Float[Tensor, "2 b c h"]
) -> Float[Tensor, "2 b c n h p"]:
    """State that enters each chunk, from what every chunk writes and how much it forgets."""
    n_chunks = written.shape[2]
    keep = decay[:, :, :, None, :, None]
    state = torch.zeros_like(written[:, :, 0])
    entering_left, entering_right = [state[0]], [state[1]]
    left, right = state[0], state[1]
    for c in range(n_chunks - 1):
        left = left * keep[0, :, c] + written[0, :, c]
        entering_left.append(left)
        mirror = n_chunks - 1 - c
        right = right * keep[1, :, mirror] + written[1, :, mirror]
        entering_right.append(right)
    return torch.stack([torch.stack(entering_left, 1), torch.stack(entering_right[::-1], 1)])
