"""The splice-site figure (R1), from the result tables: what boundaries do at donors and acceptors.

From the top: a table that is the legend (line, what it is, n, genes); **a** mean boundary
probability of sites and of the rungs C0 to C2; under its axis a schematic of exon and intron and
the sequence logo, magnified, with its edge under the profile's edge; then, if the run has
residuals, the same lines less what the k-mer null expects; sites minus each rung, family-wise
significant offsets marked; the ladder of effects at the edge. The random-weights baseline is drawn
thin beside the checkpoint in all of them. C3 and C4, and the residual of every rung, are in the
ladder figure (`plots.ladder_figure`): lines of seven sets could not be told apart here.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ldar_interp.errors import InputError
from ldar_interp.plots.ladder import plot_ladder, write_effects
from ldar_interp.plots.layout import Layout, choose_layout, place_axes, wrap_note, write_at
from ldar_interp.plots.legend import draw_legend, legend_height
from ldar_interp.plots.logos import LogoCounts
from ldar_interp.plots.note import write_note
from ldar_interp.plots.profiles import X_LABEL, draw_difference, draw_profile
from ldar_interp.plots.schematic import LOGO_AXIS_MM, draw_schematic, place_logo
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    MUTED_INK,
    PANEL_LETTER_PT,
    SET_COLOURS,
    TITLE_PT,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import (
    BALANCE_COLUMNS,
    DIFFERENCE_COLUMNS,
    ENRICHMENT_COLUMNS,
    KIND_ORDER,
    PROFILE_COLUMNS,
    check_table,
    find_kinds,
    find_rungs,
    select_signal,
)

_KIND_TITLES = {
    "donor": ("Donors (5′ splice sites)", "Donors"),
    "acceptor": ("Acceptors (3′ splice sites)", "Acceptors"),
}
_LADDER_LABEL = "sites − controls at the edge (offset 0)"
DRAWN_RUNGS = ("C0", "C1", "C2")
_RESIDUAL_SHARE = 0.7
"""Height of the residual's row in that of the profile's."""

_LINE_MM = 2.9
_PRINTED_MM = 39.0
_ROW_GAP_MM = 1.5
_UNDER_AXIS_MM = 1.2


@dataclass(frozen=True)
class _Content:
    """What is drawn, checked."""

    profile: pd.DataFrame
    difference: pd.DataFrame
    enrichment: pd.DataFrame
    logos: Mapping[str, LogoCounts]
    balance: pd.DataFrame | None
    residual: pd.DataFrame
    kinds: list[str]
    rungs: list[str]


@dataclass(frozen=True)
class _Tops:
    """Where the rows of the figure begin, mm from its top; no `residual` if there is none."""

    profile: float
    under_profile: float
    residual: float | None
    difference: float
    ladder: float
    bottom: float

    def letters(self) -> dict[str, str]:
        """The panel letter of each row that is there, in order."""
        rows = ["profile", "residual", "difference", "ladder"]
        return dict(zip([r for r in rows if getattr(self, r) is not None], "abcd", strict=False))


def splice_figure(
    profile: pd.DataFrame,
    difference: pd.DataFrame,
    enrichment: pd.DataFrame,
    logos: Mapping[str, LogoCounts] | None = None,
    *,
    width_mm: int = DOUBLE_COLUMN_MM,
    title: str | None = None,
    balance: pd.DataFrame | None = None,
    n_genes: Mapping[str, int] | None = None,
    logo_window: tuple[int, int] = (-20, 10),
) -> Figure:
    """Draw the splice-site figure from the tables of docs/contracts.md; compute nothing.

    Parameters
    ----------
    profile, difference, enrichment : the tables, with one or both models and kinds.
    logos : letter counts around the edge, a kind each (plots.logos.count_letters); kinds that
        are absent get no logo.
    width_mm : 183 (two columns of a journal) or 89 (one).
    title : printed above the panels; None for none.
    balance : the balance table; a rung gets a dagger if a covariate that it is matched on is
        flagged, and the note names these and the flagged ones that it is not matched on.
    n_genes : number of genes (groups) among the sites of each kind, for the legend; without it
        the legend gives the genes of each rung's comparison only.
    logo_window : edges (from, to) between which the logo is drawn, 0 inside.

    Returns
    -------
    Figure; hand it to `save_figure`. No pyplot state is touched.

    Raises
    ------
    InputError : a column is missing, a model, set or width is unknown, there are no donors or
        acceptors, or two rows answer for one point (tables of several runs).
    """
    layout = choose_layout(width_mm)
    content = _check_content(profile, difference, enrichment, logos, balance)
    layout_of = _stack(content, layout, 0.0)
    note_text = write_note(
        content.profile,
        content.difference,
        content.enrichment,
        balance,
        kinds=content.kinds,
        rungs=content.rungs,
        letters=layout_of.letters(),
    )
    note = wrap_note(note_text, layout.width, layout.text_columns)
    legend_top = 7.0 if title else 2.0
    tops = _stack(content, layout, legend_top + legend_height(content.rungs) + 6.5)
    height = tops.bottom + 9.5 + _LINE_MM * len(note) + 1.0
    with publication_style():
        figure = Figure(figsize=(inches(layout.width), inches(height)))
        if title:
            write_at(figure, layout.left, 4.5, title, size=TITLE_PT, weight="bold")
        draw_legend(
            figure,
            layout,
            legend_top,
            profile=content.profile,
            enrichment=content.enrichment,
            kinds=content.kinds,
            rungs=content.rungs,
            balance=balance,
            n_genes=n_genes,
        )
        _draw_profiles(figure, layout, content, tops, logo_window)
        _draw_residuals(figure, layout, content, tops)
        _draw_differences(figure, layout, content, tops)
        _draw_ladders(figure, layout, content, tops)
        for i, line in enumerate(note):
            write_at(figure, 1.0, tops.bottom + 11.0 + _LINE_MM * i, line, color=MUTED_INK)
        # Ticks are made on demand: make them here, while this style holds.
        figure.draw_without_rendering()
    return figure


def _check_content(
    profile: pd.DataFrame,
    difference: pd.DataFrame,
    enrichment: pd.DataFrame,
    logos: Mapping[str, LogoCounts] | None,
    balance: pd.DataFrame | None,
) -> _Content:
    check_table(profile, PROFILE_COLUMNS, "profile")
    check_table(difference, DIFFERENCE_COLUMNS, "difference")
    check_table(enrichment, ENRICHMENT_COLUMNS, "enrichment")
    if balance is not None:
        check_table(balance, BALANCE_COLUMNS, "balance")
    kinds = [kind for kind in find_kinds(profile) if kind in KIND_ORDER]
    if not kinds:
        raise InputError(
            f"profile table: kinds {', '.join(find_kinds(profile)) or 'none'}; "
            "wanted donor or acceptor for the splice-site figure"
        )
    rungs = [rung for rung in find_rungs(profile, difference, enrichment) if rung in DRAWN_RUNGS]
    profile = profile[profile["kind"].isin(kinds) & profile["set"].isin(["site", *rungs])]
    difference = difference[difference["kind"].isin(kinds) & difference["control"].isin(rungs)]
    enrichment = enrichment[enrichment["kind"].isin(kinds) & enrichment["control"].isin(rungs)]
    return _Content(
        profile=select_signal(profile, "prob"),
        difference=select_signal(difference, "prob"),
        enrichment=select_signal(enrichment, "prob"),
        residual=select_signal(profile, "residual"),
        logos={kind: logos[kind] for kind in kinds if kind in logos} if logos else {},
        balance=balance,
        kinds=kinds,
        rungs=rungs,
    )


def _stack(content: _Content, layout: Layout, top: float) -> _Tops:
    """Rows under each other; a row that has nothing to show takes no room."""
    n_rungs = len(content.rungs)
    under = top + layout.profile + _UNDER_AXIS_MM
    logo = layout.wedge + layout.logo + LOGO_AXIS_MM if content.logos else 0.0
    free = under + layout.strip + logo + 4.0
    residual = None if content.residual.empty else free
    difference = free if residual is None else free + _RESIDUAL_SHARE * layout.profile + 5.0
    ladder = difference + n_rungs * (layout.difference + _ROW_GAP_MM) + 12.5
    bottom = ladder + n_rungs * layout.ladder_row
    return _Tops(top, under, residual, difference, ladder, bottom)


def _columns(content: _Content, layout: Layout) -> list[tuple[str, float, float]]:
    """Kind, left and width (mm) of each column of panels."""
    n = len(content.kinds)
    width = (layout.width - layout.left - layout.right - layout.gap * (n - 1)) / n
    return [(k, layout.left + i * (width + layout.gap), width) for i, k in enumerate(content.kinds)]


def _draw_profiles(
    figure: Figure, layout: Layout, content: _Content, tops: _Tops, window: tuple[int, int]
) -> None:
    """Row a, and the schematic and logo under its axis."""
    first: Axes | None = None
    for kind, left, width in _columns(content, layout):
        name = _KIND_TITLES[kind][0 if layout.width == DOUBLE_COLUMN_MM else 1]
        write_at(figure, left, tops.profile - 2.0, name, size=TITLE_PT, weight="bold")
        ax = place_axes(figure, left, tops.profile, width, layout.profile, sharey=first)
        draw_profile(content.profile, kind=kind, ax=ax)
        ax.yaxis.set_major_locator(MaxNLocator(5))
        ax.tick_params(labelbottom=False, labelleft=first is None)
        draw_schematic(figure, layout, left, tops.under_profile, width, kind, ax)
        if kind in content.logos:
            place_logo(
                figure,
                layout,
                left,
                tops.under_profile + layout.strip,
                width,
                content.logos[kind],
                ax,
                window,
                label_y=first is None,
            )
        first = first or ax
    _label_row(
        figure, tops.profile, layout.profile, tops.letters()["profile"], "boundary probability"
    )


def _draw_residuals(figure: Figure, layout: Layout, content: _Content, tops: _Tops) -> None:
    """The same lines less what letters alone explain; nothing without residuals."""
    if tops.residual is None:
        return
    height = _RESIDUAL_SHARE * layout.profile
    first: Axes | None = None
    for kind, left, width in _columns(content, layout):
        ax = place_axes(figure, left, tops.residual, width, height, sharey=first)
        ax.axhline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)
        draw_profile(content.residual, kind=kind, ax=ax)
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.tick_params(labelbottom=False, labelleft=first is None)
        first = first or ax
    _label_row(figure, tops.residual, height, tops.letters()["residual"], "obs. − exp.")


def _draw_differences(figure: Figure, layout: Layout, content: _Content, tops: _Tops) -> None:
    """Row b: a strip a rung; kinds share a rung's y axis, rungs have their own (effects shrink)."""
    first: dict[str, Axes] = {}
    step = layout.difference + _ROW_GAP_MM
    for kind, left, width in _columns(content, layout):
        for r, rung in enumerate(content.rungs):
            ax = place_axes(
                figure,
                left,
                tops.difference + r * step,
                width,
                layout.difference,
                sharey=first.get(rung),
            )
            draw_difference(content.difference, kind=kind, control=rung, ax=ax)
            ax.yaxis.set_major_locator(MaxNLocator(3))
            ax.tick_params(
                labelbottom=rung == content.rungs[-1], labelleft=kind == content.kinds[0]
            )
            ax.text(
                0.012,
                0.05,
                f"sites − {rung}",
                transform=ax.transAxes,
                va="bottom",
                color=SET_COLOURS[rung] if rung != "C0" else MUTED_INK,
            )
            first.setdefault(rung, ax)
    for ax in first.values():
        # Room for the strip's name under the lines, and for the significance bars above them.
        low, high = ax.get_ylim()
        ax.set_ylim(low - 0.20 * (high - low), high + 0.08 * (high - low))
    middle = (layout.left + layout.width - layout.right) / 2
    bottom = tops.difference + len(content.rungs) * step - _ROW_GAP_MM
    write_at(figure, middle, bottom + 6.0, X_LABEL, ha="center")
    letter = tops.letters()["difference"]
    _label_row(figure, tops.difference, bottom - tops.difference, letter, "sites − controls")


def _draw_ladders(figure: Figure, layout: Layout, content: _Content, tops: _Tops) -> None:
    """Row c: effects at the edge, printed beside the bars where there is room."""
    height = tops.bottom - tops.ladder
    first: Axes | None = None
    for kind, left, width in _columns(content, layout):
        bars = layout.ladder or width
        ax = place_axes(figure, left, tops.ladder, bars, height, sharex=first)
        if kind in find_kinds(content.enrichment):
            plot_ladder(
                content.enrichment,
                kind=kind,
                balance=content.balance,
                rungs=content.rungs,
                ax=ax,
            )
        else:
            ax.set(yticks=[], ylim=(0, 1))
        ax.xaxis.set_major_locator(MaxNLocator(4))
        if layout.ladder:
            beside = place_axes(figure, left + bars, tops.ladder, _PRINTED_MM, height)
            beside.set(xlim=(0, 1), ylim=(len(content.rungs) - 0.5, -0.5))
            beside.axis("off")
            write_effects(
                beside, content.enrichment, kind=kind, rungs=content.rungs, effect_x=0.76, q_x=1.0
            )
        first = first or ax
        if layout.ladder:
            write_at(figure, left + bars / 2, tops.bottom + 6.0, _LADDER_LABEL, ha="center")
    if not layout.ladder:
        middle = (layout.left + layout.width - layout.right) / 2
        write_at(figure, middle, tops.bottom + 6.0, _LADDER_LABEL, ha="center")
    _label_row(figure, tops.ladder, height, tops.letters()["ladder"], None)


def _label_row(figure: Figure, top: float, height: float, letter: str, label: str | None) -> None:
    """The panel letter and the y label that a whole row shares."""
    write_at(figure, 1.0, top - 2.0, letter, size=PANEL_LETTER_PT, weight="bold")
    if label:
        write_at(figure, 1.9, top + height / 2, label, ha="center", va="center", rotation=90)
