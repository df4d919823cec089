"""From GTF rows to the introns of each transcript, and which of them a filter keeps."""

from collections.abc import Sequence

import polars as pl

from ldar_interp.errors import InputError
from ldar_interp.sites.gtf import GtfRows, count_tags

TRANSCRIPT = ("chrom", "strand", "gene_id", "transcript_id")
"""What makes a transcript one: an id can occur on two chromosomes (pseudoautosomal genes)."""

INTRON = ("chrom", "start", "end", "strand")
_N_VALUES_SHOWN = 8


def find_introns(gtf: GtfRows) -> tuple[pl.DataFrame, dict[str, int]]:
    """Introns of every transcript: the gaps between its exons, and the `intron` rows.

    Exons are sorted by position, whatever their order in the file. A transcript whose exons
    overlap is broken: it yields no introns and is counted. Exons that touch have no intron between
    them. Rows without a `transcript_id` belong to one unnamed transcript of their gene.

    Returns
    -------
    (introns, counts). One row an intron and transcript: `chrom, start, end, strand, gene_id,
    transcript_id` ("" for the unnamed one), 0-based half-open, sorted. Counts: `exon_rows`,
    `intron_rows`, `duplicate_exons`, `transcripts`, `broken_transcripts`, `touching_exons`.
    """
    rows = gtf.rows.with_columns(pl.col("transcript_id").fill_null(""))
    columns = [*TRANSCRIPT, "start", "end"]
    pieces = rows.filter(pl.col("feature").is_in(["exon", "intron"])).select("feature", *columns)
    # Numbers sort many times faster than four columns of text.
    keys = pieces.select(TRANSCRIPT).unique(maintain_order=True).with_row_index("key")
    numbered = pieces.join(keys, on=TRANSCRIPT).select("feature", "key", "start", "end")
    is_exon = pl.col("feature") == "exon"
    all_exons = numbered.filter(is_exon).select("key", "start", "end")
    exons = all_exons.unique().sort("key", "start", "end")
    gaps = exons.with_columns(
        next_key=pl.col("key").shift(-1), next_start=pl.col("start").shift(-1)
    ).filter(pl.col("key") == pl.col("next_key"))
    broken = gaps.filter(pl.col("next_start") < pl.col("end")).select("key").unique()
    whole = gaps.join(broken, on="key", how="anti")
    derived = whole.filter(pl.col("next_start") > pl.col("end")).select(
        "key", pl.col("end").alias("start"), pl.col("next_start").alias("end")
    )
    given = numbered.filter(~is_exon).select("key", "start", "end")
    introns = pl.concat([derived, given]).unique().join(keys, on="key")
    counts = {
        "exon_rows": all_exons.height,
        "intron_rows": given.height,
        "duplicate_exons": all_exons.height - exons.height,
        "transcripts": keys.height,
        "broken_transcripts": broken.height,
        "touching_exons": whole.filter(pl.col("next_start") == pl.col("end")).height,
    }
    ordered = introns.sort("chrom", "start", "end", "strand", "gene_id", "transcript_id")
    return ordered.select(*INTRON, "gene_id", "transcript_id"), counts


def describe_transcripts(gtf: GtfRows) -> pl.DataFrame:
    """One row a transcript: `gene_name, gene_type, level, has_tag` beside its key.

    What a transcript's own rows do not say is taken from the other rows of its gene (NCBI has the
    biotype on gene rows only). A gene without a name is called by its id.
    """
    rows = gtf.rows.with_columns(pl.col("transcript_id").fill_null(""))
    shared = ["gene_name", "gene_type", "level"]
    of_gene = rows.group_by("gene_id").agg(
        *(pl.col(name).drop_nulls().first().alias(f"gene_{name}") for name in shared)
    )
    return (
        rows.filter(pl.col("feature") != "gene")
        .group_by(TRANSCRIPT)
        .agg(*(pl.col(name).drop_nulls().first() for name in shared), pl.col("has_tag").any())
        .join(of_gene, on="gene_id", how="left")
        .with_columns(pl.coalesce(name, f"gene_{name}").alias(name) for name in shared)
        .with_columns(pl.coalesce("gene_name", "gene_id").alias("gene_name"))
        .select(*TRANSCRIPT, *shared, "has_tag")
        .sort(TRANSCRIPT)
    )


def select_transcripts(
    gtf: GtfRows,
    transcripts: pl.DataFrame,
    *,
    gene_types: Sequence[str] | None,
    tags: Sequence[str] | None,
    level: int | None,
) -> pl.DataFrame:
    """Rows of `transcripts` that pass all filters; None passes everything.

    Parameters
    ----------
    gene_types : gene types (biotypes) to keep.
    tags : keep transcripts with at least one of these tags.
    level : keep transcripts of this GENCODE level or better (1 verified, 2 manual, 3 automatic).

    Raises
    ------
    InputError : the file lacks the attribute that a filter reads, or a filter leaves nothing; the
        message names the values that exist.
    """
    kept = transcripts
    if gene_types is not None:
        have = _count(transcripts["gene_type"])
        kept = kept.filter(pl.col("gene_type").is_in(list(gene_types)))
        _check_filter(gtf, "gene_type (or gene_biotype)", list(gene_types), have, kept)
    if tags is not None:
        kept = kept.filter(pl.col("has_tag"))
        if kept.is_empty():
            _check_filter(gtf, "tag", list(tags), count_tags(gtf.path), kept)
    if level is not None:
        have = _count(transcripts["level"])
        kept = kept.filter(pl.col("level") <= level)
        _check_filter(gtf, "level", level, have, kept)
    return kept


def _count(values: pl.Series) -> dict[str, int]:
    """Transcripts by value, most frequent first."""
    frame = values.drop_nulls().cast(pl.String).alias("value").to_frame().group_by("value").len()
    return dict(sorted(frame.iter_rows(), key=lambda item: (-item[1], item[0])))


def _check_filter(
    gtf: GtfRows, attribute: str, wanted: object, have: dict[str, int], kept: pl.DataFrame
) -> None:
    if not have:
        raise InputError(
            f"{gtf.path}: no row has the attribute {attribute}, so the filter {wanted!r} cannot be "
            "applied; leave it out or use a file that has it"
        )
    if kept.is_empty():
        shown = ", ".join(f"{value} ({n})" for value, n in list(have.items())[:_N_VALUES_SHOWN])
        more = ", ..." if len(have) > _N_VALUES_SHOWN else ""
        raise InputError(
            f"{gtf.path}: the filter {wanted!r} on {attribute} leaves no transcript; "
            f"the file has {shown}{more}"
        )
