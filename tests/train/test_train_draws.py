"""The hash behind every draw: its bits, its uniformity, the independence of its streams."""

import numpy as np
import pytest
import torch
from scipy import stats

from ldar_interp.train.draws import (
    GAMMA,
    Stream,
    absorb,
    draw_words,
    mix,
    shift_right,
    to_signed,
)

MASK_64 = (1 << 64) - 1


def words(rows: range = range(2000), n_words: int = 16, *, seed=0, step=0, stream=Stream.MASK):
    return draw_words(rows, n_words, seed=seed, step=step, stream=stream, device="cpu")


def fields(word: torch.Tensor, n_bits: int) -> np.ndarray:
    """The word cut into fields of `n_bits`, lowest first; (..., 64 // n_bits)."""
    unsigned = word.numpy().view(np.uint64)[..., None]
    shifts = np.arange(0, 64, n_bits, dtype=np.uint64)
    return ((unsigned >> shifts) & np.uint64((1 << n_bits) - 1)).astype(np.int64)


def test_the_published_sequence():
    """First outputs of splitmix64 for seed 1234567 (rosettacode.org, Splitmix64)."""
    states = torch.tensor([to_signed(1234567 + k * GAMMA) for k in range(1, 6)])
    assert [int(z) & MASK_64 for z in mix(states)] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]


@pytest.mark.parametrize("seed", [0, 7, 2**63, 2**64 - 1])
def test_words_by_hand(seed):
    """The formula of the module's docstring in Python's unbounded integers."""
    row_key = absorb(absorb(absorb(absorb(0, seed), 5), Stream.MASK), 9)
    wanted = []
    for j in (1, 2, 3):
        z = (row_key + j * GAMMA) & MASK_64
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK_64
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK_64
        wanted.append(z ^ (z >> 31))
    found = words(range(9, 10), 3, seed=seed, step=5)
    assert [int(word) & MASK_64 for word in found[0]] == wanted


def test_shift_brings_in_zeros():
    assert shift_right(torch.tensor([-1]), 1).item() == 2**63 - 1
    assert shift_right(torch.tensor([-1]), 63).item() == 1
    assert to_signed(MASK_64) == -1
    assert to_signed(-1) == -1


def test_a_row_does_not_depend_on_the_others():
    whole = words(range(40), 8, seed=3, step=11)
    assert torch.equal(words(range(7, 40, 3), 8, seed=3, step=11), whole[7::3])
    assert torch.equal(words(range(5, 6), 4, seed=3, step=11), whole[5:6, :4])


def test_each_argument_changes_every_word():
    base = words(seed=1, step=2)
    others = [words(seed=2, step=2), words(seed=1, step=3), words(seed=2, step=1)]
    others += [words(seed=1, step=2, stream=Stream.WINDOW)]
    for other in others:
        assert not (base == other).any()
    assert len(base.unique()) == base.numel()


@pytest.mark.parametrize("seed", [0, 1, 2, 20260101])
def test_bits_and_buckets_are_uniform(seed):
    """32,000 words: each of 64 bits, each nibble, and the remainder by an odd total."""
    found = words(seed=seed)
    n = found.numel()
    bits = fields(found, 1).reshape(n, 64).sum(axis=0)
    assert stats.chisquare(bits_chi(bits, n), ddof=0).pvalue > 1e-3
    for place, nibble in enumerate(fields(found, 4).reshape(n, 16).T):
        assert stats.chisquare(np.bincount(nibble, minlength=16)).pvalue > 1e-4, place
    remainder = (shift_right(found, 1) % 101).numpy().ravel()
    assert stats.chisquare(np.bincount(remainder, minlength=101)).pvalue > 1e-3


def bits_chi(ones: np.ndarray, n: int) -> np.ndarray:
    return np.concatenate([ones, n - ones])


@pytest.mark.parametrize("step", [0, 1, 12345])
def test_neighbours_are_independent(step):
    """Pairs that a batch puts side by side: words, rows, steps, streams, fields of one word."""
    here = words(step=step)
    pairs = {
        "words": (here[:, :-1], here[:, 1:]),
        "rows": (here[:-1], here[1:]),
        "steps": (here, words(step=step + 1)),
        "seeds": (here, words(step=step, seed=1)),
        "streams": (here, words(step=step, stream=Stream.WINDOW)),
    }
    for name, (left, right) in pairs.items():
        for shift in (0, 8, 32, 60):
            a, b = ((shift_right(x, shift) if shift else x) & 15 for x in (left, right))
            table = np.bincount((a * 16 + b).numpy().ravel(), minlength=256)
            assert stats.chisquare(table).pvalue > 1e-4, (name, shift)
    nibbles = fields(here, 4).reshape(-1, 16)
    for one, other in [(0, 8), (0, 2), (2, 15), (7, 8)]:
        table = np.bincount(nibbles[:, one] * 16 + nibbles[:, other], minlength=256)
        assert stats.chisquare(table).pvalue > 1e-4, (one, other)
