"""Masked-language-model loss and the ratio loss that holds the compression."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from ldar_interp.model.router import RouterOutput

IGNORE = -100


def mlm_loss(logits: Float[Tensor, "b l v"], labels: Int[Tensor, "b l"]) -> Float[Tensor, ""]:
    """Mean cross-entropy in nats over positions whose label is not -100; 0 if there are none."""
    n_targets = (labels != IGNORE).sum().clamp_min(1)
    total = F.cross_entropy(
        logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORE, reduction="sum"
    )
    return total / n_targets


def ratio_loss(routed: RouterOutput, compression: float) -> Float[Tensor, ""]:
    """((1-F)(1-G) + (N-1) F G) N/(N-1), which is 1 at F = G = 1/N (H-Net, arXiv:2507.07955).

    F is the share of real positions with a boundary, without gradient; G the mean probability.
    Both pool the whole batch, the first base included. `compression` is N > 1.
    """
    if routed.mask is None:
        fraction = routed.is_boundary.float().mean()
        mean_prob = routed.prob.mean()
    else:
        n_real = routed.mask.sum()
        fraction = (routed.is_boundary & routed.mask).sum() / n_real
        mean_prob = (routed.prob * routed.mask).sum() / n_real
    return ratio_of(fraction, mean_prob, compression)


def ratio_of(
    fraction: Float[Tensor, ""], mean_prob: Float[Tensor, ""], compression: float
) -> Float[Tensor, ""]:
    """The ratio loss of a given F and G. It is linear in G, so shares of G add up to it."""
    n = float(compression)
    both = (1 - fraction) * (1 - mean_prob) + (n - 1) * fraction * mean_prob
    return both * n / (n - 1)


def total_ratio_loss(
    boundaries: tuple[RouterOutput, ...], compressions: tuple[float, ...]
) -> Float[Tensor, ""]:
    """Ratio losses of all stages, each over its own real tokens with its own N, summed."""
    return torch.stack(
        [ratio_loss(routed, n) for routed, n in zip(boundaries, compressions, strict=True)]
    ).sum()
