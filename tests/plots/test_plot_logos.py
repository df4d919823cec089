"""Logos: bits by hand, letters between their edges, every error once."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import encode
from ldar_interp.plots.logos import (
    LogoCounts,
    count_letters,
    logo_table,
    measure_information,
    plot_logo,
)


def _new_axes() -> Axes:
    return Figure().add_subplot()


def _letters(ax: Axes) -> dict[str, PathPatch]:
    return {str(p.get_gid()): p for p in ax.patches if isinstance(p, PathPatch)}


def test_counts_by_hand_and_n_is_not_counted() -> None:
    counts = count_letters(["ACGT", "AcGN", "TCGA"])
    np.testing.assert_array_equal(counts, [[2, 0, 0, 1], [0, 3, 0, 0], [0, 0, 3, 0], [1, 0, 0, 1]])
    ids = np.stack([encode("ACGT"), encode("ACGN"), encode("TCGA")])
    np.testing.assert_array_equal(count_letters(ids), counts)


def test_information_by_hand() -> None:
    correction = 3 / (2 * np.log(2) * 1000)
    bits = measure_information([[1000, 0, 0, 0], [500, 500, 0, 0], [250, 250, 250, 250]])
    np.testing.assert_allclose(bits[0], [2 - correction, 0, 0, 0])
    np.testing.assert_allclose(bits[1], [(1 - correction) / 2] * 2 + [0, 0])
    np.testing.assert_array_equal(bits[2], 0)
    assert np.isnan(measure_information([[0, 0, 0, 0]])).all()


@given(arrays(np.int64, (5, 4), elements=st.integers(0, 500)))
@settings(max_examples=50, deadline=None)
def test_information_stays_between_0_and_2_bits(counts: np.ndarray) -> None:
    bits = measure_information(counts)
    empty = counts.sum(axis=1) == 0
    assert np.isnan(bits[empty]).all()
    assert (bits[~empty] >= 0).all()
    assert (bits[~empty].sum(axis=1) <= 2).all()


def test_letter_sits_between_its_two_edges() -> None:
    ax = plot_logo(["AGGT"] * 500, [-2, -1, 0, 1], _new_axes())
    letters = _letters(ax)
    assert sorted(letters) == ["letter-A--2", "letter-G--1", "letter-G-0", "letter-T-1"]
    for gid, patch in letters.items():
        position = int(gid.split("-", 2)[2])
        box = patch.get_path().get_extents()
        assert (box.x0 + box.x1) / 2 == pytest.approx(position + 0.5)
        assert position <= box.x0 < box.x1 <= position + 1
        assert box.height == pytest.approx(2 - 3 / (2 * np.log(2) * 500))


def test_only_the_window_is_drawn_and_a_frame_is_read_by_column_names() -> None:
    frame = pd.DataFrame({"T": [9.0, 0, 0], "G": [0.0, 9, 0], "C": [0.0, 0, 9], "A": [0.0, 0, 0]})
    ax = plot_logo(frame, [-1, 0, 1], _new_axes(), window=(-1, 1))
    assert sorted(_letters(ax)) == ["letter-G-0", "letter-T--1"]
    assert ax.get_xlim() == (-1, 1)
    assert ax.get_ylim() == (0, 2)


def test_logo_table_holds_every_plotted_number() -> None:
    counts = count_letters(["AG", "AG", "AC"])
    table = logo_table({"donor": LogoCounts(counts, np.array([-1, 0]))})
    assert list(table.columns) == ["kind", "offset", "base", "count", "bits"]
    assert table.loc[(table["offset"] == 0) & (table["base"] == "G"), "count"].tolist() == [2]
    np.testing.assert_array_equal(table["bits"], measure_information(counts).ravel())
    assert logo_table({}).empty


@pytest.mark.parametrize(
    ("counts", "offsets", "message"),
    [
        (["AC", "ACG"], [0, 1], "2 sequences of lengths [2, 3]; wanted one length"),
        (np.zeros((3, 5)), [0, 1, 2], "counts of shape (3, 5); wanted (n_positions, 4)"),
        (np.full((1, 4), -1.0), [0], "negative or not finite"),
        (np.ones((2, 4)), [0], "2 positions and offsets of shape (1,)"),
        (np.ones((1, 4)), [50], "no base between edges -20 and 10"),
    ],
)
def test_logo_errors(counts: object, offsets: list[int], message: str) -> None:
    with pytest.raises(InputError) as caught:
        plot_logo(counts, offsets, _new_axes())  # type: ignore[arg-type]
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ids_need_two_dimensions() -> None:
    with pytest.raises(InputError, match=r"ids of shape \(0, 4\)"):
        count_letters(np.zeros((0, 4), dtype=np.uint8))
