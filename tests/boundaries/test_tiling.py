"""Where windows are put: every wanted edge once or counted, margins kept, as few as possible."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ldar_interp.boundaries.tiling import Window, clean_segments, merge_edges, plan_windows
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval


def make_genome(**records):
    return Genome.from_records(records)


def plan(genome, ranges, length=20, margin_bp=4, chrom="chr1"):
    return plan_windows(genome, chrom, ranges, length=length, margin_bp=margin_bp)


def spell(pieces):
    """Letters from (is_n, length) pieces."""
    return "".join(("N" if is_n else "A") * size for is_n, size in pieces)


def test_merge_edges_by_hand():
    assert merge_edges(np.array([10, 50, 14, 10]), 2) == [(8, 16), (48, 52)]
    # 8..12 and 13..17 touch: one range. 8..12 and 14..18 leave edge 13 out: two.
    assert merge_edges(np.array([10, 15]), 2) == [(8, 17)]
    assert merge_edges(np.array([10, 16]), 2) == [(8, 12), (14, 18)]
    assert merge_edges(np.array([1]), 3) == [(-2, 4)]
    assert merge_edges(np.array([], dtype=np.int64), 3) == []


def test_clean_segments_by_hand():
    genome = Genome.from_records(
        {"chr1": "NACGTNNACNA", "chr2:11-14": "ACGT", "chr2:15-18": "ACGT"}
    )
    assert clean_segments(genome, "chr1", 0, 11) == [
        Interval("chr1", 1, 5),
        Interval("chr1", 7, 9),
        Interval("chr1", 10, 11),
    ]
    assert clean_segments(genome, "chr1", 2, 8) == [Interval("chr1", 2, 5), Interval("chr1", 7, 8)]
    # Records that touch stay two pieces: no window reads across them.
    assert clean_segments(genome, "chr2", 0, 99) == [
        Interval("chr2", 10, 14),
        Interval("chr2", 14, 18),
    ]
    assert clean_segments(genome, "chr1", 5, 7) == []
    assert clean_segments(genome, "chr1", 11, 30) == []


def test_one_site_is_centred_in_its_window():
    windows, missing = plan(make_genome(chr1="A" * 100), [(50, 50)])
    assert windows == [Window("chr1", 40, 60, 50, 50)] and missing == 0


def test_windows_at_the_ends_stay_inside_and_lose_the_margin():
    windows, missing = plan(make_genome(chr1="A" * 100), [(-2, 6), (94, 103)])
    assert windows == [Window("chr1", 0, 20, 4, 6), Window("chr1", 80, 100, 94, 96)]
    # -2..3 on the left, 97..103 on the right.
    assert missing == 6 + 7


def test_sites_that_fit_share_a_window_and_those_one_bp_further_do_not():
    genome = make_genome(chr1="A" * 200)
    # A window of 20 with margin 4 answers for 13 edges.
    windows, _ = plan(genome, [(50, 50), (62, 62)])
    assert windows == [Window("chr1", 46, 66, 50, 62)]
    windows, _ = plan(genome, [(50, 50), (63, 63)])
    assert [(w.first, w.last) for w in windows] == [(50, 50), (63, 63)]


def test_sites_further_apart_than_windows_cost_one_window_each():
    windows, missing = plan(make_genome(chr1="A" * 5000), [(1000, 1004), (4000, 4004)])
    assert [(w.start, w.end) for w in windows] == [(992, 1012), (3992, 4012)] and missing == 0


def test_a_segment_shorter_than_a_window_is_one_window():
    windows, missing = plan(make_genome(chr1="A" * 13), [(0, 13)])
    assert windows == [Window("chr1", 0, 13, 4, 9)] and missing == 8
    # Nothing lies 4 bp from both ends of 7 bases.
    assert plan(make_genome(chr1="A" * 7), [(0, 7)]) == ([], 8)


def test_n_and_slices_cut_windows_like_chromosome_ends():
    genome = Genome.from_records({"chr1:101-150": "A" * 30 + "N" + "A" * 19})
    windows, missing = plan(genome, [(90, 160)])
    assert [(w.start, w.end, w.first, w.last) for w in windows] == [
        (100, 120, 104, 116),
        (110, 130, 117, 126),
        (131, 150, 135, 146),
    ]
    assert missing == 71 - (13 + 10 + 12)


@pytest.mark.parametrize("margin_bp", [0, -1, 10, 11])
def test_a_margin_that_leaves_nothing_is_an_error(margin_bp):
    with pytest.raises(InputError) as caught:
        plan(make_genome(chr1="A" * 100), [(50, 50)], margin_bp=margin_bp)
    assert str(caught.value) == (
        f"margin of {margin_bp} bp in windows of 20 bp; wanted 1 to 9: "
        "choose a margin in that range"
    )
    assert plan(make_genome(chr1="A" * 100), [(50, 50)], margin_bp=9)[1] == 0


pieces = st.lists(st.tuples(st.booleans(), st.integers(1, 90)), min_size=1, max_size=5)
edges = st.lists(st.integers(-10, 500), min_size=1, max_size=12)


@st.composite
def geometry(draw):
    length = draw(st.integers(5, 60))
    return length, draw(st.integers(1, (length - 1) // 2))


@settings(max_examples=200, deadline=None)
@given(pieces, st.integers(0, 50), edges, st.integers(0, 30), geometry())
@example([(False, 60)], 0, [30], 29, (9, 4))
def test_every_wanted_edge_is_answered_once_or_missing(parts, start, sites, flank_bp, shape):
    length, margin = shape
    text = spell(parts)
    if set(text) == {"N"}:
        text += "A"
    genome = Genome.from_records({f"chr1:{start + 1}-{start + len(text)}": text})
    ranges = merge_edges(np.array(sites), flank_bp)
    windows, missing = plan(genome, ranges, length, margin)

    wanted = {x for low, high in ranges for x in range(low, high + 1)}
    answered = [x for w in windows for x in range(w.first, w.last + 1)]
    assert len(answered) == len(set(answered))
    assert len(wanted) == len(wanted & set(answered)) + missing
    assert windows == sorted(windows, key=lambda w: w.first)
    known = {start + i for i, letter in enumerate(text) if letter != "N"}
    for window in windows:
        assert window.end - window.start <= length
        assert {*range(window.start, window.end)} <= known
        assert window.start + margin <= window.first <= window.last <= window.end - margin
        # A window shorter than the model's is a whole stretch between N and ends.
        if window.end - window.start < length:
            assert window.start - 1 not in known and window.end not in known
        assert {window.first, window.last} <= wanted
    # What is missing could not have been answered: no clean stretch holds its margin.
    for x in wanted - set(answered):
        assert not {*range(x - margin, x + margin)} <= known


@settings(max_examples=150, deadline=None)
@given(st.sets(st.integers(0, 40), min_size=1, max_size=9), geometry(), st.integers(20, 45))
def test_no_smaller_set_of_windows_answers_for_the_same_edges(sites, shape, size):
    length, margin = shape
    genome = make_genome(chr1="A" * size)
    windows, missing = plan(genome, merge_edges(np.array(sorted(sites)), 0), length, margin)
    length = min(length, size)
    reachable = sorted(x for x in sites if margin <= x <= size - margin)
    assert missing == len(sites) - len(reachable)
    assert len(windows) == count_fewest(reachable, length, margin, size)


def count_fewest(points, length, margin, size):
    """By trying all sets of window starts, smallest sets first."""
    if not points:
        return 0
    covers = {
        frozenset(x for x in points if start + margin <= x <= start + length - margin)
        for start in range(size - length + 1)
    }
    for n in range(1, len(points) + 1):
        for chosen in itertools.combinations(covers, n):
            if frozenset().union(*chosen) == frozenset(points):
                return n
    raise AssertionError("no set of windows covers the points")
