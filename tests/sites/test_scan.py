"""The scanner against plain reading, letter by letter, and against Biopython; and its traps."""

import logging

import lightmotif
import numpy as np
import pandas as pd
import pytest
from Bio.motifs.matrix import PositionSpecificScoringMatrix
from Bio.Seq import Seq
from hypothesis import given, settings
from hypothesis import strategies as st
from motif_case import (
    count_words,
    drop_overlaps,
    list_hits,
    make_motif,
    random_motif,
    random_text,
    scan_plainly,
    turn,
)

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.sites.find_hits import Hits, find_hits, resolve_overlaps
from ldar_interp.sites.groups import find_groups
from ldar_interp.sites.scan import HIT_COLUMNS, MOTIF_COLUMNS, scan_motifs, scan_regions
from ldar_interp.sites.scan_letters import Regions
from ldar_interp.sites.score_distribution import Scoring, score_motif
from ldar_interp.sites.table import check_sites

RNG = np.random.default_rng(7)
TEXT = random_text(RNG, 30_000)
MOTIFS = [random_motif(RNG, width, f"m{width}") for width in (6, 7, 8, 11, 19)]
LOOSE = Scoring(p_value=2e-3)


def scan_text(text, motifs, scoring=LOOSE, intervals=None):
    return scan_motifs(Genome.from_records({"chr1": text}), intervals, motifs, scoring=scoring)


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda motif: motif.name)
@pytest.mark.parametrize("background", [(0.25,) * 4, (0.3, 0.2, 0.2, 0.3)])
def test_hits_are_those_of_a_plain_scan(motif, background):
    scoring = Scoring(p_value=2e-3, background=background)
    threshold = score_motif(motif, scoring).find_threshold(2e-3)
    wanted = drop_overlaps(scan_plainly(TEXT[:8000], motif, threshold, background), motif.width)
    hits = scan_regions(Genome.from_records({"chr1": TEXT[:8000]}), None, [motif], scoring=scoring)
    assert list_hits(hits, motif.name) == wanted
    assert len(wanted) > 5
    assert set(hits["strand"]) == {"+", "-"}
    if motif.width <= 8:
        share = count_words(motif, background)
        for units, p in zip(
            (hits["score"] * 100).round().astype(int), hits["p_value"], strict=True
        ):
            assert p == pytest.approx(share(units), rel=1e-9)
            assert p <= 2e-3


@pytest.mark.parametrize("motif", MOTIFS, ids=lambda motif: motif.name)
def test_hits_are_those_of_biopython(motif):
    scores = score_motif(motif, LOOSE)
    matrix = PositionSpecificScoringMatrix(
        "ACGT", {letter: scores.units[:, i].tolist() for i, letter in enumerate("ACGT")}
    )
    threshold = scores.find_threshold(LOOSE.p_value)
    found = [
        (int(at) % len(TEXT), "-" if at < 0 else "+", round(float(score)))
        for at, score in matrix.search(Seq(TEXT), threshold=threshold - 0.5)
    ]
    wanted = drop_overlaps(found, motif.width)
    assert list_hits(scan_text(TEXT, [motif]).hits, motif.name) == wanted


def test_the_table_keeps_the_contract():
    scan = scan_text(TEXT, MOTIFS)
    hits = scan.hits
    assert hits.columns.tolist() == list(HIT_COLUMNS)
    assert check_sites(hits).equals(hits)
    assert (hits["set"] == "site").all()
    assert (hits["group"] == "chr1:0Mb").all()
    assert scan.motifs.columns.tolist() == list(MOTIF_COLUMNS)
    assert scan.motifs["kind"].tolist() == [motif.name for motif in MOTIFS]
    assert scan.motifs["n_hits"].tolist() == [
        int((hits["accession"] == motif.accession).sum()) for motif in MOTIFS
    ]
    assert (hits["p_value"] <= LOOSE.p_value).all()
    assert scan.counts["hits"] == len(hits)
    assert scan.counts["bases"] == len(TEXT)
    first = np.where(hits["strand"] == "-", hits["edge"] - hits["width_bp"], hits["edge"])
    assert (np.diff(first) >= 0).all()


def test_the_edge_is_the_5_prime_border_on_the_hits_own_strand():
    word = "ACCTGAAT"
    motif = make_motif(word, "w")
    text = "T" * 10 + word + "T" * 12 + turn(word) + "T" * 10
    hits = scan_text(text, [motif], Scoring()).hits
    assert hits["strand"].tolist() == ["+", "-"]
    # Plus: bases 10..17, 5' border edge 10. Minus: bases 30..37, 5' border edge 38.
    assert hits["edge"].tolist() == [10, 38]
    assert hits["width_bp"].tolist() == [8, 8]
    assert hits["site_id"].tolist() == ["chr1:10:+:w", "chr1:38:-:w"]


def test_n_is_no_letter():
    """Left to itself the scanner scores N as 0, far above a threshold below 0."""
    motif = make_motif("ACGTTGCAACGTTGCAACGTTGCA", "long", counts=(20, 0))
    scores = score_motif(motif, Scoring(p_value=0.5))
    threshold = scores.find_threshold(0.5)
    assert threshold < 0
    rows = {letter: scores.units[:, i].tolist() for i, letter in enumerate("ACGT")}
    naive = lightmotif.ScoringMatrix(rows | {"N": [0.0] * motif.width})
    text = "N" * 3000 + TEXT[:60] + "N" * 500
    trapped = list(lightmotif.scan(naive, lightmotif.stripe(text), threshold=threshold))
    assert len(trapped) > 3000
    hits = scan_text(text, [motif], Scoring(p_value=0.5)).hits
    first = np.where(hits["strand"] == "-", hits["edge"] - 24, hits["edge"])
    assert len(hits) > 0
    assert first.min() >= 3000
    assert (first + 24).max() <= 3060


def test_lower_case_letters_are_letters():
    with pytest.raises(ValueError, match=r"(?i)invalid"):
        lightmotif.stripe(TEXT[:50].lower())
    upper, lower = (scan_text(text, MOTIFS).hits for text in (TEXT, TEXT.lower()))
    assert lower.equals(upper)
    assert len(lower) > 50


def test_the_other_strand_has_the_mirrored_hits():
    here, there = scan_text(TEXT, MOTIFS), scan_text(turn(TEXT), MOTIFS)
    for motif in MOTIFS:
        one = list_hits(here.hits, motif.name)
        two = list_hits(there.hits, motif.name)
        mirrored = sorted(
            (len(TEXT) - start - motif.width, "-" if strand == "+" else "+", units)
            for start, strand, units in two
        )
        # Ties between overlapping hits go to the leftmost, which mirrors into the rightmost.
        assert sorted(hit[2] for hit in one) == sorted(hit[2] for hit in mirrored)
        assert len(set(one) & set(mirrored)) >= 0.95 * len(one)


def test_a_palindrome_is_one_hit_on_plus():
    hits = scan_text("T" * 20 + "ACGCGCGT" + "T" * 20, [make_motif("ACGCGCGT")], Scoring()).hits
    assert list_hits(hits, "word") == [(20, "+", hits["score"].iloc[0] * 100)]


def test_of_overlapping_hits_the_best_then_the_leftmost_stays():
    motif = make_motif("AAAAAAAA", "a")
    scan = scan_text("C" * 10 + "A" * 20 + "C" * 10, [motif], Scoring())
    assert [hit[:2] for hit in list_hits(scan.hits, "a")] == [(10, "+"), (18, "+")]
    assert scan.motifs["n_overlapping"].tolist() == [11]
    assert scan.counts["hits dropped: overlap a better hit of the motif"] == 11
    # The better hit, farther right and on the other strand, takes the place of the first.
    rich = make_motif("ACCGATTA", "b", counts=(20, 1))
    text = "G" * 10 + "ACCGATTC" + "G" * 20
    worse = scan_text(text, [rich], Scoring(p_value=1e-2)).hits
    assert (10, "+") in [hit[:2] for hit in list_hits(worse, "b")]
    better = text[:13] + turn("ACCGATTA") + text[21:]
    kept = [hit[:2] for hit in list_hits(scan_text(better, [rich], Scoring()).hits, "b")]
    assert kept == [(13, "-")]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_overlaps_are_resolved_by_the_rule(data):
    width = data.draw(st.integers(1, 6))
    rows = data.draw(
        st.lists(
            st.tuples(st.integers(0, 40), st.booleans(), st.integers(0, 3)),
            unique_by=lambda row: row[:2],
            max_size=25,
        )
    )
    rows.sort()
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    hits = Hits(width, np.zeros(len(rows), int), table[:, 0], table[:, 1] > 0, table[:, 2])
    found = resolve_overlaps(hits)
    wanted = drop_overlaps([(s, "-" if minus else "+", u) for s, minus, u in rows], width)
    strands = np.where(found.is_minus, "-", "+").tolist()
    assert list(zip(found.start.tolist(), strands, found.units.tolist(), strict=True)) == wanted
    assert found.n_overlapping == len(rows) - len(wanted)


def test_a_hit_lies_wholly_in_one_region():
    motif = make_motif("ACCTGAAT", "w")
    text = "T" * 10 + "ACCTGAAT" + "T" * 12
    for intervals, n in (
        ([(10, 18)], 1),
        ([(10, 17)], 0),
        ([(11, 30)], 0),
        ([(0, 14), (14, 30)], 0),  # touching: the hit is in neither
        ([(0, 14), (8, 30)], 1),
        ([(0, 16), (12, 30)], 0),  # overlapping: in neither
        ([(5, 20), (8, 30), (10, 18)], 1),  # in all, once
    ):
        regions = [Interval("chr1", start, end) for start, end in intervals]
        assert len(scan_text(text, [motif], Scoring(), regions).hits) == n, intervals


@pytest.mark.parametrize("block_bp", [40, 101, 1000, 29_999])
def test_blocks_and_pieces_change_nothing(block_bp):
    genome = Genome.from_records(
        {"chr1": TEXT[:5000], "chr2": TEXT[5000:5010], "chr3": TEXT[6000:]}
    )
    scores = [score_motif(motif, LOOSE) for motif in MOTIFS]
    regions = Regions(genome, genome.segments)
    whole = find_hits(genome, regions, scores, LOOSE.p_value)
    cut = find_hits(genome, regions, scores, LOOSE.p_value, block_bp=block_bp)
    for one, two in zip(whole, cut, strict=True):
        for name in ("chrom", "start", "is_minus", "units"):
            assert getattr(one, name).tolist() == getattr(two, name).tolist()


def test_chromosomes_are_not_read_across():
    motif = make_motif("ACCTGAAT", "w")
    genome = Genome.from_records({"chr2": "TTACCT", "chr1": "GAATTTACCTGAAT"})
    hits = scan_regions(genome, None, [motif], scoring=Scoring())
    assert hits[["chrom", "edge", "strand"]].to_numpy().tolist() == [["chr1", 6, "+"]]


def test_slices_keep_chromosome_coordinates():
    genome = Genome.from_records({"chr1:101-130": "T" * 10 + "ACCTGAAT" + "T" * 12})
    assert scan_regions(genome, None, [make_motif("ACCTGAAT")])["edge"].tolist() == [110]


def test_motifs_left_out_are_named_before_the_scan(caplog):
    motifs = [make_motif("ACGTAC", "six"), make_motif("ACCTGAAT", "eight"), MOTIFS[-1]]
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        scan = scan_text(TEXT, motifs, Scoring(), [Interval("chr1", 0, 18)])
    assert "2 of 3 motifs left out before the scan, by rule: six, m19" in caplog.text
    assert scan.motifs["status"].tolist() == [
        "left out: best p-value 0.00024 > 0.0001",
        "scanned",
        "left out: longer than every region (18 bp)",
    ]
    assert scan.motifs["threshold"].isna().tolist() == [True, False, True]
    assert scan.motifs["best_p_value"].notna().all()
    assert scan.motifs["n_short_regions"].tolist() == [0, 0, 1]
    assert scan.counts["motifs left out"] == 2
    none = scan_text(TEXT, motifs[:1], Scoring())
    assert len(none.hits) == 0
    assert none.hits.columns.tolist() == list(HIT_COLUMNS)


def test_about_the_declared_share_of_random_letters_hits():
    rng = np.random.default_rng(3)
    scan = scan_text(
        random_text(rng, 200_000),
        [random_motif(rng, 12, f"r{i}") for i in range(10)],
        Scoring(p_value=1e-3),
    )
    n = scan.motifs["n_hits"] + scan.motifs["n_overlapping"]
    assert 0.9 * 400 < n.mean() < 1.03 * 400


def test_what_a_scan_refuses():
    genome = Genome.from_records({"chr1": TEXT[:100]})
    with pytest.raises(InputError, match="no regions to scan; wanted at least one interval"):
        scan_motifs(genome, [], MOTIFS)
    with pytest.raises(InputError, match="no motifs; wanted at least one"):
        scan_motifs(genome, None, [])
    with pytest.raises(InputError, match=r"two motifs have the accession 'WORD\.1'"):
        scan_motifs(genome, None, [make_motif("ACGTACGT")] * 2)
    with pytest.raises(CoordinateError, match="no chromosome 'chr9'"):
        scan_motifs(genome, [Interval("chr9", 0, 50)], MOTIFS)
    with pytest.raises(CoordinateError, match="leaves the sequence, which ends at 100"):
        scan_motifs(genome, [Interval("chr1", 50, 150)], MOTIFS)


def test_groups_are_gene_loci_or_megabases():
    genes = pd.DataFrame(
        {
            "chrom": ["chr1", "chr1", "chr1", "chr2"],
            "start": [100, 150, 900, 100],
            "end": [200, 300, 1000, 200],
            "group": ["A+1", "A+1", "B", "C"],
        }
    )
    edges = np.array([99, 100, 300, 301, 600, 950, 1_999_999, 2_000_000])
    chroms = np.array(["chr1"] * 8, dtype=object)
    plain = find_groups(chroms, edges)
    assert plain.tolist() == ["chr1:0Mb"] * 6 + ["chr1:1Mb", "chr1:2Mb"]
    found = find_groups(chroms, edges, genes)
    assert found.tolist()[:6] == ["chr1:0Mb", "A+1", "A+1", "chr1:0Mb", "chr1:0Mb", "B"]
    near = find_groups(chroms, edges, genes, margin_bp=500)
    assert near.tolist()[:6] == ["A+1", "A+1", "A+1", "A+1", "A+1", "B"]
    assert near.tolist()[6] == "chr1:1Mb"
    assert find_groups(np.array(["chr3"], dtype=object), edges[:1], genes).tolist() == ["chr3:0Mb"]
    with pytest.raises(InputError, match="genes lack column 'group'"):
        find_groups(chroms, edges, genes.drop(columns="group"))
    with pytest.raises(InputError, match="groups 'A' and 'B' overlap on chr1; wanted one group"):
        find_groups(chroms, edges, genes.assign(group=["A", "B", "C", "D"]))
