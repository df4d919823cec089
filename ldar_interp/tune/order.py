"""Which examples make which step, and on which strand: functions of (seed, epoch).

Nothing is drawn from a running generator, so a run that goes on in the middle of an epoch needs
to know the epoch and the step and nothing else.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

POOL_STEPS = 50
# One stream for each purpose.
_ORDER, _STRAND, _SUBSET = range(3)


def plan_epoch(
    lengths: Sequence[int] | NDArray[np.int64], batch_size: int, *, seed: int, epoch: int
) -> list[NDArray[np.int64]]:
    """Rows of each step: random, of similar length, every row once.

    All rows are shuffled and cut into pools of 50 steps; a pool is sorted by length and cut into
    steps, and all steps are shuffled. Where the lengths are equal that is a plain shuffle. The
    steps of a pool that cannot be filled are the smaller for it.
    """
    found = np.asarray(lengths, dtype=np.int64)
    rng = _stream(_ORDER, seed, epoch)
    order = rng.permutation(len(found))
    steps: list[NDArray[np.int64]] = []
    for begin in range(0, len(order), POOL_STEPS * batch_size):
        pool = order[begin : begin + POOL_STEPS * batch_size]
        pool = pool[np.argsort(found[pool], kind="stable")]
        steps += [pool[k : k + batch_size] for k in range(0, len(pool), batch_size)]
    return [steps[k] for k in rng.permutation(len(steps))]


def draw_strands(n: int, *, seed: int, epoch: int) -> NDArray[np.bool_]:
    """True for the rows that are shown as their reverse complement in this epoch; (n,).

    Row i's draw does not depend on n.
    """
    return _stream(_STRAND, seed, epoch).random(n) < 0.5


def draw_subset(n: int, limit: int | None, *, seed: int) -> NDArray[np.int64]:
    """At most `limit` of n rows, without replacement, in their order."""
    if limit is None or limit >= n:
        return np.arange(n)
    return np.sort(_stream(_SUBSET, seed, 0).choice(n, size=limit, replace=False))


def _stream(purpose: int, seed: int, epoch: int) -> np.random.Generator:
    return np.random.default_rng([purpose, seed, epoch])
