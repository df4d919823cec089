"""Windows of real sequence, drawn and masked as a pure function of (seed, step).

Nothing is stateful: step s of a run gives the same batch whatever was drawn before, so a resumed
run sees exactly what an unbroken one would have seen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import MASK, N, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.model.losses import IGNORE
from ldar_interp.train.config import Source


@dataclass(frozen=True, slots=True)
class Batch:
    """Masked windows. `labels` is the true id at masked positions and -100 elsewhere."""

    input_ids: NDArray[np.int64]
    labels: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Piece:
    """One stretch of a source: its letters, and where windows may start."""

    interval: Interval
    ids: NDArray[np.uint8]
    starts: NDArray[np.int64]


class WindowSampler:
    """Draws windows of `length` bases from sources by their weights.

    A window may start anywhere in a source where at most `max_n_share` of its bases are N; the
    starts ruled out so are counted in `counts`, never replaced by something else. Within a source
    every admissible start is equally likely.

    Raises
    ------
    InputError : a source without any admissible window.
    """

    def __init__(
        self, sources: Sequence[Source], length: int, *, max_n_share: float, seed: int
    ) -> None:
        self.length = length
        self.seed = seed
        self.names = [source.name for source in sources]
        weights = np.array([source.weight for source in sources], dtype=np.float64)
        self.weights = weights / weights.sum()
        self.counts: dict[str, int] = {}
        self._pieces: list[list[Piece]] = []
        self._cumulative: list[NDArray[np.int64]] = []
        for source in sources:
            pieces = [
                Piece(interval, ids, admissible_starts(ids, length, max_n_share))
                for interval, ids in read_source(source)
            ]
            n_starts = [len(piece.starts) for piece in pieces]
            if sum(n_starts) == 0:
                raise InputError(
                    f"{source.fasta}: source {source.name!r} has no window of {length} bases with "
                    f"at most {max_n_share:.0%} N; give longer regions or a shorter train_length"
                )
            possible = sum(max(0, len(piece.ids) - length + 1) for piece in pieces)
            self.counts[f"{source.name}: bases"] = sum(len(piece.ids) for piece in pieces)
            self.counts[f"{source.name}: starts"] = sum(n_starts)
            self.counts[f"{source.name}: starts dropped for N"] = possible - sum(n_starts)
            self._pieces.append(pieces)
            self._cumulative.append(np.cumsum(n_starts))

    def windows(self, step: int, n_windows: int) -> NDArray[np.uint8]:
        """(n_windows, length) ids of a step, each reverse-complemented with probability 1/2."""
        rng = np.random.default_rng([self.seed, step, 0])
        out = np.empty((n_windows, self.length), dtype=np.uint8)
        for row, which in enumerate(rng.choice(len(self.weights), size=n_windows, p=self.weights)):
            cumulative = self._cumulative[which]
            at = int(rng.integers(cumulative[-1]))
            piece_index = int(np.searchsorted(cumulative, at, side="right"))
            piece = self._pieces[which][piece_index]
            before = int(cumulative[piece_index - 1]) if piece_index else 0
            start = int(piece.starts[at - before])
            ids = piece.ids[start : start + self.length]
            out[row] = reverse_complement(ids) if rng.random() < 0.5 else ids
        return out

    def batch(self, step: int, n_windows: int, mask_rate: float) -> Batch:
        """Windows of a step with their masks."""
        rng = np.random.default_rng([self.seed, step, 1])
        return mask_windows(self.windows(step, n_windows), mask_rate, rng)


def mask_windows(ids: NDArray[np.uint8], mask_rate: float, rng: np.random.Generator) -> Batch:
    """Choose targets among A, C, G, T: 80 % become [MASK], 10 % a random base, 10 % stay.

    N and padding are never targets. `ids` is (windows, length).
    """
    labels = np.full(ids.shape, IGNORE, dtype=np.int64)
    inputs = ids.astype(np.int64)
    chosen = (rng.random(ids.shape) < mask_rate) & (ids < N)
    fate = rng.random(ids.shape)
    random_base = rng.integers(0, N, size=ids.shape)
    labels[chosen] = inputs[chosen]
    inputs[chosen & (fate < 0.8)] = MASK
    swapped = chosen & (fate >= 0.8) & (fate < 0.9)
    inputs[swapped] = random_base[swapped]
    return Batch(inputs, labels)


def tile_windows(
    sources: Sequence[Source], length: int, *, max_n_share: float, limit: int | None = None
) -> NDArray[np.uint8]:
    """Non-overlapping windows that cover sources, forward strand, evenly thinned to `limit`."""
    rows = [np.empty((0, length), dtype=np.uint8)]
    for source in sources:
        for _, ids in read_source(source):
            n_rows = len(ids) // length
            tiled = ids[: n_rows * length].reshape(n_rows, length)
            rows.append(tiled[(tiled == N).mean(axis=1) <= max_n_share])
    windows = np.concatenate(rows)
    if len(windows) == 0:
        names = ", ".join(repr(source.name) for source in sources)
        raise InputError(
            f"sources {names} have no validation window of {length} bases with at most "
            f"{max_n_share:.0%} N; give longer regions or a shorter train_length"
        )
    if limit is not None and limit < len(windows):
        windows = windows[np.linspace(0, len(windows) - 1, limit).round().astype(np.int64)]
    return windows


def admissible_starts(ids: NDArray[np.uint8], length: int, max_n_share: float) -> NDArray[np.int64]:
    """Starts of windows of `length` with at most that share of N."""
    if len(ids) < length:
        return np.empty(0, dtype=np.int64)
    before = np.concatenate([[0], np.cumsum(ids == N, dtype=np.int64)])
    n_inside = before[length:] - before[:-length]
    return np.flatnonzero(n_inside <= max_n_share * length)


def parse_region(text: str) -> Interval:
    """`chr3:42,000,000-44,000,000` (1-based, closed) -> Interval. Raises InputError."""
    match = re.fullmatch(r"(.+):([0-9][0-9,]*)-([0-9][0-9,]*)", text)
    if not match:
        raise InputError(f"region {text!r} is not chrom:start-end (1-based, both ends included)")
    start, end = (int(part.replace(",", "")) for part in match.groups()[1:])
    if not 1 <= start <= end:
        raise InputError(
            f"region {text!r} is empty or starts before base 1; wanted 1 <= start <= end"
        )
    return Interval(match.group(1), start - 1, end)


def read_source(source: Source) -> list[tuple[Interval, NDArray[np.uint8]]]:
    """The letters of a source: its regions, less what it excludes."""
    genome = Genome(source.fasta)
    wanted = [parse_region(text) for text in source.regions] or list(genome.segments)
    excluded = [parse_region(text) for text in source.exclude]
    pieces = []
    for region in wanted:
        for start, end in _subtract(region, excluded):
            pieces.append(
                (Interval(region.chrom, start, end), genome.fetch(region.chrom, start, end))
            )
    return pieces


def _subtract(region: Interval, excluded: Sequence[Interval]) -> list[tuple[int, int]]:
    left = [(region.start, region.end)]
    for cut in excluded:
        if cut.chrom != region.chrom:
            continue
        left = [
            (start, end)
            for a, b in left
            for start, end in ((a, min(b, cut.start)), (max(a, cut.end), b))
            if start < end
        ]
    return left
