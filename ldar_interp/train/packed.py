"""Genomes at 2 bits a base, on the device where windows are cut.

    base:      0    1    2    3        byte 0 = code 0 | code 1 << 2 | code 2 << 4 | code 3 << 6
    letter:    A    C    N    T        A 0, C 1, G 2, T 3; N is stored as 0 and listed in a run
    byte 0:    0  + 4  + 0  + 192      N run [2, 3)

The intervals of all sources are laid out one after another, each from a byte of its own; a base's
*packed position* is 4 * byte + place in the byte. Every letter but A, C, G, T, U in either case is
N, and N is kept as runs, so a human genome is 0.8 GB of codes and about a thousand runs. Reading
goes block by block and the codes are all that grows with the genome.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Int64, UInt8
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from ldar_interp.genome.alphabet import N
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.train.config import Source

_BLOCK_BP = 1 << 22


@dataclass(frozen=True, slots=True)
class PackedGenome:
    """Bases of some sources in 2 bits each.

    Attributes
    ----------
    codes : four bases a byte, the first in the lowest bits; after the last base of an interval up
        to three codes are unused.
    n_runs : first and end of each run of N, packed positions, ascending.
    segments : a row an interval, in packed order: number of its source, number of its chromosome
        in `chroms`, start and end there (0-based, half-open).
    chroms : names of chromosomes, each once.
    """

    codes: UInt8[Tensor, " bytes"]
    n_runs: Int64[Tensor, "runs 2"]
    segments: Int64[Tensor, "segments 4"]
    chroms: tuple[str, ...]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Bases of each segment."""
        table = self.segments.cpu().numpy()
        return table[:, 3] - table[:, 2]

    @property
    def offsets(self) -> NDArray[np.int64]:
        """Packed position of the first base of each segment."""
        n_bytes = -(-self.lengths // 4)
        return 4 * (np.cumsum(n_bytes) - n_bytes)

    def interval(self, segment: int) -> Interval:
        """Where a segment lies on its chromosome."""
        _, chrom, start, end = self.segments[segment].tolist()
        return Interval(self.chroms[chrom], start, end)

    def to(self, device: torch.device | str) -> "PackedGenome":
        """The same with codes and runs on a device; the table of segments stays."""
        return replace(self, codes=self.codes.to(device), n_runs=self.n_runs.to(device))

    def ids_at(self, positions: Int64[Tensor, "..."]) -> UInt8[Tensor, "..."]:
        """Ids of packed positions, 0 to 3 or N, on the device of `codes`.

        Positions outside the segments have no meaning and are not caught on every device.
        """
        codes = self.codes[positions >> 2] >> ((positions & 3) << 1).to(torch.uint8) & 3
        if not len(self.n_runs):
            return codes
        # Starts and ends of runs alternate, so a base past an odd number of them is inside one.
        passed = torch.searchsorted(self.n_runs.view(-1), positions, right=True)
        return torch.where((passed & 1).bool(), N, codes)


def pack(sources: Sequence[Source], intervals: Sequence[Sequence[Interval]]) -> PackedGenome:
    """Read and pack the intervals of each source.

    Parameters
    ----------
    sources : whose FASTA files are read.
    intervals : for each source its intervals, without overlap, as `regions.locate` finds them.

    Raises
    ------
    InputError : a FASTA file that `Genome` refuses, or that is damaged.
    """
    chroms: dict[str, int] = {}
    segments = [
        (number, chroms.setdefault(i.chrom, len(chroms)), i.start, i.end)
        for number, found in enumerate(intervals)
        for i in found
    ]
    lengths = [end - start for _, _, start, end in segments]
    codes = np.empty(sum(-(-length // 4) for length in lengths), dtype=np.uint8)
    edges = [np.empty(0, dtype=np.int64)]
    filled = 0
    total = sum(lengths)
    with tqdm(
        total=total, unit="b", unit_scale=True, desc="packing", delay=2, mininterval=1
    ) as bar:
        for source, found in zip(sources, intervals, strict=True):
            with Genome(source.fasta) as genome:
                for interval in found:
                    n_bytes = -(-len(interval) // 4)
                    into = codes[filled : filled + n_bytes]
                    edges.append(4 * filled + _pack_interval(genome, interval, into, bar))
                    filled += n_bytes
    return PackedGenome(
        torch.from_numpy(codes),
        torch.from_numpy(np.concatenate(edges).reshape(-1, 2)),
        torch.tensor(segments, dtype=torch.int64).reshape(-1, 4),
        tuple(chroms),
    )


def _pack_interval(
    genome: Genome, interval: Interval, into: NDArray[np.uint8], bar: "tqdm[None]"
) -> NDArray[np.int64]:
    """Fill the codes of an interval; starts and ends of its N runs, in turn, from its start."""
    edges = []
    inside = False
    for start in range(interval.start, interval.end, _BLOCK_BP):
        end = min(interval.end, start + _BLOCK_BP)
        ids = genome.fetch(interval.chrom, start, end)
        first = start - interval.start
        into[first // 4 : -(-(end - interval.start) // 4)] = pack_codes(ids)
        is_n = np.concatenate(([inside], ids == N))
        edges.append(first + np.flatnonzero(is_n[1:] != is_n[:-1]))
        inside = bool(is_n[-1])
        bar.update(end - start)
    if inside:
        edges.append(np.array([len(interval)]))
    return np.concatenate(edges)


def pack_codes(ids: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Four ids a byte, the first in the lowest bits; N, and what fills the last byte, as 0."""
    codes = np.zeros(-(-len(ids) // 4) * 4, dtype=np.uint8)
    codes[: len(ids)] = ids & 3
    packed = codes[3::4]
    for place in (2, 1, 0):
        packed = np.left_shift(packed, 2, dtype=np.uint8) | codes[place::4]
    return packed
