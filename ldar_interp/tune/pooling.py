"""From states of every base to one vector a sequence."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def pool_mean(hidden: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"] | None) -> Tensor:
    """Mean over real bases, (b, d); `mask` is True on them, None means all."""
    if mask is None:
        return hidden.mean(1)
    weight = mask.to(hidden.dtype)
    weight = weight / weight.sum(1, keepdim=True)
    # Not multiplied: what stands on padding means nothing and might not be finite.
    return torch.where(mask[..., None], hidden * weight[..., None], 0.0).sum(1)


def pool_chunks(
    hidden: Float[Tensor, "b l d"],
    mask: Bool[Tensor, "b l"] | None,
    is_boundary: Bool[Tensor, "b l"],
) -> Tensor:
    """Mean over learned chunks of the mean over each chunk's real bases, (b, d).

    A chunk runs from one boundary to the base before the next; the first begins at base 0. Every
    chunk counts the same, so a base in a long chunk counts less than one in a short chunk.
    """
    real = torch.ones_like(is_boundary) if mask is None else mask
    starts = is_boundary & real
    starts[:, 0] = True
    chunk_of = starts.long().cumsum(1) - 1
    weight = real.to(hidden.dtype)
    size = torch.zeros_like(weight).scatter_add_(1, chunk_of, weight)
    n_chunks = starts.sum(1, keepdim=True)
    share = weight / (size.gather(1, chunk_of) * n_chunks)
    return torch.where(real[..., None], hidden * share[..., None], 0.0).sum(1)
