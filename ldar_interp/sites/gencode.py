"""Splice sites from a GTF and its genome: unique edges, their class, their locus.

`+` intron [s, e): donor edge s, acceptor edge e. `-` intron [s, e): donor edge e, acceptor edge s.
An intron that several transcripts share, and an edge that several introns share, is one row: to
count it more than once would treat one piece of sequence as independent evidence.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import polars as pl

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.sites.genes import (
    GENE,
    find_edges,
    find_genes,
    merge_exons,
    sort_by_genome,
    to_pandas,
)
from ldar_interp.sites.gtf import read_gtf
from ldar_interp.sites.intron_class import SITE_CLASSES, place_introns
from ldar_interp.sites.table import SITE, check_sites, make_site_ids
from ldar_interp.sites.transcripts import (
    INTRON,
    TRANSCRIPT,
    describe_transcripts,
    find_introns,
    select_transcripts,
)

logger = logging.getLogger("ldar_interp")

SHORT_INTRON_BP = 30


@dataclass(frozen=True)
class SpliceAnnotation:
    """What a GTF says about splicing on a genome.

    Attributes
    ----------
    sites : SiteTable of donors and acceptors with `gene_id, gene_name, site_class,
        n_transcripts, short_intron`. An edge of several genes bears the gene with most transcripts
        there, then the smallest id. An edge of several introns has the class of the one with most
        transcripts, then the first in canonical order.
    introns : unique introns behind the sites: `chrom, start, end, strand, gene_id, n_transcripts,
        site_class`.
    genes : `chrom, start, end, strand, gene_id, gene_name, group`: genes with a transcript that
        passed the filters.
    exons : merged exons of each gene, all transcripts, before filters: `chrom, start, end, strand,
        gene_id`; nothing is derived for a gene known by its introns alone.
    edges : both edges of every exon and intron, before filters: `chrom, edge`.
    counts : what was read, dropped (by reason) and kept. `introns_annotated` is the sum of
        `introns_on_absent_chroms`, `introns_off_genome`, `introns_filtered_out` and `introns`.
    absent_chroms : names in the GTF that the genome lacks, sorted.
    chrom_names : GTF name -> genome name.

    All tables are 0-based half-open, under the genome's names, in the genome's order.
    """

    sites: pd.DataFrame
    introns: pd.DataFrame
    genes: pd.DataFrame
    exons: pd.DataFrame
    edges: pd.DataFrame
    counts: dict[str, int]
    absent_chroms: tuple[str, ...]
    chrom_names: dict[str, str]


def load_splice_sites(
    gtf: str | Path,
    genome: str | Path | Genome,
    *,
    gene_types: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    level: int | None = None,
    min_gt_ag: float = 0.9,
    max_bad_lines: float = 0.01,
) -> SpliceAnnotation:
    """Read donors and acceptors, with the genes, exons and counts that controls need.

    Parameters
    ----------
    gtf : GENCODE, Ensembl or NCBI GTF, plain or gzip; `intron` rows are read beside exons.
    genome : FASTA path or an open Genome. Chromosome names may differ by `chr`: said in the log.
    gene_types, tags, level : keep genes of these types, transcripts with one of these tags, and
        of this level or better; None keeps all.
    min_gt_ag : smallest share of unique introns, before filters, that must read GT..AG.
    max_bad_lines : share of lines that may be broken.

    Returns
    -------
    SpliceAnnotation : its `counts` name everything that was dropped.

    Raises
    ------
    InputError : a file cannot be read (`read_gtf`, `Genome`), a filter cannot be applied or leaves
        nothing, there are no introns, or annotation and genome do not match.
    CoordinateError : the genome has none of the GTF's chromosomes, or none of its introns.
    """
    with borrow_genome(genome) as opened:
        return _load(gtf, opened, gene_types, tags, level, min_gt_ag, max_bad_lines)


def read_splice_sites(
    gtf: str | Path,
    genome: str | Path | Genome,
    *,
    gene_types: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    level: int | None = None,
    min_gt_ag: float = 0.9,
    max_bad_lines: float = 0.01,
) -> pd.DataFrame:
    """The SiteTable of `load_splice_sites`, alone; same parameters and errors."""
    annotation = load_splice_sites(
        gtf,
        genome,
        gene_types=gene_types,
        tags=tags,
        level=level,
        min_gt_ag=min_gt_ag,
        max_bad_lines=max_bad_lines,
    )
    return annotation.sites


def read_introns(
    gtf: str | Path,
    *,
    gene_types: Sequence[str] | None = None,
    tags: Sequence[str] | None = None,
    level: int | None = None,
    max_bad_lines: float = 0.01,
) -> pd.DataFrame:
    """Introns of each transcript, under the GTF's own names; no genome needed.

    Returns
    -------
    `chrom, start, end, strand, gene_id, transcript_id, gene_name`, 0-based half-open, sorted by
    name and position; `transcript_id` is "" where the file has none. Parameters and errors as in
    `load_splice_sites`.
    """
    rows = read_gtf(gtf, tags=tags, max_bad_lines=max_bad_lines)
    introns, _ = find_introns(rows)
    transcripts = select_transcripts(
        rows, describe_transcripts(rows), gene_types=gene_types, tags=tags, level=level
    )
    named = introns.join(transcripts.select(*TRANSCRIPT, "gene_name"), on=TRANSCRIPT)
    return to_pandas(named.sort([*INTRON, "gene_id", "transcript_id"]))


def annotated_edges(annotation: SpliceAnnotation) -> pd.DataFrame:
    """All exon boundaries, before filters: unique `chrom, edge`; where no control may lie."""
    return annotation.edges.copy()


def _load(
    gtf: str | Path,
    genome: Genome,
    gene_types: Sequence[str] | None,
    tags: Sequence[str] | None,
    level: int | None,
    min_gt_ag: float,
    max_bad_lines: float,
) -> SpliceAnnotation:
    rows = read_gtf(gtf, tags=tags, max_bad_lines=max_bad_lines)
    introns, counts = find_introns(rows)
    counts = rows.counts | counts
    if introns.is_empty():
        raise InputError(f"{gtf} has exons but no intron; wanted transcripts of several exons")
    in_file = rows.rows["chrom"].unique().to_list()
    names = genome.resolve_names(in_file)
    absent = tuple(sorted(set(in_file) - set(names)))
    if absent:
        logger.warning(
            "%s: %d chromosomes are not in the genome: %s", gtf, len(absent), _head(absent)
        )

    usable, found = place_introns(rows, introns, genome, names, min_gt_ag)
    transcripts = select_transcripts(
        rows, describe_transcripts(rows), gene_types=gene_types, tags=tags, level=level
    )
    selected = transcripts.with_columns(pl.col("chrom").replace_strict(names, default=None))
    kept = usable.join(selected.select(TRANSCRIPT), on=TRANSCRIPT, how="semi")
    if kept.is_empty():
        raise InputError(
            f"{gtf}: the transcripts that pass the filters have no intron inside the genome; "
            "wanted at least one: loosen the filters"
        )
    genes, gene_counts = find_genes(rows, transcripts, genome, names)
    unique_introns = _summarise_introns(kept)
    sites = _make_sites(kept, unique_introns, genes, genome)
    counts |= {"chroms": len(names), "chroms_absent": len(absent)} | found
    counts["introns_filtered_out"] = found["introns_in_genome"] - unique_introns.height
    counts |= {
        "introns": unique_introns.height,
        "short_introns": unique_introns.filter(_is_short()).height,
        "donors": int((sites["kind"] == "donor").sum()),
        "acceptors": int((sites["kind"] == "acceptor").sum()),
        **gene_counts,
        "groups_with_sites": int(sites["group"].nunique()),
    }
    intron_table = to_pandas(
        unique_introns.select(*INTRON, "gene_id", "n_transcripts", "site_class")
    )
    return SpliceAnnotation(
        sites=sites,
        introns=sort_by_genome(intron_table, genome, "start"),
        genes=genes,
        exons=merge_exons(rows, genome, names),
        edges=find_edges(rows, genome, names),
        counts=counts,
        absent_chroms=absent,
        chrom_names=names,
    )


def _is_short() -> pl.Expr:
    return pl.col("end") - pl.col("start") < SHORT_INTRON_BP


def _n_transcripts() -> pl.Expr:
    return pl.struct("gene_id", "transcript_id").n_unique().cast(pl.Int64).alias("n_transcripts")


def _pick_gene(introns: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """The gene with most transcripts at each key, then the smallest id: `*keys, gene_id`."""
    by_gene = introns.group_by(*keys, "gene_id").agg(_n_transcripts())
    ordered = by_gene.sort(["n_transcripts", "gene_id"], descending=[True, False])
    return ordered.unique(keys, keep="first", maintain_order=True).select(*keys, "gene_id")


def _summarise_introns(introns: pl.DataFrame) -> pl.DataFrame:
    """One row an intron: transcripts counted, gene picked, class kept."""
    summary = introns.group_by(INTRON).agg(_n_transcripts(), pl.col("site_class").first())
    return summary.join(_pick_gene(introns, INTRON), on=INTRON)


def _make_sites(
    introns: pl.DataFrame, unique_introns: pl.DataFrame, genes: pd.DataFrame, genome: Genome
) -> pd.DataFrame:
    """One row a donor or acceptor edge."""
    keys = ("chrom", "edge", "strand", "kind")
    used = _spread_edges(introns)
    per_intron = _spread_edges(unique_introns)
    rank = pl.col("site_class").replace_strict(SITE_CLASSES, range(len(SITE_CLASSES)))
    ordered = per_intron.with_columns(rank=rank).sort(
        ["n_transcripts", "rank"], descending=[True, False]
    )
    classes = ordered.unique(keys, keep="first", maintain_order=True).select(*keys, "site_class")
    summary = used.group_by(keys).agg(_n_transcripts(), _is_short().any().alias("short_intron"))
    joined = summary.join(classes, on=keys).join(_pick_gene(used, keys), on=keys)
    table = sort_by_genome(to_pandas(joined), genome, "edge")
    named = genes[[*GENE, "gene_name", "group"]]
    table = table.merge(named, on=list(GENE), how="left", validate="many_to_one")
    table["set"] = SITE
    table["site_id"] = make_site_ids(table)
    columns = ["site_id", *keys, "set", "group", "gene_id", "gene_name"]
    return check_sites(table[[*columns, "site_class", "n_transcripts", "short_intron"]])


def _spread_edges(introns: pl.DataFrame) -> pl.DataFrame:
    """Each intron as a donor row and an acceptor row with its `edge`."""
    is_plus = pl.col("strand") == "+"
    start, end = pl.col("start"), pl.col("end")
    donor = pl.when(is_plus).then(start).otherwise(end)
    acceptor = pl.when(is_plus).then(end).otherwise(start)
    return pl.concat(
        introns.with_columns(edge=edge, kind=pl.lit(kind))
        for kind, edge in (("donor", donor), ("acceptor", acceptor))
    )


def _head(names: Sequence[str], n: int = 5) -> str:
    return ", ".join(names[:n]) + (", ..." if len(names) > n else "")
