"""p on a site's edge without and with a variant, both windows with the edge in the middle.

The window with the variant is cut from the changed sequence, not patched: where an indel brings
or takes bases, the end on its side moves, and the edge stays where the model saw it before.

    without   ...AACC|GTAAGT...      with a T inserted behind the A    ...AACC|GTATAG...
"""

from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.edge_windows import EdgeWindow, check_window, cut_at_n, read_window
from ldar_interp.boundaries.extract import DEFAULT_MARGIN_SHARE
from ldar_interp.boundaries.mutagenesis import check_dtype, default_batch, route_rows
from ldar_interp.boundaries.workers import run_jobs
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import encode, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.ldarnet import LDARNet


class VariantScores(NamedTuple):
    """float32 (n_variants,) each: p on the edge without and with the variant, NaN without value."""

    prob_ref: NDArray[np.float32]
    prob_alt: NDArray[np.float32]


class _Job(NamedTuple):
    """Windows of one length whose edge is at one place, and the rows they belong to."""

    ids: NDArray[np.uint8]
    edge: int


def score_variants(
    model: LDARNet,
    genome: Genome,
    variants: pd.DataFrame,
    *,
    window_bp: int | None = None,
    margin_bp: int | None = None,
    dtype: str = "float32",
    workers: int = 1,
    batch_size: int | None = None,
) -> VariantScores:
    """p on the edge of each variant's site, read on the site's strand.

    Parameters
    ----------
    variants : columns `chrom, start, end, inserted, edge, strand, edge_shift`, none missing; the
        bases [start, end) become `inserted`, which leaves the edge outside or is as long.
    window_bp, margin_bp, dtype, workers, batch_size : see `mutate_sites`.

    Returns
    -------
    VariantScores in the order of the rows. NaN where the margin is not there, without the variant
    or with it.

    Raises
    ------
    InputError, DeviceError : as `mutate_sites`.
    """
    length = model.config.train_length if window_bp is None else window_bp
    margin = max(1, length // DEFAULT_MARGIN_SHARE) if margin_bp is None else margin_bp
    check_window(length, margin, model.config.train_length)
    if workers < 1 or (batch_size is not None and batch_size < 1):
        raise InputError(f"workers {workers}, batch_size {batch_size}; wanted at least 1")
    check_dtype(dtype)
    device = next(model.parameters()).device
    size = batch_size or default_batch(device, length)
    scores = np.full((len(variants), 2), np.nan, dtype=np.float32)
    # One window without the variant for all variants of a site, and those of one shape together.
    places: dict[tuple[int, int], list[tuple[NDArray[np.uint8], list[tuple[int, int]]]]] = {}
    seen: dict[tuple[str, int, str], list[tuple[int, int]]] = {}
    fields = ("chrom", "start", "end", "inserted", "edge", "strand", "edge_shift")
    columns = [variants[name].tolist() for name in fields]
    for row, (chrom, start, end, inserted, edge, strand, shift) in enumerate(
        zip(*columns, strict=True)
    ):
        without = read_window(genome, chrom, edge, strand, window_bp=length)
        changed = change_window(genome, chrom, start, end, inserted, edge, strand, shift, length)
        if not (without.has_margin(margin) and changed.has_margin(margin)):
            continue
        site = (chrom, edge, strand)
        if site in seen:
            seen[site].append((row, 0))
        else:
            seen[site] = [(row, 0)]
            places.setdefault((len(without.ids), without.edge), []).append(
                (without.ids, seen[site])
            )
        places.setdefault((len(changed.ids), changed.edge), []).append((changed.ids, [(row, 1)]))
    jobs, targets = [], []
    for (_, at), windows in sorted(places.items()):
        for begin in range(0, len(windows), size):
            block = windows[begin : begin + size]
            jobs.append(_Job(np.stack([ids for ids, _ in block]), at))
            targets.append([target for _, target in block])
    done = run_jobs(
        model,
        partial(_route, dtype=dtype),
        jobs,
        n_jobs=len(jobs),
        workers=workers,
    )
    for prob, block_targets in zip(done, targets, strict=True):
        for value, cells in zip(prob, block_targets, strict=True):
            for row, column in cells:
                scores[row, column] = value
    return VariantScores(scores[:, 0].copy(), scores[:, 1].copy())


def change_window(
    genome: Genome,
    chrom: str,
    start: int,
    end: int,
    inserted: str,
    edge: int,
    strand: str,
    edge_shift: int,
    length: int,
) -> EdgeWindow:
    """The window around the edge in the changed sequence, at most half of `length` on each side.

    A side that loses bases takes further ones of the genome instead, up to its end or an N. Empty
    if an end of the sequence or an N lies between the edge and the variant, which is then not read.
    """
    half = length // 2
    # On the + strand; enough of the genome that half a window is left after a deletion.
    plus = read_window(genome, chrom, edge, "+", window_bp=length + 2 * (end - start))
    low, high = edge - len(plus.upstream), edge + len(plus.downstream)
    if start < low or end > high:
        return EdgeWindow(plus.upstream[:0], plus.downstream[:0])
    ids = plus.ids
    changed = np.concatenate([ids[: start - low], encode(inserted), ids[end - low :]])
    at = edge + edge_shift - low
    up, down = cut_at_n(changed[:at][-half:], from_end=True), cut_at_n(changed[at:][:half])
    if strand == "-":
        return EdgeWindow(reverse_complement(down), reverse_complement(up))
    return EdgeWindow(up, down)


def _route(model: LDARNet, job: _Job, *, dtype: str) -> NDArray[np.float32]:
    prob = route_rows(model, job.ids, job.edge, job.edge, batch_size=len(job.ids), dtype=dtype)
    return prob[:, 0].astype(np.float32)
