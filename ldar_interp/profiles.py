"""The boundary track cut around each site: a matrix of sites by offsets.

    site on +  edge s     offset  ..  -2   -1    0   +1   +2  ..
                          edge    .. s-2  s-1    s  s+1  s+2  ..
    site on -  edge s     edge    .. s+2  s+1    s  s-1  s-2  ..     read 5' to 3' as well

Offset 0 is the cut at the site itself on either strand; there is no +-1 between the strands.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.track import BoundaryTrack, call_boundaries
from ldar_interp.errors import CoordinateError, InputError

if TYPE_CHECKING:
    import xarray

# Coordinates of this many sites are held at once: 401 int64 each are 26 MB.
_SITES_AT_ONCE = 8192


@dataclass(frozen=True, eq=False)
class Profiles:
    """p around sites, 5' to 3'.

    Parameters
    ----------
    values : float32 (n_sites, n_offsets), in the range of the signal; NaN where not evaluated.
    offsets : int64 (n_offsets,), strictly ascending, in bp downstream of the site's edge.
    sites : SiteTable (docs/contracts.md), row i belongs to `values[i]`.
    signal : `prob`, or `residual` for observed minus expected p.

    Raises
    ------
    InputError : shapes that do not fit together, or offsets that do not ascend.
    """

    values: NDArray[np.float32]
    offsets: NDArray[np.int64]
    sites: pd.DataFrame
    signal: str = "prob"

    def __post_init__(self) -> None:
        if self.values.shape != (len(self.sites), self.offsets.size):
            raise InputError(
                f"profiles have values of shape {self.values.shape} for {len(self.sites)} sites "
                f"and {self.offsets.size} offsets; wanted sites x offsets"
            )
        if (np.diff(self.offsets) <= 0).any():
            raise InputError("offsets of the profiles do not ascend; sort them and their columns")

    def __len__(self) -> int:
        return len(self.sites)

    def select(self, rows: NDArray[np.bool_]) -> "Profiles":
        """The sites where `rows`, bool (n_sites,), is true, in the same order."""
        return Profiles(
            self.values[rows],
            self.offsets,
            self.sites.loc[rows].reset_index(drop=True),
            self.signal,
        )

    def mean(self) -> NDArray[np.float64]:
        """Mean of the signal at each offset over the sites evaluated there; NaN where none was."""
        return _mean_by_column(self.values)

    def boundary_rate(self) -> NDArray[np.float64]:
        """Share of sites with p > 0.5 at each offset, of those evaluated there; NaN if none.

        NaN at every offset for a residual, which has no hard boundaries.
        """
        if self.signal != "prob":
            return np.full(self.offsets.size, np.nan)
        return _mean_by_column(call_boundaries(self.values))

    def to_xarray(self) -> "xarray.DataArray":
        """The matrix with named axes: dims `site` and `offset`, a coordinate for each column."""
        import xarray  # slow to import, wanted by few

        columns = {
            f"site_{name}" if name in ("site", "offset") else str(name): (
                "site",
                self.sites[name].to_numpy(dtype=object)
                if not pd.api.types.is_numeric_dtype(self.sites[name])
                else self.sites[name].to_numpy(),
            )
            for name in self.sites.columns
        }
        return xarray.DataArray(
            self.values,
            dims=("site", "offset"),
            coords={**columns, "offset": self.offsets},
            name=self.signal,
        )


def collect(
    track: BoundaryTrack,
    sites: pd.DataFrame,
    *,
    flank_bp: int = 100,
    strand: str = "transcript",
) -> Profiles:
    """Cut the boundary track around each site, 5' to 3'.

    Row i is site i. Column k is the edge `offsets[k]` bp downstream of the site's edge,
    so offset 0 is the cut itself on either strand.

    Parameters
    ----------
    track : BoundaryTrack of p or of its residual. NaN where not evaluated.
    sites : SiteTable (docs/contracts.md); `chrom`, `edge` and `strand` are read.
    flank_bp : edges kept on each side, > 0.
    strand : `transcript` (the model read the site's strand), `forward` or `mean`.

    Returns
    -------
    Profiles, float32 (n_sites, 2 * flank_bp + 1). Edges off the track are NaN, never 0.

    Raises
    ------
    CoordinateError : a site lies on a chromosome that the track does not have.
    InputError : flank_bp < 1, an unknown strand or mode, or an orientation that was not extracted.
    """
    if flank_bp < 1:
        raise InputError(f"flank_bp is {flank_bp}; wanted at least 1")
    missing = [name for name in ("chrom", "edge", "strand") if name not in sites.columns]
    if missing:
        raise InputError(
            f"site table lacks the columns {', '.join(missing)}; see docs/contracts.md"
        )
    chrom = sites["chrom"].to_numpy(dtype=object)
    edge = sites["edge"].to_numpy(dtype=np.int64)
    strands = sites["strand"].to_numpy(dtype=object)
    offsets = np.arange(-flank_bp, flank_bp + 1, dtype=np.int64)
    values = np.full((len(sites), offsets.size), np.nan, dtype=np.float32)

    absent = sorted(set(chrom.tolist()) - set(track.chroms))
    if absent:
        raise CoordinateError(
            f"{int(np.isin(chrom, absent).sum())} of {len(sites)} sites lie on {absent[0]!r}"
            f"{f' and {len(absent) - 1} more chromosomes' if len(absent) > 1 else ''}, which the "
            f"track does not have (it has {', '.join(track.chroms[:5]) or 'none'}); extract around "
            "these sites, or use the same chromosome names"
        )
    for name, sign in sorted({(c, s) for c, s in zip(chrom, strands, strict=True)}):
        orientation = track.orientation_for(sign, strand)
        rows = np.flatnonzero((chrom == name) & (strands == sign))
        # The inverse of offset_of_edge: x = s + offset on +, s - offset on -.
        steps = -offsets if sign == "-" else offsets
        for begin in range(0, rows.size, _SITES_AT_ONCE):
            block = rows[begin : begin + _SITES_AT_ONCE]
            values[block] = track.gather(name, edge[block, None] + steps, orientation)
    return Profiles(values, offsets, sites.reset_index(drop=True), track.signal)


def _mean_by_column(values: NDArray[np.float32]) -> NDArray[np.float64]:
    known = ~np.isnan(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0).sum(axis=0, dtype=np.float64)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
