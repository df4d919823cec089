"""Boundary probabilities from a model: sequences, and the edges around sites of a genome.

Only the encoder and the router run, only in windows that hold wanted edges. On a CPU the work is
spread over processes with one thread each; batches are formed before that, so the numbers do not
depend on how many processes there are.
"""

import os
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from tqdm import tqdm

from ldar_interp.boundaries.tiling import Window, merge_edges, plan_windows
from ldar_interp.boundaries.track import STRAND_MODES, BoundaryTrack, TrackSegment
from ldar_interp.errors import DeviceError, InputError
from ldar_interp.genome.alphabet import PAD, encode, reverse_complement
from ldar_interp.genome.fasta import Genome, open_genome
from ldar_interp.model.ldarnet import LDARNet

DEFAULT_MARGIN_SHARE = 8
"""Margin as a divisor of the window: 1/8 of it on each side unless measured or given."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_CPU_BATCH_BP = 8192
_GPU_BATCH_BP = 262144
_PROGRESS_SECONDS = 2.0


def predict_boundaries(
    model: LDARNet,
    sequences: Sequence[str | NDArray[np.uint8]],
    *,
    batch_size: int = 8,
    dtype: str = "float32",
) -> list[NDArray[np.float32]]:
    """p for whole sequences, each as one window.

    Parameters
    ----------
    model : from `load_model`; its device is used.
    sequences : letters or ids; lower case counts as upper, unknown letters as N. A sequence may
        be longer than the model's `train_length`, which it was not trained for.
    batch_size : sequences a batch. A batch gives what its members give alone, to rounding.
    dtype : `float32`, or `bfloat16` for the projections (scan and router stay in float32).

    Returns
    -------
    One float32 array a sequence, of its length: value t belongs to the edge before base t. NaN at
    t = 0, where the model says 1 by construction.

    Raises
    ------
    InputError : no sequences, an empty one, batch_size < 1.
    """
    if not len(sequences):
        raise InputError("no sequences; wanted at least one")
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; wanted at least 1")
    encoded = [encode(s) if isinstance(s, str) else np.asarray(s, np.uint8) for s in sequences]
    for i, ids in enumerate(encoded):
        if ids.ndim != 1 or not ids.size:
            raise InputError(f"sequence {i} has shape {ids.shape}; wanted length >= 1")
    # Similar lengths together, so that little is padded.
    order = sorted(range(len(encoded)), key=lambda i: (len(encoded[i]), i))
    results: list[NDArray[np.float32]] = [np.empty(0, np.float32)] * len(encoded)
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        longest = max(len(encoded[i]) for i in rows)
        batch = np.full((len(rows), longest), PAD, dtype=np.uint8)
        for row, i in enumerate(rows):
            batch[row, : len(encoded[i])] = encoded[i]
        prob = run_router(model, batch, dtype=dtype)
        for row, i in enumerate(rows):
            results[i] = prob[row, : len(encoded[i])].copy()
    return results


def run_router(
    model: LDARNet, ids: NDArray[np.uint8], *, dtype: str = "float32"
) -> NDArray[np.float32]:
    """p (b, l) of right-padded ids (b, l); NaN at t = 0 and on padding."""
    if dtype not in DTYPES:
        raise DeviceError(f"dtype {dtype!r}; wanted one of {', '.join(DTYPES)}")
    device = next(model.parameters()).device
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=DTYPES[dtype], enabled=dtype != "float32"),
    ):
        _, routed = model.encode(torch.from_numpy(ids.astype(np.int64)).to(device))
    prob = routed.prob.float().cpu().numpy().copy()
    prob[:, 0] = np.nan
    prob[ids == PAD] = np.nan
    return prob


def extract_boundaries(
    model: LDARNet,
    genome: Genome | str | Path,
    *,
    around: pd.DataFrame | Sequence[pd.DataFrame],
    flank_bp: int = 200,
    strand: str = "transcript",
    margin_bp: int | None = None,
    dtype: str = "float32",
    workers: int = 1,
    batch_size: int | None = None,
    progress: str | None = None,
) -> BoundaryTrack:
    """p on every edge within `flank_bp` of the given sites, and nowhere else.

    Parameters
    ----------
    model : from `load_model`. Windows are as long as its `train_length`.
    genome : open or the path of a FASTA.
    around : one SiteTable or several (sites and their controls).
    strand : `transcript` (sites on - are read on the minus strand), `forward`, or `mean` of both
        strands.
    margin_bp : edges closer to a window's end are computed elsewhere; default an eighth of the
        window. `measure_margin` chooses it by measurement.
    dtype : see `predict_boundaries`.
    workers : processes on a CPU; a script that asks for more than one needs the usual
        `if __name__ == "__main__"`. Ignored on other devices.
    batch_size : windows a batch; by default what suits the device.
    progress : label of a progress bar on stderr; None for none.

    Returns
    -------
    BoundaryTrack with `forward`, `reverse` or both, or `mean`. Edges off the sequence, in N or
    within the margin of either are NaN. `provenance` counts windows and edges without value.

    Raises
    ------
    InputError : unknown strand mode, no sites, a margin that leaves nothing of a window.
    """
    tables = [around] if isinstance(around, pd.DataFrame) else list(around)
    if strand not in STRAND_MODES:
        raise InputError(f"strand mode {strand!r}; wanted one of {', '.join(STRAND_MODES)}")
    if not tables or not sum(map(len, tables)):
        raise InputError("no sites to extract around; wanted at least one")
    if isinstance(genome, str | Path):
        with open_genome(genome) as opened:
            return extract_boundaries(
                model,
                opened,
                around=tables,
                flank_bp=flank_bp,
                strand=strand,
                margin_bp=margin_bp,
                dtype=dtype,
                workers=workers,
                batch_size=batch_size,
                progress=progress,
            )
    length = model.config.train_length
    margin = length // DEFAULT_MARGIN_SHARE if margin_bp is None else margin_bp
    plan = _plan(genome, tables, flank_bp, strand, length, margin)
    device = next(model.parameters()).device
    if batch_size is None:
        batch_size = max(1, (_CPU_BATCH_BP if device.type == "cpu" else _GPU_BATCH_BP) // length)
    batches = _form_batches(genome, plan, batch_size)
    n_batches = sum(1 for _ in _batch_rows(plan, batch_size))
    for (rows, orientation), prob in tqdm(
        zip(
            _batch_rows(plan, batch_size),
            _run_batches(model, batches, dtype, workers if device.type == "cpu" else 1),
            strict=True,
        ),
        total=n_batches,
        desc=progress,
        unit="batch",
        delay=_PROGRESS_SECONDS,
        disable=progress is None,
        file=sys.stderr,
    ):
        for row, index in enumerate(rows):
            plan.fill(orientation, index, prob[row])
    return plan.track(
        strand,
        provenance={
            "window_bp": length,
            "margin_bp": margin,
            "dtype": dtype,
            "device": device.type,
            "windows": sum(map(len, plan.windows.values())),
            "edges_without_value": plan.n_missing,
        },
    )


@dataclass
class _Plan:
    """Windows and the arrays that their values go to, for each orientation that is modelled."""

    chrom_order: dict[str, int]
    ranges: dict[str, list[tuple[str, int, int]]]
    windows: dict[str, list[Window]]
    values: dict[str, list[NDArray[np.float32]]]
    n_missing: dict[str, int]

    def fill(self, orientation: str, index: int, prob: NDArray[np.float32]) -> None:
        """Put one window's values where they belong; `prob` as the model read it."""
        window = self.windows[orientation][index]
        by_edge = np.full(window.end - window.start + 1, np.nan, dtype=np.float32)
        size = window.end - window.start
        if orientation == "forward":
            by_edge[:-1] = prob[:size]
        else:
            # Edge t of the window read on the other strand is edge size - t on this one.
            by_edge[1:] = prob[:size][::-1]
        first, last = window.first, window.last
        for at in self._overlapping(orientation, window):
            _, low, high = self.ranges[orientation][at]
            a, b = max(first, low), min(last, high)
            self.values[orientation][at][a - low : b - low + 1] = by_edge[
                a - window.start : b - window.start + 1
            ]

    def _overlapping(self, orientation: str, window: Window) -> Iterator[int]:
        ranges = self.ranges[orientation]
        low, high = 0, len(ranges)
        order = self.chrom_order
        key = (order[window.chrom], window.first)
        while low < high:
            middle = (low + high) // 2
            chrom, _, end = ranges[middle]
            if (order[chrom], end) < key:
                low = middle + 1
            else:
                high = middle
        while low < len(ranges):
            chrom, start, _ = ranges[low]
            if chrom != window.chrom or start > window.last:
                return
            yield low
            low += 1

    def track(self, strand: str, provenance: dict[str, Any]) -> BoundaryTrack:
        """All segments; with `mean`, the average of both strands where both were evaluated."""
        if strand == "mean":
            averaged = [
                (forward + reverse) / np.float32(2)
                for forward, reverse in zip(
                    self.values["forward"], self.values["reverse"], strict=True
                )
            ]
            values = {"mean": averaged}
            ranges = {"mean": self.ranges["forward"]}
        else:
            values, ranges = self.values, self.ranges
        segments: dict[str, list[TrackSegment]] = {}
        for name, parts in values.items():
            segments[name] = []
            for (chrom, low, _), part in zip(ranges[name], parts, strict=True):
                # Edges left of base 0 exist in a flank but not on a chromosome.
                keep = part[max(0, -low) :]
                if keep.size:
                    segments[name].append(TrackSegment(chrom, max(0, low), keep))
        return BoundaryTrack(segments, provenance)


def _plan(
    genome: Genome, tables: list[pd.DataFrame], flank_bp: int, strand: str, length: int, margin: int
) -> _Plan:
    joined = pd.concat([t[["chrom", "edge", "strand"]] for t in tables], ignore_index=True)
    minus = (joined["strand"] == "-").to_numpy()
    everything = np.ones(len(joined), dtype=bool)
    wanted = {
        "transcript": {"forward": ~minus, "reverse": minus},
        "forward": {"forward": everything},
        "mean": {"forward": everything, "reverse": everything},
    }[strand]
    chroms = [c for c in genome.chroms if c in set(joined["chrom"])]
    plan = _Plan({chrom: i for i, chrom in enumerate(chroms)}, {}, {}, {}, {})
    unknown = sorted(set(joined["chrom"]) - set(chroms))
    if unknown:
        raise InputError(
            f"sites lie on {unknown[0]!r}, which the genome does not have; use the genome that "
            "they were made from"
        )
    for orientation, rows in wanted.items():
        ranges: list[tuple[str, int, int]] = []
        windows: list[Window] = []
        n_missing = 0
        for chrom in chroms:
            here = rows & (joined["chrom"] == chrom).to_numpy()
            merged = merge_edges(joined["edge"].to_numpy(np.int64)[here], flank_bp)
            found, missing = plan_windows(genome, chrom, merged, length=length, margin_bp=margin)
            ranges += [(chrom, low, high) for low, high in merged]
            windows += found
            n_missing += missing
        plan.ranges[orientation] = ranges
        plan.windows[orientation] = windows
        plan.values[orientation] = [
            np.full(high - low + 1, np.nan, dtype=np.float32) for _, low, high in ranges
        ]
        plan.n_missing[orientation] = n_missing
    return plan


def _batch_rows(plan: _Plan, batch_size: int) -> Iterator[tuple[list[int], str]]:
    """Windows by orientation, in order, those of one length together."""
    for orientation, windows in plan.windows.items():
        order = sorted(range(len(windows)), key=lambda i: windows[i].start - windows[i].end)
        start = 0
        while start < len(order):
            size = windows[order[start]].end - windows[order[start]].start
            stop = start
            while (
                stop < len(order)
                and stop - start < batch_size
                and windows[order[stop]].end - windows[order[stop]].start == size
            ):
                stop += 1
            yield order[start:stop], orientation
            start = stop


def _form_batches(genome: Genome, plan: _Plan, batch_size: int) -> Iterator[NDArray[np.uint8]]:
    for rows, orientation in _batch_rows(plan, batch_size):
        windows = [plan.windows[orientation][i] for i in rows]
        ids = np.stack([genome.fetch(w.chrom, w.start, w.end) for w in windows])
        yield reverse_complement(ids) if orientation == "reverse" else ids


def _run_batches(
    model: LDARNet, batches: Iterator[NDArray[np.uint8]], dtype: str, workers: int
) -> Iterator[NDArray[np.float32]]:
    if workers <= 1:
        with one_thread(model):
            for ids in batches:
                yield run_router(model, ids, dtype=dtype)
        return
    # Spawned, not forked: a fork of a process whose OpenMP threads ran may hang.
    with ProcessPoolExecutor(
        workers, get_context("spawn"), initializer=_start_worker, initargs=(model, dtype)
    ) as pool:
        # `map` would read all batches at once; this holds a few a worker.
        pending = []
        for ids in batches:
            pending.append(pool.submit(_work, ids))
            if len(pending) >= 4 * workers:
                yield pending.pop(0).result()
        for future in pending:
            yield future.result()


_worker: tuple[LDARNet, str] | None = None


def _start_worker(model: LDARNet, dtype: str) -> None:
    global _worker
    torch.set_num_threads(1)
    _worker = (model, dtype)


def _work(ids: NDArray[np.uint8]) -> NDArray[np.float32]:
    assert _worker is not None
    return run_router(_worker[0], ids, dtype=_worker[1])


@contextmanager
def one_thread(model: LDARNet) -> Iterator[None]:
    """One torch thread on a CPU: faster for small models, and the same sums everywhere."""
    before = torch.get_num_threads()
    if next(model.parameters()).device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def count_workers() -> int:
    """Processes that this machine can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
