"""The figure of a variant-scores run: how its scores rank labels, or how they are distributed.

With labels: a ROC curves of substitutions, b AUROC with intervals, c differences of AUROC.
Without: histograms of the log-odds and of the change of p.
Colour says what was scored with; line weight, as everywhere, which model.
"""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ldar_interp.errors import InputError
from ldar_interp.plots.layout import place_axes, write_at
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MODEL_LABELS,
    MODEL_LINE_PT,
    MODELS,
    MUTED_INK,
    PANEL_LETTER_PT,
    SET_COLOURS,
    inches,
    publication_style,
)

AUROC_COLUMNS = ("subset", "model", "score", "against", "effect", "ci_low", "ci_high")
ROC_COLUMNS = ("subset", "model", "score", "false_positive_rate", "true_positive_rate")
BIN_COLUMNS = ("model", "score", "label", "low", "high", "share")
LETTERS = "letters"
_LABELS = MODEL_LABELS | {LETTERS: "letters alone"}
_NAMES = {
    "minus_log_odds": "−log-odds",
    "abs_log_odds": "|log-odds|",
    "delta_p": "Δp",
    "abs_delta_p": "|Δp|",
}
_AXIS = {"log_odds": "log-odds (nats)", "delta_p": "largest change of p"}
_TITLES = {"substitution": "substitutions", "other": "indels and others"}
_COLOURS = {
    "minus_log_odds": SET_COLOURS["site"],
    "abs_log_odds": SET_COLOURS["C3-8"],
    "abs_delta_p": SET_COLOURS["C2"],
    "delta_p": SET_COLOURS["C1"],
}
_LETTERS_COLOUR = SET_COLOURS["C3-10"]
_DRAWN = ("minus_log_odds", "abs_delta_p")
"""Scores with a ROC curve; all others are in the panels beside it."""
_TOP, _BOTTOM, _ROW = 8.0, 9.0, 3.6
_ROC_MM, _LEFT, _EFFECT_MM = 44.0, 11.0, 22.0
_KEY_LINE_MM = 3.2
_SINGLE_LEFT, _PAIRED_LEFT = 90.0, 157.0
_NAME_MM, _PAIR_NAME_MM = 32.0, 42.0


def variant_figure(
    distribution: pd.DataFrame, auroc: pd.DataFrame | None, roc: pd.DataFrame | None
) -> Figure:
    """Draw the tables of a run (docs/contracts.md); compute nothing.

    Parameters
    ----------
    distribution : drawn if there are no labels.
    auroc, roc : both, or None without labels.

    Returns
    -------
    Figure, 183 mm wide; hand it to `save_figure`.

    Raises
    ------
    InputError : a column is missing, a model is unknown, or there is nothing to draw.
    """
    if auroc is None or roc is None:
        _check(distribution, BIN_COLUMNS, "distribution")
        return _draw_distribution(distribution)
    _check(auroc, AUROC_COLUMNS, "auroc")
    _check(roc, ROC_COLUMNS, "roc", may_be_empty=True)
    single = auroc[auroc["against"] == ""]
    paired = auroc[auroc["against"] != ""]
    n_rows = max(len(single), len(paired))
    n_keys = len(list_curves(roc))
    # Without curves there is no key, and the rows may still need the room.
    height = max(
        _TOP + _ROC_MM + _BOTTOM + _KEY_LINE_MM * n_keys + 1.0,
        _TOP + _ROW * n_rows + 2.0 + _BOTTOM,
    )
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(height)))
        plot_roc(roc, place_axes(figure, _LEFT, _TOP, _ROC_MM, _ROC_MM))
        _draw_key(figure, roc, top=_TOP + _ROC_MM + _BOTTOM)
        letters = [("a", 1.0)]
        for rows, left, name_mm, chance in (
            (single, _SINGLE_LEFT, _NAME_MM, 0.5),
            (paired, _PAIRED_LEFT, _PAIR_NAME_MM, 0.0),
        ):
            if len(rows):
                ax = place_axes(figure, left, _TOP, _EFFECT_MM, _ROW * len(rows) + 2.0)
                plot_effects(rows, ax, chance=chance)
                letters.append(("abc"[len(letters)], left - name_mm))
        for letter, left in letters:
            write_at(figure, left, _TOP - 4.0, letter, size=PANEL_LETTER_PT, weight="bold")
        figure.draw_without_rendering()
    return figure


def list_curves(roc: pd.DataFrame) -> list[tuple[str, str]]:
    """Model and score of each curve: the main scores of the first subset that there is."""
    rows = roc[roc["score"].isin(_DRAWN) & (roc["subset"] == _first_subset(roc))]
    return list(dict.fromkeys(zip(rows["model"], rows["score"], strict=True)))


def plot_roc(roc: pd.DataFrame, ax: Axes) -> Axes:
    """ROC curves of `list_curves`, and the diagonal of no information."""
    subset = _first_subset(roc)
    ax.plot([0, 1], [0, 1], color=HAIRLINE, lw=HAIRLINE_PT, zorder=0)
    for model, score in list_curves(roc):
        rows = roc[(roc["model"] == model) & (roc["score"] == score) & (roc["subset"] == subset)]
        curve = rows["false_positive_rate"], rows["true_positive_rate"]
        ax.plot(*curve, **_style(model, score), gid=f"{model}-{score}")
    ax.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="false positive rate", ylabel="true positive rate")
    ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set_title(_TITLES.get(subset, ""))
    return ax


def plot_effects(rows: pd.DataFrame, ax: Axes, *, chance: float) -> Axes:
    """A dot and its interval for each row, from the top; a line at what chance gives."""
    labels = []
    for place, row in enumerate(rows.itertuples()):
        style = _style(str(row.model), str(row.score))
        colour = style["color"]
        ax.plot(row.effect, place, ls="none", marker="o", ms=2.2 + style["lw"], color=colour)
        if np.isfinite(row.ci_low):
            ax.hlines(place, row.ci_low, row.ci_high, color=colour, lw=style["lw"])
        other = "" if row.subset == "substitution" else ", others"
        name = f"{_NAMES[str(row.score)]}, {_LABELS[str(row.model)]}{other}"
        # The first word will do: letters, random.
        if row.against:
            name += f" − {_LABELS[str(row.against)].split()[0]}"
        labels.append(name)
    ax.axvline(chance, color=MUTED_INK, lw=HAIRLINE_PT, zorder=0)
    ax.set_yticks(range(len(rows)), labels)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.xaxis.set_major_locator(MaxNLocator(3))
    ax.set_xlabel("AUROC" if chance else "difference of AUROC")
    return ax


def plot_histogram(bins: pd.DataFrame, ax: Axes) -> Axes:
    """Shares of the variants in each bin as steps, a line a model."""
    for model, rows in bins.groupby("model", sort=False):
        edges = np.append(rows["low"].to_numpy(), rows["high"].to_numpy()[-1])
        ax.stairs(
            rows["share"].to_numpy(dtype=np.float64), edges, label=_LABELS[str(model)],
            color=SET_COLOURS["site"] if model == "checkpoint" else INK,
            lw=MODEL_LINE_PT[str(model)],
        )  # fmt: skip
    ax.axvline(0, color=HAIRLINE, lw=HAIRLINE_PT, zorder=0)
    ax.set(ylabel="share of variants", xlabel=_AXIS[str(bins["score"].iloc[0])])
    ax.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, handlelength=2.0)
    return ax


def _draw_distribution(distribution: pd.DataFrame) -> Figure:
    found = [score for score in _AXIS if score in set(distribution["score"])]
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(_TOP + 40.0 + _BOTTOM)))
        for i, score in enumerate(found):
            left = 13.0 + i * 88.0
            ax = place_axes(figure, left, _TOP, 70.0, 40.0)
            plot_histogram(distribution[distribution["score"] == score], ax)
            write_at(figure, left - 12.0, _TOP - 4.0, "ab"[i], size=PANEL_LETTER_PT, weight="bold")
        figure.draw_without_rendering()
    return figure


def _draw_key(figure: Figure, roc: pd.DataFrame, *, top: float) -> None:
    """What each curve is, under them."""
    curves = list_curves(roc)
    if not curves:
        return
    ax = place_axes(figure, _LEFT, top, 8.0, _KEY_LINE_MM * len(curves))
    ax.set(xlim=(0, 1), ylim=(len(curves) - 0.5, -0.5))
    ax.axis("off")
    for place, (model, score) in enumerate(curves):
        ax.plot([0, 1], [place, place], **_style(model, score))
        below = top + _KEY_LINE_MM * (place + 0.5) + 0.8
        write_at(figure, _LEFT + 10.0, below, f"{_NAMES[score]}, {_LABELS[model]}")


def _first_subset(roc: pd.DataFrame) -> str:
    return str(roc["subset"].iloc[0]) if len(roc) else ""


def _style(model: str, score: str) -> dict[str, Any]:
    if model == LETTERS:
        return {"color": _LETTERS_COLOUR, "lw": 0.9, "ls": (0, (4.0, 1.2))}
    return {"color": _COLOURS[score], "lw": MODEL_LINE_PT[model], "ls": "solid"}


def _check(
    table: pd.DataFrame, columns: tuple[str, ...], name: str, *, may_be_empty: bool = False
) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing or (table.empty and not may_be_empty):
        found = f"lacks column {missing[0]!r}" if missing else "has no rows"
        raise InputError(f"{name} table {found}; wanted {', '.join(columns)} and a row at least")
    known = {*MODELS, LETTERS}
    unknown = sorted(set(table["model"].astype(str)) - known)
    if unknown:
        raise InputError(
            f"{name} table has model {unknown[0]!r}; wanted some of {', '.join(sorted(known))}"
        )
