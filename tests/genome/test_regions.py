"""Regions as text and as BED: coordinates, strands, one test per error."""

import gzip

import pytest

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import as_interval, format_region, locate_regions, read_regions


def test_text_and_bed_name_the_same_bases(tmp_path):
    bed = tmp_path / "a.bed"
    bed.write_text("track name=x\n# c\n\nchr3\t0\t10\nchr4 4 9 n 0 -\nchr4 4 9 n 0 .\n")
    assert read_regions(bed) == [
        Interval("chr3", 0, 10), Interval("chr4", 4, 9, "-"), Interval("chr4", 4, 9),
    ]  # fmt: skip
    assert as_interval("chr3:1-10") == Interval("chr3", 0, 10)
    assert as_interval("chr4:5-9(-)") == Interval("chr4", 4, 9, "-")
    assert as_interval("chr4:5-9(+)") == Interval("chr4", 4, 9, "+")
    assert format_region(as_interval("chr4:5-9(-)")) == "chr4:5-9"
    packed = tmp_path / "a.bed.gz"
    packed.write_bytes(gzip.compress(bed.read_bytes()))
    assert read_regions(packed) == read_regions(bed)


def test_regions_come_under_the_names_of_the_genome():
    genome = Genome.from_records({"chr1:101-200": "ACGT" * 25})
    assert locate_regions(["1:101-110", Interval("1", 190, 200, "-")], genome) == [
        Interval("chr1", 100, 110), Interval("chr1", 190, 200, "-"),
    ]  # fmt: skip
    with pytest.raises(CoordinateError, match=r"region chr1:100-110 is not inside the genome"):
        locate_regions(["chr1:100-110"], genome)


@pytest.mark.parametrize("text", ["chr3", "chr3:5", "chr3:1-x", "chr3:1-2(*)", "chr3:0-5", ""])
def test_text_that_is_no_region(text):
    with pytest.raises(InputError, match=r"region '.*' is (not chrom:start-end|empty or starts)"):
        as_interval(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "{}: no intervals; wanted at least one line chromosome, start, end"),
        ("chr1 5\n", "{}:1: 2 columns; wanted chromosome, start and end"),
        ("#x\nchr1 5 5\n", "{}:2: start '5', end '5'; wanted whole numbers with 0 <= start < end "
         "(0-based, half-open)"),
    ],
)  # fmt: skip
def test_wrong_bed_files(tmp_path, content, message):
    bed = tmp_path / "a.bed"
    bed.write_text(content)
    with pytest.raises(InputError) as caught:
        read_regions(bed)
    assert str(caught.value) == message.format(bed)


def test_a_bed_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"a.bed: cannot be read \(No such file"):
        read_regions(tmp_path / "a.bed")
