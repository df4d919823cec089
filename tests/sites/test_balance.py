"""Balance: standardised differences by hand."""

import numpy as np
import pytest

from ldar_interp.sites.balance import BALANCE_COLUMNS, PoolMoments, measure_balance


def column(*xs: float) -> np.ndarray:
    return np.array(xs, dtype=float)[:, None]


def measure(sites, pool_values, matched_sites, matched_controls, weight=1.0):
    pool = PoolMoments()
    pool.add(pool_values, weight)
    table = measure_balance(
        "donor",
        "C2",
        ["x"],
        sites=sites,
        pool=pool,
        matched_sites=matched_sites,
        matched_controls=matched_controls,
    )
    assert tuple(table.columns) == BALANCE_COLUMNS
    return table.iloc[0]


def test_differences_by_hand() -> None:
    # var(sites) = var(0, 2) = 1, var(pool) = var(3, 5) = 1: the scale is 1 before and after.
    row = measure(column(0, 2), column(3, 5), column(0, 2), column(0.5, 1.3))
    assert row["smd_before"] == pytest.approx(1 - 4)
    assert row["smd_after"] == pytest.approx(1 - 0.9)
    assert row["variance_ratio"] == pytest.approx(1 / 0.16)
    assert (row["kind"], row["control"], row["covariate"]) == ("donor", "C2", "x")


@pytest.mark.parametrize(("shift", "flagged"), [(0.09, False), (0.11, True), (-0.11, True)])
def test_more_than_a_tenth_is_flagged(shift: float, flagged: bool) -> None:
    row = measure(column(0, 2), column(0, 2), column(0, 2), column(0 + shift, 2 + shift))
    assert bool(row["flagged"]) is flagged


def test_a_constant_covariate_has_no_difference_and_no_flag() -> None:
    row = measure(column(0.3, 0.3), column(0.3, 0.3), column(0.3), column(0.3))
    assert np.isnan(row["smd_before"])
    assert np.isnan(row["smd_after"])
    assert np.isnan(row["variance_ratio"])
    assert not row["flagged"]


def test_two_different_constants_are_infinitely_far_and_flagged() -> None:
    row = measure(column(1, 1), column(0, 0), column(1), column(0))
    assert row["smd_after"] == np.inf
    assert row["flagged"]


def test_nothing_matched_leaves_the_after_columns_empty() -> None:
    row = measure(column(0, 2), column(3, 5), np.empty((0, 1)), np.empty((0, 1)))
    assert row["smd_before"] == pytest.approx(-3)
    assert np.isnan(row["smd_after"])
    assert not row["flagged"]


def test_strata_are_weighted_by_sites_not_by_candidates() -> None:
    pool = PoolMoments()
    pool.add(column(0, 0, 0, 0, 0, 0), 1.0)
    pool.add(column(4, 6), 3.0)
    pool.add(np.empty((0, 1)), 5.0)
    mean, variance, low, high = pool.summarise(1)
    assert mean[0] == pytest.approx(0.75 * 5)
    # Within: 0.75 * 1. Between: 0.25 * 3.75**2 + 0.75 * 1.25**2.
    assert variance[0] == pytest.approx(0.75 + 0.25 * 3.75**2 + 0.75 * 1.25**2)
    assert (low[0], high[0]) == (0, 6)


def test_an_empty_pool_is_not_a_number() -> None:
    assert all(np.isnan(part).all() for part in PoolMoments().summarise(3))
