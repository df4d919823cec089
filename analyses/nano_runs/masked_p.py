"""What masking does to p: the same windows, clean and with some bases shown as [MASK].

Two patterns. `random`: a share of the letters, drawn as in training, but all shown as [MASK]; next
to no edge is then far from a masked base. `sparse`: one base in 256, so that the effect of a
single [MASK] can be followed to 128 bases away.

Distance of an edge from a masked base counts bases: 1 if the base is right beside the edge (on
either side of it), 2 if one base lies between, and so on.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ldar_interp.genome.alphabet import MASK, N
from ldar_interp.model.losses import IGNORE
from ldar_interp.train.masking import mask_windows
from ldar_interp.train.validate import MASK_SEED

PERIOD = 256
ROW_SHIFT = 37
"""Bases by which the sparse pattern moves from window to window."""

BINS: tuple[tuple[str, int, int | None], ...] = (
    ("1", 1, 1), ("2-4", 2, 4), ("5-16", 5, 16), ("17-64", 17, 64), ("65+", 65, None),
)  # fmt: skip
ALL = "all"
COLUMNS = (
    "pattern", "distance", "n_edges", "mean_abs_dp", "correlation", "flip_rate",
    "boundary_rate_clean", "boundary_rate_masked",
)  # fmt: skip


def choose_random(windows: NDArray[np.uint8], rate: float) -> NDArray[np.bool_]:
    """Positions masked at random: the targets of a validation at this rate."""
    batch = mask_windows(torch.from_numpy(windows), rate, seed=MASK_SEED)
    return (batch.labels != IGNORE).numpy()


def choose_sparse(windows: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """One position in `PERIOD`, elsewhere in each window; letters only."""
    n_windows, length = windows.shape
    first = (PERIOD // 2 + ROW_SHIFT * np.arange(n_windows)) % PERIOD
    chosen = (np.arange(length)[None, :] - first[:, None]) % PERIOD == 0
    return chosen & (windows < N)


def distance_to_masked(masked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Bases from each edge to the nearest masked base.

    Parameters
    ----------
    masked : (windows, length); base t lies between edges t and t + 1.

    Returns
    -------
    (windows, length) for edges 0 to length - 1, >= 1. Without a masked base in the window it is
    more than its length.
    """
    length = masked.shape[1]
    at = np.arange(length)
    far = 2 * length + 1
    last = np.maximum.accumulate(np.where(masked, at, -far), axis=1)
    # The base on the left of edge t is t - 1.
    before = np.concatenate([np.full((len(masked), 1), -far), last[:, :-1]], axis=1)
    after = np.minimum.accumulate(np.where(masked, at, 2 * far)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(at - before, after - at + 1)


def compare_masked(
    windows: NDArray[np.uint8],
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]],
    *,
    mask_rate: float,
) -> pd.DataFrame:
    """Both patterns, overall and by distance: a row each, with `COLUMNS`.

    Parameters
    ----------
    windows : (windows, length) ids.
    predict : p of windows, NaN at the first edge.

    Returns
    -------
    Mean |dp|, correlation of p and share of hard boundaries (p > 0.5) that change, with the
    number of edges that they rest on; NaN where there are none.
    """
    clean = predict(windows)
    patterns = {"random": choose_random(windows, mask_rate), "sparse": choose_sparse(windows)}
    rows = []
    for pattern, masked in patterns.items():
        shown = np.where(masked, np.uint8(MASK), windows)
        prob = predict(shown)
        distance = distance_to_masked(masked)
        known = ~np.isnan(clean)
        for name, low, high in ((ALL, 1, None), *BINS):
            chosen = known & (distance >= low)
            if high is not None:
                chosen &= distance <= high
            rows.append((pattern, name, *compare_p(clean[chosen], prob[chosen])))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def compare_p(
    clean: NDArray[np.float32], masked: NDArray[np.float32]
) -> tuple[int, float, float, float, float, float]:
    """Number of edges, mean |dp|, correlation, flip rate, and both boundary rates.

    The correlation is NaN for fewer than two edges or where one side does not vary.
    """
    if not clean.size:
        return 0, np.nan, np.nan, np.nan, np.nan, np.nan
    a, b = clean.astype(np.float64), masked.astype(np.float64)
    hard_a, hard_b = a > 0.5, b > 0.5
    return (
        clean.size,
        float(np.abs(a - b).mean()),
        correlate(a, b),
        float((hard_a != hard_b).mean()),
        float(hard_a.mean()),
        float(hard_b.mean()),
    )


def correlate(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Pearson's correlation; NaN for fewer than two values or where one side does not vary."""
    if a.size < 2:
        return float("nan")
    x, y = a - a.mean(), b - b.mean()
    scale = float(np.sqrt((x @ x) * (y @ y)))
    return float(x @ y) / scale if scale > 0 else float("nan")
