"""Windows of real sequence for training and validation: the front of the data side.

Step s of a run gives the same batch whatever was drawn before and on whatever device: a window is
a pure function of (seed, step, row), see `ldar_interp.train.draws`. So a resumed run sees exactly
what an unbroken one would have seen, and any process can make any rows of a step. Genomes lie on
the device at 2 bits a base (`ldar_interp.train.packed`); windows are cut, reverse-complemented and
masked there, so there is no loader and no copy from the host.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import UInt8
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.regions import parse_region
from ldar_interp.train.config import Source
from ldar_interp.train.draws import Stream, draw_words, shift_right
from ldar_interp.train.held_out import check_held_out, default_sources
from ldar_interp.train.masking import Batch, mask_windows
from ldar_interp.train.packed_file import digest, open_packed
from ldar_interp.train.regions import locate, read_source
from ldar_interp.train.starts import admissible_starts, most_n

__all__ = [
    "Batch", "Tiling", "WindowSampler", "check_held_out", "default_sources", "mask_windows",
    "parse_region", "read_source", "tile", "tile_windows",
]  # fmt: skip

logger = logging.getLogger("ldar_interp")


class WindowSampler:
    """Draws windows of `length` bases from sources by their weights.

    A window may start anywhere in an interval of a source where at most `max_n_share` of its bases
    are N. Starts with more are never drawn and are counted; the N of a window that is drawn stay
    N. Within a source every admissible start is equally likely (to 1e-9), and either strand is.

    Attributes
    ----------
    counts : for each source, by name: intervals merged because they overlap another, bases
        excluded, bases left, how many of them are N, bases in intervals shorter than a window
        (never seen), admissible starts, and starts dropped for N.

    Parameters
    ----------
    sources : at least one.
    length : bases of a window, >= 1.
    max_n_share : largest share of N in a window, 0 to 1.
    seed : of the draws.
    device : where genomes are kept and batches made. The batches are the same on each.
    cache : folder for the packed sequence, made on first use; None packs in memory at each start.

    Raises
    ------
    InputError : a source without any admissible window, or that cannot be read; a cache folder
        that cannot be written.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        length: int,
        *,
        max_n_share: float,
        seed: int,
        device: torch.device | str = "cpu",
        cache: Path | None = None,
    ) -> None:
        self.length = length
        self.seed = seed
        self.device = torch.device(device)
        self._sources = tuple(sources)
        self.counts: dict[str, int] = {}
        self._intervals = []
        for source in sources:
            with Genome(source.fasta) as genome:
                found = locate(source, genome)
            self._intervals.append(found.intervals)
            self.counts |= {
                f"{source.name}: intervals merged": found.n_merged,
                f"{source.name}: bases excluded": found.n_excluded,
            }
        packed = open_packed(self._sources, self._intervals, cache)
        self._lay_out(packed.segments[:, 0].numpy(), packed.offsets, packed.lengths,
                      packed.n_runs.numpy(), max_n_share)  # fmt: skip
        self._packed = packed.to(self.device)
        self._offset = torch.arange(length, device=self.device)

    def _lay_out(
        self,
        source_of: NDArray[np.int64],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.int64],
        n_runs: NDArray[np.int64],
        max_n_share: float,
    ) -> None:
        """Find the admissible starts and put the tables of the draw on the device."""
        runs = admissible_starts(offsets, lengths, n_runs, self.length, max_n_share)
        size = runs.end - runs.start
        of_source = source_of[runs.segment]
        n_segment = np.searchsorted(offsets, n_runs[:, 0], side="right") - 1
        totals = []
        for number, source in enumerate(self._sources):
            mine = lengths[source_of == number]
            fit = np.maximum(mine - self.length + 1, 0)
            totals.append(int(size[of_source == number].sum()))
            if totals[-1] == 0:
                raise InputError(
                    f"{source.fasta}: source {source.name!r} has no window of {self.length} bases "
                    f"with at most {max_n_share:.0%} N; give longer regions or a shorter "
                    "train_length"
                )
            runs_of_n = n_runs[source_of[n_segment] == number]
            self.counts |= {
                f"{source.name}: bases": int(mine.sum()),
                f"{source.name}: N": int((runs_of_n[:, 1] - runs_of_n[:, 0]).sum()),
                f"{source.name}: bases in short intervals": int(mine[fit == 0].sum()),
                f"{source.name}: starts": totals[-1],
                f"{source.name}: starts dropped for N": int(fit.sum()) - totals[-1],
            }
        before = np.cumsum(size) - size  # admissible starts in earlier runs
        share = np.cumsum([source.weight for source in self._sources])
        borders = [int(x * (1 << 62)) for x in share[:-1] / share[-1]]

        def place(values: ArrayLike) -> Tensor:
            return torch.from_numpy(np.asarray(values, dtype=np.int64)).to(self.device)

        self._source_borders = place(borders)
        self._source_total = place(totals)
        self._source_before = place(np.cumsum(totals) - totals)
        self._run_before = place(before)
        self._run_start = place(runs.start)

    def digest(self) -> str:
        """sha256 over the bytes of the FASTA files and the intervals: what windows are cut from."""
        return digest(self._sources, self._intervals)

    def windows(
        self, step: int, n_windows: int, *, rows: range | None = None
    ) -> UInt8[Tensor, "rows length"]:
        """Ids of a step's windows on the device, each reverse-complemented with probability 1/2.

        Parameters
        ----------
        step : number of the step.
        n_windows : windows of the step.
        rows : which of them to make; None means all. A row is the same whatever the other
            arguments are.

        Raises
        ------
        ValueError : a row that the step does not have.
        """
        rows = range(n_windows) if rows is None else rows
        if len(rows) and not (min(rows) >= 0 and max(rows) < n_windows):
            raise ValueError(f"rows {rows} of a step of {n_windows}; wanted some of its rows")
        word = draw_words(
            rows, 3, seed=self.seed, step=step, stream=Stream.WINDOW, device=self.device
        )
        source = torch.searchsorted(self._source_borders, shift_right(word[:, 0], 2), right=True)
        # The remainder of 63 bits: with 1e10 starts, no start is likelier by more than 1.1e-9.
        nth = self._source_before[source] + shift_right(word[:, 1], 1) % self._source_total[source]
        run = torch.searchsorted(self._run_before, nth, right=True) - 1
        start = self._run_start[run] + nth - self._run_before[run]
        minus = (word[:, 2] < 0)[:, None]
        along = torch.where(minus, self.length - 1 - self._offset, self._offset)
        ids = self._packed.ids_at(start[:, None] + along)
        return torch.where(minus & (ids < N), 3 - ids, ids)

    def batch(
        self, step: int, n_windows: int, mask_rate: float, *, rows: range | None = None
    ) -> Batch:
        """Windows of a step with their masks, on the device; arguments as for `windows`.

        `mask_rate` is the share of A, C, G, T to guess, see `ldar_interp.train.masking`.
        """
        rows = range(n_windows) if rows is None else rows
        ids = self.windows(step, n_windows, rows=rows)
        return mask_windows(ids, mask_rate, seed=self.seed, step=step, rows=rows)


@dataclass(frozen=True, slots=True)
class Tiling:
    """Windows (windows, length) as ids, `n_tiles` that they are taken from, `n_dropped` for N."""

    windows: UInt8[np.ndarray, "windows length"]
    n_tiles: int
    n_dropped: int


def tile_windows(
    sources: Sequence[Source], length: int, *, max_n_share: float, limit: int | None = None
) -> NDArray[np.uint8]:
    """The windows of `tile`; how many there were and how many were left out is logged.

    Returns
    -------
    (windows, length) ids.

    Raises
    ------
    InputError : no window is left.
    """
    found = tile(sources, length, max_n_share=max_n_share, limit=limit)
    logger.info(
        "validation: %d windows of %d bases, %d used, %d more left out for N",
        found.n_tiles, length, len(found.windows), found.n_dropped,
    )  # fmt: skip
    return found.windows


def tile(
    sources: Sequence[Source], length: int, *, max_n_share: float, limit: int | None = None
) -> Tiling:
    """Non-overlapping windows that cover sources, forward strand, evenly thinned to `limit`.

    Windows start at the beginning of each interval and every `length` bases from there; what is
    left at its end is not covered. Those with more than `max_n_share` of N are left out and
    counted.

    Raises
    ------
    InputError : no window is left.
    """
    rows = [np.empty((0, length), dtype=np.uint8)]
    most = most_n(length, max_n_share)
    n_dropped = 0
    for source in sources:
        with Genome(source.fasta) as genome:
            for interval in locate(source, genome).intervals:
                n_rows = len(interval) // length
                if n_rows == 0:
                    continue
                end = interval.start + n_rows * length
                tiled = genome.fetch(interval.chrom, interval.start, end).reshape(n_rows, length)
                kept = (tiled == N).sum(axis=1) <= most
                rows.append(tiled[kept])
                n_dropped += int((~kept).sum())
    windows = np.concatenate(rows)
    if len(windows) == 0:
        names = ", ".join(repr(source.name) for source in sources)
        raise InputError(
            f"sources {names} have no validation window of {length} bases with at most "
            f"{max_n_share:.0%} N; give longer regions or a shorter train_length"
        )
    n_tiles = len(windows)
    if limit is not None and limit < n_tiles:
        windows = windows[np.linspace(0, n_tiles - 1, limit).round().astype(np.int64)]
    return Tiling(windows, n_tiles, n_dropped)
