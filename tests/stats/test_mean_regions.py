"""Endpoints of motifs: means over the edges left of, inside and right of a site of some width."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from ldar_interp.errors import InputError
from ldar_interp.profiles import Profiles
from ldar_interp.stats.enrichment import enrichment
from ldar_interp.stats.regions import MOTIF_REGIONS, Region, average_region

OFFSETS = np.arange(-10, 31)
LEFT, INSIDE, RIGHT = MOTIF_REGIONS


def ramp(n=1):
    """Each edge holds its own offset."""
    return np.repeat(OFFSETS[None, :], n, axis=0).astype(np.float32)


def test_regions_by_hand() -> None:
    width = np.array([6, 10])
    values = ramp(2)
    assert_allclose(average_region(values, OFFSETS, width, LEFT), [-2, -2])
    assert_allclose(average_region(values, OFFSETS, width, INSIDE), [3, 5])  # 1..5 and 1..9
    assert_allclose(average_region(values, OFFSETS, width, RIGHT), [8, 12])  # 6..10 and 10..14


def test_an_edge_without_value_makes_its_region_missing_and_no_other() -> None:
    values = ramp()
    values[0, OFFSETS == 3] = np.nan
    width = np.array([6])
    assert np.isnan(average_region(values, OFFSETS, width, INSIDE)).all()
    assert_allclose(average_region(values, OFFSETS, width, LEFT), [-2])
    assert_allclose(average_region(values, OFFSETS, width, RIGHT), [8])


def test_a_site_of_one_base_has_no_inside() -> None:
    assert np.isnan(average_region(ramp(), OFFSETS, np.array([1]), INSIDE)).all()


def test_a_region_beyond_the_profile_is_an_error() -> None:
    with pytest.raises(InputError, match=r"right_flank of a site of 28 bp is offsets 28 to 32"):
        average_region(ramp(), OFFSETS, np.array([28]), RIGHT)
    with pytest.raises(InputError, match="collect at least 12 bp"):
        average_region(ramp(), OFFSETS, np.array([6]), Region("far", -12, 0))


def make_pairs(n_groups=15, per_group=2):
    """Motifs of width 6 that are 0.2 above their controls inside, and nowhere else."""
    rng = np.random.default_rng(3)
    n = n_groups * per_group
    table = pd.DataFrame(
        {
            "site_id": [f"m{i}" for i in range(n)],
            "kind": "TBP",
            "set": "site",
            "group": np.repeat([f"g{i}" for i in range(n_groups)], per_group),
            "width_bp": 6,
        }
    )
    control = table.assign(
        site_id=table["site_id"] + "c", set="C2", matched_to=table["site_id"], draw=0
    )
    values = rng.uniform(0.2, 0.4, (n, OFFSETS.size)).astype(np.float32)
    planted = values.copy()
    planted[:, (OFFSETS >= 1) & (OFFSETS <= 5)] += np.float32(0.2)
    return Profiles(planted, OFFSETS, table), Profiles(values, OFFSETS, control)


def run(sites, controls, **options):
    return enrichment(
        sites, controls, **{"n_boot": 200, "n_flips": 499, "regions": MOTIF_REGIONS, **options}
    )


def test_enrichment_of_motifs_lists_the_declared_endpoints() -> None:
    table = run(*make_pairs()).enrichment.set_index("statistic")
    assert list(table.index) == ["left_flank", "inside", "right_flank"]
    assert_allclose(table["effect"], [0, 0.2, 0], atol=1e-6)
    assert table["offset"].isna().all()
    assert table.loc["inside", "p_value"] < 0.01 < table.loc["left_flank", "p_value"]
    assert table["q_value"].notna().all()


def test_a_residual_has_no_hard_boundaries() -> None:
    sites, controls = make_pairs()
    shifted = [
        Profiles(p.values - np.float32(0.5), OFFSETS, p.sites, "residual")
        for p in (sites, controls)
    ]
    result = run(*shifted, regions=())
    assert set(result.enrichment["signal"]) == {"residual"}
    assert "boundary_odds_ratio" not in set(result.enrichment["statistic"])
    assert result.profile["boundary_rate"].isna().all()
    assert (result.profile["ci_low"] < 0).any()  # not cut at 0, as a probability is


def test_motifs_without_a_width_are_an_error() -> None:
    sites, controls = make_pairs()
    bare = Profiles(sites.values, OFFSETS, sites.sites.drop(columns="width_bp"))
    with pytest.raises(InputError, match="no width_bp"):
        run(bare, controls)


def test_signals_are_not_mixed() -> None:
    sites, controls = make_pairs()
    other = Profiles(controls.values, OFFSETS, controls.sites, "residual")
    with pytest.raises(InputError, match="sites hold the signal 'prob' and controls 'residual'"):
        run(sites, other)
