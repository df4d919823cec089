"""Intervals and edges: the arithmetic that has no +-1."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ldar_interp.errors import CoordinateError
from ldar_interp.genome.intervals import Interval, offset_of_edge, reverse_edges


def test_length_is_the_number_of_bases():
    assert len(Interval("chr1", 3, 10)) == 7


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (5, 5), (5, 4)])
def test_empty_and_negative_intervals_are_refused(start, end):
    with pytest.raises(CoordinateError, match="empty or negative; wanted 0 <= start < end"):
        Interval("chr1", start, end)


def test_unknown_strand_is_refused():
    with pytest.raises(CoordinateError, match=r"strand 'x' .* wanted one of"):
        Interval("chr1", 0, 1, "x")


def test_offsets_are_positive_downstream_on_both_strands():
    assert offset_of_edge([8, 10, 13], 10, "+").tolist() == [-2, 0, 3]
    assert offset_of_edge([8, 10, 13], 10, "-").tolist() == [2, 0, -3]


def test_the_site_itself_has_offset_zero_on_either_strand():
    assert offset_of_edge([7, 7], [7, 7], ["+", "-"]).tolist() == [0, 0]


def test_reverse_edges_by_the_drawing_in_the_contract():
    assert reverse_edges(np.arange(6), 5).tolist() == [5, 4, 3, 2, 1, 0]


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(1, 1000))
def test_offsets_do_not_change_when_window_and_strand_are_mirrored(edge, site, length):
    mirrored = offset_of_edge(reverse_edges(edge, length), reverse_edges(site, length), "-")
    assert mirrored == offset_of_edge(edge, site, "+")
