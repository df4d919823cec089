"""The volcano: every tested motif is a point, the rest is counted, names keep apart."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from promoter_tables import ENDPOINTS, make_volcano

from ldar_interp.errors import InputError
from ldar_interp.plots import check_figure, volcano_figure
from ldar_interp.plots.name_points import Point, name_points
from ldar_interp.plots.volcano import MOST_NAMES


def _texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text)]


def _points(figure: Figure) -> dict[str, list[tuple[float, float]]]:
    return {
        str(line.get_gid()): list(zip(line.get_xdata(), line.get_ydata(), strict=True))
        for ax in figure.axes
        for line in ax.lines
        if str(line.get_gid()).startswith(("rest-", "clear-"))
    }


def _names(figure: Figure, cell: str) -> list[Text]:
    prefix = f"name-{cell}-"
    return [t for t in figure.findobj(Text) if str(t.get_gid()).startswith(prefix)]


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return make_volcano(n_motifs=200, n_few=40)


@pytest.fixture(scope="module", params=[183, 89])
def figure(request: pytest.FixtureRequest, table: pd.DataFrame) -> Figure:
    return volcano_figure(table, width_mm=request.param, title="Synthetic motifs")


def test_text_is_legible_and_the_width_is_the_journals(figure: Figure) -> None:
    assert check_figure(figure) == []
    assert round(figure.get_size_inches()[0] * 25.4, 6) in (89, 183)


@pytest.mark.parametrize(("control", "signal"), [("C2", "residual"), ("C1", "prob")])
def test_every_tested_row_is_a_point(table: pd.DataFrame, control: str, signal: str) -> None:
    drawn = _points(volcano_figure(table, control=control, signal=signal))
    rows = table[(table["control"] == control) & (table["signal"] == signal)]
    assert len(drawn) == 12
    for (model, statistic), part in rows.groupby(["model", "statistic"]):
        tested = part[part["q_value"].notna()]
        for name, wanted in (
            ("clear", tested[tested["q_value"] < 0.05]),
            ("rest", tested[tested["q_value"] >= 0.05]),
        ):
            points = sorted(drawn[f"{name}-{model}-{statistic}"])
            assert points == sorted(zip(wanted["effect"], wanted["q_value"], strict=True))


def test_small_q_is_high_and_all_panels_share_their_axes(figure: Figure) -> None:
    panels = [ax for ax in figure.axes if ax.lines]
    assert len({(ax.get_xlim(), ax.get_ylim()) for ax in panels}) == 1
    bottom, top = panels[0].get_ylim()
    assert bottom > 1 > 0.05 > top > 0
    assert panels[0].get_yscale() == "log"


def test_numbers_tested_and_too_few_are_said(figure: Figure, table: pd.DataFrame) -> None:
    rows = table[(table["control"] == "C2") & (table["signal"] == "residual")]
    found = " ".join(_texts(figure))
    for (model, statistic), part in rows.groupby(["model", "statistic"]):
        q = part["q_value"].dropna()
        assert f"{len(q)} tested, {(q < 0.05).sum()} with q < 0.05" in found
        label = "checkpoint" if model == "checkpoint" else "random weights"
        assert f"{label}, {str(statistic).replace('_', ' ')}" in found
    assert found.count("40 too few") == 6


def test_the_strongest_are_named_and_names_keep_apart(figure: Figure, table: pd.DataFrame) -> None:
    rows = table[(table["control"] == "C2") & (table["signal"] == "residual")]
    for statistic in ENDPOINTS:
        names = _names(figure, f"checkpoint-{statistic}")
        part = rows[(rows["model"] == "checkpoint") & (rows["statistic"] == statistic)]
        clear = part[part["q_value"] < 0.05].assign(size=lambda t: -t["effect"].abs())
        assert len(names) == min(MOST_NAMES, len(clear))
        strongest = clear.sort_values(["q_value", "size"]).iloc[0]
        assert names[0].get_text() == f"{strongest['kind']} ({strongest['n_sites']:,})"
        boxes = [text.get_window_extent() for text in names]
        assert not any(a.overlaps(b) for a, b in combinations(boxes, 2))
        ax = names[0].axes
        assert isinstance(ax, Axes)
        xy = ax.transData.transform(clear[["effect", "q_value"]].to_numpy(dtype=float))
        for box in boxes:
            assert not any(box.contains(x, y) for x, y in xy)
        leaders = {
            str(line.get_gid()).removeprefix("leader-"): line.get_transform().transform_path(
                line.get_path()
            )
            for line in ax.lines
            if str(line.get_gid()).startswith("leader-")
        }
        for name, leader in leaders.items():
            for text, box in zip(names, boxes, strict=True):
                assert text.get_text() == name or not leader.intersects_bbox(box)
        for one, other in combinations(leaders.values(), 2):
            assert not one.intersects_path(other, filled=False)


def test_nothing_under_the_level_nothing_named(table: pd.DataFrame) -> None:
    figure = volcano_figure(table.assign(q_value=table["q_value"].clip(lower=0.2)))
    assert check_figure(figure) == []
    assert not [t for t in figure.findobj(Text) if str(t.get_gid()).startswith("name-")]
    assert "160 tested, 0 with q < 0.05; 40 too few" in _texts(figure)


@pytest.mark.parametrize("width_mm", [183, 89])
def test_all_too_few_and_no_random_weights(table: pd.DataFrame, width_mm: int) -> None:
    few = table.assign(q_value=np.nan, method="too few: 3 pairs")
    figure = volcano_figure(few[few["model"] == "checkpoint"], width_mm=width_mm)
    assert check_figure(figure) == []
    assert all(not points for points in _points(figure).values())
    assert _texts(figure).count("nothing was tested") == 3
    assert "enough pairs for a test against C2." in " ".join(_texts(figure))
    assert "No random-weights baseline was run." in " ".join(_texts(figure))


def test_rows_without_a_q_that_are_not_too_few_are_counted(table: pd.DataFrame) -> None:
    figure = volcano_figure(table.assign(q_value=np.nan, method="mean"))
    assert _texts(figure).count("0 tested, 0 with q < 0.05; 200 without a test") == 6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width_mm": 120}, "figure width 120 mm; wanted 89 (one column) or 183 (two columns)"),
        ({"control": "C4"}, "no residual rows of left_flank, inside, right_flank against 'C4'"),
        ({"signal": "logit"}, "no logit rows of left_flank, inside, right_flank against 'C2'"),
    ],
)
def test_errors(table: pd.DataFrame, change: dict, message: str) -> None:
    with pytest.raises(InputError) as caught:
        volcano_figure(table, **change)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_tables_that_cannot_be_drawn_are_refused(table: pd.DataFrame) -> None:
    kind = table["kind"].iloc[0]
    with pytest.raises(InputError, match=f"several rows for checkpoint {kind} left_flank"):
        volcano_figure(pd.concat([table, table[table["kind"] == kind]]))
    with pytest.raises(InputError, match="enrichment table: no column method"):
        volcano_figure(table.drop(columns="method"))


def test_a_name_without_room_is_left_out_and_the_next_is_tried() -> None:
    figure = Figure(figsize=(2, 2))
    ax = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    ax.set(xlim=(0, 1), ylim=(0, 1))
    figure.draw_without_rendering()
    points = [Point(0.5, 0.5, "A" * 80), Point(0.5, 0.2, "short"), Point(0.2, 0.8, "third")]
    assert name_points(ax, points, most=1, prefix="name") == ["short"]
    assert [text.get_text() for text in ax.texts] == ["short"]
    assert name_points(ax, [], most=3, prefix="name") == []
