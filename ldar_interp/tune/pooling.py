"""From the decoder's states, one for each base, to one score for each class.

Sequences differ in length and classes do not, so the states are first pooled into one vector:

    linear      the mean over real bases: every base counts the same
    attention   a weighted mean whose weights a learned query gives: softmax(q . h_t / sqrt(d)).
                The query starts at zero, which is the mean
    chunks      the mean over the model's own tokens of the mean over each one's bases: every
                token counts the same, so bases that the router cuts finely (information, in the
                model's eyes) weigh more than long uncut stretches

and a linear layer follows. Padding never counts. Pooling and head are in float32 also under
autocast: a mean over thousands of bases in bfloat16 is off in its third digit.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from ldar_interp.errors import InputError
from ldar_interp.model.ldarnet import INIT_STD
from ldar_interp.model.router import RouterOutput
from ldar_interp.tune.protocol import POOLINGS as POOLINGS


def pool_mean(
    hidden: Float[Tensor, "b l d"], mask: Bool[Tensor, "b l"] | None
) -> Float[Tensor, "b d"]:
    """Mean over real bases; `mask` None means that all are."""
    if mask is None:
        return hidden.mean(1)
    weight = mask.to(hidden.dtype)
    return _weigh(hidden, weight / weight.sum(-1, keepdim=True))


def pool_chunks(
    hidden: Float[Tensor, "b l d"],
    mask: Bool[Tensor, "b l"] | None,
    is_boundary: Bool[Tensor, "b l"],
) -> Float[Tensor, "b d"]:
    """Mean over chunks of the mean over each chunk's real bases.

    A chunk starts where `is_boundary` is set, and at the first base in any case. The cuts are
    decisions: no gradient goes to them.
    """
    starts = is_boundary.long()
    starts[:, 0] = 1
    chunk_of = starts.cumsum(-1) - 1
    counts = _ones(is_boundary, hidden.dtype) if mask is None else mask.to(hidden.dtype)
    # Sums of ones: exact in any order of addition.
    sizes = torch.zeros_like(counts).scatter_add(1, chunk_of, counts)
    n_chunks = (sizes > 0).sum(-1, keepdim=True)
    return _weigh(hidden, counts / (sizes.gather(1, chunk_of).clamp_min(1) * n_chunks))


def pool_attention(
    hidden: Float[Tensor, "b l d"],
    mask: Bool[Tensor, "b l"] | None,
    query: Float[Tensor, " d"],
) -> Float[Tensor, "b d"]:
    """Mean over real bases, weighted by softmax(query . state / sqrt(d))."""
    scores = hidden @ query / math.sqrt(len(query))
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return _weigh(hidden, scores.softmax(-1))


class Head(nn.Module):
    """Pooling and a linear layer.

    Parameters
    ----------
    kind : how states are pooled, one of `POOLINGS`.
    d_model : width of the decoder's states, `model.config.d_model[0]`.
    n_classes : at least 2.
    seed : of the initial weights, N(0, 0.02) as the model's own; biases and the query are zero.
        The global generator is untouched.

    Raises
    ------
    InputError : an unknown kind, or fewer than two classes.
    """

    def __init__(self, kind: str, d_model: int, n_classes: int, *, seed: int) -> None:
        super().__init__()
        if kind not in POOLINGS:
            raise InputError(f"head {kind!r}; wanted one of {', '.join(POOLINGS)}")
        if n_classes < 2:
            raise InputError(f"a head of {n_classes} classes; wanted at least 2")
        self.kind, self.d_model, self.n_classes = kind, d_model, n_classes
        self.classify = nn.Linear(d_model, n_classes, device="meta").to_empty(device="cpu")
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.classify.weight.normal_(0.0, INIT_STD, generator=generator)
            self.classify.bias.zero_()
        if kind == "attention":
            self.query = nn.Parameter(torch.zeros(d_model))

    def forward(
        self,
        hidden: Float[Tensor, "b l d"],
        mask: Bool[Tensor, "b l"] | None,
        boundaries: RouterOutput | None,
    ) -> Float[Tensor, "b c"]:
        """Scores of each class (logits), float32.

        `boundaries` are the outermost router's; only `chunks` looks at them.

        Raises
        ------
        InputError : `chunks` for a model without a router.
        """
        with torch.autocast(hidden.device.type, enabled=False):
            hidden = hidden.float()
            if self.kind == "attention":
                pooled = pool_attention(hidden, mask, self.query)
            elif self.kind == "chunks":
                if boundaries is None:
                    raise no_chunks()
                pooled = pool_chunks(hidden, mask, boundaries.is_boundary)
            else:
                pooled = pool_mean(hidden, mask)
            return F.linear(pooled, self.classify.weight, self.classify.bias)


def no_chunks() -> InputError:
    """The error of pooling over chunks where nothing cuts any."""
    return InputError(
        "head 'chunks' on a model without a router, which has no chunks; wanted linear or attention"
    )


def _weigh(hidden: Float[Tensor, "b l d"], weight: Float[Tensor, "b l"]) -> Float[Tensor, "b d"]:
    """Weighted sums over bases, as a matrix product."""
    return (weight[:, None] @ hidden)[:, 0]


def _ones(like: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.ones(like.shape, dtype=dtype, device=like.device)
