"""Elements that a token may keep whole or cut: codons, splice dinucleotides, starts of transcripts.

An element is a row of a SiteTable with a width: `edge` is its 5' border on its own strand and
`width_bp` its bases, so offset 0 is the cut at the 5' border and offset w the one at the 3' border.

    kind           bases                                      width
    donor_GT       the GT after a donor edge                  2      offset 0 is exon | intron
    acceptor_AG    the AG before an acceptor edge             2      offset 2 is intron | exon
    codon          a codon in frame that no intron splits     3
    start_codon    a `start_codon` row of three bases         3
    tss            none: the 5' edge of a transcript          0      offset 0 is the TSS
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import A, G, N, T
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.coding import CODON_BP, find_codons
from ldar_interp.sites.gencode import load_splice_sites
from ldar_interp.sites.genes import GENE, find_genes, rename_chroms, sort_by_genome, to_pandas
from ldar_interp.sites.gtf import FEATURES, GtfRows, read_gtf
from ldar_interp.sites.measured_sites import read_site_letters
from ldar_interp.sites.table import SITE, check_sites, make_site_ids, read_sites
from ldar_interp.sites.transcripts import (
    TRANSCRIPT,
    describe_transcripts,
    find_introns,
    select_transcripts,
)

ELEMENT_KINDS = ("donor_GT", "acceptor_AG", "tss", "codon", "start_codon")
CODING_FEATURES = (*FEATURES, "CDS", "start_codon", "stop_codon")
MAX_STOP_SHARE = 0.02
"""Of the codons: read in a wrong frame, 3 of 64 (4.7 %) would be stops; in frame, next to none."""

_STOPS = ((T, A, A), (T, A, G), (T, G, A))
_COLUMNS = ("site_id", "chrom", "edge", "strand", "kind", "set", "group", "width_bp", "gene_id")


@dataclass(frozen=True)
class Elements:
    """Elements of an annotation.

    `table` : SiteTable with `width_bp`, by kind in the order of `ELEMENT_KINDS`.
    `counts` : what was read, kept and dropped, by kind.
    `absent` : kinds that could not be made -> why.
    """

    table: pd.DataFrame
    counts: dict[str, dict[str, int]]
    absent: dict[str, str]


def find_elements(
    gtf: str | Path,
    genome: Genome,
    *,
    kinds: Sequence[str] = ELEMENT_KINDS,
    gene_types: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
) -> Elements:
    """Make the elements of the wanted kinds; what the file cannot give is named, never silent.

    Raises
    ------
    InputError : unknown kind, a file that cannot be read, a filter that leaves nothing, or codons
        of which over 2 % read as a stop (wrong genome or wrong frames).
    CoordinateError : the genome has none of the annotation's chromosomes.
    """
    unknown = [kind for kind in kinds if kind not in ELEMENT_KINDS]
    if unknown:
        raise InputError(
            f"no kind of element is called {unknown[0]!r}; wanted some of "
            f"{', '.join(ELEMENT_KINDS)}"
        )
    rows = read_gtf(gtf, tags=tags, features=CODING_FEATURES)
    names = genome.resolve_names(rows.rows["chrom"].unique().to_list())
    transcripts = select_transcripts(
        rows, describe_transcripts(rows), gene_types=gene_types, tags=tags, level=None
    )
    genes, _ = find_genes(rows, transcripts, genome, names)
    parts: list[pd.DataFrame] = []
    counts: dict[str, dict[str, int]] = {}
    absent: dict[str, str] = {}

    def add(kind: str, found: pd.DataFrame, width: int, counted: dict[str, int]) -> None:
        table = rename_chroms(found, names)
        table = table.merge(genes[[*GENE, "group"]], on=list(GENE), validate="many_to_one")
        table = table.drop_duplicates(["chrom", "edge", "strand"])
        counts[kind] = counted | {"elements": len(table)}
        if not len(table):
            absent[kind] = "none lies on the genome"
            return
        table = sort_by_genome(table, genome, "edge")
        parts.append(table.assign(kind=kind, set=SITE, width_bp=width))

    if {"donor_GT", "acceptor_AG"} & set(kinds):
        for kind, part in _find_dinucleotides(gtf, genome, rows, gene_types, tags).items():
            if kind in kinds:
                counts[kind] = part[1]
                if len(part[0]):
                    parts.append(part[0])
                else:
                    absent[kind] = "the annotation has no intron with these letters"
    for kind in ("tss", "codon", "start_codon"):
        if kind not in kinds:
            continue
        maker = _MAKERS[kind]
        found = maker(rows, transcripts)
        if found is None:
            feature = {"codon": "CDS", "start_codon": "start_codon"}.get(kind, "transcript")
            absent[kind] = f"the annotation has no {feature} rows"
        else:
            add(kind, found[0], 0 if kind == "tss" else CODON_BP, found[1])
    if parts:
        table = pd.concat(parts, ignore_index=True)
        table["site_id"] = make_site_ids(table)
        table = check_sites(table[list(_COLUMNS)])
        if "codon" in kinds and "codon" not in absent:
            counts["codon"]["read_stop"] = _check_frames(table, genome, str(gtf))
    else:
        table = pd.DataFrame({column: [] for column in _COLUMNS})
    return Elements(table, counts, absent)


def read_elements(path: str | Path) -> pd.DataFrame:
    """Elements from a table, such as motif hits: the rows of the set `site`, with their widths.

    Raises
    ------
    InputError : not a SiteTable, no `width_bp`, a width that is missing or negative, or no sites.
    """
    table = read_sites(path)
    if "width_bp" not in table.columns:
        raise InputError(
            f"{path} has no column 'width_bp'; wanted the width of every element in bp"
        )
    table = table[table["set"] == SITE].reset_index(drop=True)
    width = table["width_bp"]
    if not len(table):
        raise InputError(f"{path} has no row of the set 'site'; wanted at least one element")
    bad = width.isna() | (width.fillna(0) < 0)
    if bad.any():
        raise InputError(
            f"{path}: element {table['site_id'][bad].iloc[0]!r} has no width_bp >= 0; wanted its "
            "width in bp, 0 for an edge"
        )
    return table.astype({"width_bp": "int64"})


def _find_dinucleotides(
    gtf: str | Path,
    genome: Genome,
    rows: GtfRows,
    gene_types: Sequence[str] | None,
    tags: Sequence[str] | None,
) -> dict[str, tuple[pd.DataFrame, dict[str, int]]]:
    """GT after donor edges and AG before acceptor edges; other letters are counted, left out."""
    if find_introns(rows)[0].is_empty():
        return {kind: (pd.DataFrame(), {"splice_sites": 0}) for kind in ("donor_GT", "acceptor_AG")}
    sites = load_splice_sites(gtf, genome, gene_types=gene_types, tags=tags).sites
    letters = read_site_letters(sites, genome, 2).ids
    result = {}
    for kind, name, pair, shift in (
        ("donor", "donor_GT", (2, 3, G, T), 0),
        ("acceptor", "acceptor_AG", (0, 1, A, G), -2),
    ):
        mine = (sites["kind"] == kind).to_numpy()
        reads = (letters[:, pair[0]] == pair[2]) & (letters[:, pair[1]] == pair[3])
        part = sites[mine & reads].reset_index(drop=True)
        sign = np.where(part["strand"] == "-", -1, 1)
        part = part.assign(kind=name, edge=part["edge"] + sign * shift, width_bp=2)
        counted = {
            "splice_sites": int(mine.sum()),
            "other_letters": int((mine & ~reads).sum()),
            "elements": len(part),
        }
        result[name] = (part.drop(columns="site_id"), counted)
    return result


_Found = tuple[pd.DataFrame, dict[str, int]] | None


def _find_tss(rows: GtfRows, transcripts: pl.DataFrame) -> _Found:
    """5' edges of transcripts, from transcript rows or else from exons."""
    wanted = rows.rows.filter(pl.col("feature").is_in(["transcript", "exon"]))
    spans = (
        wanted.with_columns(pl.col("transcript_id").fill_null(""))
        .group_by(TRANSCRIPT)
        .agg(pl.col("start").min(), pl.col("end").max())
        .join(transcripts.select(TRANSCRIPT), on=TRANSCRIPT, how="semi")
        .with_columns(
            edge=pl.when(pl.col("strand") == "+").then(pl.col("start")).otherwise(pl.col("end"))
        )
    )
    if spans.is_empty():
        return None
    edges = (
        spans.select("chrom", "edge", "strand", "gene_id")
        .unique()
        .sort("chrom", "edge", "strand", "gene_id")
    )
    return to_pandas(edges), {"transcripts": spans.height}


def _find_codons(rows: GtfRows, transcripts: pl.DataFrame) -> _Found:
    if not (rows.rows["feature"] == "CDS").any():
        return None
    return find_codons(rows, transcripts)


def _find_start_codons(rows: GtfRows, transcripts: pl.DataFrame) -> _Found:
    """`start_codon` rows of three bases; those that an intron splits are shorter."""
    starts = rows.rows.filter(pl.col("feature") == "start_codon")
    if starts.is_empty():
        return None
    kept = (
        starts.with_columns(pl.col("transcript_id").fill_null(""))
        .join(transcripts.select(TRANSCRIPT), on=TRANSCRIPT, how="semi")
        .with_columns(
            edge=pl.when(pl.col("strand") == "+").then(pl.col("start")).otherwise(pl.col("end")),
            whole=pl.col("end") - pl.col("start") == CODON_BP,
        )
    )
    edges = kept.filter("whole").select("chrom", "edge", "strand", "gene_id").unique()
    counted = {"rows": kept.height, "rows_split": kept.filter(~pl.col("whole")).height}
    return to_pandas(edges.sort("chrom", "edge", "strand", "gene_id")), counted


_MAKERS: dict[str, Callable[[GtfRows, pl.DataFrame], _Found]] = {
    "tss": _find_tss,
    "codon": _find_codons,
    "start_codon": _find_start_codons,
}


def _check_frames(table: pd.DataFrame, genome: Genome, name: str) -> int:
    """Codons that read as a stop. Raises InputError where they are too many for the frame."""
    codons = table[table["kind"] == "codon"].reset_index(drop=True)
    letters = read_site_letters(codons, genome, CODON_BP).ids[:, CODON_BP:]
    readable = ~(letters == N).any(axis=1)
    is_stop = np.zeros(len(codons), dtype=bool)
    for stop in _STOPS:
        is_stop |= (letters == np.array(stop, dtype=np.uint8)).all(axis=1)
    n_stop = int((is_stop & readable).sum())
    if n_stop > MAX_STOP_SHARE * max(1, int(readable.sum())):
        raise InputError(
            f"{name}: {n_stop} of {int(readable.sum())} codons read as a stop; wanted at most "
            f"{100 * MAX_STOP_SHARE:g} %: the frames are wrong or the genome is another assembly"
        )
    return n_stop
