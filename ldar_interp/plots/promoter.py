"""The promoter figure (R2), from the result tables: what boundaries do at each motif.

A grid of panels, one a motif (plots/promoter_panel.py): mean p of the hits beside their controls,
the logo under its axis with each letter between its two edges, and under that the residual, what
the nearest letters leave unexplained. A motif with too few hits keeps its panel, in grey.
"""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.figure import Figure

from ldar_interp.errors import InputError
from ldar_interp.plots.ladder import DAGGER
from ldar_interp.plots.layout import Layout, choose_layout, wrap_note, write_at
from ldar_interp.plots.logos import LogoCounts
from ldar_interp.plots.promoter_key import draw_key, key_height, shorten, write_promoter_note
from ldar_interp.plots.promoter_panel import (
    Motif,
    PanelSize,
    draw_panel,
    panel_height,
)
from ldar_interp.plots.promoter_scale import apply_limits, find_limits, list_cut
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    MUTED_INK,
    SINGLE_COLUMN_MM,
    TITLE_PT,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import (
    BALANCE_COLUMNS,
    DIFFERENCE_COLUMNS,
    ENRICHMENT_COLUMNS,
    PROFILE_COLUMNS,
    check_table,
    find_models,
    find_rungs,
    find_signals,
    list_flagged,
)

PROMOTER_RUNGS = ("C0", "C1", "C2")
MOST_PANELS = {DOUBLE_COLUMN_MM: 12, SINGLE_COLUMN_MM: 8}
"""Motifs drawn unless they are named; the tables hold all."""
_MOST_COLUMNS = {DOUBLE_COLUMN_MM: 3, SINGLE_COLUMN_MM: 2}
_HEIGHTS = {DOUBLE_COLUMN_MM: (13.5, 5.8, 8.5), SINGLE_COLUMN_MM: (12.0, 5.0, 7.5)}
_WIDEST_MM = 80.0
_GAPS = {DOUBLE_COLUMN_MM: 10.5, SINGLE_COLUMN_MM: 9.0}
_ROW_GAP_MM = 0.8
_LINE_MM = 2.9
_X_LABEL = "offset from the 5′ border of the motif (bp), 5′ to 3′"


def promoter_figure(
    profile: pd.DataFrame,
    difference: pd.DataFrame,
    enrichment: pd.DataFrame,
    logos: Mapping[str, LogoCounts] | None,
    widths: Mapping[str, int],
    *,
    width_mm: int = DOUBLE_COLUMN_MM,
    balance: pd.DataFrame | None = None,
    n_groups: Mapping[str, int] | None = None,
    title: str | None = None,
    motifs: Sequence[str] | None = None,
    accessions: Mapping[str, str] | None = None,
    n_motifs: int | None = None,
    flank: int = 20,
) -> Figure:
    """Draw the promoter figure from the tables of docs/contracts.md; compute nothing.

    Parameters
    ----------
    profile, difference, enrichment : the tables, with one or both models and signals. Curves are
        of sites and the rungs `PROMOTER_RUNGS`; of random weights the sites alone. Bars over a
        panel are the endpoints that have a q, against each rung; single offsets (`p_maxt`) are
        marked against the tightest of these rungs.
    logos : the counts of each matrix, its first base at offset 0; motifs that are absent get no
        logo. None for none at all.
    widths : width of each motif in bp; its order is the order of the panels. A motif without
        rows in `profile` has no panel and is named in the note.
    width_mm : 183 (two columns of a journal) or 89 (one).
    balance : the balance table; a motif says which rungs have a flagged covariate that they are
        matched on, and the note names the covariates.
    n_groups : number of loci among the hits of each motif, for its title.
    title : printed on top; None for none.
    motifs : what to draw, in this order. Left out, the `MOST_PANELS` with most sites are drawn,
        and the note says how many there are.
    accessions : matrix of each motif, for its title.
    n_motifs : motifs with hits, where the tables hold the curves of some only; for the note.
    flank : offsets shown on both sides of the motif, where the table has them.

    Returns
    -------
    Figure; hand it to `save_figure`. No pyplot state is touched.

    Raises
    ------
    InputError : a column is missing, a model, set, signal or figure width is unknown, a motif is
        not there or has no width of 1 bp or more, or two rows answer for one point.
    """
    layout = choose_layout(width_mm)
    for table, columns, name in (
        (profile, PROFILE_COLUMNS, "profile"),
        (difference, DIFFERENCE_COLUMNS, "difference"),
        (enrichment, ENRICHMENT_COLUMNS, "enrichment"),
    ):
        check_table(table, columns, name)
    if balance is not None:
        check_table(balance, BALANCE_COLUMNS, "balance")
    if flank < 1:
        raise InputError(f"flank {flank}; wanted 1 or more offsets beside the motif")
    signals = find_signals(profile)
    kinds = _order_kinds(profile, widths)
    shown = [
        _read_motif(
            kind,
            (profile, difference, enrichment),
            logos=logos or {},
            width_bp=widths[kind],
            balance=balance,
            n_groups=(n_groups or {}).get(kind),
            accession=(accessions or {}).get(kind),
            flank=flank,
        )
        for kind in _choose_kinds(profile, kinds, motifs, MOST_PANELS[width_mm])
    ]
    drawn = pd.concat([motif.enrichment for motif in shown])
    tested = find_rungs(drawn[drawn["q_value"].notna()])
    rungs = [rung for rung in PROMOTER_RUNGS if any(rung in motif.rungs for motif in shown)]
    # One range for the motifs with a claim, so that they compare; noise keeps its own.
    claimed = [motif for motif in shown if not motif.is_few]
    scales = {signal: find_limits(claimed, signal) for signal in signals}
    cuts = {
        (motif.kind, signal): list_cut(motif, signal, limits)
        for signal, limits in scales.items()
        if limits is not None
        for motif in claimed
    }
    note = wrap_note(
        write_promoter_note(
            shown,
            n_motifs=n_motifs or len(kinds),
            without_hits=[kind for kind in widths if kind not in set(kinds)],
            tested=tested,
            balance=balance,
            is_cut=any(cuts.values()),
        ),
        layout.width,
        layout.text_columns,
    )
    has_residual = "residual" in signals
    n_columns, size = _size_panels(layout, len(shown))
    gap = _GAPS[width_mm]
    step = panel_height(size, n_tested=len(tested), residual=has_residual) + _ROW_GAP_MM
    legend_top = 6.0 if title else 1.5
    first = legend_top + key_height(layout, rungs, tested) + 3.5
    bottom = first + step * -(-len(shown) // n_columns)
    height = bottom + 4.5 + _LINE_MM * len(note) + 1.0
    with publication_style():
        figure = Figure(figsize=(inches(layout.width), inches(height)))
        if title:
            write_at(figure, layout.left, 4.5, title, size=TITLE_PT, weight="bold")
        draw_key(
            figure, layout, legend_top, models=find_models(profile), rungs=rungs, tested=tested
        )
        panels = []
        for i, motif in enumerate(shown):
            row, column = divmod(i, n_columns)
            panels.append(
                draw_panel(
                    figure,
                    layout.left + column * (size.width + gap),
                    first + row * step,
                    size,
                    motif,
                    tested=tested,
                    residual=has_residual,
                    label_y=column == 0,
                    label_x=1.9,
                )
            )
        for motif, panel in zip(shown, panels, strict=True):
            for signal, ax in (("prob", panel.raw), ("residual", panel.residual)):
                limits = scales.get(signal)
                if not motif.is_few and ax is not None and limits is not None:
                    apply_limits(ax, motif, signal, limits, cuts[motif.kind, signal])
        middle = layout.left + (n_columns * (size.width + gap) - gap) / 2
        write_at(figure, middle, bottom + 0.8, _X_LABEL, ha="center")
        for i, line in enumerate(note):
            write_at(figure, 1.0, bottom + 5.5 + _LINE_MM * i, line, color=MUTED_INK)
        # Ticks are made on demand: make them here, while this style holds.
        figure.draw_without_rendering()
    return figure


def choose_motifs(
    profile: pd.DataFrame, widths: Mapping[str, int], *, width_mm: int = DOUBLE_COLUMN_MM
) -> list[str]:
    """The motifs that `promoter_figure` draws when none are named: those with most sites."""
    return _choose_kinds(profile, _order_kinds(profile, widths), None, MOST_PANELS[width_mm])


def _order_kinds(profile: pd.DataFrame, widths: Mapping[str, int]) -> list[str]:
    """Kinds of the profile in the order of `widths`, which must hold all of them."""
    found = list(dict.fromkeys(profile["kind"].astype(str)))
    if not found:
        raise InputError("profile table: it has no rows; wanted at least one motif to draw")
    for kind in found:
        if kind not in widths:
            raise InputError(
                f"widths: none for {kind!r} of the profile table; give the width of each motif"
            )
        if widths[kind] < 1:
            raise InputError(f"widths: {widths[kind]} bp for {kind!r}; wanted 1 bp or more")
    return [kind for kind in widths if kind in set(found)]


def _choose_kinds(
    profile: pd.DataFrame, kinds: Sequence[str], named: Sequence[str] | None, most: int
) -> list[str]:
    """Those that were named, or those with most sites, in the order of `kinds`."""
    if named is not None:
        if not named:
            raise InputError("motifs: an empty list; name at least one, or leave it out")
        for kind in named:
            if kind not in kinds:
                raise InputError(
                    f"motifs: {kind!r} is not in the profile table; it has {shorten(kinds)}"
                )
        return list(named)
    at = profile[(profile["set"] == "site") & (profile["offset"] == 0)]
    counts = {kind: _count_sites(at[at["kind"] == kind]) or 0 for kind in kinds}
    # Stable: of motifs with as many sites the first in the list stays.
    chosen = sorted(kinds, key=lambda kind: -counts[kind])[:most]
    return [kind for kind in kinds if kind in chosen]


def _count_sites(rows: pd.DataFrame) -> int | None:
    """Number of sites at offset 0, the checkpoint's if there is one."""
    at = rows[(rows["set"] == "site") & (rows["offset"] == 0)].dropna(subset=["n"])
    for model in find_models(at):
        return int(at.loc[at["model"] == model, "n"].iloc[0])
    return None


def _read_motif(
    kind: str,
    tables: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    *,
    logos: Mapping[str, LogoCounts],
    width_bp: int,
    balance: pd.DataFrame | None,
    n_groups: int | None,
    accession: str | None,
    flank: int,
) -> Motif:
    """The rows of one motif, cut to the offsets that are shown."""
    profile, difference, enrichment = (table[table["kind"] == kind] for table in tables)
    low = max(-flank, int(profile["offset"].min()))
    high = min(width_bp + flank, int(profile["offset"].max()))
    profile = profile[profile["offset"].between(low, high)]
    rungs = tuple(rung for rung in PROMOTER_RUNGS if rung in set(profile["set"]))
    return Motif(
        kind=kind,
        accession=accession,
        width_bp=width_bp,
        low=low,
        high=high,
        n_sites=_count_sites(profile),
        n_groups=n_groups,
        rungs=rungs,
        flagged=tuple(
            rung + DAGGER
            for rung in rungs
            if list_flagged(balance, kind=kind, control=rung, matched=True)
        ),
        profile=profile,
        difference=difference[difference["offset"].between(low, high)],
        enrichment=enrichment,
        logo=logos.get(kind),
    )


def _size_panels(layout: Layout, n_panels: int) -> tuple[int, PanelSize]:
    """Number of columns and size of a panel; few panels are not stretched over the page."""
    n_columns = min(n_panels, _MOST_COLUMNS[int(layout.width)])
    if n_panels == 4:
        n_columns = 2
    room = layout.width - layout.left - layout.right - _GAPS[int(layout.width)] * (n_columns - 1)
    raw, logo, residual = _HEIGHTS[int(layout.width)]
    return n_columns, PanelSize(min(room / n_columns, _WIDEST_MM), raw, logo, residual)
