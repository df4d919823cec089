"""One motif of the promoter figure: a stack on one axis of offsets, 5' to 3' of the motif.

    endpoints   bars where a declared difference has q < 0.05
    raw         mean p, sites beside controls
    logo        to scale: letter j between offsets j and j + 1
    endpoints   of the residual
    residual    what the nearest letters leave unexplained
               -20     0 [motif] w     w + 20

The motif is one grey band through all of it, its borders are two lines: offset 0 and offset w.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ldar_interp.errors import InputError
from ldar_interp.plots.ladder import is_too_few
from ldar_interp.plots.layout import place_axes, write_at
from ldar_interp.plots.logos import LogoCounts, plot_logo
from ldar_interp.plots.profiles import FAMILY_WISE_LEVEL, draw_curve
from ldar_interp.plots.style import (
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MUTED_INK,
    SET_COLOURS,
    TITLE_PT,
)
from ldar_interp.plots.tables import find_models, find_rungs, read_curve, select_signal
from ldar_interp.stats.regions import MOTIF_REGIONS, Region

LEVEL = 0.05
MOTIF_FILL = "#EFEFEC"
BAR_PT = {"checkpoint": 1.7, "random": 0.6}
"""Line width of the endpoint bars."""
BAR_MM = {"checkpoint": 0.3, "random": 0.72}
"""Where they lie in their row, from its top."""
BAR_ROW_MM = 1.0
NAME_MM, AXIS_MM = 7.0, 4.2
_BAR_PAD = 0.35
_LETTER_MM, _OVERHANG_MM = 1.6, 4.0
"""A letter of a panel's name, and how far it may reach over the panel's right border."""


@dataclass(frozen=True)
class PanelSize:
    """Heights in mm of the parts of a panel, and its width."""

    width: float
    raw: float
    logo: float
    residual: float


@dataclass(frozen=True)
class Motif:
    """What one panel shows: rows of this motif alone, cut to the shown offsets.

    `few` are the rungs whose endpoints are all listed as too few; `is_few` says that all rungs are,
    or that there are none.
    """

    kind: str
    accession: str | None
    width_bp: int
    low: int
    high: int
    n_sites: int | None
    n_groups: int | None
    rungs: tuple[str, ...]
    flagged: tuple[str, ...]
    profile: pd.DataFrame
    difference: pd.DataFrame
    enrichment: pd.DataFrame
    logo: LogoCounts | None

    @property
    def few(self) -> tuple[str, ...]:
        main = self._main_rows
        return tuple(
            rung
            for rung in find_rungs(main)
            if all(is_too_few(row) for _, row in main[main["control"] == rung].iterrows())
        )

    @property
    def is_few(self) -> bool:
        return len(self.few) == len(find_rungs(self._main_rows))

    @property
    def _main_rows(self) -> pd.DataFrame:
        """Comparisons of the checkpoint, or of the only model that there is."""
        models = find_models(self.enrichment)
        return self.enrichment[self.enrichment["model"].isin(models[:1])]


@dataclass(frozen=True)
class Panel:
    """The axes whose limits panels may share."""

    raw: Axes
    residual: Axes | None


def panel_height(size: PanelSize, *, n_tested: int, residual: bool) -> float:
    """Height of a panel in mm, name and axis labels included."""
    bars = bars_height(n_tested)
    below = bars + size.residual if residual else 0.0
    return NAME_MM + bars + size.raw + size.logo + below + AXIS_MM


def bars_height(n_tested: int) -> float:
    """Height of the endpoint bars: a row a tested rung, and one of single offsets."""
    return BAR_ROW_MM * (n_tested + 1) + 0.4 if n_tested else 0.6


def draw_panel(
    figure: Figure,
    left: float,
    top: float,
    size: PanelSize,
    motif: Motif,
    *,
    tested: Sequence[str],
    residual: bool,
    label_y: bool,
    label_x: float | None,
) -> Panel:
    """Draw one motif with its top left corner at `left`, `top` mm.

    Parameters
    ----------
    tested : rungs that get a row of endpoint bars, the same in all panels.
    residual : whether there is an axis for the residual.
    label_y, label_x : whether the first column's labels are written, and where (mm).
    """
    _write_name(figure, left, top, size.width, motif)
    bars = bars_height(len(tested))
    at = top + NAME_MM
    height = panel_height(size, n_tested=len(tested), residual=residual) - NAME_MM - AXIS_MM
    _draw_extent(figure, left, at, size.width, height, motif)
    _draw_bars(figure, left, at, size.width, bars, motif, tested, "prob")
    at += bars
    raw = _draw_signal(figure, left, at, size.width, size.raw, motif, "prob")
    raw.yaxis.set_major_locator(MaxNLocator(4))
    if label_y and label_x is not None:
        _label_y(figure, label_x, at + size.raw / 2, "boundary p")
    at += size.raw
    _draw_logo(figure, left, at, size.width, size.logo, motif, label_y=label_y)
    at += size.logo
    lower = None
    if residual:
        _draw_bars(figure, left, at, size.width, bars, motif, tested, "residual")
        at += bars
        lower = _draw_signal(figure, left, at, size.width, size.residual, motif, "residual")
        lower.axhline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0.5)
        lower.yaxis.set_major_locator(MaxNLocator(2))
        raw.tick_params(labelbottom=False)
        if label_y and label_x is not None:
            _label_y(figure, label_x, at + size.residual / 2, "residual")
    return Panel(raw, lower)


def _label_y(figure: Figure, left: float, middle: float, text: str) -> None:
    write_at(figure, left, middle, text, ha="center", va="center", rotation=90)


def _write_name(figure: Figure, left: float, top: float, width: float, motif: Motif) -> None:
    """Name and accession; under them what was counted, and what is too few to be believed."""
    ink = MUTED_INK if motif.is_few else INK
    most = int((width + _OVERHANG_MM) / _LETTER_MM)
    name = motif.kind if len(motif.kind) <= most else f"{motif.kind[: most - 1]}…"
    if motif.accession and not name.endswith(motif.accession):
        longer = f"{name}  {motif.accession}"
        name = longer if len(longer) <= most else name
    write_at(figure, left, top + 2.6, name, size=TITLE_PT, weight="bold", color=ink)
    words = "n = –" if motif.n_sites is None else f"n = {motif.n_sites:,}"
    if motif.n_groups is not None:
        words += f" ({motif.n_groups:,} loci)"
    if motif.is_few:
        words += "; too few"
    elif motif.few:
        words += f"; too few: {', '.join(motif.few)}"
    if motif.flagged:
        words += f"; {', '.join(motif.flagged)}"
    write_at(figure, left, top + 5.8, words, color=MUTED_INK)


def _draw_extent(
    figure: Figure, left: float, top: float, width: float, height: float, motif: Motif
) -> None:
    """The motif's band and borders behind all parts of the stack."""
    ax = place_axes(figure, left, top, width, height)
    ax.set(xlim=(motif.low, motif.high), ylim=(0, 1))
    ax.axis("off")
    band = ax.axvspan(0, motif.width_bp, color=MOTIF_FILL, linewidth=0, zorder=0)
    band.set_gid(f"motif-{motif.kind}")
    for border in (0, motif.width_bp):
        ax.axvline(border, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0.1)


def _draw_signal(
    figure: Figure,
    left: float,
    top: float,
    width: float,
    height: float,
    motif: Motif,
    signal: str,
) -> Axes:
    """Sites beside controls; of random weights the sites alone."""
    ax = place_axes(figure, left, top, width, height)
    ax.patch.set_alpha(0.0)
    table = select_signal(motif.profile, signal)
    for model in reversed(find_models(table)):
        for name in name_curves(motif, model):
            curve = read_curve(table, "mean", model=model, kind=motif.kind, column="set", name=name)
            if curve is not None:
                gid = f"{signal}-{model}-{motif.kind}-{name}"
                draw_curve(ax, curve, model, name, gid=gid, band=model == "checkpoint")
    ax.set_xlim(motif.low, motif.high)
    ax.set_xticks(mark_offsets(motif))
    if table["mean"].notna().sum() == 0:
        ax.set_yticks([])
    if motif.is_few:
        ax.tick_params(axis="y", labelcolor=MUTED_INK)
    return ax


def name_curves(motif: Motif, model: str) -> tuple[str, ...]:
    """What a panel draws of a model, the lowest first: hits, and of the checkpoint controls."""
    # Two models with all their controls would be eight lines on a few millimetres.
    return ("site",) if model == "random" else (*reversed(motif.rungs), "site")


def mark_offsets(motif: Motif) -> list[int]:
    """Ticks at both borders of the motif and every ten bases away from them."""
    left = range(0, motif.low - 1, -10)
    right = range(motif.width_bp, motif.high + 1, 10)
    return sorted({*left, *right})


def _draw_logo(
    figure: Figure,
    left: float,
    top: float,
    width: float,
    height: float,
    motif: Motif,
    *,
    label_y: bool,
) -> None:
    """Letters to scale under the raw profile; its height is 2 bits."""
    if motif.logo is None:
        return
    pad = 0.6
    ax = place_axes(figure, left, top + pad, width, height - 2 * pad)
    plot_logo(motif.logo.counts, motif.logo.offsets, ax, window=(motif.low, motif.high))
    ax.axis("off")
    ax.plot([0, motif.width_bp], [0, 0], color=MUTED_INK, linewidth=HAIRLINE_PT, zorder=1)
    if label_y:
        ax.plot([-1.0, -1.0], [0, 2], color=MUTED_INK, linewidth=HAIRLINE_PT)
        ax.text(-1.6, 1.0, "2 bits", ha="right", va="center", color=MUTED_INK)


def _draw_bars(
    figure: Figure,
    left: float,
    top: float,
    width: float,
    height: float,
    motif: Motif,
    tested: Sequence[str],
    signal: str,
) -> None:
    """A row a rung: endpoints with q < 0.05 in its colour, those that were tested pale.

    The last row holds single offsets that differ from the tightest tested rung, family-wise.
    """
    if not tested:
        return
    ax = place_axes(figure, left, top, width, height)
    ax.set(xlim=(motif.low, motif.high), ylim=(height, 0))
    ax.axis("off")
    rows = select_signal(motif.enrichment, signal)
    models = find_models(rows)
    for r, rung in enumerate(tested):
        for model in models:
            y = BAR_ROW_MM * r + BAR_MM[model]
            for region in MOTIF_REGIONS:
                q_value = read_q(rows, model, rung, region.name)
                if q_value is None:
                    continue
                ends = find_ends(region, motif.width_bp)
                if ends is None:
                    continue
                clear = q_value < LEVEL
                if not clear and model == "random":
                    continue  # pale bars of both models would be a hatching
                bar = ax.plot(
                    ends,
                    [y, y],
                    color=SET_COLOURS[rung] if clear else HAIRLINE,
                    linewidth=BAR_PT[model] if clear else 0.3,
                )[0]
                state = "clear" if clear else "tested"
                bar.set_gid(f"{state}-{signal}-{model}-{motif.kind}-{rung}-{region.name}")
    _draw_ticks(ax, BAR_ROW_MM * len(tested), motif, tested[-1], signal)


def _draw_ticks(ax: Axes, top: float, motif: Motif, rung: str, signal: str) -> None:
    """Single offsets that differ from one rung, the same in all panels."""
    table = select_signal(motif.difference, signal)
    for model in find_models(table):
        curve = read_curve(
            table, "difference", model=model, kind=motif.kind, column="control", name=rung
        )
        if curve is None:
            continue
        marked = curve.offsets[curve.p_maxt < FAMILY_WISE_LEVEL]
        ticks = ax.hlines(
            [top + BAR_MM[model]] * len(marked),
            marked - _BAR_PAD,
            marked + _BAR_PAD,
            color=SET_COLOURS["site"] if model == "checkpoint" else MUTED_INK,
            linewidth=BAR_PT[model],
        )
        ticks.set_gid(f"family-{signal}-{model}-{motif.kind}-{rung}")


def find_ends(region: Region, width_bp: int) -> tuple[float, float] | None:
    """Where a region's bar begins and ends; None if the motif has no such edges (one base)."""
    first = region.first + width_bp * region.first_from_end
    last = region.last + width_bp * region.last_from_end
    return (first - _BAR_PAD, last + _BAR_PAD) if first <= last else None


def read_q(rows: pd.DataFrame, model: str, rung: str, statistic: str) -> float | None:
    """q of one endpoint of one motif and signal; None where nothing was tested.

    Raises
    ------
    InputError : two rows answer.
    """
    found = rows[
        (rows["model"] == model) & (rows["control"] == rung) & (rows["statistic"] == statistic)
    ]
    if len(found) > 1:
        raise InputError(
            f"enrichment table: {len(found)} rows for {model} {found['kind'].iloc[0]} {rung} "
            f"{statistic}; wanted one, so pass the tables of one run"
        )
    q_values = found["q_value"].dropna()
    return float(q_values.iloc[0]) if len(q_values) else None
