"""The bidirectional router: where does a token start?"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class RouterOutput:
    """One router's decisions.

    `prob` (b, l) float32: p_t, probability that a token starts at base t; 1 at t = 0 by
    construction. `is_boundary` (b, l) bool: p_t > 0.5, never on padding. `selected_prob` (b, l):
    p_t where a boundary was chosen, else 1 - p_t. `mask` (b, l) bool: real positions.
    """

    prob: Float[Tensor, "b l"]
    is_boundary: Bool[Tensor, "b l"]
    selected_prob: Float[Tensor, "b l"]
    mask: Bool[Tensor, "b l"] | None


class BidirectionalRouter(nn.Module):
    """p_t from the dissimilarity of neighbouring states, read both ways.

    s_t = (q_{t-1}.k_t + q_t.k_{t-1}) / 2 with L2-normalised q and k;
    p_t = clamp((1 - s_t)/2, 0, 1).
    """

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.k_proj = nn.Linear(d_model, d_model, bias=False)

    def forward(
        self, hidden: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"] | None = None
    ) -> RouterOutput:
        """At least float32 whatever the input's dtype: the cosine decides near-ties."""
        hidden = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        with torch.autocast(hidden.device.type, enabled=False):
            q = F.normalize(self.q_proj(hidden), dim=-1)
            k = F.normalize(self.k_proj(hidden), dim=-1)
        similarity = 0.5 * ((q[:, :-1] * k[:, 1:]).sum(-1) + (q[:, 1:] * k[:, :-1]).sum(-1))
        prob = F.pad((0.5 * (1 - similarity)).clamp(0.0, 1.0), (1, 0), value=1.0)
        is_boundary = prob > 0.5
        if mask is not None:
            is_boundary = is_boundary & mask
        return RouterOutput(
            prob=prob,
            is_boundary=is_boundary,
            selected_prob=torch.where(is_boundary, prob, 1 - prob),
            mask=mask,
        )
