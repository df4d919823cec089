"""Windows, masks, regions: pure functions of seed and step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_run import random_sequence, write_fasta

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import MASK, PAD, N, decode, encode, reverse_complement
from ldar_interp.genome.intervals import Interval
from ldar_interp.model.losses import IGNORE
from ldar_interp.train.config import Source
from ldar_interp.train.data import (
    WindowSampler,
    admissible_starts,
    mask_windows,
    parse_region,
    read_source,
    tile_windows,
)


def source(path, **fields) -> Source:
    return Source(name="s", fasta=path, **fields)


@pytest.fixture
def sampler(tmp_path):
    path = write_fasta(tmp_path / "a.fa", random_sequence(500))
    return WindowSampler([source(path)], 40, max_n_share=0.1, seed=3)


def test_a_batch_depends_on_seed_and_step_only(tmp_path, sampler):
    first = sampler.batch(7, 4, 0.15)
    sampler.batch(8, 4, 0.15)
    again = sampler.batch(7, 4, 0.15)
    np.testing.assert_array_equal(first.input_ids, again.input_ids)
    np.testing.assert_array_equal(first.labels, again.labels)
    other_step = sampler.batch(8, 4, 0.15)
    assert not np.array_equal(first.input_ids, other_step.input_ids)
    seeded = WindowSampler([source(tmp_path / "a.fa")], 40, max_n_share=0.1, seed=4)
    assert not np.array_equal(first.input_ids, seeded.batch(7, 4, 0.15).input_ids)


def test_half_of_the_windows_are_reverse_complements(tmp_path):
    """All starts of ACACAC... read AC; the other strand reads GT."""
    path = write_fasta(tmp_path / "a.fa", "AC" * 100)
    sampler = WindowSampler([source(path)], 20, max_n_share=0, seed=0)
    windows = np.concatenate([sampler.windows(step, 50) for step in range(20)])
    on_minus = (windows >= 2).all(axis=1)
    assert (on_minus | (windows < 2).all(axis=1)).all()
    assert 0.44 < on_minus.mean() < 0.56  # 4 standard errors at 1,000 windows


def test_windows_are_slices_of_their_source(sampler):
    letters = random_sequence(500)
    for window in sampler.windows(0, 20):
        assert decode(window) in letters or decode(reverse_complement(window)) in letters


def test_sources_are_drawn_by_weight_and_starts_evenly(tmp_path):
    """Weights 1 and 3; the first source has two pieces with 1 and 3 starts."""
    a = write_fasta(tmp_path / "a.fa", "A" * 10 + "C" * 12)
    b = write_fasta(tmp_path / "b.fa", "T" * 300)
    sources = [
        Source(name="a", fasta=a, regions=("chr1:1-10", "chr1:11-22"), weight=1),
        Source(name="b", fasta=b, weight=3),
    ]
    sampler = WindowSampler(sources, 10, max_n_share=0, seed=1)
    windows = np.concatenate([sampler.windows(step, 100) for step in range(20)])
    letters = np.where(windows[:, 0] >= 2, 3 - windows[:, 0], windows[:, 0])
    assert (letters[:, None] == np.where(windows >= 2, 3 - windows, windows)).all()
    # A and T are complements, so look at b alone and at C or G alone.
    is_c = letters == 1
    assert abs(is_c.mean() - 0.25 * 0.75) < 0.04
    assert sampler.counts["a: bases"] == 22
    assert sampler.counts["a: starts"] == 4
    assert sampler.counts["b: starts"] == 291


def test_admissible_starts_by_hand():
    ids = encode("ACNNGTACGT")
    assert admissible_starts(ids, 4, 0.0).tolist() == [4, 5, 6]
    assert admissible_starts(ids, 4, 0.25).tolist() == [3, 4, 5, 6]
    assert admissible_starts(ids, 4, 0.5).tolist() == list(range(7))
    assert admissible_starts(ids, 11, 1.0).tolist() == []
    assert admissible_starts(ids, 10, 0.2).tolist() == [0]


def test_starts_dropped_for_n_are_counted(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "ACNNGTACGT")
    sampler = WindowSampler([source(path)], 4, max_n_share=0, seed=0)
    assert sampler.counts == {"s: bases": 10, "s: starts": 3, "s: starts dropped for N": 4}
    assert not (sampler.windows(0, 50) == N).any()


def test_a_source_without_windows_is_an_error(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "N" * 30 + "ACGT")
    with pytest.raises(
        InputError, match=r"a\.fa: source 's' has no window of 8 bases with at most 10% N"
    ):
        WindowSampler([source(path)], 8, max_n_share=0.1, seed=0)


# ---- masking ------------------------------------------------------------------------------------


def test_shares_of_masking():
    """15 % targets; of them 80 % [MASK], 10 % random (a quarter of which is the base itself)."""
    ids = np.random.default_rng(0).integers(0, 4, size=(100, 4000)).astype(np.uint8)
    batch = mask_windows(ids, 0.15, np.random.default_rng(1))
    target = batch.labels != IGNORE
    n = target.sum()
    assert abs(target.mean() - 0.15) < 0.003
    shown, truth = batch.input_ids[target], batch.labels[target]
    np.testing.assert_array_equal(truth, ids[target])
    assert abs((shown == MASK).sum() / n - 0.8) < 0.01
    assert abs((shown == truth).sum() / n - 0.125) < 0.01
    replaced = shown[(shown != MASK) & (shown != truth)]
    assert abs(len(replaced) / n - 0.075) < 0.01
    assert np.bincount(replaced, minlength=4).min() > 0.2 * len(replaced)
    np.testing.assert_array_equal(batch.input_ids[~target], ids[~target])


@given(seed=st.integers(0, 1000), rate=st.floats(0.01, 0.99))
def test_n_and_padding_are_never_targets(seed, rate):
    rng = np.random.default_rng(seed)
    ids = rng.choice([0, 1, 2, 3, N, PAD], size=(3, 50)).astype(np.uint8)
    batch = mask_windows(ids, rate, rng)
    assert (batch.labels[ids >= N] == IGNORE).all()
    np.testing.assert_array_equal(batch.input_ids[ids >= N], ids[ids >= N])
    assert ((batch.input_ids < 4) | (batch.input_ids == MASK) | (ids >= N)).all()


# ---- regions and validation windows -------------------------------------------------------------


def test_regions_are_one_based_and_closed():
    assert parse_region("chr3:42,000,001-44,000,000") == Interval("chr3", 42_000_000, 44_000_000)
    assert parse_region("HLA:A*01:5-5") == Interval("HLA:A*01", 4, 5)


@pytest.mark.parametrize(
    "text", ["chr1", "chr1:5", "chr1:a-b", ":1-2", "chr1:,-5", "chr1:1-", "1-2"]
)
def test_text_that_is_no_region(text):
    with pytest.raises(InputError, match=r"is not chrom:start-end \(1-based, both ends included\)"):
        parse_region(text)


@pytest.mark.parametrize("text", ["chr1:0-5", "chr1:6-5"])
def test_a_region_that_is_empty_or_before_the_chromosome(text):
    with pytest.raises(InputError, match="is empty or starts before base 1"):
        parse_region(text)


def test_a_region_past_the_end_is_an_error(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "ACGT" * 5)
    with pytest.raises(InputError, match="chr1"):
        read_source(source(path, regions=("chr1:1-21",)))
    with pytest.raises(InputError, match="no chromosome 'chr2'"):
        read_source(source(path, regions=("chr2:1-2",)))


def test_excluded_bases_are_cut_out(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "AACCGGTTAA")
    pieces = read_source(source(path, exclude=("chr1:3-4", "chr1:9-10", "chr2:1-5")))
    assert [(piece.start, piece.end, decode(ids)) for piece, ids in pieces] == [
        (0, 2, "AA"),
        (4, 8, "GGTT"),
    ]


def test_validation_windows_tile_without_overlap(tmp_path):
    letters = random_sequence(95)
    path = write_fasta(tmp_path / "a.fa", letters[:50] + "N" + letters[51:])
    windows = tile_windows([source(path)], 10, max_n_share=0)
    assert [decode(w) for w in windows] == [
        letters[i : i + 10] for i in range(0, 90, 10) if i != 50
    ]
    thinned = tile_windows([source(path)], 10, max_n_share=0, limit=3)
    np.testing.assert_array_equal(thinned, windows[[0, 4, 7]])


def test_no_validation_window_is_an_error(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "ACGT")
    with pytest.raises(InputError, match="sources 's' have no validation window of 10 bases"):
        tile_windows([source(path)], 10, max_n_share=0)
    everything = source(path, exclude=("chr1:1-4",))
    with pytest.raises(InputError, match="no validation window"):
        tile_windows([everything], 2, max_n_share=0)
