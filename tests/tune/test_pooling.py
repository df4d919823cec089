"""Poolings by hand; padding and batch mates change nothing; the head's errors."""

import pytest
import torch

from ldar_interp.errors import InputError
from ldar_interp.model.router import RouterOutput
from ldar_interp.tune.pooling import POOLINGS, Head, pool_attention, pool_chunks, pool_mean

HIDDEN = torch.tensor([[[1.0], [3.0], [5.0], [90.0]]])
MASK = torch.tensor([[True, True, True, False]])


def decide(*cuts: bool) -> torch.Tensor:
    return torch.tensor([cuts])


def test_mean_is_over_real_bases():
    assert pool_mean(HIDDEN, None).item() == 99 / 4
    assert pool_mean(HIDDEN, MASK).item() == pytest.approx(3)


@pytest.mark.parametrize(
    ("mask", "cuts", "expected"),
    [
        # (1 + 3) / 2 and (5 + 90) / 2
        (None, (True, False, True, False), (2 + 47.5) / 2),
        # The second chunk has one real base.
        (MASK, (True, False, True, False), (2 + 5) / 2),
        (MASK, (True, True, True, False), 3),
        # The first base starts a chunk whatever the router says.
        (MASK, (False, True, False, False), (1 + 4) / 2),
    ],
)
def test_chunks_by_hand(mask, cuts, expected):
    assert pool_chunks(HIDDEN, mask, decide(*cuts)).item() == pytest.approx(expected)


def test_attention_starts_as_the_mean_and_follows_its_query():
    hidden = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(5) < torch.tensor([[5], [2]])
    torch.testing.assert_close(
        pool_attention(hidden, mask, torch.zeros(3)), pool_mean(hidden, mask)
    )
    sharp = pool_attention(hidden, mask, torch.tensor([1e4, 0.0, 0.0]))
    tops = torch.stack([hidden[0, hidden[0, :, 0].argmax()], hidden[1, hidden[1, :2, 0].argmax()]])
    torch.testing.assert_close(sharp, tops)


@pytest.mark.parametrize("kind", POOLINGS)
def test_padding_counts_for_nothing(kind):
    generator = torch.Generator().manual_seed(1)
    head = Head(kind, 4, 3, seed=0)
    if kind == "attention":
        head.query.data.normal_(generator=generator)
    hidden = torch.randn(1, 6, 4, generator=generator)
    prob = torch.rand(1, 6, generator=generator)

    def boundaries(n: int) -> RouterOutput:
        return RouterOutput(prob[:, :n], prob[:, :n] > 0.5, prob[:, :n], None)

    alone = head(hidden[:, :4], None, boundaries(4))
    mask = torch.arange(6)[None] < 4
    padded = RouterOutput(prob, (prob > 0.5) & mask, prob, mask)
    torch.testing.assert_close(head(hidden, mask, padded), alone)


def test_a_head_is_float32_under_autocast_and_draws_from_its_own_seed():
    before = torch.get_rng_state()
    first, same, other = (Head("linear", 8, 2, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(first.classify.weight, same.classify.weight)
    assert not torch.equal(first.classify.weight, other.classify.weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        scores = first(torch.randn(1, 3, 8).bfloat16(), None, None)
    assert scores.dtype == torch.float32


def test_what_makes_no_head():
    with pytest.raises(InputError, match="head 'max'; wanted one of linear, attention, chunks"):
        Head("max", 8, 2, seed=0)
    with pytest.raises(InputError, match="a head of 1 classes; wanted at least 2"):
        Head("linear", 8, 1, seed=0)
    with pytest.raises(InputError, match=r"'chunks' on a model without a router.*linear or"):
        Head("chunks", 8, 2, seed=0)(torch.randn(1, 3, 8), None, None)
