"""When to slow down and when to stop, as functions of the validation metric's history alone.

Nothing but the list of metrics, one an epoch and larger being better, has to be kept for a run to
go on where it was cut.
"""

from collections.abc import Sequence


def best_of(metrics: Sequence[float]) -> int:
    """Index of the best epoch so far, the first of equals; -1 before there is one."""
    return max(range(len(metrics)), key=lambda i: (metrics[i], -i), default=-1)


def count_reductions(metrics: Sequence[float], patience: int) -> int:
    """How often the learning rate was reduced after these epochs.

    Once whenever more than `patience` epochs in a row were not better than the best before them,
    and then the count starts anew: torch's `ReduceLROnPlateau` with threshold 0.
    """
    reductions = waited = 0
    best = float("-inf")
    for metric in metrics:
        if metric > best:
            best, waited = metric, 0
        else:
            waited += 1
        if waited > patience:
            reductions, waited = reductions + 1, 0
    return reductions


def reduce_rate(peak: float, reductions: int, *, factor: float, lowest: float) -> float:
    """The rate after so many reductions; a peak below `lowest` stays as it is."""
    return min(peak, max(peak * factor**reductions, lowest))


def is_over(metrics: Sequence[float], patience: int) -> bool:
    """True after `patience` epochs in a row without a better one."""
    return len(metrics) - 1 - best_of(metrics) >= patience and len(metrics) > 0
