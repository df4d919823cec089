"""The ladder figure and its grid: every number in its place, and what is lacking is said."""

import numpy as np
import pandas as pd
import pytest
from ladder_tables import RUNGS, make_ladder
from matplotlib.figure import Figure
from matplotlib.text import Text

from ldar_interp.errors import InputError
from ldar_interp.plots import check_figure, ladder_figure, ladder_grid
from ldar_interp.plots.ladder_choice import MOST_ROWS, choose_kinds, find_limit, round_up

MOTIFS = ("INR", "SP1", "TATA-box", "YY1")
ENDPOINTS = ("left_flank", "inside", "right_flank")
FEW = (("SP1", "C2"),)


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def bars(figure: Figure) -> dict[str, list[list[float]]]:
    found: dict[str, list[list[float]]] = {}
    for ax in figure.axes:
        for line in ax.lines:
            gid = str(line.get_gid())
            if gid.startswith(("effect-", "interval-")):
                found.setdefault(gid, []).append(np.asarray(line.get_xdata()).tolist())
    return found


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return make_ladder()


@pytest.fixture(scope="module")
def figure(table: pd.DataFrame) -> Figure:
    balance = pd.DataFrame(
        {
            "kind": ["donor", "donor"],
            "control": ["C3-10", "C3-10"],
            "covariate": ["gc_200", "exonic"],
            "flagged": [True, True],
        }
    )
    return ladder_figure(table, title="Synthetic tables", balance=balance)


def test_text_is_legible_and_the_width_is_the_journals(figure: Figure) -> None:
    assert check_figure(figure) == []
    assert round(figure.get_size_inches()[0] * 25.4, 6) == 183


def test_every_bar_is_its_row_raw_first(figure: Figure, table: pd.DataFrame) -> None:
    drawn = bars(figure)
    for (model, kind, rung), rows in table.groupby(["model", "kind", "control"]):
        both = rows.set_index("signal").loc[["prob", "residual"]]
        name = f"{model}-{kind}-{rung}"
        assert drawn[f"effect-{name}"] == [[value] for value in both["effect"]]
        if both["ci_low"].notna().all():
            wanted = both[["ci_low", "ci_high"]].to_numpy().tolist()
            assert drawn[f"interval-{name}"] == wanted
    assert sum(map(len, drawn.values())) == len(table) + table["ci_low"].notna().sum()


def test_all_panels_share_one_axis_with_zero_in_it(figure: Figure) -> None:
    limits = {
        ax.get_xlim()
        for ax in figure.axes
        if any(str(line.get_gid()).startswith("effect-") for line in ax.lines)
    }
    ((low, high),) = limits
    assert low < 0 < high


def test_rungs_run_down_the_ladder_and_lacks_are_said(figure: Figure) -> None:
    found = texts(figure)
    names = [text.rstrip("†") for text in found if text.rstrip("†") in RUNGS]
    assert names == [*RUNGS, *RUNGS]
    assert "C3-10†" in found
    assert any("Matched, yet |SMD| > 0.1: donor C3-10 (gc_200)." in text for text in found)
    assert found.count("too few") == 4  # two models, raw and residual
    assert found.count("donors only") == 2  # acceptors have no core rung
    assert "14 (6)" in found and "349 (33)" in found


def test_q_is_printed_where_there_is_one(figure: Figure, table: pd.DataFrame) -> None:
    found = texts(figure)
    for value in table["q_value"].dropna():
        assert (f"{value:.1g}" if value < 0.001 else f"{value:.2g}") in found
    # One dash a row and signal where neither model is tested.
    untested = table[table["q_value"].isna() & (table["method"] != "too few")]
    rows = untested.groupby(["kind", "control", "signal"]).ngroups
    assert found.count("–") == rows + 1  # and one for the pairs of the rung that was not run


def test_checkpoint_is_filled_random_is_open_and_too_few_is_grey(figure: Figure) -> None:
    faces = {
        str(line.get_gid()): (line.get_markerfacecolor(), line.get_markeredgecolor())
        for ax in figure.axes
        for line in ax.lines
        if line.get_gid()
    }
    assert faces["effect-checkpoint-donor-C4"][0] == faces["effect-random-donor-C4"][1] != "white"
    assert faces["effect-random-donor-C4"][0] == "white"
    assert faces["effect-checkpoint-acceptor-C3-10"] == ("white", "#6B6B6B")


def test_a_table_of_p_alone_has_one_panel() -> None:
    table = make_ladder(signals=("prob",), kinds=("donor",))
    found = texts(ladder_figure(table))
    assert "boundary probability" in found
    assert "residual: beyond the nearest letters" not in found


def test_tables_of_several_ladders_are_joined(table: pd.DataFrame) -> None:
    parts = [table[table["control"] == "C4"], table[table["control"] != "C4"]]
    assert texts(ladder_figure(parts)) == texts(ladder_figure(table))


def test_without_random_weights_it_is_said(table: pd.DataFrame) -> None:
    note = " ".join(texts(ladder_figure(table[table["model"] == "checkpoint"])))
    assert "No random-weights baseline was run." in note


@pytest.fixture(scope="module")
def motifs() -> pd.DataFrame:
    return make_ladder(kinds=MOTIFS, statistics=ENDPOINTS, few=FEW)


@pytest.fixture(scope="module")
def grid(motifs: pd.DataFrame) -> Figure:
    return ladder_grid(motifs, title="Synthetic motifs")


def cells(figure: Figure, prefix: str) -> set[str]:
    artists = [a for ax in figure.axes for a in [*ax.patches, *ax.lines]]
    return {
        str(a.get_gid()).removeprefix(prefix)
        for a in artists
        if str(a.get_gid()).startswith(prefix)
    }


def test_the_grid_has_a_cell_for_every_claim(grid: Figure, motifs: pd.DataFrame) -> None:
    assert check_figure(grid) == []
    claimed = motifs[motifs["method"] != "too few"]
    names = claimed[["signal", "statistic", "model", "kind", "control"]].agg("-".join, axis=1)
    assert cells(grid, "cell-") == set(names)


def test_marks_are_the_tests_and_the_clear_intervals(grid: Figure, motifs: pd.DataFrame) -> None:
    main = motifs[(motifs["model"] == "checkpoint") & (motifs["method"] != "too few")]
    clear = (main["ci_low"] > 0) | (main["ci_high"] < 0)
    marked = main[(main["q_value"] < 0.05) | (main["q_value"].isna() & clear)]
    names = marked[["signal", "statistic", "model", "kind", "control"]].agg("-".join, axis=1)
    assert 0 < len(marked) < len(main)
    assert cells(grid, "mark-") == set(names)


def test_the_grid_scale_is_symmetric_and_not_ruled_by_c0(motifs: pd.DataFrame) -> None:
    limit = find_limit(motifs)
    loud = motifs.assign(effect=motifs["effect"].mask(motifs["control"] == "C0", 9.0))
    assert find_limit(loud) == limit
    found = texts(ladder_grid(motifs))
    assert f"≤ −{limit:.2g}" in found and f"≥ +{limit:.2g}" in found
    assert "≥ +0.5" in texts(ladder_grid(motifs, limit=0.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statistic": "auroc"}, "no row of 'auroc' at offset 0"),
        ({"kinds": ["TATA"]}, "kind 'TATA' is not one of donor, acceptor"),
    ],
)
def test_the_figure_refuses(table: pd.DataFrame, change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ladder_figure(table, **change)


def test_unknown_signals_and_double_rows_are_refused(table: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="signal 'logit'; wanted one of prob, residual"):
        ladder_figure(table.assign(signal="logit"))
    with pytest.raises(InputError, match="2 rows for checkpoint donor C0"):
        ladder_figure([table, table])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statistics": ["middle"]}, "no statistic 'middle' among inside, left_flank"),
        ({"limit": 0.0}, "limit 0.0; wanted an effect > 0"),
        ({"kinds": ["GATA1"]}, "kind 'GATA1' is not one of INR"),
    ],
)
def test_the_grid_refuses(motifs: pd.DataFrame, change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ladder_grid(motifs, **change)


def test_the_grid_wants_one_offset_a_statistic(motifs: pd.DataFrame) -> None:
    moved = motifs.assign(offset=np.where(motifs["kind"] == "SP1", 1, 0))
    with pytest.raises(InputError, match="left_flank at 2 offsets; name one with offset="):
        ladder_grid(moved)
    assert ladder_grid(moved, offset=1).axes


def test_what_is_too_few_does_not_set_the_colours() -> None:
    table = make_ladder(kinds=("TBP", "SP1"), statistics=("inside",), few=())
    few = table["kind"] == "SP1"
    loud = table.assign(
        effect=table["effect"].where(~few, 0.9), method=table["method"].where(~few, "too few: 2")
    )
    assert find_limit(loud) == find_limit(table[~few]) < 0.9


def test_the_colours_are_full_where_nearly_all_effects_are() -> None:
    """Of 40 effects of 0.01 to 0.4 in C1, 95 % are 0.38 or less: the next round number is 0.4."""
    one = make_ladder(kinds=("TBP",), statistics=("inside",), models=("checkpoint",), rungs=("C1",))
    table = pd.concat([one.iloc[:1]] * 40, ignore_index=True)
    table["effect"] = np.linspace(0.01, 0.4, 40) * np.resize([1, -1], 40)
    assert find_limit(table) == 0.4
    far = table.copy()
    far.loc[0, "effect"] = 5.0  # one motif far out does not leave the others pale
    assert find_limit(far) == 0.4
    for other in ({"control": "C0"}, {"model": "random"}, {"method": "too few: 3 pairs"}):
        loud = table.assign(effect=5.0, **other)
        assert find_limit(pd.concat([table, loud], ignore_index=True)) == 0.4
        assert find_limit(loud) == 5.0  # nothing else is there
    assert find_limit(table.assign(effect=0.0)) == find_limit(table.assign(effect=np.nan)) == 1.0


@pytest.mark.parametrize(
    ("value", "wanted"),
    [(0.011, 0.015), (0.015, 0.015), (0.3, 0.3), (0.31, 0.4), (0.76, 1.0), (2e-4, 2e-4)],
)
def test_round_numbers(value: float, wanted: float) -> None:
    assert round_up(value) == wanted


def test_of_very_many_motifs_the_grid_shows_those_with_a_claim() -> None:
    names = tuple(f"M{i:03d}" for i in range(MOST_ROWS + 5))
    few = tuple((name, rung) for name in names[4:] for rung in ("C1", "C2"))
    table = make_ladder(kinds=names, statistics=("inside",), rungs=("C1", "C2"), few=few)
    assert choose_kinds(table) == list(names[:4])
    assert choose_kinds(table, most=3) == list(names[:3])
    assert choose_kinds(table[table["kind"].isin(names[:6])]) == list(names[:6])
    figure = ladder_grid(table, statistics=("inside",))
    assert check_figure(figure) == []
    note = " ".join(texts(figure))
    assert f"Shown are 4 of {MOST_ROWS + 5} motifs with hits" in note and "M000" in note
    assert "M010" not in note
    none = table[table["kind"].isin(names[4:])].assign(method="too few: 3 pairs")
    more = pd.concat([none, none.assign(kind=none["kind"] + "b")], ignore_index=True)
    with pytest.raises(InputError, match="none of 122 kinds has enough pairs for a claim"):
        ladder_grid(more, statistics=("inside",))


def test_two_rows_for_a_cell_are_refused(motifs: pd.DataFrame) -> None:
    with pytest.raises(InputError, match=r"several rows for checkpoint .* wanted one, so pass"):
        ladder_grid([motifs, motifs.head(1)])
