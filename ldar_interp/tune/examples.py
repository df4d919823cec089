"""What is learned from: sequences and their classes, and nothing of where they came from."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Examples(NamedTuple):
    """Sequences (n,) of letters and their classes (n,), 0 to n_classes - 1."""

    sequences: Sequence[str]
    labels: NDArray[np.int64]
