"""Donors and acceptors of genes that one can check by eye; see gencode_case for the drawing."""

import gzip
import logging

import pytest
from gencode_case import EXONS, SEQUENCE, exon_rows, make_genome, row, write_gtf

from ldar_interp.genome.alphabet import decode, encode, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.gencode import (
    annotated_edges,
    load_splice_sites,
    read_introns,
    read_splice_sites,
)
from ldar_interp.sites.table import check_sites

BY_EYE = [
    ("chr1", 5, "+", "donor", "P"),
    ("chr1", 16, "+", "acceptor", "P"),
    ("chr1", 36, "-", "acceptor", "M"),
    ("chr1", 46, "-", "donor", "M"),
]


def show(sites, *columns):
    return list(sites[list(columns)].itertuples(index=False, name=None))


def show_edges(sites):
    return show(sites, "chrom", "edge", "strand", "kind", "gene_id")


def load(path, *lines, genome=None, **options):
    return load_splice_sites(write_gtf(path / "a.gtf", *lines), genome or make_genome(), **options)


def test_edges_on_both_strands(tmp_path):
    annotation = load(tmp_path, *exon_rows())
    sites = annotation.sites
    assert show_edges(sites) == BY_EYE
    assert sites["site_class"].tolist() == ["GT-AG"] * 4
    assert sites["n_transcripts"].tolist() == [1] * 4
    assert sites["short_intron"].all()  # 11 and 10 bp
    assert sites["group"].tolist() == ["P", "P", "M", "M"]
    assert sites["site_id"][0] == "chr1:5:+:donor"
    assert check_sites(sites).equals(sites)


def test_introns_genes_exons_and_edges(tmp_path):
    annotation = load(tmp_path, *exon_rows())
    assert show(annotation.introns, "start", "end", "strand", "gene_id", "site_class") == [
        (5, 16, "+", "P", "GT-AG"),
        (36, 46, "-", "M", "GT-AG"),
    ]
    assert show(annotation.genes, "start", "end", "strand", "gene_id", "gene_name", "group") == [
        (0, 20, "+", "P", "P", "P"),
        (30, 52, "-", "M", "M", "M"),
    ]
    assert show(annotation.exons, "start", "end", "gene_id") == [
        (start - 1, end, gene) for gene, _, start, end in EXONS
    ]
    edges = annotated_edges(annotation)
    assert edges["edge"].tolist() == [0, 5, 16, 20, 30, 36, 46, 52]
    assert set(edges.columns) == {"chrom", "edge"}


def test_read_splice_sites_is_the_table_alone_from_paths(tmp_path):
    fasta = tmp_path / "g.fa"
    fasta.write_text(f">chr1\n{SEQUENCE}\n")
    gtf = write_gtf(tmp_path / "a.gtf", *exon_rows())
    assert show_edges(read_splice_sites(gtf, fasta)) == BY_EYE


def test_introns_without_a_genome(tmp_path):
    gtf = write_gtf(tmp_path / "a.gtf", *exon_rows(chrom="1"))
    assert show(read_introns(gtf), "chrom", "start", "end", "strand", "transcript_id") == [
        ("1", 5, 16, "+", "P.1"),
        ("1", 36, 46, "-", "M.1"),
    ]


def test_order_of_lines_does_not_matter(tmp_path):
    one = load(tmp_path, *exon_rows())
    other = load(tmp_path, *reversed(exon_rows()))
    assert one.sites.equals(other.sites)
    assert one.exons.equals(other.exons)


def test_the_mirrored_genome_has_the_mirrored_sites(tmp_path):
    length = len(SEQUENCE)
    mirrored = [
        row("exon", length - end + 1, length - start + 1, {"+": "-", "-": "+"}[strand],
            f'gene_id "{gene}"; transcript_id "{gene}";')
        for gene, strand, start, end in EXONS
    ]  # fmt: skip
    genome = make_genome(chr1=decode(reverse_complement(encode(SEQUENCE))))
    sites = load(tmp_path, *mirrored, genome=genome).sites
    flip = {"+": "-", "-": "+"}
    expected = sorted((length - e, flip[s], k, g) for _, e, s, k, g in BY_EYE)
    assert show(sites, "edge", "strand", "kind", "gene_id") == expected
    assert set(sites["site_class"]) == {"GT-AG"}


def test_shared_edges_are_one_site_with_their_transcripts_counted(tmp_path):
    # A second transcript of P shares the donor 5 and ends its intron at 18, where AG is not.
    second = [
        row("exon", 1, 5, "+", 'gene_id "P"; transcript_id "P.2";'),
        row("exon", 19, 20, "+", 'gene_id "P"; transcript_id "P.2";'),
    ]
    annotation = load(tmp_path, *exon_rows(), *second, min_gt_ag=0.5)
    counted = show(annotation.sites, "edge", "kind", "n_transcripts", "site_class")
    assert counted[:3] == [
        (5, "donor", 2, "GT-AG"),
        (16, "acceptor", 1, "GT-AG"),
        (18, "acceptor", 1, "other"),
    ]


def test_the_class_of_most_transcripts_wins_over_canonical_order(tmp_path):
    others = [
        row("exon", start, end, "+", f'gene_id "P"; transcript_id "P.{n}";')
        for n in (2, 3)
        for start, end in ((1, 5), (19, 20))
    ]
    annotation = load(tmp_path, *exon_rows(), *others, min_gt_ag=0.5)
    first = annotation.sites.iloc[0]
    assert (first["edge"], first["site_class"], first["n_transcripts"]) == (5, "other", 3)


@pytest.mark.parametrize(
    ("ends", "site_class"),
    [("GTAG", "GT-AG"), ("GCAG", "GC-AG"), ("ATAC", "AT-AC"), ("ATAG", "other"), ("GNAG", "other")],
)
@pytest.mark.parametrize("strand", ["+", "-"])
def test_class_is_read_on_the_strand(tmp_path, ends, site_class, strand):
    sequence = "CCCC" + ends[:2].lower() + "TTTTTT" + ends[2:] + "CCCC"
    if strand == "-":
        sequence = decode(reverse_complement(encode(sequence)))
    rows = [
        row("exon", start, end, strand, 'gene_id "a"; transcript_id "t";')
        for start, end in ((1, 4), (15, 18))
    ]
    annotation = load(tmp_path, *rows, genome=make_genome(chr1=sequence), min_gt_ag=0)
    assert annotation.sites["site_class"].tolist() == [site_class] * 2


@pytest.mark.parametrize("length", [1, 2, 3])
def test_introns_too_short_for_two_dinucleotides_are_other(tmp_path, length):
    rows = [
        row("exon", start, end, "+", 'gene_id "a"; transcript_id "t";')
        for start, end in ((1, 4), (5 + length, 10 + length))
    ]
    genome = make_genome(chr1="CCCCGTAGCCCCCCCCC")
    annotation = load(tmp_path, *rows, genome=genome, min_gt_ag=0)
    assert annotation.sites["site_class"].tolist() == ["other"] * 2
    assert annotation.sites["short_intron"].all()


def test_introns_of_30_bp_are_not_short(tmp_path):
    rows = [
        row("exon", *ends, "+", f'gene_id "a"; transcript_id "{t}";')
        for t, length in (("x", 29), ("y", 30))
        for ends in ((1, 4), (5 + length, 40))
    ]
    genome = make_genome(chr1="C" * 4 + "GT" + "C" * 25 + "AAG" + "C" * 10)
    annotation = load(tmp_path, *rows, genome=genome, min_gt_ag=0)
    # The donor serves the intron of 29 bp too.
    assert show(annotation.sites, "edge", "short_intron") == [(4, True), (33, True), (34, False)]


def test_intron_rows_are_read_beside_exons(tmp_path):
    lines = [
        *exon_rows()[:2],
        row("intron", 6, 16, "+", 'gene_id "P"; transcript_id "P.1";'),
        row("intron", 37, 46, "-", 'gene_id "M";'),
        row("intron", 37, 46, "-", 'gene_id "M"; transcript_id "";'),
    ]
    annotation = load(tmp_path, *lines)
    assert show_edges(annotation.sites) == BY_EYE
    assert annotation.sites["n_transcripts"].tolist() == [1] * 4
    assert show(annotation.genes, "start", "end", "gene_id")[1] == (36, 46, "M")
    assert annotation.exons["gene_id"].tolist() == ["P", "P"]
    assert annotated_edges(annotation)["edge"].tolist() == [0, 5, 16, 20, 36, 46]


def test_genes_that_overlap_through_others_are_one_group(tmp_path):
    # X lies on the other strand and bridges the gap between P and M; Y only touches M.
    bridge = row("exon", 18, 32, "-", 'gene_id "X"; gene_name "bridge"; transcript_id "X.1";')
    touching = row("exon", 53, 58, "+", 'gene_id "Y"; transcript_id "Y.1";')
    annotation = load(tmp_path, *exon_rows(), bridge, touching)
    assert show(annotation.genes, "gene_id", "group") == [
        ("P", "M+2"),
        ("X", "M+2"),
        ("M", "M+2"),
        ("Y", "Y"),
    ]
    assert annotation.sites["group"].tolist() == ["M+2"] * 4
    assert annotation.counts["groups"] == 2
    assert annotation.counts["groups_with_sites"] == 1


def test_an_edge_of_two_genes_is_one_site_of_their_group(tmp_path):
    twins = exon_rows('gene_id "A{0}"; transcript_id "A{0}.1";')
    annotation = load(tmp_path, *exon_rows(), *twins)
    assert show_edges(annotation.sites) == [(*site[:4], f"A{site[4]}") for site in BY_EYE]
    assert annotation.sites["n_transcripts"].tolist() == [2] * 4
    assert annotation.sites["group"].tolist() == ["AP+1", "AP+1", "AM+1", "AM+1"]


def test_an_edge_of_two_genes_bears_the_one_with_most_transcripts(tmp_path):
    twins = exon_rows('gene_id "A{0}"; transcript_id "A{0}.1";')
    more = exon_rows('gene_id "{0}"; transcript_id "{0}.2";')
    annotation = load(tmp_path, *exon_rows(), *twins, *more)
    assert show_edges(annotation.sites) == BY_EYE
    assert annotation.sites["n_transcripts"].tolist() == [3] * 4
    assert annotation.introns["gene_id"].tolist() == ["P", "M"]


def test_loci_with_the_same_name_stay_apart(tmp_path):
    annotation = load(tmp_path, *exon_rows('gene_id "{0}"; gene_name "U6"; transcript_id "{0}";'))
    assert annotation.genes["group"].tolist() == ["U6@chr1:0", "U6@chr1:30"]


def test_the_gene_row_gives_the_span(tmp_path):
    gene = row("gene", 1, 28, "+", 'gene_id "P"; gene_name "Pen"; transcript_id "";')
    annotation = load(tmp_path, gene, *exon_rows())
    assert show(annotation.genes, "start", "end", "gene_name")[0] == (0, 28, "Pen")
    assert annotation.sites["gene_name"].tolist() == ["Pen", "Pen", "M", "M"]


def test_exons_of_a_gene_are_merged_over_its_transcripts(tmp_path):
    # [21, 40) holds [22, 25) and [30, 33), which are further apart than they look in order.
    nested = [
        row("exon", start, end, "+", f'gene_id "N"; transcript_id "N.{start}";')
        for start, end in ((22, 40), (23, 25), (31, 33), (41, 42), (44, 45))
    ]
    annotation = load(tmp_path, *exon_rows(), *nested)
    exons = annotation.exons[annotation.exons["gene_id"] == "N"]
    assert show(exons, "start", "end") == [(21, 42), (43, 45)]


def test_broken_and_touching_transcripts_are_counted(tmp_path):
    lines = [
        *exon_rows(),
        exon_rows()[0],  # the same line twice
        row("exon", 1, 5, "+", 'gene_id "P"; transcript_id "overlap";'),
        row("exon", 4, 9, "+", 'gene_id "P"; transcript_id "overlap";'),
        row("exon", 15, 20, "+", 'gene_id "P"; transcript_id "overlap";'),
        row("exon", 1, 5, "+", 'gene_id "P"; transcript_id "touch";'),
        row("exon", 6, 9, "+", 'gene_id "P"; transcript_id "touch";'),
    ]
    annotation = load(tmp_path, *lines)
    assert show_edges(annotation.sites) == BY_EYE
    counts = annotation.counts
    assert counts["broken_transcripts"] == 1
    assert counts["touching_exons"] == 1
    assert counts["duplicate_exons"] == 1
    assert counts["exon_rows"] == 10
    assert counts["transcripts"] == 4
    # Exons of the broken transcript stay annotated: no control may lie there.
    assert {9, 14} <= set(annotated_edges(annotation)["edge"])
    assert show(annotation.exons, "start", "end")[:2] == [(0, 9), (14, 20)]


def test_slices_keep_only_what_lies_inside_and_count_the_rest(tmp_path):
    # The second copy of the genes, 100 bp on, straddles the end of the slice: M's intron ends at
    # 146, the slice at 145. The third copy lies on a chromosome that the genome lacks.
    long = SEQUENCE + "C" * 40 + SEQUENCE
    genome = Genome.from_records({"chr1:1-145": long[:145]})
    lines = [
        *exon_rows(),
        *exon_rows('gene_id "{0}2"; transcript_id "{0}2";', shift=100),
        *exon_rows('gene_id "{0}3"; transcript_id "{0}3";', chrom="chr9"),
    ]
    annotation = load(tmp_path, *lines, genome=genome)
    assert annotation.sites["edge"].tolist() == [5, 16, 36, 46, 105, 116]
    assert annotation.absent_chroms == ("chr9",)
    counts = annotation.counts
    assert counts["chroms_absent"] == 1
    assert counts["introns_annotated"] == 6
    assert counts["introns_on_absent_chroms"] == 2
    assert counts["introns_off_genome"] == 1
    assert counts["introns"] == 3
    # M2 overlaps the slice and stays a gene; its far edges are not on the genome.
    assert annotation.genes["gene_id"].tolist() == ["P", "M", "P2", "M2"]
    assert annotation.edges["edge"].max() == 136


def test_slices_in_the_middle_of_a_chromosome(tmp_path):
    genome = Genome.from_records({"chr1:1001-1060": SEQUENCE})
    annotation = load(tmp_path, *exon_rows(shift=1000), genome=genome)
    assert annotation.sites["edge"].tolist() == [1005, 1016, 1036, 1046]


def test_chr_is_reconciled_with_a_message_and_numbers_stay_text(tmp_path, caplog):
    with caplog.at_level(logging.WARNING, "ldar_interp"):
        annotation = load(tmp_path, *exon_rows(chrom="1"))
    assert "1 -> chr1" in caplog.text
    assert annotation.chrom_names == {"1": "chr1"}
    assert set(annotation.sites["chrom"]) == {"chr1"}
    back = load(tmp_path, *exon_rows(chrom="1"), genome=make_genome(**{"1": SEQUENCE}))
    assert back.sites["chrom"].tolist() == ["1"] * 4


def test_sites_come_in_the_order_of_the_genome(tmp_path):
    genome = make_genome(chr9=SEQUENCE, chr1=SEQUENCE)
    lines = exon_rows() + exon_rows('gene_id "{0}9"; transcript_id "{0}9";', chrom="chr9")
    annotation = load(tmp_path, *lines, genome=genome)
    assert annotation.sites["chrom"].tolist() == ["chr9"] * 4 + ["chr1"] * 4
    assert annotation.genes["gene_id"].tolist() == ["P9", "M9", "P", "M"]


@pytest.mark.parametrize("kind", ["crlf", "gzip", "comments"])
def test_line_ends_compression_and_comments(tmp_path, kind):
    lines = exon_rows()
    gtf = tmp_path / "a.gtf"
    if kind == "crlf":
        gtf.write_bytes("".join(f"{line}\r\n" for line in lines).encode())
    elif kind == "gzip":
        gtf = tmp_path / "a.gtf.gz"
        gtf.write_bytes(gzip.compress("\n".join(lines).encode()))
    else:
        write_gtf(gtf, "##format: gtf", "#!x", "track name=x", *lines[:2], "", "# y", *lines[2:])
    annotation = load_splice_sites(gtf, make_genome())
    assert show_edges(annotation.sites) == BY_EYE
    assert annotation.counts["lines"] == 4
    assert annotation.counts["broken_lines"] == 0


def test_counts_add_up(tmp_path):
    lines = exon_rows('gene_id "{0}"; transcript_id "{0}"; gene_type "type_{0}";')
    counts = load(tmp_path, *lines, gene_types=["type_P"]).counts
    assert counts["introns_annotated"] == sum(
        counts[key]
        for key in (
            "introns_on_absent_chroms", "introns_off_genome", "introns_filtered_out", "introns",
        )
    )  # fmt: skip
    assert counts["introns_filtered_out"] == 1
    assert (counts["donors"], counts["acceptors"], counts["genes"]) == (1, 1, 1)
