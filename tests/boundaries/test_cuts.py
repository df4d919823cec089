"""Cuts as data: domains, routers, grids, chance and byte pairs."""

import numpy as np
import pytest

from ldar_interp.boundaries.bpe import (
    BytePairs,
    choose_merges,
    cut_by_byte_pairs,
    learn_byte_pairs,
)
from ldar_interp.boundaries.cuts import (
    Cuts,
    Domain,
    cut_at_random,
    cut_by_grid,
    cut_by_track,
    find_domain,
)
from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode, reverse_complement
from ldar_interp.genome.fasta import Genome

PLUS = ("forward", "c")
NAN = np.nan


def domain_of(*ranges, place=PLUS) -> Domain:
    return Domain({place: np.array(ranges, dtype=np.int64).reshape(-1, 2)})


def track_of(*parts) -> BoundaryTrack:
    return BoundaryTrack(
        {"forward": [TrackSegment("c", s, np.array(v, dtype=np.float32)) for s, v in parts]}
    )


def test_domain_is_where_all_tracks_have_a_value() -> None:
    first = track_of((10, [0.1, 0.9, NAN, 0.6]), (20, [0.7]))
    second = track_of((11, [0.2, 0.2, 0.2, 0.2]), (20, [0.2]))
    domain = find_domain(first, second)
    assert domain.ranges[PLUS].tolist() == [[11, 11], [13, 13], [20, 20]]
    cuts = cut_by_track(first, domain)
    assert cuts.edges[PLUS].tolist() == [11, 13, 20]
    assert cuts.rate == 1


def test_p_of_one_half_is_no_cut() -> None:
    track = track_of((0, [0.5, 0.51]))
    assert cut_by_track(track, find_domain(track)).edges[PLUS].tolist() == [1]


def test_look_up_of_cuts() -> None:
    cuts = Cuts(domain_of((10, 14), (20, 22)), {PLUS: np.array([10, 13, 21])})
    found = cuts.at(PLUS, [[9, 10, 11], [13, 15, 21]])
    np.testing.assert_array_equal(found, [[NAN, 1, 0], [1, NAN, 1]])
    assert cuts.between(PLUS, 11, 21).tolist() == [13, 21]
    assert np.isnan(cuts.at(("reverse", "c"), [10])).all()
    assert cuts.rate == 3 / 8


@pytest.mark.parametrize("period", [1, 4, 6])
def test_phases_of_a_grid_share_the_edges_out(period) -> None:
    domain = domain_of((7, 40), (50, 51))
    parts = [cut_by_grid(domain, period, i).edges[PLUS] for i in range(period)]
    assert sorted(np.concatenate(parts)) == domain.list_edges(PLUS).tolist()
    assert (parts[0] % period == 0).all()


def test_random_cuts_have_their_rate_and_seed() -> None:
    domain = domain_of((0, 19_999))
    draws = [cut_at_random(domain, 0.3, np.random.default_rng(s)) for s in (1, 1, 2)]
    assert abs(draws[0].rate - 0.3) < 0.01
    assert draws[0].edges[PLUS].tolist() == draws[1].edges[PLUS].tolist()
    assert draws[0].edges[PLUS].tolist() != draws[2].edges[PLUS].tolist()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: domain_of((3, 2)), "empty, touch or are not ascending"),
        (lambda: domain_of((1, 2), (3, 4)), "empty, touch or are not ascending"),
        (lambda: Cuts(domain_of((1, 5)), {}), "no cuts for forward c"),
        (lambda: Cuts(domain_of((1, 5)), {PLUS: np.array([3, 2])}), "not ascending; sort them"),
        (lambda: Cuts(domain_of((1, 5)), {PLUS: np.array([6])}), "lie where nobody asked"),
        (lambda: cut_by_grid(domain_of((1, 5)), 4, 4), "grid of 4 bp in phase 4"),
        (lambda: cut_at_random(domain_of((1, 5)), 1.5, np.random.default_rng(0)), "rate 1.5"),
        (lambda: find_domain(), "tracks hold different orientations"),
    ],
)
def test_what_is_refused(make, message) -> None:
    with pytest.raises(InputError, match=message):
        make()


def letters(n, seed=0) -> str:
    return decode(np.random.default_rng(seed).integers(0, 4, n).astype(np.uint8))


def test_byte_pairs_by_hand() -> None:
    # AC is the most frequent pair, then ACAC.
    pairs = BytePairs((("A", "C"), ("AC", "AC")), 0)
    genome = Genome.from_records({"c": "ACACGACT"})
    domain = domain_of((0, 8))
    assert cut_by_byte_pairs(pairs, 1, genome, domain).edges[PLUS].tolist() == [0, 2, 4, 5, 7]
    assert cut_by_byte_pairs(pairs, 2, genome, domain).edges[PLUS].tolist() == [0, 4, 5, 7]


def test_byte_pairs_do_not_cross_n() -> None:
    pairs = BytePairs((("A", "C"),), 0)
    genome = Genome.from_records({"c": "TANCACT"})
    cuts = cut_by_byte_pairs(pairs, 1, genome, domain_of((1, 6)))
    assert cuts.edges[PLUS].tolist() == [1, 3, 4, 6]


def test_minus_strand_is_read_on_its_own() -> None:
    # On - this reads ACACG: cuts 0 2 4 there, 5 3 1 here.
    genome = Genome.from_records({"c": "CGTGT"})
    place = ("reverse", "c")
    pairs = BytePairs((("A", "C"),), 0)
    cuts = cut_by_byte_pairs(pairs, 1, genome, domain_of((0, 5), place=place))
    assert cuts.edges[place].tolist() == [1, 3, 5]


def test_reverse_equals_forward_of_the_reverse_complement() -> None:
    text = letters(3000)
    turned = decode(reverse_complement(np.array(["ACGT".index(x) for x in text], np.uint8)))
    genome, other = (Genome.from_records({"c": t}) for t in (text, turned))
    pairs = learn_byte_pairs(genome, max_bases=3000, max_merges=100)
    place = ("reverse", "c")
    here = cut_by_byte_pairs(pairs, 100, genome, domain_of((1000, 1500), place=place))
    there = cut_by_byte_pairs(pairs, 100, other, domain_of((1500, 2000)))
    assert here.edges[place].tolist() == sorted((3000 - there.edges[PLUS]).tolist())


def test_windows_leave_no_edge_effects() -> None:
    genome = Genome.from_records({"c": letters(20_000)})
    pairs = learn_byte_pairs(genome, max_bases=20_000, max_merges=300)
    whole = cut_by_byte_pairs(pairs, 300, genome, domain_of((0, 19_999)))
    starts = range(1000, 19_000, 500)
    parts = cut_by_byte_pairs(pairs, 300, genome, domain_of(*((s, s + 100) for s in starts)))
    expected = [e for s in starts for e in whole.between(PLUS, s, s + 100)]
    assert parts.edges[PLUS].tolist() == expected


def test_learning_twice_gives_the_same_merges_and_fewer_are_a_prefix() -> None:
    genome = Genome.from_records({"c": letters(8000) + "N" * 5 + "AC" * 400})
    pairs = [learn_byte_pairs(genome, max_bases=9000, max_merges=m) for m in (60, 60, 20)]
    assert pairs[0] == pairs[1]
    assert pairs[0].merges[:20] == pairs[2].merges
    assert pairs[0].merges[0] == ("A", "C")
    assert pairs[0].n_bases == 8800
    assert not any("N" in a + b for a, b in pairs[0].merges)


def test_merges_are_chosen_for_a_rate() -> None:
    genome = Genome.from_records({"c": letters(20_000)})
    domain = domain_of((500, 19_500))
    pairs = learn_byte_pairs(genome, max_bases=20_000, max_merges=500)
    n_merges, cuts = choose_merges(pairs, genome, domain, rate=0.3)
    assert abs(cuts.rate - 0.3) < 0.01
    for other in (n_merges - 1, n_merges + 1):
        rate = cut_by_byte_pairs(pairs, other, genome, domain).rate
        assert abs(rate - 0.3) >= abs(cuts.rate - 0.3)


def test_byte_pair_errors() -> None:
    genome = Genome.from_records({"c": letters(100)})
    with pytest.raises(InputError, match="wanted at least 1 from at least 2"):
        learn_byte_pairs(genome, max_bases=100, max_merges=0)
    with pytest.raises(InputError, match="byte pairs read one strand"):
        cut_by_byte_pairs(BytePairs((), 0), 0, genome, domain_of((1, 2), place=("mean", "c")))
