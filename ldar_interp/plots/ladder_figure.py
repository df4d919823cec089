"""The ladder figure: where the signal goes as controls take one explanation after another away.

One block a kind, one row a rung, the loosest on top. The effect of the raw probability stands
beside that of the residual (what the nearest letters do not explain), all on one axis, with the
zero line through every row. The checkpoint is filled, random weights are open.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ldar_interp.errors import InputError
from ldar_interp.plots.ladder import DAGGER, format_p, is_too_few, label_rung, plot_ladder
from ldar_interp.plots.layout import place_axes, wrap_note, write_at
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    INK,
    MODEL_LABELS,
    MUTED_INK,
    PANEL_LETTER_PT,
    SET_COLOURS,
    TITLE_PT,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import (
    ENRICHMENT_COLUMNS,
    KIND_ORDER,
    check_table,
    find_kinds,
    find_models,
    find_rungs,
    find_signals,
    list_flagged,
    read_effect,
    resolve_kind,
    select_signal,
)
from ldar_interp.sites.same_letters import CORE_KIND, CORE_RUNG

SPLICE_RUNGS = {
    "C0": "any edge of the same gene",
    "C1": "the same dinucleotide",
    "C2": "+ strength, GC, CpG o/e",
    "C3-8": "the same 8 letters, GC",
    "C3-10": "the same 10 letters, GC",
    "C3-core": "the same −3..+6, GC",
    "C4": "itself, flanks shuffled",
}
MOTIF_RUNGS = SPLICE_RUNGS | {
    "C0": "elsewhere in the promoter",
    "C1": "shuffled matrix",
    "C2": "same matrix, no promoter",
}
SIGNAL_TITLES = {"prob": "boundary probability", "residual": "residual: beyond the nearest letters"}
_KIND_TITLES = {"donor": "Donors (5′ splice sites)", "acceptor": "Acceptors (3′ splice sites)"}

_ROW_MM, _BLOCK_HEAD_MM, _BLOCK_GAP_MM, _AXIS_MM = 5.4, 8.5, 3.5, 7.5
_NAME_MM, _Q_MM, _N_MM, _MARGIN_MM = 42.0, 13.0, 19.0, 2.0
_LINE_MM = 2.9


@dataclass(frozen=True)
class _Column:
    """Where the panel of one signal and its q values stand, mm from the left."""

    signal: str
    left: float
    width: float

    @property
    def q_right(self) -> float:
        return self.left + self.width + _Q_MM - 2.0


def ladder_figure(
    enrichment: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    kinds: Sequence[str] | None = None,
    rungs: Sequence[str] | None = None,
    statistic: str = "mean_difference",
    offset: int = 0,
    balance: pd.DataFrame | None = None,
    explain: Mapping[str, str] | None = None,
    title: str | None = None,
) -> Figure:
    """Draw effect and 95 % interval at each rung, raw beside residual, 183 mm wide.

    Parameters
    ----------
    enrichment : the table of docs/contracts.md, or several of them (one a ladder or signal); with
        an optional column `signal` (`prob`, `residual`).
    kinds, rungs : what to draw, in this order; by default all there is, donors first, from loose
        to tight. A rung without a row of a kind keeps its place and says so.
    statistic, offset : which rows of the table to draw.
    balance : the balance table; a flagged covariate that a rung is matched on gives it a dagger.
    explain : a few words a rung; by default `SPLICE_RUNGS`, and `MOTIF_RUNGS` if no kind is a
        donor or acceptor.
    title : printed on top.

    Returns
    -------
    Figure; hand it to `save_figure`. No pyplot state is touched.

    Raises
    ------
    InputError : a column is missing, a model, rung, signal or kind is unknown, no row has this
        statistic and offset, or two rows answer for one point.
    """
    table = join_tables(enrichment)
    table = table[(table["statistic"] == statistic) & (table["offset"] == offset)]
    if table.empty:
        raise InputError(
            f"enrichment table: no row of {statistic!r} at offset {offset}; name a statistic that "
            "it has"
        )
    names = [resolve_kind(find_kinds(table), kind, "enrichment") for kind in kinds or ()]
    names = names or find_kinds(table)
    table = table[table["kind"].isin(names)]
    rows = list(rungs) if rungs is not None else find_rungs(table)
    is_splice = any(kind in KIND_ORDER for kind in names)
    words = explain if explain is not None else SPLICE_RUNGS if is_splice else MOTIF_RUNGS
    note = wrap_note(_write_note(table, balance, names, rows), DOUBLE_COLUMN_MM, 165)
    head = 12.0 if title else 7.0
    block = _BLOCK_HEAD_MM + _ROW_MM * len(rows)
    bottom = head + len(names) * block + (len(names) - 1) * _BLOCK_GAP_MM
    height = bottom + _AXIS_MM + _LINE_MM * len(note) + 3.0
    columns = _place_columns(find_signals(table))
    limits = _find_limits(table)
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(height)))
        if title:
            write_at(figure, _MARGIN_MM, 4.5, title, size=TITLE_PT, weight="bold")
        _draw_key(figure, 4.0 if not title else 9.0, find_models(table))
        for i, kind in enumerate(names):
            top = head + i * (block + _BLOCK_GAP_MM)
            _draw_block(
                figure,
                top,
                table,
                kind,
                rows,
                columns,
                letter="abcdefghijklmnopqrstuvwxyz"[i % 26],
                words=words,
                balance=balance,
                limits=limits,
                statistic=statistic,
                offset=offset,
                is_last=i == len(names) - 1,
            )
        for column in columns:
            write_at(
                figure,
                column.left + column.width / 2,
                bottom + 6.2,
                "sites − controls (95 % CI)",
                ha="center",
            )
        for i, line in enumerate(note):
            at = bottom + _AXIS_MM + 3.2 + _LINE_MM * i
            write_at(figure, _MARGIN_MM, at, line, color=MUTED_INK)
        # Ticks are made on demand: make them here, while this style holds.
        figure.draw_without_rendering()
    return figure


def join_tables(enrichment: pd.DataFrame | Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Enrichment tables one below the other, checked; a table without `signal` is of `prob`."""
    parts = [enrichment] if isinstance(enrichment, pd.DataFrame) else list(enrichment)
    for part in parts:
        check_table(part, ENRICHMENT_COLUMNS, "enrichment")
    signals = [part if "signal" in part.columns else part.assign(signal="prob") for part in parts]
    joined = pd.concat(signals, ignore_index=True)
    find_signals(joined)
    return joined


def _place_columns(signals: Sequence[str]) -> list[_Column]:
    """Panels of equal width between the rungs' names and the numbers of sites."""
    left = _MARGIN_MM + _NAME_MM
    room = DOUBLE_COLUMN_MM - left - _N_MM - _MARGIN_MM
    step = room / len(signals)
    return [_Column(s, left + i * step, step - _Q_MM - 1.0) for i, s in enumerate(signals)]


def _find_limits(table: pd.DataFrame) -> tuple[float, float]:
    """One axis for all panels: everything drawn, zero, and a little room."""
    drawn = table[["effect", "ci_low", "ci_high"]].to_numpy(dtype=float).ravel()
    values = [0.0, *(value for value in drawn if math.isfinite(value))]
    low, high = min(values), max(values)
    room = 0.06 * ((high - low) or 1.0)
    return low - room, high + room


def _draw_block(
    figure: Figure,
    top: float,
    table: pd.DataFrame,
    kind: str,
    rungs: list[str],
    columns: list[_Column],
    *,
    letter: str,
    words: Mapping[str, str],
    balance: pd.DataFrame | None,
    limits: tuple[float, float],
    statistic: str,
    offset: int,
    is_last: bool,
) -> None:
    """One kind: names of its rungs, a panel a signal with its q, numbers of sites and groups."""
    body, height = top + _BLOCK_HEAD_MM, _ROW_MM * len(rungs)
    write_at(figure, _MARGIN_MM, top + 3.2, letter, size=PANEL_LETTER_PT, weight="bold")
    heading = _KIND_TITLES.get(kind, kind)
    write_at(figure, _MARGIN_MM + 4.0, top + 3.2, heading, size=TITLE_PT, weight="bold")
    write_at(figure, _MARGIN_MM, body - 1.6, "control", color=MUTED_INK)
    right = DOUBLE_COLUMN_MM - _MARGIN_MM
    write_at(figure, right, body - 1.6, "pairs (groups)", color=MUTED_INK, ha="right")
    stripes = place_axes(figure, _MARGIN_MM, body, right - _MARGIN_MM, height)
    stripes.set(xlim=(0, 1), ylim=(len(rungs) - 0.5, -0.5))
    stripes.axis("off")
    for y, rung in enumerate(rungs):
        if y % 2 == 0:
            stripes.axhspan(y - 0.5, y + 0.5, color="#F3F3F1", linewidth=0, zorder=-2)
        at = body + _ROW_MM * (y + 0.5) + 0.75
        stripes.plot([0.002] * 2, [y - 0.28, y + 0.28], color=SET_COLOURS[rung], linewidth=2.0)
        label = label_rung(rung, kind=kind, balance=balance)
        write_at(figure, _MARGIN_MM + 1.6, at, label, weight="bold")
        write_at(figure, _MARGIN_MM + 12.5, at, words.get(rung, ""))
        write_at(figure, right, at, _count_pairs(table, kind, rung), ha="right")
    for column in columns:
        rows = select_signal(table, column.signal)
        write_at(figure, column.left, body - 1.6, SIGNAL_TITLES[column.signal])
        write_at(figure, column.q_right, body - 1.6, "q", color=MUTED_INK, ha="right")
        ax = place_axes(figure, column.left, body, column.width, height)
        ax.patch.set_alpha(0.0)
        if kind in set(rows["kind"]):
            plot_ladder(
                rows,
                kind=kind,
                statistic=statistic,
                offset=offset,
                signal=column.signal,
                rungs=rungs,
                ax=ax,
            )
        ax.set(xlim=limits, ylim=(len(rungs) - 0.5, -0.5), yticks=[])
        ax.axvline(0, color=MUTED_INK, linewidth=0.7, zorder=0.5)
        ax.spines["left"].set_visible(False)
        ax.spines["bottom"].set_visible(is_last)
        ax.xaxis.set_major_locator(MaxNLocator(5))
        ax.grid(axis="x", color=HAIRLINE, linewidth=0.3, zorder=-1)
        ax.tick_params(axis="x", labelbottom=is_last, length=2.0 if is_last else 0.0)
        _write_q(figure, rows, kind, rungs, column, body, statistic, offset)


def _write_q(
    figure: Figure,
    rows: pd.DataFrame,
    kind: str,
    rungs: list[str],
    column: _Column,
    body: float,
    statistic: str,
    offset: int,
) -> None:
    """q of each model beside its bar, "too few" where nothing is claimed, or why there is none."""
    models = find_models(rows)
    shift = {"checkpoint": -0.25, "random": 0.25} if len(models) > 1 else {}
    for y, rung in enumerate(rungs):
        middle = body + _ROW_MM * (y + 0.5) + 0.75
        found = {
            model: read_effect(
                rows, model=model, kind=kind, control=rung, statistic=statistic, offset=offset
            )
            for model in models
        }
        texts = {model: _say_q(row) for model, row in found.items() if row is not None}
        if set(texts.values()) <= {"–"}:
            donors_own = rung == CORE_RUNG and kind != CORE_KIND
            text = "–" if texts else "donors only" if donors_own else "not run"
            write_at(figure, column.q_right, middle, text, ha="right", color=MUTED_INK)
            continue
        for model, text in texts.items():
            at = middle + _ROW_MM * shift.get(model, 0.0)
            ink = INK if model == "checkpoint" else MUTED_INK
            write_at(figure, column.q_right, at, text, ha="right", color=ink)


def _say_q(row: pd.Series) -> str:
    """q in print, "too few", or a dash where nothing was tested."""
    if is_too_few(row):
        return "too few"
    return "–" if pd.isna(row["q_value"]) else format_p(float(row["q_value"]))


def _count_pairs(table: pd.DataFrame, kind: str, rung: str) -> str:
    """`pairs (groups)` of the first row that the kind has on a rung, the checkpoint's if any."""
    rows = table[(table["kind"] == kind) & (table["control"] == rung)]
    for model in find_models(rows):
        row = rows[rows["model"] == model].iloc[0]
        if pd.notna(row["n_sites"]) and pd.notna(row["n_groups"]):
            return f"{int(row['n_sites']):,} ({int(row['n_groups']):,})"
    return "–"


def _draw_key(figure: Figure, top: float, models: Sequence[str]) -> None:
    """What filled, open and grey markers say, in one line from the left."""
    ax = place_axes(figure, _MARGIN_MM, top - 2.2, DOUBLE_COLUMN_MM - 2 * _MARGIN_MM, 3.6)
    ax.set(xlim=(0, DOUBLE_COLUMN_MM - 2 * _MARGIN_MM), ylim=(0, 1))
    ax.axis("off")
    x = 1.5
    entries = [(MODEL_LABELS[model], INK, model == "checkpoint", model) for model in models]
    entries.append(("grey: too few sites or groups for a claim", MUTED_INK, False, "random"))
    for label, colour, filled, model in entries:
        width = 1.65 if model == "checkpoint" else 0.6
        ax.plot([x - 1.5, x + 3.5], [0.5, 0.5], color=colour, linewidth=width)
        ax.plot(
            [x + 1.0],
            [0.5],
            marker="o",
            markersize=3.6 if model == "checkpoint" else 2.8,
            markerfacecolor=colour if filled else "white",
            markeredgecolor=colour,
            markeredgewidth=0.8,
        )
        ax.text(x + 5.0, 0.5, label, va="center_baseline")
        x += 12.0 + 1.05 * len(label)


def _write_note(
    table: pd.DataFrame, balance: pd.DataFrame | None, kinds: list[str], rungs: list[str]
) -> str:
    """What the marks mean, and what a reader must know before believing them."""
    sentences = ["Effects are site minus control over matched pairs; bars: groups resampled."]
    if table["q_value"].notna().any():
        sentences.append("q: Benjamini–Hochberg over a model's declared rows; –: not tested.")
    if "C4" in rungs:
        sentences.append(
            "The control of C4 is the mean over a site's shuffles, in windows of 1,024 bp."
        )
    if "random" not in find_models(table):
        sentences.append("No random-weights baseline was run.")
    flagged = [
        f"{kind} {rung} ({', '.join(names)})"
        for kind in kinds
        for rung in rungs
        if (names := list_flagged(balance, kind=kind, control=rung, matched=True))
    ]
    if flagged:
        sentences.append(f"{DAGGER} Matched, yet |SMD| > 0.1: {', '.join(flagged)}.")
    return " ".join(sentences)
