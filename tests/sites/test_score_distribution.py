"""P-values against the count of all words, and the rules that follow from them."""

import lightmotif
import numpy as np
import pytest
from motif_case import count_words, make_motif, random_motif, round_units

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.column_shuffle import shuffle_columns
from ldar_interp.sites.motif import Motif
from ldar_interp.sites.score_distribution import (
    Scoring,
    measure_background,
    score_motif,
    split_reachable,
)

SKEWED = (0.3, 0.2, 0.2, 0.3)


@pytest.mark.parametrize("background", [(0.25,) * 4, SKEWED])
@pytest.mark.parametrize("width", [1, 2, 5, 7])
def test_p_values_are_the_share_of_words(width, background):
    motif = random_motif(np.random.default_rng(width), width, "m")
    scores = score_motif(motif, Scoring(background=background))
    assert scores.units.tolist() == round_units(motif, background)
    share = count_words(motif, background)
    top = scores.lowest + len(scores.tail) - 1
    some = np.unique(np.linspace(scores.lowest - 3, top, 60).astype(int))
    wanted = [share(s) for s in some]
    np.testing.assert_allclose(scores.p_values(some), wanted, rtol=1e-10, atol=1e-15)
    assert scores.p_values(top + 1) == 0
    assert scores.best_p_value == pytest.approx(share(top))


def test_the_threshold_is_conservative_and_no_more():
    share_below = 0
    for seed in range(20):
        scores = score_motif(random_motif(np.random.default_rng(seed), 8, "m"), Scoring())
        for p in (1e-4, 1e-3, 0.05):
            threshold = scores.find_threshold(p)
            assert scores.p_values(threshold) <= p
            assert scores.p_values(threshold - 1) > p
            share_below += bool(scores.p_values(threshold) < p)
    assert share_below > 50


def test_library_thresholds_are_not_used_because_they_let_too_much_through():
    """The scanner's own threshold for 1e-4 admits more than 1e-4 of all words; ours never does."""
    theirs, ours = [], []
    for seed in range(40):
        motif = random_motif(np.random.default_rng(seed), 7, "m")
        bits = np.log2((motif.counts + 0.2) / (motif.counts.sum(axis=1)[:, None] + 0.8) / 0.25)
        bits = bits.astype(np.float32)
        rows = {letter: bits[:, i].tolist() for i, letter in enumerate("ACGT")}
        threshold = lightmotif.ScoringMatrix(rows | {"N": [0.0] * 7}).score(1e-4)
        words = np.zeros(1, dtype=np.float32)
        for place in bits:
            words = (words[:, None] + place).ravel()
        theirs.append(float((words >= threshold).mean()))
        scores = score_motif(motif, Scoring())
        ours.append(count_words(motif)(scores.find_threshold(1e-4)) if seed < 10 else 0.0)
    assert max(theirs) > 1.2e-4
    assert max(ours) <= 1e-4


def test_short_motifs_cannot_reach_the_threshold_and_are_named():
    motifs = [make_motif("ACGTACG", "seven"), make_motif("ACGTAC", "six"), make_motif("A", "one")]
    kept, left_out = split_reachable(motifs, Scoring(p_value=1e-4))
    assert [scores.motif.name for scores in kept] == ["seven"]
    assert [scores.motif.name for scores in left_out] == ["six", "one"]
    assert left_out[0].best_p_value == pytest.approx(4.0**-6)
    assert kept[0].best_p_value == pytest.approx(4.0**-7)
    with pytest.raises(InputError, match=r"motif six: its best score has p-value 0\.00024; wanted"):
        left_out[0].find_threshold(1e-4)


def test_a_motif_that_says_nothing_has_one_score():
    scores = score_motif(make_motif("NNNNNNNN"), Scoring())
    assert scores.tail.tolist() == [1.0]


def test_small_p_values_keep_their_digits():
    scores = score_motif(make_motif("ACGTTGCAACGTTGCAACGT"), Scoring())
    assert scores.best_p_value == pytest.approx(4.0**-20, rel=1e-9)


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_columns_keep_columns_and_distribution(seed):
    motif = random_motif(np.random.default_rng(seed), 9, "m")
    shuffled = shuffle_columns(motif, seed=seed)
    assert shuffled is not None
    assert shuffled.name == "m_shuffled"
    assert sorted(shuffled.counts.tolist()) == sorted(motif.counts.tolist())
    assert shuffled.counts.tolist() != motif.counts.tolist()
    one, two = score_motif(motif, Scoring()), score_motif(shuffled, Scoring())
    assert one.find_threshold(1e-4) == two.find_threshold(1e-4)
    np.testing.assert_allclose(one.tail, two.tail, rtol=1e-9, atol=1e-18)
    again = shuffle_columns(motif, seed=seed)
    assert again is not None
    assert again.counts.tolist() == shuffled.counts.tolist()
    other = shuffle_columns(motif, seed=seed, draw=1)
    assert other is not None
    assert other.counts.tolist() != shuffled.counts.tolist()


def test_useless_orders_are_drawn_again():
    # ACG: of six orders one is the motif, one its own reverse complement (CGT has other columns).
    for draw in range(40):
        shuffled = shuffle_columns(make_motif("AACGT", counts=(20, 1)), seed=0, draw=draw)
        assert shuffled is not None
        assert shuffled.consensus not in ("AACGT", "ACGTT")
        shuffled = shuffle_columns(make_motif("AATT", counts=(20, 1)), seed=0, draw=draw)
        assert shuffled is not None, "a palindrome may be shuffled into another one"
        assert shuffled.consensus != "AATT"
        shuffled = shuffle_columns(make_motif("AACTGT", counts=(20, 1)), seed=0, draw=draw)
        assert shuffled is not None
        word = shuffled.consensus
        assert word != word[::-1].translate(str.maketrans("ACGT", "TGCA"))


@pytest.mark.parametrize("word", ["A", "AAAAAAA", "NNNN"])
def test_a_motif_without_another_order_has_no_shuffle(word):
    assert shuffle_columns(make_motif(word), seed=0) is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p_value": 0.0}, "p_value 0.0; wanted between 0 and 1"),
        ({"pseudocount": 0.0}, "pseudocount 0.0; wanted > 0, or letters score -inf"),
        ({"background": (0.5, 0.5, 0.0, 0.0)}, "wanted shares of A C G T, each > 0, that sum"),
        ({"background": (0.3, 0.3, 0.3, 0.3)}, "that sum to 1"),
        ({"background": (0.4, 0.2, 0.2, 0.2)}, "wanted A = T and C = G: both strands"),
    ],
)
def test_scoring_is_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        Scoring(**arguments)


def test_the_background_of_a_genome_is_that_of_both_strands():
    genome = Genome.from_records({"chr1": "AAAAAAcgNN", "chr2": "CCTA"})
    assert measure_background(genome) == pytest.approx((8 / 24, 4 / 24, 4 / 24, 8 / 24))
    with pytest.raises(InputError, match="the genome lacks A and T or C and G"):
        measure_background(Genome.from_records({"chr1": "AATT"}))


def test_fractions_are_counts_too():
    motif = Motif("m", "M.1", np.array([[0.5, 0.25, 0.25, 0.0]] * 8), "test")
    assert score_motif(motif, Scoring()).units.tolist() == round_units(motif)
