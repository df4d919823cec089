"""The three dialects of GTF and the filters, which mean the same in each."""

import pytest
from gencode_case import exon_rows, make_genome, row, write_gtf

from ldar_interp.sites.gencode import load_splice_sites, read_introns


def write_gencode(path):
    attributes = (
        'gene_id "ENSG{0}.1"; transcript_id "ENST{0}.1"; gene_type "type_{0}"; gene_name "n{0}"; '
        'note "a; gene_id b; c"; level {1}; tag "basic"; tag "tag_{0}";'
    )
    lines = []
    for gene, level in (("P", 1), ("M", 2)):
        of_gene = exon_rows(attributes.format("{0}", level))
        lines += [line for line in of_gene if f"ENSG{gene}" in line]
    return write_gtf(path / "gencode.gtf", "##description: GENCODE", *lines)


def write_ensembl(path):
    attributes = (
        'gene_id "ENSG{0}"; gene_version "3"; transcript_id "ENST{0}"; exon_number "1"; '
        'gene_name "n{0}"; gene_source "ensembl"; gene_biotype "type_{0}"; '
        'tag "basic"; tag "tag_{0}";'
    )
    return write_gtf(path / "ensembl.gtf", "#!genome-build X", *exon_rows(attributes, chrom="1"))


def write_ncbi(path):
    genes = [
        row("gene", start, end, strand,
            f'gene_id "n{g}"; transcript_id ""; gene "n{g}"; gene_biotype "type_{g}";')
        for g, strand, start, end in (("P", "+", 1, 20), ("M", "-", 31, 52))
    ]  # fmt: skip
    attributes = (
        'gene_id "n{0}"; transcript_id "NM_{0}.1"; db_xref "GeneID:1"; db_xref "X:2"; '
        'gene "n{0}"; product "kinase; subunit"; tag "tag {0}"; exon_number "1";'
    )
    return write_gtf(path / "ncbi.gtf", "#gtf-version 2.2", *genes, *exon_rows(attributes))


WRITERS = {"gencode": write_gencode, "ensembl": write_ensembl, "ncbi": write_ncbi}


@pytest.fixture(params=sorted(WRITERS))
def gtf(request, tmp_path):
    return WRITERS[request.param](tmp_path)


def names(gtf, **filters):
    sites = load_splice_sites(gtf, make_genome(), **filters).sites
    return sorted(set(sites["gene_name"]))


def test_sites_and_names_are_the_same_in_each_dialect(gtf):
    sites = load_splice_sites(gtf, make_genome()).sites
    assert sites["edge"].tolist() == [5, 16, 36, 46]
    assert sites["gene_name"].tolist() == ["nP", "nP", "nM", "nM"]
    assert sites["group"].tolist() == ["nP", "nP", "nM", "nM"]


def test_gene_type_filter_works_in_each_dialect(gtf):
    assert names(gtf, gene_types=["type_M"]) == ["nM"]
    assert names(gtf, gene_types=["type_M", "type_P", "other"]) == ["nM", "nP"]
    assert set(read_introns(gtf, gene_types=["type_M"])["gene_name"]) == {"nM"}


def test_tag_filter_works_in_each_dialect_and_reads_every_tag(gtf):
    # NCBI writes `tag P` where the others write `tag_P`.
    assert names(gtf, tags=["tag_P"]) == ["nP"]
    assert names(gtf, tags=["tag_P", "tag_M"]) == ["nM", "nP"]


def test_level_filter_keeps_that_level_and_better(tmp_path):
    gtf = write_gencode(tmp_path)
    assert names(gtf, level=1) == ["nP"]
    assert names(gtf, level=2) == ["nM", "nP"]


def test_filters_leave_annotated_edges_and_exons_whole(gtf):
    annotation = load_splice_sites(gtf, make_genome(), gene_types=["type_M"])
    assert annotation.edges["edge"].tolist() == [0, 5, 16, 20, 30, 36, 46, 52]
    assert len(annotation.exons) == 4
    assert annotation.genes["gene_name"].tolist() == ["nM"]


def test_a_semicolon_in_quotes_does_not_end_an_attribute(tmp_path):
    attributes = 'note "x; y"; gene_name "a;b"; gene_id "{0}"; transcript_id "{0};1";'
    gtf = write_gtf(tmp_path / "a.gtf", *exon_rows(attributes))
    introns = read_introns(gtf)
    assert introns["transcript_id"].tolist() == ["P;1", "M;1"]
    assert introns["gene_name"].tolist() == ["a;b", "a;b"]


def test_unquoted_attributes_are_read(tmp_path):
    gtf = write_gtf(tmp_path / "a.gtf", *exon_rows("gene_id {0}; transcript_id {0}.1"))
    assert read_introns(gtf)["transcript_id"].tolist() == ["P.1", "M.1"]


def test_the_tag_of_the_transcript_row_counts(tmp_path):
    transcript = row("transcript", 1, 20, "+", 'gene_id "P"; transcript_id "P.1"; tag "basic";')
    gtf = write_gtf(tmp_path / "a.gtf", transcript, *exon_rows())
    assert names(gtf, tags=["basic"]) == ["P"]


def test_the_tag_of_the_gene_row_does_not(tmp_path):
    gene = row("gene", 31, 52, "-", 'gene_id "M"; tag "basic";')
    transcript = row("transcript", 1, 20, "+", 'gene_id "P"; transcript_id "P.1"; tag "basic";')
    gtf = write_gtf(tmp_path / "a.gtf", gene, transcript, *exon_rows())
    annotation = load_splice_sites(gtf, make_genome(), tags=["basic"])
    assert annotation.genes["gene_id"].tolist() == ["P"]


def test_a_part_of_a_tag_is_not_the_tag(tmp_path):
    gtf = write_gtf(
        tmp_path / "a.gtf", *exon_rows('gene_id "{0}"; transcript_id "{0}"; tag "not_{0}";')
    )
    assert names(gtf, tags=["not_P"]) == ["P"]
    with pytest.raises(Exception, match="leaves no transcript"):
        names(gtf, tags=["not_"])
