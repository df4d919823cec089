"""Loci and distances: intervals against plain sets of positions, exons read off sites."""

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from ldar_interp.sites.loci import (
    FAR_AWAY_BP,
    AnnotatedEdges,
    find_loci,
    lies_within,
    merge_intervals,
)

intervals = st.lists(
    st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda x: (x[0], x[0] + x[1])), max_size=6
)
edge_lists = st.lists(st.integers(0, 40), min_size=1, max_size=8)


@given(intervals)
def test_merging_keeps_every_base_and_leaves_gaps(pairs: list[tuple[int, int]]) -> None:
    merged = merge_intervals(np.array(pairs))
    bases = {x for start, end in pairs for x in range(start, end)}
    assert {x for start, end in merged for x in range(start, end)} == bases
    assert (merged[1:, 0] > merged[:-1, 1]).all()


@given(intervals, edge_lists)
def test_an_edge_lies_within_if_both_its_bases_do(
    pairs: list[tuple[int, int]], edges: list[int]
) -> None:
    merged = merge_intervals(np.array(pairs))
    wanted = [any(start < edge < end for start, end in merged) for edge in edges]
    assert lies_within(np.array(edges), merged).tolist() == wanted


@given(edge_lists, edge_lists)
def test_distances_agree_with_a_plain_search(known: list[int], edges: list[int]) -> None:
    annotated = AnnotatedEdges([pd.DataFrame({"chrom": "c", "edge": known})])
    wanted = [min(abs(k - edge) for k in known) for edge in edges]
    assert annotated.distance("c", np.array(edges)).tolist() == wanted
    others = [min((abs(k - e) for k in known if k != e), default=FAR_AWAY_BP) for e in edges]
    found = np.minimum(annotated.distance_to_other("c", np.array(edges)), 100)
    assert found.tolist() == np.minimum(others, 100).tolist()


def test_a_chromosome_without_edges_is_far_from_everything() -> None:
    annotated = AnnotatedEdges([pd.DataFrame({"chrom": ["c"], "edge": [5]})])
    assert (annotated.distance("d", np.array([0, 7])) > 10**8).all()


def test_exons_read_off_the_sites_of_either_strand() -> None:
    """Two transcripts: donors 100 and 120 both splice to 200; then 250 -> 300."""
    rows = [(100, "donor"), (120, "donor"), (200, "acceptor"), (250, "donor"), (300, "acceptor")]
    plus = pd.DataFrame(rows, columns=["edge", "kind"]).assign(chrom="c", strand="+", group="g")
    (locus,) = find_loci(plus).values()
    assert locus.spans.tolist() == [[100, 300]]
    assert locus.exons.tolist() == [[100, 120], [200, 250]]
    minus = plus.assign(edge=400 - plus["edge"], strand="-")
    (mirrored,) = find_loci(minus).values()
    assert mirrored.exons.tolist() == [[150, 200], [280, 300]]


def test_parts_that_two_groups_share_are_known_to_both() -> None:
    sites = pd.DataFrame(
        {
            "edge": [0, 100, 50, 150, 60, 70],
            "kind": ["donor", "acceptor"] * 3,
            "chrom": "c",
            "strand": ["+", "+", "+", "+", "-", "-"],
            "group": ["a", "a", "b", "b", "c", "c"],
        }
    )
    shared = {key[2]: locus.shared.tolist() for key, locus in find_loci(sites).items()}
    assert shared == {"a": [[50, 100]], "b": [[50, 100]], "c": []}
