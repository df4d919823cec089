"""From bases to chunks and back: gather at boundaries, moving average, spread out."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ldar_interp.model.router import RouterOutput

PROB_CLAMP = 1e-4
SMOOTHING_CHUNK = 128


@dataclass(frozen=True, slots=True)
class Chunks:
    """States kept at the boundaries, in order, right-padded to the longest of the batch.

    `states` (b, m, d); `prob` (b, m), 0 on padding; `mask` (b, m) True on real chunks, None if
    all are real; `chunk_of` (b, l): the chunk that each base is in.
    """

    states: Float[Tensor, "b m d"]
    prob: Float[Tensor, "b m"]
    mask: Bool[Tensor, "b m"] | None
    chunk_of: Int[Tensor, "b l"]


def chunk(hidden: Float[Tensor, "b l d"], routed: RouterOutput) -> Chunks:
    """Keep the states where a token starts. Batches may differ in their number of chunks."""
    chosen = routed.is_boundary
    counts = chosen.sum(-1)
    longest = int(counts.max())
    # A stable sort puts boundaries first and keeps their order.
    order = torch.argsort(~chosen, dim=-1, stable=True)[:, :longest]
    mask: Tensor | None = torch.arange(longest, device=hidden.device) < counts[:, None]
    states = hidden.gather(1, order[..., None].expand(-1, -1, hidden.shape[-1]))
    prob = routed.prob.gather(1, order)
    if bool((counts == longest).all()):
        mask = None
    else:
        assert mask is not None
        states = states * mask[..., None]
        prob = prob * mask
    # A sequence that is all padding has no boundary: its bases point at chunk 0, which is padding.
    chunk_of = (chosen.long().cumsum(-1) - 1).clamp_min(0)
    return Chunks(states, prob, mask, chunk_of)


def dechunk(states: Float[Tensor, "b m d"], chunks: Chunks) -> Float[Tensor, "b l d"]:
    """Two-sided moving average over chunks, then every base takes its chunk's value.

    z_j = p_j x_j + (1 - p_j) z_{j-1} from the left, the same from the right, both from zero, and
    their mean. p is clamped to [1e-4, 1 - 1e-4]. At least in float32: in bf16 it
    collapses.
    """
    wide = torch.promote_types(states.dtype, torch.float32)
    prob = chunks.prob.to(wide).clamp(PROB_CLAMP, 1 - PROB_CLAMP)
    if chunks.mask is not None:
        # p = 0 neither writes nor forgets.
        prob = prob * chunks.mask
    with torch.autocast(states.device.type, enabled=False):
        smoothed = smooth_both_ways(states.to(wide), prob)
    index = chunks.chunk_of[..., None].expand(-1, -1, smoothed.shape[-1])
    return smoothed.gather(1, index)


def smooth_both_ways(
    x: Float[Tensor, "b m d"], prob: Float[Tensor, "b m"]
) -> Float[Tensor, "b m d"]:
    """Mean of the left-to-right and the right-to-left moving average, in matrix products."""
    _, length, _ = x.shape
    size = min(SMOOTHING_CHUNK, length)
    n_blocks = -(-length // size)
    fill = n_blocks * size - length
    x, prob = F.pad(x, (0, 0, 0, fill)), F.pad(prob, (0, fill))
    x = x.unflatten(1, (n_blocks, size))
    prob = prob.unflatten(1, (n_blocks, size))
    # The sum of log(1 - p) reaches -9.2 a chunk, so the differences below need float64 sums.
    decay = torch.log1p(-prob.double())
    from_left = decay.cumsum(-1)
    total = from_left[..., -1:]
    from_right = total - from_left + decay
    lower = _decay_matrix(from_left).tril().to(x.dtype)
    upper = _decay_matrix(from_right).triu().to(x.dtype)
    weighted = x * prob[..., None]
    left, right = lower @ weighted, upper @ weighted
    reach_left, reach_right = from_left.exp().to(x.dtype), from_right.exp().to(x.dtype)
    carry = x.new_zeros(x.shape[0], x.shape[-1])
    lefts = []
    for c in range(n_blocks):
        block = left[:, c] + reach_left[:, c, :, None] * carry[:, None]
        carry = block[:, -1]
        lefts.append(block)
    carry = torch.zeros_like(carry)
    rights: list[Tensor] = []
    for c in range(n_blocks - 1, -1, -1):
        block = right[:, c] + reach_right[:, c, :, None] * carry[:, None]
        carry = block[:, 0]
        rights.append(block)
    both = 0.5 * (torch.stack(lefts, 1) + torch.stack(rights[::-1], 1))
    return both.flatten(1, 2)[:, :length]


def _decay_matrix(total: Tensor) -> Tensor:
    """exp of pairwise differences, clamped at 0 where the mask will cut anyway."""
    return (total.unsqueeze(-1) - total.unsqueeze(-2)).clamp_max(0).exp()
