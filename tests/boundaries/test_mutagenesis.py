"""Every base to every other: against windows mutated by hand, on both strands, at ends and N."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.boundaries.edge_windows import read_window
from ldar_interp.boundaries.extract import predict_boundaries
from ldar_interp.boundaries.mutagenesis import mutate_sites
from ldar_interp.errors import CoordinateError, DeviceError, InputError
from ldar_interp.genome.alphabet import N, decode, encode
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.checkpoint import preset, random_model

LENGTH = 64
OPTIONS = {"context_bp": 6, "margin_bp": 8}
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
TEXT = "".join(np.random.default_rng(0).choice(list("ACGT"), size=400).tolist())
TEXT = TEXT[:250] + "N" + TEXT[251:]


@pytest.fixture(scope="module")
def model():
    config = preset("nano").with_length(LENGTH)
    # In float64, so that a change as small as 1e-6 is compared to many digits.
    return random_model(config, seed=3).double().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def genome():
    return Genome.from_records({"chr1": TEXT})


def make_sites(*rows):
    return pd.DataFrame(rows, columns=["chrom", "edge", "strand"])


def run(model, genome, *rows, **changes):
    return mutate_sites(model, genome, make_sites(*rows), **(OPTIONS | changes))


@pytest.mark.parametrize("strand", ["+", "-"])
@pytest.mark.parametrize("edge", [100, 20])
def test_against_windows_mutated_by_hand(model, genome, edge, strand):
    found = run(model, genome, ("chr1", edge, strand), spread_bp=2)
    assert found.profiles.shape == (1, 12, 4, 5) and found.delta.shape == (1, 12, 4)
    assert found.base_offsets.tolist() == list(range(-6, 6))
    start, end = max(0, edge - 32), edge + 32
    cases, texts = [], [TEXT[start:end]]
    for column, offset in enumerate(found.base_offsets.tolist()):
        place = edge + offset if strand == "+" else edge - 1 - offset
        for number, letter in enumerate("ACGT"):
            written = letter if strand == "+" else letter.translate(COMPLEMENT)
            cases.append((column, number))
            texts.append((TEXT[:place] + written + TEXT[place + 1 :])[start:end])
    at = edge - start
    if strand == "-":
        texts = [text.translate(COMPLEMENT)[::-1] for text in texts]
        at = end - edge
    native, *mutated = (p[at - 2 : at + 3] for p in predict_boundaries(model, texts))
    np.testing.assert_allclose(found.native[0], native, atol=1e-7)
    for (column, number), prob, text in zip(cases, mutated, texts[1:], strict=True):
        np.testing.assert_allclose(found.profiles[0, column, number], prob - native, atol=2e-7)
        is_reference = text == texts[0]
        assert bool(found.letters[0, column] == number) is is_reference
        assert bool(found.delta[0, column, number] == 0) is is_reference
    assert found.prob[0] == found.native[0, 2]


def test_the_other_strand_of_the_reversed_genome_gives_the_same_numbers(model, genome):
    rows = [("chr1", 30, "+"), ("chr1", 120, "-"), ("chr1", 240, "+"), ("chr1", 262, "-")]
    turned = Genome.from_records({"chr1": TEXT.translate(COMPLEMENT)[::-1]})
    mirrored = [("chr1", len(TEXT) - e, "+-"[s == "+"]) for _, e, s in rows]
    found, same = run(model, genome, *rows), run(model, turned, *mirrored)
    np.testing.assert_array_equal(found.letters, same.letters)
    np.testing.assert_array_equal(found.profiles, same.profiles)
    np.testing.assert_array_equal(found.flanks, same.flanks)


def test_bases_off_the_sequence_and_behind_n_are_nan(model, genome):
    # 4 bp from the start; 5 bp before the N at base 250; 1 bp behind it; the margin is 1.
    rows = [("chr1", 4, "+"), ("chr1", 245, "-"), ("chr1", 252, "+")]
    found = run(model, genome, *rows, margin_bp=1)
    known = ~np.isnan(found.delta).any(axis=2)
    assert known.tolist() == [
        [False] * 2 + [True] * 10, [False] + [True] * 11, [False] * 5 + [True] * 7,
    ]  # fmt: skip
    assert ((found.letters == N) == ~known).all()
    assert found.flanks.tolist() == [[4, 32], [5, 32], [1, 32]]
    counts = {name: found.provenance[name] for name in ("windows_cut", "bases_not_mutated")}
    assert counts == {"windows_cut": 3, "bases_not_mutated": 8}
    assert found.provenance["variants"] == 3 * 28


def test_sites_within_the_margin_are_nan_and_counted(model, genome):
    rows = [("chr1", 7, "+"), ("chr1", 8, "+"), ("chr1", 250, "+"), ("chr1", 999, "-")]
    found = run(model, genome, *rows)
    assert np.isnan(found.prob).tolist() == [True, False, True, True]
    assert np.isnan(found.delta[[0, 2, 3]]).all() and (found.letters[[0, 2, 3]] == N).all()
    assert found.provenance["sites"] == 4 and found.provenance["sites_without_value"] == 3


def test_batches_change_nothing(model, genome):
    rows = [("chr1", 100, "+"), ("chr1", 130, "-"), ("chr1", 20, "+")]
    wanted = run(model, genome, *rows)
    for changes in ({"batch_size": 1}, {"batch_size": 100}):
        found = run(model, genome, *rows, **changes)
        np.testing.assert_allclose(found.delta, wanted.delta, atol=1e-7)


def test_spread_does_not_change_the_site_and_windows_may_be_shorter(model, genome):
    alone, wide = (run(model, genome, ("chr1", 90, "-"), spread_bp=n) for n in (0, 3))
    np.testing.assert_allclose(alone.delta, wide.delta, atol=1e-7)
    short = run(model, genome, ("chr1", 90, "-"), window_bp=32)
    assert short.flanks.tolist() == [[16, 16]] and (short.delta != alone.delta).any()


def test_windows_are_read_on_their_strand():
    genome = Genome.from_records({"chr1:11-30": "ACGTACGTNNACGGTTCAGT"})
    plus, minus = (read_window(genome, "chr1", 25, s, window_bp=16) for s in "+-")
    assert (decode(plus.upstream), decode(plus.downstream)) == ("ACGGT", "TCAGT")
    assert (decode(minus.upstream), decode(minus.downstream)) == ("ACTGA", "ACCGT")
    assert decode(minus.ids) == "ACTGAACCGT" and minus.edge == 5
    assert plus.has_margin(5) and not plus.has_margin(6)
    at_end = read_window(genome, "chr1", 30, "+", window_bp=4)
    assert (decode(at_end.upstream), decode(at_end.downstream)) == ("GT", "")
    inside_n = read_window(genome, "chr1", 19, "+", window_bp=4)
    assert not len(inside_n.ids)
    assert not len(read_window(genome, "chr1", 5, "-", window_bp=4).ids)
    assert encode("ACGT").tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"context_bp": 0}, "context of 0 bp, spread of 0 bp; wanted 1 to 32, half of the"),
        ({"context_bp": 33}, "context of 33 bp"),
        ({"spread_bp": 8}, "spread of 8 bp; wanted 1 to 32, half of the window, and 0 to 7"),
        ({"window_bp": 33}, "window of 33 bp; wanted an even number from 2 to 64"),
        ({"window_bp": 66}, "window of 66 bp; wanted an even number from 2 to 64"),
        ({"margin_bp": 33}, "margin of 33 bp in windows of 64 bp; wanted 1 to 32"),
        ({"workers": 0}, "workers 0, batch_size None; wanted at least 1"),
        ({"batch_size": 0}, "batch_size 0; wanted at least 1"),
    ],
)
def test_numbers_out_of_range(model, genome, changes, message):
    with pytest.raises(InputError, match=message):
        run(model, genome, ("chr1", 100, "+"), **changes)


def test_other_errors(model, genome):
    with pytest.raises(InputError, match="the table of sites is empty; wanted at least one site"):
        run(model, genome)
    with pytest.raises(CoordinateError, match="sites lie on chr9, which the genome does not have"):
        run(model, genome, ("chr9", 100, "+"))
    with pytest.raises(DeviceError, match="dtype 'float16'; wanted one of float32, bfloat16"):
        run(model, genome, ("chr1", 100, "+"), dtype="float16")
    fixed = random_model(preset("nano").with_router("fixed:4"), seed=1)
    with pytest.raises(InputError, match=r"router fixed:4 of .* wanted a learned or one_sided"):
        run(fixed, genome, ("chr1", 100, "+"))
