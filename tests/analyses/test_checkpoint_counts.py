"""Count models and their comparison with a checkpoint, by hand."""

import numpy as np
import pytest
import torch

from analyses.checkpoint.against_counts import compare, masked_losses
from analyses.checkpoint.count_baselines import CountModel, context_offsets, fit_counts
from ldar_interp.genome.alphabet import MASK, N
from ldar_interp.model.checkpoint import load_model
from ldar_interp.train.data import mask_windows
from ldar_interp.train.validate import MASK_SEED


def test_one_letter_before_by_hand():
    """ACAC on both strands, ends left out: C after A, A after C, T after G, G after T."""
    model = CountModel(context_offsets(1, two_sided=False))
    model.add(np.array([0, 1, 0, 1], np.uint8))
    losses = model.losses(np.array([0, 1, 1, N, 1], np.uint8), 1.0)
    # Each letter once in four, then once in the one base after A and never after C.
    np.testing.assert_allclose(losses[1:3], -np.log([(1 + 0.25) / 2, (0 + 0.25) / 2]))
    assert np.isnan(losses[[0, 3, 4]]).all()


def test_the_best_back_off_is_chosen_on_the_last_tenth():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 4, 5000).astype(np.uint8)
    _, strength = fit_counts([ids], context_offsets(3, two_sided=True), (1.0, 1000.0))
    assert strength == 1000.0, "letters without structure want the strongest back-off"


def test_compare_counts_only_what_both_have():
    ours = np.full((64, 10), np.nan)
    counts = np.full((64, 10), 1.5)
    ours[:, 3], counts[0, 3] = 1.0, np.nan
    found = compare(ours, counts, seed=0)
    assert (found["n_mask"], found["n_blocks"]) == (63, 4)
    assert found["gain"] == pytest.approx(0.5)
    assert found["gain_low"] == pytest.approx(0.5) and found["gain_high"] == pytest.approx(0.5)


def test_losses_stand_where_the_masks_are():
    model = load_model("random:nano")
    windows = np.random.default_rng(0).integers(0, 4, (3, 64)).astype(np.uint8)
    found = masked_losses(model, windows, 0.15)
    batch = mask_windows(torch.from_numpy(windows), 0.15, seed=MASK_SEED, rows=range(3))
    assert ((batch.input_ids == MASK).numpy() == np.isfinite(found)).all()
    # Random weights guess, about evenly among seven symbols.
    assert np.nanmean(found) == pytest.approx(np.log(7), abs=0.3)
