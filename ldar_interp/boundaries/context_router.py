"""Rung C4, the model: p around sites in their own and in shuffled contexts."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

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
    InputError : no windows, flank_bp or batch_size out of range.
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
    flat = windows.ids.reshape(-1, windows.window_bp)
    offsets = np.arange(-flank_bp, flank_bp + 1, dtype=np.int64)
    values = np.empty((len(flat), offsets.size), dtype=np.float32)
    starts = range(0, len(flat), batch_size)
    results = run_jobs(
        model,
        partial(run_router, dtype=dtype),
        (flat[start : start + batch_size] for start in starts),
        n_jobs=len(starts),
        workers=workers,
        progress=progress,
    )
    for start, prob in zip(starts, results, strict=True):
        values[start : start + len(prob)] = prob[:, windows.centre + offsets]
    shaped: NDArray[np.float32] = values.reshape(*windows.ids.shape[:2], offsets.size)
    return ContextProfiles(windows, offsets, shaped[:, 0], shaped[:, 1:])
