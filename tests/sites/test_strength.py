"""Site strength: log-odds by hand, and a gene never scores itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import encode
from ldar_interp.sites.strength import (
    STRENGTH_WINDOWS,
    CrossFittedStrength,
    count_letters,
    fit_log_odds,
    score_edges,
)

UNIFORM = np.full(4, 0.25)
BASES = {"a": np.array([10, 10, 10, 10]), "b": np.array([10, 10, 10, 10])}


def motifs(*texts: str) -> np.ndarray:
    return np.stack([encode(text) for text in texts])


def test_windows_are_those_of_the_analysis() -> None:
    assert STRENGTH_WINDOWS == {"donor": (-3, 6), "acceptor": (-20, 3)}


def test_log_odds_by_hand() -> None:
    counts = count_letters(motifs("A", "A", "A", "C"))
    # A: (3 + 0.25) / 5 = 0.65 against 0.25.
    odds = fit_log_odds(counts, UNIFORM)
    assert odds[0, 0] == pytest.approx(np.log2(0.65 / 0.25))
    assert odds[0, 3] == pytest.approx(np.log2(0.05 / 0.25))
    assert (fit_log_odds(np.zeros((2, 4), dtype=np.int64), UNIFORM) == 0).all()


def test_the_edge_lies_between_the_third_and_fourth_base_of_a_donor_motif() -> None:
    odds = np.zeros((9, 4))
    odds[3, 2] = odds[4, 3] = 1.0  # G then T right after the edge
    ids = encode("AAACAGGTAAGTAAA")
    score = score_edges(ids, np.arange(len(ids) + 1), odds, -3)
    assert np.nanargmax(score) == 6
    assert score[6] == 2


def test_letters_off_the_sequence_or_unknown_give_nan() -> None:
    ids = encode("ACGTNACGTACGT")
    score = score_edges(ids, np.array([1, 3, 8, 10, 12]), np.zeros((4, 4)), -2)
    assert np.isnan(score).tolist() == [True, True, False, False, True]


def test_a_group_is_scored_by_the_others() -> None:
    fitted = CrossFittedStrength.fit("donor", motifs("CAGGTAAGT", "TTTGTCCCC"), ["a", "b"], BASES)
    odds = fitted.log_odds("a")
    assert odds is not None
    assert odds[0].argmax() == 3  # only b's T was seen
    everyone = fitted.log_odds("somebody else")
    assert everyone is not None
    assert everyone[0, 1] == pytest.approx(everyone[0, 3])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text("ACGT", min_size=9, max_size=9), min_size=1, max_size=4))
def test_own_sites_never_change_the_own_matrix(own: list[str]) -> None:
    others = ["CAGGTAAGT", "AAGGTGAGT"]
    before = CrossFittedStrength.fit("donor", motifs(*others), ["b", "b"], BASES)
    after = CrossFittedStrength.fit(
        "donor", motifs(*others, *own), ["b", "b", *["a"] * len(own)], BASES
    )
    assert np.array_equal(before.log_odds("a"), after.log_odds("a"))
    other_bases = BASES | {"a": np.array([900, 1, 1, 1])}
    changed = CrossFittedStrength.fit("donor", motifs(*others), ["b", "b"], other_bases)
    assert np.array_equal(before.log_odds("a"), changed.log_odds("a"))


def test_without_other_sites_there_is_no_matrix() -> None:
    fitted = CrossFittedStrength.fit("donor", motifs("CAGGTAAGT"), ["a"], BASES)
    assert fitted.log_odds("a") is None
    assert fitted.log_odds("b") is not None


@pytest.mark.parametrize(
    ("kind", "width", "pseudocount", "message"),
    [
        ("tss", 9, 1.0, "kind 'tss'; wanted donor or acceptor"),
        ("donor", 8, 1.0, r"shape \(1, 8\); wanted \(sites, 9\)"),
        ("acceptor", 23, 0.0, "pseudocount 0.0; wanted > 0"),
    ],
)
def test_wrong_input_is_refused(kind: str, width: int, pseudocount: float, message: str) -> None:
    with pytest.raises(InputError, match=message):
        CrossFittedStrength.fit(kind, motifs("A" * width), ["a"], BASES, pseudocount=pseudocount)
