"""Random numbers without state: every draw is a hash of where it is used.

A generator with state ties a draw to all draws before it, and torch's differ between CPU and CUDA.
Here a draw is a function of (seed, step, stream, row, j) and of nothing else, so any process can
make any row of any step, in any order and on any device, and gets the same bits.

The hash is splitmix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195; constants of the
public-domain code at https://prng.di.unimi.it/splitmix64.c). In arithmetic modulo 2**64:

    mix(z):   z ^= z >> 30;  z *= 0xBF58476D1CE4E5B9
              z ^= z >> 27;  z *= 0x94D049BB133111EB
              z ^= z >> 31
    absorb(key, part) = mix((key + GAMMA) ^ part)          GAMMA = 0x9E3779B97F4A7C15
    row key           = absorb(absorb(absorb(absorb(0, seed), step), stream), row)
    word j            = mix(row key + (j + 1) * GAMMA)     j = 0, 1, ...

so the words of a row are the output of splitmix64 seeded with the row's key. torch has no unsigned
64-bit arithmetic on devices; int64 holds the same bits, since its multiplication wraps, and a
logical shift is an arithmetic shift followed by a mask. Words are used as bit fields or modulo a
total; floating point is never involved.
"""

from enum import IntEnum

import torch
from jaxtyping import Int64
from torch import Tensor

GAMMA = 0x9E3779B97F4A7C15
_MULTIPLY_1 = 0xBF58476D1CE4E5B9
_MULTIPLY_2 = 0x94D049BB133111EB
_WRAP = 1 << 64
_SIGN = 1 << 63


class Stream(IntEnum):
    """What a row's words are for. The numbers are part of what makes a run reproducible."""

    WINDOW = 0
    MASK = 1


def draw_words(
    rows: range, n_words: int, *, seed: int, step: int, stream: Stream, device: torch.device | str
) -> Int64[Tensor, "rows words"]:
    """64 random bits for each row and each j below `n_words`.

    Parameters
    ----------
    rows : numbers of the rows, >= 0; a row's words do not depend on which others are asked for.
    n_words : words a row.
    seed, step : any whole numbers; they count modulo 2**64.
    stream : what the words are for; streams are independent.
    device : where the words are made. The bits are the same on each.
    """
    key = 0
    for part in (seed, step, stream):
        key = absorb(key, part)
    row_numbers = torch.arange(rows.start, rows.stop, rows.step, dtype=torch.int64, device=device)
    row_keys = mix(row_numbers ^ to_signed(key + GAMMA))
    j = torch.arange(1, n_words + 1, dtype=torch.int64, device=device)
    return mix(row_keys[:, None] + j * to_signed(GAMMA))


def mix(z: Int64[Tensor, "..."]) -> Int64[Tensor, "..."]:
    """The output function of splitmix64, a bijection of 64 bits; `z` stays as it is."""
    z = (z ^ shift_right(z, 30)) * to_signed(_MULTIPLY_1)
    z = (z ^ shift_right(z, 27)) * to_signed(_MULTIPLY_2)
    return z ^ shift_right(z, 31)


def absorb(key: int, part: int) -> int:
    """A new key, 0 <= key < 2**64, from a key and a whole number; in Python's integers."""
    z = ((key + GAMMA) ^ part) % _WRAP
    z = (z ^ (z >> 30)) * _MULTIPLY_1 % _WRAP
    z = (z ^ (z >> 27)) * _MULTIPLY_2 % _WRAP
    return z ^ (z >> 31)


def shift_right(z: Int64[Tensor, "..."], n_bits: int) -> Int64[Tensor, "..."]:
    """Logical shift: zeros come in from the left, whatever the sign; 0 < n_bits < 64."""
    return (z >> n_bits) & ((1 << (64 - n_bits)) - 1)


def to_signed(value: int) -> int:
    """The int64 with the same 64 bits, for any whole number taken modulo 2**64."""
    return (value + _SIGN) % _WRAP - _SIGN
