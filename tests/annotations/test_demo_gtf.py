"""Which rows a region gets, on two tiny regions."""

from annotations.demo_gtf import annotate_regions
from annotations.introns import GeneJunctions, Transcript
from ldar_interp.genome.intervals import Interval

REGION = Interval("chr3", 0, 1_000)
T1 = Transcript("T1", "chr3", "-", ((10, 20), (130, 140), (250, 260)))
G1 = GeneJunctions("ENSG1", "chr3", "-", (5, 260), (20, 140), (130, 200, 250))
CUT = Transcript("T2", "chr3", "+", ((600, 650), (700, 720), (990, 1_100)))
G2 = GeneJunctions("ENSG2", "chr3", "+", (600, 1_100), (650, 720), (700, 990))


def annotate(transcripts, genes):
    return annotate_regions([REGION], transcripts, genes)


def test_rows_of_a_whole_gene():
    lines = [str(row).split("\t") for row in annotate([T1], [G1]).rows]
    assert [(f[1], f[2], int(f[3]), int(f[4])) for f in lines] == [
        ("cispliceai", "gene", 6, 260),
        ("spliceai", "transcript", 11, 260),
        ("spliceai", "exon", 251, 260),  # minus strand: 5' exon first
        ("spliceai", "exon", 131, 140),
        ("spliceai", "exon", 11, 20),
        ("cispliceai", "intron", 141, 200),
    ]
    assert {f[6] for f in lines} == {"-"}
    assert lines[0][8] == 'gene_id "ENSG1"; gene_name "T1";'
    assert lines[2][8] == 'gene_id "ENSG1"; transcript_id "T1"; gene_name "T1";'
    assert lines[5][8] == 'gene_id "ENSG1"; gene_name "T1";'


def test_a_gene_without_transcript_has_introns_and_no_name():
    rows = annotate([], [G1]).rows
    assert [(r.feature, r.start, r.end) for r in rows] == [
        ("gene", 5, 260),
        ("intron", 20, 130),
        ("intron", 140, 200),
        ("intron", 140, 250),
    ]
    assert all(r.attributes == (("gene_id", "ENSG1"),) for r in rows)


def test_a_cut_transcript_keeps_its_whole_introns_only():
    annotation = annotate([CUT], [G2])
    assert [(r.feature, r.start, r.end) for r in annotation.rows] == [
        ("intron", 650, 700),
        ("intron", 720, 990),
    ]
    assert annotation.left_out["transcripts_cut_by_the_end"] == ("T2",)
    region = Interval("chr3", 0, 800)
    annotation = annotate_regions([region], [CUT], [G2])
    assert [(r.start, r.end) for r in annotation.rows] == [(650, 700)]
    assert annotation.left_out["introns_that_leave_the_region"] == ("ENSG2:720-990",)


def test_a_gene_with_nothing_inside_is_named_and_not_written():
    annotation = annotate_regions([Interval("chr3", 0, 640)], [CUT], [G2])
    assert annotation.rows == ()
    assert annotation.left_out["genes_with_nothing_inside"] == ("ENSG2",)


def test_an_unjoined_transcript_keeps_its_name_as_gene_id():
    stranger = Transcript("T9", "chr3", "-", ((10, 21), (131, 140)))
    annotation = annotate([stranger], [G1])
    assert {dict(r.attributes)["gene_id"] for r in annotation.rows} == {"T9", "ENSG1"}
    assert annotation.left_out["transcripts_without_ensg"] == ("T9",)
    gene = next(r for r in annotation.rows if dict(r.attributes)["gene_id"] == "T9")
    assert (gene.source, gene.feature, gene.start, gene.end) == ("spliceai", "gene", 10, 140)


def test_an_unjoined_cut_transcript_keeps_its_whole_introns():
    rows = annotate([CUT], []).rows
    assert [(r.feature, r.start, r.end) for r in rows] == [
        ("intron", 650, 700),
        ("intron", 720, 990),
    ]
    assert {r.attributes for r in rows} == {(("gene_id", "T2"), ("gene_name", "T2"))}


def test_introns_of_the_other_strand_pair_nothing():
    # Read from the other strand, 140 would go with 250 only; its own gene says nearest: 200.
    other = Transcript("T3", "chr3", "+", ((100, 140), (250, 300)))
    gene = GeneJunctions("ENSG8", "chr3", "-", (5, 260), (140,), (200, 250))
    found = {(r.start, r.end) for r in annotate([other], [gene]).rows if r.strand == "-"}
    assert found == {(5, 260), (140, 200), (140, 250)}
    same = Transcript("T3", "chr3", "-", other.exons)
    crowded = GeneJunctions("ENSG8", "chr3", "-", (5, 260), (140, 160), (200, 250))
    known = {(r.start, r.end) for r in annotate([same], [crowded]).rows if r.feature == "intron"}
    assert known == {(160, 200)}
    apart = {(r.start, r.end) for r in annotate([other], [crowded]).rows if r.feature == "intron"}
    assert apart == {(140, 200), (160, 200), (160, 250)}


def test_other_chromosomes_are_not_written():
    elsewhere = GeneJunctions("ENSG7", "chr4", "+", (5, 260), (20,), (130,))
    assert annotate([], [elsewhere]).rows == ()
    rows = annotate_regions([REGION, Interval("chr4", 0, 500)], [T1], [G1, elsewhere]).rows
    assert [r.chrom for r in rows if r.feature == "gene"] == ["chr3", "chr4"]


def test_order_of_the_input_does_not_matter():
    assert annotate([T1, CUT], [G1, G2]) == annotate([CUT, T1], [G2, G1])
