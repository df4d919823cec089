"""One look for every figure: sizes, colours, lines, and the check that the text is readable.

Two rules hold in all panels. Colour and dash say *what was looked at* (site or control rung);
line weight says *which model* (checkpoint thick, random weights thin).
"""

from contextlib import AbstractContextManager
from itertools import combinations
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

SINGLE_COLUMN_MM = 89
DOUBLE_COLUMN_MM = 183
MM_PER_INCH = 25.4
FONT = "DejaVu Sans"
MIN_FONT_PT = 6.0
FONT_PT = 6.0
TITLE_PT = 7.0
PANEL_LETTER_PT = 8.0

# In the order of the ladder. Any two can be told apart in every vision (tests/plots).
SET_COLOURS = {
    "site": "#CC3311",
    "C0": "#A8A8A8",
    "C1": "#3F9FD8",
    "C2": "#14365F",
    "C3-8": "#DDAA3C",
    "C3-10": "#3C8055",
    "C3-core": "#553C1A",
    "C4": "#884C99",
}
# Dash patterns in line widths, so that a greyscale print still tells the sets apart.
SET_DASHES: dict[str, Any] = {
    "site": "solid",
    "C0": (0, (1.0, 1.0)),
    "C1": (0, (4.0, 1.2)),
    "C2": (0, (5.0, 1.2, 1.2, 1.2)),
    "C3-8": (0, (2.2, 1.2)),
    "C3-10": (0, (2.2, 1.2, 2.2, 2.6)),
    "C3-core": (0, (5.0, 1.2, 1.2, 1.2, 1.2, 1.2)),
    "C4": (0, (7.0, 2.0)),
}
MODELS = ("checkpoint", "random")
MODEL_LINE_PT = {"checkpoint": 1.1, "random": 0.5}
MODEL_BAND_ALPHA = {"checkpoint": 0.20, "random": 0.09}
MODEL_LABELS = {"checkpoint": "checkpoint", "random": "random weights"}

INK = "#222222"
MUTED_INK = "#6B6B6B"
HAIRLINE = "#B8B8B8"
HAIRLINE_PT = 0.5

# DejaVu Sans ships with matplotlib: the same figure, to the byte, on every machine.
_RC: Any = {
    "font.family": "sans-serif",
    "font.sans-serif": [FONT],
    "font.size": FONT_PT,
    "axes.titlesize": TITLE_PT,
    "axes.labelsize": FONT_PT,
    "xtick.labelsize": FONT_PT,
    "ytick.labelsize": FONT_PT,
    "legend.fontsize": FONT_PT,
    "legend.frameon": False,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED_INK,
    "xtick.color": MUTED_INK,
    "ytick.color": MUTED_INK,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.linewidth": HAIRLINE_PT,
    "xtick.major.width": HAIRLINE_PT,
    "ytick.major.width": HAIRLINE_PT,
    "xtick.major.size": 2.0,
    "ytick.major.size": 2.0,
    "xtick.major.pad": 1.5,
    "ytick.major.pad": 1.5,
    "axes.labelpad": 2.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.unicode_minus": True,
    "lines.solid_capstyle": "butt",
    "lines.dash_capstyle": "butt",
    "figure.dpi": 100,
    "savefig.dpi": 300,
    "savefig.bbox": None,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "ldar-interp",
    "path.simplify": False,
    "hatch.linewidth": HAIRLINE_PT,
}


def publication_style() -> AbstractContextManager[None]:
    """The project's rc settings as a context: `with publication_style(): ...`.

    6-pt sans-serif text, light spines, fonts embedded as Type 42 (editable) in PDF and drawn
    as outlines in SVG, so that what was checked is what every viewer shows.
    """
    return mpl.rc_context(_RC)


def inches(mm: float) -> float:
    """Millimetres to inches, the unit of matplotlib figure sizes."""
    return mm / MM_PER_INCH


def check_figure(figure: Figure, *, min_font_pt: float = MIN_FONT_PT) -> list[str]:
    """Everything that makes the text of a figure hard to read, one line a finding.

    Walks every text that is drawn, tick labels included, and reports text under `min_font_pt`,
    text that leaves the canvas, and pairs of texts whose boxes overlap. An empty list is a pass.
    """
    with publication_style():
        figure.draw_without_rendering()
        hidden = _undrawn_texts(figure)
        texts = [
            text
            for text in figure.findobj(Text)
            if isinstance(text, Text)
            and text not in hidden
            and text.get_visible()
            and text.get_text().strip()
        ]
        boxes = [_padded(text.get_window_extent(), -0.1 * figure.dpi / 72) for text in texts]
    findings = []
    for text, box in zip(texts, boxes, strict=True):
        size = float(text.get_fontsize())
        if size < min_font_pt - 1e-9:
            findings.append(f"{text.get_text()!r} is {size:g} pt; wanted {min_font_pt:g} or more")
        canvas = figure.bbox
        if box.x0 < 0 or box.y0 < 0 or box.x1 > canvas.x1 or box.y1 > canvas.y1:
            findings.append(f"{text.get_text()!r} leaves the canvas")
    for (text, box), (other, other_box) in combinations(zip(texts, boxes, strict=True), 2):
        if box.overlaps(other_box):
            findings.append(f"{text.get_text()!r} overlaps {other.get_text()!r}")
    return findings


def _padded(box: Bbox, pixels: float) -> Bbox:
    """A box grown by `pixels` on every side (shrunk where negative)."""
    return Bbox.from_extents(box.x0 - pixels, box.y0 - pixels, box.x1 + pixels, box.y1 + pixels)


def _undrawn_texts(figure: Figure) -> set[Text]:
    """Texts that exist but are not drawn: ticks outside the view, axes that are off."""
    hidden: set[Text] = set()
    for ax in figure.axes:
        if not ax.get_visible():
            hidden.update(text for text in ax.findobj(Text) if isinstance(text, Text))
        for axis in (ax.xaxis, ax.yaxis):
            hidden.update(_undrawn_tick_labels(ax, axis))
    return hidden


def _undrawn_tick_labels(ax: Axes, axis: Axis) -> list[Text]:
    """Tick and axis labels of an axis that matplotlib keeps but does not draw."""
    if not ax.axison or not axis.get_visible():
        return [text for text in axis.findobj(Text) if isinstance(text, Text)]
    low, high = sorted(axis.get_view_interval())
    slack = 1e-9 * max(high - low, 1.0)
    undrawn = []
    for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
        if not low - slack <= tick.get_loc() <= high + slack:
            undrawn.extend([tick.label1, tick.label2])
    return undrawn
