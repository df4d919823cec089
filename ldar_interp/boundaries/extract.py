"""Boundary probabilities from a model: sequences, and the edges around sites of a genome.

Only the encoder and the router run, only in windows that hold wanted edges. On a CPU the work is
spread over processes with one thread each; batches are formed before that, so the numbers do not
depend on how many processes there are.
"""

import os
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ldar_interp.boundaries.stitch import (
    Orientation,
    build_track,
    plan_orientations,
)
from ldar_interp.boundaries.tiling import Window
from ldar_interp.boundaries.track import BoundaryTrack
from ldar_interp.boundaries.workers import run_jobs
from ldar_interp.errors import DeviceError, InputError
from ldar_interp.genome.alphabet import PAD, VOCAB_SIZE, encode, reverse_complement
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.model.backend import describe_backend
from ldar_interp.model.ldarnet import LDARNet

DEFAULT_MARGIN_SHARE = 8
"""Margin as a divisor of the window: 1/8 of it on each side unless measured or given."""

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
_CPU_BATCH_BP = 8192
_GPU_BATCH_BP = 262144


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
        be longer than the model's `train_length`, which it was not trained for. Ids may end in
        [PAD], where p is NaN.
    batch_size : sequences a batch. A batch gives what its members give alone, to rounding.
    dtype : `float32`, or `bfloat16` for the projections (router, decays and sums stay in float32).

    Returns
    -------
    One float32 array a sequence, of its length: value t belongs to the edge before base t. NaN at
    t = 0, where the model says 1 by construction.

    Raises
    ------
    InputError : no sequences, an empty one, ids that are no letters, batch_size < 1.
    DeviceError : unknown dtype.
    """
    if isinstance(sequences, str):
        raise InputError("sequences is one str; wanted a list of them: put it in a list")
    if not len(sequences):
        raise InputError("no sequences; wanted at least one")
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; wanted at least 1")
    encoded = [_encode_one(sequence, i) for i, sequence in enumerate(sequences)]
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


def _encode_one(sequence: str | NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
    ids = encode(sequence) if isinstance(sequence, str) else np.asarray(sequence)
    if ids.ndim != 1 or not ids.size:
        raise InputError(f"sequence {number} has shape {ids.shape}; wanted (length >= 1,)")
    if not np.issubdtype(ids.dtype, np.integer):
        raise InputError(f"sequence {number} holds {ids.dtype} values; wanted a str or ids")
    # Checked before the cast: as uint8, 256 would read as A.
    if ids.min() < 0 or ids.max() >= VOCAB_SIZE:
        raise InputError(
            f"sequence {number} holds ids from {ids.min()} to {ids.max()}; wanted 0 to "
            f"{VOCAB_SIZE - 1} (A C G T N [MASK] [PAD])"
        )
    return ids.astype(np.uint8)


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
    flank_bp : edges wanted on each side of a site.
    strand : `transcript` (sites on - are read on the minus strand), `forward`, or `mean` of both
        strands.
    margin_bp : edges closer to a window's end are computed elsewhere; default an eighth of the
        window. `measure_consistency` chooses it by measurement.
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
    InputError : unknown strand or mode, no sites, a missing column, a margin that leaves nothing of
        a window, workers or batch_size < 1.
    CoordinateError : sites lie on a chromosome that the genome does not have.
    DeviceError : unknown dtype.
    """
    check_counts(workers, batch_size)
    with borrow_genome(genome) as opened:
        length = model.config.train_length
        margin = length // DEFAULT_MARGIN_SHARE if margin_bp is None else margin_bp
        plans = plan_orientations(
            opened,
            [around] if isinstance(around, pd.DataFrame) else list(around),
            flank_bp=flank_bp,
            strand=strand,
            length=length,
            margin_bp=margin,
        )
        fill_plans(model, opened, plans, dtype, workers, batch_size, progress)
    return build_track(
        plans, strand, provenance=describe_extraction(model, plans, length, margin, dtype)
    )


def check_counts(workers: int, batch_size: int | None) -> None:
    """Raise InputError if either is below 1."""
    if workers < 1 or (batch_size is not None and batch_size < 1):
        raise InputError(f"workers {workers}, batch_size {batch_size}; wanted at least 1")


def fill_plans(
    model: LDARNet,
    genome: Genome,
    plans: Mapping[str, Orientation],
    dtype: str,
    workers: int,
    batch_size: int | None,
    progress: str | None,
) -> None:
    """Run the model over all windows of the plans and put its values on their edges."""
    device = next(model.parameters()).device
    if batch_size is None:
        budget = _CPU_BATCH_BP if device.type == "cpu" else _GPU_BATCH_BP
        batch_size = max(1, budget // model.config.train_length)
    batches = _form_batches(plans, batch_size)
    results = run_jobs(
        model,
        partial(run_router, dtype=dtype),
        (_read_batch(genome, batch) for batch in batches),
        n_jobs=len(batches),
        workers=workers,
        progress=progress,
    )
    for batch, prob in zip(batches, results, strict=True):
        for window, values in zip(batch.windows, prob, strict=True):
            plans[batch.orientation].fill(window, values, is_reverse=batch.orientation == "reverse")


def describe_extraction(
    model: LDARNet, plans: Mapping[str, Orientation], length: int, margin: int, dtype: str
) -> dict[str, Any]:
    """What a track's provenance says about its making."""
    return {
        "window_bp": length,
        "margin_bp": margin,
        "dtype": dtype,
        "device": next(model.parameters()).device.type,
        **describe_backend(model),
        "windows": sum(len(plan.windows) for plan in plans.values()),
        "edges_without_value": {name: plan.n_missing for name, plan in plans.items()},
    }


class _Batch(NamedTuple):
    """Windows of one orientation and one size."""

    orientation: str
    size: int
    windows: list[Window]


def _form_batches(plans: Mapping[str, Orientation], batch_size: int) -> list[_Batch]:
    """Windows by orientation, the longest first, only those of one length together."""
    batches = []
    for name, plan in plans.items():
        by_size = sorted(plan.windows, key=_size, reverse=True)
        for size, group in groupby(by_size, key=_size):
            windows = list(group)
            for start in range(0, len(windows), batch_size):
                batches.append(_Batch(name, size, windows[start : start + batch_size]))
    return batches


def _size(window: Window) -> int:
    return window.end - window.start


def _read_batch(genome: Genome, batch: _Batch) -> NDArray[np.uint8]:
    """Ids (n_windows, size), 5' to 3' of the strand that is modelled."""
    ids = np.stack([genome.fetch(w.chrom, w.start, w.end) for w in batch.windows])
    return reverse_complement(ids) if batch.orientation == "reverse" else ids


def count_workers() -> int:
    """Processes that this machine can run at once."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
