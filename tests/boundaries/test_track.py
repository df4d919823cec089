"""Looking p up by edge: segments, NaN off the track, orientations, reverse complement, files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from ldar_interp.boundaries.track import (
    BoundaryTrack,
    TrackSegment,
    call_boundaries,
    read_track,
    write_track,
)
from ldar_interp.errors import CoordinateError, InputError

NAN = np.nan


def make_segment(chrom, start, *values):
    return TrackSegment(chrom, start, np.array(values, dtype=np.float32))


@pytest.fixture
def track():
    return BoundaryTrack(
        {
            "forward": [
                make_segment("chr1", 10, 0.1, 0.2, NAN),
                make_segment("chr1", 13, 0.9),
                make_segment("chr2", 0, 0.5, 0.6),
            ],
            "reverse": [make_segment("chr1", 11, 0.7)],
        },
        {"checkpoint": "tiny", "seed": 3},
    )


def test_gather_by_hand(track):
    edges = [[9, 10, 11], [12, 13, 14], [-1, -5, 10**9]]
    found = track.gather("chr1", edges, "forward")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(
        found, np.array([[NAN, 0.1, 0.2], [NAN, 0.9, NAN], [NAN] * 3], dtype=np.float32)
    )
    np.testing.assert_array_equal(track.gather("chr2", [1, 0], "forward"), np.float32([0.6, 0.5]))
    assert track.gather("chr1", 11, "reverse") == np.float32(0.7)
    assert track.gather("chr1", np.zeros((0, 4), np.int64), "forward").shape == (0, 4)


def test_chromosome_of_another_orientation_is_not_evaluated(track):
    assert np.isnan(track.gather("chr2", [0, 1], "reverse")).all()


def test_missing_chromosome_is_an_error_not_zeros(track):
    with pytest.raises(
        CoordinateError, match=r"'1' is not on the track, which has chr1, chr2; use"
    ):
        track.gather("1", [10], "forward")


def test_missing_orientation(track):
    with pytest.raises(InputError, match="track holds forward, reverse, not 'mean'"):
        track.gather("chr1", [10], "mean")
    with pytest.raises(InputError, match="strand mode 'mean' needs mean for sites on \\+"):
        track.orientation_for("+", "mean")


def test_orientation_for(track):
    assert track.orientation_for("+", "transcript") == "forward"
    assert track.orientation_for("-", "transcript") == "reverse"
    assert track.orientation_for("-", "forward") == "forward"
    with pytest.raises(InputError, match="strand mode 'both'; wanted one of transcript"):
        track.orientation_for("+", "both")
    with pytest.raises(InputError, match=r"strand '\.' of a site; wanted \+ or -"):
        track.orientation_for(".", "transcript")


@pytest.mark.parametrize("starts", [(10, 11), (20, 10), (10, 10)])
def test_segments_that_overlap_or_descend(starts):
    parts = [make_segment("chr1", start, 0.1, 0.2) for start in starts]
    with pytest.raises(InputError, match=r"forward segments of chr1 .* overlap or are not asc"):
        BoundaryTrack({"forward": parts})


def test_touching_segments_are_fine():
    parts = [make_segment("chr1", start, 0.1, 0.2) for start in (10, 12)]
    found = BoundaryTrack({"forward": parts}).gather("chr1", [11, 12], "forward")
    np.testing.assert_array_equal(found, np.float32([0.2, 0.1]))


@pytest.mark.parametrize("names", [["plus"], []])
def test_unknown_or_no_orientation(names):
    with pytest.raises(InputError, match="wanted at least one of forward, reverse, mean"):
        BoundaryTrack({name: [make_segment("chr1", 0, 0.5)] for name in names})


@pytest.mark.parametrize("bad", [-0.01, 1.01, np.inf, -np.inf])
def test_values_outside_the_unit_interval(bad):
    with pytest.raises(InputError, match=r"chr1:7 holds the value .*; wanted \[0, 1\] or NaN"):
        make_segment("chr1", 7, 0.5, bad)


def test_segment_of_the_wrong_form():
    with pytest.raises(CoordinateError, match="starts at a negative edge"):
        make_segment("chr1", -1, 0.5)
    with pytest.raises(InputError, match="non-empty float32 vector"):
        TrackSegment("chr1", 0, np.array([0.5]))
    with pytest.raises(InputError, match="non-empty float32 vector"):
        make_segment("chr1", 0)


def test_hard_boundaries_keep_nan(track):
    np.testing.assert_array_equal(
        call_boundaries([[0.5, 0.50001, NAN, 0.0]]), np.float32([[0, 1, NAN, 0]])
    )
    hard = track.is_boundary
    np.testing.assert_array_equal(
        hard.gather("chr1", [10, 12, 13, 14], "forward"), np.float32([0, NAN, 1, NAN])
    )
    assert hard.gather("chr1", [11], "reverse") == 1


def test_reverse_complement_by_hand(track):
    turned = track.reverse_complement({"chr1": 20, "chr2": 1})
    # Edge 10 of 20 bases stays edge 10, edge 13 becomes 7; the strands swap.
    np.testing.assert_array_equal(
        turned.gather("chr1", [10, 9, 8, 7], "reverse"), np.float32([0.1, 0.2, NAN, 0.9])
    )
    assert turned.gather("chr1", [9], "forward") == np.float32(0.7)
    np.testing.assert_array_equal(turned.gather("chr2", [0, 1], "reverse"), np.float32([0.6, 0.5]))


@pytest.mark.parametrize("lengths", [{"chr1": 20}, {"chr1": 20, "chr2": 0}])
def test_reverse_complement_needs_lengths(track, lengths):
    with pytest.raises(CoordinateError, match=r"edges chr2:0\.\.1 but the chromosome's length"):
        track.reverse_complement(lengths)


@settings(max_examples=50, deadline=None)
@given(
    values=hnp.arrays(np.float32, st.integers(1, 30), elements=st.floats(0, 1, width=32)),
    start=st.integers(0, 20),
    more=st.integers(0, 20),
)
def test_reverse_complement_is_an_involution(values, start, more):
    values = np.where(values > 0.9, np.float32(NAN), values)
    length = start + values.size - 1 + more
    first = BoundaryTrack({"forward": [TrackSegment("c", start, values)]})
    turned = first.reverse_complement({"c": length})
    edges = np.arange(length + 1)
    expected = first.gather("c", edges, "forward")
    np.testing.assert_array_equal(turned.gather("c", length - edges, "reverse"), expected)
    again = turned.reverse_complement({"c": length})
    np.testing.assert_array_equal(again.gather("c", edges, "forward"), expected)


def test_written_track_reads_back_and_has_the_same_bytes(track, tmp_path):
    write_track(track, tmp_path / "a.npz")
    write_track(track, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.npz", "b.npz"]
    again = read_track(tmp_path / "a.npz")
    assert again.provenance == track.provenance
    assert again.orientations == ("forward", "reverse") and again.chroms == ("chr1", "chr2")
    for name in again.orientations:
        for old, new in zip(track.segments[name], again.segments[name], strict=True):
            assert (old.chrom, old.start) == (new.chrom, new.start)
            np.testing.assert_array_equal(old.values, new.values)


def test_empty_orientation_reads_back(tmp_path):
    write_track(BoundaryTrack({"mean": []}), tmp_path / "empty.npz")
    assert read_track(tmp_path / "empty.npz").segments == {"mean": ()}


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 broken", b"letters"])
def test_unreadable_track_names_the_file(tmp_path, content):
    path = tmp_path / "broken.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.npz: cannot be read as a boundary track"):
        read_track(path)


def test_archive_without_a_track(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match=r"other\.npz: cannot be read"):
        read_track(tmp_path / "other.npz")
