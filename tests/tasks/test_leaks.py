"""Exact and near copies on either strand, by hand and against sets of 20-mers."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.genome.alphabet import decode, encode, reverse_complement
from ldar_interp.tasks.leaks import K, canonical_strand, find_leaks, group_near, hash_sequence


def draw(n, seed=0):
    return decode(np.random.default_rng(seed).integers(0, 4, n).astype(np.uint8))


def flip(sequence):
    return decode(reverse_complement(encode(sequence)))


def list_kmers(sequence):
    """The definition, slowly."""
    windows = {sequence[i : i + K] for i in range(len(sequence) - K + 1)}
    return {min(one, flip(one)) for one in windows if "N" not in one}


def share_slowly(train, one):
    mine = list_kmers(one)
    return max((len(mine & list_kmers(other)) / len(mine) for other in train), default=0.0)


@given(st.text("ACGTN", max_size=30))
def test_both_strands_have_one_name(sequence):
    assert canonical_strand(sequence) == min(sequence, flip(sequence))
    assert hash_sequence(sequence) == hash_sequence(flip(sequence))


def test_copies_are_exact_on_either_strand():
    train = [draw(100, 1), draw(100, 2), draw(100, 1)]
    found = find_leaks(train, [draw(100, 2), flip(draw(100, 1)), draw(100, 3)])
    assert found.kind.tolist() == ["exact", "exact", "none"]
    assert found.train_row.tolist() == [1, 0, -1] and found.share.tolist() == [1, 1, 0]


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize(("shift", "kind"), [(40, "near"), (41, "none"), (100, "none")])
def test_a_shifted_window_is_near_up_to_half_of_its_kmers(shift, kind, strand):
    # 99 bases have 80 20-mers; shifted by 40, 40 of them are shared.
    whole = draw(300)
    test = whole[shift : shift + 99]
    found = find_leaks([whole[:99]], [test if strand == "+" else flip(test)])
    assert found.kind.tolist() == [kind]
    assert found.share[0] == pytest.approx(max(0, 80 - shift) / 80)


def test_an_exchanged_base_costs_twenty_kmers():
    train = draw(200)
    changed = train[:100] + ("A" if train[100] != "A" else "C") + train[101:]
    assert find_leaks([train], [changed]).share[0] == pytest.approx((181 - 20) / 181)


def test_two_halves_in_two_rows_are_not_one_row():
    one, other = draw(100, 1), draw(100, 2)
    found = find_leaks([one, other], [one[:59] + other[:59]])
    assert found.kind.tolist() == ["none"] and 0.4 < found.share[0] < 0.5


def test_a_simple_repeat_counts_as_its_few_distinct_kmers():
    # A shared stretch of 40 As holds one distinct 20-mer, of 100 bases that have 61 or so.
    found = find_leaks(["A" * 40 + draw(60, 1)], ["A" * 40 + draw(60, 2)])
    assert found.kind.tolist() == ["none"] and found.share[0] < 0.05


def test_short_rows_and_rows_of_n_can_only_be_exact():
    train = ["ACGTACGTAC", "A" * 19, "N" * 40]
    found = find_leaks(train, ["ACGTACGTAC", "A" * 18, "N" * 40, "N" * 39])
    assert found.kind.tolist() == ["exact", "none", "exact", "none"]
    assert np.isnan(found.share).all()


@pytest.mark.parametrize(
    ("train", "test"), [([], []), ([], ["ACGT"]), (["ACGT"], []), ([""], [""])]
)
def test_nothing_to_compare(train, test):
    assert len(find_leaks(train, test).kind) == len(test)
    assert len(group_near(train)) == len(train)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_shares_are_those_of_sets(seed):
    rng = np.random.default_rng(seed)
    # A short sequence read at random places, on either strand, with some N: much is shared.
    whole = draw(150, seed)
    rows = []
    for _ in range(14):
        begin, length = rng.integers(0, 120), rng.integers(5, 80)
        row = whole[begin : begin + length]
        if rng.random() < 0.3:
            row = row[: len(row) // 2] + "N" + row[len(row) // 2 + 1 :]
        rows.append(flip(row) if rng.random() < 0.5 else row)
    train, test = rows[:8], [row for row in rows[8:] if list_kmers(row)]
    found = find_leaks(train, test)
    assert found.share.tolist() == pytest.approx([share_slowly(train, row) for row in test])
    mirrored = find_leaks([flip(row) for row in train], test)
    np.testing.assert_array_equal(mirrored.kind, found.kind)


def test_groups_reach_through_others_and_do_not_depend_on_order():
    whole = draw(400)
    rows = [whole[:99], whole[30:129], flip(whole[60:159]), whole[250:349], whole[250:349], ""]
    names = group_near(rows)
    assert names[0] == names[1] == names[2] != names[3] == names[4] != names[5]
    assert group_near(rows[::-1]) == names[::-1]


def test_two_million_comparisons_take_seconds():
    rng = np.random.default_rng(0)
    train = [draw(500, seed) for seed in rng.integers(0, 2**32, 3000)]
    begin = time.process_time()
    found = find_leaks(train, [row[200:] + row[:200] for row in train[:600]])
    assert (found.kind == "near").all() and (found.train_row == np.arange(600)).all()
    assert time.process_time() - begin < 5
