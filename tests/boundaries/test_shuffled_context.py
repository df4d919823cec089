"""Contexts cut and shuffled: cores kept, dinucleotides counted, both strands, deterministic."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from ldar_interp.boundaries.shuffled_context import (
    HAS_N,
    TOO_NEAR,
    motif_cores,
    shuffle_contexts,
    shuffle_flanks,
)
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.alphabet import decode, encode
from ldar_interp.genome.fasta import Genome

COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
TEXT = "".join(np.random.default_rng(0).choice(list("ACGT"), size=3000).tolist())
GENOME = Genome.from_records({"chr1": TEXT})
W = 64
CORES = {"donor": (-3, 6), "acceptor": (-20, 3)}


def reverse_text(text: str) -> str:
    return text.translate(COMPLEMENT)[::-1]


def make_sites(n: int = 20, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "chrom": "chr1",
            "edge": rng.choice(np.arange(100, 2900), size=n, replace=False),
            "strand": rng.choice(["+", "-"], size=n),
            "kind": ["donor", "acceptor"] * (n // 2),
            "set": "site",
            "group": [f"g{i % 5}" for i in range(n)],
        }
    )
    return table.assign(site_id=[f"s{i}" for i in range(n)])


def shuffle(sites: pd.DataFrame, genome: Genome = GENOME, **changes):
    options = {"window_bp": W, "n_shuffles": 3, "seed": 1} | changes
    return shuffle_contexts(sites, genome, **options)


def test_native_windows_are_the_letters_around_the_edge_on_the_sites_strand() -> None:
    found = shuffle(make_sites())
    assert found.ids.shape == (20, 4, W) and found.ids.dtype == np.uint8
    assert (found.window_bp, found.centre, found.n_shuffles) == (W, 32, 3)
    for i, site in found.sites.iterrows():
        text = TEXT[site["edge"] - 32 : site["edge"] + 32]
        wanted = text if site["strand"] == "+" else reverse_text(text)
        assert decode(found.ids[i, 0]) == wanted


def test_cores_stay_and_flanks_keep_their_dinucleotides_and_ends() -> None:
    found = shuffle(make_sites())
    assert found.cores == CORES
    for i, kind in enumerate(found.sites["kind"]):
        left, right = 32 + CORES[kind][0], 32 + CORES[kind][1]
        native, *others = found.ids[i]
        for row in others:
            np.testing.assert_array_equal(row[left:right], native[left:right])
            for part in (slice(0, left), slice(right, W)):
                one, two = native[part], row[part]
                assert Counter(pairwise(one.tolist())) == Counter(pairwise(two.tolist()))
                assert (one[0], one[-1]) == (two[0], two[-1])
            assert Counter(pairwise(row.tolist())) == Counter(pairwise(native.tolist()))
    assert (found.ids[:, 1:] != found.ids[:, :1]).any(axis=2).all()
    assert (found.ids[:, 1] != found.ids[:, 2]).any(axis=1).all()


def test_flanks_by_hand() -> None:
    #        left flank   core   right flank has one arrangement only
    window = encode("ACAGATA" + "CC" + "AAAAA")
    rows = shuffle_flanks(window, (0, 2), np.random.default_rng(0), 200)
    texts = {decode(row) for row in rows}
    assert {text[7:] for text in texts} == {"CCAAAAA"}
    # AC CA AG GA AT TA from A to A: the three excursions in any order.
    orders = ("CGT", "CTG", "GCT", "GTC", "TCG", "TGC")
    assert {text[:7] for text in texts} == {f"A{x}A{y}A{z}A" for x, y, z in orders}


def test_the_order_of_rows_and_other_sites_change_nothing() -> None:
    sites = make_sites()
    whole = shuffle(sites)
    order = np.random.default_rng(3).permutation(len(sites))
    turned = shuffle(sites.iloc[order])
    assert turned.sites["site_id"].tolist() == sites["site_id"].iloc[order].tolist()
    np.testing.assert_array_equal(turned.ids, whole.ids[order])
    np.testing.assert_array_equal(shuffle(sites.iloc[4:6]).ids, whole.ids[4:6])
    assert (shuffle(sites, seed=2).ids[:, 1:] != whole.ids[:, 1:]).any()


def test_at_most_so_many_of_a_kind_are_drawn_by_the_seed() -> None:
    sites = make_sites()
    few = shuffle(sites, max_sites=4)
    assert few.sites["kind"].value_counts().to_dict() == {"donor": 4, "acceptor": 4}
    assert few.counts["donor"] == {"sites": 10, "used": 4, "not drawn": 6}
    names = set(few.sites["site_id"])
    assert set(shuffle(sites.iloc[::-1], max_sites=4).sites["site_id"]) == names
    assert set(shuffle(sites, max_sites=4, seed=5).sites["site_id"]) != names
    assert len(shuffle(sites, max_sites=None).sites) == 20


def test_sites_near_an_end_or_n_are_counted() -> None:
    text = TEXT[:200] + "N" + TEXT[201:400]
    genome = Genome.from_records({"chr1:1-400": text})
    rows = [(32, "+"), (31, "+"), (368, "-"), (369, "-"), (168, "+"), (169, "+"), (233, "-")]
    sites = pd.DataFrame(rows, columns=["edge", "strand"]).assign(
        chrom="chr1", kind="donor", site_id=[str(i) for i in range(len(rows))]
    )
    found = shuffle(sites, genome)
    assert found.sites["edge"].tolist() == [32, 368, 168, 233]
    assert found.counts["donor"] == {"sites": 7, "used": 4, TOO_NEAR: 2, HAS_N: 1}


def test_motif_cores_are_their_width() -> None:
    sites = pd.DataFrame({"kind": ["INR", "TATA", "INR"], "width_bp": [7, 12, 7]})
    assert motif_cores(sites) == {"INR": (0, 7), "TATA": (0, 12)}
    with pytest.raises(InputError, match="no column width_bp"):
        motif_cores(sites[["kind"]])
    with pytest.raises(InputError, match="kind 'INR' have width_bp 7, 8; wanted one width"):
        motif_cores(sites.assign(width_bp=[7, 12, 8]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_shuffles": 0}, "n_shuffles 0; wanted a whole number >= 1"),
        ({"max_sites": 0}, "max_sites 0; wanted"),
        ({"seed": -1}, "seed -1; wanted"),
        ({"window_bp": 63}, "window_bp 63; wanted an even number"),
        ({"cores": {"donor": (-3, 6)}}, "kind 'acceptor', which has no core \\(there are 'donor'"),
        ({"cores": {"donor": (6, 6), "acceptor": (0, 1)}}, "core 6..6 of kind 'donor'"),
        ({"cores": {"donor": (-29, 6), "acceptor": (0, 1)}}, "at least 4 letters on either side"),
    ],
)
def test_wrong_input_is_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        shuffle(make_sites(), **changes)


def test_wrong_tables_are_refused() -> None:
    with pytest.raises(InputError, match="site table lacks column 'kind'"):
        shuffle(make_sites().drop(columns="kind"))
    with pytest.raises(InputError, match="sites is empty"):
        shuffle(make_sites().iloc[:0])
    with pytest.raises(CoordinateError, match="sites lie on chr9"):
        shuffle(make_sites().assign(chrom="chr9"))
