"""The three result tables: columns, families, counts, too few, draws, determinism."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ldar_interp.errors import InputError
from ldar_interp.profiles import Profiles
from ldar_interp.stats.enrichment import adjust_family, enrichment, join_results

NAN = np.nan
OFFSETS = np.arange(-2, 3)
# As written in docs/contracts.md.
PROFILE = "model, signal, kind, set, offset, mean, ci_low, ci_high, boundary_rate, n"
DIFFERENCE = "model, signal, kind, control, offset, difference, ci_low, ci_high, p_maxt"
ENRICHMENT = (
    "model, signal, kind, control, statistic, offset, effect, ci_low, ci_high, p_value, q_value, "
    "n_sites, n_controls, n_groups, n_dropped, method, seed"
)


def simulate(
    n_groups=24, per_group=2, draws=1, rungs=("C0", "C1", "C2"), kinds=("donor", "acceptor")
):
    """Sites of two kinds in genes; donors are 0.3 above their controls at offset 0."""
    rng = np.random.default_rng(9)
    n = n_groups * per_group
    group = np.repeat([f"g{i:02d}" for i in range(n_groups)], per_group)
    site_parts, site_values, control_parts, control_values = [], [], [], []
    for kind in kinds:
        ids = [f"{kind}{i}" for i in range(n)]
        columns = {"kind": kind, "group": group}
        site_parts.append(pd.DataFrame({"site_id": ids, "set": "site", **columns}))
        level = np.repeat(rng.uniform(0.2, 0.5, n_groups), per_group)[:, None]
        values = level + rng.uniform(0, 0.2, (n, OFFSETS.size))
        values[:, 2] += 0.3 if kind == "donor" else 0
        site_values.append(values)
        for rung in rungs:
            for draw in range(draws):
                names = [f"{i}.{rung}.{draw}" for i in ids]
                control_parts.append(
                    pd.DataFrame(
                        {"site_id": names, "set": rung, "matched_to": ids, "draw": draw, **columns}
                    )
                )
                control_values.append(level + rng.uniform(0, 0.2, (n, OFFSETS.size)))
    return tuple(
        Profiles(
            np.concatenate(values).astype(np.float32), OFFSETS, pd.concat(parts, ignore_index=True)
        )
        for values, parts in ((site_values, site_parts), (control_values, control_parts))
    )


def test_curves_of_some_kinds_only_leave_the_enrichment_as_it_is():
    sites, controls = simulate()
    whole = run(sites, controls)
    some = run(sites, controls, curves_of=["donor"])
    none = run(sites, controls, curves_of=[])
    pd.testing.assert_frame_equal(some.enrichment, whole.enrichment)
    pd.testing.assert_frame_equal(none.enrichment, whole.enrichment)
    for name in ("profile", "difference"):
        table = getattr(whole, name)
        wanted = table[table["kind"] == "donor"].reset_index(drop=True)
        pd.testing.assert_frame_equal(getattr(some, name), wanted)
        assert getattr(none, name).empty
        assert list(getattr(none, name).columns) == list(table.columns)


def run(sites, controls, **options):
    return enrichment(sites, controls, **{"n_boot": 300, "n_flips": 999, "seed": 4, **options})


@pytest.fixture(scope="module")
def result():
    return run(*simulate())


def rows(result, **wanted):
    table = result.enrichment
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def test_columns_and_rows_are_those_of_the_contract(result):
    assert ", ".join(result.enrichment.columns) == ENRICHMENT
    assert ", ".join(result.profile.columns) == PROFILE
    assert ", ".join(result.difference.columns) == DIFFERENCE
    statistics = ["mean_difference", "auroc", "cliffs_delta", "boundary_odds_ratio"]
    expected = [
        (kind, rung, name)
        for kind in ("donor", "acceptor")
        for rung in ("C0", "C1", "C2")
        for name in statistics
    ]
    found = result.enrichment[["kind", "control", "statistic"]]
    assert list(found.itertuples(index=False, name=None)) == expected
    assert len(result.profile) == 2 * 4 * 5 and len(result.difference) == 2 * 3 * 5
    assert (result.enrichment["seed"] == 4).all() and (result.enrichment["offset"] == 0).all()
    assert (result.enrichment["model"] == "checkpoint").all()
    assert result.enrichment["n_sites"].dtype == np.int64


def test_effects_are_the_plain_ones(result):
    sites, controls = simulate()
    for rung in ("C0", "C1", "C2"):
        x = sites.values[(sites.sites["kind"] == "donor").to_numpy(), 2]
        of_rung = (controls.sites["kind"] == "donor") & (controls.sites["set"] == rung)
        y = controls.values[of_rung.to_numpy(), 2]
        found = rows(result, kind="donor", control=rung).set_index("statistic")
        effect = found["effect"]
        assert effect["mean_difference"] == pytest.approx((x - y).mean(), rel=1e-5)
        auroc = stats.mannwhitneyu(x, y).statistic / x.size**2
        assert effect["auroc"] == pytest.approx(auroc)
        assert effect["cliffs_delta"] == pytest.approx(2 * auroc - 1)
        a, c = (x > 0.5).sum() + 0.5, (y > 0.5).sum() + 0.5
        odds = a * (y.size + 1 - c) / (c * (x.size + 1 - a))
        assert effect["boundary_odds_ratio"] == pytest.approx(odds)
        assert (found["ci_low"] <= effect).all() and (effect <= found["ci_high"]).all()
        assert (found[["n_sites", "n_controls"]] == 48).all(axis=None)
        assert (found["n_groups"] == 24).all() and (found["n_dropped"] == 0).all()


def test_p_and_q_belong_to_the_declared_family_only(result):
    table = result.enrichment
    family = (table["statistic"] == "mean_difference") & table["control"].isin(["C1", "C2"])
    assert table.loc[family, ["p_value", "q_value"]].notna().all(axis=None)
    assert table.loc[~family, ["p_value", "q_value"]].isna().all(axis=None)
    expected = stats.false_discovery_control(table.loc[family, "p_value"])
    np.testing.assert_array_equal(table.loc[family, "q_value"], expected)
    donors = rows(result, kind="donor", statistic="mean_difference").set_index("control")
    assert donors.loc[["C1", "C2"], "p_value"].tolist() == [0.001, 0.001]
    assert (rows(result, kind="acceptor").dropna()["p_value"] > 0.01).all()
    tested = table.loc[family, "method"]
    assert tested.str.contains("sign flips of groups, B=999").all()
    assert not table.loc[~family, "method"].str.contains("sign flips").any()


def test_every_row_states_what_it_could_have_seen(result):
    method = result.enrichment["method"]
    assert method.str.contains(
        r"minimum detectable effect .*\d.* \(80% power, two-sided 5%\)"
    ).all()


def test_profile_and_difference_tables(result):
    sites, _ = simulate()
    profile, difference = result.profile, result.difference
    donors = (sites.sites["kind"] == "donor").to_numpy()
    found = profile[(profile["kind"] == "donor") & (profile["set"] == "site")]
    np.testing.assert_allclose(found["mean"], sites.values[donors].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(found["boundary_rate"], (sites.values[donors] > 0.5).mean(axis=0))
    assert found["offset"].tolist() == OFFSETS.tolist() and (found["n"] == 48).all()
    assert (found["ci_low"] < found["mean"]).all()
    assert list(dict.fromkeys(profile["set"])) == ["site", "C0", "C1", "C2"]
    tested = difference["control"].isin(["C1", "C2"])
    assert difference.loc[tested, "p_maxt"].notna().all()
    assert difference.loc[~tested, "p_maxt"].isna().all()
    assert difference["ci_low"].notna().all()
    peak = difference[(difference["kind"] == "donor") & (difference["control"] == "C1")]
    assert peak.loc[peak["p_maxt"] < 0.01, "offset"].tolist() == [0]
    # The endpoint and its offset of the profile are one and the same number.
    endpoint = rows(result, kind="donor", control="C1", statistic="mean_difference").iloc[0]
    centre = peak[peak["offset"] == 0].iloc[0]
    assert (endpoint["effect"], endpoint["ci_low"]) == (centre["difference"], centre["ci_low"])
    assert endpoint["p_value"] <= centre["p_maxt"]


def test_pairs_lost_to_nan_are_counted_where_they_are_lost():
    sites, controls = simulate(rungs=("C1",))
    sites.values[0, 2] = NAN
    controls.values[:3, 2] = NAN
    sites.values[5, 0] = NAN
    table = run(sites, controls).enrichment
    donors, acceptors = table[table["kind"] == "donor"], table[table["kind"] == "acceptor"]
    assert (donors["n_dropped"] == 3).all() and (donors["n_sites"] == 45).all()
    assert (donors["n_groups"] == 23).all()  # the first gene lost both of its sites
    assert (acceptors["n_dropped"] == 0).all()


def test_sites_without_a_control_are_named():
    sites, controls = simulate(rungs=("C1",), kinds=("donor",))
    table = run(sites, controls.select(np.arange(48) >= 4)).enrichment
    assert (table["n_sites"] == 44).all() and (table["n_dropped"] == 0).all()
    assert table["method"].str.endswith("; 4 sites without a control").all()


@pytest.mark.parametrize("options", [{"min_sites": 49}, {"min_groups": 25}])
def test_too_few_is_listed_without_p(options):
    result = run(*simulate(), **options)
    table = result.enrichment
    assert len(table) == 24 and table["effect"].notna().all()
    assert table["method"].str.startswith("too few: 48 pairs in 24 groups, wanted ").all()
    assert table[["p_value", "q_value", "ci_low", "ci_high"]].isna().all(axis=None)
    assert table["method"].str.contains("minimum detectable effect").all()
    assert result.difference["p_maxt"].isna().all()


def test_a_rung_without_controls_for_a_kind_is_still_a_row():
    sites, controls = simulate()
    keep = ~((controls.sites["kind"] == "acceptor") & (controls.sites["set"] == "C2"))
    result = run(sites, controls.select(keep.to_numpy()))
    empty = rows(result, kind="acceptor", control="C2")
    assert len(empty) == 4 and empty["effect"].isna().all() and (empty["n_sites"] == 0).all()
    assert empty["method"].str.startswith("too few: 0 pairs in 0 groups").all()
    # Leaving out one comparison changes no other number, except q through the family.
    full = run(sites, controls)
    kept = ["donor", "C1", "mean_difference"]
    for column in ("effect", "ci_low", "p_value"):
        a, b = (
            r.enrichment.set_index(["kind", "control", "statistic"]).loc[tuple(kept), column]
            for r in (result, full)
        )
        assert a == b


def test_further_draws_give_a_range_and_no_test():
    sites, controls = simulate(draws=3, rungs=("C1",), kinds=("donor",))
    result = run(sites, controls)
    span = rows(result, statistic="mean_difference_draw_range").iloc[0]
    each = [
        (sites.values[:, 2] - controls.values[(controls.sites["draw"] == d).to_numpy(), 2]).mean()
        for d in range(3)
    ]
    found = [span["effect"], span["ci_low"], span["ci_high"]]
    assert found == pytest.approx([np.mean(each), min(each), max(each)], rel=1e-5)
    assert np.isnan(span["p_value"]) and "not a confidence interval" in span["method"]
    assert (span["n_sites"], span["n_controls"]) == (48, 144)
    # Only draw 0 enters everything else.
    single = run(sites, controls.select((controls.sites["draw"] == 0).to_numpy()))
    pd.testing.assert_frame_equal(
        result.enrichment.drop(index=span.name).reset_index(drop=True), single.enrichment
    )
    pd.testing.assert_frame_equal(result.profile, single.profile)
    pd.testing.assert_frame_equal(result.difference, single.difference)


def test_each_model_is_its_own_family(result):
    other = run(*simulate(), model="random", seed=5)
    both = join_results([result, other])
    assert len(both.profile) == 2 * len(result.profile)
    for name, single in (("checkpoint", result), ("random", other)):
        table = both.enrichment[both.enrichment["model"] == name].reset_index(drop=True)
        pd.testing.assert_frame_equal(table, single.enrichment)
    again = adjust_family(both.enrichment.assign(q_value=NAN))
    pd.testing.assert_frame_equal(again, both.enrichment)


def test_same_seed_same_tables_and_row_order_does_not_matter(result):
    sites, controls = simulate()
    again = run(sites, controls)
    order = np.random.default_rng(0).permutation(len(controls))
    shuffled = Profiles(
        controls.values[order], controls.offsets, controls.sites.iloc[order].reset_index(drop=True)
    )
    turned = run(sites, shuffled)
    for name in ("enrichment", "profile", "difference"):
        pd.testing.assert_frame_equal(getattr(result, name), getattr(again, name))
        pd.testing.assert_frame_equal(getattr(result, name), getattr(turned, name))
    other = run(sites, controls, seed=5)
    assert (other.enrichment["ci_low"] != result.enrichment["ci_low"]).any()


def test_error_messages():
    sites, controls = simulate(rungs=("C1",), kinds=("donor",))
    with pytest.raises(InputError, match="profiles hold no sites"):
        none = np.zeros(48, dtype=bool)
        run(sites.select(none), controls.select(none))
    with pytest.raises(InputError, match="no offset 0, where the effect is declared"):
        run(*(Profiles(p.values[:, 3:], p.offsets[3:], p.sites) for p in (sites, controls)))
    with pytest.raises(InputError, match="n_boot is 10"):
        run(sites, controls, n_boot=10)
