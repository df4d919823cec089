"""What letters alone say about a base: counts of bases between the letters on both sides.

A base is predicted from the j letters nearest to it, taken from both sides in turn, with j up to
2 k. Counts of both strands of a genome give probabilities that back off from each context to the
next shorter one, c' (hierarchical smoothing, MacKay and Peto 1995, with one strength a for all):

    p_j(x | c) = (n(c, x) + a p_{j-1}(x | c')) / (n(c) + a),      p_0 begins from 1/4

This is the floor under a masked model's odds of a variant: it knows that CpG mutates, which
letters follow which, and nothing about function. k and a are those that predict every tenth piece
of the counted sequence best; those pieces are then counted as well. Where the counted sequence
holds a variant, its own base is not counted, or the reference would be likelier for having been
seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.genome.fasta import Genome

MAX_K = 5
STRENGTHS = (1.0, 10.0, 100.0, 1000.0)
DEFAULT_BASES = 10_000_000
_PIECE_BP = 1 << 16
_PENDING = 4_000_000
_HELD_OUT = 10  # every tenth piece chooses k and the strength
_N_LETTERS = 4


@dataclass(frozen=True, eq=False)
class ContextOdds:
    """Log probabilities of the four letters for every context of 2 k letters.

    Attributes
    ----------
    k : letters on each side.
    strength : a of the back-off.
    log_prob : (4^(2k), 4) float64, nats; the context's code has the nearest letters last.
    n_bases : bases counted, each on both strands.
    held_out_nats : mean -log p of the bases that k and a were chosen on, with their own bases
        left out of the counts.
    """

    k: int
    strength: float
    log_prob: NDArray[np.float64]
    n_bases: int
    held_out_nats: float

    def score(self, genome: Genome, chrom: str, base: int, ref: int, alt: int) -> float:
        """log p(alt) - log p(ref) at a base, the mean of both strands; NaN next to an end or N."""
        segment = genome.segment_at(chrom, base + 1)
        first, last = base - self.k, base + self.k + 1
        if segment is None or first < segment.start or last > segment.end:
            return float("nan")
        ids = genome.fetch(chrom, first, last)
        if (np.delete(ids, self.k) >= N).any():
            return float("nan")
        total = 0.0
        for strand, (a, b) in ((ids, (ref, alt)), (reverse_complement(ids), (3 - ref, 3 - alt))):
            code = encode_contexts(strand, self.k)[0]
            total += float(self.log_prob[code, b] - self.log_prob[code, a])
        return total / 2

    def describe(self) -> dict[str, Any]:
        """For provenance."""
        return {
            "letters_each_side": self.k,
            "back_off_strength": self.strength,
            "bases_counted": self.n_bases,
            "held_out_nats_per_base": self.held_out_nats,
        }


def encode_contexts(ids: NDArray[np.uint8], k: int) -> NDArray[np.int64]:
    """Codes of the contexts of bases k..n-k-1: in base 4, nearest letters last, left before right.

    -1 where the context holds an N.
    """
    n = len(ids) - 2 * k
    code = np.zeros(max(n, 0), dtype=np.int64)
    if n <= 0:
        return code
    is_clean = np.ones(n, dtype=np.bool_)
    for step in range(k, 0, -1):
        for start in (k + step, k - step):  # the left one last, so that it is the nearest
            letters = ids[start : start + n]
            is_clean &= letters < N
            code = code * _N_LETTERS + np.minimum(letters, 3)
    return np.where(is_clean, code, -1)


def fit_contexts(
    genome: Genome,
    *,
    leave_out: Mapping[str, NDArray[np.int64]] | None = None,
    n_bases: int = DEFAULT_BASES,
    max_k: int = MAX_K,
) -> ContextOdds:
    """Count a genome's contexts and choose k and the back-off.

    Parameters
    ----------
    genome : pieces of it, of 64 kb or a hundredth of it, are counted: all, or evenly spread ones.
    leave_out : positions by chromosome whose own base is not counted.
    n_bases : bases counted at most, but for one piece, >= 1.
    max_k : largest number of letters on each side, 1 to 5; less where there would be more
        contexts than bases.

    Raises
    ------
    InputError : numbers out of range, or fewer than 1,000 bases without N to count.
    """
    if n_bases < 1 or not 1 <= max_k <= MAX_K:
        raise InputError(
            f"n_bases {n_bases}, max_k {max_k}; wanted at least 1 base and 1 to {MAX_K} letters"
        )
    total = sum(len(segment) for segment in genome.segments)
    # More contexts than bases would be seen once at most.
    while max_k > 1 and _N_LETTERS ** (2 * max_k) > total:
        max_k -= 1
    shape = (_N_LETTERS ** (2 * max_k), _N_LETTERS)
    tables = {is_held_out: np.zeros(shape) for is_held_out in (False, True)}
    pending: dict[bool, list[NDArray[np.int64]]] = {False: [], True: []}
    n_counted = 0
    for number, (ids, is_counted) in enumerate(_read_pieces(genome, leave_out or {}, n_bases)):
        is_held_out = number % _HELD_OUT == _HELD_OUT - 1
        for strand, kept in ((ids, is_counted), (reverse_complement(ids), is_counted[::-1])):
            found = _index_cells(strand, kept, max_k)
            pending[is_held_out].append(found)
            n_counted += found.size
        # A table has millions of cells, so many pieces are added to it at once.
        if sum(map(len, pending[is_held_out])) > _PENDING:
            _add(tables[is_held_out], pending[is_held_out])
    for is_held_out, table in tables.items():
        _add(table, pending[is_held_out])
    if n_counted < 2 * 1000:
        raise InputError(
            f"{n_counted // 2} bases of the genome have {max_k} letters on each side; wanted at "
            "least 1000 to count: give a longer genome"
        )
    fitted, held_out = tables[False], tables[True]
    if not held_out.any() or not fitted.any():
        # One piece or the held-out ones alone have letters: nothing to choose on.
        return _finish(fitted + held_out, 1, STRENGTHS[-1], n_counted, float("nan"))
    best = (float("inf"), 1, STRENGTHS[0])
    for strength in STRENGTHS:
        prob = np.full((1, _N_LETTERS), 1 / _N_LETTERS)
        for j in range(2 * max_k + 1):
            prob = _back_off(_shorten(fitted, j), prob, strength)
            if j and j % 2 == 0:
                seen = _shorten(held_out, j)
                nats = float(-(seen * np.log(prob)).sum() / seen.sum())
                best = min(best, (nats, j // 2, strength))
    return _finish(fitted + held_out, best[1], best[2], n_counted, best[0])


def _index_cells(
    ids: NDArray[np.uint8], is_counted: NDArray[np.bool_], k: int
) -> NDArray[np.int64]:
    """Context and letter of each base that counts, as places in a flat table."""
    code = encode_contexts(ids, k)
    here = slice(k, k + len(code))
    used = is_counted[here] & (code >= 0) & (ids[here] < N)
    return np.asarray(code[used] * _N_LETTERS + ids[here][used], dtype=np.int64)


def _add(table: NDArray[np.float64], pending: list[NDArray[np.int64]]) -> None:
    """Count the pending bases and forget them."""
    if pending:
        flat = np.bincount(np.concatenate(pending), minlength=table.size)
        table += flat.reshape(table.shape)
        pending.clear()


def _finish(
    counts: NDArray[np.float64], k: int, strength: float, n_counted: int, nats: float
) -> ContextOdds:
    prob = np.full((1, _N_LETTERS), 1 / _N_LETTERS)
    for j in range(2 * k + 1):
        prob = _back_off(_shorten(counts, j), prob, strength)
    return ContextOdds(k, strength, np.log(prob), n_counted // 2, nats)


def _shorten(counts: NDArray[np.float64], j: int) -> NDArray[np.float64]:
    """Counts by the j nearest letters, (4^j, 4)."""
    return counts.reshape(-1, _N_LETTERS**j, _N_LETTERS).sum(axis=0)


def _back_off(
    counts: NDArray[np.float64], shorter: NDArray[np.float64], strength: float
) -> NDArray[np.float64]:
    """p of each context (4^j, 4) from its counts and the p of its nearest j - 1 letters."""
    inner = shorter[np.arange(len(counts)) % len(shorter)]
    return np.asarray((counts + strength * inner) / (counts.sum(1, keepdims=True) + strength))


def _read_pieces(
    genome: Genome, leave_out: Mapping[str, NDArray[np.int64]], n_bases: int
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.bool_]]]:
    """Ids of pieces of the genome, evenly spread, and whether each base counts."""
    total = sum(len(segment) for segment in genome.segments)
    size = min(_PIECE_BP, max(100, total // 100))
    pieces = [
        (segment.chrom, start, min(segment.end, start + size))
        for segment in genome.segments
        for start in range(segment.start, segment.end, size)
    ]
    n_wanted = min(len(pieces), max(1, n_bases // size))
    for number in range(n_wanted):
        chrom, start, end = pieces[number * len(pieces) // n_wanted]
        is_counted = np.ones(end - start, dtype=np.bool_)
        if chrom in leave_out:
            places = leave_out[chrom]
            is_counted[places[(places >= start) & (places < end)] - start] = False
        yield genome.fetch(chrom, start, end), is_counted
