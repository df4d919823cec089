"""Windows around transcription starts, and which start a place belongs to.

With the default -250..+100 a window holds the 250 bases upstream and the 100 downstream of the
start, 5' to 3' of the gene: [edge - 250, edge + 100) on `+`, [edge - 100, edge + 250) on `-`.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval, offset_of_edge
from ldar_interp.sites.table import check_sites

UPSTREAM_BP, DOWNSTREAM_BP = 250, 100
NO_WINDOW = -1
_CARRIED = ("group", "gene_id", "gene_name")


def make_windows(
    tss: pd.DataFrame,
    genome: Genome,
    *,
    upstream_bp: int = UPSTREAM_BP,
    downstream_bp: int = DOWNSTREAM_BP,
) -> pd.DataFrame:
    """One window a transcription start, cut where the sequence ends.

    Returns
    -------
    `tss_id, chrom, start, end, tss_edge, strand, is_clipped, group` and, where `tss` has them,
    `gene_id, gene_name`; 0-based half-open, in the order of `tss`.

    Raises
    ------
    InputError : `tss` is empty or no SiteTable, a length < 0 or both 0.
    CoordinateError : a start that the genome does not have.
    """
    checked = check_sites(tss, name="tss")
    if checked.empty:
        raise InputError("tss is empty; wanted at least one transcription start")
    if upstream_bp < 0 or downstream_bp < 0 or upstream_bp + downstream_bp == 0:
        raise InputError(
            f"promoter windows of {upstream_bp} bp upstream and {downstream_bp} bp downstream; "
            "wanted both >= 0 and not both 0"
        )
    edge = checked["edge"].to_numpy(dtype=np.int64)
    is_minus = (checked["strand"] == "-").to_numpy()
    start = edge - np.where(is_minus, downstream_bp, upstream_bp)
    end = edge + np.where(is_minus, upstream_bp, downstream_bp)
    low, high = np.empty_like(start), np.empty_like(end)
    for i, (chrom, at) in enumerate(zip(checked["chrom"], edge.tolist(), strict=True)):
        # On the border of two pieces, the piece that holds the base downstream of the start.
        inner = at if is_minus[i] else at + 1
        piece = genome.segment_at(chrom, inner) or genome.segment_at(chrom, at)
        if piece is None:
            raise CoordinateError(
                f"start {checked['site_id'].iloc[i]!r} is not on the genome; wanted starts that "
                "were made for it"
            )
        low[i], high[i] = max(start[i], piece.start), min(end[i], piece.end)
    table = pd.DataFrame(
        {
            "tss_id": checked["site_id"],
            "chrom": checked["chrom"],
            "start": low,
            "end": high,
            "tss_edge": edge,
            "strand": checked["strand"],
            "is_clipped": (low > start) | (high < end),
        }
    )
    for name in _CARRIED:
        if name in checked.columns:
            table[name] = checked[name]
    return table


def widen_windows(windows: pd.DataFrame, genome: Genome, by_bp: int) -> pd.DataFrame:
    """Windows that reach `by_bp` farther on both sides, as far as the sequence goes."""
    pieces = [
        genome.segment_at(chrom, int(start) + 1)
        for chrom, start in zip(windows["chrom"], windows["start"], strict=True)
    ]
    low = [piece.start if piece else 0 for piece in pieces]
    high = [piece.end if piece else 0 for piece in pieces]
    return windows.assign(
        start=np.maximum(windows["start"] - by_bp, low),
        end=np.minimum(windows["end"] + by_bp, high),
    )


def list_intervals(windows: pd.DataFrame) -> list[Interval]:
    """Windows as intervals; one without a base (clipped away) is left out."""
    return [
        Interval(chrom, int(start), int(end))
        for chrom, start, end in zip(
            windows["chrom"], windows["start"], windows["end"], strict=True
        )
        if end > start
    ]


def find_nearest_start(
    windows: pd.DataFrame,
    chroms: NDArray[np.object_],
    start: NDArray[np.int64],
    width: NDArray[np.int64],
    edge: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The window of each place: of those that hold it wholly, the one with the nearest start.

    Parameters
    ----------
    windows : `make_windows`.
    chroms, start, width, edge : places (n,): bases [start, start + width), and the edge whose
        distance from the transcription start counts.

    Returns
    -------
    (row, offset), int64 (n,): row of `windows`, the first of two that are as near, -1 where none
    holds the place; `edge`'s offset from the start, 5' to 3' of its gene, 0 where none does.
    """
    row = np.full(len(start), NO_WINDOW, dtype=np.int64)
    offset = np.zeros(len(start), dtype=np.int64)
    for chrom, part in windows.groupby("chrom", sort=True):
        here = np.flatnonzero(chroms == chrom)
        order = np.argsort(part["start"].to_numpy(), kind="stable")
        of_window = windows.index.get_indexer(part.index)[order]
        first, last = (part[name].to_numpy()[order] for name in ("start", "end"))
        tss, strand = (part[name].to_numpy()[order] for name in ("tss_edge", "strand"))
        longest = int((last - first).max())
        low = np.searchsorted(first, start[here] - longest, side="left")
        high = np.searchsorted(first, start[here], side="right")
        for k in range(int((high - low).max(initial=0))):
            at = np.minimum(low + k, len(first) - 1)
            fits = (low + k < high) & (start[here] + width[here] <= last[at])
            new = offset_of_edge(edge[here], tss[at], strand[at])
            old = row[here]
            near, far = np.abs(new), np.abs(offset[here])
            better = (old == NO_WINDOW) | (near < far) | ((near == far) & (of_window[at] < old))
            take = here[fits & better]
            row[take], offset[take] = of_window[at][fits & better], new[fits & better]
    return row, offset
