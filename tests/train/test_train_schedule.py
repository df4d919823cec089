"""Learning rates over time and over stages."""

import math
from itertools import pairwise

import pytest

from ldar_interp.model.checkpoint import random_model
from ldar_interp.model.config import PRESETS, LDARNetConfig
from ldar_interp.train.config import Optimizer
from ldar_interp.train.schedule import learning_rate_factor, parameter_groups, stage_multipliers

SHAPES = ("inverse_sqrt", "one_minus_sqrt")


def optimizer(shape: str = "inverse_sqrt", **fields: float) -> Optimizer:
    return Optimizer(total_steps=100, decay_shape=shape, **fields)


@pytest.mark.parametrize("shape", SHAPES)
def test_warm_up_plateau_decay(shape):
    """10 steps up, 70 level, 20 down to 5 %."""
    factors = [learning_rate_factor(step, optimizer(shape)) for step in range(100)]
    assert factors[:10] == pytest.approx([0.1 * (i + 1) for i in range(10)])
    assert factors[9:80] == pytest.approx([1.0] * 71)
    assert all(a > b for a, b in pairwise(factors[79:]))
    assert factors[99] == pytest.approx(0.05)


def test_decay_half_way():
    """u = 1/2: 1/sqrt(1 + 399/2) and 1 - 0.95 sqrt(1/2)."""
    assert learning_rate_factor(89, optimizer()) == pytest.approx(1 / math.sqrt(200.5))
    half = learning_rate_factor(89, optimizer("one_minus_sqrt"))
    assert half == pytest.approx(1 - 0.95 * math.sqrt(0.5))


@pytest.mark.parametrize("shape", SHAPES)
def test_edges_of_the_schedule(shape):
    flat = optimizer(shape, warmup_fraction=0, decay_fraction=0)
    assert {learning_rate_factor(step, flat) for step in range(100)} == {1.0}
    to_zero = optimizer(shape, final_lr=0)
    assert learning_rate_factor(99, to_zero) == pytest.approx(0)
    assert learning_rate_factor(150, optimizer(shape)) == pytest.approx(0.05)


def test_multipliers_of_the_published_sizes():
    assert stage_multipliers(PRESETS["110m"], (4.0,)) == pytest.approx([3.0, 1.0])
    assert stage_multipliers(PRESETS["2m"], (4.0,)) == pytest.approx([4.0, 1.0])


def test_multipliers_of_three_stages():
    """Products of N from each stage inward, innermost width over its own."""
    nested = LDARNetConfig(
        ["m1", ["m1", ["m1"], "m1"], "m1"],
        (32, 64, 96),
        (0, 0, 0),
        (1, 1, 1),
        (8, 8, 8),
        (7, 7, -1),
    )
    assert stage_multipliers(nested, (4.0, 9.0)) == pytest.approx([18.0, 4.5, 1.0])


def test_groups_hold_every_parameter_once():
    model = random_model(PRESETS["nano"], seed=0)
    groups = parameter_groups(model, (4.0,), Optimizer(peak_lr=1.0, weight_decay=0.5))
    grouped = [id(p) for group in groups for p in group["params"]]
    assert sorted(grouped) == sorted(id(p) for p in model.parameters())
    shown = [(group["peak_lr"], group["weight_decay"]) for group in groups]
    assert shown == [(4.0, 0.0), (4.0, 0.5), (1.0, 0.0), (1.0, 0.5)]
    backbone = {id(p) for p in model.stage.inner.parameters()}
    for group in groups:
        assert {id(p) in backbone for p in group["params"]} == {group["peak_lr"] == 1.0}
