"""Targets, their shares, and what they depend on."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ldar_interp.genome.alphabet import MASK, PAD, N
from ldar_interp.model.losses import IGNORE
from ldar_interp.train.masking import mask_windows


def random_ids(n_windows: int, length: int, choices=(0, 1, 2, 3), seed=0) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.choice(choices, size=(n_windows, length)).astype(np.uint8))


def test_shares_of_masking():
    """15 % targets; of them 80 % [MASK], 10 % random (a quarter of which is the base itself)."""
    ids = random_ids(100, 4000)
    batch = mask_windows(ids, 0.15, seed=1)
    assert batch.input_ids.dtype == batch.labels.dtype == torch.int64
    target = batch.labels != IGNORE
    n = int(target.sum())
    assert abs(n / ids.numel() - 0.15) < 0.003
    shown, truth = batch.input_ids[target], batch.labels[target]
    assert torch.equal(truth, ids[target].long())
    assert abs((shown == MASK).sum() / n - 0.8) < 0.01
    assert abs((shown == truth).sum() / n - 0.125) < 0.01
    replaced = (shown != MASK) & (shown != truth)
    assert abs(replaced.sum() / n - 0.075) < 0.01
    pairs = (4 * truth + shown)[replaced].bincount(minlength=16).reshape(4, 4).numpy()
    assert (pairs.diagonal() == 0).all()
    assert stats.chisquare(pairs[~np.eye(4, dtype=bool)]).pvalue > 1e-3
    assert torch.equal(batch.input_ids[~target], ids[~target].long())


def test_positions_and_windows_are_masked_alike():
    ids = random_ids(400, 256)
    target = mask_windows(ids, 0.15, seed=3).labels != IGNORE
    for axis in (0, 1):
        counts = target.sum(axis).numpy()
        each = target.shape[axis]
        expected = each * 0.15 * 0.85
        assert stats.chi2.sf(((counts - counts.mean()) ** 2).sum() / expected, len(counts)) > 1e-3
    assert len({tuple(row.tolist()) for row in target}) == 400


@given(seed=st.integers(0, 2**64), rate=st.floats(0.01, 0.99), step=st.integers(0, 10**9))
def test_n_and_padding_are_never_targets(seed, rate, step):
    ids = random_ids(3, 50, choices=(0, 1, 2, 3, N, PAD), seed=seed % 100)
    batch = mask_windows(ids, rate, seed=seed, step=step)
    assert (batch.labels[ids >= N] == IGNORE).all()
    assert torch.equal(batch.input_ids[ids >= N], ids[ids >= N].long())
    assert ((batch.input_ids < 4) | (batch.input_ids == MASK) | (ids >= N)).all()


def test_a_mask_depends_on_the_row_and_not_on_its_company():
    ids = random_ids(10, 64)
    whole = mask_windows(ids, 0.3, seed=5, step=2)
    part = mask_windows(ids[4:9], 0.3, seed=5, step=2, rows=range(4, 9))
    assert torch.equal(part.labels, whole.labels[4:9])
    assert torch.equal(part.input_ids, whole.input_ids[4:9])
    longer = mask_windows(torch.cat([ids, ids], dim=1), 0.3, seed=5, step=2)
    assert torch.equal(longer.labels[:, :64], whole.labels)
    as_int64 = mask_windows(ids.long(), 0.3, seed=5, step=2)
    assert torch.equal(as_int64.input_ids, whole.input_ids)
    for changed in ({"seed": 6, "step": 2}, {"seed": 5, "step": 3}):
        assert not torch.equal(mask_windows(ids, 0.3, **changed).labels, whole.labels)


@pytest.mark.parametrize(("rate", "share"), [(0.0, 0), (1.0, 1)])
def test_no_target_and_all_targets(rate, share):
    batch = mask_windows(random_ids(2, 100), rate, seed=0)
    assert (batch.labels != IGNORE).float().mean() == share


def test_rows_must_be_as_many_as_windows():
    with pytest.raises(ValueError, match="3 row numbers for 2 windows; wanted one a window"):
        mask_windows(random_ids(2, 5), 0.15, seed=0, rows=range(3))
