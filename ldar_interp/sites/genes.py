"""Genes, their loci, their exons and all annotated edges, in the genome's coordinates."""

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.gtf import GtfRows

GENE = ("chrom", "strand", "gene_id")


def find_genes(
    gtf: GtfRows, transcripts: pl.DataFrame, genome: Genome, names: dict[str, str]
) -> tuple[pd.DataFrame, dict[str, int]]:
    """Genes with a transcript in `transcripts` that overlap the genome, and their merged loci.

    A gene spans its gene row where the file has one, else all its other rows. Genes that overlap
    on either strand, directly or through others, are one group: their sites read the same
    sequence, so they are not independent. A group is named after the gene name that sorts first,
    with `+n` for n further genes, and `@chrom:start` where two loci would share that name.

    Returns
    -------
    (genes, counts): `chrom, start, end, strand, gene_id, gene_name, group`, 0-based half-open,
    sorted by chromosome in the genome's order and start; counts `genes`, `genes_off_genome`,
    `groups`. A gene is not cut where the genome's piece ends.
    """
    rows = gtf.rows.select(*GENE, "feature", "start", "end")
    spans = rows.group_by(GENE).agg(
        pl.col("start").min(),
        pl.col("end").max(),
        *(
            pl.col(name).filter(pl.col("feature") == "gene").first().alias(f"gene_{name}")
            for name in ("start", "end")
        ),
    )
    spans = spans.with_columns(
        pl.coalesce("gene_start", "start").alias("start"),
        pl.coalesce("gene_end", "end").alias("end"),
    )
    kept = transcripts.group_by(GENE).agg(pl.col("gene_name").min())
    table = to_pandas(
        spans.join(kept, on=GENE).select("chrom", "start", "end", "strand", "gene_id", "gene_name")
    )
    on_genome = sort_by_genome(_keep_overlapping(table, genome, names), genome, "start")
    on_genome["group"] = _name_groups(on_genome)
    counts = {
        "genes": len(on_genome),
        "genes_off_genome": len(table) - len(on_genome),
        "groups": int(on_genome["group"].nunique()),
    }
    return on_genome, counts


def merge_exons(gtf: GtfRows, genome: Genome, names: dict[str, str]) -> pd.DataFrame:
    """Union of the exons of each gene, over all transcripts: `chrom, start, end, strand, gene_id`.

    Taken from exon rows only: nothing is derived for a gene that is known by its introns alone.
    Intervals that overlap or touch are one; those off the genome are left out.
    """
    exons = gtf.rows.filter(pl.col("feature") == "exon").select(*GENE, "start", "end").unique()
    ordered = exons.sort([*GENE, "start", "end"])
    reach = pl.col("end").cum_max().shift(1).over(GENE)
    merged = (
        ordered.with_columns(block=(pl.col("start") > reach).fill_null(True).cum_sum().over(GENE))
        .group_by(*GENE, "block")
        .agg(pl.col("start").min(), pl.col("end").max())
        .select("chrom", "start", "end", "strand", "gene_id")
    )
    table = _keep_overlapping(to_pandas(merged), genome, names)
    return sort_by_genome(table, genome, "start")


def find_edges(gtf: GtfRows, genome: Genome, names: dict[str, str]) -> pd.DataFrame:
    """Both edges of every exon and intron row, before any filter: unique `chrom, edge`, sorted."""
    rows = gtf.rows.filter(pl.col("feature").is_in(["exon", "intron"]))
    both = pl.concat(
        rows.select("chrom", pl.col(name).alias("edge")) for name in ("start", "end")
    ).unique()
    table = rename_chroms(to_pandas(both), names)
    edge = table["edge"].to_numpy(dtype=np.int64)
    inside = find_inside(genome, table["chrom"], edge - 1) | find_inside(
        genome, table["chrom"], edge
    )
    return sort_by_genome(table[inside], genome, "edge")


def to_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """A pandas copy with `str`, int64 and bool columns, without needing pyarrow."""
    return pd.DataFrame(
        {
            column.name: pd.Series(column.to_list(), dtype="str")
            if column.dtype == pl.String
            else column.to_numpy()
            for column in frame
        }
    )


def rename_chroms(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    """Rows on chromosomes that the genome has, under the genome's names."""
    chrom = table["chrom"].map(names)
    return table.assign(chrom=chrom.astype("str"))[chrom.notna()].reset_index(drop=True)


def sort_by_genome(table: pd.DataFrame, genome: Genome, position: str) -> pd.DataFrame:
    """Rows by chromosome in the genome's order, then position, then all other columns."""
    rank = {chrom: i for i, chrom in enumerate(genome.chroms)}
    keys = table.assign(chrom=table["chrom"].map(rank).astype("int64"))
    others = [column for column in table.columns if column not in ("chrom", position)]
    order = keys.sort_values(["chrom", position, *others], kind="stable").index
    return table.loc[order].reset_index(drop=True)


def find_inside(genome: Genome, chroms: pd.Series, bases: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the genome holds each base; `chroms` are its own names."""
    inside = np.zeros(len(bases), dtype=bool)
    of_row = chroms.to_numpy()
    for chrom in genome.chroms:
        rows = np.flatnonzero(of_row == chrom)
        pieces = [segment for segment in genome.segments if segment.chrom == chrom]
        starts = np.array([piece.start for piece in pieces])
        ends = np.array([piece.end for piece in pieces])
        at = np.searchsorted(starts, bases[rows], side="right") - 1
        inside[rows] = (at >= 0) & (bases[rows] < ends[np.maximum(at, 0)])
    return inside


def _keep_overlapping(table: pd.DataFrame, genome: Genome, names: dict[str, str]) -> pd.DataFrame:
    """Rows that share at least one base with a piece of the genome."""
    renamed = rename_chroms(table, names)
    keep = np.zeros(len(renamed), dtype=bool)
    for segment in genome.segments:
        same = (renamed["chrom"] == segment.chrom).to_numpy()
        keep |= same & ((renamed["start"] < segment.end) & (renamed["end"] > segment.start))
    return renamed[keep].reset_index(drop=True)


def _name_groups(genes: pd.DataFrame) -> pd.Series:
    """Group names of genes that are sorted by chromosome and start."""
    reach = genes.groupby("chrom", sort=False)["end"].cummax()
    is_same = (genes["chrom"] == genes["chrom"].shift()) & (genes["start"] < reach.shift())
    locus = (~is_same).cumsum()
    of_locus = genes.assign(locus=locus).groupby("locus", sort=True)
    summary = of_locus.agg(
        chrom=("chrom", "first"),
        start=("start", "min"),
        name=("gene_name", "min"),
        n=("gene_id", "size"),
    )
    further = (summary["n"] - 1).map(lambda n: f"+{n}" if n else "")
    label = summary["name"] + further
    place = "@" + summary["chrom"] + ":" + summary["start"].astype("str")
    label = label.where(~label.duplicated(keep=False), label + place)
    return locus.map(label).astype("str")
