"""Where windows may start, as runs of starts rather than lists of positions.

A window of w bases that starts at s holds f(s) bases of N. Between the points where a window's
ends enter or leave a run of N, f is constant or goes up or down by one a base:

    run of N           [a,  b)
    f goes up          from a - w  to  b - w      the far end of the window moves through the run
    f goes down        from a      to  b          its near end does

so the starts with f(s) <= k are found from the runs alone, in time and memory that grow with the
number of runs and segments and not with the genome.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class StartRuns(NamedTuple):
    """Runs [start, end) of admissible window starts, ascending, and the segment of each."""

    start: Ints
    end: Ints
    segment: Ints


def most_n(length: int, max_n_share: float) -> int:
    """Bases of N that a window may hold: the largest k with k / length <= max_n_share.

    The quotient is what a count in a window is compared by. The product may round below a whole
    number: 0.29 * 100 is 28.999999999999996.
    """
    most = round(max_n_share * length)
    return most if most / length <= max_n_share else most - 1


def admissible_starts(
    segment_start: Ints, segment_length: Ints, n_runs: Ints, length: int, max_n_share: float
) -> StartRuns:
    """Starts of windows that lie inside one segment and hold at most `max_n_share` of N.

    Parameters
    ----------
    segment_start, segment_length : (segments,) ascending and without overlap.
    n_runs : (runs, 2) starts and ends of runs of N in the same coordinates, ascending.
    length : bases of a window, >= 1.
    max_n_share : 0 to 1; a window with exactly this share is admissible.
    """
    most = most_n(length, max_n_share)
    long_enough = np.flatnonzero(segment_length >= length)
    first = segment_start[long_enough]
    stop = first + segment_length[long_enough] - length + 1  # of the starts that fit
    run_start, run_end = n_runs[:, 0], n_runs[:, 1]

    at = np.concatenate([run_start - length, run_end - length, run_start, run_end, first, stop])
    n, s = len(n_runs), len(long_enough)
    slope_change = np.repeat(np.array([1, -1, -1, 1, 0, 0]), [n, n, n, n, s, s])
    depth_change = np.repeat(np.array([0, 0, 0, 0, 1, -1]), [n, n, n, n, s, s])
    order = np.argsort(at, kind="stable")
    at = at[order]
    slope = np.cumsum(slope_change[order])[:-1]
    inside = np.cumsum(depth_change[order])[:-1] > 0
    size = np.diff(at)
    n_inside = np.cumsum(slope * size) - slope * size  # f at the left end of each stretch

    # On a stretch f(s) = n_inside + slope * (s - left), and slope is -1, 0 or 1.
    left, right = at[:-1], at[1:]
    over = n_inside - most
    low = left + np.where(slope < 0, np.maximum(over, 0), 0)
    high = np.where(slope > 0, np.minimum(right, left - over + 1), right)
    admissible = inside & (low < high) & ((slope != 0) | (over <= 0))
    low, high = low[admissible], high[admissible]
    segment = long_enough[np.searchsorted(first, low, side="right") - 1]

    joined = (low[1:] == high[:-1]) & (segment[1:] == segment[:-1])
    begins = np.concatenate([[True], ~joined])[: len(low)]
    ends = np.concatenate([~joined, [True]])[: len(low)]
    return StartRuns(low[begins], high[ends], segment[begins])
