"""Windows from all over the genome, modelled: where the null learns.

Each block gives about the same share of the windows, drawn without overlap of the edges that are
kept. Where the analysis reads both strands, every other window is read on the minus strand.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.extract import DEFAULT_MARGIN_SHARE, run_router
from ldar_interp.boundaries.tiling import check_margin
from ldar_interp.boundaries.track import STRAND_MODES
from ldar_interp.boundaries.workers import run_jobs
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.background import Background, leave_out_sites
from ldar_interp.letters.blocks import Blocks, choose_block_bp, list_blocks
from ldar_interp.model.ldarnet import LDARNet

BACKGROUND_BP = 500_000
"""Bases to model. R^2 on other blocks (0.8 M model, hg19 chr5, k = 10 and GC) was 0.897 from 54 k
edges, 0.904 from 108 k, 0.912 from 216 k, 0.919 from 433 k and 0.923 from 865 k."""

_BATCH_BP = 8192


@dataclass(frozen=True, slots=True)
class _Place:
    """A window of the genome."""

    chrom: str
    start: int
    block: int


def sample_background(
    model: LDARNet,
    genome: Genome,
    *,
    exclude: Sequence[pd.DataFrame] = (),
    n_bases: int = BACKGROUND_BP,
    strand: str = "transcript",
    margin_bp: int | None = None,
    seed: int = 1,
    dtype: str = "float32",
    workers: int = 1,
    block_bp: int | None = None,
    progress: str | None = None,
) -> Background:
    """Model windows drawn over the whole genome, evenly over its blocks.

    Parameters
    ----------
    model : from `load_model`; windows are as long as its `train_length`.
    genome : open.
    exclude : SiteTables, or tables with `chrom` and `edge`: edges within 60 bp of them, or of the
        motif instances that they hold, are left out (see `leave_out_sites`).
    n_bases : bases to model, margins included.
    strand : the mode of the analysis; `forward` draws forward reads only, `transcript` and `mean`
        every other window as a reverse read.
    margin_bp : edges this near a window's end are dropped; default an eighth of the window.
    seed : of the windows.
    dtype : float32 or bfloat16, of the model's passes.
    workers : processes on a CPU; the numbers do not depend on them.
    block_bp : size of the blocks; by default what suits the genome.
    progress : label of a progress bar on stderr; None for none.

    Returns
    -------
    Background. Fewer windows than asked for if the genome has no more.

    Raises
    ------
    InputError : an unknown strand mode, n_bases below one window, a margin that leaves nothing of
        a window, or a genome in which no window fits (too short, or N everywhere).
    """
    length = model.config.train_length
    margin = length // DEFAULT_MARGIN_SHARE if margin_bp is None else margin_bp
    check_margin(margin, length)
    if strand not in STRAND_MODES:
        raise InputError(f"strand mode {strand!r}; wanted one of {', '.join(STRAND_MODES)}")
    if n_bases < length:
        raise InputError(f"background of {n_bases} bases; wanted at least a window, {length}")
    blocks = list_blocks(genome, block_bp or choose_block_bp(genome, length))
    places = _draw_places(genome, blocks, n_bases // length, length, margin, seed)
    is_reverse = np.zeros(len(places), dtype=bool)
    if strand != "forward":
        is_reverse[1::2] = True
    ids = np.stack([genome.fetch(p.chrom, p.start, p.start + length) for p in places])
    ids[is_reverse] = reverse_complement(ids[is_reverse])
    prob = _model_windows(model, ids, dtype, workers, progress)
    prob[:, :margin] = np.nan
    prob[:, length - margin + 1 :] = np.nan
    drawn = Background(
        ids=ids,
        prob=prob,
        chrom=np.array([p.chrom for p in places], dtype=np.str_),
        start=np.array([p.start for p in places], dtype=np.int64),
        is_reverse=is_reverse,
        block=np.array([p.block for p in places], dtype=np.int64),
        blocks=blocks,
        strands="forward" if strand == "forward" else "both",
        counts={
            "windows": len(places),
            "window_bp": length,
            "margin_bp": margin,
            "windows_reverse": int(is_reverse.sum()),
            "blocks": len({p.block for p in places}),
            "block_bp": blocks.size_bp,
            "edges_modelled": int(np.isfinite(prob).sum()),
        },
    )
    return leave_out_sites(drawn, exclude) if len(exclude) else drawn


def _draw_places(
    genome: Genome, blocks: Blocks, n_windows: int, length: int, margin: int, seed: int
) -> list[_Place]:
    """Windows without N, spread over the blocks as evenly as their room allows.

    Rounds over the blocks in an order drawn by seed: a window of each, until there are enough.
    """
    order = np.random.default_rng([seed, 0]).permutation(len(blocks)).tolist()
    waiting = {b: _walk_tiles(genome, blocks, b, length, margin, seed) for b in order}
    places: list[_Place] = []
    while waiting and len(places) < n_windows:
        for block in list(waiting):
            place = next(waiting[block], None)
            if place is None:
                del waiting[block]
                continue
            places.append(place)
            if len(places) == n_windows:
                break
    if not places:
        raise InputError(
            f"no window of {length} bases without N fits into a block of {blocks.size_bp} bp of "
            "the genome; give a longer genome"
        )
    return sorted(places, key=lambda place: (place.block, place.start))


def _walk_tiles(
    genome: Genome, blocks: Blocks, block: int, length: int, margin: int, seed: int
) -> Iterator[_Place]:
    """The windows of one block in an order drawn by seed; kept edges do not overlap."""
    rng = np.random.default_rng([seed, 1, block])
    chrom, size = str(blocks.chrom[block]), blocks.size_bp
    low = int(blocks.index[block]) * size
    step = length - 2 * margin + 1  # the edges margin..L - margin of a window are kept
    starts: list[int] = []
    for segment in genome.segments:
        first, last = max(segment.start, low), min(segment.end, low + size) - length
        if segment.chrom == chrom and first <= last:
            first += int(rng.integers(min(step, last - first + 1)))
            starts += range(first, last + 1, step)
    for at in rng.permutation(len(starts)).tolist():
        if not (genome.fetch(chrom, starts[at], starts[at] + length) >= N).any():
            yield _Place(chrom, starts[at], block)


def _model_windows(
    model: LDARNet, ids: NDArray[np.uint8], dtype: str, workers: int, progress: str | None
) -> NDArray[np.float32]:
    size = max(1, _BATCH_BP // ids.shape[1])
    starts = range(0, len(ids), size)
    results = run_jobs(
        model,
        partial(run_router, dtype=dtype),
        (ids[begin : begin + size] for begin in starts),
        n_jobs=len(starts),
        workers=workers,
        progress=progress,
    )
    return np.concatenate(list(results))
