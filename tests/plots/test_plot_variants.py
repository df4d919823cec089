"""The figure of variant scores: readable, curves where the table puts them, errors."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.plots.style import check_figure
from ldar_interp.plots.variants import list_curves, variant_figure

SCORES = ("minus_log_odds", "abs_log_odds", "delta_p", "abs_delta_p")


def make_tables(*, subsets=("substitution",), models=("checkpoint", "random"), interval=True):
    rng = np.random.default_rng(0)
    rows, curves = [], []
    for subset in subsets:
        of = SCORES if subset == "substitution" else SCORES[2:]
        keys = [(m, s) for m in models for s in of]
        keys += [("letters", s) for s in of[:2] if subset == "substitution"]
        for model, score in keys:
            value = rng.uniform(0.3, 0.9)
            rows.append((subset, model, score, "", value))
            curves.append(
                pd.DataFrame(
                    {
                        "subset": subset, "model": model, "score": score,
                        "false_positive_rate": [0, 0.5, 1], "true_positive_rate": [0, value, 1],
                    }
                )
            )  # fmt: skip
        pairs = [(m, s) for m, s in keys if m != "letters" and s in of[:2]]
        rows += [(subset, m, s, "letters", 0.1) for m, s in pairs if subset == "substitution"]
    auroc = pd.DataFrame(rows, columns=["subset", "model", "score", "against", "effect"])
    half = 0.1 if interval else np.nan
    auroc = auroc.assign(ci_low=auroc["effect"] - half, ci_high=auroc["effect"] + half)
    return auroc, pd.concat(curves, ignore_index=True)


def make_bins(scores=("log_odds", "delta_p"), models=("checkpoint", "random")):
    edges = np.linspace(-1, 1, 11)
    return pd.concat(
        pd.DataFrame(
            {
                "model": model, "score": score, "label": "", "low": edges[:-1], "high": edges[1:],
                "n": 1, "share": 0.1,
            }
        )
        for model in models
        for score in scores
    )  # fmt: skip


@pytest.mark.parametrize("subsets", [("substitution",), ("substitution", "other"), ("other",)])
@pytest.mark.parametrize("interval", [True, False])
def test_text_is_readable_with_labels(subsets, interval):
    auroc, roc = make_tables(subsets=subsets, interval=interval)
    assert check_figure(variant_figure(make_bins(), auroc, roc)) == []


@pytest.mark.parametrize("scores", [("log_odds", "delta_p"), ("delta_p",)])
def test_text_is_readable_without_labels(scores):
    figure = variant_figure(make_bins(scores), None, None)
    assert check_figure(figure) == [] and len(figure.axes) == len(scores)


def test_curves_and_dots_are_those_of_the_tables():
    auroc, roc = make_tables(models=("checkpoint",))
    figure = variant_figure(make_bins(), auroc, roc)
    assert list_curves(roc) == [
        ("checkpoint", "minus_log_odds"), ("checkpoint", "abs_delta_p"),
        ("letters", "minus_log_odds"),
    ]  # fmt: skip
    lines = {line.get_gid(): line for line in figure.axes[0].lines if line.get_gid()}
    row = auroc[(auroc["model"] == "letters") & (auroc["score"] == "minus_log_odds")].iloc[0]
    assert lines["letters-minus_log_odds"].get_ydata()[1] == row["effect"]
    dots = [line.get_xdata()[0] for line in figure.axes[2].lines if line.get_marker() == "o"]
    assert dots == auroc[auroc["against"] == ""]["effect"].tolist()


def test_one_kind_of_labels_has_no_curves():
    auroc, roc = make_tables()
    auroc = auroc.assign(effect=np.nan, ci_low=np.nan, ci_high=np.nan)
    assert check_figure(variant_figure(make_bins(), auroc, roc.iloc[:0])) == []


def test_errors():
    auroc, roc = make_tables()
    with pytest.raises(InputError, match="auroc table lacks column 'against'"):
        variant_figure(make_bins(), auroc.drop(columns="against"), roc)
    with pytest.raises(InputError, match="distribution table has no rows"):
        variant_figure(make_bins().iloc[:0], None, None)
    with pytest.raises(InputError, match="distribution table has model 'mine'"):
        variant_figure(make_bins(models=("mine",)), None, None)
