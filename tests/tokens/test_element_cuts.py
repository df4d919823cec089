"""Cuts around elements, 5' to 3', by hand on both strands."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.boundaries.cuts import Cuts, Domain
from ldar_interp.tokens.element_cuts import find_usable, read_cuts

FORWARD, REVERSE = ("forward", "c"), ("reverse", "c")


@pytest.fixture
def elements() -> pd.DataFrame:
    return pd.DataFrame({"chrom": "c", "edge": [20, 20], "strand": ["+", "-"], "width_bp": [3, 3]})


@pytest.fixture
def cuts() -> Cuts:
    ranges = np.array([[10, 30]])
    domain = Domain({FORWARD: ranges, REVERSE: ranges})
    return Cuts(domain, {FORWARD: np.array([20, 22]), REVERSE: np.array([17, 19])})


def test_each_strand_reads_its_own_orientation(elements, cuts) -> None:
    rows, found = read_cuts(elements, cuts, 2, "transcript").by_width[3]
    assert rows.tolist() == [0, 1]
    # Offsets -2 .. 5: edges 18 .. 25 on +, and 22 .. 15 on -.
    assert found.tolist() == [[0, 0, 1, 0, 1, 0, 0, 0], [0, 0, 0, 1, 0, 1, 0, 0]]


def test_forward_reads_the_same_cuts_from_the_other_side(elements, cuts) -> None:
    _, found = read_cuts(elements, cuts, 2, "forward").by_width[3]
    assert found[1].tolist() == [1, 0, 1, 0, 0, 0, 0, 0]


def test_an_edge_has_one_identity_on_both_strands(elements, cuts) -> None:
    ids = read_cuts(elements, cuts, 2, "transcript").edge_ids[3]
    assert ids[0, 2] == ids[1, 2]
    assert ids[0, 0] == ids[1, 4]


def test_elements_need_all_their_edges(elements, cuts) -> None:
    usable = [find_usable(elements, cuts.domain, n, "transcript").tolist() for n in (7, 8, 11)]
    assert usable == [[True, True], [False, False], [False, False]]
    only = Domain({FORWARD: np.array([[10, 30]])})
    assert find_usable(elements, only, 2, "transcript").tolist() == [True, False]
    assert find_usable(elements, only, 2, "forward").tolist() == [True, True]
