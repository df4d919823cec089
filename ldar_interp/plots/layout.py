"""Where the parts of the splice figure go: every axes placed in millimetres from the top left."""

import textwrap
from dataclasses import dataclass
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from ldar_interp.errors import InputError
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    FONT,
    FONT_PT,
    INK,
    MM_PER_INCH,
    SINGLE_COLUMN_MM,
    inches,
)


@dataclass(frozen=True)
class Layout:
    """Sizes in mm of one width of the figure; heights are of single parts, without gaps.

    `letter` is the widest that a base of the logo may be, `ladder` the width of the bars that
    have numbers printed beside them (None: no numbers, bars over the whole column).
    """

    width: float
    left: float
    right: float
    gap: float
    profile: float
    strip: float
    wedge: float
    logo: float
    letter: float
    difference: float
    ladder_row: float
    ladder: float | None
    text_columns: int


_LAYOUTS = {
    DOUBLE_COLUMN_MM: Layout(
        width=DOUBLE_COLUMN_MM,
        left=13.0,
        right=3.0,
        gap=9.0,
        profile=40.0,
        strip=3.2,
        wedge=3.5,
        logo=11.0,
        letter=1.75,
        difference=14.0,
        ladder_row=6.2,
        ladder=40.0,
        text_columns=160,
    ),
    SINGLE_COLUMN_MM: Layout(
        width=SINGLE_COLUMN_MM,
        left=11.5,
        right=2.5,
        gap=7.0,
        profile=30.0,
        strip=3.0,
        wedge=2.8,
        logo=8.0,
        letter=0.72,
        difference=12.0,
        ladder_row=4.6,
        ladder=None,
        text_columns=76,
    ),
}


def choose_layout(width_mm: int) -> Layout:
    """The layout of a journal's column width.

    Raises
    ------
    InputError : a width other than 89 or 183 mm.
    """
    if width_mm not in _LAYOUTS:
        raise InputError(
            f"figure width {width_mm} mm; wanted {SINGLE_COLUMN_MM} (one column) or "
            f"{DOUBLE_COLUMN_MM} (two columns)"
        )
    return _LAYOUTS[width_mm]


def place_axes(
    figure: Figure,
    left: float,
    top: float,
    width: float,
    height: float,
    *,
    sharex: Axes | None = None,
    sharey: Axes | None = None,
) -> Axes:
    """Axes of `width` x `height` mm whose top left corner is `left`, `top` mm from the figure's.

    `sharex` and `sharey` are axes whose limits it follows.
    """
    full_width, full_height = figure.get_size_inches()
    box = (
        inches(left) / full_width,
        1.0 - inches(top + height) / full_height,
        inches(width) / full_width,
        inches(height) / full_height,
    )
    return figure.add_axes(box, sharex=sharex, sharey=sharey)


def wrap_note(text: str, width_mm: float, columns: int) -> list[str]:
    """Lines of a note in the small font: `columns` letters each, or as many fewer as all lines fit.

    Letters differ in width, so a line of many wide ones can be too long; 1 mm is left at each end.
    """
    for n_letters in range(columns, 20, -1):
        lines = textwrap.wrap(text, width=n_letters)
        if all(_measure(line) <= width_mm - 2.0 for line in lines):
            return lines
    return lines


def shorten(text: str, width_mm: float, *, weight: str = "normal") -> str:
    """The text in the small font, its end cut off and an ellipsis there if it is too wide."""
    shown, end = text, len(text)
    while _measure(shown, weight) > width_mm and end > 1:
        end -= 1
        shown = f"{text[:end]}…"
    return shown


def _measure(text: str, weight: str = "normal") -> float:
    """Width of a line in the small font, mm."""
    font = FontProperties(family=FONT, size=FONT_PT, weight=weight)
    width = text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]
    return float(width / 72 * MM_PER_INCH)


def write_at(
    figure: Figure,
    left: float,
    top: float,
    text: str,
    *,
    size: float = FONT_PT,
    weight: str = "normal",
    color: str = INK,
    ha: Literal["left", "center", "right"] = "left",
    va: Literal["top", "center", "bottom", "baseline"] = "baseline",
    rotation: float = 0.0,
) -> None:
    """Text whose anchor is `left`, `top` mm from the figure's top left corner."""
    full_width, full_height = figure.get_size_inches()
    figure.text(
        inches(left) / full_width,
        1.0 - inches(top) / full_height,
        text,
        fontsize=size,
        fontweight=weight,
        color=color,
        ha=ha,
        va=va,
        rotation=rotation,
    )
