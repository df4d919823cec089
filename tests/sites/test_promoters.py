"""Transcription starts by hand, on a 60-bp genome: from GTF in three dialects and from BED."""

import gzip
import logging

import pandas as pd
import pytest
from gencode_case import SEQUENCE, exon_rows, make_genome, row, write_gtf

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.sites.promoters import TSS_COLUMNS, load_promoters, read_promoters
from ldar_interp.sites.table import check_sites
from ldar_interp.sites.tss_bed import load_tss_bed

TAGGED = (
    'gene_id "{0}"; transcript_id "{0}.1"; gene_type "t_{0}"; gene_name "n{0}"; tag "tag_{0}"; '
    "level 2;"
)


def load(tmp_path, lines, **options):
    return load_promoters(write_gtf(tmp_path / "a.gtf", *lines), make_genome(), **options)


def place(table):
    return table[["chrom", "edge", "strand"]].to_numpy().tolist()


def test_a_start_is_the_5_prime_edge_of_its_transcript(tmp_path):
    found = load(tmp_path, exon_rows(TAGGED))
    tss = found.tss
    # Gene P: first exon 1..5 of the plus strand, edge 0. Gene M: 47..52 of minus, edge 52.
    assert place(tss) == [["chr1", 0, "+"], ["chr1", 52, "-"]]
    assert tss.columns.tolist() == list(TSS_COLUMNS)
    assert check_sites(tss).equals(tss)
    assert tss["site_id"].tolist() == ["chr1:0:+:tss", "chr1:52:-:tss"]
    assert tss["group"].tolist() == ["nP", "nM"]
    assert tss["gene_name"].tolist() == ["nP", "nM"]
    assert found.genes["gene_id"].tolist() == ["P", "M"]
    assert found.counts["transcripts_with_start"] == found.counts["tss"] == 2


def test_a_transcript_row_wins_over_its_exons(tmp_path):
    lines = [*exon_rows(), row("transcript", 29, 56, "-", 'gene_id "M"; transcript_id "M.1";')]
    assert place(load(tmp_path, lines).tss) == [["chr1", 0, "+"], ["chr1", 56, "-"]]


def test_shared_starts_are_one_site(tmp_path):
    second = [line.replace("M.1", "M.2") for line in exon_rows() if "M.1" in line]
    other = [
        line.replace("M.1", "Z.1").replace('"M"', '"Z"') for line in exon_rows() if "M.1" in line
    ]
    longer = [row("exon", 47, 55, "-", 'gene_id "M"; transcript_id "M.3";')]
    found = load(tmp_path, [*exon_rows(), *second, *other, *longer])
    assert place(found.tss) == [["chr1", 0, "+"], ["chr1", 52, "-"], ["chr1", 55, "-"]]
    shared = found.tss.iloc[1]
    assert (shared["gene_id"], shared["n_transcripts"]) == ("M", 3)
    assert found.tss["group"].tolist() == ["P", "M+1", "M+1"]
    counts = found.counts
    assert (counts["transcripts"], counts["gene_starts"], counts["tss"]) == (5, 4, 3)
    assert counts["starts_shared_by_genes"] == 1


def test_filters_keep_what_they_name_and_known_keeps_all(tmp_path):
    for options in ({"gene_types": ["t_M"]}, {"tags": ["tag_M"]}):
        found = load(tmp_path, exon_rows(TAGGED), **options)
        assert place(found.tss) == [["chr1", 52, "-"]]
        assert place(found.known) == [["chr1", 0, "+"], ["chr1", 52, "-"]]
        assert found.counts["transcripts_filtered_out"] == 1
    with pytest.raises(InputError, match="leaves no transcript; the file has t_M"):
        load(tmp_path, exon_rows(TAGGED), gene_types=["none"])
    assert len(load(tmp_path, exon_rows(TAGGED), level=2).tss) == 2


@pytest.mark.parametrize(
    "template",
    [
        'gene_id "{0}"; transcript_id "{0}.1"; gene_biotype "x"; gene_name "n{0}";',
        'gene_id "{0}"; transcript_id "{0}.1"; gene "n{0}"; transcript_biotype "mRNA";',
    ],
    ids=["Ensembl", "RefSeq"],
)
def test_other_dialects_and_names(tmp_path, template, caplog):
    gtf = write_gtf(tmp_path / "a.gtf", *exon_rows(template, chrom="1"))
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        found = load_promoters(gtf, make_genome())
    assert place(found.tss) == [["chr1", 0, "+"], ["chr1", 52, "-"]]
    assert found.tss["gene_name"].tolist() == ["nP", "nM"]
    assert found.chrom_names == {"1": "chr1"}
    assert "chromosome names reconciled" in caplog.text


def test_what_is_not_there_is_counted(tmp_path, caplog):
    away = exon_rows('gene_id "A{0}"; transcript_id "A{0}.1";', chrom="chr7")
    off = exon_rows('gene_id "O{0}"; transcript_id "O{0}.1";', shift=1000)
    cut = [row("exon", 55, 90, "-", 'gene_id "C"; transcript_id "C.1";')]
    alone = [row("intron", 6, 16, "+", 'gene_id "I";')]
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        found = load(tmp_path, [*exon_rows(), *away, *off, *cut, *alone])
    counts = found.counts
    assert counts["transcripts"] == 8
    assert counts["transcripts_on_absent_chroms"] == 2
    assert counts["transcripts_off_genome"] == 3
    assert counts["transcripts_without_start"] == 1
    assert counts["transcripts_with_start"] == 2
    assert "1 chromosomes are not in the genome: chr7" in caplog.text
    with pytest.raises(InputError, match="no transcript that passes the filters starts inside"):
        load(tmp_path, off)
    with pytest.raises(CoordinateError, match="none of its chromosomes"):
        load(tmp_path, away)


def test_the_table_alone(tmp_path):
    gtf = write_gtf(tmp_path / "a.gtf", *exon_rows())
    assert read_promoters(gtf, make_genome()).equals(load_promoters(gtf, make_genome()).tss)


BED = "chr1\t5\t6\tcap1\t9\t+\nchr1\t40\t45\tpeak\t0\t-\textra\n"


def read_bed(tmp_path, text, name="t.bed", **options):
    path = tmp_path / name
    path.write_text(text)
    return load_tss_bed(path, make_genome(), **options)


def test_a_bed_point_is_its_5_prime_edge(tmp_path):
    text = "# a comment\ntrack name=x\n\n" + BED + "chr1 5 6 minus 0 -\n"
    found = read_bed(tmp_path, text)
    # [5, 6) is edge 5 on plus and edge 6 on minus; the peak [40, 45) on minus is edge 45.
    assert place(found.tss) == [["chr1", 5, "+"], ["chr1", 6, "-"], ["chr1", 45, "-"]]
    assert found.tss["gene_name"].tolist() == ["cap1", "minus", "peak"]
    assert found.tss["gene_id"].isna().all()
    assert found.tss["group"].tolist() == ["chr1:0Mb"] * 3
    assert check_sites(found.tss).equals(found.tss)
    assert place(found.known) == place(found.tss)
    path = tmp_path / "t.bed.gz"
    path.write_bytes(gzip.compress(text.encode()))
    assert load_tss_bed(path, make_genome()).tss.equals(found.tss)


def test_bed_groups_come_from_genes(tmp_path):
    genes = pd.DataFrame({"chrom": ["chr1"], "start": [8], "end": [20], "group": ["G"]})
    found = read_bed(tmp_path, BED, genes=genes)
    # Within 1 kb of the only gene, both belong to it.
    assert found.tss["group"].tolist() == ["G", "G"]
    far = read_bed(tmp_path, BED, genes=genes.assign(start=5000, end=6000))
    assert far.tss["group"].tolist() == ["chr1:0Mb"] * 2


def test_bed_lines_left_out_are_counted_and_said(tmp_path, caplog):
    more = "chr1\t5\t9\tagain\t0\t+\nchr1\t60\t61\toff\t0\t+\nchr9\t1\t2\taway\t0\t+\n"
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        found = read_bed(tmp_path, BED + more)
    assert found.counts == {
        "lines": 5,
        "on_absent_chroms": 1,
        "off_genome": 1,
        "duplicates": 1,
        "tss": 2,
        "groups_with_sites": 1,
    }
    assert found.tss["gene_name"].tolist() == ["cap1", "peak"]
    assert found.absent_chroms == ("chr9",)
    for words in ("1 starts on 1 chromosomes that are not", "off genome", "duplicates"):
        assert words in caplog.text
    assert len(SEQUENCE) == 60


MISTAKES = {
    "three columns": ("chr1\t5\t6\n", r"t\.bed:1: 3 columns; wanted six, the strand in the sixth"),
    "no strand": ("chr1\t5\t6\ta\t0\t.\n", r"t\.bed:1: strand '\.'; wanted \+ or -"),
    "an empty point": ("chr1\t5\t5\ta\t0\t+\n", r"t\.bed:1: start '5', end '5'; wanted whole"),
    "negative": ("chr1\t-5\t5\ta\t0\t+\n", r"t\.bed:1: start '-5', end '5'"),
    "a second line": (BED + "chr1\tx\t5\ta\t0\t+\n", r"t\.bed:3: start 'x', end '5'"),
    "nothing": ("# nothing\n", r"t\.bed has no intervals; wanted a BED file of transcription"),
    "all off": ("chr1\t70\t71\ta\t0\t+\n", "none of its 1 starts lies inside the genome"),
    "other names": ("chr8\t5\t6\ta\t0\t+\n", "none of its chromosomes"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_in_a_bed(tmp_path, case):
    text, message = MISTAKES[case]
    with pytest.raises(InputError, match=message) as caught:
        read_bed(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_bed_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"no\.bed: cannot be read .*; wanted a BED file"):
        load_tss_bed(tmp_path / "no.bed", make_genome())
    (tmp_path / "t.bed.gz").write_bytes(gzip.compress(BED.encode() * 99)[:-9])
    with pytest.raises(InputError, match=r"t\.bed\.gz: not text or damaged .*; wanted a BED file"):
        load_tss_bed(tmp_path / "t.bed.gz", make_genome())
