"""Letters and GC around an edge: by hand, under reverse complement, near N and ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, encode, reverse_complement
from ldar_interp.letters.features import measure_edges


def spell(code, k):
    """Letters of a code, from its definition: pairs, the outermost in the lowest bits."""
    left, right = "", ""
    for _ in range(k // 2):
        left, right = left + "ACGT"[code >> 2 & 3], "ACGT"[code & 3] + right
        code >>= 4
    return left + right


def test_by_hand():
    text = "A" * 100 + "C" * 50 + "GATTACAG" + "T" * 100
    found = measure_edges(encode(text)[None], 6)
    edge = text.index("TTACAG") + 3
    assert spell(int(found.code[0, edge]), 6) == "TTACAG"
    assert spell(int(found.code[0, edge]) >> 4, 4) == "TACA"
    assert found.gc_near[0, edge] == pytest.approx(
        sum(c in "GC" for c in text[edge - 25 : edge + 25]) / 50
    )
    assert found.gc_far[0, edge] == pytest.approx(
        sum(c in "GC" for c in text[edge - 100 : edge + 100]) / 200
    )
    assert np.flatnonzero(found.known[0]).tolist() == list(range(100, len(text) - 99))


def test_n_and_ends_are_unknown():
    ids = np.zeros((2, 500), dtype=np.uint8)
    ids[1, 250] = N
    known = measure_edges(ids, 4).known
    assert np.flatnonzero(known[0]).tolist() == list(range(100, 401))
    # Base 250 is among the 100 before the edges 251..350 and after 151..250.
    assert np.flatnonzero(known[1]).tolist() == [*range(100, 151), *range(351, 401)]
    assert not measure_edges(np.zeros((1, 199), np.uint8), 2).known.any()
    exact = measure_edges(np.zeros((1, 200), np.uint8), 2).known
    assert np.flatnonzero(exact[0]).tolist() == [100]


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 6, 10]))
def test_reverse_complement_turns_edges_and_letters(seed, k):
    ids = np.random.default_rng(seed).integers(0, 4, (2, 260)).astype(np.uint8)
    forward, turned = measure_edges(ids, k), measure_edges(reverse_complement(ids), k)
    for edge in (100, 117, 160):
        other = 260 - edge
        word = spell(int(forward.code[0, edge]), k)
        complement = word[::-1].translate(str.maketrans("ACGT", "TGCA"))
        assert spell(int(turned.code[0, other]), k) == complement
        assert forward.gc_near[0, edge] == turned.gc_near[0, other]
        assert forward.gc_far[1, edge] == turned.gc_far[1, other]


@pytest.mark.parametrize("k", [0, 3, 12])
def test_impossible_k(k):
    with pytest.raises(InputError, match=f"k is {k}; wanted one of 2, 4, 6, 8, 10"):
        measure_edges(np.zeros((1, 300), np.uint8), k)


def test_ids_must_be_a_matrix():
    with pytest.raises(InputError, match=r"shape \(300,\); wanted windows x bases"):
        measure_edges(np.zeros(300, np.uint8), 4)
