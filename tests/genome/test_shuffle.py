"""The dinucleotide shuffle keeps every dinucleotide and is uniform."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode, encode
from ldar_interp.genome.shuffle import dinucleotide_shuffle


def list_arrangements(sequence):
    """All sequences with the same first letter and dinucleotides, by exhaustive walk."""
    found = set()

    def walk(so_far, left):
        if not left:
            found.add(so_far)
        for pair in left:
            if pair[0] == so_far[-1]:
                walk(so_far + pair[1], left - Counter([pair]))

    walk(sequence[0], Counter(a + b for a, b in pairwise(sequence)))
    return found


def is_uniform(sequence, n, seed=0):
    expected = list_arrangements(sequence)
    rows = dinucleotide_shuffle(encode(sequence), np.random.default_rng(seed), n)
    seen = Counter(decode(row) for row in rows)
    assert set(seen) == expected
    return len(expected), stats.chisquare(list(seen.values())).pvalue


def test_all_27_arrangements_are_reached_equally_often():
    n_arrangements, p_value = is_uniform("ACCCACGATGATG", 8100)
    assert n_arrangements == 27
    assert p_value > 0.001


@pytest.mark.parametrize("sequence", ["AAACAAAGAATA", "ACACAGAGCGCA", "ANACNAACNNA"])
def test_uniform_with_homopolymers_closed_walks_and_n(sequence):
    n_arrangements, p_value = is_uniform(sequence, 6000)
    assert n_arrangements > 10
    assert p_value > 0.001


def count_pairs(ids):
    return Counter(pairwise(ids.tolist()))


@settings(deadline=None)
@given(st.text("ACGTN", min_size=1, max_size=80), st.integers(0, 2**32))
def test_every_dinucleotide_count_and_both_ends_are_kept(text, seed):
    ids = encode(text)
    rows = dinucleotide_shuffle(ids, np.random.default_rng(seed), 2)
    assert rows.shape == (2, len(ids))
    assert rows.dtype == np.uint8
    for row in rows:
        assert count_pairs(row) == count_pairs(ids)
        assert (row[0], row[-1]) == (ids[0], ids[-1])


def test_long_homopolymers_end_in_time():
    ids = encode("A" * 3000 + "C" * 3000 + "G" * 3000 + "T")
    (row,) = dinucleotide_shuffle(ids, np.random.default_rng(0))
    np.testing.assert_array_equal(row, ids)  # there is no other walk


def test_the_input_is_left_alone_and_the_seed_decides():
    ids = encode("ACGTTGCAACGGTACATGCA")
    before = ids.copy()
    first = dinucleotide_shuffle(ids, np.random.default_rng(3), 5)
    np.testing.assert_array_equal(ids, before)
    np.testing.assert_array_equal(first, dinucleotide_shuffle(ids, np.random.default_rng(3), 5))
    assert (first != ids).any()


@pytest.mark.parametrize("text", ["", "A", "AC", "ACG"])
def test_short_sequences_come_back(text):
    rows = dinucleotide_shuffle(encode(text), np.random.default_rng(0), 3)
    assert [decode(row) for row in rows] == [text] * 3


@pytest.mark.parametrize("bad", [np.array([0, 5, 1, 2]), np.zeros((2, 2))])
def test_mask_pad_and_batches_are_refused(bad):
    with pytest.raises(InputError, match="cannot shuffle these ids; wanted one dimension"):
        dinucleotide_shuffle(bad.astype(np.uint8), np.random.default_rng(0))


def test_no_shuffles_is_refused():
    with pytest.raises(InputError, match="n = 0 shuffles; wanted at least 1"):
        dinucleotide_shuffle(encode("ACGT"), np.random.default_rng(0), 0)
