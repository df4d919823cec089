"""Motif hits as sites: a table of edges with score and p-value, and what became of every motif.

The `edge` of a hit is the motif's 5' border on the hit's own strand, so offset 0 is the cut before
the motif and offset w the one after it. Every motif of the list has a row in `MotifScan.motifs`,
found or not.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.sites.find_hits import Hits, find_hits
from ldar_interp.sites.groups import find_groups
from ldar_interp.sites.motif import Motif, check_motifs
from ldar_interp.sites.scan_letters import Regions
from ldar_interp.sites.score_distribution import (
    UNITS_PER_BIT,
    MotifScores,
    Scoring,
    split_reachable,
)
from ldar_interp.sites.table import SITE, check_sites, make_site_ids

logger = logging.getLogger("ldar_interp")

HIT_COLUMNS = (
    "site_id", "chrom", "edge", "strand", "kind", "set", "group",
    "width_bp", "score", "p_value", "accession",
)  # fmt: skip
MOTIF_COLUMNS = (
    "kind", "accession", "source", "width_bp", "consensus", "best_p_value", "threshold",
    "n_short_regions", "n_overlapping", "n_hits", "status",
)  # fmt: skip
SCANNED = "scanned"


@dataclass(frozen=True)
class MotifScan:
    """What `scan_motifs` returns.

    Attributes
    ----------
    hits : SiteTable with `HIT_COLUMNS`, sorted by chromosome in the genome's order, first base,
        strand and the order of the motifs. `score` in bits, `p_value` of that score, exact.
    motifs : a row for each motif of the list, in its order: `kind, accession, source, width_bp,
        consensus, best_p_value` (of the best score that it can have), `threshold` (bits, NaN if
        left out), `n_short_regions` (regions shorter than the motif), `n_overlapping` (hits
        dropped for a better one of the same motif), `n_hits`, `status` (`scanned`, or `left out:`
        and the rule).
    counts : `motifs`, `motifs left out`, `regions`, `bases`, `hits`, `hits dropped: overlap a
        better hit of the motif`.
    """

    hits: pd.DataFrame
    motifs: pd.DataFrame
    counts: dict[str, int]


def scan_motifs(
    genome: Genome | str | Path,
    intervals: Sequence[Interval] | None,
    motifs: Sequence[Motif],
    *,
    scoring: Scoring | None = None,
    genes: pd.DataFrame | None = None,
) -> MotifScan:
    """Find the hits of motifs on both strands of regions.

    Parameters
    ----------
    genome : FASTA path or an open Genome.
    intervals : regions, in any order; they may overlap. A hit lies wholly in one of them. None
        scans the whole genome. Strands are ignored: both are scanned.
    motifs : names and accessions unique (`load_motifs`).
    scoring : p-value of a hit, background, pseudocount; default `Scoring()`: 1e-4, uniform, 0.8.
    genes : where a hit's `group` comes from (see `find_groups`); None: 1-Mb blocks.

    Returns
    -------
    MotifScan. Random sequence has about 200 hits a megabase and motif at 1e-4.

    Raises
    ------
    InputError : no regions or motifs, a name or accession twice, or wrong `genes`.
    CoordinateError : a region whose bases the genome does not have.
    """
    given = Scoring() if scoring is None else scoring
    checked = check_motifs(motifs)
    with borrow_genome(genome) as opened:
        regions = Regions(opened, opened.segments if intervals is None else intervals)
        kept, left_out = sort_out(checked, regions, given)
        found = find_hits(opened, regions, kept, given.p_value)
        hits = tabulate_hits(opened, kept, found, genes)
    bases = sum(end - start for _, start, end in regions.merge())
    table = describe_motifs(checked, kept, left_out, found, regions, given)
    counts = {
        "motifs": len(checked),
        "motifs left out": len(left_out),
        "regions": len(regions.lengths),
        "bases": bases,
        "hits": len(hits),
        "hits dropped: overlap a better hit of the motif": sum(h.n_overlapping for h in found),
    }
    return MotifScan(hits, table, counts)


def scan_regions(
    genome: Genome | str | Path,
    intervals: Sequence[Interval] | None,
    motifs: Sequence[Motif],
    *,
    scoring: Scoring | None = None,
    genes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The hits of `scan_motifs` alone; same parameters and errors."""
    return scan_motifs(genome, intervals, motifs, scoring=scoring, genes=genes).hits


def sort_out(
    motifs: Sequence[Motif], regions: Regions, scoring: Scoring
) -> tuple[list[MotifScores], dict[str, tuple[str, float]]]:
    """Motifs to scan, and of the others, by accession, the reason and the best p-value.

    A motif is left out if its best score cannot reach the p-value or no region is as long as it;
    that is said in the log.
    """
    reachable, unreachable = split_reachable(motifs, scoring)
    left_out = {
        scores.motif.accession: (
            f"left out: best p-value {scores.best_p_value:.2g} > {scoring.p_value:g}",
            scores.best_p_value,
        )
        for scores in unreachable
    }
    longest = int(regions.lengths.max())
    kept = []
    for scores in reachable:
        if scores.motif.width > longest:
            reason = f"left out: longer than every region ({longest} bp)"
            left_out[scores.motif.accession] = (reason, scores.best_p_value)
        else:
            kept.append(scores)
    if left_out:
        names = [motif.name for motif in motifs if motif.accession in left_out]
        more = f" and {len(names) - 8} more" if len(names) > 8 else ""
        logger.warning(
            "%d of %d motifs left out before the scan, by rule: %s%s",
            len(left_out), len(motifs), ", ".join(names[:8]), more,
        )  # fmt: skip
    return kept, left_out


def tabulate_hits(
    genome: Genome,
    motifs: Sequence[MotifScores],
    found: Sequence[Hits],
    genes: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Hits of several motifs as one SiteTable with `HIT_COLUMNS`."""
    n_of = [len(hits) for hits in found]
    motif = np.repeat(np.arange(len(motifs)), n_of)
    none = np.empty(0, dtype=np.int64)

    def gather(name: str) -> np.ndarray:
        return np.concatenate([none, *(getattr(hits, name) for hits in found)])

    chrom, start, edge, units = (gather(name) for name in ("chrom", "start", "edge", "units"))
    is_minus = gather("is_minus").astype(bool)
    p_values = [s.p_values(h.units) for s, h in zip(motifs, found, strict=True)]
    order = np.lexsort((motif, is_minus, start, chrom))
    names = np.array(genome.chroms, dtype=object)[chrom[order]]
    labels = np.array([scores.motif.name for scores in motifs], dtype=object)
    accessions = np.array([scores.motif.accession for scores in motifs], dtype=object)
    widths = np.array([scores.motif.width for scores in motifs], dtype=np.int64)
    own = motif[order]
    table = pd.DataFrame(
        {
            "chrom": pd.Series(names, dtype="str"),
            "edge": edge[order],
            "strand": pd.Series(np.where(is_minus[order], "-", "+"), dtype="str"),
            "kind": pd.Series(labels[own], dtype="str"),
            "set": SITE,
            "group": pd.Series(find_groups(names, edge[order], genes), dtype="str"),
            "width_bp": widths[own],
            "score": units[order] / UNITS_PER_BIT,
            "p_value": np.concatenate([np.empty(0), *p_values])[order],
            "accession": pd.Series(accessions[own], dtype="str"),
        }
    )
    table["site_id"] = make_site_ids(table)
    return check_sites(table[list(HIT_COLUMNS)], name="hits")


def describe_motifs(
    motifs: Sequence[Motif],
    kept: Sequence[MotifScores],
    left_out: dict[str, tuple[str, float]],
    found: Sequence[Hits],
    regions: Regions,
    scoring: Scoring,
) -> pd.DataFrame:
    """What became of every motif: `MotifScan.motifs`."""
    scanned = {s.motif.accession: (s, hits) for s, hits in zip(kept, found, strict=True)}
    rows = []
    for motif in motifs:
        threshold, n_overlapping, n_hits = float("nan"), 0, 0
        if motif.accession in scanned:
            scores, hits = scanned[motif.accession]
            status, best = SCANNED, scores.best_p_value
            threshold = scores.find_threshold(scoring.p_value) / UNITS_PER_BIT
            n_overlapping, n_hits = hits.n_overlapping, len(hits)
        else:
            status, best = left_out[motif.accession]
        n_short = int((regions.lengths < motif.width).sum())
        rows.append(
            (
                *(motif.name, motif.accession, motif.source, motif.width, motif.consensus),
                *(best, threshold, n_short, n_overlapping, n_hits, status),
            )
        )
    return pd.DataFrame(rows, columns=list(MOTIF_COLUMNS))
