"""Counts of contexts: codes by hand, probabilities by hand, both strands, what is left out."""

import numpy as np
import pytest

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import encode, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.context_counts import STRENGTHS, encode_contexts, fit_contexts

A, C, G, T = range(4)


def make_text(n, seed=0):
    """CG is never there."""
    rng = np.random.default_rng(seed)
    text = "".join(rng.choice(list("ACGT"), size=n).tolist())
    return text.replace("CG", "CA")


def test_codes_have_the_nearest_letters_last():
    # Around the G: left T, then C; right A, then A.
    assert encode_contexts(encode("CTGAA"), 2).tolist() == [
        A * 64 + C * 16 + A * 4 + T  # right 2, left 2, right 1, left 1
    ]
    assert encode_contexts(encode("TGA"), 1).tolist() == [A * 4 + T]
    assert encode_contexts(encode("TGNAT"), 1).tolist() == [-1, A * 4 + G, -1]
    assert encode_contexts(encode("TG"), 1).size == 0


def test_probabilities_by_hand():
    text = make_text(3000)
    found = fit_contexts(Genome.from_records({"c": text}), max_k=1)
    ids = encode(text)
    counts = np.zeros((4, 4, 4))  # left, right, base
    for strand in (ids, reverse_complement(ids)):
        np.add.at(counts, (strand[:-2], strand[2:], strand[1:-1]), 1)
    a = found.strength
    nothing = (counts.sum((0, 1)) + a / 4) / (counts.sum() + a)
    left = counts.sum(1)
    left = (left + a * nothing) / (left.sum(1, keepdims=True) + a)
    both = (counts + a * left[:, None]) / (counts.sum(2, keepdims=True) + a)
    # Pieces of 100 bp lose the two bases at each border.
    wanted = np.exp(found.log_prob).reshape(4, 4, 4).transpose(1, 0, 2)
    np.testing.assert_allclose(wanted, both, atol=0.02)
    np.testing.assert_allclose(wanted.sum(2), 1)
    assert a in STRENGTHS and found.n_bases == 30 * 98 and found.k == 1


def test_odds_are_the_same_on_both_strands_and_know_cpg():
    text = make_text(60_000)
    genome = Genome.from_records({"c": text})
    found = fit_contexts(genome, max_k=3)
    turned = Genome.from_records({"c": text.translate(str.maketrans("ACGT", "TGCA"))[::-1]})
    for base in (10, 500, 2001):
        ref = int(genome.fetch("c", base, base + 1)[0])
        alt = (ref + 1) % 4
        one = found.score(genome, "c", base, ref, alt)
        other = found.score(turned, "c", len(text) - 1 - base, 3 - ref, 3 - alt)
        assert one == pytest.approx(other, abs=1e-12) and np.isfinite(one)
        assert found.score(genome, "c", base, alt, ref) == pytest.approx(-one)
    # CG was taken out: a G behind a C is unlikely.
    at = text.index("CAC", 100) + 1
    assert found.score(genome, "c", at, A, G) < -3
    assert abs(found.score(genome, "c", at, A, T)) < 1


def test_longer_contexts_are_chosen_where_they_help():
    rng = np.random.default_rng(1)
    noise = "".join(rng.choice(list("ACGT"), size=40_000).tolist())
    assert fit_contexts(Genome.from_records({"c": noise}), max_k=3).k == 1
    unit = "".join(rng.choice(list("ACGT"), size=9).tolist())
    fitted = fit_contexts(Genome.from_records({"c": unit * 4000}), max_k=3)
    assert fitted.k > 1 and fitted.held_out_nats < 0.1


def test_a_variants_own_base_is_not_counted():
    # A T between two As is there once, on either strand: only its own count could favour it.
    rng = np.random.default_rng(2)
    text = "".join(rng.choice(list("ACG"), size=4000).tolist())
    text = text[:2049] + "ATA" + text[2052:]
    genome = Genome.from_records({"c": text})
    seen = fit_contexts(genome, max_k=1)
    hidden = fit_contexts(genome, max_k=1, leave_out={"c": np.array([2050])})
    ref_against = [x.score(genome, "c", 2050, T, A) for x in (seen, hidden)]
    assert hidden.n_bases == seen.n_bases - 1
    assert ref_against[1] > ref_against[0]


def test_no_odds_next_to_an_end_or_an_n():
    text = make_text(3000)
    text = text[:1000] + "N" + text[1001:]
    genome = Genome.from_records({"c": text, "d:11-2010": make_text(2000, seed=1)})
    found = fit_contexts(genome, max_k=1)
    for chrom, base in (("c", 0), ("c", 999), ("c", 1001), ("c", 2999), ("d", 10), ("d", 5)):
        assert np.isnan(found.score(genome, chrom, base, A, C)), base
    for chrom, base in (("c", 1), ("c", 998), ("d", 11)):
        assert np.isfinite(found.score(genome, chrom, base, A, C))


def test_a_part_of_the_genome_is_spread_over_it():
    genome = Genome.from_records({"c": make_text(100_000)})
    found = fit_contexts(genome, n_bases=20_000, max_k=1)
    assert found.n_bases == 20 * 998
    assert found.describe()["bases_counted"] == 19960


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_bases": 0}, "n_bases 0, max_k 5; wanted at least 1 base and 1 to 5 letters"),
        ({"max_k": 6}, "n_bases 10000000, max_k 6; wanted at least 1 base"),
        ({}, "196 bases of the genome have 1 letters on each side; wanted at least 1000"),
    ],
)
def test_errors(options, message):
    with pytest.raises(InputError, match=message):
        fit_contexts(Genome.from_records({"c": make_text(200)}), **options)
