"""On which strand the windows of rung C4 are read, and where a site's edges then lie.

Windows are kept 5' to 3' on their site's strand, with the site's edge in the middle, c = L / 2.
Turned to the other strand, base b becomes base L - 1 - b and edge t edge L - t, so the site's edge
stays in the middle and offsets run the other way:

                 sites on +          sites on -          offset o is column
    transcript   kept                kept                c + o
    forward      kept                turned              c + o, turned c - o
    mean         both, averaged      both, averaged

as for the places of the other rungs (`BoundaryTrack.orientation_for`). A turned shuffle is a
shuffle of the turned window: reverse complement keeps what a dinucleotide shuffle keeps.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.boundaries.shuffled_context import ContextWindows
from ldar_interp.boundaries.track import STRAND_MODES
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import reverse_complement


@dataclass(frozen=True, eq=False)
class WindowRead:
    """All windows, read once.

    Attributes
    ----------
    ids : uint8 (n_windows, window_bp), as the model reads them; the windows of one site follow
        each other, the native one first.
    columns : int64 (n_windows, n_offsets), the column of each offset 5' to 3' of the site.
    """

    ids: NDArray[np.uint8]
    columns: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, values: NDArray[np.float32], start: int = 0) -> NDArray[np.float32]:
        """The offsets of windows `start`, `start + 1`, .. out of their values (n, window_bp)."""
        return np.take_along_axis(values, self.columns[start : start + len(values)], axis=1)


def plan_reads(
    windows: ContextWindows, offsets: NDArray[np.int64], strand: str
) -> list[WindowRead]:
    """What to read for a strand mode: one read, or the two that `mean` averages.

    Parameters
    ----------
    offsets : int64 (n_offsets,), in bp downstream of the site's edge, all inside the window.
    strand : `transcript`, `forward` or `mean`.

    Raises
    ------
    InputError : an unknown strand mode.
    """
    if strand not in STRAND_MODES:
        raise InputError(f"strand mode {strand!r}; wanted one of {', '.join(STRAND_MODES)}")
    n = len(windows)
    if strand == "mean":
        return [_read(windows, offsets, np.full(n, turned)) for turned in (False, True)]
    is_minus = (windows.sites["strand"] == "-").to_numpy(dtype=bool)
    return [_read(windows, offsets, is_minus & (strand == "forward"))]


def average_reads(values: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The mean of the one or two reads of `plan_reads`, each (n_windows, n_offsets)."""
    if len(values) == 1:
        return values[0]
    first, second = values
    return np.asarray((first + second) / np.float32(2), dtype=np.float32)


def _read(
    windows: ContextWindows, offsets: NDArray[np.int64], is_turned: NDArray[np.bool_]
) -> WindowRead:
    """The windows with those of some sites, bool (n_sites,), turned to the other strand."""
    ids = windows.ids
    if is_turned.any():
        ids = ids.copy()
        ids[is_turned] = reverse_complement(ids[is_turned])
    sign = np.repeat(np.where(is_turned, -1, 1), 1 + windows.n_shuffles)
    columns = windows.centre + sign[:, None] * offsets
    return WindowRead(ids.reshape(-1, windows.window_bp), columns.astype(np.int64))
