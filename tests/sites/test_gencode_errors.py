"""Every way in which an annotation can be wrong is one line that says what to do."""

import gzip
import logging

import pytest
from gencode_case import SEQUENCE, exon_rows, make_genome, row, write_gtf

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.gencode import load_splice_sites

TAGGED = 'gene_id "{0}"; transcript_id "{0}"; gene_type "type_{0}"; tag "tag_{0}"; level 2;'


def refuse(path, lines, message, *, genome=None, kind=InputError, **options):
    gtf = write_gtf(path / "a.gtf", *lines)
    with pytest.raises(kind, match=message) as caught:
        load_splice_sites(gtf, genome or make_genome(), **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(InputError, match=r"no\.gtf: no such file; wanted a GTF, plain or gzip"):
        load_splice_sites(tmp_path / "no.gtf", make_genome())
    with pytest.raises(InputError, match="is a folder; wanted a GTF"):
        load_splice_sites(tmp_path, make_genome())


def test_empty_file(tmp_path):
    refuse(tmp_path, [], "has no exon and no intron rows; wanted a GTF with exons")


def test_comments_only(tmp_path):
    refuse(tmp_path, ["# nothing"], "has no exon and no intron rows; wanted")


def test_no_exons(tmp_path):
    lines = [row("gene", 1, 20, "+", 'gene_id "P";'), row("CDS", 1, 5, "+", 'gene_id "P";')]
    refuse(tmp_path, lines, "has no exon and no intron rows; wanted a GTF with exons")


def test_no_introns(tmp_path):
    lines = [exon_rows()[0], exon_rows()[2]]
    refuse(tmp_path, lines, "has exons but no intron; wanted transcripts of several exons")


def test_truncated_gzip(tmp_path):
    content = gzip.compress("\n".join(exon_rows() * 200).encode())
    (tmp_path / "a.gtf.gz").write_bytes(content[:-20])
    with pytest.raises(InputError, match=r"a\.gtf\.gz: cannot be read as GTF .*; fetch it again"):
        load_splice_sites(tmp_path / "a.gtf.gz", make_genome())


BROKEN = {
    "too few columns": "chr1\ttest\texon\t1\t5",
    "a position that is no number": row("exon", "x", 5, "+", 'gene_id "P";'),
    "end before start": row("exon", 5, 4, "+", 'gene_id "P";'),
    "a position 0": row("exon", 0, 4, "+", 'gene_id "P";'),
    "no strand": row("exon", 1, 5, ".", 'gene_id "P";'),
    "no gene": row("exon", 1, 5, "+", 'transcript_id "P";'),
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN.keys())
def test_broken_lines_over_one_percent_are_an_error(tmp_path, line):
    lines = ["# comment", exon_rows()[0], "", line, *exon_rows()[1:]]
    message = refuse(tmp_path, lines, r"a\.gtf: 1 of 5 lines are broken, first line 4: 'chr1")
    assert "wanted nine tab-separated columns, strand + or - and a gene_id" in message


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN.keys())
def test_few_broken_lines_are_left_out_counted_and_named(tmp_path, caplog, line):
    padding = [row("CDS", 1, 5, "+", 'gene_id "P";')] * 200
    gtf = write_gtf(tmp_path / "a.gtf", "#", *exon_rows(), line, *padding, line)
    with caplog.at_level(logging.WARNING, "ldar_interp"):
        annotation = load_splice_sites(gtf, make_genome())
    assert annotation.sites["edge"].tolist() == [5, 16, 36, 46]
    counts = annotation.counts
    assert (counts["lines"], counts["broken_lines"], counts["first_broken_line"]) == (206, 2, 6)
    assert "2 of 206 lines are broken, first line 6:" in caplog.text


def test_the_share_of_broken_lines_can_be_set(tmp_path):
    gtf = write_gtf(tmp_path / "a.gtf", *exon_rows(), "nonsense")
    annotation = load_splice_sites(gtf, make_genome(), max_bad_lines=0.5)
    assert annotation.counts["broken_lines"] == 1


def test_other_formats(tmp_path):
    refuse(tmp_path, [">chr1", "ACGT", "ACGT"], "3 of 3 lines are broken, first line 1: '>chr1'")
    gff3 = [row("exon", 1, 5, "+", "ID=exon:1;Parent=t1")]
    refuse(tmp_path, gff3, "is GFF3; wanted GTF: convert it, for example `gffread -T")


def test_another_assembly(tmp_path):
    message = refuse(
        tmp_path, exon_rows(shift=1),
        "annotation and genome do not match: only 0.0% of 2 introns read GT..AG, wanted 90%",
    )  # fmt: skip
    assert "use the annotation of this genome" in message
    annotation = load_splice_sites(tmp_path / "a.gtf", make_genome(), min_gt_ag=0)
    assert annotation.counts["introns_gt_ag"] == 0


def test_introns_that_read_n_do_not_count_against_the_genome(tmp_path):
    lines = exon_rows() + exon_rows('gene_id "{0}2"; transcript_id "{0}2";', shift=60)
    genome = make_genome(chr1=make_genome().fetch("chr1", 0, 60).size * "N")
    refuse(tmp_path, exon_rows(), "only 0.0% of 0 introns read GT..AG", genome=genome)
    genome = make_genome(chr1=SEQUENCE + "N" * 60)
    annotation = load_splice_sites(write_gtf(tmp_path / "b.gtf", *lines), genome)
    assert annotation.counts["introns_with_n"] == 2


def test_the_share_is_that_of_the_whole_annotation(tmp_path):
    # One intron in two reads GT..AG, and the filter would keep that one alone.
    bad = [
        row("exon", 21, 24, "+", TAGGED.format("X")),
        row("exon", 29, 30, "+", TAGGED.format("X")),
    ]
    lines = [*exon_rows(TAGGED)[:2], *bad]
    refuse(tmp_path, lines, r"only 50.0% of 2 introns", gene_types=["type_P"])


def test_no_common_chromosome(tmp_path):
    message = r"none of its chromosomes \(chr1\) is named in the annotation \(chr7\)"
    refuse(tmp_path, exon_rows(chrom="chr7"), message, kind=CoordinateError)


def test_nothing_inside_the_slice(tmp_path):
    genome = Genome.from_records({"chr1:5001-5060": "A" * 60})
    message = r"none of its 2 introns lies inside the genome, which holds chr1:\[5000, 5060\)"
    refuse(tmp_path, exon_rows(), message, genome=genome, kind=CoordinateError)


@pytest.mark.parametrize(
    ("options", "attribute"),
    [
        ({"gene_types": ["lncRNA"]}, r"gene_type \(or gene_biotype\)"),
        ({"tags": ["basic"]}, "tag"),
        ({"level": 1}, "level"),
    ],
)
def test_a_filter_on_an_attribute_that_the_file_lacks(tmp_path, options, attribute):
    refuse(tmp_path, exon_rows(), f"no row has the attribute {attribute}, so the filter", **options)


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"gene_types": ["x"]}, r"type_M \(1\), type_P \(1\)"),
        ({"tags": ["x"]}, r"tag_M \(2\), tag_P \(2\)"),
        ({"level": 1}, r"2 \(2\)"),
    ],
)
def test_a_filter_that_leaves_nothing_names_what_there_is(tmp_path, options, values):
    message = rf"the filter .* leaves no transcript; the file has {values}"
    refuse(tmp_path, exon_rows(TAGGED), message, **options)


def test_filters_that_leave_no_intron(tmp_path):
    lines = [*exon_rows(TAGGED), row("exon", 55, 58, "+", TAGGED.format("single"))]
    message = "the transcripts that pass the filters have no intron inside the genome; wanted"
    refuse(tmp_path, lines, message, gene_types=["type_single"])
