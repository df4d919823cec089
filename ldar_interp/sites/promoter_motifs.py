"""Motif hits in promoters: each hit once, at its nearest transcription start."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.sites.motif import Motif
from ldar_interp.sites.promoter_windows import (
    DOWNSTREAM_BP,
    UPSTREAM_BP,
    find_nearest_start,
    list_intervals,
    make_windows,
)
from ldar_interp.sites.scan import HIT_COLUMNS, SCANNED, scan_motifs
from ldar_interp.sites.score_distribution import Scoring
from ldar_interp.sites.table import check_sites

PROMOTER_HIT_COLUMNS = (*HIT_COLUMNS, "tss_id", "tss_offset")


@dataclass(frozen=True)
class PromoterMotifs:
    """What `find_promoter_motifs` returns.

    Attributes
    ----------
    hits : SiteTable with `PROMOTER_HIT_COLUMNS`, and `gene_id, gene_name` where the starts have
        them. `group` and gene are those of the nearest start `tss_id`; `tss_offset` is where the
        hit's `edge` lies, 5' to 3' of the gene (negative upstream).
    windows : `promoter_windows.make_windows`.
    motifs : a row for each motif of the list (`scan.MotifScan.motifs`).
    scanned : the matrices that were scanned.
    scoring : how they were scored.
    counts : those of the scan, and `windows`, `windows clipped`, `windows without a base`, `hits in
        several windows`.
    """

    hits: pd.DataFrame
    windows: pd.DataFrame
    motifs: pd.DataFrame
    scanned: tuple[Motif, ...]
    scoring: Scoring
    counts: dict[str, int]


def find_promoter_motifs(
    genome: Genome | str | Path,
    tss: pd.DataFrame,
    motifs: Sequence[Motif],
    *,
    upstream_bp: int = UPSTREAM_BP,
    downstream_bp: int = DOWNSTREAM_BP,
    scoring: Scoring | None = None,
) -> PromoterMotifs:
    """Scan the windows around transcription starts.

    A hit lies wholly in at least one window. In several windows it is still one hit: it goes to
    the start that its `edge` is nearest to (of two as near, the first of the table).

    Parameters
    ----------
    genome : FASTA path or an open Genome.
    tss : SiteTable of starts: `Promoters.tss`, or any selection of its rows.
    motifs : names and accessions unique (`load_motifs`).
    upstream_bp, downstream_bp : window on each side of the start, 5' to 3' of the gene.
    scoring : p-value of a hit, background, pseudocount; default `Scoring()`.

    Returns
    -------
    PromoterMotifs. A motif longer than every window is left out by name; windows shorter than a
    motif are counted with it (`n_short_regions`).

    Raises
    ------
    InputError, CoordinateError : as in `make_windows` and `scan_motifs`.
    """
    given = Scoring() if scoring is None else scoring
    with borrow_genome(genome) as opened:
        windows = make_windows(tss, opened, upstream_bp=upstream_bp, downstream_bp=downstream_bp)
        intervals = list_intervals(windows)
        scan = scan_motifs(opened, intervals, motifs, scoring=given)
    hits = scan.hits
    edge, width = (hits[name].to_numpy(dtype=np.int64) for name in ("edge", "width_bp"))
    start = np.where((hits["strand"] == "-").to_numpy(), edge - width, edge)
    chroms = hits["chrom"].to_numpy(dtype=object)
    row, offset = find_nearest_start(windows, chroms, start, width, edge)
    of_hit = windows.iloc[row].reset_index(drop=True)
    hits = hits.assign(group=of_hit["group"], tss_id=of_hit["tss_id"], tss_offset=offset)
    for name in ("gene_id", "gene_name"):
        if name in of_hit.columns:
            hits[name] = of_hit[name]
    status = scan.motifs.set_index("accession")["status"]
    counts = scan.counts | {
        "windows": len(windows),
        "windows clipped": int(windows["is_clipped"].sum()),
        "windows without a base": len(windows) - len(intervals),
        "hits in several windows": _count_shared(windows, chroms, start, width),
    }
    return PromoterMotifs(
        hits=check_sites(hits, name="hits"),
        windows=windows,
        motifs=scan.motifs,
        scanned=tuple(motif for motif in motifs if status[motif.accession] == SCANNED),
        scoring=given,
        counts=counts,
    )


def _count_shared(
    windows: pd.DataFrame, chroms: np.ndarray, start: np.ndarray, width: np.ndarray
) -> int:
    """Hits that more than one window holds wholly."""
    n_shared = 0
    for chrom, part in windows.groupby("chrom", sort=True):
        here = np.flatnonzero(chroms == chrom)
        # Windows that begin at or before the hit, less those that end before its end.
        begun = np.searchsorted(np.sort(part["start"]), start[here], side="right")
        ended = np.searchsorted(np.sort(part["end"]), start[here] + width[here], side="left")
        n_shared += int((begun - ended > 1).sum())
    return n_shared
