"""Rung C4, the model: p around sites in their own and in shuffled contexts."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ldar_interp.boundaries.context_reads import average_reads, plan_reads
from ldar_interp.boundaries.extract import run_router
from ldar_interp.boundaries.shuffled_context import ContextProfiles, ContextWindows
from ldar_interp.boundaries.workers import run_jobs
from ldar_interp.errors import InputError
from ldar_interp.model.ldarnet import LDARNet

_CPU_BATCH_BP = 8192
_GPU_BATCH_BP = 262144


def profile_contexts(
    model: LDARNet,
    windows: ContextWindows,
    *,
    flank_bp: int = 100,
    strand: str = "transcript",
    dtype: str = "float32",
    batch_size: int | None = None,
    workers: int = 1,
    progress: str | None = None,
) -> ContextProfiles:
    """p on the edges within `flank_bp` of each site, native and shuffled.

    Every window is run whole and alone, whatever the model's `train_length`: native and shuffled
    p can be compared with each other, and not with p from longer windows.

    Parameters
    ----------
    model : from `load_model`; its device is used, with one thread on a CPU.
    windows : from `shuffle_contexts`.
    flank_bp : edges kept on each side of the site, 1 to window_bp / 2 - 1 (p at the first edge of
        a window is 1 by construction and no value).
    strand : which strand the model reads: `transcript`, `forward` or `mean` (`context_reads`).
    dtype : see `predict_boundaries`.
    batch_size : windows a batch; by default what suits the device. The windows of one site follow
        each other.
    workers : processes on a CPU; ignored on other devices.
    progress : label of a progress bar on stderr; None for none.

    Returns
    -------
    ContextProfiles, all values evaluated.

    Raises
    ------
    InputError : no windows, flank_bp or batch_size out of range, an unknown strand mode.
    DeviceError : unknown dtype.
    """
    if not len(windows):
        raise InputError("no site has a window; wanted at least one: see the counts of the windows")
    if not 1 <= flank_bp < windows.centre:
        raise InputError(
            f"flank_bp {flank_bp} in windows of {windows.window_bp} bp; "
            f"wanted 1 to {windows.centre - 1}"
        )
    is_cpu = next(model.parameters()).device.type == "cpu"
    if batch_size is None:
        batch_size = max(1, (_CPU_BATCH_BP if is_cpu else _GPU_BATCH_BP) // windows.window_bp)
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; wanted at least 1")
    offsets = np.arange(-flank_bp, flank_bp + 1, dtype=np.int64)
    reads = plan_reads(windows, offsets, strand)
    starts = range(0, windows.ids.shape[0] * windows.ids.shape[1], batch_size)
    pieces = [(at, start) for at in range(len(reads)) for start in starts]
    results = run_jobs(
        model,
        partial(run_router, dtype=dtype),
        (reads[at].ids[start : start + batch_size] for at, start in pieces),
        n_jobs=len(pieces),
        workers=workers,
        progress=progress,
    )
    values = [np.empty((len(read), offsets.size), dtype=np.float32) for read in reads]
    for (at, start), prob in zip(pieces, results, strict=True):
        values[at][start : start + len(prob)] = reads[at].take(prob, start)
    shaped: NDArray[np.float32] = average_reads(values).reshape(
        *windows.ids.shape[:2], offsets.size
    )
    return ContextProfiles(windows, offsets, shaped[:, 0], shaped[:, 1:])
