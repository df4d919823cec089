"""Test rows that the training rows already hold, exactly or nearly, on either strand.

A benchmark whose test sequences were seen in training measures memory. Two kinds of leak:

- `exact`: the same letters, or their reverse complement.
- `near`: some single training row holds at least half (`NEAR_SHARE`) of the distinct 20-mers of the
  test row. A 20-mer and its reverse complement are one, those with N are left out. A window shifted
  by up to half of its length is near, and so is a copy with a few exchanged bases; every exchange
  costs at most 20 of the k-mers.

One training row, not all of them together: repeats such as Alu, whose k-mers are all over a large
training set, do not make a leak by themselves. Distinct k-mers, so that a stretch of a simple
repeat counts little. Rows under 20 bp can only be exact.

    test    ACGTTGCA...............          shifted by 5 of 500: 476 of 481 20-mers shared
    train        GCA..................

Test rows are asked, not pairs: a short training row inside a long test row is not near.
`group_near` links two rows if either is near in the other.

Cost: linear in the bases but for the pairs that do share k-mers. A bitmap of hashed k-mers drops
the training k-mers that no test row has; pairs are counted as a product of sparse matrices.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ldar_interp.genome.alphabet import N, decode, encode, reverse_complement

NONE, EXACT, NEAR = "none", "exact", "near"
LEAKS = (NONE, EXACT, NEAR)
K = 20
NEAR_SHARE = 0.5
_BLOCK_BASES = 100_000  # temporary arrays of 0.8 MB stay in the cache
_BLOCK_ROWS = 256
_BITMAP_BITS = 24
# Fibonacci hashing: 2^64 divided by the golden ratio (Knuth, TAOCP 3, 6.4).
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_COMPLEMENT = bytes.maketrans(
    b"ACGTN", decode(reverse_complement(encode("ACGTN")))[::-1].encode("ascii")
)

Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Leaks:
    """What each test row shares with the training rows; arrays of (n_test,).

    `kind` is `none`, `exact` or `near`; `share` the largest share of the row's distinct 20-mers
    that one training row holds (NaN if it has none); `train_row` that training row, the first of
    equals, or the first exact copy; -1 where nothing is shared.
    """

    kind: NDArray[np.object_]
    share: NDArray[np.float64]
    train_row: Integers


def canonical_strand(sequence: str) -> str:
    """The sequence or its reverse complement, whichever comes first in the alphabet."""
    raw = sequence.encode("ascii")
    return min(raw, raw.translate(_COMPLEMENT)[::-1]).decode("ascii")


def hash_sequence(sequence: str) -> str:
    """16 hexadecimal digits, the same for both strands."""
    return blake2b(canonical_strand(sequence).encode("ascii"), digest_size=8).hexdigest()


def find_leaks(
    train: Sequence[str], test: Sequence[str], *, near_share: float = NEAR_SHARE
) -> Leaks:
    """Compare every test row with every training row, both strands.

    Parameters
    ----------
    train, test : upper-case letters ACGTN.
    near_share : share of a test row's distinct 20-mers in one training row that makes it `near`.
    """
    kind = np.full(len(test), NONE, dtype=object)
    train_row = np.full(len(test), -1, dtype=np.int64)
    share = np.full(len(test), np.nan)
    for row, columns, shares in _share_kmers(train, test):
        share[row] = shares.max(initial=0.0)
        if len(columns):
            train_row[row] = columns[shares == share[row]].min()
        if share[row] >= near_share:
            kind[row] = NEAR
    first: dict[str, int] = {}
    for row, sequence in enumerate(train):
        first.setdefault(canonical_strand(sequence), row)
    for row, sequence in enumerate(test):
        copy = first.get(canonical_strand(sequence))
        if copy is not None:
            kind[row], train_row[row] = EXACT, copy
    return Leaks(kind, share, train_row)


def group_near(sequences: Sequence[str], *, near_share: float = NEAR_SHARE) -> list[str]:
    """A name for each row: rows that leak into each other, also through others, have the same.

    The name is the first of the hashes of the group's sequences, whatever the order of the rows. A
    split that keeps these groups together has no leaks.
    """
    hashes = [hash_sequence(sequence) for sequence in sequences]
    links = [np.arange(len(sequences)), np.unique(hashes, return_inverse=True)[1] + len(sequences)]
    rows, others = [links[0]], [links[1]]
    for row, columns, share in _share_kmers(sequences, sequences):
        near = columns[share >= near_share]
        rows.append(np.full(len(near), row))
        others.append(near)
    edges = (np.concatenate(rows), np.concatenate(others))
    n = 2 * len(sequences)
    graph = sparse.coo_array((np.ones(len(edges[0])), edges), shape=(n, n))
    component = connected_components(graph, directed=False)[1][: len(sequences)]
    first: dict[int, str] = {}
    for place, name in zip(component.tolist(), hashes, strict=True):
        first[place] = min(name, first.get(place, name))
    return [first[place] for place in component.tolist()]


def _share_kmers(
    train: Sequence[str], test: Sequence[str]
) -> Iterator[tuple[int, Integers, NDArray[np.float64]]]:
    """For each test row with a 20-mer: the training rows that share some, and their shares."""
    test_rows, test_codes = _list_distinct(test, None)
    total = np.bincount(test_rows, minlength=len(test))
    # What a bitmap lets through: first of the training rows, then of the test rows.
    train_rows, train_codes = _list_distinct(train, _draw_bitmap(test_codes))
    is_likely = _draw_bitmap(train_codes)[_hash_codes(test_codes)]
    test_rows, test_codes = test_rows[is_likely], test_codes[is_likely]
    known, test_kmer = np.unique(test_codes, return_inverse=True)
    train_kmer = np.searchsorted(known, train_codes)
    is_known = np.append(known, ~np.uint64(0))[train_kmer] == train_codes
    by_test = _count(test_rows, test_kmer, (len(test), len(known)))
    by_kmer = _count(train_kmer[is_known], train_rows[is_known], (len(known), len(train)))
    for begin in range(0, len(test), _BLOCK_ROWS):
        # Rows are test rows, columns training rows, values their number of shared 20-mers.
        shared = by_test[begin : begin + _BLOCK_ROWS] @ by_kmer
        for row in np.flatnonzero(total[begin : begin + _BLOCK_ROWS]).tolist():
            cells = slice(shared.indptr[row], shared.indptr[row + 1])
            yield (
                begin + row,
                shared.indices[cells].astype(np.int64),
                shared.data[cells] / total[begin + row],
            )


def _list_distinct(
    sequences: Sequence[str], bitmap: NDArray[np.bool_] | None
) -> tuple[Integers, NDArray[np.uint64]]:
    """`row, code` of the distinct 20-mers of each row, of those that the bitmap lets through."""
    rows, codes = [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
    for begin, end in _cut_blocks(sequences):
        row, code = _list_kmers(sequences, begin, end)
        if bitmap is not None:
            is_likely = bitmap[_hash_codes(code)]
            row, code = row[is_likely], code[is_likely]
        # A code has 40 bits, the row within its block fits in the other 24.
        packed = np.sort((row.astype(np.uint64) << np.uint64(2 * K)) | code)
        packed = packed[np.diff(packed, prepend=~packed[:1]) != 0]
        rows.append((packed >> np.uint64(2 * K)).astype(np.int64) + begin)
        codes.append(packed & np.uint64((1 << 2 * K) - 1))
    return np.concatenate(rows), np.concatenate(codes)


def _cut_blocks(sequences: Sequence[str]) -> list[tuple[int, int]]:
    """Ranges of rows with about `_BLOCK_BASES` bases each."""
    ends = np.cumsum([len(sequence) for sequence in sequences], dtype=np.int64)
    blocks, begin = [], 0
    while begin < len(sequences):
        reached = (ends[begin - 1] if begin else 0) + _BLOCK_BASES
        end = max(begin + 1, int(np.searchsorted(ends, reached, side="right")))
        blocks.append((begin, end))
        begin = end
    return blocks


def _list_kmers(
    all_sequences: Sequence[str], begin: int, end: int
) -> tuple[Integers, NDArray[np.uint64]]:
    """`row, code` of every 20-mer without N in rows [begin, end).

    Rows count from `begin`. The code is the smaller of the two strands', 2 bits a base.
    """
    sequences = all_sequences[begin:end]
    # An N between the rows: no k-mer reaches over it.
    ids = encode("N".join(sequences))
    if len(ids) < K:
        return np.empty(0, np.int64), np.empty(0, np.uint64)
    is_n = ids == N
    letters = np.where(is_n, 0, ids).astype(np.uint64)
    forward = _roll(letters)
    # Complement of 2-bit letters is 3 - letter; of the reversed text, read from its end.
    reverse = _roll((np.uint64(3) - letters)[::-1])[::-1]
    n_before = np.concatenate(([0], np.cumsum(is_n)))
    is_clean = n_before[K:] == n_before[:-K]
    lengths = np.fromiter((len(sequence) for sequence in sequences), np.int64, len(sequences))
    row = np.repeat(np.arange(end - begin), lengths + 1)[: len(is_clean)]
    return row[is_clean], np.minimum(forward, reverse)[is_clean]


def _roll(letters: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Codes of all windows of 20 letters, by doubling: 1, 2, 4, 8, 16, then 16 + 4."""
    codes = {1: letters}
    for half in (1, 2, 4, 8):
        codes[2 * half] = _join(codes[half], codes[half], half, half)
    return _join(codes[16], codes[4], 16, 4)


def _join(
    left: NDArray[np.uint64], right: NDArray[np.uint64], n_left: int, n_right: int
) -> NDArray[np.uint64]:
    behind = right[n_left:]
    return (left[: len(behind)] << np.uint64(2 * n_right)) | behind


def _hash_codes(codes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    return (codes * _MULTIPLIER) >> np.uint64(64 - _BITMAP_BITS)


def _draw_bitmap(codes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """True where some code hashes to: lets all of them through, and few others."""
    bitmap = np.zeros(1 << _BITMAP_BITS, dtype=bool)
    bitmap[_hash_codes(codes)] = True
    return bitmap


def _count(rows: Integers, columns: Integers, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(len(rows), np.int32), (rows, columns)), shape=shape)
