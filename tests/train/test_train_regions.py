"""Regions, BED splits and what is excluded: which bases a source stands for."""

import gzip
import logging

import pytest
from tiny_run import random_sequence, write_config, write_fasta

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import format_region, parse_region
from ldar_interp.train.bed import read_split
from ldar_interp.train.config import Source, read_config
from ldar_interp.train.regions import locate, read_source, subtract


def source(path, **fields) -> Source:
    return Source(name="s", fasta=path, **fields)


@pytest.fixture
def fasta(tmp_path):
    """chr1 of 100 bases, chr2 of 50, and the bases 201-240 of chr3."""
    path = tmp_path / "a.fa"
    names = {"chr1": 100, "chr2": 50, "chr3:201-240": 40}
    path.write_text("".join(f">{n}\n{random_sequence(k, seed=k)}\n" for n, k in names.items()))
    return path


@pytest.fixture
def bed(tmp_path):
    def write(text: str, name: str = "splits.bed"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def find(source: Source) -> list[str]:
    with Genome(source.fasta) as genome:
        return [f"{i.chrom}[{i.start},{i.end})" for i in locate(source, genome).intervals]


def refused(source: Source, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        find(source)
    assert "\n" not in str(caught.value)


# ---- regions ------------------------------------------------------------------------------------


def test_regions_are_one_based_and_closed():
    assert parse_region("chr3:42,000,001-44,000,000") == Interval("chr3", 42_000_000, 44_000_000)
    assert parse_region("HLA:A*01:5-5") == Interval("HLA:A*01", 4, 5)
    assert format_region(parse_region("HLA:A*01:5-7")) == "HLA:A*01:5-7"


@pytest.mark.parametrize(
    "text", ["chr1", "chr1:5", "chr1:a-b", ":1-2", "chr1:,-5", "chr1:1-", "1-2"]
)
def test_text_that_is_no_region(text):
    with pytest.raises(InputError, match=r"is not chrom:start-end \(1-based, both ends included\)"):
        parse_region(text)


@pytest.mark.parametrize("text", ["chr1:0-5", "chr1:6-5"])
def test_a_region_that_is_empty_or_before_the_chromosome(text):
    with pytest.raises(InputError, match="is empty or starts before base 1"):
        parse_region(text)


def test_a_source_without_regions_is_the_whole_file(fasta):
    assert find(source(fasta)) == ["chr1[0,100)", "chr2[0,50)", "chr3[200,240)"]


def test_overlapping_regions_are_merged_and_touching_ones_are_not(fasta):
    here = source(fasta, regions=("chr2:1-10", "chr1:41-60", "chr1:1-20", "chr1:21-45"))
    assert find(here) == ["chr1[0,20)", "chr1[20,60)", "chr2[0,10)"]
    with Genome(fasta) as genome:
        assert locate(here, genome).n_merged == 1
        twice = source(fasta, regions=("chr1:1-30", "chr1:5-9", "chr1:1-30"))
        assert locate(twice, genome).n_merged == 2


def test_a_region_past_the_end_or_on_no_chromosome(fasta):
    refused(
        source(fasta, regions=("chr1:1-101",)),
        r"source 's', region 'chr1:1-101': \[0, 101\) leaves the sequence of chr1 in .*a\.fa, "
        r"which is \[0, 100\); wanted an interval inside",
    )
    refused(source(fasta, regions=("chr3:200-210",)), r"which is \[200, 240\)")
    refused(source(fasta, regions=("chr3:1-10",)), r"which is \[200, 240\)")
    refused(source(fasta, regions=("chr9:1-2",)), "no chromosome 'chr9' in .*; it has chr1, chr2")


def test_excluded_bases_are_cut_out(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "AACCGGTTAA")
    pieces = read_source(source(path, exclude=("chr1:9-10", "chr1:3-4", "chr1:3-3")))
    assert [(piece.start, piece.end, decode(ids)) for piece, ids in pieces] == [
        (0, 2, "AA"),
        (4, 8, "GGTT"),
    ]


def test_excluded_bases_are_counted_once(fasta):
    """Three of the cuts are outside the regions or overlap another: 10 bases of chr1 go."""
    cuts = ("chr1:11-20", "chr1:15-18", "chr1:41-45", "chr2:1-50")
    with Genome(fasta) as genome:
        found = locate(source(fasta, regions=("chr1:1-30",), exclude=cuts), genome)
        assert (found.n_excluded, sum(map(len, found.intervals))) == (10, 20)
        assert locate(source(fasta), genome).n_excluded == 0


def test_an_exclusion_that_is_not_there(fasta):
    refused(
        source(fasta, exclude=("chr1:1-9", "chrl:1-10")),
        r"source 's', excluded region 'chrl:1-10': no chromosome 'chrl' in .*a\.fa; it has chr1",
    )
    refused(source(fasta, exclude=("chrl:1-10",)), "no chromosome 'chrl'")
    refused(
        source(fasta, exclude=("chr2:41-51",)),
        r"source 's', excluded region 'chr2:41-51': \[40, 51\) leaves the sequence of chr2 in "
        r".*a\.fa, which is \[0, 50\); wanted an interval inside",
    )


def test_excluded_regions_follow_the_naming_rule(fasta, caplog):
    assert find(source(fasta, exclude=("1:1-90", "2:1-50"))) == ["chr1[90,100)", "chr3[200,240)"]
    assert "chromosome names reconciled" in caplog.text


def test_subtraction_by_hand():
    assert subtract(10, 20, []) == [(10, 20)]
    assert subtract(10, 20, [(0, 10), (12, 14), (13, 15), (20, 30)]) == [(10, 12), (15, 20)]
    assert subtract(10, 20, [(5, 12), (18, 25)]) == [(12, 18)]
    assert subtract(10, 20, [(5, 25)]) == []


# ---- BED splits ---------------------------------------------------------------------------------

SPLITS = """\
# a comment
track name=splits
browser position chr1

chr1\t0\t40\ttrain\t0\t+
chr1\t30\t60\ttrain
chr2 10  20 train
chr1\t80\t100\tvalid
chr3\t205\t240\tvalid
"""


def test_a_split_by_hand(fasta, bed):
    """0-based and half-open; overlaps merged, exclusions cut out."""
    path = bed(SPLITS)
    assert find(source(fasta, bed=path, split="train")) == ["chr1[0,60)", "chr2[10,20)"]
    assert find(source(fasta, bed=path, split="valid")) == ["chr1[80,100)", "chr3[205,240)"]
    assert find(source(fasta, bed=path, split="train", exclude=("chr1:11-60",))) == [
        "chr1[0,10)",
        "chr2[10,20)",
    ]
    assert [line.number for line in read_split(path, "valid")] == [8, 9]


def test_a_compressed_bed(fasta, tmp_path):
    path = tmp_path / "splits.bed.gz"
    path.write_bytes(gzip.compress(SPLITS.encode()))
    assert find(source(fasta, bed=path, split="train")) == ["chr1[0,60)", "chr2[10,20)"]
    path.write_bytes(path.read_bytes()[:-12])
    refused(source(fasta, bed=path, split="train"), r"splits\.bed\.gz: not text or damaged")


def test_names_without_chr(fasta, bed, caplog):
    path = bed("1\t0\t5\ttrain\n2\t3\t5\ttrain\n")
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        assert find(source(fasta, bed=path, split="train")) == ["chr1[0,5)", "chr2[3,5)"]
    assert "'chr' added" in caplog.text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("chr1\t5\t10", r":2: 3 columns; wanted chromosome, start, end and the split's name"),
        ("chr1\tx\t10\ttrain", r":2: start 'x', end '10'; wanted whole numbers with 0 <= start"),
        ("chr1\t-1\t10\tother", r":2: start '-1', end '10'"),
        ("chr1\t5\t1e3\ttrain", r":2: start '5', end '1e3'"),
        ("chr1\t10\t10\ttrain", r":2: start '10', end '10'"),
        ("chr1\t20\t10\tother", r":2: start '20', end '10'"),
        ("chr9\t0\t10\ttrain", r":2: no chromosome 'chr9' in .*a\.fa; it has chr1, chr2, chr3"),
        ("chr2\t40\t51\ttrain", r":2: \[40, 51\) leaves the sequence of chr2 .* \[0, 50\)"),
        ("chr3\t0\t10\ttrain", r":2: \[0, 10\) leaves the sequence of chr3 .* \[200, 240\)"),
    ],
)
def test_bad_lines(fasta, bed, line, message):
    path = bed(f"chr1\t0\t5\ttrain\n{line}\n")
    refused(source(fasta, bed=path, split="train"), r"splits\.bed" + message)


def test_a_split_that_no_line_has(fasta, bed):
    path = bed(SPLITS)
    refused(
        source(fasta, bed=path, split="test"),
        r"splits\.bed: no line of split 'test' in column 4; it has 'train', 'valid': correct",
    )
    many = bed("".join(f"chr1\t{i}\t{i + 1}\tname{i}\n" for i in range(9)))
    refused(source(fasta, bed=many, split="test"), r"'name7', \.\.\.: correct")
    refused(source(fasta, bed=bed("# none\n"), split="test"), "it has no intervals")


def test_a_bed_that_cannot_be_read(fasta, tmp_path):
    refused(
        source(fasta, bed=tmp_path / "none.bed", split="train"),
        r"none\.bed: cannot be read \(No such file or directory\); wanted a BED file",
    )
    (tmp_path / "binary.bed").write_bytes(b"\xff\xfe\x00")
    refused(source(fasta, bed=tmp_path / "binary.bed", split="x"), "not text or damaged")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ('bed = "a.bed"', "bed is given without split; give both or neither"),
        ('split = "train"', "split is given without bed; give both or neither"),
        (
            'bed = "a.bed"\nsplit = "train"\nregions = ["chr1:1-2"]',
            "bed and regions are both given; give one of them",
        ),
    ],
)
def test_contradictions_in_a_config(tmp_path, lines, message):
    path = write_config(tmp_path)
    path.write_text(path.read_text().replace('regions = ["chr1:1-400"]', lines))
    with pytest.raises(InputError, match=rf"train\.0: Value error, {message}"):
        read_config(path)


def test_the_bed_of_a_config_is_relative_to_the_data_folder(tmp_path):
    path = write_config(tmp_path)
    text = path.read_text().replace('regions = ["chr1:1-400"]', 'bed = "a.bed"\nsplit = "train"')
    path.write_text(text)
    assert read_config(path).train[0].bed == tmp_path.resolve() / "a.bed"
    assert read_config(path).validation[0].bed is None
