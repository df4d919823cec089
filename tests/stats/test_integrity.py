"""Endpoints of integrity by hand; chance gives no difference; a grid has its known rates."""

import numpy as np
import pytest

from ldar_interp.errors import InputError
from ldar_interp.stats.integrity import (
    ENDPOINTS,
    Measured,
    expect_at_rate,
    measure_endpoints,
    measure_places,
    subtract_chance,
)
from ldar_interp.stats.integrity_table import ALL_KINDS, COLUMNS, RANDOM, summarise_integrity

CONTEXT = 20


def endpoints(text: str, width: int) -> dict[str, float]:
    """Endpoints of one element from its edges, `1` a cut."""
    cut = np.array([[float(x) for x in text.replace(" ", "")]], dtype=np.float32)
    return dict(zip(ENDPOINTS, measure_endpoints(cut, width)[0].tolist(), strict=True))


def test_one_codon_that_is_a_token() -> None:
    found = endpoints("0000 1 00 1 0010", 3)
    assert found == {
        "inside_cut": 0, "left_cut": 1, "right_cut": 1, "border_cut": 1, "both_cut": 1,
        "intact": 1, "integrity_contrast": -1 / 8, "border_contrast": 1 - 1 / 8,
    }  # fmt: skip


def test_a_codon_cut_inside() -> None:
    found = endpoints("1000 1 01 0 0000", 3)
    assert found == {
        "inside_cut": 1, "left_cut": 1, "right_cut": 0, "border_cut": 0.5, "both_cut": 0,
        "intact": 0, "integrity_contrast": 0.5 - 1 / 8, "border_contrast": 0.5 - 1 / 8,
    }  # fmt: skip


def test_both_borders_and_an_inside_cut_is_not_intact() -> None:
    found = endpoints("0000 1 1 1 0000", 2)
    assert (found["both_cut"], found["intact"]) == (1, 0)


def test_an_edge_has_borders_only() -> None:
    found = endpoints("0000 1 0100", 0)
    given = {name: value for name, value in found.items() if not np.isnan(value)}
    assert given == {"left_cut": 1, "border_cut": 1, "border_contrast": 1 - 1 / 8}


def test_a_base_has_no_inside() -> None:
    found = endpoints("0000 1 1 0000", 1)
    assert np.isnan(found["inside_cut"]) and np.isnan(found["integrity_contrast"])
    assert found["intact"] == 1


def test_wrong_width() -> None:
    with pytest.raises(InputError, match="cuts on 11 edges for elements of 3 bp"):
        measure_endpoints(np.zeros((1, 11)), 3)
    with pytest.raises(InputError, match="context of 7 bp around elements of 3 bp"):
        measure_places(np.zeros((1, 18)), 3, 7)
    with pytest.raises(InputError, match="cuts on 18 edges; wanted 44"):
        measure_places(np.zeros((1, 18)), 3, 20)


@pytest.mark.parametrize("width", [0, 1, 2, 3, 8])
def test_expectation_is_the_mean_of_random_cuts(width) -> None:
    rng = np.random.default_rng(width)
    cut = (rng.random((60_000, width + 9)) < 0.3).astype(np.float32)
    mean = measure_endpoints(cut, width).mean(axis=0)
    expected, change = expect_at_rate(0.3, np.array([width]))
    np.testing.assert_allclose(mean, expected[0], atol=0.01)
    above, _ = expect_at_rate(0.3 + 1e-6, np.array([width]))
    np.testing.assert_allclose((above - expected) / 1e-6, change, atol=1e-4)


def test_shifted_places_leave_the_element_out() -> None:
    # Cuts at the borders and inside of the element only: every other place sees at most borders.
    cut = np.zeros((1, 3 + 2 * CONTEXT + 1), dtype=np.float32)
    cut[0, CONTEXT : CONTEXT + 4] = 1
    found = measure_places(cut, 3, CONTEXT)
    assert found.value[0, ENDPOINTS.index("inside_cut")] == 1
    # The nearest other place, 4 bp away, shares no edge with the four cuts; 3 bp would share one.
    assert found.shifted[0, ENDPOINTS.index("inside_cut")] == 0
    assert found.shifted[0, ENDPOINTS.index("border_cut")] == 0
    assert found.cuts[0] == 4


def test_interval_of_the_difference_holds_the_rate() -> None:
    # Every element is cut at all its edges or at none: nothing differs from chance at the borders,
    # and without the influence of the rate the spread would be that of the values.
    n = 40
    value = np.full((n, len(ENDPOINTS)), np.nan)
    left = ENDPOINTS.index("left_cut")
    value[:, left] = np.arange(n) % 2
    measured = Measured(value, value, 10.0 * value[:, left], np.full(n, 10.0))
    rate, null, difference = subtract_chance(measured, np.full(n, 2))
    assert rate == 0.5
    assert (null[:, left] == 0.5).all()
    np.testing.assert_allclose(difference[:, left], 0, atol=1e-12)


def table_of(cuts, kind, width, group, **options):
    """The table for elements of one width each, apart from each other."""
    by_width = {
        name: [
            {w: (np.flatnonzero(width == w), part[w]) for w in np.unique(width)} for part in parts
        ]
        for name, parts in cuts.items()
    }
    ids = {
        w: np.arange((width == w).sum() * (w + 2 * CONTEXT + 1)).reshape((width == w).sum(), -1)
        for w in np.unique(width).tolist()
    }
    given = {"n_random": 50, "n_boot": 200, "seed": 1} | options
    return summarise_integrity(by_width, kind, width, group, edge_ids=ids, **given)


def random_case(seed, n=600, rate=0.3):
    rng = np.random.default_rng(seed)
    width = np.repeat([3, 8], n // 2)
    cut = {w: (rng.random((n // 2, w + 2 * CONTEXT + 1)) < rate).astype(np.float32) for w in (3, 8)}
    kind = np.repeat(np.array(["a", "b"], dtype=object), n // 2)
    group = np.array([f"g{i % 40}" for i in range(n)], dtype=object)
    return cut, kind, width, group


def test_random_cuts_do_not_differ_from_chance() -> None:
    covered, total, beyond = 0, 0, []
    for seed in range(6):
        cut, kind, width, group = random_case(seed)
        table = table_of({"checkpoint": [cut]}, kind, width, group)
        rows = table[table["tokenizer"] == "checkpoint"]
        beyond += rows["difference"].abs().tolist()
        covered += int(((rows["diff_ci_low"] <= 0) & (rows["diff_ci_high"] >= 0)).sum())
        covered += int(((rows["shifted_ci_low"] <= 0) & (rows["shifted_ci_high"] >= 0)).sum())
        total += 2 * len(rows)
        random = table[table["tokenizer"] == RANDOM]
        assert ((random["ci_low"] <= random["null"]) & (random["null"] <= random["ci_high"])).all()
        assert (random["difference"].abs() < 0.02).all()
    assert max(beyond) < 0.08
    assert covered / total > 0.88


def test_all_phases_of_a_grid_have_their_known_rates() -> None:
    n, width = 30, np.full(30, 3)
    position = np.arange(n)[:, None] * 1000 + np.arange(-CONTEXT, 3 + CONTEXT + 1)
    phases = [{3: (position % 4 == phase).astype(np.float32)} for phase in range(4)]
    kind = np.array(["a"] * n, dtype=object)
    group = np.array([f"g{i % 12}" for i in range(n)], dtype=object)
    cuts = {"grid_4": phases, "checkpoint": [phases[0]]}
    table = table_of(cuts, kind, width, group)
    grid = table[table["tokenizer"] == "grid_4"].set_index("endpoint")
    assert grid.loc["inside_cut", "value"] == 0.5  # 2 of 4 phases
    assert grid.loc["border_cut", "value"] == 0.25
    assert grid.loc["intact", "value"] == 0  # 3 is no multiple of 4
    assert grid.loc["inside_cut", "null"] == pytest.approx(1 - 0.75**2)
    assert grid.loc["integrity_contrast", "value"] == 0
    assert (grid["difference_shifted"].abs() < 1e-6).all()
    assert grid.loc["inside_cut", "difference"] == pytest.approx(0.5 - (1 - 0.75**2))


def test_a_planted_effect_is_found_at_its_size() -> None:
    cut, kind, width, group = random_case(3)
    for w, part in cut.items():
        part[:, CONTEXT + 1 : CONTEXT + w] = 0  # nothing is ever cut inside
    table = table_of({"checkpoint": [cut]}, kind, width, group)
    rows = table[(table["tokenizer"] == "checkpoint") & (table["endpoint"] == "inside_cut")]
    assert (rows["value"] == 0).all()
    assert (rows["diff_ci_high"] < -0.3).all()


def test_table_has_all_kinds_and_no_row_without_meaning() -> None:
    cut, kind, width, group = random_case(0, n=60)
    width[:30] = 0
    cut[0] = cut.pop(3)[:, : 2 * CONTEXT + 1]
    table = table_of({"checkpoint": [cut]}, kind, width, group)
    assert tuple(table.columns) == COLUMNS
    assert list(dict.fromkeys(table["kind"])) == ["a", "b", ALL_KINDS]
    mine = table[(table["kind"] == "a") & (table["tokenizer"] == "checkpoint")]
    assert mine["endpoint"].tolist() == ["left_cut", "border_cut", "border_contrast"]
    everything = table[(table["kind"] == ALL_KINDS) & (table["tokenizer"] == "checkpoint")]
    n = dict(zip(everything["endpoint"], everything["n_instances"], strict=True))
    assert (n["left_cut"], n["inside_cut"]) == (60, 30)


def test_few_groups_have_no_interval() -> None:
    cut, kind, width, _ = random_case(0, n=60)
    group = np.array([f"g{i % 9}" for i in range(60)], dtype=object)
    table = table_of({"checkpoint": [cut]}, kind, width, group)
    rows = table[table["tokenizer"] == "checkpoint"]
    assert rows["ci_low"].isna().all() and rows["value"].notna().all()


def test_kinds_are_pooled_each_against_its_own_rate() -> None:
    cut, kind, width, group = random_case(0, n=200)
    cut[8][:] = np.random.default_rng(1).random(cut[8].shape) < 0.6
    kind[100:150] = "c"
    table = table_of({"checkpoint": [cut]}, kind, width, group, pools={"hits": ["b", "c"]})
    assert list(dict.fromkeys(table["kind"])) == ["a", "c", "b", "hits", ALL_KINDS]
    at = table.set_index(["tokenizer", "kind", "endpoint"])
    for name in ("checkpoint", RANDOM):
        rows = [at.loc[(name, one, "left_cut")] for one in ("b", "c", "hits")]
        assert rows[2]["n_instances"] == 100
        for column in ("value", "null"):
            assert rows[2][column] == pytest.approx((rows[0][column] + rows[1][column]) / 2)
    assert at.loc[(RANDOM, "hits", "left_cut"), "rate"] == pytest.approx(0.6, abs=0.02)


def test_a_share_that_next_to_none_have_has_no_interval() -> None:
    cut, kind, width, group = random_case(0, n=200)
    for part in cut.values():
        part[:, CONTEXT] = 0
    cut[3][:4, CONTEXT] = 1  # 4 of 100: too few; 5 of 100 are enough
    cut[8][:5, CONTEXT] = 1
    table = table_of({"checkpoint": [cut]}, kind, width, group)
    rows = table[(table["tokenizer"] == "checkpoint") & (table["endpoint"] == "left_cut")]
    known = dict(zip(rows["kind"], rows["ci_low"].notna(), strict=True))
    assert known == {"a": False, "b": True, ALL_KINDS: True}
    assert rows["diff_ci_low"].notna().all()
    contrast = table[table["endpoint"] == "border_contrast"]
    assert contrast["ci_low"].notna().all()
