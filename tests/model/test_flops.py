"""Totals: figures of the architecture, shares kept, matched FLOPs, and one error a message."""

import pytest

from ldar_interp.errors import InputError
from ldar_interp.model.config import PRESETS, LDARNetConfig
from ldar_interp.model.flops import count_flops, count_table, stage_lengths, training_flops

NESTED = LDARNetConfig(
    ["m1", ["t1", ["M1"], "m2"], "m1"],
    (32, 32, 64),
    (0, 0, 64),
    (2, 2, 2),
    (8, 8, 8),
    (7, 7, 7),
)


@pytest.mark.parametrize(
    ("name", "as_published", "full", "boundaries"),
    [
        ("110m", True, 146.3, 34.1),
        ("110m", False, 91.8, 18.8),
        ("2m", True, 6.13, 2.20),
        ("2m", False, 3.55, 1.30),
    ],
)
def test_figures_of_the_architecture(name, as_published, full, boundaries):
    """Those count attention within its window only, and no dechunking."""
    table = count_table(PRESETS[name], 4096, as_published=as_published)
    ideal = {"full": 0, "boundaries": 0}
    for row in table.inference:
        ideal["full"] += row.windowed if row.part != "dechunk" else 0
        ideal["boundaries"] += row.windowed if row.part in ("encoder", "router") else 0
    digits = 1 if name == "110m" else 2
    assert round(ideal["full"] / 4096e6, digits) == full
    assert round(ideal["boundaries"] / 4096e6, digits) == boundaries


def test_what_runs_is_a_little_more():
    """Blocks of 128 queries and the moving average: 0.3 % of the 110M, 1 % of its router."""
    count = count_flops(PRESETS["110m"], 4096)
    assert count.full / 1e6 == pytest.approx(92.082, abs=1e-3)
    assert count.windowed / 1e6 == pytest.approx(91.887, abs=1e-3)
    assert count.boundaries / 1e6 == pytest.approx(19.002, abs=1e-3)
    assert count.training / count.full == pytest.approx(3.027, abs=1e-3)


def test_keeping_fewer_boundaries_costs_less_and_leaves_p_alone():
    few, many = (count_flops(PRESETS["2m"], 4096, boundary_rate=r) for r in (0.1, 0.5))
    assert few.full < many.full and few.training < many.training
    assert few.boundaries == many.boundaries


def test_totals_are_sums_of_rows():
    table = count_table(NESTED, 333)
    count = table.per_base()
    outer = [row for row in table.inference if row.stage == 0]
    assert count.boundaries * 333 == pytest.approx(
        sum(row.forward for row in outer if row.part in ("encoder", "router"))
    )
    assert count.full * 333 == pytest.approx(sum(row.forward for row in table.inference))
    assert count.training * 333 == pytest.approx(
        sum(row.forward + row.backward for row in table.training)
    )
    assert count.training == training_flops(NESTED, 333)
    alone = LDARNetConfig(["M1"], (32,), (64,), (1,), (8,), (-1,), d_state=4)
    assert count_flops(alone, 100).boundaries == 0


def test_a_grid_saves_the_router_and_half_of_the_moving_averages_gradient():
    learned, fixed = (
        count_table(PRESETS["2m"].with_router(r), 4096) for r in ("learned", "fixed:4")
    )
    assert learned.lengths == fixed.lengths == (4096, 1024)
    router = 2 * 2 * 64 * 64 * 4096
    dechunk = 2 * 2 * 128 * 64 * 1024
    assert sum(r.forward for r in learned.inference) - sum(r.forward for r in fixed.inference) == (
        router
    )
    steps = [sum(r.forward + r.backward for r in t.training) for t in (learned, fixed)]
    assert steps[0] - steps[1] == 3 * router + dechunk


@pytest.mark.parametrize(
    ("router", "rates", "lengths"),
    [
        ("learned", None, (1000, 250, 62)),
        ("one_sided", 0.1, (1000, 100, 10)),
        ("learned", (0.3, 0.5), (1000, 300, 150)),
        ("learned", [0.001, 0.5], (1000, 1, 1)),
        ("fixed:3", None, (1000, 334, 112)),
        ("fixed:3", (0.334, 112 / 334), (1000, 334, 112)),
        ("random:0.5", None, (1000, 501, 251)),
        ("random:0.5", 0.4, (1000, 400, 160)),
    ],
)
def test_lengths_of_stages(router, rates, lengths):
    assert stage_lengths(NESTED.with_router(router), 1000, rates) == lengths


@pytest.mark.parametrize(
    ("router", "length", "rates", "message"),
    [
        ("learned", 0, None, "length is 0; wanted at least 1 base"),
        ("learned", 9, 0.0, "boundary_rate is 0.0; wanted a share above 0 and at most 1"),
        ("learned", 9, (0.5, 1.5), "boundary_rate is 1.5; wanted a share above 0 and at most 1"),
        ("learned", 9, (0.5,), "boundary_rate has 1 entries; layout ['m1', ['t1', ['M1'], 'm2'], "
         "'m1'] has 2 routers: give one share a router, or one for all"),
        ("fixed:3", 9, 0.5, "boundary_rate is 0.5, but router fixed:3 keeps 3 of 9 positions; "
         "leave the rate out"),
    ],
)  # fmt: skip
def test_wrong_requests(router, length, rates, message):
    with pytest.raises(InputError) as caught:
        count_flops(NESTED.with_router(router), length, boundary_rate=rates)
    assert str(caught.value) == message
