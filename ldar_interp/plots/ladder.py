"""The control ladder: the effect at the edge, one rung a row, checkpoint beside random weights."""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from ldar_interp.plots.profiles import new_axes, settle
from ldar_interp.plots.style import (
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MODEL_LINE_PT,
    MUTED_INK,
    SET_COLOURS,
    publication_style,
)
from ldar_interp.plots.tables import (
    ENRICHMENT_COLUMNS,
    check_table,
    find_kinds,
    find_models,
    find_rungs,
    list_flagged,
    read_effect,
    resolve_kind,
    select_signal,
)

DAGGER = "†"
_MARKER_PT = {"checkpoint": 3.6, "random": 2.8}


def plot_ladder(
    enrichment: pd.DataFrame,
    *,
    kind: str | None = None,
    statistic: str = "mean_difference",
    offset: int = 0,
    signal: str = "prob",
    balance: pd.DataFrame | None = None,
    rungs: list[str] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw effect and 95 % interval at each rung, loose at the top and tight at the bottom.

    The checkpoint is the thick bar with a filled marker; random weights are thin and open. A row
    whose method says "too few" keeps its place and is an open marker without a claim.

    Parameters
    ----------
    enrichment : the table of docs/contracts.md.
    statistic, offset, signal : which of its rows to draw.
    balance : the balance table; a flagged covariate that a rung is matched on gives it a dagger.
    rungs : rungs to give a row, in this order; those of the table if left out.

    Raises
    ------
    InputError : a column is missing, or the kind is not in the table (or not named).
    """
    check_table(enrichment, ENRICHMENT_COLUMNS, "enrichment")
    enrichment = select_signal(enrichment, signal)
    name = resolve_kind(find_kinds(enrichment), kind, "enrichment")
    rows = rungs if rungs is not None else find_rungs(enrichment[enrichment["kind"] == name])
    with publication_style():
        panel = ax if ax is not None else new_axes(1)[0]
        panel.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)
        shift = shift_models(enrichment)
        for y, rung in enumerate(rows):
            for model in shift:
                effect = read_effect(
                    enrichment,
                    model=model,
                    kind=name,
                    control=rung,
                    statistic=statistic,
                    offset=offset,
                )
                if effect is not None:
                    _draw_bar(panel, effect, y + shift[model], f"{model}-{name}-{rung}")
        panel.set_yticks(
            range(len(rows)), [label_rung(rung, kind=name, balance=balance) for rung in rows]
        )
        panel.set_ylim(len(rows) - 0.5, -0.5)
        panel.tick_params(axis="y", length=0)
        panel.spines["left"].set_visible(False)
        if ax is None:
            panel.set_title(f"{name}: effect at offset {offset}", loc="left")
            panel.set_xlabel(f"{statistic.replace('_', ' ')}, sites − controls (95 % CI)")
            settle(panel)
    return panel


def shift_models(enrichment: pd.DataFrame) -> dict[str, float]:
    """Height of each model's bar within a rung's row: side by side, or a single one centred."""
    models = find_models(enrichment)
    return dict.fromkeys(models, 0.0) if len(models) < 2 else {"checkpoint": -0.19, "random": 0.19}


def label_rung(rung: str, *, kind: str, balance: pd.DataFrame | None) -> str:
    """The rung's name, with a dagger where a covariate it is matched on stayed unbalanced."""
    return rung + DAGGER * bool(list_flagged(balance, kind=kind, control=rung, matched=True))


def format_number(value: float) -> str:
    """Three decimals with a true minus sign; `n/a` for NaN."""
    return "n/a" if math.isnan(value) else f"{value:.3f}".replace("-", "−")


def format_p(value: float) -> str:
    """A p or q value to two significant digits, one below 0.001, never "0"; empty for NaN.

    So its width stays that of the column beside the effects.
    """
    if math.isnan(value):
        return ""
    return f"{value:{'.1g' if value < 1e-3 else '.2g'}}".replace("-", "−")


def is_too_few(row: pd.Series | Mapping[Hashable, Any]) -> bool:
    """Whether the row was listed without a claim for want of sites or groups."""
    return str(row["method"]).startswith("too few")


def _draw_bar(ax: Axes, row: pd.Series, y: float, gid: str) -> None:
    """Interval and marker of one row; nothing where the effect is NaN."""
    model, rung = str(row["model"]), str(row["control"])
    colour = SET_COLOURS[rung] if not is_too_few(row) else MUTED_INK
    if pd.notna(row["ci_low"]) and pd.notna(row["ci_high"]):
        ax.plot(
            [float(row["ci_low"]), float(row["ci_high"])],
            [y, y],
            color=colour,
            linewidth=MODEL_LINE_PT[model] * (1.5 if model == "checkpoint" else 1.2),
            zorder=2,
            gid=f"interval-{gid}",
        )
    if pd.notna(row["effect"]):
        filled = model == "checkpoint" and not is_too_few(row)
        ax.plot(
            [float(row["effect"])],
            [y],
            linestyle="none",
            marker="o",
            markersize=_MARKER_PT[model],
            markerfacecolor=colour if filled else "white",
            markeredgecolor=colour,
            markeredgewidth=0.8 if filled else 0.6,
            zorder=3,
            gid=f"effect-{gid}",
        )


def write_effects(
    ax: Axes,
    enrichment: pd.DataFrame,
    *,
    kind: str,
    rungs: list[str],
    effect_x: float,
    q_x: float,
) -> None:
    """Print effect, interval and q beside the bars, on a text axes that shares their rows.

    Parameters
    ----------
    ax : an axes with x in 0..1 and the ladder's y.
    effect_x, q_x : right ends of the two columns of text, in axes units.
    """
    ax.text(effect_x, -0.72, "effect [95 % CI]", ha="right", va="bottom", color=MUTED_INK)
    ax.text(q_x, -0.72, "q", ha="right", va="bottom", color=MUTED_INK, style="italic")
    shift = shift_models(enrichment)
    for y, rung in enumerate(rungs):
        for model in shift:
            row = read_effect(enrichment, model=model, kind=kind, control=rung)
            if row is None:
                continue
            colour = INK if model == "checkpoint" else MUTED_INK
            text = format_number(float(row["effect"]))
            if pd.notna(row["ci_low"]) and pd.notna(row["ci_high"]):
                low, high = (
                    format_number(float(row["ci_low"])),
                    format_number(float(row["ci_high"])),
                )
                text = f"{text} [{low}, {high}]"
            q_value = float(row["q_value"]) if pd.notna(row["q_value"]) else math.nan
            q_text = "too few" if is_too_few(row) else format_p(q_value) or "–"
            at = y + shift[model] * 1.3
            ax.text(effect_x, at, text, ha="right", va="center", color=colour)
            ax.text(q_x, at, q_text, ha="right", va="center", color=colour)
