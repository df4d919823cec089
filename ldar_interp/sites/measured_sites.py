"""The letters around each site, 5' to 3', and the covariates that are read off them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import CoordinateError
from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.sites.candidates import DINUCLEOTIDE_START, count_bases, measure_letters
from ldar_interp.sites.covariates import MATCHED, REPORTED, SequenceSums
from ldar_interp.sites.loci import AnnotatedEdges, Locus, LocusKey, lies_within
from ldar_interp.sites.strength import STRENGTH_WINDOWS, CrossFittedStrength

if TYPE_CHECKING:
    from ldar_interp.genome.fasta import Genome

_BLOCK_BP = 1 << 20


@dataclass(frozen=True)
class SiteLetters:
    """Windows around sites, row by row: bases [edge - flank, edge + flank) read 5' to 3'.

    `ids` and `soft_mask` are (n, 2 * flank). `usable` is False where the window leaves the
    sequence or holds N; such rows are N throughout.
    """

    ids: NDArray[np.uint8]
    soft_mask: NDArray[np.bool_]
    usable: NDArray[np.bool_]


def read_site_letters(sites: pd.DataFrame, genome: "Genome", flank_bp: int) -> SiteLetters:
    """Read the window of every site, in blocks of about 1 Mb.

    Raises
    ------
    CoordinateError : a site lies on a chromosome that the genome does not have.
    """
    edges = sites["edge"].to_numpy(dtype=np.int64)
    chroms = sites["chrom"].to_numpy(dtype=object)
    unknown = sorted(set(chroms) - set(genome.chroms))
    if unknown:
        raise CoordinateError(
            f"sites lie on {', '.join(unknown[:3])}, which the genome does not have; wanted "
            f"chromosomes such as {', '.join(genome.chroms[:3])}: rename them or drop the sites"
        )
    ids = np.full((len(sites), 2 * flank_bp), N, dtype=np.uint8)
    mask = np.zeros((len(sites), 2 * flank_bp), dtype=bool)
    span = np.arange(2 * flank_bp)
    for segment in genome.segments:
        inside = np.flatnonzero(
            (chroms == segment.chrom)
            & (edges - flank_bp >= segment.start)
            & (edges + flank_bp <= segment.end)
        )
        inside = inside[np.argsort(edges[inside], kind="stable")]
        while len(inside):
            start = int(edges[inside[0]]) - flank_bp
            here = inside[edges[inside] + flank_bp <= max(start + _BLOCK_BP, start + 2 * flank_bp)]
            end = int(edges[here[-1]]) + flank_bp
            at = (edges[here] - flank_bp - start)[:, None] + span
            ids[here] = genome.fetch(segment.chrom, start, end)[at]
            mask[here] = genome.soft_mask(segment.chrom, start, end)[at]
            inside = inside[len(here) :]
    minus = sites["strand"].to_numpy(dtype=object) == "-"
    ids[minus] = reverse_complement(ids[minus])
    mask[minus] = mask[minus, ::-1]
    usable: NDArray[np.bool_] = np.all(ids < N, axis=1)
    ids[~usable] = N
    return SiteLetters(ids, mask, usable)


@dataclass(frozen=True)
class MeasuredSites:
    """Sites with what they are matched on, row by row.

    `table` is the SiteTable; `values` (n, covariates) in the order of `covariates.REPORTED`, NaN
    where not usable; `dinucleotide` (n,) codes 4 * first + second letter, -1 where not usable;
    `strength` scores candidates of a kind.
    """

    table: pd.DataFrame
    values: NDArray[np.float64]
    dinucleotide: NDArray[np.int64]
    usable: NDArray[np.bool_]
    strength: dict[str, CrossFittedStrength]

    def rows_of(self, kind: str) -> NDArray[np.int64]:
        """Rows of one kind, usable or not."""
        return np.flatnonzero((self.table["kind"] == kind).to_numpy())


def measure_sites(
    sites: pd.DataFrame,
    genome: "Genome",
    loci: dict[LocusKey, Locus],
    annotated: AnnotatedEdges,
    flank_bp: int,
) -> MeasuredSites:
    """Measure the covariates of donors and acceptors.

    Each site's strength comes from a matrix that has not seen its group; it is NaN where no other
    group has a site of that kind. The background is the letters of the loci given.

    Parameters
    ----------
    sites : SiteTable with an index 0..n-1, kinds donor and acceptor only.
    genome : where the letters come from.
    loci : the genes of the sites.
    annotated : edges for the distance to the nearest other annotated edge.
    flank_bp : a site is usable if the bases [edge - flank, edge + flank) exist and hold no N.

    Raises
    ------
    CoordinateError : a site lies on a chromosome that the genome does not have.
    """
    letters = read_site_letters(sites, genome, flank_bp)
    groups = sites["group"].to_numpy(dtype=object)
    base_counts: dict[str, NDArray[np.int64]] = {}
    for locus in loci.values():
        bases = count_bases(genome, locus)
        base_counts[locus.group] = base_counts.get(locus.group, np.zeros_like(bases)) + bases
    values = np.full((len(sites), len(REPORTED)), np.nan)
    dinucleotide = np.full(len(sites), -1, dtype=np.int64)
    strength: dict[str, CrossFittedStrength] = {}
    for kind in STRENGTH_WINDOWS:
        rows = np.flatnonzero((sites["kind"] == kind).to_numpy() & letters.usable)
        if len(rows) == 0:
            continue
        ids, mask = letters.ids[rows], letters.soft_mask[rows]
        strength[kind] = CrossFittedStrength.fit(
            kind, _cut_motifs(ids, kind), groups[rows].tolist(), base_counts
        )
        base = flank_bp + DINUCLEOTIDE_START[kind]
        dinucleotide[rows] = 4 * ids[:, base].astype(np.int64) + ids[:, base + 1]
        for group in sorted(set(groups[rows])):
            mine = groups[rows] == group
            # Windows laid end to end: no covariate reaches farther than its own window.
            flat = ids[mine].ravel()
            local = np.arange(mine.sum()) * 2 * flank_bp + flank_bp
            values[rows[mine], : len(MATCHED)] = measure_letters(
                flat,
                SequenceSums(flat, mask[mine].ravel()),
                local,
                kind,
                strength[kind].log_odds(group),
            )
    _measure_context(values, sites, letters.usable, loci, annotated)
    return MeasuredSites(sites, values, dinucleotide, letters.usable, strength)


def _cut_motifs(ids: NDArray[np.uint8], kind: str) -> NDArray[np.uint8]:
    """Letters of the strength motif from windows with the edge in their middle."""
    first, stop = STRENGTH_WINDOWS[kind]
    middle = ids.shape[1] // 2
    return ids[:, middle + first : middle + stop]


def _measure_context(
    values: NDArray[np.float64],
    sites: pd.DataFrame,
    usable: NDArray[np.bool_],
    loci: dict[LocusKey, Locus],
    annotated: AnnotatedEdges,
) -> None:
    """Fill in the last two covariates: nearest other annotated edge, and whether exonic."""
    edges = sites["edge"].to_numpy(dtype=np.int64)
    for key, rows in group_rows(sites).items():
        rows = rows[usable[rows]]
        values[rows, -2] = annotated.distance_to_other(key[0], edges[rows])
        if key in loci:
            values[rows, -1] = lies_within(edges[rows], loci[key].exons)


def group_rows(sites: pd.DataFrame) -> dict[LocusKey, NDArray[np.int64]]:
    """Rows of each chromosome, strand and group, in sorted order of these."""
    indices = sites.groupby(["chrom", "strand", "group"], sort=True).indices
    return {
        (str(chrom), str(strand), str(group)): np.sort(indices[chrom, strand, group])
        for chrom, strand, group in sorted(indices)
    }
