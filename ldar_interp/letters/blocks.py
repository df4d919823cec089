"""Stretches of the genome that stand for independence: what is fitted never sees what is predicted.

Block i of a chromosome holds the edges [i * size, (i + 1) * size). The size is 1 Mb, halved until
the genome has eight blocks' worth of sequence. Folds are sets of whole blocks.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome

BLOCK_BP = 1_000_000
MIN_BLOCKS = 8
N_FOLDS = 8


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks by number 0..n-1: `chrom` (n,) and `index` (n,), their place on it in `size_bp`."""

    size_bp: int
    chrom: NDArray[np.str_]
    index: NDArray[np.int64]

    def __len__(self) -> int:
        return self.index.size

    def find(self, chrom: str, edges: NDArray[np.int64]) -> NDArray[np.int64]:
        """Block numbers of edges of one chromosome; -1 where there is no such block."""
        numbers = np.flatnonzero(self.chrom == chrom)
        found = np.full(np.shape(edges), -1, dtype=np.int64)
        if not numbers.size:
            return found
        wanted = np.asarray(edges, dtype=np.int64) // self.size_bp
        order = numbers[np.argsort(self.index[numbers])]
        at = np.minimum(np.searchsorted(self.index[order], wanted), order.size - 1)
        hit = self.index[order[at]] == wanted
        found[hit] = order[at[hit]]
        return found

    def find_sites(self, sites: pd.DataFrame) -> NDArray[np.int64]:
        """Block numbers of the rows of a SiteTable; -1 where there is no such block."""
        found = np.full(len(sites), -1, dtype=np.int64)
        chroms = sites["chrom"].to_numpy(dtype=object)
        edges = sites["edge"].to_numpy(dtype=np.int64)
        for chrom in dict.fromkeys(chroms.tolist()):
            rows = np.flatnonzero(chroms == chrom)
            found[rows] = self.find(chrom, edges[rows])
        return found


def choose_block_bp(genome: Genome, window_bp: int) -> int:
    """1 Mb, or less for a short genome: at least eight blocks' worth of sequence.

    Raises
    ------
    InputError : a block could not hold two windows.
    """
    total = sum(len(segment) for segment in genome.segments)
    size = BLOCK_BP
    while total < MIN_BLOCKS * size and size > 1:
        size //= 2
    if size < 2 * window_bp:
        raise InputError(
            f"the genome has {total} bases; wanted {MIN_BLOCKS * 2 * window_bp} or more, so that "
            f"{MIN_BLOCKS} blocks hold two windows of {window_bp} bases each: give a longer genome"
        )
    return size


def list_blocks(genome: Genome, size_bp: int) -> Blocks:
    """All blocks that hold bases of the genome, in the order of its segments."""
    found = dict.fromkeys(
        (segment.chrom, index)
        for segment in genome.segments
        for index in range(segment.start // size_bp, (segment.end - 1) // size_bp + 1)
    )
    return Blocks(
        size_bp,
        np.array([chrom for chrom, _ in found], dtype=np.str_),
        np.array([index for _, index in found], dtype=np.int64),
    )


def deal_folds(n_edges: NDArray[np.int64]) -> NDArray[np.int64]:
    """Folds of blocks (n,) with so many edges each, about even; -1 for a block without edges.

    The largest block first, each to the fold with the fewest edges: no chance in it.

    Raises
    ------
    InputError : fewer than three blocks have edges, so nothing can be chosen without the block
        that is predicted.
    """
    filled = int((n_edges > 0).sum())
    if filled < 3:
        raise InputError(
            f"{filled} blocks have edges to fit on; wanted at least 3, and better 8: draw more "
            "background or give a longer genome"
        )
    load = np.zeros(min(N_FOLDS, filled), dtype=np.int64)
    fold = np.full(n_edges.size, -1, dtype=np.int64)
    for block in np.argsort(-n_edges, kind="stable")[:filled].tolist():
        fold[block] = int(np.argmin(load))
        load[fold[block]] += n_edges[block]
    return fold
