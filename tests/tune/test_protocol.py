"""Presets, overrides and their errors; the plateau against torch's; order as a pure function."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.errors import InputError
from ldar_interp.tune.order import POOL_STEPS, draw_strands, draw_subset, plan_epoch
from ldar_interp.tune.plateau import best_of, count_reductions, is_over, reduce_rate
from ldar_interp.tune.protocol import PROTOCOLS, find_protocol


def test_presets():
    published, careful = find_protocol("published"), find_protocol("careful")
    assert list(PROTOCOLS) == ["published", "careful"]
    assert published.n_folds == 10
    assert not (published.rc_augment or published.rc_average or published.n_boot)
    differs = {
        name for name, value in careful.model_dump().items() if value != getattr(published, name)
    }
    assert differs == {"name", "rc_augment", "rc_average", "n_boot", "check_leaks"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epoch": 3}, "protocol published: epoch: Extra inputs are not permitted; correct it"),
        ({"lr": 0}, "protocol published: lr: Input should be greater than 0"),
        ({"betas": (0.9, 1.0)}, r"published: values: Value error, betas must be in \[0, 1\)"),
        ({"compression": (1.0,)}, "compression must be above 1"),
    ],
)
def test_overrides_are_checked(changes, message):
    with pytest.raises(InputError, match=message):
        find_protocol("published").override(changes)


def test_unknown_protocol():
    with pytest.raises(InputError, match="protocol 'fast'; wanted one of published, careful"):
        find_protocol("fast")


# The first use of an optimiser imports for seconds.
@settings(deadline=None)
@given(st.lists(st.integers(0, 5), max_size=30), st.integers(0, 4))
def test_reductions_are_torchs(metrics, patience):
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    optimizer.step()
    theirs = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, mode="max", factor=0.5, patience=patience, threshold=0, eps=0
    )
    for metric in metrics:
        theirs.step(metric)
    ours = reduce_rate(1.0, count_reductions(metrics, patience), factor=0.5, lowest=0)
    assert ours == optimizer.param_groups[0]["lr"]


def test_rates_stay_above_the_lowest_and_never_rise():
    assert reduce_rate(1e-4, 9, factor=0.1, lowest=1e-6) == 1e-6
    assert reduce_rate(1e-7, 3, factor=0.1, lowest=1e-6) == 1e-7


def test_the_first_of_the_best_and_the_end():
    assert best_of([]) == -1
    assert best_of([0.1, 0.4, 0.4, 0.2]) == 1
    assert not is_over([], 1)
    assert not is_over([0.4, 0.1], 2)
    assert is_over([0.4, 0.1, 0.4], 2)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=90), st.integers(1, 7), st.integers(0, 3))
def test_an_epoch_shows_every_row_once(lengths, batch_size, epoch):
    steps = plan_epoch(lengths, batch_size, seed=1, epoch=epoch)
    assert sorted(np.concatenate(steps).tolist()) == list(range(len(lengths)))
    assert sorted(map(len, steps))[1:] == [batch_size] * (len(steps) - 1)


def test_steps_are_of_similar_length_and_change_with_epoch_and_seed():
    lengths = np.random.default_rng(0).integers(100, 500, 8 * POOL_STEPS)
    first, again, epoch, seed = (
        plan_epoch(lengths, 8, seed=s, epoch=e) for s, e in ((0, 1), (0, 1), (0, 2), (1, 1))
    )
    assert max(np.ptp(lengths[rows]) for rows in first) < 40
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    for other in (epoch, seed):
        assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    # The steps themselves are not in order of length.
    assert not np.all(np.diff([lengths[rows].mean() for rows in first]) >= 0)


def test_strands_are_a_function_of_seed_epoch_and_row():
    few, many = draw_strands(10, seed=3, epoch=2), draw_strands(4000, seed=3, epoch=2)
    assert np.array_equal(few, many[:10])
    assert abs(many.mean() - 0.5) < 0.05
    assert not np.array_equal(many, draw_strands(4000, seed=3, epoch=3))
    assert not np.array_equal(many, draw_strands(4000, seed=4, epoch=2))


def test_a_subset_is_drawn_once():
    for limit in (None, 5, 9):
        assert draw_subset(5, limit, seed=0).tolist() == [0, 1, 2, 3, 4]
    rows = draw_subset(50, 7, seed=0)
    assert len(set(rows.tolist())) == 7
    assert (np.diff(rows) > 0).all()
    assert np.array_equal(rows, draw_subset(50, 7, seed=0))
    assert not np.array_equal(rows, draw_subset(50, 7, seed=1))
