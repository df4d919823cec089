"""Labels from INFO and from tables: one for a record or for each allele, missing, wrong."""

import gzip

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.variant_labels import assign_labels, read_info
from ldar_interp.sites.variant_table import read_table_labels, read_variant_table
from ldar_interp.sites.vcf import read_vcf

HEADER = "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n"


@pytest.fixture
def genome():
    return Genome.from_records({"chr1": "ACGTTTTACACACGGNNCATGCATGC"})


@pytest.fixture
def write(tmp_path):
    def write_text(text, name="small.vcf"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
        return path

    return write_text


def make_vcf(*rows):
    return HEADER + "".join(
        f"1\t{pos}\t.\t{ref}\t{alt}\t.\t.{info}\n" for pos, ref, alt, info in rows
    )


def test_labels_of_records_and_of_alleles(write, genome):
    path = write(
        make_vcf(
            (1, "A", "C", "\tX=1;BAD=1"),
            (2, "C", "A,G", "\tBAD=0"),  # one for both
            (3, "G", "A,*", "\tBAD=1,0"),  # one for each
            (4, "T", "C", "\tBAD=."),
            (5, "T", "C", "\tX=3;Y"),
            (6, "T", "C", ""),  # no INFO at all
            (8, "A", "C,G", "\tBAD=.,1"),
        ),
        "small.vcf.gz",
    )
    by_line = read_info(path, "BAD")
    assert by_line == {3: "1", 4: "0", 5: "1,0", 6: ".", 9: ".,1"}
    labels = assign_labels(read_vcf(path, genome).table, by_line, path=path)
    nan = np.nan
    np.testing.assert_equal(labels, [1, 0, 0, 1, 0, nan, nan, nan, nan, 1])


@pytest.mark.parametrize(
    ("info", "key", "message"),
    [
        ("\tX=1;Y=2", "BAD", "no record has the INFO key BAD; it has X, Y"),
        ("\t.", "BAD", "no record has the INFO key BAD; it has none at all"),
        ("\tX=1;BAD", "BAD", "line 3 has the INFO key BAD without a value; wanted BAD=0 or BAD=1"),
        ("\tBAD=Benign", "BAD", "line 3 has label 'Benign'; wanted 0 or 1, or . where"),
        ("\tBAD=1,0,1", "BAD", "line 3 has 3 labels for 2 alternate alleles; wanted one"),
        ("\tBAD=.", "BAD", "no variant has a label; wanted 0 or 1 for some of each"),
    ],
)
def test_wrong_labels(write, genome, info, key, message):
    path = write(make_vcf((1, "A", "C,G", info)))
    with pytest.raises(InputError, match=message):
        assign_labels(read_vcf(path, genome).table, read_info(path, key), path=path)


def test_a_table_is_read_and_checked_as_a_vcf(write, genome):
    path = write(
        "alt\tpos\tchrom\tref\tbad\nC,T\t1\t1\ta\t1\nG\t3\t1\tGT\t0\nG\t17\t1\tA\t\n", "mine.tsv"
    )
    found = read_variant_table(path, genome)
    table = found.table
    assert table["status"].tolist()[:3] == ["usable"] * 3
    assert table["line"].tolist() == [2, 2, 3, 4] and found.counts["the genome holds N there"] == 1
    assert table["ref"].tolist() == ["A", "A", "GT", "A"] and table["id"].tolist() == ["."] * 4
    labels = assign_labels(table, read_table_labels(path, "bad"), path=path)
    np.testing.assert_equal(labels, [1, 1, 0, np.nan])
    # The same alleles as from a VCF.
    vcf = write(make_vcf((1, "A", "C,T", ""), (3, "GT", "G", ""), (17, "A", "G", "")))
    other = read_vcf(vcf, genome).table
    pd.testing.assert_frame_equal(table.drop(columns="line"), other.drop(columns="line"))


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("chrom\tpos\tref\n1\t1\tA\n", InputError, "has no column alt; wanted a TSV"),
        ("chrom\tpos\tref\talt\n", InputError, "has no rows; wanted a TSV"),
        ("chrom\tpos\tref\talt\n1\t1.5\tA\tC\n", InputError, "line 2 has chrom '1', pos '1.5'"),
        ("chrom\tpos\tref\talt\n1\t1\t\tC\n", InputError, "ref '', alt 'C'; wanted no empty cell"),
        ("", InputError, "cannot be read \\(No columns"),
        ("chrom\tpos\tref\talt\nX\t1\tA\tC\n", CoordinateError, "X"),
        ("chrom\tpos\tref\talt\n1\t1\tG\tC\n", InputError, "REF of 1 of 1 alleles is not what"),
    ],
)
def test_wrong_tables(write, genome, text, error, message):
    with pytest.raises(error, match=message):
        read_variant_table(write(text, "mine.tsv"), genome)


def test_a_missing_file_and_a_missing_label_column(write, tmp_path, genome):
    with pytest.raises(InputError, match=r"absent.tsv: cannot be read \(No such file"):
        read_variant_table(tmp_path / "absent.tsv", genome)
    path = write("chrom\tpos\tref\talt\n1\t1\tA\tC\n", "mine.tsv")
    with pytest.raises(InputError, match="has no column 'bad' for labels; wanted one of chrom"):
        read_table_labels(path, "bad")
