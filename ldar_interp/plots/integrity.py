"""Dots with intervals: what share of elements each tokenizer cuts, beside what chance would."""

from collections.abc import Mapping, Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ldar_interp.errors import InputError
from ldar_interp.plots.layout import place_axes, write_at
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    INK,
    MODEL_LINE_PT,
    MUTED_INK,
    PANEL_LETTER_PT,
    SET_COLOURS,
    inches,
    publication_style,
)

INTEGRITY_COLUMNS = (
    "tokenizer", "kind", "endpoint", "value", "ci_low", "ci_high", "null", "null_shifted",
    "n_instances", "n_groups", "mean_token_bp",
)  # fmt: skip
PANELS = {
    "inside_cut": "cut inside\n(share of elements)",
    "left_cut": "5′ border cut\n(share of elements)",
    "right_cut": "3′ border cut\n(share of elements)",
    "intact": "exactly one token\n(share of elements)",
    "integrity_contrast": "cuts per edge,\ninside − flanks",
}
MOST_KINDS = 8
_LABELS = {
    "checkpoint": "learned router",
    "random": "random weights",
    "bpe": "BPE",
    "single_bases": "single bases",
    "random_cuts": "random cuts",
}
_KIND_LABELS = {
    "all": "all elements",
    "donor_GT": "donor GT",
    "acceptor_AG": "acceptor AG",
    "tss": "TSS (an edge)",
    "codon": "codons in frame",
    "start_codon": "start codons",
    "elements": "all of --elements",
}
_ROW_MM, _HEAD_MM, _TOP_MM, _BOTTOM_MM, _LEFT_MM, _GAP_MM = 3.0, 4.0, 7.0, 23.0, 29.0, 4.0


def integrity_figure(
    table: pd.DataFrame,
    *,
    kinds: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Figure:
    """One panel an endpoint, one row a tokenizer, a block a kind of element.

    Dots are values with 95 % intervals; the grey tick is chance at the tokenizer's own rate, the
    open triangle the same tokenizer at other places around the same elements. More than
    `MOST_KINDS` kinds do not fit: the note says how many are not drawn.

    Parameters
    ----------
    kinds : what to draw, in this order. Left out: `all`, the elements of the annotation, those
        that were given and their kinds, the largest first.
    labels : what kinds are called on the figure, where not as they are.

    Raises
    ------
    InputError : a column of docs/contracts.md is missing, there are no rows, or an
        unknown kind.
    """
    missing = [column for column in INTEGRITY_COLUMNS if column not in table.columns]
    if missing or not len(table):
        raise InputError(
            f"integrity table: {'no rows' if not missing else 'no column ' + missing[0]}; wanted "
            "the columns of docs/contracts.md and at least one row"
        )
    everything = _order_kinds(table)
    for kind in kinds or ():
        if kind not in everything:
            raise InputError(
                f"kinds: {kind!r} is not in the integrity table; wanted some of "
                f"{', '.join(everything)}"
            )
    shown = list(kinds or everything)[:MOST_KINDS]
    names_of = _KIND_LABELS | dict(labels or {})
    names = list(dict.fromkeys(table["tokenizer"].astype(str)))
    rows, heads, y = [], {}, 0.0
    for kind in shown:
        heads[kind] = y + _HEAD_MM / 2
        y += _HEAD_MM
        for name in names:
            rows.append((kind, name, y + _ROW_MM / 2))
            y += _ROW_MM
        y += 1.0
    height = y + _TOP_MM + _BOTTOM_MM
    panel_mm = (DOUBLE_COLUMN_MM - _LEFT_MM - 3.0 - _GAP_MM * (len(PANELS) - 1)) / len(PANELS)
    lookup = table.set_index(["kind", "tokenizer", "endpoint"])
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(height)))
        for kind, at in heads.items():
            mine = table[table["kind"] == kind]
            size = f"n = {mine['n_instances'].max():,} in {mine['n_groups'].max():,} groups"
            label = names_of.get(kind, kind)
            write_at(figure, 3.0, _TOP_MM + at + 0.8, f"{label}, {size}", weight="bold", color=INK)
        for kind, name, at in rows:
            token = table.loc[
                (table["kind"] == kind) & (table["tokenizer"] == name), "mean_token_bp"
            ].iloc[0]
            text = f"{label_tokenizer(name)} ({token:.1f})"
            write_at(
                figure, _LEFT_MM - 1.5, _TOP_MM + at, text, ha="right", va="center",
                color=INK if name in ("checkpoint", "random") else MUTED_INK,
            )  # fmt: skip
        for number, (endpoint, label) in enumerate(PANELS.items()):
            ax = place_axes(figure, _LEFT_MM + number * (panel_mm + _GAP_MM), _TOP_MM, panel_mm, y)
            ax.set_ylim(y, 0)
            for kind in shown:
                ax.axhline(heads[kind] - _HEAD_MM / 2, color=HAIRLINE, linewidth=HAIRLINE_PT / 2)
            for kind, name, at in rows:
                if (kind, name, endpoint) in lookup.index:
                    _draw_dot(ax, lookup.loc[(kind, name, endpoint)], at, name)
            if endpoint in ("inside_cut", "left_cut", "right_cut"):
                ax.set_xlim(-0.04, 1.04)
                ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
            else:
                ax.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0)
                ax.locator_params(axis="x", nbins=3)
            if endpoint == "intact":
                # Rare: an interval from a handful of elements may span everything.
                mine = table[(table["endpoint"] == endpoint) & table["kind"].isin(shown)]
                right = 1.5 * max(0.02, float(mine[["value", "null"]].max().max()))
                ax.set_xlim(-0.04 * right, right)
            ax.set_yticks([])
            ax.spines["left"].set_visible(False)
            ax.set_xlabel(label)
            write_at(
                figure, _LEFT_MM + number * (panel_mm + _GAP_MM), 5.5, "abcde"[number],
                size=PANEL_LETTER_PT, weight="bold",
            )  # fmt: skip
        figure.draw_without_rendering()
        _write_note(figure, height, len(everything) - len(shown))
    return figure


def _order_kinds(table: pd.DataFrame) -> list[str]:
    """All kinds: `all`, known ones in the order of their labels, then the others by size."""
    size = table.groupby("kind", sort=False)["n_instances"].max()
    known = [kind for kind in _KIND_LABELS if kind in size.index]
    others = size.drop(known).sort_values(ascending=False, kind="stable")
    return [*known, *(str(kind) for kind in others.index)]


def label_tokenizer(name: str) -> str:
    """What a row is called: `grid_4` is `grid of 4`."""
    if name.startswith("grid_"):
        return f"grid of {name.removeprefix('grid_')}"
    return _LABELS.get(name, name)


def _draw_dot(ax: Axes, row: pd.Series, y: float, name: str) -> None:
    """Interval and dot of one row, with its two nulls."""
    colour = SET_COLOURS["site"] if name in ("checkpoint", "random") else SET_COLOURS["C2"]
    colour = MUTED_INK if name == "random_cuts" else colour
    thin = name == "random"
    if pd.notna(row["ci_low"]) and pd.notna(row["ci_high"]):
        ax.plot(
            [float(row["ci_low"]), float(row["ci_high"])], [y, y], color=colour,
            linewidth=MODEL_LINE_PT["random" if thin else "checkpoint"] * 1.2, zorder=2,
        )  # fmt: skip
    if pd.notna(row["null"]):
        ax.plot(
            [float(row["null"])] * 2, [y - 0.42 * _ROW_MM, y + 0.42 * _ROW_MM], color=MUTED_INK,
            linewidth=0.7, zorder=1,
        )  # fmt: skip
    if pd.notna(row["null_shifted"]):
        ax.plot(
            [float(row["null_shifted"])], [y], linestyle="none", marker="^", markersize=2.6,
            markerfacecolor="white", markeredgecolor=MUTED_INK, markeredgewidth=0.5, zorder=3,
        )  # fmt: skip
    ax.plot(
        [float(row["value"])], [y], linestyle="none", marker="o",
        markersize=2.6 if thin else 3.2, markerfacecolor="white" if thin else colour,
        markeredgecolor=colour, markeredgewidth=0.6, zorder=4,
    )  # fmt: skip


def _write_note(figure: Figure, height: float, n_hidden: int) -> None:
    more = f" {n_hidden} further kinds are in the table." if n_hidden else ""
    lines = [
        "Dots: value with 95 % interval, groups resampled (random cuts: the range of the draws); "
        "none for a share that under 5 elements have or lack.",
        "In brackets: bp a token around these elements. Grey bar: chance at the tokenizer's own "
        "rate. Triangle: the same tokenizer at other places beside.",
        "Splice sites: the exon | intron edge is the 5′ border of a donor GT and the 3′ border of "
        "an acceptor AG. d and e have their own scales.",
        f"Flanks: 4 edges beyond each border.{more}",
    ]
    for number, line in enumerate(lines):
        write_at(figure, 3.0, height - 10.0 + 2.8 * number, line, color=MUTED_INK)
