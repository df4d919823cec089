"""Tables, join and pairing on a gene that one can draw.

      10    20      30    40      50   60        edges of gene G1 on +
exons |=====|        |=====|       |====|        canonical T1: introns [20, 130) and [140, 250)
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.introns import (
    MIN_INTRON_BP,
    GeneJunctions,
    Transcript,
    count_recovered,
    find_left_edge,
    join_gene_ids,
    pair_junctions,
    read_gene_junctions,
    read_transcripts,
)
from ldar_interp.errors import InputError

SPLICEAI = (
    "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\n"
    "T1\t3\t+\t10\t260\t10,130,250,\t20,140,260,\n"
)
CISPLICEAI = (
    'gene_id,chr,strand,start,end,jn_start,jn_end\nENSG1,chr3,+,11,260,"20,140","131,201,251"\n'
)
T1 = Transcript("T1", "chr3", "+", ((10, 20), (130, 140), (250, 260)))
G1 = GeneJunctions("ENSG1", "chr3", "+", (10, 260), (20, 140), (130, 200, 250))


def test_tables_become_edges():
    assert read_transcripts(SPLICEAI) == [T1]
    assert read_gene_junctions(CISPLICEAI) == [G1]
    assert T1.introns == ((20, 130), (140, 250))
    assert T1.span == (10, 260)


def test_exons_that_do_not_fill_the_transcript_are_an_error():
    with pytest.raises(InputError, match="exons of T1 do not fill 10-270 in order"):
        read_transcripts(SPLICEAI.replace("\t260\t", "\t270\t"))
    with pytest.raises(InputError, match="exons of T1"):
        read_transcripts(SPLICEAI.replace("20,140,260,", "20,260,"))


def test_a_name_twice_is_an_error():
    with pytest.raises(InputError, match="T1 comes twice"):
        read_transcripts(SPLICEAI + SPLICEAI.splitlines()[1] + "\n")


def test_a_missing_column_is_an_error():
    with pytest.raises(InputError, match=r"spliceai grch37\.txt: no column EXON_END"):
        read_transcripts(SPLICEAI.replace("EXON_END", "ENDS"))
    with pytest.raises(InputError, match=r"cispliceai grch37\.csv: no column jn_end"):
        read_gene_junctions(CISPLICEAI.replace("jn_end", "to"))


def test_the_further_edge_takes_the_nearest_facing_edge():
    pairs = pair_junctions(G1, T1.introns)
    assert pairs.known == {(20, 130), (140, 250)}
    assert pairs.paired == {(140, 200)}
    assert pairs.lone_edges == set()


def test_a_cassette_exon_gives_both_its_introns():
    # exon [180, 190) between the second and third exon: one new right and one new left edge
    gene = GeneJunctions("g", "chr3", "+", (10, 260), (20, 140, 190), (130, 180, 250))
    assert pair_junctions(gene, T1.introns).paired == {(140, 180), (190, 250)}


def test_an_edge_without_a_facing_edge_is_counted_not_paired():
    gene = GeneJunctions("g", "chr3", "+", (10, 400), (20, 140, 300), (130, 250))
    pairs = pair_junctions(gene, T1.introns)
    assert pairs.paired == set()
    assert pairs.lone_edges == {300}


def test_partners_nearer_than_an_intron_are_passed_over():
    gene = GeneJunctions("g", "chr3", "+", (0, 300), (100,), (100 + MIN_INTRON_BP - 1, 200))
    assert (100, 200) in pair_junctions(gene, []).paired
    gene = GeneJunctions("g", "chr3", "+", (0, 300), (100,), (100 + MIN_INTRON_BP, 200))
    assert (100, 100 + MIN_INTRON_BP) in pair_junctions(gene, []).paired
    gene = GeneJunctions("g", "chr3", "+", (0, 300), (50, 170, 200 - MIN_INTRON_BP + 1), (200,))
    assert (170, 200) in pair_junctions(gene, []).paired
    assert find_left_edge(gene, 200) == 170


edges = st.sets(st.integers(0, 2_000), max_size=12).map(lambda s: tuple(sorted(s)))


@given(edges, edges)
def test_every_edge_is_used_or_counted_and_none_is_invented(lefts, rights):
    gene = GeneJunctions("g", "chr1", "-", (0, 2_000), lefts, rights)
    pairs = pair_junctions(gene, [])
    used = {("left", a) for a, _ in pairs.paired} | {("right", b) for _, b in pairs.paired}
    have = {("left", a) for a in lefts} | {("right", b) for b in rights}
    assert used <= have
    assert {edge for _, edge in have - used} <= pairs.lone_edges
    assert all(b - a >= MIN_INTRON_BP for a, b in pairs.paired)


def test_join_wants_every_edge_and_one_candidate():
    other = GeneJunctions("ENSG2", "chr3", "+", (0, 500), (20,), (130,))
    assert join_gene_ids([T1], [G1, other]) == {"T1": "ENSG1"}
    twin = GeneJunctions("ENSG3", "chr3", "+", (0, 500), G1.left_edges, G1.right_edges)
    assert join_gene_ids([T1], [G1, twin]) == {}
    assert join_gene_ids([T1], [other]) == {}
    minus = GeneJunctions("ENSG4", "chr3", "-", G1.span, G1.left_edges, G1.right_edges)
    assert join_gene_ids([T1], [minus]) == {}


def test_two_transcripts_cannot_share_a_gene():
    again = Transcript("T2", "chr3", "+", T1.exons)
    assert join_gene_ids([T1, again], [G1]) == {}


def test_a_transcript_without_introns_takes_the_overlapping_gene_that_is_left():
    lone = Transcript("T0", "chr3", "+", ((100, 300),))
    spare = GeneJunctions("ENSG5", "chr3", "+", (280, 900), (310,), (600,))
    assert join_gene_ids([lone, T1], [G1, spare]) == {"T1": "ENSG1", "T0": "ENSG5"}
    assert "T0" not in join_gene_ids([lone], [G1, spare])


def test_recovery_asks_both_ends_of_canonical_introns():
    # 140 faces 200 before its true partner 250; the three other ends find theirs.
    assert count_recovered([T1], [G1], {"T1": "ENSG1"}) == (3, 4)
    assert count_recovered([T1], [G1], {}) == (0, 0)
