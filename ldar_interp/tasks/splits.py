"""Folds and hold-outs: labels in equal shares, and no `group` on both sides.

Groups of several rows are dealt first, the largest first, each to the part that has least of the
group's commonest label for its size. Rows of their own then fill up, label by label, whatever is
missing, in an order drawn from the seed. Equal input and seed give equal parts. (scikit-learn's
StratifiedGroupKFold does the same for folds only, in seconds for ten thousand groups.)
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Positions in the frame, sorted: what is trained on and what is watched."""

    train: Rows
    validation: Rows


def make_folds(train: pd.DataFrame, n_folds: int, seed: int) -> list[Fold]:
    """Cut training rows into folds: each row is validation in exactly one of them.

    Parameters
    ----------
    train : `label` and `group`; the index does not matter.
    n_folds : >= 2.

    Raises
    ------
    InputError : fewer than two folds, or a class with fewer groups than folds.
    """
    if n_folds < 2:
        raise InputError(f"n_folds is {n_folds}; wanted at least 2")
    n_groups = train.groupby("label")["group"].nunique()
    if (n_groups < n_folds).any():
        label = n_groups.index[n_groups < n_folds][0]
        raise InputError(
            f"class {label} has {n_groups[label]} different sequences or groups; wanted at least "
            f"{n_folds}, one a fold: ask for fewer folds"
        )
    part = _deal(train, np.full(n_folds, 1 / n_folds), seed)
    return [Fold(np.flatnonzero(part != i), np.flatnonzero(part == i)) for i in range(n_folds)]


def hold_out(frame: pd.DataFrame, share: float, seed: int) -> tuple[Rows, Rows]:
    """Positions of the rows that stay and of about `share` of the rows that are held out.

    Raises
    ------
    InputError : share is not between 0 and 1, or one side would lack a class.
    """
    if not 0 < share < 1:
        raise InputError(f"share is {share:g}; wanted a number between 0 and 1")
    part = _deal(frame, np.array([1 - share, share]), seed)
    labels = frame["label"].to_numpy()
    for label in np.unique(labels):
        sides = np.bincount(part[labels == label], minlength=2)
        if not sides.all():
            raise InputError(
                f"{sides.sum()} rows of class {label} cannot give {share:g} of them away and keep "
                "both sides: wanted more rows or groups"
            )
    return np.flatnonzero(part == 0), np.flatnonzero(part == 1)


def _deal(frame: pd.DataFrame, shares: NDArray[np.float64], seed: int) -> Rows:
    """The part of each row; parts get the given shares of the rows of each label."""
    rng = np.random.default_rng(seed)
    labels = pd.factorize(frame["label"], sort=True)[0]
    groups, names = pd.factorize(frame["group"], sort=True)
    part = np.full(len(frame), -1, dtype=np.int64)
    count = np.zeros((labels.max(initial=-1) + 1, len(shares)))
    size = np.bincount(groups, minlength=len(names))
    # Shuffled before the stable sort: groups of one size come in random order.
    order = rng.permutation(np.flatnonzero(size > 1))
    rows_of = pd.Series(np.arange(len(frame))).groupby(groups).indices
    for group in order[np.argsort(-size[order], kind="stable")]:
        rows = rows_of[group]
        held = np.bincount(labels[rows], minlength=len(count))
        # The emptiest part for its share after it took the group; total rows settle ties.
        filled = (count[held.argmax()] + held.max()) / shares
        ties = np.flatnonzero(filled == filled.min())
        taken = ties[(count.sum(axis=0)[ties] / shares[ties]).argmin()]
        part[rows] = taken
        count[:, taken] += held
    is_single = size[groups] == 1
    for label in range(len(count)):
        rows = rng.permutation(np.flatnonzero(is_single & (labels == label)))
        part[rows] = _fill(count, label, len(rows), shares)
        count[label] += np.bincount(part[rows], minlength=len(shares))
    return part


def _fill(count: NDArray[np.float64], label: int, n: int, shares: NDArray[np.float64]) -> Rows:
    """The parts that n rows of a label go to, one after the other to the emptiest for its share.

    A part with c rows and share s offers places at the levels (c + 1/2) / s, (c + 3/2) / s, ...;
    the n lowest are taken. Parts with fewer rows in total come first among equals.
    """
    places = np.arange(n)
    level = (count[label][:, None] + places + 0.5) / shares[:, None]
    fullness = np.broadcast_to((count.sum(axis=0) / shares)[:, None], level.shape)
    part = np.broadcast_to(np.arange(len(shares))[:, None], level.shape)
    order = np.lexsort((part.ravel(), fullness.ravel(), level.ravel().round(9)))[:n]
    return part.ravel()[order]
