"""Endpoints that are means over several edges: left of a motif, inside it, right of it.

offset   -4 ..  0 | 1 .. w-1 | w .. w+4        w = width of the motif
         left     | inside   | right           offset 0 and w are the cuts at its two borders
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError


@dataclass(frozen=True)
class Region:
    """Edges `first` .. `last`, both included, in bp 5' to 3' from the site's edge.

    Where `first_from_end` or `last_from_end` is set, that number counts from edge + width instead.
    `name` is what the result tables call the endpoint, in the column `statistic`.
    """

    name: str
    first: int
    last: int
    first_from_end: bool = False
    last_from_end: bool = False


MOTIF_REGIONS = (
    Region("left_flank", -4, 0),
    Region("inside", 1, -1, last_from_end=True),
    Region("right_flank", 0, 4, first_from_end=True, last_from_end=True),
)
"""The declared endpoints of a motif."""


def average_region(
    values: NDArray[np.floating],
    offsets: NDArray[np.int64],
    width_bp: NDArray[np.int64],
    region: Region,
) -> NDArray[np.float64]:
    """Mean value over a region of each row.

    Parameters
    ----------
    values : (n, n_offsets), NaN where not evaluated.
    offsets : (n_offsets,), consecutive, in bp.
    width_bp : (n,), width of each row's site.
    region : which edges.

    Returns
    -------
    float64 (n,), NaN where an edge of the region was not evaluated or where the region is empty
    (the inside of a site of one base).

    Raises
    ------
    InputError : a region reaches beyond the offsets, so that a part of it would be left out.
    """
    first = region.first + np.where(region.first_from_end, width_bp, 0)
    last = region.last + np.where(region.last_from_end, width_bp, 0)
    filled = first <= last
    beyond = filled & ((first < offsets[0]) | (last > offsets[-1]))
    if beyond.any():
        row = int(np.argmax(beyond))
        raise InputError(
            f"{region.name} of a site of {int(width_bp[row])} bp is offsets {int(first[row])} to "
            f"{int(last[row])} but the profile has {int(offsets[0])} to {int(offsets[-1])}; "
            f"collect at least {int(max(-first.min(), last.max()))} bp of flank"
        )
    inside = (offsets >= first[:, None]) & (offsets <= last[:, None])
    total = np.where(inside, values, 0.0).sum(axis=1, dtype=np.float64)
    count = inside.sum(axis=1)
    return np.divide(total, count, out=np.full(len(values), np.nan), where=count > 0)
