"""Routers: where does a token start? What each of them gives, and the two that are learned.

A router turns encoder states into p_t, the probability that a token starts at position t, and a
decision. The learned ones compare neighbouring states: where they point in different directions,
something new begins. `fixed_routers.py` holds those without parameters, for comparison.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class RouterOutput:
    """One router's decisions.

    `prob` (b, l) float32: p_t, probability that a token starts at base t; 1 at t = 0 by
    construction. `is_boundary` (b, l) bool: p_t > 0.5, never on padding. `selected_prob` (b, l):
    p_t where a boundary was chosen, else 1 - p_t. `mask` (b, l) bool: real positions.

    Fixed and random routers have p = 0 or 1, no gradient, and `selected_prob` = 1 everywhere.
    """

    prob: Float[Tensor, "b l"]
    is_boundary: Bool[Tensor, "b l"]
    selected_prob: Float[Tensor, "b l"]
    mask: Bool[Tensor, "b l"] | None


class Router(nn.Module, ABC):
    """What all routers share: the way they are called and what they give."""

    @abstractmethod
    def forward(
        self,
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None = None,
        key: Int[Tensor, " b"] | None = None,
    ) -> RouterOutput:
        """Decide for each position.

        Parameters
        ----------
        hidden : encoder states; routers without parameters take nothing but their shape.
        mask : True on real positions; None means that all are.
        key : one number a sequence (`hash_sequences`); only a random router needs it.
        """

    def reset_parameters(self) -> None:
        """Set the initial weights, if there are any."""
        return


class _CosineRouter(Router):
    """p_t = clamp((1 - s_t) / 2, 0, 1), s_t a similarity of L2-normalised q and k; p_0 = 1."""

    def __init__(self, d_model: int) -> None:
        super().__init__()
        self.q_proj = nn.Linear(d_model, d_model, bias=False)
        self.k_proj = nn.Linear(d_model, d_model, bias=False)

    def reset_parameters(self) -> None:
        """Identity, as published: p starts from the states' own angles."""
        nn.init.eye_(self.q_proj.weight)
        nn.init.eye_(self.k_proj.weight)

    @abstractmethod
    def _compare(
        self, q: Float[Tensor, "b l d"], k: Float[Tensor, "b l d"]
    ) -> Float[Tensor, "b l-1"]:
        """s_t for t = 1 .. l - 1."""

    def forward(
        self,
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None = None,
        key: Int[Tensor, " b"] | None = None,
    ) -> RouterOutput:
        """At least float32 whatever the input's dtype: the cosine decides near-ties."""
        del key  # only a random router has a use for it
        hidden = hidden.to(torch.promote_types(hidden.dtype, torch.float32))
        with torch.autocast(hidden.device.type, enabled=False):
            q = F.normalize(self.q_proj(hidden), dim=-1)
            k = F.normalize(self.k_proj(hidden), dim=-1)
        dissimilarity = 0.5 * (1 - self._compare(q, k))
        prob = F.pad(dissimilarity.clamp(0.0, 1.0), (1, 0), value=1.0)
        is_boundary = prob > 0.5
        if mask is not None:
            is_boundary = is_boundary & mask
        return RouterOutput(
            prob=prob,
            is_boundary=is_boundary,
            selected_prob=torch.where(is_boundary, prob, 1 - prob),
            mask=mask,
        )


class BidirectionalRouter(_CosineRouter):
    """LDARNet's own: s_t = (q_{t-1}.k_t + q_t.k_{t-1}) / 2, the same read from either end."""

    def _compare(
        self, q: Float[Tensor, "b l d"], k: Float[Tensor, "b l d"]
    ) -> Float[Tensor, "b l-1"]:
        return 0.5 * ((q[:, :-1] * k[:, 1:]).sum(-1) + (q[:, 1:] * k[:, :-1]).sum(-1))


class OneSidedRouter(_CosineRouter):
    """H-Net's causal rule, s_t = q_{t-1}.k_t (arXiv:2507.07955, section 2.2).

    Only the comparison looks one way: the states come from the same bidirectional encoder.
    """

    def _compare(
        self, q: Float[Tensor, "b l d"], k: Float[Tensor, "b l d"]
    ) -> Float[Tensor, "b l-1"]:
        return (q[:, :-1] * k[:, 1:]).sum(-1)
