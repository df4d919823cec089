"""Sequences of any length as batches of similar length, so that little of a batch is padding.

The model reads a sequence the same alone or in a batch, with or without padding; how batches are
cut changes the speed, and results to rounding only.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Int
from numpy.typing import NDArray
from torch import Tensor

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import PAD, encode, reverse_complement

Encoded = Sequence[NDArray[np.uint8]]
"""Ids of each sequence, (l,)."""


@dataclass(frozen=True, slots=True)
class PaddedBatch:
    """`rows` (b,): which sequences; `input_ids` (b, l) int64, padded with [PAD] on the right.

    `is_padded`: whether there is any [PAD], known here without asking the device.
    """

    rows: NDArray[np.int64]
    input_ids: Int[Tensor, "b l"]
    is_padded: bool


def encode_sequences(sequences: Sequence[str]) -> list[NDArray[np.uint8]]:
    """Ids of each sequence. Unknown letters are N.

    Raises
    ------
    InputError : an empty sequence, or what is no list of letters.
    """
    if isinstance(sequences, str):
        raise InputError("one sequence by itself; wanted a list of sequences")
    encoded = []
    for row, sequence in enumerate(sequences):
        if not isinstance(sequence, str):
            raise InputError(f"sequence {row} is {sequence!r}; wanted letters")
        ids = encode(sequence)
        if len(ids) == 0:
            raise InputError(f"sequence {row} is empty; wanted at least one base: remove it")
        encoded.append(ids)
    return encoded


def list_strands(encoded: Encoded, *, both: bool) -> list[Encoded]:
    """The given strand and, if both are wanted, the reverse complements in the same order."""
    return [encoded, [reverse_complement(ids) for ids in encoded]] if both else [encoded]


def plan_batches(
    lengths: Sequence[int] | NDArray[np.int64], max_bases: int
) -> list[NDArray[np.int64]]:
    """Rows of each batch: sorted by length, rows of equal length in their order.

    A batch holds at most `max_bases` bases with its padding, and at least one sequence.
    """
    found = np.asarray(lengths, dtype=np.int64)
    order = np.argsort(found, kind="stable")
    batches: list[NDArray[np.int64]] = []
    begin = 0
    for end in range(1, len(order) + 1):
        # The last row is the longest, and all are padded to it.
        if end == len(order) or (end + 1 - begin) * found[order[end]] > max_bases:
            batches.append(order[begin:end])
            begin = end
    return batches


def pad_batch(encoded: Encoded, rows: NDArray[np.int64], device: torch.device) -> PaddedBatch:
    """The sequences `rows` of `encoded` as one batch."""
    lengths = [len(encoded[row]) for row in rows]
    longest = max(lengths)
    ids = np.full((len(rows), longest), PAD, dtype=np.int64)
    for k, row in enumerate(rows):
        ids[k, : len(encoded[row])] = encoded[row]
    return PaddedBatch(rows, torch.from_numpy(ids).to(device), min(lengths) < longest)
