"""Every place in a genome whose letters are wanted, on both strands, in one pass.

The k letters around an anchor are a number, two bits a letter, and so are the same letters read on
the other strand. Both numbers of every place of a block come from doubling: two neighbouring words
of m letters make one of 2m, so ten letters take four passes over the block instead of ten.

    plus, anchor a :   bases [a - left, a + right)
    minus, anchor a:   bases [a - right, a + left), complemented, last to first

    letters that start at base b:   anchor b + left on plus, b + right on minus

Each place also gets a number drawn from the 64 letters around it and the seed (`PlaceHash`). It
stands for "at random" in everything that follows: a place has the same number whatever the order
of the search, and so has its mirror image when genome and sites are reverse-complemented. Copies
of a repeat that agree in all 64 letters share it; their coordinates then decide.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N

if TYPE_CHECKING:
    from ldar_interp.genome.fasta import Genome

HASHED_BP = 32
"""Letters on each side of an anchor that its number is drawn from."""
BLOCK_BP = 1 << 20
MAX_LETTERS = 12
"""More letters would need a table of more than 4^12 entries."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def read_words(
    ids: NDArray[np.uint8], k: int, *, complement: bool = False
) -> NDArray[np.unsignedinteger]:
    """The k letters that start at each base as numbers, first letter highest, (n - k + 1,).

    uint32 up to 16 letters, else uint64. With `complement` they are read on the other strand:
    complemented, last letter first. N counts as T here, on either strand; callers drop places
    with N. 1 <= k <= 32.
    """
    dtype: type[np.unsignedinteger] = np.uint32 if k <= 16 else np.uint64
    letters = np.minimum(ids, N - 1)
    if complement:
        letters = np.where(ids < N, 3 - letters, letters)

    def join(
        left: NDArray[np.unsignedinteger],
        left_size: int,
        right: NDArray[np.unsignedinteger],
        right_size: int,
    ) -> NDArray[np.unsignedinteger]:
        """Words that start at each base, from those of its first and of its following letters."""
        n = max(len(ids) - left_size - right_size + 1, 0)
        left, right = left[:n], right[left_size : left_size + n]
        if complement:
            return (right << dtype(2 * left_size)) | left
        return (left << dtype(2 * right_size)) | right

    letter = letters.astype(dtype)
    word, size = letter, 1
    # The bits of k after its first: double, and add a letter where the bit is set.
    for bit in f"{k:b}"[1:]:
        word, size = join(word, size, word, size), 2 * size
        if bit == "1":
            word, size = join(word, size, letter, 1), size + 1
    return word


@dataclass(frozen=True)
class Places:
    """Where wanted letters stand, row by row.

    `anchor` are edges of the sequence that was searched, `minus` whether they read on the minus
    strand, `row` says which of `Letters.codes` they are.
    """

    anchor: NDArray[np.int64]
    minus: NDArray[np.bool_]
    row: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.anchor)

    def select(self, rows: NDArray[np.bool_]) -> "Places":
        """The places where `rows`, bool (n,), is true."""
        return Places(self.anchor[rows], self.minus[rows], self.row[rows])


class Letters:
    """The letters that are wanted around an anchor.

    Parameters
    ----------
    left, right : letters on the 5' and on the 3' side of the anchor, >= 0, at most 12 together.
    codes : numbers of the wanted letters (`encode_letters`), any order, with repeats; kept sorted
        and unique.

    Raises
    ------
    InputError : no letters, too many, or a code that `left + right` letters cannot have.
    """

    def __init__(self, left: int, right: int, codes: NDArray[np.int64]) -> None:
        k = left + right
        if left < 0 or right < 0 or not 1 <= k <= MAX_LETTERS:
            raise InputError(
                f"{left} + {right} letters around an anchor; wanted 1 to {MAX_LETTERS} together"
            )
        self.left, self.right = left, right
        self.codes: NDArray[np.int64] = np.unique(codes)
        if len(self.codes) and not 0 <= self.codes[0] <= self.codes[-1] < 4**k:
            raise InputError(
                f"codes from {self.codes[0]} to {self.codes[-1]}; wanted 0 to {4**k - 1}, the "
                f"numbers of {k} letters without N"
            )
        self._row_of = np.full(4**k, -1, dtype=np.int32)
        self._row_of[self.codes] = np.arange(len(self.codes), dtype=np.int32)

    def __len__(self) -> int:
        return self.left + self.right

    def find(self, ids: NDArray[np.uint8]) -> Places:
        """All anchors of a plus-strand sequence with wanted letters on either strand.

        Sorted by anchor, plus before minus. Letters with N are never wanted.
        """
        k = len(self)
        unknown = np.concatenate([[0], np.cumsum(ids >= N)])
        clean = unknown[k:] == unknown[:-k]
        parts = []
        for minus, before in ((False, self.left), (True, self.right)):
            row = self._row_of[read_words(ids, k, complement=minus)]
            base = np.flatnonzero((row >= 0) & clean)
            parts.append((base + before, np.full(len(base), minus), row[base]))
        anchor, strand, row = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((strand, anchor))
        return Places(anchor[order], strand[order], row[order])


def encode_letters(ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Numbers of letters (n, k) read 5' to 3', the first letter highest; -1 where there is N."""
    code = np.zeros(len(ids), dtype=np.int64)
    for column in ids.T:
        code = 4 * code + np.minimum(column, N - 1)
    return np.where((ids >= N).any(axis=1), -1, code)


class PlaceHash:
    """Numbers for the places of one plus-strand sequence, drawn from their letters and a seed."""

    def __init__(self, ids: NDArray[np.uint8], seed: int) -> None:
        self._plus = read_words(ids, HASHED_BP)
        self._minus = read_words(ids, HASHED_BP, complement=True)
        self._seed = seed

    def __call__(self, anchor: NDArray[np.int64], minus: NDArray[np.bool_]) -> NDArray[np.uint64]:
        """Numbers of anchors whose 32 letters on either side exist, uint64 (n,)."""
        before, after = anchor - HASHED_BP, anchor
        first = np.where(minus, self._minus[after], self._plus[before])
        last = np.where(minus, self._minus[before], self._plus[after])
        return mix(mix(first, self._seed) ^ last, 1)


def mix(words: NDArray[np.uint64], number: int) -> NDArray[np.uint64]:
    """Stir a number >= 0 into each word, so that any change of a bit changes every bit.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014, doi:10.1145/2660193.2660195).
    """
    step = np.uint64((number + 1) * int(_GOLDEN) % 2**64)
    words = words + step
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))


@dataclass(frozen=True)
class Block:
    """Part of a chromosome: plus-strand letters from `start` on, and the edges that belong to it.

    `first` <= edge < `stop`; every edge of the genome belongs to one block. The letters reach
    beyond as far as was asked for, or to the end of the sequence.
    """

    chrom: str
    start: int
    first: int
    stop: int
    ids: NDArray[np.uint8]


def read_blocks(genome: "Genome", reach_bp: int) -> Iterator[Block]:
    """The genome in blocks of about 1 Mb whose letters reach `reach_bp` beyond their edges."""
    for segment in genome.segments:
        # The edge at the end of a segment is one more than it has bases.
        for first in range(segment.start, segment.end + 1, BLOCK_BP):
            stop = min(segment.end + 1, first + BLOCK_BP)
            low, high = max(segment.start, first - reach_bp), min(segment.end, stop + reach_bp)
            ids = genome.fetch(segment.chrom, low, high)
            yield Block(segment.chrom, low, first, stop, ids)
