"""Changes by position: readable, drawn through the middle of each base, errors."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.plots.mutation_positions import position_figure
from ldar_interp.plots.style import check_figure

OFFSETS = np.arange(-5, 5)


def make_tables(*, kinds=("donor", "acceptor"), models=("checkpoint", "random")):
    numbers = {
        "offset": OFFSETS, "mean_delta": 0.01 * OFFSETS, "ci_low": 0.01 * OFFSETS - 0.02,
        "ci_high": 0.01 * OFFSETS + 0.02, "n_sites": 25, "n_groups": 12,
    }  # fmt: skip
    importance = pd.concat(
        pd.DataFrame({"model": model, "kind": kind, "set": name, **numbers})
        for model in models for kind in kinds for name in ("site", "C2")
    )  # fmt: skip
    difference = pd.concat(
        pd.DataFrame({"model": model, "kind": kind, "control": "C2", **numbers})
        for model in models for kind in kinds
    )  # fmt: skip
    return importance, difference


@pytest.mark.parametrize("kinds", [("donor", "acceptor"), ("tss",), ("a", "b", "c")])
@pytest.mark.parametrize("models", [("checkpoint", "random"), ("checkpoint",)])
def test_text_is_readable(kinds, models):
    figure = position_figure(*make_tables(kinds=kinds, models=models))
    assert check_figure(figure) == []
    assert len(figure.axes) == 2 * min(len(kinds), 2)
    assert any("25 pairs with C2 in 12 loci" in text.get_text() for text in figure.texts)


def test_a_base_is_drawn_in_its_middle_and_controls_may_be_absent():
    importance, difference = make_tables(kinds=("donor",), models=("checkpoint",))
    figure = position_figure(importance, difference.iloc[:0])
    (ax,) = figure.axes
    line = ax.lines[0]
    np.testing.assert_allclose(line.get_xdata(), OFFSETS + 0.5)
    np.testing.assert_allclose(line.get_ydata(), 0.01 * OFFSETS)
    assert ax.get_xlim() == (-5, 5)
    assert check_figure(figure) == []


def test_errors():
    importance, difference = make_tables()
    with pytest.raises(InputError, match="importance table lacks column 'n_groups'"):
        position_figure(importance.drop(columns="n_groups"), difference)
    with pytest.raises(InputError, match="difference table lacks column 'control'"):
        position_figure(importance, difference.drop(columns="control"))
    with pytest.raises(InputError, match="importance table has no rows"):
        position_figure(importance.iloc[:0], difference)
