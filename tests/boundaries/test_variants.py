"""Variants near sites: the edge's place, both strands, indels, ends; against changed genomes."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.boundaries.extract import predict_boundaries
from ldar_interp.boundaries.variants import change_window, score_variants
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.checkpoint import preset, random_model
from ldar_interp.sites.variant_sites import AMBIGUOUS, FAR, find_nearest, move_edge
from ldar_interp.sites.vcf import MISMATCH, spread_indel, trim

LENGTH = 64
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
TEXT = "".join(np.random.default_rng(5).choice(list("ACGT"), size=500).tolist())
# A run to slide over, ending at the donor edge 200; an N at 330.
TEXT = TEXT[:196] + "GCCC" + "GTAAGT" + TEXT[206:330] + "N" + TEXT[331:]


def turn(text):
    return text.translate(COMPLEMENT)[::-1]


@pytest.fixture(scope="module")
def model():
    config = preset("nano").with_length(LENGTH)
    return random_model(config, seed=3).double().eval().requires_grad_(False)


def make_genome(text):
    return Genome.from_records({"chr1": text})


def make_sites(*rows):
    table = pd.DataFrame(rows, columns=["edge", "strand", "kind"])
    table["site_id"] = [f"s{i}" for i in range(len(table))]
    return table.assign(chrom="chr1", set="site", group="g")


def make_alleles(genome, *alleles):
    """Rows of (start, ref, alt), as `read_vcf` places them."""
    rows = []
    for start, ref, alt in alleles:
        begin, end, inserted = trim(start, ref, alt)
        first, last = spread_indel(genome, "chr1", begin, end, inserted)
        rows.append(("chr1", "usable", begin, end, inserted, first, last))
    columns = ["chrom", "status", "start", "end", "inserted", "first", "last"]
    table = pd.DataFrame(rows, columns=columns)
    return table.astype(dict.fromkeys(("start", "end", "first", "last"), "Int64"))


SITES = make_sites((200, "+", "donor"), (260, "-", "acceptor"), (260, "+", "donor"))
ALLELES = [
    (200, "G", "A"),  # the first base downstream
    (199, "C", "T"),  # the last base upstream
    (204, "GT", "G"),  # a deletion downstream: the edge stays
    (190, TEXT[190:193], TEXT[190]),  # a deletion upstream: the edge moves by -2
    (185, TEXT[185], TEXT[185] + "ACGTA"),  # an insertion upstream: by +5
    (199, "CG", "TA"),  # an exchange over the edge
    (258, TEXT[258], {"A": "C"}.get(TEXT[258], "A")),  # nearest 260, first in order: +
]


def test_nearest_site_offset_and_shift():
    genome = make_genome(TEXT)
    found = find_nearest(make_alleles(genome, *ALLELES), SITES, reach_bp=50)
    assert (found["status"] == "usable").all()
    assert found["site_id"].tolist() == ["s0"] * 6 + ["s2"]
    assert found["edge_shift"].tolist() == [0, 0, 0, -2, 5, 0, 0]
    assert found["distance_bp"].tolist()[:3] == [0, 0, 5]
    assert found["offset"].tolist()[:3] == [0, -1, 5]
    assert found["offset"].tolist()[5:] == [-1, -2]


def test_offsets_on_the_minus_strand():
    genome, site = make_genome(TEXT), make_sites((260, "-", "acceptor"))
    found = find_nearest(
        make_alleles(genome, (259, "A", "C"), (260, "A", "C"), (250, "A", "C")), site, reach_bp=9
    )
    # Base 259 is the first one downstream of edge 260 on the minus strand.
    assert found["offset"].tolist() == [0, -1, 9]
    assert found["distance_bp"].tolist() == [0, 0, 9]
    far = find_nearest(make_alleles(genome, (250, "A", "C")), site, reach_bp=8)
    assert far["status"].tolist() == [FAR] and far[["site_id", "edge", "offset"]].isna().all(
        axis=None
    )


def test_edges_that_have_no_place_are_named():
    genome = make_genome(TEXT)
    alleles = [
        (199, "CG", "C"),  # G of GT: unique, touches the edge from downstream: the edge stays
        (198, "CC", "C"),  # a C of CCC: upstream of the edge wherever it slides
        (199, "C", "CC"),  # a further C: it may slide onto the edge, yet never beyond it
        (199, "C", "CA"),  # inserted exactly on the edge
        (198, "CCG", "C"),  # a deletion over the edge
        (198, "CCGT", "CAA"),  # fewer bases for others over the edge
    ]
    found = find_nearest(make_alleles(genome, *alleles), SITES, reach_bp=50)
    assert found["status"].tolist() == ["usable", "usable", "usable", *[AMBIGUOUS] * 3]
    assert found["edge_shift"].tolist()[:3] == [0, -1, 1] and found["edge_shift"][3:].isna().all()
    assert found["site_id"].tolist() == ["s0"] * 6
    # In a run across the edge, one base less leaves two places for it.
    run = make_genome("ACGT" * 5 + "AAAA" + "CGTC" * 5)
    table = make_alleles(run, (20, "AA", "A"))
    assert table.loc[0, ["first", "last"]].tolist() == [20, 24]
    site = make_sites((22, "+", "donor"))
    assert find_nearest(table, site, reach_bp=9)["status"].tolist() == [AMBIGUOUS]


@pytest.mark.parametrize(
    ("edge", "first", "last", "growth", "moved"),
    [
        (10, 10, 12, -2, 0), (12, 10, 12, -2, -2), (11, 10, 12, -2, None), (10, 10, 10, 3, None),
        (9, 10, 10, 3, 0), (11, 10, 10, 3, 3), (11, 10, 12, 0, 0),
    ],
)  # fmt: skip
def test_edges_move_by_the_growth_before_them(edge, first, last, growth, moved):
    assert move_edge(edge, first, last, growth) == moved


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("number", range(len(ALLELES)))
def test_p_is_that_of_the_changed_genome(model, strand, number):
    genome, (start, ref, alt) = make_genome(TEXT), ALLELES[number]
    site = make_sites((260 if number == 6 else 200, strand, "donor"))
    placed = find_nearest(make_alleles(genome, (start, ref, alt)), site, reach_bp=50)
    found = score_variants(model, genome, placed)
    changed = TEXT[:start] + alt + TEXT[start + len(ref) :]
    edge = int(site["edge"][0])
    windows = []
    for text, at in ((TEXT, edge), (changed, edge + int(placed["edge_shift"][0]))):
        window = text[at - 32 : at + 32]
        windows.append(window if strand == "+" else turn(window))
    wanted = [p[32] for p in predict_boundaries(model, windows)]
    np.testing.assert_allclose([found.prob_ref[0], found.prob_alt[0]], wanted, atol=1e-7)
    assert wanted[0] != wanted[1]


def test_the_reversed_genome_gives_the_same_numbers(model):
    genome, turned = make_genome(TEXT), make_genome(turn(TEXT))
    sites = make_sites((200, "+", "donor"), (262, "-", "acceptor"))
    mirrored = make_sites((300, "-", "donor"), (238, "+", "acceptor"))
    alleles = [*ALLELES[:6], (264, TEXT[264:267], TEXT[264]), (252, TEXT[252], TEXT[252] + "GAT")]
    other = [(len(TEXT) - start - len(ref), turn(ref), turn(alt)) for start, ref, alt in alleles]
    results = []
    for where, table, given in ((genome, sites, alleles), (turned, mirrored, other)):
        placed = find_nearest(make_alleles(where, *given), table, reach_bp=40)
        assert (placed["status"] == "usable").all()
        scores = score_variants(model, where, placed)
        results.append((placed, scores))
    (one, scores), (two, same) = results
    for name in ("site_id", "distance_bp", "offset"):
        assert one[name].tolist() == two[name].tolist()
    np.testing.assert_array_equal(scores.prob_ref, same.prob_ref)
    np.testing.assert_array_equal(scores.prob_alt, same.prob_alt)
    assert not np.isnan(scores.prob_alt).any()


def test_ends_and_n_leave_nothing_or_a_shorter_window(model):
    genome = make_genome(TEXT)

    def change(start, end, inserted, edge, shift):
        found = change_window(genome, "chr1", start, end, inserted, edge, "+", shift, 16)
        return decode(found.upstream), decode(found.downstream)

    # The N at 330 stands between the edge and the variant, or behind the variant.
    assert change(333, 334, "A", 327, 0) == ("", "")
    assert change(328, 329, "", 326, 0) == (TEXT[318:326], TEXT[326:328] + TEXT[329])
    # A deletion near the start takes from what is upstream, an insertion pushes out.
    assert change(1, 3, "", 5, -2) == (TEXT[0] + TEXT[3:5], TEXT[5:13])
    assert change(2, 2, "ACGTACGT", 4, 8) == ("GTACGT" + TEXT[2:4], TEXT[4:12])
    placed = find_nearest(
        make_alleles(genome, (6, TEXT[6], "AC"[TEXT[6] == "A"])), make_sites((7, "+", "donor")),
        reach_bp=9,
    )  # fmt: skip
    scores = score_variants(model, genome, placed, margin_bp=8)
    assert np.isnan([scores.prob_ref[0], scores.prob_alt[0]]).all()
    assert not np.isnan(score_variants(model, genome, placed, margin_bp=7).prob_alt[0])


def test_several_variants_of_a_site_and_batches_change_nothing(model):
    genome = make_genome(TEXT)
    placed = find_nearest(make_alleles(genome, *ALLELES), SITES, reach_bp=50)
    wanted = score_variants(model, genome, placed)
    assert len(set(wanted.prob_ref[:6].tolist())) == 1
    for size in (1, 50):
        found = score_variants(model, genome, placed, batch_size=size)
        np.testing.assert_allclose(found.prob_alt, wanted.prob_alt, atol=1e-7)
    alone = score_variants(model, genome, placed.iloc[[3]])
    np.testing.assert_allclose(alone.prob_alt, wanted.prob_alt[[3]], atol=1e-7)


def test_what_is_not_usable_stays_as_it_is(model):
    table = make_alleles(make_genome(TEXT), ALLELES[0]).assign(status=MISMATCH)
    found = find_nearest(table, SITES, reach_bp=50)
    assert found["status"].tolist() == [MISMATCH] and found["site_id"].isna().all()
    with pytest.raises(InputError, match="reach_bp is -1; wanted at least 0"):
        find_nearest(table, SITES, reach_bp=-1)
    with pytest.raises(InputError, match="workers 0, batch_size None; wanted at least 1"):
        score_variants(model, make_genome(TEXT), table, workers=0)
