"""VCF records of every kind, checked by hand on a short genome; what is left out is counted."""

import gzip
import logging

import pytest

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites import vcf
from ldar_interp.sites.vcf import read_vcf, spread_indel, trim

#        0123456789012345678901234
TEXT = "ACGTTTTACACACGGNNCATGCATGC"
HEADER = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture
def genome():
    return Genome.from_records({"chr1": TEXT, "chr2:101-108": "acgtacgt"})


@pytest.fixture
def read(tmp_path, genome):
    def read_lines(*lines, **options):
        path = tmp_path / "small.vcf"
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines))
        return read_vcf(path, genome, **options)

    return read_lines


def row(chrom, pos, ref, alt):
    return f"{chrom}\t{pos}\t.\t{ref}\t{alt}\t.\tPASS\tX=1\tGT\t0/1"


@pytest.mark.parametrize(
    ("pos", "ref", "alt", "placed"),
    [
        (1, "A", "G", (0, 1, "G", 0, 1)),
        (2, "cg", "ta", (1, 3, "TA", 1, 3)),
        (1, "AC", "AG", (1, 2, "G", 1, 2)),
        (3, "GT", "G", (3, 4, "", 3, 7)),  # one T of four: as far as the run reaches
        (6, "TT", "T", (5, 6, "", 3, 7)),  # the same, written elsewhere
        (3, "G", "GT", (3, 3, "T", 3, 7)),
        (7, "TAC", "T", (7, 9, "", 7, 13)),  # one AC of three
        (1, "A", "AG", (1, 1, "G", 1, 1)),
        (14, "GG", "G", (13, 14, "", 13, 15)),  # sliding stops at the N
        (1, "ACG", "ATTG", (1, 2, "TT", 1, 2)),
        (26, "C", "CA", (26, 26, "A", 26, 26)),  # behind the last base
    ],
)
def test_alleles_become_the_bases_they_replace(read, pos, ref, alt, placed):
    found = read(row("chr1", pos, ref, alt)).table.iloc[0]
    assert found["status"] == "usable" and (found["ref"], found["alt"]) == (
        ref.upper(),
        alt.upper(),
    )
    assert tuple(found[["start", "end", "inserted", "first", "last"]]) == placed


def test_slices_and_lower_case_genomes_are_read_in_chromosome_coordinates(read):
    found = read(row("chr2", 102, "C", "T")).table.iloc[0]
    assert (found["start"], found["end"]) == (101, 102)


def test_what_cannot_be_used_keeps_its_row_and_is_counted(read):
    found = read(
        row("chr1", 1, "A", "G,T,*"),
        row("chr1", 2, "C", "<DEL>"),
        row("chr1", 2, "C", "C[chr1:9["),
        row("chr1", 2, "C", ".C"),
        row("chr1", 2, "C", "."),
        row("chr1", 2, "C", "N"),
        row("chr1", 2, "C", "R"),
        row("chr1", 2, "M", "A"),
        row("chr1", 2, "C", "C"),
        row("chr1", 15, "GN", "G"),
        row("chr1", 15, "GA", "G"),
        row("chr1", 26, "CA", "C"),
        row("chr1", 0, "N", "A"),
        row("chr1", 0, "A", "T"),
        row("chr2", 1, "A", "T"),
        row("chrUn", 1, "A", "T"),
        row("chr1", 2, "T", "G"),
        max_mismatch=0.3,
    )
    assert found.table["status"].tolist() == [
        "usable", "usable", vcf.SPANNING, vcf.SYMBOLIC, vcf.SYMBOLIC, vcf.SYMBOLIC,
        vcf.NO_ALTERNATE, vcf.ODD_LETTERS, vcf.ODD_LETTERS, vcf.ODD_LETTERS, vcf.SAME,
        vcf.ODD_LETTERS, vcf.GENOME_N, vcf.OFF_SEQUENCE, vcf.ODD_LETTERS, vcf.OFF_SEQUENCE,
        vcf.OFF_SEQUENCE, vcf.ABSENT_CHROM, vcf.MISMATCH,
    ]  # fmt: skip
    assert found.table["line"].tolist()[:4] == [3, 3, 3, 4]
    assert found.counts["records"] == 17 and found.counts["alleles"] == 19
    by_status = {k: n for k, n in found.counts.items() if k not in ("records", "alleles")}
    assert sum(by_status.values()) == 19 and by_status[vcf.ODD_LETTERS] == 5
    unusable = found.table[found.table["status"] != "usable"]
    assert unusable[["start", "end", "inserted", "first", "last"]].isna().all(axis=None)


def test_names_without_chr_are_reconciled_out_loud(read, caplog):
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        found = read(row("1", 1, "A", "G"), row("7", 1, "A", "G"))
    assert found.table["chrom"].tolist() == ["chr1", "7"]
    assert found.table["status"].tolist() == ["usable", vcf.ABSENT_CHROM]
    assert "1 -> chr1" in caplog.text


def test_gzip_and_windows_line_ends(tmp_path, genome):
    path = tmp_path / "small.vcf.gz"
    text = (HEADER + row("chr1", 1, "A", "G,C")).replace("\n", "\r\n")
    # Two members, as bgzip writes.
    path.write_bytes(gzip.compress(text[:60].encode()) + gzip.compress(text[60:].encode() + b"\n"))
    assert read_vcf(path, genome).counts == {"records": 1, "alleles": 2, "usable": 2}
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(
        InputError, match=r"small.vcf.gz: cannot be read \(.*\); wanted a VCF, plai"
    ):
        read_vcf(path, genome)


def test_a_tenth_of_mismatches_passes_and_more_is_an_error(read):
    right = [row("chr1", 1, "A", "G")] * 9
    assert read(*right, row("chr1", 2, "T", "G")).counts[vcf.MISMATCH] == 1
    with pytest.raises(
        InputError,
        match=r"REF of 2 of 11 alleles is not what the genome holds, first on line 12 "
        r"\(chr1:2 T>G\); wanted variants called on this genome",
    ):
        read(*right, row("chr1", 2, "T", "G"), row("chr1", 3, "A", "G"))


@pytest.mark.parametrize(
    "line",
    ["chr1\tx\t.\tA\tG", "chr1\t1\t.\tA", "chr1 1 . A G", "chr1\t-1\t.\tA\tG", "chr1\t1\t.\t\tG"],
)
def test_broken_records_are_named(read, line):
    with pytest.raises(
        InputError, match=r"line 4 is '.*wanted CHROM, POS, ID, REF, ALT, separated"
    ):
        read(row("chr1", 1, "A", "G"), line)


def test_files_that_are_no_vcf(tmp_path, genome, read):
    with pytest.raises(InputError, match=r"absent.vcf: cannot be read"):
        read_vcf(tmp_path / "absent.vcf", genome)
    with pytest.raises(InputError, match="has no records; wanted at least one variant"):
        read()
    bare = tmp_path / "bare.vcf"
    bare.write_text(row("chr1", 1, "A", "G"))
    with pytest.raises(InputError, match="line 1 is a record before any #CHROM line"):
        read_vcf(bare, genome)
    bare.write_text("##fileformat=VCFv4.3\n")
    with pytest.raises(InputError, match="has no #CHROM line; wanted a VCF with its header"):
        read_vcf(bare, genome)
    with pytest.raises(CoordinateError, match="none of its chromosomes"):
        read(row("chr9", 1, "A", "G"))


def test_trimming_takes_the_end_first():
    assert trim(10, "CTCC", "CCC") == (11, 12, "")
    assert trim(10, "A", "AAA") == (10, 10, "AA")
    assert trim(10, "GATC", "GTTC") == (11, 12, "T")


def test_sliding_stops_at_the_ends_of_the_sequence():
    genome = Genome.from_records({"c": "AAAA"})
    assert spread_indel(genome, "c", 2, 3, "") == (0, 4)
    assert spread_indel(genome, "c", 4, 4, "A") == (0, 4)
    assert spread_indel(genome, "c", 1, 2, "C") == (1, 2)
