"""Change of p by a variant: against changed genomes edge by edge, both strands, indels, ends."""

import numpy as np
import pytest

from ldar_interp.boundaries.extract import predict_boundaries
from ldar_interp.boundaries.variant_change import measure_change
from ldar_interp.boundaries.variant_windows import Allele, list_edges, read_pair
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.checkpoint import preset, random_model
from ldar_interp.sites.vcf import spread_indel, trim

LENGTH = 64
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
TEXT = "".join(np.random.default_rng(5).choice(list("ACGT"), size=400).tolist())
TEXT = TEXT[:196] + "GCCCGTAAGT" + TEXT[206:330] + "N" + TEXT[331:]
SHAPE = {"reach_bp": 10, "window_bp": LENGTH, "margin_bp": 8}
ALLELES = [
    (200, "G", "A"),
    (199, "CG", "TA"),  # as many letters: the edge between them is compared too
    (204, "GT", "G"),
    (190, TEXT[190:193], TEXT[190]),
    (185, TEXT[185], TEXT[185] + "ACGTA"),
    (196, "GC", "G"),  # slides over CCC: no place between edges 197 and 200
    (100, TEXT[100], "ACGT"[("ACGT".index(TEXT[100]) + 1) % 4]),
]


def turn(text):
    return text.translate(COMPLEMENT)[::-1]


@pytest.fixture(scope="module")
def model():
    config = preset("nano").with_length(LENGTH)
    return random_model(config, seed=3).double().eval().requires_grad_(False)


def make_genome(text):
    return Genome.from_records({"chr1": text})


def place(text, start, ref, alt):
    begin, end, inserted = trim(start, ref, alt)
    genome = make_genome(text)
    return Allele("chr1", begin, end, inserted, *spread_indel(genome, "chr1", begin, end, inserted))


def predict(model, text, middle, strand):
    """p by edge of the + strand, from one window with `middle` in its middle, margins left out."""
    low, high = middle - LENGTH // 2, middle + LENGTH // 2
    window = text[low:high] if strand == "+" else turn(text[low:high])
    prob = predict_boundaries(model, [window])[0]
    return {(low + t if strand == "+" else high - t): prob[t] for t in range(8, LENGTH - 8 + 1)}


def change_by_hand(model, text, start, ref, alt, reach):
    """Edges and changes, from the changed text itself."""
    changed = text[:start] + alt + text[start + len(ref) :]
    allele, growth = place(text, start, ref, alt), len(alt) - len(ref)
    pairs = [
        (
            predict(model, text, middle, strand),
            predict(model, changed, middle + growth * (strand == "-"), strand),
        )
        for strand, middle in (("+", allele.first), ("-", allele.last))
    ]
    found = {}
    for edge in range(allele.first - reach, allele.last + reach + 1):
        moved = edge
        if growth:
            if (edge <= allele.first) == (edge >= allele.last):
                continue
            moved = edge + growth * (edge >= allele.last)
        found[edge] = np.mean([with_it[moved] - without[edge] for without, with_it in pairs])
    return found


@pytest.mark.parametrize("number", range(len(ALLELES)))
def test_largest_change_is_that_of_the_changed_genome(model, number):
    allele = place(TEXT, *ALLELES[number])
    found = measure_change(model, make_genome(TEXT), [allele], **SHAPE)
    wanted = change_by_hand(model, TEXT, *ALLELES[number], 10)
    best = max(wanted, key=lambda edge: abs(wanted[edge]))
    assert found.edge[0] == best and wanted[best] != 0
    assert found.delta[0] == pytest.approx(wanted[best], abs=1e-6)
    assert found.n_edges[0] == found.n_valued[0] == len(wanted)
    assert found.window_bp[0] == LENGTH


def test_a_genome_read_from_its_other_end_gives_the_same(model):
    found = measure_change(
        model, make_genome(TEXT), [place(TEXT, *given) for given in ALLELES], **SHAPE
    )
    other = turn(TEXT)
    mirrored = [
        place(other, len(TEXT) - start - len(ref), turn(ref), turn(alt))
        for start, ref, alt in ALLELES
    ]
    turned = measure_change(model, make_genome(other), mirrored, **SHAPE)
    np.testing.assert_allclose(found.delta, turned.delta, atol=1e-9)
    assert (len(TEXT) - turned.edge).tolist() == found.edge.tolist()
    alone = [
        measure_change(model, make_genome(TEXT), [place(TEXT, *given)], batch_size=1, **SHAPE)
        for given in ALLELES
    ]
    np.testing.assert_allclose([x.delta[0] for x in alone], found.delta, atol=1e-9)


def test_edges_that_are_the_same_with_and_without():
    edges, moved = list_edges(Allele("c", 10, 11, "T", 10, 11), 2)
    assert edges.tolist() == [8, 9, 10, 11, 12, 13] == moved.tolist()
    edges, moved = list_edges(Allele("c", 11, 12, "", 10, 13), 2)  # slides from 10 to 13
    assert edges.tolist() == [8, 9, 10, 13, 14, 15]
    assert moved.tolist() == [8, 9, 10, 12, 13, 14]
    edges, moved = list_edges(Allele("c", 10, 10, "GG", 10, 10), 2)  # on an edge: it has no place
    assert edges.tolist() == [8, 9, 11, 12] and moved.tolist() == [8, 9, 13, 14]


def test_windows_with_an_indel_hold_it_downstream_of_their_middle():
    genome, allele = make_genome(TEXT), place(TEXT, 185, TEXT[185], TEXT[185] + "ACGTA")
    changed = TEXT[:186] + "ACGTA" + TEXT[186:]
    first, last = allele.first, allele.last
    for strand, at in (("+", first), ("-", last + 5)):
        window = read_pair(genome, allele, strand, window_bp=20)[1]
        wanted = changed[at - 10 : at + 10]
        assert decode(window.ids) == (wanted if strand == "+" else turn(wanted))
        assert window.edge == 10


def test_ends_and_n_leave_edges_without_value(model):
    letters = {at: "ACGT"[("ACGT".index(TEXT[at]) + 1) % 4] for at in (7, 8, 9, 20, 322, 325)}
    alleles = [place(TEXT, at, TEXT[at], alt) for at, alt in letters.items()]
    found = measure_change(model, make_genome(TEXT), alleles, **SHAPE)
    # Edges 8 .. at + 11 are at least 8 from the start.
    assert found.n_valued.tolist()[:4] == [11, 12, 13, 22]
    assert found.n_edges.tolist() == [22] * 6
    # The N at 330: edges up to 322.
    assert found.n_valued.tolist()[4:] == [11, 8]
    assert (found.edge >= 8).all() and found.window_bp.tolist()[0] == 39
    off = measure_change(
        model, make_genome(TEXT), [place(TEXT, 329, TEXT[329], "ACGT"[TEXT[329] == "A"])],
        reach_bp=3, window_bp=LENGTH, margin_bp=8,
    )  # fmt: skip
    assert np.isnan(off.delta[0]) and off.edge[0] == -1 and off.n_valued[0] == 0


def test_an_indel_that_slides_too_far_has_no_value(model):
    text = TEXT[:100] + "A" * 40 + TEXT[140:]
    allele = place(text, 99, text[99] + "A", text[99])
    assert allele.last - allele.first >= 40
    found = measure_change(model, make_genome(text), [allele], **SHAPE)
    assert np.isnan(found.delta[0]) and found.n_edges[0] == 22


def test_errors(model):
    genome, alleles = make_genome(TEXT), [place(TEXT, *ALLELES[0])]
    with pytest.raises(InputError, match="reach_bp -1, router learned; wanted at least 0 bp"):
        measure_change(model, genome, alleles, **(SHAPE | {"reach_bp": -1}))
    grid = random_model(preset("nano").with_length(LENGTH).with_router("fixed:4"), seed=1).eval()
    with pytest.raises(InputError, match="router fixed:4; wanted at least 0 bp and a learned"):
        measure_change(grid, genome, alleles, **SHAPE)
    with pytest.raises(InputError, match="window of 65 bp"):
        measure_change(model, genome, alleles, **(SHAPE | {"window_bp": 65}))
