"""The style: readable sizes, colours that stay apart, and the check that finds bad text."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from ldar_interp.plots.colour_vision import (
    MACHADO_2009,
    lightness,
    simulate,
    smallest_distance,
    to_lab,
)
from ldar_interp.plots.style import (
    MODEL_LINE_PT,
    SET_COLOURS,
    SET_DASHES,
    check_figure,
    publication_style,
)


def test_lab_of_srgb_red_is_the_published_value() -> None:
    np.testing.assert_allclose(
        to_lab(simulate("#FF0000", "normal")), [53.24, 80.09, 67.20], atol=0.02
    )


@pytest.mark.parametrize("vision", MACHADO_2009)
def test_simulation_keeps_white_and_confuses_what_it_should(vision: str) -> None:
    np.testing.assert_allclose(simulate("white", vision), 1.0, atol=1e-5)
    confused = ("#0000FF", "#008080") if vision == "tritanopia" else ("#C00000", "#5A5A00")
    assert smallest_distance(confused, vision) < 0.6 * smallest_distance(confused)


@pytest.mark.parametrize("vision", ["normal", *MACHADO_2009])
def test_sets_keep_their_distance_in_every_vision(vision: str) -> None:
    # The four of the profile figures lie farthest apart; all eight about eight times as far as
    # can just be noticed.
    together = [SET_COLOURS[name] for name in ("site", "C0", "C1", "C2")]
    assert smallest_distance(together, vision) > 30
    assert smallest_distance([*together, "white"], vision) > 25
    assert smallest_distance([*SET_COLOURS.values(), "white"], vision) > 19


def test_sets_and_models_can_be_told_apart_in_greyscale() -> None:
    assert len({str(dash) for dash in SET_DASHES.values()}) == len(SET_COLOURS)
    assert SET_DASHES.keys() == SET_COLOURS.keys()
    assert MODEL_LINE_PT["checkpoint"] >= 2 * MODEL_LINE_PT["random"]
    assert lightness("#777777") == pytest.approx(50, abs=1)


def test_style_is_a_context_and_leaves_no_trace() -> None:
    before = mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]
    with publication_style():
        assert mpl.rcParams["pdf.fonttype"] == 42
        assert mpl.rcParams["font.size"] == 6
    assert (mpl.rcParams["font.size"], mpl.rcParams["pdf.fonttype"]) == before


def test_check_figure_passes_text_that_is_fine() -> None:
    figure = Figure(figsize=(3, 2))
    figure.text(0.1, 0.8, "one", fontsize=6)
    figure.text(0.1, 0.2, "two", fontsize=8)
    assert check_figure(figure) == []


@pytest.mark.parametrize(
    ("texts", "finding"),
    [
        ([(0.5, 0.5, "tiny", 5.9)], "'tiny' is 5.9 pt; wanted 6 or more"),
        ([(0.99, 0.5, "outside", 8)], "'outside' leaves the canvas"),
        ([(0.5, 0.5, "under", 8), (0.52, 0.52, "over", 8)], "'under' overlaps 'over'"),
    ],
)
def test_check_figure_finds(texts: list[tuple[float, float, str, float]], finding: str) -> None:
    figure = Figure(figsize=(3, 2))
    for x, y, text, size in texts:
        figure.text(x, y, text, fontsize=size)
    assert check_figure(figure) == [finding]


def test_check_figure_sees_tick_labels_that_are_drawn_and_no_others() -> None:
    figure = Figure(figsize=(3, 2))
    ax = figure.add_axes((0.2, 0.2, 0.7, 0.7))
    ax.set(xlim=(0, 1), xticks=[0.5], yticks=[])
    ax.set_xticks([0.5, 0.52, 9.0], ["aaaaaa", "bbbbbb", "far away"])
    ax.set_xlim(0, 1)
    ax.tick_params(labelsize=8)
    assert check_figure(figure) == ["'aaaaaa' overlaps 'bbbbbb'"]
    ax.axis("off")
    assert check_figure(figure) == []
