"""What the router reads, drawn: a logo of letter effects and a heat map of changes under it.

A column of panels for each kind; down it a block for each model and set: checkpoint, its controls,
random weights. In the logo a letter above 0 raises p where it stands, one below lowers it; the
heights of a base add up to 0. The heat map holds every mutation; a letter that no site could be
mutated to (all have it) is left grey. Blocks of one model share their scales, so that sites and
controls compare; random weights have their own, printed beside them.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator, MultipleLocator
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.plots.layout import place_axes, wrap_note, write_at
from ldar_interp.plots.logos import BASE_COLOURS, BASES
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    HAIRLINE,
    HAIRLINE_PT,
    MODEL_LABELS,
    MODELS,
    MUTED_INK,
    PANEL_LETTER_PT,
    TITLE_PT,
    inches,
    publication_style,
)
from ldar_interp.plots.tables import find_kinds

DRAWN_BP = 30
"""Bases drawn on each side of the edge: logomaker's letters are outlines, and slow in hundreds."""
MOST_KINDS = 4
"""Kinds drawn side by side; the tables hold all."""
_COLUMNS = ("model", "kind", "set", "offset", "letter", "mean_delta", "effect")
_LEFT, _RIGHT, _GAP = 15.0, 14.0, 6.0
_LOGO, _MAP, _BETWEEN, _BLOCK_GAP, _TOP, _UNDER = 22.0, 9.0, 1.5, 9.0, 9.0, 7.0
_LINE_MM = 2.9
_MISSING = "#D9D9D9"
_SMALLEST = 1e-12
_TITLES = {"donor": "donors", "acceptor": "acceptors"}
_NOTE = (
    "Letters: mean over sites of the change of p at the edge (between −1 and 0) that the letter "
    "makes, less the mean of the four letters; above 0 it raises p. Maps: mean change of p by "
    "each mutation, over the sites that do not have the letter; grey: all have it. Each model has "
    "its own scales. n: sites."
)


class _Block(NamedTuple):
    """One model and set."""

    model: str
    name: str

    @property
    def label(self) -> str:
        what = "" if self.name == "site" else f", {self.name} controls"
        return f"{MODEL_LABELS[self.model]}{what}"


class _Panel(NamedTuple):
    """(n_positions, 4) of both numbers, NaN where nothing is known, and the most sites."""

    offsets: NDArray[np.int64]
    effect: NDArray[np.float64]
    delta: NDArray[np.float64]
    n: int


def mutation_figure(
    mutations: pd.DataFrame, importance: pd.DataFrame, *, drawn_bp: int = DRAWN_BP
) -> Figure:
    """Draw the tables `mutations` and `importance` of docs/contracts.md; compute nothing.

    Parameters
    ----------
    mutations : effects and changes by letter.
    importance : its `n_sites` are printed.
    drawn_bp : bases drawn on each side of the edge.

    Returns
    -------
    Figure, 183 mm wide; hand it to `save_figure`.

    Raises
    ------
    InputError : a column is missing, there is nothing to draw, or a model is unknown.
    """
    for name in _COLUMNS:
        if name not in mutations.columns:
            raise InputError(f"mutations table lacks column {name!r}; wanted {', '.join(_COLUMNS)}")
    unknown = sorted(set(mutations["model"]) - set(MODELS))
    if mutations.empty or unknown:
        raise InputError(
            f"mutations table has model {unknown[0]!r}; wanted some of {', '.join(MODELS)}"
            if unknown
            else "mutations table has no rows; wanted at least one site's"
        )
    everything = find_kinds(mutations)
    kinds = everything[:MOST_KINDS]
    found = mutations[["model", "set"]].drop_duplicates().itertuples(index=False)
    blocks = sorted(
        (_Block(str(model), str(name)) for model, name in found),
        key=lambda block: (MODELS.index(block.model), block.name != "site", block.name),
    )
    panels = {
        (block, kind): panel
        for block in blocks
        for kind in kinds
        if (panel := _read_panel(mutations, importance, block, kind, drawn_bp)) is not None
    }
    step = _LOGO + _BETWEEN + _MAP + _BLOCK_GAP
    bottom = _TOP + len(blocks) * step - _BLOCK_GAP
    left_out = everything[MOST_KINDS:]
    more = f" Not drawn: {', '.join(left_out)}; see the tables." if left_out else ""
    note = wrap_note(_NOTE + more, DOUBLE_COLUMN_MM, 165)
    height = bottom + _UNDER + _LINE_MM * len(note) + 2.0
    width = (DOUBLE_COLUMN_MM - _LEFT - _RIGHT - _GAP * (len(kinds) - 1)) / len(kinds)
    with publication_style():
        figure = Figure(figsize=(inches(DOUBLE_COLUMN_MM), inches(height)))
        for b, block in enumerate(blocks):
            _draw_block(figure, block, kinds, panels, top=_TOP + b * step, width=width)
            write_at(
                figure, 1.0, _TOP + b * step - 2.0, "abcdefghij"[b], size=PANEL_LETTER_PT,
                weight="bold",
            )  # fmt: skip
        for k, kind in enumerate(kinds):
            left = _LEFT + k * (width + _GAP)
            title = _TITLES.get(kind, kind)
            write_at(figure, left, 3.5, title, size=TITLE_PT, weight="bold")
        middle = (_LEFT + DOUBLE_COLUMN_MM - _RIGHT) / 2
        write_at(figure, middle, bottom + 5.5, "base, from the edge (bp)", ha="center")
        for i, line in enumerate(note):
            write_at(figure, 1.0, bottom + _UNDER + 2.5 + _LINE_MM * i, line, color=MUTED_INK)
        figure.draw_without_rendering()
    return figure


def plot_effects(effect: NDArray[np.float64], offsets: NDArray[np.int64], ax: Axes) -> Axes:
    """Stack the letters of each base, positive ones upwards and negative ones downwards from 0.

    Parameters
    ----------
    effect : (n_positions, 4), columns A C G T; NaN and 0 are not drawn.
    offsets : (n_positions,) edge on the 5' side of each base.
    """
    import logomaker  # brings pyplot with it: half a second that `--help` need not wait for

    tallest = float(np.nanmax(np.abs(effect))) if np.isfinite(effect).any() else 0.0
    for position, heights in zip(offsets.tolist(), effect, strict=True):
        reached = {1: 0.0, -1: 0.0}
        # From the smallest: the largest letter stands farthest from 0 and is read first.
        for base in np.argsort(np.abs(heights), kind="stable"):
            height = float(heights[base])
            if not abs(height) > max(_SMALLEST, 0.004 * tallest):
                continue
            sign = 1 if height > 0 else -1
            start, reached[sign] = reached[sign], reached[sign] + height
            glyph = logomaker.Glyph(
                position + 0.5,
                BASES[base],
                ax=ax,
                floor=min(start, reached[sign]),
                ceiling=max(start, reached[sign]),
                width=0.92,
                vpad=0.0,
                font_name="DejaVu Sans",
                font_weight="bold",
                color=BASE_COLOURS[BASES[base]],
                alpha=1.0 if sign > 0 else 0.55,
                edgewidth=0.0,
            )
            glyph.patch.set_gid(f"effect-{BASES[base]}-{position}")
    return ax


def _read_panel(
    mutations: pd.DataFrame, importance: pd.DataFrame, block: _Block, kind: str, drawn_bp: int
) -> _Panel | None:
    """The numbers of one panel near the edge; None if the table has no such rows."""

    def choose(table: pd.DataFrame) -> pd.DataFrame:
        is_here = (
            (table["model"] == block.model) & (table["set"] == block.name) & (table["kind"] == kind)
        )
        return table[is_here & (table["offset"] >= -drawn_bp) & (table["offset"] < drawn_bp)]

    rows = choose(mutations)
    if rows.empty:
        return None
    wide = rows.pivot(index="offset", columns="letter", values=["effect", "mean_delta"])
    letters = list(BASES)
    return _Panel(
        wide.index.to_numpy(dtype=np.int64),
        wide["effect"][letters].to_numpy(dtype=np.float64),
        wide["mean_delta"][letters].to_numpy(dtype=np.float64),
        int(choose(importance)["n_sites"].max()),
    )


def _draw_block(
    figure: Figure,
    block: _Block,
    kinds: list[str],
    panels: dict[tuple[_Block, str], _Panel],
    *,
    top: float,
    width: float,
) -> None:
    """Logos over maps of all kinds, on the scales of the block's model."""
    own = [panel for (other, _), panel in panels.items() if other.model == block.model]
    low = min(_stack(panel.effect, -1) for panel in own)
    high = max(_stack(panel.effect, 1) for panel in own)
    room = 0.05 * max(high - low, _SMALLEST)
    limit = max(float(np.nanmax(np.abs(panel.delta), initial=0.0)) for panel in own)
    limit = max(limit, _SMALLEST)
    image: AxesImage | None = None
    write_at(figure, _LEFT, top - 1.2, block.label, color=MUTED_INK)
    map_top = top + _LOGO + _BETWEEN
    for k, kind in enumerate(kinds):
        left = _LEFT + k * (width + _GAP)
        panel = panels.get((block, kind))
        if panel is None:
            write_at(figure, left + width / 2, top + _LOGO / 2, "no sites", ha="center")
            continue
        first, last = int(panel.offsets[0]), int(panel.offsets[-1]) + 1
        logo = place_axes(figure, left, top, width, _LOGO)
        plot_effects(panel.effect, panel.offsets, logo)
        logo.set(xlim=(first, last), ylim=(low - room, high + room))
        logo.axhline(0, color=MUTED_INK, linewidth=HAIRLINE_PT, zorder=0)
        logo.yaxis.set_major_locator(MaxNLocator(4))
        logo.tick_params(labelleft=k == 0, labelbottom=False)
        logo.text(0.99, 0.97, f"n = {panel.n}", transform=logo.transAxes, ha="right", va="top")
        heat = place_axes(figure, left, map_top, width, _MAP)
        image = _draw_map(heat, panel, limit)
        heat.tick_params(labelleft=k == 0)
        for ax in (logo, heat):
            ax.axvline(0, color=HAIRLINE, linewidth=HAIRLINE_PT, zorder=0 if ax is logo else 3)
            ax.xaxis.set_major_locator(MultipleLocator(10))
    write_at(
        figure, 2.4, top + _LOGO / 2, "effect on p", ha="center", va="center", rotation=90
    )  # fmt: skip
    write_at(figure, 2.4, map_top + _MAP / 2, "to letter", ha="center", va="center", rotation=90)
    if image is not None:
        bar = place_axes(figure, DOUBLE_COLUMN_MM - _RIGHT + 2.0, map_top, 1.6, _MAP)
        figure.colorbar(image, cax=bar)
        bar.set_yticks([-limit, 0, limit], [f"−{limit:.2g}", "0", f"{limit:.2g}"])
        bar.tick_params(length=1.0)
        write_at(figure, DOUBLE_COLUMN_MM - _RIGHT + 2.0, map_top - 2.0, "Δp")


def _draw_map(ax: Axes, panel: _Panel, limit: float) -> AxesImage:
    """Mean change of p by the letter put there; each base fills the cell right of its edge."""
    first, last = int(panel.offsets[0]), int(panel.offsets[-1]) + 1
    image = ax.imshow(
        np.ma.masked_invalid(panel.delta.T),
        cmap="RdBu_r",
        norm=Normalize(-limit, limit),
        extent=(first, last, 3.5, -0.5),
        aspect="auto",
        interpolation="nearest",
    )
    ax.set_facecolor(_MISSING)
    ax.set_yticks(range(4), list(BASES))
    ax.tick_params(axis="y", length=0)
    return image


def _stack(effect: NDArray[np.float64], sign: int) -> float:
    """How far the tallest stack reaches on one side of 0."""
    reach = np.nansum(np.where(effect * sign > 0, effect, 0.0), axis=1)
    return float(reach.max() if sign > 0 else reach.min())
