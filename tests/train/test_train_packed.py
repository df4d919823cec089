"""Packing: every letter comes back; the file is used, made again, or refused, never wrong."""

import json
import logging
import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from Bio import bgzf
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from tiny_run import random_sequence, write_fasta

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode, encode
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.train import packed, packed_file
from ldar_interp.train.config import Source
from ldar_interp.train.packed import PackedGenome, pack, pack_codes
from ldar_interp.train.packed_file import open_packed, read_packed


def whole(path: Path, **fields) -> tuple[list[Source], list[list[Interval]]]:
    with Genome(path) as genome:
        return [Source(name="s", fasta=path, **fields)], [list(genome.segments)]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def letters_of(genome: PackedGenome) -> list[str]:
    return [
        decode(genome.ids_at(torch.arange(offset, offset + length)).numpy())
        for offset, length in zip(genome.offsets, genome.lengths, strict=True)
    ]


def test_a_byte_by_hand():
    """The drawing of the module's docstring."""
    assert pack_codes(encode("ACNT")).tolist() == [0 + 4 + 0 + 192]
    assert pack_codes(encode("TTTTG")).tolist() == [255, 2]
    assert pack_codes(encode("")).tolist() == []


def test_layout_by_hand(tmp_path):
    """Five letters take two bytes, so the second record begins at packed position 8."""
    path = tmp_path / "a.fa"
    path.write_text(">one\nNACGN\n>two\nnnU\n>chr3:11-12\nGr\n")
    genome = pack(*whole(path))
    assert genome.codes.dtype == torch.uint8
    assert genome.codes.shape == (4,)
    assert genome.n_runs.tolist() == [[0, 1], [4, 5], [8, 10], [13, 14]]
    assert genome.offsets.tolist() == [0, 8, 12]
    assert genome.lengths.tolist() == [5, 3, 2]
    assert letters_of(genome) == ["NACGN", "NNT", "GN"]
    assert genome.interval(2) == Interval("chr3", 10, 12)
    assert genome.ids_at(torch.tensor([[0, 1], [10, 3]])).tolist() == [[4, 0], [3, 2]]


RECORD = st.text(alphabet="ACGTacgtUuNnRYkm", min_size=1, max_size=70)


@settings(max_examples=40)
@given(
    records=st.lists(RECORD, min_size=1, max_size=4),
    block=st.sampled_from([4, 8, 1 << 22]),
    bgzip=st.booleans(),
)
def test_round_trip(records, block, bgzip):
    text = "".join(f">r{i}\n{record}\n" for i, record in enumerate(records))
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(packed, "_BLOCK_BP", block)
        path = Path(folder) / ("a.fa.gz" if bgzip else "a.fa")
        if bgzip:
            with bgzf.BgzfWriter(str(path)) as handle:
                handle.write(text.encode())
        else:
            path.write_text(text)
        sources, intervals = whole(path)
        genome = pack(sources, intervals)
        read_back = open_packed(sources, intervals, Path(folder) / "packed")
        read_back = open_packed(sources, intervals, Path(folder) / "packed")
        assert letters_of(genome) == [decode(encode(record)) for record in records]
        for name in ("codes", "n_runs", "segments"):
            assert torch.equal(getattr(genome, name), getattr(read_back, name)), name
        assert genome.chroms == read_back.chroms
        assert (genome.n_runs[:, 0] < genome.n_runs[:, 1]).all()


def test_several_sources_share_one_layout(tmp_path):
    a = write_fasta(tmp_path / "a.fa", "ACGTACGTNN")
    b = write_fasta(tmp_path / "b.fa", "TTTTGGGG", name="chrB")
    sources = [Source(name="a", fasta=a), Source(name="b", fasta=b)]
    in_a, in_b = [Interval("chr1", 2, 5), Interval("chr1", 7, 10)], [Interval("chrB", 3, 6)]
    genome = pack(sources, [in_a, in_b])
    assert letters_of(genome) == ["GTA", "TNN", "TGG"]
    assert genome.segments[:, 0].tolist() == [0, 0, 1]
    assert genome.chroms == ("chr1", "chrB")


# ---- the file -----------------------------------------------------------------------------------


@pytest.fixture
def case(tmp_path):
    path = write_fasta(tmp_path / "a.fa", random_sequence(300) + "N" * 9 + random_sequence(50, 1))
    return whole(path)


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "deep" / "packed"


def no_packing(*_):
    raise AssertionError("packed again although the file is there")


def test_the_file_is_used_again(case, cache, monkeypatch):
    first = open_packed(*case, cache)
    names = names_in(cache)
    assert len(names) == 1
    monkeypatch.setattr(packed_file, "pack", no_packing)
    again = open_packed(*case, cache)
    assert letters_of(again) == letters_of(first)
    assert names_in(cache) == names
    renamed = [case[0][0].model_copy(update={"name": "other", "weight": 3.0})]
    open_packed(renamed, case[1], cache)  # neither is in the file


def test_without_a_cache_nothing_is_written(case, tmp_path):
    before = names_in(tmp_path)
    open_packed(*case, None)
    assert names_in(tmp_path) == before


def test_other_sequence_or_regions_are_another_file(case, cache):
    open_packed(*case, cache)
    sources, (intervals,) = case
    open_packed(sources, [[Interval(intervals[0].chrom, 0, 100)]], cache)
    assert len(names_in(cache)) == 2
    # The same size and names, another letter.
    text = sources[0].fasta.read_text()
    at = text.index("\n") + 1
    sources[0].fasta.write_text(text[:at] + ("A" if text[at] != "A" else "C") + text[at + 1 :])
    changed = open_packed(*case, cache)
    assert len(names_in(cache)) == 3
    assert letters_of(changed)[0][0] == sources[0].fasta.read_text()[at]


def damage(path: Path, how: str) -> None:
    raw = bytearray(path.read_bytes())
    header = int.from_bytes(raw[:8], "little") + 8
    if how == "one bit of the codes":
        raw[header + 3] ^= 1
    elif how == "last byte":
        raw[-1] ^= 255
    elif how == "chromosome's name":
        at = raw.index(b"chr1")
        raw[at : at + 4] = b"chr2"
    elif how == "key":
        at = raw.index(b'key\\": \\"') + len(b'key\\": \\"')
        raw[at : at + 4] = b"0000"
    path.write_bytes({"empty": b"", "text": b"hello", "cut": bytes(raw[:-7])}.get(how, bytes(raw)))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("one bit of the codes", "is damaged (its content does not have the sha256"),
        ("last byte", "is damaged ("),
        ("chromosome's name", "is damaged (its content does not have the sha256"),
        ("key", "was made from other sequence or by another version"),
        ("empty", "is damaged ("),
        ("text", "is damaged ("),
        ("cut", "is damaged ("),
    ],
)
def test_a_damaged_file_is_reported_and_made_again(case, cache, caplog, how, message):
    sound = letters_of(open_packed(*case, cache))
    (path,) = cache.iterdir()
    raw = path.read_bytes()
    damage(path, how)
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        assert letters_of(open_packed(*case, cache)) == sound
    (record,) = caplog.records
    assert str(path) in record.getMessage()
    assert message in record.getMessage()
    assert "\n" not in record.getMessage()
    assert path.read_bytes() == raw
    assert len(names_in(cache)) == 1


def test_a_file_of_other_tensors_is_refused(tmp_path):
    path = tmp_path / "packed.safetensors"
    about = {"key": "k", "version": 1, "sha256": "", "chroms": []}
    save_file({"codes": torch.zeros(3)}, path, {"ldar_interp": json.dumps(about)})
    with pytest.raises(InputError, match=r"is damaged .*; it is made again from the FASTA"):
        read_packed(path, "k")


def test_a_folder_that_cannot_be_made(case, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"cannot be written \(.*\); make room there or choose"):
        open_packed(*case, tmp_path / "file" / "packed")


def test_a_full_disk_leaves_nothing_behind(case, cache, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(packed_file, "save_file", full)
    with pytest.raises(InputError, match=r"cannot be written \(No space left on device\)"):
        open_packed(*case, cache)
    assert names_in(cache) == []


# ---- size ---------------------------------------------------------------------------------------


def test_four_bases_a_byte_on_disk_and_in_memory(tmp_path):
    n_bases = 200_000
    path = write_fasta(tmp_path / "a.fa", random_sequence(n_bases - 100) + "N" * 100)
    case = whole(path)
    genome = open_packed(*case, tmp_path / "packed")
    tensors = (genome.codes, genome.n_runs, genome.segments)
    assert genome.codes.nbytes == n_bases // 4
    assert sum(tensor.nbytes for tensor in tensors) == n_bases // 4 + 16 + 32
    (file,) = (tmp_path / "packed").iterdir()
    assert file.stat().st_size < n_bases // 4 + 1000


def test_the_file_is_mapped_and_not_copied(tmp_path):
    path = write_fasta(tmp_path / "a.fa", random_sequence(4000))
    case = whole(path)
    open_packed(*case, tmp_path / "packed")
    genome = open_packed(*case, tmp_path / "packed")
    (file,) = (tmp_path / "packed").iterdir()
    maps = Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("this system does not list what a process has mapped")
    assert str(file) in maps.read_text()
    assert np.asarray(genome.codes).nbytes == 1000
