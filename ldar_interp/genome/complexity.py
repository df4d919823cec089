"""Runs of one letter and stretches of few words: the confounders of everything about tokens.

Low complexity is scored as DUST does it (Morgulis et al. 2006, doi:10.1089/cmb.2006.13.1028): in
a window with the triplet t occurring c_t times among l triplets,

    score = sum_t c_t (c_t - 1) / 2 / (l - 1)

Random sequence scores about 0.5 in 64 bp; a run of one letter scores l / 2. Here a base is of low
complexity if any full window of 64 bp that holds it scores above the threshold (2.0 is the usual
one). Unlike the program, the borders are not trimmed to the best interval within a window, so
masked stretches are up to 63 bp longer on each side.
"""

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N

DUST_WINDOW_BP = 64
DUST_THRESHOLD = 2.0
_N_TRIPLETS = 64


def measure_runs(ids: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Length of the run of equal letters that holds each base, int64 of the same length."""
    if not ids.size:
        return np.zeros(0, dtype=np.int64)
    opens = np.flatnonzero(np.concatenate([[True], ids[1:] != ids[:-1]]))
    size = np.diff(np.concatenate([opens, [ids.size]]))
    return np.repeat(size, size)


def score_dust(ids: NDArray[np.uint8], *, window_bp: int = DUST_WINDOW_BP) -> NDArray[np.float64]:
    """DUST score of the window that begins at each base, float64 (max(0, n - window + 1),).

    Triplets with N count as no triplet: they only make the window poorer in words, not simpler.

    Raises
    ------
    InputError : a window of fewer than 5 bp.
    """
    if window_bp < 5:
        raise InputError(f"DUST window of {window_bp} bp; wanted at least 5")
    n_windows = ids.size - window_bp + 1
    if n_windows < 1:
        return np.zeros(0)
    codes = ids.astype(np.int64)
    triplet = 16 * codes[:-2] + 4 * codes[1:-1] + codes[2:]
    is_n = (ids[:-2] == N) | (ids[1:-1] == N) | (ids[2:] == N)
    per_window = window_bp - 2
    score = np.zeros(n_windows)
    for word in range(_N_TRIPLETS):
        seen = np.concatenate([[0], np.cumsum((triplet == word) & ~is_n)])
        count = seen[per_window : per_window + n_windows] - seen[:n_windows]
        score += count * (count - 1) / 2
    return score / (per_window - 1)


def find_low_complexity(
    ids: NDArray[np.uint8],
    *,
    threshold: float = DUST_THRESHOLD,
    window_bp: int = DUST_WINDOW_BP,
) -> NDArray[np.bool_]:
    """Whether each base lies in a full window that scores above the threshold."""
    above = np.flatnonzero(score_dust(ids, window_bp=window_bp) > threshold)
    change = np.zeros(ids.size + 1, dtype=np.int64)
    np.add.at(change, above, 1)
    np.add.at(change, above + window_bp, -1)
    return np.asarray(np.cumsum(change)[:-1] > 0)
