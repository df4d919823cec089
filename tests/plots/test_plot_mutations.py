"""The figure of mutations: readable, every letter where the table puts it, errors."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.plots.mutations import mutation_figure
from ldar_interp.plots.style import check_figure

OFFSETS = np.arange(-5, 5)


def make_tables(*, kinds=("donor", "acceptor"), sets=("site",), models=("checkpoint", "random")):
    rng = np.random.default_rng(0)
    mutations, importance = [], []
    for model in models:
        for kind in kinds:
            for name in sets:
                key = {"model": model, "kind": kind, "set": name}
                effect = rng.normal(0, 0.01, (OFFSETS.size, 4))
                mutations.append(
                    pd.DataFrame(
                        {
                            **key,
                            "offset": np.repeat(OFFSETS, 4),
                            "letter": list("ACGT") * OFFSETS.size,
                            "mean_delta": rng.normal(0, 0.02, 4 * OFFSETS.size),
                            "effect": (effect - effect.mean(1, keepdims=True)).ravel(),
                        }
                    )
                )
                importance.append(pd.DataFrame({**key, "offset": OFFSETS, "n_sites": 7}))
    return pd.concat(mutations, ignore_index=True), pd.concat(importance, ignore_index=True)


@pytest.mark.parametrize("sets", [("site",), ("site", "C2")])
@pytest.mark.parametrize("kinds", [("donor", "acceptor"), ("tss",)])
def test_text_is_readable(kinds, sets):
    assert check_figure(mutation_figure(*make_tables(kinds=kinds, sets=sets))) == []


def test_letters_stand_right_of_their_edge_and_on_their_side_of_zero():
    mutations, importance = make_tables(kinds=("donor",), models=("checkpoint",))
    mutations["effect"] = 0.0
    at = (mutations["offset"] == 2) & (mutations["letter"] == "G")
    mutations.loc[at, "effect"] = 0.3
    mutations.loc[at.shift(1, fill_value=False), "effect"] = -0.3
    mutations.loc[mutations["offset"] == 3, "mean_delta"] = np.nan
    figure = mutation_figure(mutations, importance, drawn_bp=4)
    logo, heat = figure.axes[:2]
    boxes = {
        patch.get_gid(): patch.get_path().get_extents() for patch in logo.patches if patch.get_gid()
    }
    assert sorted(boxes) == ["effect-G-2", "effect-T-2"]
    up, down = boxes["effect-G-2"], boxes["effect-T-2"]
    assert 2 <= up.x0 < up.x1 <= 3 and 0 <= up.y0 < up.y1 == pytest.approx(0.3)
    assert 2 <= down.x0 < down.x1 <= 3 and down.y0 == pytest.approx(-0.3)
    assert logo.get_xlim() == heat.get_xlim() == (-4, 4)
    shown = heat.images[0].get_array()
    assert shown.shape == (4, 8) and shown.mask[:, 7].all() and not shown.mask[:, :7].any()


def test_more_kinds_than_fit_are_named():
    tables = make_tables(kinds=tuple("vwxyz"), models=("checkpoint",))
    figure = mutation_figure(*tables)
    texts = " ".join(text.get_text() for text in figure.texts)
    assert "Not drawn: z; see the tables." in texts


def test_errors():
    mutations, importance = make_tables()
    with pytest.raises(InputError, match="mutations table lacks column 'effect'; wanted model"):
        mutation_figure(mutations.drop(columns="effect"), importance)
    with pytest.raises(InputError, match="mutations table has no rows; wanted at least one"):
        mutation_figure(mutations.iloc[:0], importance)
    with pytest.raises(InputError, match="mutations table has model 'mine'; wanted some of check"):
        mutation_figure(mutations.assign(model="mine"), importance)
