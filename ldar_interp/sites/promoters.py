"""Transcription starts: the 5' edges of transcripts, once each, with the gene that they belong to.

A transcript's start is the 5' edge of its `transcript` row, or of its outermost exon where the file
has no such rows. Many transcripts share a start, and now and then two genes do: an edge and strand
is one site, whatever the number of transcripts behind it.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.sites.genes import (
    GENE,
    find_genes,
    find_inside,
    rename_chroms,
    sort_by_genome,
    to_pandas,
)
from ldar_interp.sites.gtf import GtfRows, read_gtf
from ldar_interp.sites.table import SITE, check_sites, make_site_ids
from ldar_interp.sites.transcripts import TRANSCRIPT, describe_transcripts, select_transcripts

logger = logging.getLogger("ldar_interp")

TSS = "tss"
TSS_COLUMNS = (
    "site_id", "chrom", "edge", "strand", "kind", "set", "group", "gene_id", "gene_name",
    "n_transcripts",
)  # fmt: skip
_EDGE = ("chrom", "edge", "strand")
_N_SHOWN = 5


@dataclass(frozen=True)
class Promoters:
    """Transcription starts on a genome.

    Attributes
    ----------
    tss : SiteTable with `TSS_COLUMNS`, kind `tss`, unique in chrom, edge and strand. From a BED
        file `gene_id` and `n_transcripts` are missing and `gene_name` is the file's name column.
    known : every start before filters, unique `chrom, edge, strand`: what controls outside
        promoters keep away from.
    genes : `chrom, start, end, strand, gene_id, gene_name, group`; None without an annotation.
    counts : what was read, dropped (by reason) and kept.
    absent_chroms : names in the file that the genome lacks, sorted.
    chrom_names : name in the file -> name in the genome.
    """

    tss: pd.DataFrame
    known: pd.DataFrame
    genes: pd.DataFrame | None
    counts: dict[str, int]
    absent_chroms: tuple[str, ...]
    chrom_names: dict[str, str]


def load_promoters(
    gtf: str | Path,
    genome: str | Path | Genome,
    *,
    gene_types: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    level: int | None = None,
    max_bad_lines: float = 0.01,
) -> Promoters:
    """Read transcription starts from an annotation.

    Parameters
    ----------
    gtf : GENCODE, Ensembl or NCBI GTF, plain or gzip.
    genome : FASTA path or an open Genome. Chromosome names may differ by `chr`: said in the log.
    gene_types, tags, level : as in `load_splice_sites`: keep genes of these types, transcripts
        with one of these tags (`MANE_Select`, `basic`), of this level or better.
    max_bad_lines : share of lines that may be broken.

    Returns
    -------
    Promoters. `counts`: `transcripts`, `transcripts_without_start` (known by introns alone),
    `transcripts_on_absent_chroms`, `transcripts_filtered_out`, `transcripts_off_genome`,
    `transcripts_with_start` (the rest), `gene_starts` (unique gene, edge, strand), `starts_shared_
    by_genes` (further genes at an edge: the edge bears the gene with most transcripts there, then
    the smallest id), `tss`, `known_starts`, `groups_with_sites`, and those of the genes.

    Raises
    ------
    InputError : a file cannot be read, a filter cannot be applied or leaves nothing, or no
        transcript starts inside the genome.
    CoordinateError : the genome has none of the GTF's chromosomes.
    """
    with borrow_genome(genome) as opened:
        return _load(gtf, opened, gene_types, tags, level, max_bad_lines)


def read_promoters(
    gtf: str | Path,
    genome: str | Path | Genome,
    *,
    gene_types: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    level: int | None = None,
    max_bad_lines: float = 0.01,
) -> pd.DataFrame:
    """The SiteTable of `load_promoters`, alone; same parameters and errors."""
    promoters = load_promoters(
        gtf,
        genome,
        gene_types=gene_types,
        tags=tags,
        level=level,
        max_bad_lines=max_bad_lines,
    )
    return promoters.tss


def _load(
    gtf: str | Path,
    genome: Genome,
    gene_types: Sequence[str] | None,
    tags: Sequence[str] | None,
    level: int | None,
    max_bad_lines: float,
) -> Promoters:
    rows = read_gtf(gtf, tags=tags, max_bad_lines=max_bad_lines)
    in_file = rows.rows["chrom"].unique().to_list()
    names = genome.resolve_names(in_file)
    absent = tuple(sorted(set(in_file) - set(names)))
    if absent:
        shown = ", ".join(absent[:_N_SHOWN]) + (", ..." if len(absent) > _N_SHOWN else "")
        logger.warning("%s: %d chromosomes are not in the genome: %s", gtf, len(absent), shown)
    transcripts = describe_transcripts(rows)
    selected = select_transcripts(rows, transcripts, gene_types=gene_types, tags=tags, level=level)
    starts = _find_starts(rows)
    placed = starts.filter(pl.col("chrom").is_in(list(names)))
    chosen = placed.join(selected.select(TRANSCRIPT), on=TRANSCRIPT, how="semi")
    inside = _keep_inside(to_pandas(chosen), genome, names)
    counts = rows.counts | {
        "transcripts": transcripts.height,
        "transcripts_without_start": transcripts.height - starts.height,
        "transcripts_on_absent_chroms": starts.height - placed.height,
        "transcripts_filtered_out": placed.height - chosen.height,
        "transcripts_off_genome": chosen.height - len(inside),
        "transcripts_with_start": len(inside),
        "chroms": len(names),
        "chroms_absent": len(absent),
    }
    if inside.empty:
        raise InputError(
            f"{gtf}: no transcript that passes the filters starts inside the genome; wanted at "
            "least one: loosen the filters or use the annotation of this genome"
        )
    genes, gene_counts = find_genes(rows, selected, genome, names)
    known = _keep_inside(to_pandas(placed), genome, names)
    known = sort_by_genome(known[list(_EDGE)].drop_duplicates(), genome, "edge")
    of_gene = inside.groupby([*_EDGE, "gene_id"], sort=False).size().rename("n_transcripts")
    tss = _one_site_an_edge(of_gene.reset_index(), genes, genome)
    counts |= {
        "gene_starts": len(of_gene),
        "starts_shared_by_genes": len(of_gene) - len(tss),
        "tss": len(tss),
        "known_starts": len(known),
        "groups_with_sites": int(tss["group"].nunique()),
        **gene_counts,
    }
    return Promoters(tss, known, genes, counts, absent, names)


def _find_starts(gtf: GtfRows) -> pl.DataFrame:
    """The 5' edge of each transcript: `chrom, strand, gene_id, transcript_id, edge`, sorted.

    Rows without a `transcript_id` belong to one unnamed transcript of their gene.
    """
    rows = gtf.rows.with_columns(pl.col("transcript_id").fill_null(""))
    is_row = pl.col("feature") == "transcript"
    spans = (
        rows.filter(pl.col("feature").is_in(["transcript", "exon"]))
        .group_by(TRANSCRIPT)
        .agg(
            pl.coalesce(pl.col("start").filter(is_row).min(), pl.col("start").min()),
            pl.coalesce(pl.col("end").filter(is_row).max(), pl.col("end").max()),
        )
    )
    edge = pl.when(pl.col("strand") == "+").then("start").otherwise("end").alias("edge")
    return spans.select(*TRANSCRIPT, edge).sort(TRANSCRIPT)


def _keep_inside(table: pd.DataFrame, genome: Genome, names: dict[str, str]) -> pd.DataFrame:
    """Starts that have at least one base of the genome beside them, under its names."""
    renamed = rename_chroms(table, names)
    edge = renamed["edge"].to_numpy(dtype=np.int64)
    inside = find_inside(genome, renamed["chrom"], edge - 1)
    inside |= find_inside(genome, renamed["chrom"], edge)
    return renamed[inside].reset_index(drop=True)


def _one_site_an_edge(of_gene: pd.DataFrame, genes: pd.DataFrame, genome: Genome) -> pd.DataFrame:
    ordered = of_gene.sort_values(["n_transcripts", "gene_id"], ascending=[False, True])
    first = ordered.drop_duplicates(list(_EDGE))
    total = of_gene.groupby(list(_EDGE), as_index=False)["n_transcripts"].sum()
    table = first.drop(columns="n_transcripts").merge(total, on=list(_EDGE))
    named = genes[[*GENE, "gene_name", "group"]]
    table = table.merge(named, on=list(GENE), how="left", validate="many_to_one")
    return finish_tss(table, genome)


def finish_tss(table: pd.DataFrame, genome: Genome) -> pd.DataFrame:
    """A table of starts with `TSS_COLUMNS` but ids, kind and set, as a SiteTable in order."""
    ordered = sort_by_genome(table, genome, "edge").assign(kind=TSS, set=SITE)
    ordered["site_id"] = make_site_ids(ordered)
    return check_sites(ordered[list(TSS_COLUMNS)], name="tss")
