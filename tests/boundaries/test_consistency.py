"""The margin is where shifted windows agree: on planted disagreement, and on a real small model."""

from types import SimpleNamespace

import numpy as np
import pytest

from ldar_interp.boundaries import consistency
from ldar_interp.boundaries.consistency import NoStretchError, measure_consistency
from ldar_interp.boundaries.extract import run_router
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.checkpoint import preset, random_model

LENGTH = 256


def make_letters(n, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), size=n).tolist())


def make_model(length=LENGTH):
    return random_model(preset("nano").with_length(length), seed=3).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def genome():
    return Genome.from_records({"chr1": make_letters(4000), "chr2": make_letters(1000, seed=1)})


def plant(monkeypatch, error, *, length=LENGTH, strand_gap=0.0):
    """A model whose p is that of its 2-mer, plus `error(distance to the nearer window end)`.

    `strand_gap` is added before every A that it reads.
    """

    def fake(_model, ids, **_options):
        assert ids.shape[1] == length
        before, after = ids[:, :-1].astype(int), ids[:, 1:].astype(int)
        # The same number for a cut and its reverse complement, of whole 128ths.
        by_letters = (np.minimum(4 * before + after, 4 * (3 - after) + 3 - before) + 8) / 128
        edge = np.arange(1, length)
        prob = by_letters + error(np.minimum(edge, length - edge)) + strand_gap * (after == 0)
        return np.concatenate([np.full((len(ids), 1), np.nan), prob], axis=1).astype(np.float32)

    monkeypatch.setattr(consistency, "run_router", fake)
    return SimpleNamespace(
        config=SimpleNamespace(train_length=length), parameters=make_model().parameters
    )


@pytest.mark.parametrize(("reach", "margin"), [(0, 16), (17, 32), (32, 32), (33, 48), (48, 48)])
def test_the_margin_is_the_first_bin_beyond_a_planted_error(monkeypatch, genome, reach, margin):
    model = plant(monkeypatch, lambda d: np.where(d < reach, 0.25, 0.0))
    found = measure_consistency(model, genome, n_loci=3)
    assert (found.margin_bp, found.reached, found.n_loci) == (margin, True, 3)
    wrong = found.table["distance_bp"] + 15 < reach
    np.testing.assert_allclose(found.table["mean_abs_dp"][wrong], 0.25, atol=1e-6)
    right = found.table["distance_bp"] >= reach
    np.testing.assert_allclose(found.table["mean_abs_dp"][right], 0, atol=1e-6)
    assert found.strand_difference == pytest.approx(0, abs=1e-6)
    assert found.summary()["max_abs_dp_beyond_margin"] == pytest.approx(0, abs=1e-6)


def test_a_dip_between_errors_does_not_end_the_margin(monkeypatch, genome):
    model = plant(monkeypatch, lambda d: np.where((d < 16) | ((d >= 32) & (d < 40)), 0.25, 0.0))
    found = measure_consistency(model, genome, n_loci=2)
    assert (found.margin_bp, found.reached) == (48, True)
    table = found.table
    assert table["distance_bp"].tolist() == [0, 16, 32, 48]
    assert table["n_edges"].tolist() == [4 * 15, 4 * 16, 4 * 16, 4 * 16]
    np.testing.assert_allclose(table["mean_abs_dp"], [0.25, 0, 0.125, 0], atol=1e-6)
    np.testing.assert_allclose(table["max_abs_dp"], [0.25, 0, 0.25, 0], atol=1e-6)


def test_windows_of_odd_length_compare_the_same_edges(monkeypatch, genome):
    model = plant(monkeypatch, lambda d: 0.0 * d, length=131)
    found = measure_consistency(model, genome, n_loci=4)
    assert found.table["max_abs_dp"].max() == pytest.approx(0, abs=1e-6)


def test_an_error_that_reaches_everywhere_is_said_to_be_not_reached(monkeypatch, genome):
    model = plant(monkeypatch, lambda d: np.exp(-d / 200))
    found = measure_consistency(model, genome, n_loci=2)
    assert (found.margin_bp, found.reached) == (LENGTH // 4, False)
    summary = found.summary()
    assert summary["margin_reached_tolerance"] is False
    # Nothing lies beyond the margin: the farthest bin is what can be said.
    assert summary["mean_abs_dp_beyond_margin"] == found.table["mean_abs_dp"].iloc[-1]
    assert summary["max_abs_dp_beyond_margin"] == found.table["max_abs_dp"].iloc[-1]
    # With more tolerance the same model has a margin.
    assert measure_consistency(model, genome, n_loci=2, tolerance=0.9).reached


def test_flips_are_hard_boundaries_that_differ(monkeypatch, genome):
    model = plant(monkeypatch, lambda d: np.where(d < 16, 0.6, 0.0))
    found = measure_consistency(model, genome, n_loci=2)
    assert found.table["flip_rate"].tolist() == [1.0, 0.0, 0.0, 0.0]


def test_the_difference_of_strands_is_measured_in_the_centre(monkeypatch):
    # Every base is A: read forward each edge has 0.25 more than read as T on the other strand.
    genome = Genome.from_records({"chr1": "A" * 4000})
    model = plant(monkeypatch, lambda d: 0.0 * d, strand_gap=0.25)
    assert measure_consistency(model, genome, n_loci=2).strand_difference == pytest.approx(0.25)


def test_a_random_model_needs_a_small_margin_and_is_measured_the_same_twice(genome):
    model = make_model()
    first, second = (measure_consistency(model, genome, n_loci=4, seed=5) for _ in range(2))
    assert first.reached and first.margin_bp <= 48
    assert first.table["mean_abs_dp"].iloc[0] > 0
    assert 0 < first.strand_difference < 0.5
    assert first.table.equals(second.table) and first.summary() == second.summary()
    other = measure_consistency(model, genome, n_loci=4, seed=6)
    assert not first.table.equals(other.table)


def test_the_measurement_by_hand():
    model = make_model()
    text = Genome.from_records({"chr1": make_letters(2 * LENGTH)})
    found = measure_consistency(model, text)
    # There is one place for a locus; it is not counted twelve times.
    assert found.n_loci == 1
    ids = text.fetch("chr1", 0, 2 * LENGTH)
    first, second, third = (
        run_router(model, ids[None, s : s + LENGTH])[0] for s in (0, LENGTH // 2, LENGTH)
    )
    by_place = {0: first, LENGTH: third}
    gaps = []
    for d in range(16, 32):
        for other, place in ((0, LENGTH // 2 + d), (LENGTH, LENGTH // 2 + LENGTH - d)):
            gaps.append(abs(second[place - LENGTH // 2] - by_place[other][place - other]))
    row = found.table[found.table["distance_bp"] == 16].iloc[0]
    assert row["mean_abs_dp"] == pytest.approx(np.mean(gaps), abs=1e-6)
    assert row["max_abs_dp"] == pytest.approx(np.max(gaps), abs=1e-6)


def test_a_genome_without_a_clean_stretch_is_an_error():
    short = Genome.from_records({"chr1": "ACGT" * 100, "chr2": ("A" * 300 + "N") * 10})
    with pytest.raises(NoStretchError) as caught:
        measure_consistency(make_model(), short)
    assert str(caught.value) == (
        "genome in memory: no stretch of 512 bases without N found, which the margin's "
        "measurement needs; give --margin-bp or a longer sequence"
    )


def test_windows_too_short_to_measure_are_an_error(genome):
    with pytest.raises(InputError, match=r"windows of 60 bp are too short to measure a margin"):
        measure_consistency(make_model(60), genome)
