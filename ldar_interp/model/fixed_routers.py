"""Routers without parameters: a grid, and cuts at random. What is learned has to beat them.

Their p is 0 or 1 and carries no gradient, so `selected_prob` is 1 everywhere and the ratio loss is
a constant. p says where they cut, and nothing about the sequence.

The random cuts are a pure function of the sequence's own letters, the stage and the position:

    key   = mix( sum over real positions t of mix(8 t + id_t) )       one number a sequence
    h_t   = mix( mix(t) xor mix(key + (stage + 1) x odd constant) )   one number a position
    cut at t   where h_t < RATE x 2^32, and at t = 0

So the same window is cut in the same way whenever it is seen, alone or in any batch, and two
windows differ in their cuts as soon as they differ in a letter ([MASK] is one: a window masked
anew in training is cut anew). `mix` is a 32-bit integer hash in int64 arithmetic that never
overflows, so all devices give the same bits.
"""

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from ldar_interp.model.router import Router, RouterOutput

_BITS = 32
_LOW = (1 << _BITS) - 1
# Odd and below 2^31, so that a product with 32 bits stays below 2^63. The form and the constants
# are of the kind found by https://github.com/skeeto/hash-prospector; a test counts how often each
# bit of the input turns over each bit of the output.
_FIRST, _SECOND = 0x21F0AAAD, 0x735A2D97
# 2^32 / golden ratio: stages far apart.
_STAGE = 0x9E3779B9


class FixedRouter(Router):
    """A cut at every `period`-th position of the stage, the first included."""

    def __init__(self, period: int) -> None:
        super().__init__()
        self.period = period

    def forward(
        self,
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None = None,
        key: Int[Tensor, " b"] | None = None,
    ) -> RouterOutput:
        """The same grid for all sequences, counted from their first position."""
        del key  # the grid does not depend on letters
        batch, length, _ = hidden.shape
        on_grid = torch.arange(length, device=hidden.device) % self.period == 0
        return _decide(on_grid.expand(batch, -1), hidden, mask)

    def extra_repr(self) -> str:
        return f"period={self.period}"


class RandomRouter(Router):
    """Cuts at `rate`, by a hash of the sequence's letters, the stage's `depth` and the position.

    The first position is always cut, the others independently of each other: 1 + Binomial(l - 1,
    rate) chunks.
    """

    def __init__(self, rate: float, depth: int) -> None:
        super().__init__()
        self.rate = rate
        self.depth = depth

    def forward(
        self,
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None = None,
        key: Int[Tensor, " b"] | None = None,
    ) -> RouterOutput:
        """`key` is required: without it, all sequences would be cut alike."""
        if key is None:
            raise ValueError("a random router needs the sequences' keys: see hash_sequences")
        positions = torch.arange(hidden.shape[1], device=hidden.device)
        of_stage = _mix((key + (self.depth + 1) * _STAGE) & _LOW)
        drawn = _mix(_mix(positions) ^ of_stage[:, None])
        cuts = drawn < round(self.rate * (1 << _BITS))
        cuts[:, 0] = True
        return _decide(cuts, hidden, mask)

    def extra_repr(self) -> str:
        return f"rate={self.rate}, depth={self.depth}"


def hash_sequences(ids: Int[Tensor, "b l"], mask: Bool[Tensor, "b l"] | None) -> Int[Tensor, " b"]:
    """One number in [0, 2^32) a sequence, from its real ids and their places.

    Padding does not enter, so the number does not depend on the batch. It is a sum, so it does not
    depend on the order in which a device adds either.
    """
    positions = torch.arange(ids.shape[1], device=ids.device)
    # Eight places a position for the seven letters: no two pairs of place and letter are alike.
    drawn = _mix((positions * 8 + ids) & _LOW)
    if mask is not None:
        drawn = drawn * mask
    return _mix(drawn.sum(1) & _LOW)


def _mix(x: Int[Tensor, "..."]) -> Int[Tensor, "..."]:
    """A permutation of the integers in [0, 2^32) that looks random; int64 in and out."""
    x = ((x ^ (x >> 16)) * _FIRST) & _LOW
    x = ((x ^ (x >> 15)) * _SECOND) & _LOW
    return x ^ (x >> 15)


def _decide(
    cuts: Bool[Tensor, "b l"], hidden: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"] | None
) -> RouterOutput:
    """p = 1 at the cuts and 0 elsewhere, padding included: what was chosen has probability 1."""
    if mask is not None:
        cuts = cuts & mask
    prob = cuts.to(torch.promote_types(hidden.dtype, torch.float32))
    return RouterOutput(prob=prob, is_boundary=cuts, selected_prob=torch.ones_like(prob), mask=mask)
