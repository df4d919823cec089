"""Every way in which a FASTA can be wrong is one line that says what to do."""

import gzip
import os

import pytest
from Bio import bgzf

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome

DNA = b">chr1\nACGTACGT\n"


def write_bgzip(path, content):
    with bgzf.BgzfWriter(str(path)) as handle:
        handle.write(content)
    return path.read_bytes()


def refuse(path, message, content=None):
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        Genome(path)
    text = str(caught.value)
    assert "\n" not in text
    assert path.name in text


def test_missing(tmp_path):
    refuse(tmp_path / "no.fa", "no such FASTA file; check the path")


def test_folder(tmp_path):
    refuse(tmp_path, "is a folder; wanted a FASTA file")


def test_empty(tmp_path):
    refuse(tmp_path / "g.fa", "is empty; wanted a FASTA file", b"")


def test_plain_gzip(tmp_path):
    message = "is gzip, .* wanted bgzip: run `gunzip g.fa.gz` and then `bgzip g.fa`"
    refuse(tmp_path / "g.fa.gz", message, gzip.compress(DNA))


def test_bgzip_without_its_suffix(tmp_path):
    content = write_bgzip(tmp_path / "x.gz", DNA)
    refuse(tmp_path / "g.fa", "is bgzip but not named so; rename it to g.fa.gz", content)


def test_truncated_bgzip(tmp_path):
    content = write_bgzip(tmp_path / "x.gz", DNA)
    refuse(tmp_path / "g.fa.gz", "is a truncated bgzip file .* fetch", content[:-5])


def test_damaged_bgzip(tmp_path):
    content = bytearray(write_bgzip(tmp_path / "x.gz", DNA * 50))
    content[25:40] = bytes(15)
    refuse(tmp_path / "g.fa.gz", "fetch it again", bytes(content))


def test_bgzip_damaged_behind_a_valid_index(tmp_path, index_cache):
    path = tmp_path / "g.fa.gz"
    content = bytearray(write_bgzip(path, b">a\n" + b"ACGGTTTACA\n" * 20000))
    state = path.stat()
    Genome(path).close()
    assert list(index_cache.iterdir())
    half = len(content) // 2
    content[half : half + 20] = bytes(20)
    path.write_bytes(content)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    with (
        pytest.raises(InputError, match=r"damaged near a:.*; fetch it again"),
        Genome(path) as genome,
    ):
        genome.fetch("a", 0, 200000)


def test_plain_text_named_gz(tmp_path):
    refuse(tmp_path / "g.fa.gz", "is named .gz but is not compressed; drop the suffix", DNA)


@pytest.mark.parametrize("content", [b"ACGT\n", b"##gff\nchr1\n", b"\x00\x01\x02", b"@r\nACGT\n"])
def test_not_fasta(tmp_path, content):
    refuse(tmp_path / "g.fa", "is not FASTA: it begins with .* wanted a line `>name`", content)


def test_binary_after_the_first_line(tmp_path):
    refuse(tmp_path / "g.fa", "not text or damaged", b">a\n\xff\xfe\x00\xff\n")


def test_protein(tmp_path):
    message = r"is not DNA: \d+% of \d+ sampled letters are no nucleotide codes \(EFILPQ\)"
    refuse(tmp_path / "g.fa", message, b">p\nMEFILPQKLEELFELPQQ\n")


def test_iupac_codes_and_lower_case_are_dna(tmp_path):
    (tmp_path / "g.fa").write_bytes(b">a\nRYKMSWBDHVNacgtun\n")
    Genome(tmp_path / "g.fa").close()


def test_duplicate_records(tmp_path):
    refuse(tmp_path / "g.fa", "record 'chr1' occurs twice; wanted unique names", DNA + DNA)


def test_empty_record(tmp_path):
    refuse(tmp_path / "g.fa", "record 'b' is empty; wanted bases", b">a\nACGT\n>b\n>c\nAC\n")


def test_record_without_a_name(tmp_path):
    refuse(tmp_path / "g.fa", "Bad sequence name", b">\nACGT\n")


def test_lines_of_several_widths(tmp_path):
    message = "not FASTA with lines of one width .* `seqkit seq -w 60`"
    refuse(tmp_path / "g.fa", message, b">a\nACGT\nAC\nACGT\nACGTAC\n")


def test_slices_that_overlap(tmp_path):
    message = "records 'a:1-4' and 'a:4-6' overlap; wanted each base once"
    refuse(tmp_path / "g.fa", message, b">a:4-6\nTAC\n>a:1-4\nACGT\n")


def test_a_slice_of_a_chromosome_that_is_there_as_a_whole(tmp_path):
    refuse(tmp_path / "g.fa", "records 'a' and 'a:2-3' overlap", b">a\nACGT\n>a:2-3\nCG\n")


def test_a_slice_whose_name_promises_another_length(tmp_path):
    message = r"record 'a:1-9' holds 4 bases, its name \(1-based, .*\) promises 9: rename it"
    refuse(tmp_path / "g.fa", message, b">a:1-9\nACGT\n")


def test_zero_based_slices_of_bedtools_are_recognised(tmp_path):
    message = r"holds 4 bases, .* promises 5; if it is 0-based \(bedtools\), rename it to a:11-14"
    refuse(tmp_path / "g.fa", message, b">a:10-14\nACGT\n")


def test_memory_without_records():
    with pytest.raises(InputError, match="no records; wanted at least one name"):
        Genome.from_records({})
