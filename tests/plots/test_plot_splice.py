"""The splice-site figure: numbers, alignment, legible at both widths, honest when things lack."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from synthetic_tables import Tables, make_tables

from ldar_interp.errors import InputError
from ldar_interp.plots import LogoCounts, check_figure, splice_figure


def _lines(figure: Figure) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        str(line.get_gid()): (np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
        for ax in figure.axes
        for line in ax.lines
        if line.get_gid()
    }


def _texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def _axes_with(figure: Figure, prefix: str) -> list[Axes]:
    return [
        ax
        for ax in figure.axes
        if any(str(a.get_gid()).startswith(prefix) for a in [*ax.lines, *ax.patches])
    ]


def _ladder_labels(figure: Figure) -> list[Text]:
    return [label for ax in _axes_with(figure, "effect-") for label in ax.get_yticklabels()]


def test_text_is_legible_and_width_is_the_journals(figure: Figure) -> None:
    assert check_figure(figure) == []
    width, height = figure.get_size_inches() * 25.4
    assert round(width, 6) in (89, 183)
    assert height < 225


def test_every_curve_and_bar_equals_its_table(figure: Figure, tables: Tables) -> None:
    lines = _lines(figure)
    for (model, kind, name), rows in tables.profile.groupby(["model", "kind", "set"]):
        np.testing.assert_array_equal(lines[f"{model}-{kind}-{name}"][1], rows["mean"])
    for (model, kind, name), rows in tables.difference.groupby(["model", "kind", "control"]):
        drawn = lines[f"difference-{model}-{kind}-{name}"][1]
        np.testing.assert_array_equal(drawn, rows["difference"])
    e = tables.enrichment[tables.enrichment["statistic"] == "mean_difference"]
    for _, row in e.iterrows():
        name = f"{row['model']}-{row['kind']}-{row['control']}"
        assert lines[f"effect-{name}"][0].tolist() == [row["effect"]]
        assert lines[f"interval-{name}"][0].tolist() == [row["ci_low"], row["ci_high"]]
    assert len(lines) == 16 + 12 + 24


def test_logo_edge_is_under_the_profile_edge(figure: Figure) -> None:
    for kind, letter in (("donor", "letter-G-0"), ("acceptor", "letter-G--1")):
        (profile,) = _axes_with(figure, f"checkpoint-{kind}-site")
        at = profile.transData.transform((0, 0))[0]
        logos = [
            ax
            for ax in _axes_with(figure, letter)
            if abs(ax.transData.transform((0, 0))[0] - at) < 0.01
        ]
        assert len(logos) == 1
        assert logos[0].get_xlim() == (-20, 10)
        assert logos[0].bbox.y1 < profile.bbox.y0


def test_kinds_share_the_probability_axis_and_it_is_not_forced_to_0_1(figure: Figure) -> None:
    donor, acceptor = _axes_with(figure, "checkpoint-")
    assert donor.get_ylim() == acceptor.get_ylim()
    low, high = donor.get_ylim()
    assert 0 < low < high < 1
    strips = _axes_with(figure, "difference-")
    assert len(strips) == 6
    for rung in range(3):
        assert strips[rung].get_ylim() == strips[rung + 3].get_ylim()
    ladders = _axes_with(figure, "effect-")
    assert ladders[0].get_xlim() == ladders[1].get_xlim()


def test_legend_gives_n_and_genes_and_flags(figure: Figure) -> None:
    texts = _texts(figure)
    for cell in ("323 (33)", "322 (33)", "313 (33)", "271 (31)", "270 (31)"):
        assert cell in texts
    note = " ".join(texts).replace("\u00a0", " ")
    assert "† Matched, yet |SMD| > 0.1: acceptor C2 (strength)." in note
    assert "Not matched, and |SMD| > 0.1: donor C2 (exonic), acceptor C2 (exonic)." in note
    assert "No random-weights baseline" not in note


def test_printed_effects_are_the_tables(figure: Figure, tables: Tables) -> None:
    if figure.get_size_inches()[0] < 5:
        pytest.skip("one column has no room for printed effects")
    e = tables.enrichment
    row = e[
        (e["kind"] == "acceptor") & (e["control"] == "C1") & (e["statistic"] == "mean_difference")
    ].iloc[0]
    text = f"{row['effect']:.3f} [{row['ci_low']:.3f}, {row['ci_high']:.3f}]".replace("-", "−")
    assert text in _texts(figure)


@pytest.mark.parametrize(
    ("width_mm", "kinds"), [(183, ("acceptor",)), (89, ("donor",)), (89, ("donor", "acceptor"))]
)
def test_without_random_and_with_kinds_missing(width_mm: int, kinds: tuple[str, ...]) -> None:
    tables = make_tables(models=("checkpoint",), kinds=kinds)
    figure = splice_figure(tables.profile, tables.difference, tables.enrichment, width_mm=width_mm)
    assert check_figure(figure) == []
    lines = _lines(figure)
    assert len(lines) == len(kinds) * (4 + 3 + 6)
    assert "No random-weights baseline" in " ".join(_texts(figure))
    note = " ".join(_texts(figure))
    assert "thin random weights" not in note
    assert ("323" in _texts(figure)) == ("donor" in kinds)


@pytest.mark.parametrize("width_mm", [183, 89])
def test_too_few_flags_everywhere_and_nan(width_mm: int, tables: Tables) -> None:
    enrichment = tables.enrichment.copy()
    enrichment["method"] = "too few: 12 sites in 4 groups"
    enrichment[["p_value", "q_value"]] = np.nan
    enrichment.loc[enrichment["control"] == "C2", ["effect", "ci_low", "ci_high"]] = np.nan
    difference = tables.difference.assign(p_maxt=np.nan)
    profile = tables.profile.copy()
    profile.loc[profile["offset"].between(-60, -40), ["mean", "ci_low", "ci_high"]] = np.nan
    figure = splice_figure(
        profile,
        difference,
        enrichment,
        balance=tables.balance.assign(flagged="True"),
        width_mm=width_mm,
    )
    assert check_figure(figure) == []
    y = _lines(figure)["checkpoint-donor-site"][1]
    assert np.isnan(y[40:61]).all()
    assert not np.isnan(np.delete(y, range(40, 61))).any()
    note = " ".join(_texts(figure))
    assert "family-wise" not in note
    assert "Grey: too few sites or loci" in note
    assert "donor C2 (strength, gc_up50), acceptor C2 (strength, gc_up50)" in note
    assert {"C0", "C1", "C2†"} <= set(_texts(figure))
    assert not {"C0†", "C1†", "C2"} & {t.get_text() for t in _ladder_labels(figure)}


def test_tables_read_back_from_tsv_draw_the_same() -> None:
    tables = make_tables(kinds=("acceptor",))

    def through_tsv(table: pd.DataFrame) -> pd.DataFrame:
        text = table.to_csv(sep="\t", index=False, float_format="%.6g")
        return pd.read_csv(StringIO(text), sep="\t")

    figure = splice_figure(
        through_tsv(tables.profile), through_tsv(tables.difference), through_tsv(tables.enrichment)
    )
    y = _lines(figure)["random-acceptor-C2"][1]
    p = tables.profile
    rows = p[(p["model"] == "random") & (p["kind"] == "acceptor") & (p["set"] == "C2")]
    np.testing.assert_allclose(y, rows["mean"], rtol=1e-5)


def test_short_flanks_shrink_the_logo(logos: dict[str, LogoCounts]) -> None:
    tables = make_tables(kinds=("donor",))
    profile = tables.profile[tables.profile["offset"].abs() <= 8]
    difference = tables.difference[tables.difference["offset"].abs() <= 8]
    figure = splice_figure(profile, difference, tables.enrichment, logos, width_mm=89)
    assert check_figure(figure) == []
    (logo,) = _axes_with(figure, "letter-")
    assert logo.get_xlim() == (-8, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width_mm": 120}, "figure width 120 mm; wanted 89 (one column) or 183 (two columns)"),
        ({"kind": "tss"}, "profile table: kinds tss; wanted donor or acceptor"),
        ({"drop": "n_groups"}, "enrichment table: no column n_groups"),
    ],
)
def test_errors(tables: Tables, change: dict[str, object], message: str) -> None:
    profile, enrichment = tables.profile, tables.enrichment
    if "kind" in change:
        profile = profile.assign(kind=change["kind"])
    if "drop" in change:
        enrichment = enrichment.drop(columns=str(change["drop"]))
    width_mm = int(str(change.get("width_mm", 183)))
    with pytest.raises(InputError) as caught:
        splice_figure(profile, tables.difference, enrichment, width_mm=width_mm)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
