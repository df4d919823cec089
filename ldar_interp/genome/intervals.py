"""Intervals and edges: 0-based, half-open, values on edges.

Base x lies between the edges x and x + 1, so an interval [start, end) has `end - start` bases
and the edges `start` .. `end`. `p[x]` is the probability of a cut between base x - 1 and base x.

    edge:     100   101   102   103
                |  A  |  C  |  G  |
    base:         100   101   102
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import CoordinateError

STRANDS = ("+", "-", ".")


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """Bases [start, end) of a chromosome.

    Raises
    ------
    CoordinateError : start < 0, end <= start, or a strand other than `+`, `-`, `.`.
    """

    chrom: str
    start: int
    end: int
    strand: str = "."

    def __post_init__(self) -> None:
        if self.start < 0 or self.end <= self.start:
            raise CoordinateError(
                f"interval {self.chrom}:[{self.start}, {self.end}) is empty or negative; "
                "wanted 0 <= start < end (0-based, half-open)"
            )
        if self.strand not in STRANDS:
            raise CoordinateError(
                f"strand {self.strand!r} of {self.chrom}:[{self.start}, {self.end}); "
                "wanted one of + - ."
            )

    def __len__(self) -> int:
        return self.end - self.start


def offset_of_edge(edge: ArrayLike, site_edge: ArrayLike, strand: ArrayLike) -> NDArray[np.int64]:
    """Offset in bp of an edge from a site's edge, positive downstream of the site.

    `x - s` on `+`, `s - x` on `-`: no +-1 anywhere, because both are edges.
    """
    sign = np.where(np.asarray(strand) == "-", -1, 1)
    return (np.asarray(edge, dtype=np.int64) - np.asarray(site_edge, dtype=np.int64)) * sign


def reverse_edges(edge: ArrayLike, length: int) -> NDArray[np.int64]:
    """Edge t of a window of `length` bases, seen on the other strand: `length - t`.

    Bases go to `length - 1 - t`; mixing the two rules is the classic off-by-one of minus strands.
    """
    return length - np.asarray(edge, dtype=np.int64)
