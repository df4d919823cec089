"""The promoter figure: every motif's numbers in its place, logos to scale, lacks said."""

from io import StringIO

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from promoter_tables import (
    CONSENSUS,
    N_GROUPS,
    OFFSETS,
    WIDTHS,
    PromoterTables,
    make_motif_logos,
    make_promoter_tables,
)

from ldar_interp.errors import InputError
from ldar_interp.plots import check_figure, promoter_figure
from ldar_interp.plots.promoter_panel import find_ends
from ldar_interp.stats.regions import MOTIF_REGIONS

KINDS = ("INR", "DPE", "SP1", "MTE")
WIDTH_OF = {kind: WIDTHS[kind] for kind in KINDS}


def _texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def _note(figure: Figure) -> str:
    return " ".join(_texts(figure)).replace("\u00a0", " ")


def _lines(figure: Figure, prefix: str = "") -> dict[str, tuple[np.ndarray, np.ndarray]]:
    return {
        str(line.get_gid()): (np.asarray(line.get_xdata()), np.asarray(line.get_ydata()))
        for ax in figure.axes
        for line in ax.lines
        if line.get_gid() and str(line.get_gid()).startswith(prefix)
    }


def _axes_of(figure: Figure, gid: str) -> Axes:
    (found,) = [
        ax for ax in figure.axes if any(a.get_gid() == gid for a in [*ax.lines, *ax.patches])
    ]
    return found


def _draw(tables: PromoterTables, **change: object) -> Figure:
    given = {
        "profile": tables.profile,
        "difference": tables.difference,
        "enrichment": tables.enrichment,
        "logos": None,
        "widths": WIDTH_OF,
    }
    return promoter_figure(**(given | change))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def promoter() -> PromoterTables:
    return make_promoter_tables(kinds=KINDS)


@pytest.fixture(scope="module", params=[183, 89])
def drawn(request: pytest.FixtureRequest, promoter: PromoterTables) -> Figure:
    return _draw(
        promoter,
        logos=make_motif_logos(KINDS),
        balance=promoter.balance,
        n_groups=N_GROUPS,
        title="Synthetic motifs",
        accessions={"INR": "POL002.1"},
        width_mm=request.param,
    )


def test_text_is_legible_and_the_width_is_the_journals(drawn: Figure) -> None:
    assert check_figure(drawn) == []
    assert round(drawn.get_size_inches()[0] * 25.4, 6) in (89, 183)


def test_every_curve_equals_its_table_on_the_shown_offsets(
    drawn: Figure, promoter: PromoterTables
) -> None:
    lines = {
        gid: line for gid, line in _lines(drawn).items() if gid.startswith(("prob-", "residual-"))
    }
    p = promoter.profile
    wanted = 0
    for (signal, model, kind, name), rows in p.groupby(["signal", "model", "kind", "set"]):
        if model == "random" and name != "site":
            continue
        shown = rows[rows["offset"].between(-20, WIDTHS[kind] + 20)]
        x, y = lines[f"{signal}-{model}-{kind}-{name}"]
        np.testing.assert_array_equal(x, shown["offset"])
        np.testing.assert_array_equal(y, shown["mean"])
        wanted += 1
    assert len(lines) == wanted == len(KINDS) * 2 * 5


def test_bars_are_the_endpoints_with_a_q(drawn: Figure, promoter: PromoterTables) -> None:
    e = promoter.enrichment.set_index(["signal", "model", "kind", "control", "statistic"])
    tested = e["q_value"].dropna()
    clear = {"-".join(key) for key in tested[tested < 0.05].index}
    pale = {"-".join(key) for key in tested[tested >= 0.05].index if key[1] == "checkpoint"}
    assert clear and pale
    assert {gid.removeprefix("clear-") for gid in _lines(drawn, "clear-")} == clear
    assert {gid.removeprefix("tested-") for gid in _lines(drawn, "tested-")} == pale


def test_single_offsets_are_those_that_differ_from_c2(
    drawn: Figure, promoter: PromoterTables
) -> None:
    found = {
        str(bars.get_gid()): {round(float(s[:, 0].mean())) for s in bars.get_segments()}
        for ax in drawn.axes
        for bars in ax.collections
        if str(bars.get_gid()).startswith("family-")
    }
    d = promoter.difference[promoter.difference["control"] == "C2"]
    some = False
    for (signal, model, kind), rows in d.groupby(["signal", "model", "kind"]):
        shown = rows[rows["offset"].between(-20, WIDTHS[kind] + 20)]
        wanted = set(shown.loc[shown["p_maxt"] < 0.05, "offset"])
        assert found[f"family-{signal}-{model}-{kind}-C2"] == wanted
        some = some or bool(wanted)
    assert some and len(found) == len(KINDS) * 4


def test_logo_letters_stand_between_their_edges_under_the_profile(drawn: Figure) -> None:
    for kind in KINDS:
        raw = _axes_of(drawn, f"prob-checkpoint-{kind}-site")
        residual = _axes_of(drawn, f"residual-checkpoint-{kind}-site")
        band = _axes_of(drawn, f"motif-{kind}")
        logos = [
            ax
            for ax in drawn.axes
            if any(str(p.get_gid()).startswith("letter-") for p in ax.patches)
            and residual.bbox.y1 < ax.bbox.y0 < ax.bbox.y1 < raw.bbox.y0
            and abs(ax.bbox.x0 - raw.bbox.x0) < 0.01
        ]
        assert len(logos) == 1
        edge = {ax: ax.transData.transform([(0, 0), (WIDTHS[kind], 0)])[:, 0] for ax in drawn.axes}
        for ax in (logos[0], residual, band):
            np.testing.assert_allclose(edge[ax], edge[raw], atol=0.01)
        (shade,) = [patch for patch in band.patches if patch.get_gid() == f"motif-{kind}"]
        np.testing.assert_allclose(
            [shade.get_window_extent().x0, shade.get_window_extent().x1], edge[raw], atol=0.01
        )
        for patch in logos[0].patches:
            j = int(str(patch.get_gid()).rsplit("-", 1)[1])
            assert 0 <= j < WIDTHS[kind]
            box = patch.get_path().get_extents()
            assert j <= box.x0 < box.x1 <= j + 1
        assert {0, WIDTHS[kind]} <= set(raw.get_xticks())


def test_names_counts_and_lacks_are_written(drawn: Figure) -> None:
    found = _texts(drawn)
    for text in (
        "INR  POL002.1",
        "n = 210 (147 loci)",
        "n = 9 (6 loci); too few",
        "n = 31 (21 loci); too few: C2",
        "n = 655 (458 loci); C2†",
    ):
        assert text in found
    note = _note(drawn)
    assert "† Matched, yet |SMD| > 0.1: SP1 C2 (strength)." in note
    assert "those in grey" in note
    assert "Shown are" not in note and "No random-weights" not in note
    (few,) = [t for t in drawn.findobj(Text) if t.get_text() == "DPE"]
    (enough,) = [t for t in drawn.findobj(Text) if t.get_text() == "SP1"]
    assert few.get_color() == "#6B6B6B" != enough.get_color()


def test_motifs_share_their_scales_but_those_with_too_few(drawn: Figure) -> None:
    for signal in ("prob", "residual"):
        limits = {
            kind: _axes_of(drawn, f"{signal}-checkpoint-{kind}-site").get_ylim() for kind in KINDS
        }
        assert len({limits[kind] for kind in KINDS if kind != "DPE"}) == 1
        assert limits["DPE"] != limits["SP1"]


def test_thin_controls_and_single_wide_intervals_do_not_stretch_the_axes(
    promoter: PromoterTables,
) -> None:
    """One interval of INR ten times the axis, MTE's C2 (too few) far below, a C0 mean at the top.

    The first two are cut, with a triangle in their colour; the third sets the range.
    """
    profile = promoter.profile.copy()
    where = (profile["model"] == "checkpoint") & (profile["signal"] == "residual")
    at = where & (profile["offset"] == 4)
    is_site = (profile["kind"] == "INR") & (profile["set"] == "site")
    profile.loc[at & is_site, ["ci_low", "ci_high"]] = -0.9, 0.9
    is_thin = (profile["kind"] == "MTE") & (profile["set"] == "C2")
    profile.loc[where & is_thin & (profile["offset"] == 7), "mean"] = -0.8
    is_c0 = (profile["kind"] == "SP1") & (profile["set"] == "C0")
    profile.loc[at & is_c0, "mean"] = 0.5
    figure = _draw(promoter, profile=profile)
    low, high = _axes_of(figure, "residual-checkpoint-INR-site").get_ylim()
    assert 0.5 < high < 0.6 and low > -0.5
    cut = {gid: x.tolist() for gid, (x, _) in _lines(figure, "cut-").items()}
    assert 4 in cut["cut-above-residual-INR-site"] and 4 in cut["cut-below-residual-INR-site"]
    assert cut["cut-below-residual-MTE-C2"] == [7]
    assert not any(gid.startswith("cut-above-residual-SP1") for gid in cut)
    assert "Triangles at a border: a line or a band goes on beyond it." in _note(figure)


def test_where_nothing_is_cut_there_is_no_triangle(promoter: PromoterTables) -> None:
    profile = promoter.profile.assign(ci_low=promoter.profile["mean"] - 0.001)
    profile["ci_high"] = profile["mean"] + 0.001
    few = (profile["kind"] == "MTE") & (profile["set"] == "C2")
    figure = _draw(promoter, profile=profile[~few])
    assert not _lines(figure, "cut-") and "Triangles" not in _note(figure)


def test_the_note_counts_motifs_without_curves(promoter: PromoterTables) -> None:
    assert "Shown are 4 of 700 motifs with hits" in _note(_draw(promoter, n_motifs=700))


def test_panels_follow_the_order_of_widths_or_of_motifs(promoter: PromoterTables) -> None:
    def order(figure: Figure) -> list[str]:
        return [text for text in _texts(figure) if text in KINDS]

    assert order(_draw(promoter)) == list(KINDS)
    assert order(_draw(promoter, motifs=["SP1", "INR"])) == ["SP1", "INR"]


@pytest.mark.parametrize(("width_mm", "most"), [(183, 12), (89, 8)])
def test_of_many_motifs_those_with_most_sites_are_drawn(width_mm: int, most: int) -> None:
    tables = make_promoter_tables(signals=("prob",), models=("checkpoint",))
    figure = _draw(tables, widths=WIDTHS | {"XYZ": 9}, width_mm=width_mm)
    assert check_figure(figure) == []
    names = [text for text in _texts(figure) if text in CONSENSUS]
    p = tables.profile
    n = p[(p["set"] == "site") & (p["offset"] == 0)].set_index("kind")["n"]
    assert set(names) == set(n.nlargest(most).index)
    assert names == [kind for kind in WIDTHS if kind in names]
    note = _note(figure)
    assert f"Shown are {most} of 14 motifs with hits; all are in the tables." in note
    assert "No hits: XYZ." in note
    assert "No random-weights baseline was run." in note
    assert "No residual was computed." in note
    assert not _lines(figure, "residual-")


@pytest.mark.parametrize(("width_mm", "n_motifs"), [(183, 1), (89, 1), (183, 2)])
def test_few_motifs_are_legible(promoter: PromoterTables, n_motifs: int, width_mm: int) -> None:
    figure = _draw(promoter, motifs=KINDS[:n_motifs], width_mm=width_mm)
    assert check_figure(figure) == []


def test_gaps_stay_gaps_and_nothing_tested_has_no_bars(promoter: PromoterTables) -> None:
    profile = promoter.profile.copy()
    profile.loc[profile["offset"].between(3, 5), ["mean", "ci_low", "ci_high"]] = np.nan
    profile.loc[profile["kind"] == "MTE", ["mean", "ci_low", "ci_high"]] = np.nan
    figure = _draw(
        promoter,
        profile=profile,
        enrichment=promoter.enrichment.assign(q_value=np.nan, p_value=np.nan, method="too few"),
        difference=promoter.difference.assign(p_maxt=np.nan),
    )
    assert check_figure(figure) == []
    x, y = _lines(figure)["prob-checkpoint-SP1-site"]
    assert set(x[np.isnan(y)]) == {3, 4, 5}
    assert not _lines(figure, "clear-") and not _lines(figure, "tested-")
    assert "endpoint" not in _note(figure)


def test_a_motif_without_controls_is_too_few(promoter: PromoterTables) -> None:
    e, p, d = promoter.enrichment, promoter.profile, promoter.difference
    figure = _draw(
        promoter,
        profile=p[(p["kind"] != "SP1") | (p["set"] == "site")],
        difference=d[d["kind"] != "SP1"],
        enrichment=e[e["kind"] != "SP1"],
    )
    assert "n = 655; too few" in _texts(figure)


def test_offsets_end_where_the_table_ends(promoter: PromoterTables) -> None:
    p, d = promoter.profile, promoter.difference
    figure = _draw(
        promoter,
        profile=p[p["offset"].between(-7, 16)],
        difference=d[d["offset"].between(-7, 16)],
        motifs=["INR", "SP1"],
    )
    assert check_figure(figure) == []
    assert _axes_of(figure, "prob-checkpoint-SP1-site").get_xlim() == (-7, 16)
    wide = _draw(promoter, motifs=["INR"], flank=30)
    assert _axes_of(wide, "prob-checkpoint-INR-site").get_xlim() == (-30, 38)


def test_tables_read_back_from_tsv_draw_the_same(promoter: PromoterTables) -> None:
    def through_tsv(table: pd.DataFrame) -> pd.DataFrame:
        text = table.to_csv(sep="\t", index=False, float_format="%.6g")
        return pd.read_csv(StringIO(text), sep="\t")

    figure = _draw(
        promoter,
        profile=through_tsv(promoter.profile),
        difference=through_tsv(promoter.difference),
        enrichment=through_tsv(promoter.enrichment),
        balance=through_tsv(promoter.balance),
        motifs=["SP1"],
    )
    same = _draw(promoter, balance=promoter.balance, motifs=["SP1"])
    assert _texts(figure) == _texts(same)
    assert set(_lines(figure)) == set(_lines(same))


def test_long_names_are_cut_and_accessions_are_not_repeated(promoter: PromoterTables) -> None:
    long = "NR2F1::RXRA::A::VERY::LONG::NAME::INDEED"
    rename = {"SP1": "SP1_MA0079.5", "INR": long}
    tables = [
        table.assign(kind=table["kind"].replace(rename))
        for table in (promoter.profile, promoter.difference, promoter.enrichment)
    ]
    figure = promoter_figure(
        *tables,
        None,
        {rename.get(kind, kind): width for kind, width in WIDTH_OF.items()},
        width_mm=89,
        accessions={"SP1_MA0079.5": "MA0079.5", long: "MA9999.1"},
    )
    assert check_figure(figure) == []
    found = _texts(figure)
    assert "SP1_MA0079.5" in found
    assert any(text.startswith("NR2F1::RXRA") and text.endswith("…") for text in found)


def test_a_motif_of_one_base_has_no_inside() -> None:
    left, inside, right = MOTIF_REGIONS
    assert find_ends(inside, 1) is None
    assert find_ends(inside, 2) == (0.65, 1.35)
    assert find_ends(left, 8) == (-4.35, 0.35)
    assert find_ends(right, 8) == (7.65, 12.35)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width_mm": 120}, "figure width 120 mm; wanted 89 (one column) or 183 (two columns)"),
        ({"widths": {"INR": 8}}, "widths: none for 'DPE' of the profile table"),
        ({"widths": WIDTH_OF | {"SP1": 0}}, "widths: 0 bp for 'SP1'; wanted 1 bp or more"),
        ({"motifs": ["TATA"]}, "motifs: 'TATA' is not in the profile table; it has INR, DPE"),
        ({"motifs": []}, "motifs: an empty list; name at least one, or leave it out"),
        ({"flank": 0}, "flank 0; wanted 1 or more offsets beside the motif"),
        ({"balance": pd.DataFrame({"kind": []})}, "balance table: no column control"),
    ],
)
def test_errors(promoter: PromoterTables, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        _draw(promoter, **change)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_that_cannot_be_drawn_are_refused(promoter: PromoterTables) -> None:
    with pytest.raises(InputError, match="profile table: it has no rows"):
        _draw(promoter, profile=promoter.profile.iloc[:0])
    with pytest.raises(InputError, match="enrichment table: no column q_value"):
        _draw(promoter, enrichment=promoter.enrichment.drop(columns="q_value"))
    twice = pd.concat([promoter.enrichment] * 2)
    with pytest.raises(InputError, match="2 rows for checkpoint INR C1 left_flank; wanted one"):
        _draw(promoter, enrichment=twice)
    assert OFFSETS[0] < -20
