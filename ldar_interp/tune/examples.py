"""Labelled sequences, as everything that learns from them takes them."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Examples(NamedTuple):
    """`sequences`: n strings of any length >= 1; `labels` (n,) int64: classes 0 .. n_classes-1."""

    sequences: Sequence[str]
    labels: NDArray[np.int64]
