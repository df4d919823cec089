"""Round trips: what a browser reads at a base is p of the edge on that base's left."""

import numpy as np
import pyBigWig
import pytest

from ldar_interp.boundaries.export import (
    list_chrom_sizes,
    round_prob,
    write_bigwig,
    write_cuts_bed,
    write_tokens_bed,
)
from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome

SIZES = {"chr2": 50, "chr1": 30}


def segment(chrom, start, values):
    return TrackSegment(chrom, start, np.array(values, dtype=np.float32))


@pytest.fixture
def track():
    """chr1 from its first edge to its last, with gaps; two pieces of chr2; both strands."""
    rng = np.random.default_rng(0)
    whole = rng.random(31).astype(np.float32)
    whole[[0, 5, 6, 30]] = np.nan
    forward = [
        TrackSegment("chr1", 0, whole),
        segment("chr2", 10, [0.1, 0.9, np.nan, 0.6]),
        segment("chr2", 20, [0.7, 0.2, 0.8]),
    ]
    return BoundaryTrack({"forward": forward, "reverse": [segment("chr2", 10, [0.25, 0.75])]})


def read(path, chrom, start, end):
    with pyBigWig.open(str(path)) as file:
        return np.array(file.values(chrom, start, end), dtype=np.float32)


def bed(path):
    return [tuple(line.split("\t")) for line in path.read_text().splitlines()]


def test_values_come_back_at_their_bases_rounded_and_nan_is_absent(track, tmp_path):
    path = tmp_path / "p.bw"
    counts = write_bigwig(track, path, "forward", SIZES)
    for chrom, size in SIZES.items():
        p = track.gather(chrom, np.arange(size), "forward")
        np.testing.assert_array_equal(read(path, chrom, 0, size), round_prob(p))
    assert (
        np.abs(read(path, "chr1", 1, 5) - track.gather("chr1", np.arange(1, 5), "forward")).max()
        <= 0.5 / 255 + 1e-7
    )
    with pyBigWig.open(str(path)) as file:
        assert file.chroms() == SIZES
        covered = {(s, e) for s, e, _ in file.intervals("chr1")}
        assert not {x for s, e in covered for x in range(s, e)} & {0, 5, 6}
        assert file.intervals("chr2")[0][:2] == (10, 11)
    assert counts == {"values": 27 + 3 + 3, "missing": 3 + 1, "off_end": 0}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["p.bw"]


def test_the_other_strand_is_stored_at_the_same_edges(track, tmp_path):
    path = tmp_path / "p.bw"
    write_bigwig(track, path, "reverse", SIZES)
    with pyBigWig.open(str(path)) as file:
        assert file.chroms() == {"chr2": 50}
        found = [(s, e, round(v * 255)) for s, e, v in file.intervals("chr2")]
    assert found == [(10, 11, 64), (11, 12, 191)]


def test_hard_cuts_are_0_and_1(track, tmp_path):
    path = tmp_path / "c.bw"
    write_bigwig(track, path, "forward", SIZES, hard=True)
    np.testing.assert_array_equal(read(path, "chr2", 9, 15), [np.nan, 0, 1, np.nan, 1, np.nan])


def test_an_edge_behind_the_last_base_is_counted_not_written(tmp_path):
    track = BoundaryTrack({"forward": [segment("chr1", 28, [0.1, 0.9, 0.8])]})
    counts = write_bigwig(track, tmp_path / "p.bw", "forward", SIZES)
    assert counts == {"values": 2, "missing": 0, "off_end": 1}
    assert write_cuts_bed(track, tmp_path / "c.bed", "forward", SIZES) == 1
    assert bed(tmp_path / "c.bed") == [("chr1", "29", "30", "cut", "900")]
    assert write_tokens_bed(track, tmp_path / "t.bed", "forward", SIZES) == 1
    assert bed(tmp_path / "t.bed") == [("chr1", "29", "30", "1bp", "850")]


def test_cuts_and_tokens_are_where_they_are(track, tmp_path):
    n = write_cuts_bed(track, tmp_path / "c.bed", "forward", SIZES)
    lines = bed(tmp_path / "c.bed")
    assert n == len(lines) and [line[0] for line in lines][:4] == ["chr2"] * 4
    assert lines[:4] == [
        ("chr2", "11", "12", "cut", "900"), ("chr2", "13", "14", "cut", "600"),
        ("chr2", "20", "21", "cut", "700"), ("chr2", "22", "23", "cut", "800"),
    ]  # fmt: skip
    write_tokens_bed(track, tmp_path / "t.bed", "forward", SIZES)
    on_2 = [line for line in bed(tmp_path / "t.bed") if line[0] == "chr2"]
    assert on_2 == [("chr2", "20", "22", "2bp", "567")], "no token over the gap at 12"


def test_many_values_are_written_in_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("ldar_interp.boundaries.export._BLOCK", 7)
    values = np.random.default_rng(0).random(40).astype(np.float32)
    track = BoundaryTrack({"forward": [TrackSegment("chr2", 3, values)]})
    write_bigwig(track, tmp_path / "p.bw", "forward", SIZES)
    np.testing.assert_array_equal(read(tmp_path / "p.bw", "chr2", 3, 43), round_prob(values))


def test_same_track_same_bytes(track, tmp_path):
    for name in "ab":
        write_bigwig(track, tmp_path / name, "forward", SIZES)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_sizes_of_slices_are_their_ends_and_named():
    genome = Genome.from_records(
        {"chr1": "ACGT" * 5, "chr2:11-20": "A" * 10, "chr2:31-40": "C" * 10, "chr3:1-10": "G" * 10}
    )
    assert list_chrom_sizes(genome) == ({"chr1": 20, "chr2": 40, "chr3": 10}, ["chr2", "chr3"])


def test_rounding():
    assert (
        round_prob([0, 1, 0.5, 1 / 255]).tolist() == np.float32([0, 1, 128 / 255, 1 / 255]).tolist()
    )
    assert np.isnan(round_prob([np.nan])).all()


@pytest.mark.parametrize(
    ("orientation", "sizes", "error", "message"),
    [
        ("mean", SIZES, InputError, "track holds forward, reverse, not 'mean'; extract it first"),
        ("forward", {"chr2": 50}, CoordinateError, "track has edges chr1:0..30 but the "
         "chromosome's length is given as None; give the sizes of the genome"),
        ("forward", {"chr1": 29, "chr2": 50}, CoordinateError, "track has edges chr1:0..30 but "
         "the chromosome's length is given as 29;"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("write", [write_bigwig, write_cuts_bed, write_tokens_bed])
def test_wrong_input(track, tmp_path, write, orientation, sizes, error, message):
    with pytest.raises(error) as caught:
        write(track, tmp_path / "x", orientation, sizes)
    assert str(caught.value).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_write_and_nowhere_to_write(track, tmp_path):
    empty = BoundaryTrack({"forward": [segment("chr1", 0, [np.nan])]})
    with pytest.raises(InputError, match="track has no forward value to write into"):
        write_bigwig(empty, tmp_path / "x", "forward", SIZES)
    for write in (write_bigwig, write_cuts_bed, write_tokens_bed):
        with pytest.raises(InputError, match="cannot be written; wanted a file in a writable"):
            write(track, tmp_path / "none" / "x", "forward", SIZES)


def test_residuals_are_written_as_they_are_and_have_no_cuts(tmp_path):
    values = np.array([-1, -0.3, np.nan, 0.7], dtype=np.float32)
    residual = BoundaryTrack(
        {"forward": [TrackSegment("chr1", 10, values, "residual")]}, {}, "residual"
    )
    counts = write_bigwig(residual, tmp_path / "r.bw", "forward", {"chr1": 100})
    assert (counts["values"], counts["missing"]) == (3, 1)
    with pyBigWig.open(str(tmp_path / "r.bw")) as file:
        found = np.array(file.values("chr1", 10, 14))
    np.testing.assert_allclose(found, values, atol=0.5 / 255 + 1e-6)
    with pytest.raises(InputError, match="'residual', which has no hard boundaries"):
        write_bigwig(residual, tmp_path / "c.bw", "forward", {"chr1": 100}, hard=True)
    for write in (write_cuts_bed, write_tokens_bed):
        with pytest.raises(InputError, match="'residual', which has no hard boundaries"):
            write(residual, tmp_path / "c.bed", "forward", {"chr1": 100})
