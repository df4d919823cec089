"""The seven ids of the model and the letters behind them.

A 0, C 1, G 2, T 3, N 4, [MASK] 5, [PAD] 6. Lower case (soft-masked) letters are letters, U is T,
and every other symbol is N. The published tokenizer reads lower case as N instead; files of
`input_ids` that it wrote are therefore fed as ids and never encoded again.
"""

import numpy as np
from numpy.typing import NDArray

A, C, G, T, N, MASK, PAD = range(7)
VOCAB_SIZE = 7
LETTERS = "ACGTN"

_ENCODE = np.full(256, N, dtype=np.uint8)
for _letter, _id in zip("ACGTU", (A, C, G, T, T), strict=True):
    _ENCODE[ord(_letter)] = _id
    _ENCODE[ord(_letter.lower())] = _id
_ENCODE_TABLE = _ENCODE.tobytes()
_DECODE_TABLE = bytes(ord(c) for c in "ACGTN?-") + b"?" * 249
_COMPLEMENT = np.array([T, G, C, A, N, MASK, PAD], dtype=np.uint8)


def encode(sequence: str | bytes) -> NDArray[np.uint8]:
    """Letters to ids, uint8 of the same length. Unknown letters become N (4)."""
    raw = sequence.encode("ascii", "replace") if isinstance(sequence, str) else sequence
    return np.frombuffer(bytearray(raw.translate(_ENCODE_TABLE)), dtype=np.uint8)


def decode(ids: NDArray[np.uint8]) -> str:
    """Ids to upper-case letters; [MASK] prints as `?` and [PAD] as `-`."""
    return np.ascontiguousarray(ids, dtype=np.uint8).tobytes().translate(_DECODE_TABLE).decode()


def reverse_complement(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The other strand, 5' to 3', of ids (..., length); [MASK] and [PAD] keep their id."""
    return _COMPLEMENT[ids[..., ::-1]]
