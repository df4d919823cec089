"""Averages of mutations: by hand on a few sites, intervals, regions, pairs, and errors."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.stats.mutations import (
    DIFFERENCE_COLUMNS,
    IMPORTANCE_COLUMNS,
    MUTATION_COLUMNS,
    REGION_COLUMNS,
    centre_letters,
    summarise_mutations,
)

OFFSETS = np.arange(-3, 3)


def make_sites(n, *, kind="donor", n_groups=None):
    return pd.DataFrame(
        {
            "site_id": [f"{kind}{i}" for i in range(n)],
            "kind": kind,
            "set": "site",
            "group": [f"g{i % (n_groups or n)}" for i in range(n)],
        }
    )


def make_case(sites, seed=0):
    """Random changes, 0 at random native letters."""
    rng = np.random.default_rng(seed)
    letters = rng.integers(0, 4, (len(sites), OFFSETS.size)).astype(np.uint8)
    delta = rng.normal(0, 0.1, (*letters.shape, 4)).astype(np.float32)
    np.put_along_axis(delta, letters[:, :, None].astype(np.int64), 0, axis=2)
    return delta, letters


def summarise(sites, delta, letters, **options):
    return summarise_mutations(
        {"checkpoint": delta}, letters, OFFSETS, sites, **({"n_boot": 100} | options)
    )


def test_two_sites_by_hand():
    sites = make_sites(2)
    letters = np.full((2, 6), 0, dtype=np.uint8)
    letters[1] = 3
    delta = np.zeros((2, 6, 4), dtype=np.float32)
    delta[0, 2] = [0, 0.1, -0.3, 0.5]  # offset -1, an A there
    delta[1, 2] = [0.4, 0.2, 0.0, 0]  # a T there
    delta[1, 5] = np.nan
    letters[1, 5] = 4
    found = summarise(sites, delta, letters)
    rows = found.mutations.set_index(["offset", "letter"])
    assert rows.loc[-1, "mean_delta"].tolist() == pytest.approx([0.4, 0.15, -0.15, 0.5])
    assert rows.loc[-1, "n"].tolist() == [1, 2, 2, 1]
    effects = [
        [-0.075 + 0.25, 0.025 + 0.05, -0.375 - 0.15, 0.425 - 0.15],
    ]
    assert rows.loc[-1, "effect"].tolist() == pytest.approx(np.array(effects[0]) / 2)
    assert rows.loc[2, "n"].tolist() == [0, 1, 1, 1]
    line = found.importance.set_index("offset").loc[-1]
    assert line["mean_delta"] == pytest.approx((0.1 + 0.2) / 2)
    assert line["mean_abs_delta"] == pytest.approx((0.3 + 0.2) / 2)
    assert found.importance["n_sites"].tolist() == [2] * 5 + [1]
    # Too few for an interval.
    assert found.importance[["ci_low", "abs_ci_high"]].isna().all(axis=None)


def test_effects_add_up_to_zero_and_do_not_depend_on_the_native_letter():
    delta, _ = make_case(make_sites(5))
    effects = centre_letters(delta)
    np.testing.assert_allclose(effects.sum(axis=-1), 0, atol=1e-7)
    np.testing.assert_allclose(centre_letters(delta + 0.3), effects, atol=1e-6)


def test_columns_rows_and_intervals():
    sites = pd.concat([make_sites(24, n_groups=12), make_sites(22, kind="acceptor")])
    sites = sites.reset_index(drop=True)
    found = summarise(sites, *make_case(sites))
    for table, columns, n in zip(
        found,
        (MUTATION_COLUMNS, IMPORTANCE_COLUMNS, REGION_COLUMNS, DIFFERENCE_COLUMNS),
        (48, 12, 10, 0),
        strict=True,
    ):
        assert table.columns.tolist() == list(columns) and len(table) == n
    inside = found.importance
    assert (inside["ci_low"] < inside["mean_delta"]).all()
    assert (inside["mean_delta"] < inside["ci_high"]).all()
    assert inside["n_groups"].tolist() == [22] * 6 + [12] * 6
    # A letter that most sites were mutated to, yet fewer than 20, has no interval.
    few = found.mutations["n"] < 20
    assert (found.mutations["ci_low"].isna() == few).all() and few.any()


@pytest.mark.parametrize(("kind", "inside"), [("donor", [3, 4]), ("acceptor", [1, 2])])
def test_regions_are_means_of_their_bases(kind, inside):
    sites = make_sites(3, kind=kind)
    delta, letters = make_case(sites)
    rows = summarise(sites, delta, letters).regions.set_index("region")
    change, size = delta.sum(axis=2) / 3, np.abs(delta).sum(axis=2) / 3
    across = [1, 2] if kind == "donor" else [3, 4]
    rest = [0, 5]
    for column, values in (("mean_delta", change), ("mean_abs_delta", size)):
        core, other, far = (values[:, part].mean() for part in (inside, across, rest))
        assert rows[column].tolist() == pytest.approx(
            [core, other, far, core - other, core - far], abs=1e-7
        )
    plain = sites.assign(kind="tss")
    assert summarise(plain, delta, letters).regions.empty


def test_controls_of_the_declared_draw_are_compared_with_their_sites():
    sites = make_sites(25)
    controls = sites.assign(
        site_id=[f"c{i}" for i in range(25)], set="C2", matched_to=sites["site_id"], draw=0
    ).iloc[::-1]
    second = controls.assign(site_id=[f"d{i}" for i in range(25)], draw=1)
    stray = controls.iloc[:1].assign(site_id="e", matched_to="elsewhere")
    table = pd.concat([sites, controls, second, stray], ignore_index=True)
    delta, letters = make_case(table)
    found = summarise(table, delta, letters)
    change = delta.sum(axis=2) / 3
    wanted = (change[:25] - change[25:50][::-1]).mean(axis=0)
    rows = found.difference
    assert rows["control"].unique().tolist() == ["C2"] and rows["n_sites"].tolist() == [25] * 6
    np.testing.assert_allclose(rows["mean_delta"], wanted, atol=1e-7)
    assert rows["ci_low"].notna().all()
    by_set = found.importance.groupby("set")["n_sites"].first()
    assert by_set.to_dict() == {"C2": 26, "site": 25}


def test_the_same_seed_gives_the_same_intervals_whatever_else_is_there():
    sites = make_sites(24)
    delta, letters = make_case(sites)
    one, again = (summarise(sites, delta, letters, seed=3).importance for _ in range(2))
    pd.testing.assert_frame_equal(one, again)
    both = pd.concat([sites, make_sites(24, kind="acceptor")], ignore_index=True)
    more = summarise(both, np.concatenate([delta, delta]), np.concatenate([letters] * 2), seed=3)
    rows = more.importance[more.importance["kind"] == "donor"].reset_index(drop=True)
    pd.testing.assert_frame_equal(one, rows)
    other = summarise(sites, delta, letters, seed=4).importance
    assert (other["ci_low"] != one["ci_low"]).any()


def test_shapes_that_do_not_fit():
    sites = make_sites(3)
    delta, letters = make_case(sites)
    with pytest.raises(InputError, match=r"delta of checkpoint has shape \(2, 6, 4\)"):
        summarise(sites, delta[:2], letters)
    with pytest.raises(InputError, match=r"letters \(3, 5\); wanted \(3, 6, 4\) and the same"):
        summarise(sites, delta, letters[:, :5])
