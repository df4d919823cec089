"""The largest change of p near a variant, with it minus without it, both strands averaged.

Only the encoder and the router run. Edges are compared with themselves, also beyond an indel
(`variant_windows`). An edge within the margin of a window's end has no value, as elsewhere: p
there depends on letters that the model does not see.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ldar_interp.boundaries.edge_windows import EdgeWindow, check_window
from ldar_interp.boundaries.extract import check_counts
from ldar_interp.boundaries.mutagenesis import check_dtype, default_batch, route_rows
from ldar_interp.boundaries.variant_windows import (
    STRANDS,
    Allele,
    Edges,
    list_edges,
    place_edges,
    read_pair,
)
from ldar_interp.boundaries.workers import run_jobs
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.ldarnet import LDARNet


class BoundaryChange(NamedTuple):
    """(n_alleles,) each.

    `delta` float64: the change that is largest in size, signed; NaN if no edge has a value.
    `edge` int64: where it is on the + strand without the variant, the first one of equals; -1.
    `n_edges`, `n_valued` int64: edges that exist with and without the variant, and those of them
    with a value on every strand that was read. `window_bp` int64: bases of the shortest window.
    """

    delta: NDArray[np.float64]
    edge: NDArray[np.int64]
    n_edges: NDArray[np.int64]
    n_valued: NDArray[np.int64]
    window_bp: NDArray[np.int64]


class _Rows(NamedTuple):
    """Edges first..last wanted of a window."""

    window: EdgeWindow
    first: int
    last: int


class _Job(NamedTuple):
    """Windows of one length (n, length), the same edges wanted of each."""

    ids: NDArray[np.uint8]
    first: int
    last: int


def reads_letters(model: LDARNet) -> bool:
    """Whether p depends on the sequence through a router with weights; else no change means much.

    A fixed grid cuts the same with and without a variant, and random cuts are others throughout.
    """
    return not model.stage.is_innermost and model.config.router_spec.has_parameters


def measure_change(
    model: LDARNet,
    genome: Genome,
    alleles: Sequence[Allele],
    *,
    reach_bp: int,
    strands: Sequence[str] = STRANDS,
    window_bp: int,
    margin_bp: int,
    dtype: str = "float32",
    workers: int = 1,
    batch_size: int | None = None,
    progress: str | None = None,
) -> BoundaryChange:
    """Compare p with and without each variant.

    Parameters
    ----------
    reach_bp : largest number of bases between the variant and an edge, >= 0.
    strands : read and averaged, `+`, `-` or both.
    window_bp, margin_bp, dtype, workers, batch_size : see `mutate_sites`.
    progress : label of a progress bar on stderr; None for none.

    Raises
    ------
    InputError : numbers out of range, or a router that does not read the sequence.
    DeviceError : unknown dtype.
    """
    check_window(window_bp, margin_bp, model.config.train_length)
    check_counts(workers, batch_size)
    check_dtype(dtype)
    if reach_bp < 0 or not reads_letters(model):
        raise InputError(
            f"reach_bp {reach_bp}, router {model.config.router_spec}; wanted at least 0 bp and a "
            "learned or one_sided router, which reads the sequence"
        )
    edges = [list_edges(allele, reach_bp) for allele in alleles]
    lengths = np.full(len(alleles), window_bp, dtype=np.int64)
    wanted: dict[tuple[int, int, str], _Rows] = {}
    # Variants of one stretch share the window without any of them.
    same: dict[tuple[str, int, int, str], tuple[int, int, str]] = {}
    source: dict[tuple[int, int, str], tuple[int, int, str]] = {}
    for row, (allele, pair) in enumerate(zip(alleles, edges, strict=True)):
        for strand in strands:
            windows = read_pair(genome, allele, strand, window_bp=window_bp)
            for which, window in enumerate(windows):
                lengths[row] = min(lengths[row], len(window.ids))
                key = (row, which, strand)
                if which == 0:
                    shared = (allele.chrom, allele.first, allele.last, strand)
                    source[key] = same.setdefault(shared, key)
                    if source[key] != key:
                        continue
                at = place_edges(allele, window, strand, pair[which], is_changed=which == 1)
                at = at[is_valued(at, window, margin_bp)]
                if at.size:
                    wanted[key] = _Rows(window, int(at.min()), int(at.max()))
    device = next(model.parameters()).device
    prob = _route_all(
        model, wanted, batch_size or default_batch(device, window_bp), dtype, workers, progress
    )
    result = _start(lengths)
    _compare(result, alleles, edges, strands, wanted, prob, source, margin_bp)
    return result


def is_valued(at: Edges, window: EdgeWindow, margin_bp: int) -> NDArray[np.bool_]:
    """Which edges of a window are at least the margin from both of its ends."""
    return (at >= margin_bp) & (at <= len(window.ids) - margin_bp)


_Key = tuple[int, int, str]


def _route_all(
    model: LDARNet,
    wanted: dict[_Key, _Rows],
    size: int,
    dtype: str,
    workers: int,
    progress: str | None,
) -> dict[_Key, NDArray[np.float64]]:
    """p on the wanted edges of each window; batches hold windows of one shape."""
    shapes: dict[tuple[int, int, int], list[_Key]] = {}
    for key, rows in wanted.items():
        shapes.setdefault((len(rows.window.ids), rows.first, rows.last), []).append(key)
    jobs, members = [], []
    for (_, first, last), keys in sorted(shapes.items()):
        for begin in range(0, len(keys), size):
            block = keys[begin : begin + size]
            jobs.append(_Job(np.stack([wanted[key].window.ids for key in block]), first, last))
            members.append(block)
    done = run_jobs(
        model, partial(_route, dtype=dtype), jobs, n_jobs=len(jobs), workers=workers,
        progress=progress,
    )  # fmt: skip
    return {
        key: values
        for block, prob in zip(members, done, strict=True)
        for key, values in zip(block, prob, strict=True)
    }


def _route(model: LDARNet, job: _Job, *, dtype: str) -> NDArray[np.float64]:
    prob = route_rows(model, job.ids, job.first, job.last, batch_size=len(job.ids), dtype=dtype)
    return prob.astype(np.float64)


def _start(lengths: NDArray[np.int64]) -> BoundaryChange:
    n = len(lengths)
    none, zero = np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    return BoundaryChange(np.full(n, np.nan), none, zero, zero.copy(), lengths)


def _compare(
    result: BoundaryChange,
    alleles: Sequence[Allele],
    edges: list[tuple[Edges, Edges]],
    strands: Sequence[str],
    wanted: dict[_Key, _Rows],
    prob: dict[_Key, NDArray[np.float64]],
    source: dict[_Key, _Key],
    margin_bp: int,
) -> None:
    """Fill in the largest change of each allele from p of its windows."""
    for row, (allele, pair) in enumerate(zip(alleles, edges, strict=True)):
        # p without and with, on each strand; NaN where there is none.
        values = np.full((2, len(strands), pair[0].size), np.nan)
        for which in (0, 1):
            for s, strand in enumerate(strands):
                key = source.get((row, which, strand), (row, which, strand))
                if key not in wanted:
                    continue
                window, first, _ = wanted[key]
                at = place_edges(allele, window, strand, pair[which], is_changed=which == 1)
                has = is_valued(at, window, margin_bp)
                values[which, s, has] = prob[key][at[has] - first]
        change = (values[1] - values[0]).mean(axis=0)
        result.n_edges[row] = change.size
        result.n_valued[row] = int(np.isfinite(change).sum())
        if result.n_valued[row]:
            best = int(np.nanargmax(np.abs(change)))
            result.delta[row], result.edge[row] = change[best], pair[0][best]
