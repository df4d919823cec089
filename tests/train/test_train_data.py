"""Windows for training and validation: pure functions of seed, step and row."""

import logging
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from tiny_run import random_sequence, write_fasta

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import MASK, N, decode, encode, reverse_complement
from ldar_interp.model.losses import IGNORE
from ldar_interp.train.config import Source
from ldar_interp.train.data import WindowSampler, tile_windows


def source(path, **fields) -> Source:
    return Source(name="s", fasta=path, **fields)


def many(sampler: WindowSampler, n_steps: int, n_windows: int = 100) -> np.ndarray:
    return np.concatenate([sampler.windows(s, n_windows).numpy() for s in range(n_steps)])


@pytest.fixture
def sampler(tmp_path):
    path = write_fasta(tmp_path / "a.fa", random_sequence(500))
    return WindowSampler([source(path)], 40, max_n_share=0.1, seed=3)


# ---- purity -------------------------------------------------------------------------------------


def test_a_batch_depends_on_seed_and_step_only(tmp_path, sampler):
    first = sampler.batch(7, 4, 0.15)
    assert first.input_ids.dtype == first.labels.dtype == torch.int64
    sampler.batch(8, 4, 0.15)
    again = sampler.batch(7, 4, 0.15)
    assert torch.equal(first.input_ids, again.input_ids)
    assert torch.equal(first.labels, again.labels)
    assert not torch.equal(first.input_ids, sampler.batch(8, 4, 0.15).input_ids)
    fresh = WindowSampler([source(tmp_path / "a.fa")], 40, max_n_share=0.1, seed=3)
    assert torch.equal(fresh.batch(7, 4, 0.15).input_ids, first.input_ids)
    seeded = WindowSampler([source(tmp_path / "a.fa")], 40, max_n_share=0.1, seed=4)
    assert not torch.equal(first.input_ids, seeded.batch(7, 4, 0.15).input_ids)


@given(order=st.permutations(range(5)), cuts=st.lists(st.integers(0, 12), max_size=3))
@settings(max_examples=25, deadline=None)  # the clock says how busy the machine is
def test_any_order_of_steps_and_any_split_of_rows(pure, order, cuts):
    """As ranks and micro-batches make them: contiguous parts, and every second row."""
    sampler, whole = pure
    borders = [0, *sorted(cuts), 12]
    for step in order:
        wanted = whole[step]
        for start, stop in pairwise(borders):
            part = sampler.batch(step, 12, 0.2, rows=range(start, stop))
            assert torch.equal(part.input_ids, wanted.input_ids[start:stop])
            assert torch.equal(part.labels, wanted.labels[start:stop])
        odd = sampler.batch(step, 12, 0.2, rows=range(1, 12, 2))
        assert torch.equal(odd.labels, wanted.labels[1::2])
        few = sampler.batch(step, 5, 0.2)
        assert torch.equal(few.input_ids, wanted.input_ids[:5])


@pytest.fixture(scope="module")
def pure(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pure")
    letters = random_sequence(300) + "N" * 20 + random_sequence(100, seed=1)
    path = write_fasta(folder / "a.fa", letters)
    sources = [source(path, weight=2.0), source(path, regions=("chr1:1-90",))]
    sampler = WindowSampler(sources, 30, max_n_share=0.2, seed=9)
    return sampler, [sampler.batch(step, 12, 0.2) for step in range(5)]


def test_the_cache_does_not_change_a_batch(tmp_path):
    path = write_fasta(tmp_path / "a.fa", random_sequence(900) + "NN" + random_sequence(50))
    plain = WindowSampler([source(path)], 40, max_n_share=0.1, seed=3).batch(1, 8, 0.15)
    for _ in range(2):
        stored = WindowSampler(
            [source(path)], 40, max_n_share=0.1, seed=3, cache=tmp_path / "packed"
        )
        assert torch.equal(stored.batch(1, 8, 0.15).input_ids, plain.input_ids)
    assert len(stored.digest()) == 64
    other = WindowSampler([source(path, regions=("chr1:1-900",))], 40, max_n_share=0, seed=3)
    assert other.digest() != stored.digest()


def test_rows_outside_the_step(sampler):
    for rows in (range(4, 6), range(-1, 2)):
        with pytest.raises(ValueError, match=r"of a step of 5; wanted some of its rows"):
            sampler.batch(0, 5, 0.15, rows=rows)
    assert sampler.batch(0, 5, 0.15, rows=range(0)).input_ids.shape == (0, 40)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_same_bits(pure, tmp_path):
    sampler, whole = pure
    sources = sampler._sources
    on_gpu = WindowSampler(sources, 30, max_n_share=0.2, seed=9, device="cuda", cache=tmp_path)
    for step, wanted in enumerate(whole):
        batch = on_gpu.batch(step, 12, 0.2)
        assert batch.input_ids.is_cuda
        assert torch.equal(batch.input_ids.cpu(), wanted.input_ids)
        assert torch.equal(batch.labels.cpu(), wanted.labels)


# ---- which windows ------------------------------------------------------------------------------


def test_half_of_the_windows_are_reverse_complements(tmp_path):
    """All starts of ACACAC... read AC; the other strand reads GT."""
    path = write_fasta(tmp_path / "a.fa", "AC" * 100)
    sampler = WindowSampler([source(path)], 20, max_n_share=0, seed=0)
    windows = many(sampler, 20, 50)
    on_minus = (windows >= 2).all(axis=1)
    assert (on_minus | (windows < 2).all(axis=1)).all()
    assert stats.binomtest(int(on_minus.sum()), len(windows)).pvalue > 1e-3


def test_windows_are_slices_of_their_source(tmp_path):
    letters = random_sequence(200) + "NN" + random_sequence(70, seed=1) + "N"
    path = write_fasta(tmp_path / "a.fa", letters)
    sampler = WindowSampler([source(path)], 40, max_n_share=0.1, seed=3)
    windows = sampler.windows(0, 200).numpy()
    assert windows.dtype == np.uint8
    assert (windows == N).any()
    for window in windows:
        assert decode(window) in letters or decode(reverse_complement(window)) in letters


def test_every_start_and_strand_is_equally_likely(tmp_path):
    """60 starts in two intervals and around a run of N, on both strands: 120 kinds of window."""
    letters = random_sequence(40, seed=5) + "N" * 6 + random_sequence(54, seed=6)
    path = write_fasta(tmp_path / "a.fa", letters)
    here = source(path, regions=("chr1:1-70", "chr1:71-100"))
    sampler = WindowSampler([here], 12, max_n_share=0.0, seed=2)
    starts = [
        s
        for a, b in [(0, 70), (70, 100)]
        for s in range(a, b - 11)
        if "N" not in letters[s : s + 12]
    ]
    kinds = {}
    for start in starts:
        ids = encode(letters[start : start + 12])
        kinds[ids.tobytes()] = (start, "+")
        kinds[reverse_complement(ids).tobytes()] = (start, "-")
    assert len(kinds) == 2 * len(starts) == 2 * sampler.counts["s: starts"]
    found = Counter(kinds[window.tobytes()] for window in many(sampler, 120))
    assert stats.chisquare([found[kind] for kind in kinds.values()]).pvalue > 1e-3


def test_sources_are_drawn_by_weight_and_starts_evenly(tmp_path):
    """Weights 1, 3 and 4; the first source has two pieces with 1 and 3 starts."""
    a = write_fasta(tmp_path / "a.fa", "A" * 10 + "C" * 12)
    b = write_fasta(tmp_path / "b.fa", "T" * 300)
    c = write_fasta(tmp_path / "c.fa", "AG" * 300)
    sources = [
        Source(name="a", fasta=a, regions=("chr1:1-10", "chr1:11-22"), weight=1),
        Source(name="b", fasta=b, weight=3),
        Source(name="c", fasta=c, weight=4),
    ]
    sampler = WindowSampler(sources, 10, max_n_share=0, seed=1)
    windows = many(sampler, 40)
    mixed = (windows[:, 0] != windows[:, 1]).sum()
    is_c = np.isin(windows[:, :2], (1, 2)).all(axis=1).sum()  # C or G twice: source a's last piece
    rest = len(windows) - mixed - is_c
    n = len(windows)
    wanted = [n * 4 / 8, n * 1 / 8 * 3 / 4, n * 3 / 8 + n * 1 / 8 * 1 / 4]
    assert stats.chisquare([mixed, is_c, rest], wanted).pvalue > 1e-3
    assert sampler.counts["a: bases"] == 22
    assert sampler.counts["a: starts"] == 4
    assert sampler.counts["b: starts"] == 291


def test_source_start_and_strand_are_independent(tmp_path):
    a = write_fasta(tmp_path / "a.fa", random_sequence(40, seed=1))
    b = write_fasta(tmp_path / "b.fa", random_sequence(40, seed=2))
    sampler = WindowSampler([source(a), source(b)], 33, max_n_share=0, seed=8)
    kinds = {}
    for which, seed in enumerate((1, 2)):
        for start in range(8):
            ids = encode(random_sequence(40, seed=seed)[start : start + 33])
            for strand, read in enumerate((ids, reverse_complement(ids))):
                kinds[read.tobytes()] = (which, start, strand)
    table = np.zeros((2, 8, 2))
    for window in many(sampler, 60):
        table[kinds[window.tobytes()]] += 1
    assert stats.chisquare(table.ravel()).pvalue > 1e-3


def test_only_bases_are_masked_in_a_batch(tmp_path):
    path = write_fasta(tmp_path / "a.fa", ("ACGTTGCA" * 9 + "N") * 20)
    batch = WindowSampler([source(path)], 64, max_n_share=0.1, seed=0).batch(0, 50, 0.5)
    target = batch.labels != IGNORE
    assert ((batch.input_ids == N) & ~target).any()
    assert (batch.labels[target] < N).all()
    assert (batch.input_ids[~target] <= N).all()
    assert abs((batch.input_ids == MASK).float().mean() - 0.4) < 0.03


# ---- N and counts -------------------------------------------------------------------------------


def test_starts_dropped_for_n_are_counted(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "ACNNGTACGT")
    sampler = WindowSampler([source(path)], 4, max_n_share=0, seed=0)
    assert sampler.counts == {
        "s: intervals merged": 0,
        "s: bases excluded": 0,
        "s: bases": 10,
        "s: N": 2,
        "s: bases in short intervals": 0,
        "s: starts": 3,
        "s: starts dropped for N": 4,
    }
    assert not (sampler.windows(0, 50) == N).any()


def test_counts_of_merged_and_short_intervals(tmp_path):
    path = write_fasta(tmp_path / "a.fa", random_sequence(60) + "N" * 5 + random_sequence(35))
    here = source(path, regions=("chr1:1-20", "chr1:11-30", "chr1:61-65", "chr1:70-100"))
    here = here.model_copy(update={"exclude": ("chr1:91-100",)})
    counts = WindowSampler([here], 10, max_n_share=0, seed=0).counts
    assert counts["s: intervals merged"] == 1
    assert counts["s: bases excluded"] == 10
    assert counts["s: bases"] == 30 + 5 + 21
    assert counts["s: N"] == 5
    assert counts["s: bases in short intervals"] == 5
    assert counts["s: starts"] == 21 + 12


def test_a_source_without_windows_is_an_error(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "N" * 30 + "ACGT")
    message = r"a\.fa: source 's' has no window of 8 bases with at most 10% N; give longer regions"
    with pytest.raises(InputError, match=message):
        WindowSampler([source(path)], 8, max_n_share=0.1, seed=0)
    with pytest.raises(InputError, match="source 's' has no window of 8 bases"):
        WindowSampler([source(path, exclude=("chr1:1-34",))], 8, max_n_share=1, seed=0)


def test_nothing_grows_with_the_genome_but_the_codes(tmp_path):
    n_bases = 400_000
    letters = random_sequence(n_bases // 2) + "N" * 1000 + random_sequence(n_bases // 2 - 1000)
    path = write_fasta(tmp_path / "a.fa", letters)
    sampler = WindowSampler([source(path)], 128, max_n_share=0.1, seed=0)
    held = [x for x in vars(sampler).values() if isinstance(x, torch.Tensor)]
    held += [sampler._packed.codes, sampler._packed.n_runs, sampler._packed.segments]
    assert sum(tensor.nbytes for tensor in held) < n_bases // 4 + 2000


# ---- validation windows -------------------------------------------------------------------------


def test_validation_windows_tile_without_overlap(tmp_path, caplog):
    letters = random_sequence(95)
    path = write_fasta(tmp_path / "a.fa", letters[:50] + "N" + letters[51:])
    windows = tile_windows([source(path)], 10, max_n_share=0)
    assert [decode(w) for w in windows] == [
        letters[i : i + 10] for i in range(0, 90, 10) if i != 50
    ]
    with caplog.at_level(logging.INFO, logger="ldar_interp"):
        thinned = tile_windows([source(path)], 10, max_n_share=0, limit=3)
    np.testing.assert_array_equal(thinned, windows[[0, 4, 7]])
    assert "8 windows of 10 bases, 3 used, 1 more left out for N" in caplog.text


def test_a_share_of_n_is_the_same_in_training_and_validation(tmp_path):
    """29 of 100 bases are a share of 0.29, which 0.29 * 100 = 28.999999999999996 is not."""
    path = write_fasta(tmp_path / "a.fa", "N" * 29 + random_sequence(71))
    assert len(tile_windows([source(path)], 100, max_n_share=0.29)) == 1
    assert WindowSampler([source(path)], 100, max_n_share=0.29, seed=0).counts["s: starts"] == 1
    with pytest.raises(InputError, match="no validation window"):
        tile_windows([source(path)], 100, max_n_share=0.28)
    with pytest.raises(InputError, match="no window of 100 bases"):
        WindowSampler([source(path)], 100, max_n_share=0.28, seed=0)


def test_no_validation_window_is_an_error(tmp_path):
    path = write_fasta(tmp_path / "a.fa", "ACGT")
    with pytest.raises(InputError, match="sources 's' have no validation window of 10 bases"):
        tile_windows([source(path)], 10, max_n_share=0)
    everything = source(path, exclude=("chr1:1-4",))
    with pytest.raises(InputError, match="no validation window"):
        tile_windows([everything], 2, max_n_share=0)
