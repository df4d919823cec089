"""Profiles, differences and ladder as single panels: the lines hold the tables' numbers."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from synthetic_tables import OFFSETS, Tables, make_profiles, make_tables

from ldar_interp.errors import InputError
from ldar_interp.plots import plot_difference, plot_ladder, plot_profile
from ldar_interp.plots.ladder import format_number, format_p
from ldar_interp.plots.style import MODEL_LINE_PT, SET_COLOURS


def line(ax: Axes, gid: str) -> tuple[np.ndarray, np.ndarray]:
    """x and y of the line of that name."""
    (found,) = [artist for artist in ax.lines if artist.get_gid() == gid]
    return np.asarray(found.get_xdata()), np.asarray(found.get_ydata(), dtype=float)


def marked_offsets(ax: Axes, gid: str) -> list[float]:
    """Middles of the significance bars of that name."""
    (found,) = [artist for artist in ax.collections if artist.get_gid() == gid]
    return [float(segment[:, 0].mean()) for segment in found.get_segments()]


def _new_axes() -> Axes:
    return Figure().add_subplot()


@pytest.mark.parametrize("model", ["checkpoint", "random"])
@pytest.mark.parametrize("name", ["site", "C0", "C1", "C2"])
def test_profile_lines_equal_the_table(tables: Tables, model: str, name: str) -> None:
    ax = plot_profile(make_profiles(), tables, kind="acceptor", ax=_new_axes())
    p = tables.profile
    rows = p[(p["model"] == model) & (p["kind"] == "acceptor") & (p["set"] == name)]
    x, y = line(ax, f"{model}-acceptor-{name}")
    np.testing.assert_array_equal(x, rows["offset"])
    np.testing.assert_array_equal(y, rows["mean"])
    (artist,) = [a for a in ax.lines if a.get_gid() == f"{model}-acceptor-{name}"]
    assert artist.get_color() == SET_COLOURS[name]
    assert artist.get_linewidth() == MODEL_LINE_PT[model]


def test_bands_are_the_intervals_and_belong_to_the_checkpoint(tables: Tables) -> None:
    ax = plot_profile(make_profiles(), tables, kind="donor", ax=_new_axes())
    bands = {a.get_gid(): a for a in ax.collections}
    assert sorted(bands) == [f"band-checkpoint-donor-{s}" for s in ("C0", "C1", "C2", "site")]
    p = tables.profile
    rows = p[(p["model"] == "checkpoint") & (p["kind"] == "donor") & (p["set"] == "site")]
    corners = bands["band-checkpoint-donor-site"].get_paths()[0].vertices
    assert corners[:, 1].min() == rows["ci_low"].min()
    assert corners[:, 1].max() == rows["ci_high"].max()


def test_without_a_kind_every_kind_has_a_panel(tables: Tables) -> None:
    ax = plot_profile(make_profiles(), tables)
    panels = ax.figure.axes
    assert [p.get_title(loc="left") for p in panels] == [
        "donor (n = 323 sites, 33 loci)",
        "acceptor (n = 322 sites, 33 loci)",
    ]
    assert panels[0].get_ylim() == panels[1].get_ylim()
    assert panels[0].get_ylim()[0] > 0.0
    assert panels[0].get_ylim()[1] < 1.0
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["site", "C0", "C1", "C2", "checkpoint", "random weights"]


def test_gaps_stay_gaps(tables: Tables) -> None:
    p = tables.profile.copy()
    site = (p["model"] == "checkpoint") & (p["kind"] == "donor") & (p["set"] == "site")
    p.loc[site & p["offset"].isin([-5, -3]), "mean"] = np.nan
    p = p[~(site & p["offset"].isin([40, 41, 42]))]
    ax = plot_profile(make_profiles(), replace(tables, profile=p), kind="donor", ax=_new_axes())
    x, y = line(ax, "checkpoint-donor-site")
    np.testing.assert_array_equal(x, OFFSETS)
    assert x[np.isnan(y)].tolist() == [-5, -3, 40, 41, 42]
    alone_x, alone_y = line(ax, "alone-checkpoint-donor-site")
    assert alone_x.tolist() == [-4]
    assert alone_y.tolist() == [y[x == -4][0]]


@pytest.mark.parametrize("control", ["C0", "C1", "C2"])
def test_difference_and_its_marks_equal_the_table(tables: Tables, control: str) -> None:
    ax = plot_difference(tables.difference, kind="donor", control=control)
    d = tables.difference[
        (tables.difference["kind"] == "donor") & (tables.difference["control"] == control)
    ]
    for model in ("checkpoint", "random"):
        rows = d[d["model"] == model]
        _, y = line(ax, f"difference-{model}-donor-{control}")
        np.testing.assert_array_equal(y, rows["difference"])
        expected = rows.loc[rows["p_maxt"] < 0.05, "offset"].tolist()
        assert marked_offsets(ax, f"significant-{model}-donor-{control}") == expected
        assert control != "C1" or model == "random" or 0 in expected


def test_p_of_exactly_the_level_is_not_marked(tables: Tables) -> None:
    d = tables.difference.assign(p_maxt=1.0)
    d.loc[d["offset"] == 7, "p_maxt"] = 0.05
    d.loc[d["offset"] == 8, "p_maxt"] = 0.0499
    ax = plot_difference(d, kind="donor", control="C1", ax=_new_axes())
    assert marked_offsets(ax, "significant-checkpoint-donor-C1") == [8]


def test_ladder_equals_the_table_from_loose_to_tight(tables: Tables) -> None:
    ax = plot_ladder(tables.enrichment, kind="acceptor", balance=tables.balance)
    assert [t.get_text() for t in ax.get_yticklabels()] == ["C0", "C1", "C2†"]
    assert ax.get_ylim() == (2.5, -0.5)
    e = tables.enrichment
    e = e[(e["kind"] == "acceptor") & (e["statistic"] == "mean_difference")]
    for _, row in e.iterrows():
        name = f"{row['model']}-acceptor-{row['control']}"
        assert line(ax, f"interval-{name}")[0].tolist() == [row["ci_low"], row["ci_high"]]
        assert line(ax, f"effect-{name}")[0].tolist() == [row["effect"]]
        assert round(line(ax, f"effect-{name}")[1][0]) == int(str(row["control"])[1])


def test_too_few_is_open_and_grey_and_nan_is_not_drawn(tables: Tables) -> None:
    e = tables.enrichment.copy()
    c1 = (e["control"] == "C1") & (e["kind"] == "donor")
    e.loc[c1, "method"] = "too few: 12 sites in 4 groups"
    c2 = (e["control"] == "C2") & (e["kind"] == "donor")
    e.loc[c2, ["effect", "ci_low", "ci_high"]] = np.nan
    ax = plot_ladder(e, kind="donor")
    drawn = {artist.get_gid(): artist for artist in ax.lines}
    assert drawn["effect-checkpoint-donor-C1"].get_markerfacecolor() == "white"
    assert drawn["effect-checkpoint-donor-C1"].get_color() != SET_COLOURS["C1"]
    assert "effect-checkpoint-donor-C2" not in drawn
    assert [t.get_text() for t in ax.get_yticklabels()] == ["C0", "C1", "C2"]


def test_numbers_are_printed_with_a_true_minus() -> None:
    assert format_number(-0.0123) == "−0.012"
    assert format_number(float("nan")) == "n/a"
    assert format_p(1e-4) == "0.0001"
    assert format_p(2.7e-4) == "0.0003"
    assert format_p(0.04567) == "0.046"
    assert format_p(float("nan")) == ""


def _duplicate(table: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([table, table.iloc[:1]], ignore_index=True)


def test_errors_are_one_line_and_say_what_to_do(tables: Tables) -> None:
    profiles = make_profiles()
    p, d, e = tables.profile, tables.difference, tables.enrichment

    def profile(table: pd.DataFrame, **options: str) -> None:
        plot_profile(profiles, replace(tables, profile=table), **options)  # type: ignore[arg-type]

    short = replace(profiles, offsets=np.arange(-50, 51))
    cases = {
        "profile table: no column mean": lambda: profile(p.drop(columns="mean")),
        "model 'other' has no colour or line": lambda: profile(p.assign(model="other")),
        "set 'C9' has no colour or line": lambda: profile(p.assign(set="C9")),
        "it has no rows": lambda: profile(p.iloc[:0]),
        "kind 'tss' is not one of donor, acceptor": lambda: profile(p, kind="tss"),
        "checkpoint donor site: 2 rows at offset -100": lambda: profile(_duplicate(p)),
        "cannot share one ax": lambda: plot_profile(profiles, tables, ax=_new_axes()),
        "are not those of the profiles, -50..50": lambda: plot_profile(short, tables),
        "kind None is not one of donor, acceptor": lambda: plot_ladder(e),
        "enrichment table: 2 rows for checkpoint donor C0": lambda: plot_ladder(
            _duplicate(e), kind="donor"
        ),
        "balance table: no column flagged": lambda: plot_ladder(
            e, kind="donor", balance=tables.balance.drop(columns="flagged")
        ),
        "control 'C7' of donor is not one of C0, C1, C2": lambda: plot_difference(
            d, kind="donor", control="C7"
        ),
    }
    for message, call in cases.items():
        with pytest.raises(InputError) as caught:
            call()
        assert message in str(caught.value)
        assert "\n" not in str(caught.value)


def test_one_kind_needs_no_name() -> None:
    tables = make_tables(kinds=("donor",), models=("checkpoint",))
    ax = plot_profile(make_profiles(kinds=("donor",)), tables)
    assert len(ax.figure.axes) == 1
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["site", "C0", "C1", "C2"]
