"""Profiles of boundary probability around sites, and their difference from controls."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ldar_interp.errors import InputError
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MODEL_BAND_ALPHA,
    MODEL_LABELS,
    MODEL_LINE_PT,
    MUTED_INK,
    SET_COLOURS,
    SET_DASHES,
    SINGLE_COLUMN_MM,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import (
    DIFFERENCE_COLUMNS,
    PROFILE_COLUMNS,
    Curve,
    check_table,
    find_kinds,
    find_models,
    find_rungs,
    read_curve,
    resolve_kind,
    select_signal,
)

if TYPE_CHECKING:
    from ldar_interp.profiles import Profiles
    from ldar_interp.stats.enrichment import EnrichmentResult

X_LABEL = "distance from splice edge (bp), 5′ to 3′"
FAMILY_WISE_LEVEL = 0.05
SIGNAL_LABELS = {"prob": "boundary probability", "residual": "observed − expected p"}


def plot_profile(
    profiles: "Profiles",
    result: "EnrichmentResult",
    *,
    kind: str | None = None,
    signal: str = "prob",
    ax: Axes | None = None,
) -> Axes:
    """Draw mean boundary probability against distance, sites beside each control rung.

    Parameters
    ----------
    profiles : the sites' Profiles; gives the numbers of sites and groups in the legend.
    result : carries `profile`, the table of docs/contracts.md. Thick lines with a 95 % band are
        the checkpoint, thin ones the model with random weights; a NaN is a gap in the line.
    kind : `donor`, `acceptor`, ... Left out, every kind gets a panel of its own in a new figure.
    signal : `prob`, or `residual`, p less what the letters explain.
    ax : where to draw; one new figure if left out.

    Returns
    -------
    Axes of the kind, or the first of the panels (`.figure.axes` holds all of them).

    Raises
    ------
    InputError : a column is missing, the kind is not there, `ax` was given for several kinds, or
        profiles and table hold different offsets.
    """
    check_table(result.profile, PROFILE_COLUMNS, "profile")
    table = select_signal(result.profile, signal)
    kinds = find_kinds(table)
    if kind is None and len(kinds) > 1 and ax is not None:
        raise InputError(
            f"profile table: {', '.join(kinds)} cannot share one ax; name one with kind="
        )
    if kind is not None or len(kinds) <= 1:
        kinds = [resolve_kind(kinds, kind, "profile")]
    drawn = set(table["offset"].astype(int))
    if drawn != set(map(int, profiles.offsets)):
        raise InputError(
            f"profile table: offsets {min(drawn)}..{max(drawn)} are not those of the profiles, "
            f"{min(profiles.offsets)}..{max(profiles.offsets)}; pass both from one run"
        )
    with publication_style():
        panels = [ax] if ax is not None else new_axes(len(kinds))
        for panel, name in zip(panels, kinds, strict=True):
            draw_profile(table, kind=name, ax=panel)
            rows = profiles.sites[profiles.sites["kind"] == name]
            n_groups = rows["group"].nunique()
            panel.set_title(f"{name} (n = {len(rows)} sites, {n_groups} loci)", loc="left")
            panel.set_xlabel(X_LABEL)
        panels[0].set_ylabel(SIGNAL_LABELS[signal])
        _add_legend(panels[0], find_rungs(table), find_models(table))
        if ax is None:
            settle(panels[0])
    return panels[0]


def plot_difference(
    difference: pd.DataFrame,
    *,
    kind: str | None,
    control: str,
    signal: str = "prob",
    ax: Axes | None = None,
) -> Axes:
    """Draw sites minus one control rung, with bands and the family-wise significant offsets.

    A bar over an offset, at the top of the panel, says p_maxt < 0.05 there: the checkpoint's
    above, the random model's thin one below it. Where `p_maxt` is empty nothing was tested.

    Raises
    ------
    InputError : a column is missing, or the kind or the rung is not in the table.
    """
    check_table(difference, DIFFERENCE_COLUMNS, "difference")
    difference = select_signal(difference, signal)
    name = resolve_kind(find_kinds(difference), kind, "difference")
    rungs = find_rungs(difference[difference["kind"] == name])
    if control not in rungs:
        raise InputError(
            f"difference table: control {control!r} of {name} is not one of {', '.join(rungs)}; "
            "name one of those"
        )
    with publication_style():
        panel = ax if ax is not None else new_axes(1)[0]
        draw_difference(difference, kind=name, control=control, ax=panel)
        if ax is None:
            panel.set_xlabel(X_LABEL)
            panel.set_ylabel("difference in probability")
            panel.set_title(f"{name}: sites − {control}", loc="left")
            settle(panel)
    return panel


def draw_profile(table: pd.DataFrame, *, kind: str, ax: Axes) -> None:
    """Lines and bands of all sets and models of one kind, no text."""
    for model in reversed(find_models(table)):
        for name in [*reversed(find_rungs(table)), "site"]:
            curve = read_curve(table, "mean", model=model, kind=kind, column="set", name=name)
            if curve is not None:
                band = model == "checkpoint"
                draw_curve(ax, curve, model, name, gid=f"{model}-{kind}-{name}", band=band)
    _finish_x(ax, table)


def draw_difference(table: pd.DataFrame, *, kind: str, control: str, ax: Axes) -> None:
    """Lines, bands and significance bars of one rung, no text."""
    ax.axhline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)
    for model in reversed(find_models(table)):
        curve = read_curve(
            table, "difference", model=model, kind=kind, column="control", name=control
        )
        if curve is None:
            continue
        gid = f"difference-{model}-{kind}-{control}"
        draw_curve(ax, curve, model, control, gid=gid, band=True, dashed=False)
        marked = curve.offsets[curve.p_maxt < FAMILY_WISE_LEVEL]
        bars = ax.hlines(
            np.full(len(marked), 0.985 if model == "checkpoint" else 0.925),
            marked - 0.5,
            marked + 0.5,
            color=SET_COLOURS["site"] if model == "checkpoint" else MUTED_INK,
            linewidth=2.0 if model == "checkpoint" else 0.8,
            transform=ax.get_xaxis_transform(),
        )
        bars.set_gid(f"significant-{model}-{kind}-{control}")
    _finish_x(ax, table)


def new_axes(n_panels: int) -> list[Axes]:
    """A row of panels in a new pyplot figure (so that notebooks show it), y shared."""
    import matplotlib.pyplot as plt  # slow to import, and needed only without `ax`

    width = SINGLE_COLUMN_MM if n_panels == 1 else DOUBLE_COLUMN_MM
    figure, axes = plt.subplots(
        1,
        n_panels,
        sharey=True,
        squeeze=False,
        figsize=(inches(width), inches(62)),
        layout="constrained",
    )
    assert isinstance(figure, Figure)
    return list(axes[0])


def settle(ax: Axes) -> None:
    """Make the ticks of the figure now, while its style holds: they are made on demand."""
    figure = ax.get_figure(root=True)
    if figure is not None:
        figure.draw_without_rendering()


def draw_curve(
    ax: Axes,
    curve: Curve,
    model: str,
    name: str,
    *,
    gid: str,
    band: bool,
    dashed: bool = True,
) -> None:
    """One line with its band. A value between two gaps is a dot, or it would not be seen."""
    colour = SET_COLOURS[name]
    above = 2.0 if model == "checkpoint" else 1.5
    if band:
        ax.fill_between(
            curve.offsets,
            curve.ci_low,
            curve.ci_high,
            color=colour,
            alpha=MODEL_BAND_ALPHA[model],
            linewidth=0,
            zorder=above - 1,
            gid=f"band-{gid}",
        )
    ax.plot(
        curve.offsets,
        curve.values,
        color=colour,
        linestyle=SET_DASHES[name] if dashed else "solid",
        linewidth=MODEL_LINE_PT[model],
        zorder=above + (0.3 if name == "site" else 0.0),
        gid=gid,
    )
    missing = np.isnan(np.concatenate([[np.nan], curve.values, [np.nan]]))
    alone = ~missing[1:-1] & missing[:-2] & missing[2:]
    if alone.any():
        ax.plot(
            curve.offsets[alone],
            curve.values[alone],
            color=colour,
            linestyle="none",
            marker=".",
            markersize=2 * MODEL_LINE_PT[model],
            gid=f"alone-{gid}",
        )


def _finish_x(ax: Axes, table: pd.DataFrame) -> None:
    """The table's whole range of offsets, and a hairline at the edge itself."""
    offsets = table["offset"].to_numpy()
    ax.set_xlim(float(offsets.min()), float(offsets.max()))
    ax.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)


def _add_legend(ax: Axes, rungs: list[str], models: list[str]) -> None:
    """Sets by colour and dash, models by weight."""
    handles = [
        Line2D([], [], color=SET_COLOURS[name], linestyle=SET_DASHES[name], label=name)
        for name in ("site", *rungs)
    ]
    if len(models) > 1:
        handles += [
            Line2D([], [], color=INK, linewidth=MODEL_LINE_PT[m], label=MODEL_LABELS[m])
            for m in models
        ]
    ax.legend(handles=handles, loc="best", handlelength=2.6, labelspacing=0.3)
