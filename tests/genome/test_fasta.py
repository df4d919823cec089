"""Genomes as chromosomes: slices, letters, memory, workers. Errors are in test_fasta_errors."""

import multiprocessing
import os
import pickle

import numpy as np
import pytest
from Bio import bgzf
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.errors import CoordinateError
from ldar_interp.genome.alphabet import decode
from ldar_interp.genome.fasta import Genome, open_genome
from ldar_interp.genome.intervals import Interval

TEXT = ">chr2 a comment\nACGTac\ngtNNNN\nAC\n>chr1:11-20\nGGGGGG\nTTTT\n>chr1:31-34\nCCCC\n"


def write(path, text=TEXT):
    if path.suffix == ".gz":
        with bgzf.BgzfWriter(str(path)) as handle:
            handle.write(text.encode())
    else:
        path.write_text(text)
    return path


@pytest.fixture(params=["plain", "bgzip", "memory"])
def genome(request, tmp_path):
    if request.param == "memory":
        records = {"chr2": "ACGTacgtNNNNAC", "chr1:31-34": "CCCC", "chr1:11-20": "GGGGGGTTTT"}
        yield Genome.from_records(records)
    else:
        name = "g.fa" if request.param == "plain" else "g.fa.gz"
        with Genome(write(tmp_path / name)) as opened:
            yield opened


def test_slices_are_placed_on_their_chromosome(genome):
    assert genome.chroms == ("chr2", "chr1")
    assert genome.segments == (
        Interval("chr2", 0, 14),
        Interval("chr1", 10, 20),
        Interval("chr1", 30, 34),
    )


def test_bases_are_those_of_the_chromosome(genome):
    assert decode(genome.fetch("chr1", 14, 19)) == "GGTTT"
    assert decode(genome.fetch("chr1", 30, 34)) == "CCCC"
    assert decode(genome.fetch("chr2", 0, 14)) == "ACGTACGTNNNNAC"
    assert genome.fetch("chr2", 5, 7).dtype == np.uint8


def test_lower_case_is_sequence_and_soft_mask(genome):
    assert decode(genome.fetch("chr2", 4, 8)) == "ACGT"
    assert genome.soft_mask("chr2", 3, 9).tolist() == [False, True, True, True, True, False]


def test_runs_of_n(genome):
    assert genome.n_runs("chr2") == [Interval("chr2", 8, 12)]
    assert genome.n_runs("chr2", min_length=5) == []
    assert genome.n_runs("chr1") == []


def test_a_run_of_n_across_blocks_and_up_to_the_end_is_one(monkeypatch):
    monkeypatch.setattr("ldar_interp.genome.fasta._BLOCK_BP", 4)
    genome = Genome.from_records({"a": "NACGTNNNNNNACGNN"})
    shown = [(run.start, run.end) for run in genome.n_runs("a")]
    assert shown == [(0, 1), (5, 11), (14, 16)]


@pytest.mark.parametrize(
    ("edge", "start"), [(9, None), (10, 10), (15, 10), (20, 10), (21, None), (34, 30), (35, None)]
)
def test_segment_at_an_edge_includes_both_ends(genome, edge, start):
    segment = genome.segment_at("chr1", edge)
    assert (segment and segment.start) == start


def test_segment_at_an_unknown_chromosome_is_none(genome):
    assert genome.segment_at("chr3", 5) is None


def test_an_edge_between_touching_slices_belongs_to_the_left_one():
    genome = Genome.from_records({"a:1-4": "ACGT", "a:5-8": "ACGT"})
    assert genome.segment_at("a", 4) == Interval("a", 0, 4)
    assert decode(genome.fetch("a", 4, 5)) == "A"


@pytest.mark.parametrize(
    ("chrom", "start", "end", "message"),
    [
        (
            "chr1",
            9,
            12,
            "base 9 of chr1 is not there; wanted one inside \\[10, 20\\), \\[30, 34\\)",
        ),
        ("chr1", 18, 21, "leaves the sequence, which ends at 20"),
        ("chr1", 18, 32, "leaves the sequence, which ends at 20"),
        ("chr1", 20, 22, "base 20 of chr1 is not there"),
        ("chr2", -1, 3, "base -1 of chr2 is not there"),
        ("chr2", 3, 3, "is empty; wanted start < end"),
        ("3", 0, 1, "no chromosome '3'; it has chr2, chr1"),
    ],
)
def test_bases_off_the_sequence_are_an_error_never_padding(genome, chrom, start, end, message):
    with pytest.raises(CoordinateError, match=message):
        genome.fetch(chrom, start, end)


def test_single_bases_in_any_order_and_shape(genome, monkeypatch):
    monkeypatch.setattr("ldar_interp.genome.fasta._BLOCK_BP", 3)
    ids = genome.bases_at("chr1", [[33, 10], [16, 15], [10, 19]])
    assert decode(ids.ravel()) == "CGTGGT"
    assert ids.shape == (3, 2)
    assert genome.bases_at("chr1", []).tolist() == []
    with pytest.raises(CoordinateError, match="base 25 of chr1"):
        genome.bases_at("chr1", [11, 25])


def test_long_reads_are_put_together_from_blocks(genome, monkeypatch):
    monkeypatch.setattr("ldar_interp.genome.fasta._BLOCK_BP", 3)
    assert decode(genome.fetch("chr2", 1, 14)) == "CGTACGTNNNNAC"


def test_a_pickled_genome_opens_itself_again(genome):
    copy = pickle.loads(pickle.dumps(genome))
    assert decode(copy.fetch("chr1", 12, 18)) == "GGGGTT"
    assert copy.segments == genome.segments
    copy.close()


def test_a_closed_genome_opens_itself_again(genome):
    genome.close()
    assert decode(genome.fetch("chr2", 0, 4)) == "ACGT"


def read_in_child(genome, connection):
    connection.send(decode(genome.fetch("chr1", 10, 20)))
    genome.close()


@pytest.mark.parametrize("method", ["spawn"])
def test_worker_processes_read_the_same_bases(tmp_path, method):
    with Genome(write(tmp_path / "g.fa.gz")) as genome:
        context = multiprocessing.get_context(method)
        here, there = context.Pipe()
        worker = context.Process(target=read_in_child, args=(genome, there))
        worker.start()
        assert here.recv() == "GGGGGGTTTT"
        worker.join()


def test_after_a_fork_the_file_is_opened_anew(tmp_path, monkeypatch):
    with Genome(write(tmp_path / "g.fa")) as genome:
        reader = genome._open_reader()
        monkeypatch.setattr(os, "getpid", lambda: -7)
        child_reader = genome._open_reader()
        assert child_reader is not reader
        reader.close()


def test_nothing_is_written_beside_the_file(tmp_path, index_cache):
    folder = tmp_path / "data"
    folder.mkdir()
    for name in ("g.fa", "g.fa.gz"):
        open_genome(write(folder / name)).close()
    assert sorted(path.name for path in folder.iterdir()) == ["g.fa", "g.fa.gz"]
    assert sorted(path.suffix for path in index_cache.iterdir()) == [".fai", ".fai", ".gzi"]


def test_without_a_writable_cache_the_index_is_temporary(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    genome = Genome(write(tmp_path / "g.fa"))
    index = genome._index_path
    assert index.exists()
    assert decode(genome.fetch("chr1", 10, 12)) == "GG"
    genome.close()
    del genome
    assert not index.parent.exists()


def test_an_index_beside_the_file_is_used(tmp_path, index_cache):
    path = write(tmp_path / "g.fa", ">a\nACGT\nAC\n")
    fai = tmp_path / "g.fa.fai"
    fai.write_text("a\t6\t3\t4\t5\n")
    with Genome(path) as genome:
        assert genome._index_path == fai
        assert decode(genome.fetch("a", 2, 6)) == "GTAC"
    assert not index_cache.exists()


@pytest.mark.parametrize("text", ["b\t6\t3\t4\t5\n", "a\t6\t9\t4\t5\n", "nonsense\n", ""])
def test_an_index_of_another_file_is_not_used(tmp_path, text):
    path = write(tmp_path / "g.fa", ">a\nACGT\nAC\n")
    (tmp_path / "g.fa.fai").write_text(text)
    with Genome(path) as genome:
        assert decode(genome.fetch("a", 0, 6)) == "ACGTAC"
    assert (tmp_path / "g.fa.fai").read_text() == text


def test_an_index_older_than_the_file_is_not_used(tmp_path):
    path = write(tmp_path / "g.fa", ">a\nACGT\nAC\n")
    fai = tmp_path / "g.fa.fai"
    fai.write_text("a\t4\t3\t4\t5\n")
    os.utime(fai, (1, 1))
    with Genome(path) as genome:
        assert len(genome.segments[0]) == 6


def test_a_changed_file_gets_a_new_index(tmp_path):
    path = tmp_path / "g.fa"
    for n, text in enumerate(["ACGT", "ACGTACGT"], start=1):
        write(path, f">a\n{text}\n")
        os.utime(path, (n, n))
        with Genome(path) as genome:
            assert len(genome.segments[0]) == len(text)


def test_a_file_dated_in_the_future_is_indexed_once(tmp_path, index_cache):
    path = write(tmp_path / "g.fa.gz")
    os.utime(path, (4e9, 4e9))
    Genome(path).close()
    before = {p: p.stat().st_mtime_ns for p in index_cache.iterdir()}
    Genome(path).close()
    assert {p: p.stat().st_mtime_ns for p in index_cache.iterdir()} == before


def test_carriage_returns_are_not_bases(tmp_path):
    path = tmp_path / "g.fa"
    path.write_bytes(b">a\r\nACGT\r\nTT\r\n")
    with Genome(path) as genome:
        assert decode(genome.fetch("a", 0, 6)) == "ACGTTT"


def test_sha256_is_that_of_the_content(tmp_path):
    path = write(tmp_path / "g.fa", ">a\nACGT\n")
    with Genome(path) as genome:
        assert genome.path == path
        assert genome.sha256 == Genome.from_records({"a": "ACGT"}).sha256
        assert genome.sha256.startswith("ec937534")


@settings(deadline=None, max_examples=50)
@given(st.text("ACGTNacgt", min_size=1, max_size=60), st.integers(1, 20), st.data())
def test_any_piece_is_that_piece_of_the_text(tmp_path_factory, text, width, data):
    lines = [text[i : i + width] for i in range(0, len(text), width)]
    path = tmp_path_factory.mktemp("fasta") / "g.fa"
    path.write_text(">x:101-" + str(100 + len(text)) + "\n" + "\n".join(lines) + "\n")
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    with Genome(path) as genome:
        assert decode(genome.fetch("x", 100 + start, 100 + end)) == text[start:end].upper()
