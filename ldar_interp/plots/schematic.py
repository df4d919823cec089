"""What lies under a profile's axis: exon and intron at scale, then the magnified logo."""

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ldar_interp.plots.layout import Layout, place_axes
from ldar_interp.plots.logos import LogoCounts, plot_logo
from ldar_interp.plots.style import HAIRLINE, HAIRLINE_PT, INK, MUTED_INK

EXON_FILL = "#E4E4E4"
EXON_IS_UPSTREAM = {"donor": True, "acceptor": False}
LOGO_AXIS_MM = 4.5


def draw_schematic(
    figure: Figure, layout: Layout, left: float, top: float, width: float, kind: str, above: Axes
) -> Axes:
    """A box for the exon and a line for the intron, on the x range of the profile `above`."""
    low, high = above.get_xlim()
    ax = place_axes(figure, left, top, width, layout.strip)
    ax.set(xlim=(low, high), ylim=(0, 1))
    ax.axis("off")
    upstream = EXON_IS_UPSTREAM[kind]
    exon = (low, 0.0) if upstream else (0.0, high)
    intron = (0.0, high) if upstream else (low, 0.0)
    ax.add_patch(
        Rectangle((exon[0], 0.06), exon[1] - exon[0], 0.88, facecolor=EXON_FILL, linewidth=0)
    )
    ax.text(sum(exon) / 2, 0.46, "exon", ha="center", va="center", color=INK)
    label = ax.text(
        sum(intron) / 2, 0.46, "intron", ha="center", va="center", color=MUTED_INK, zorder=3
    )
    label.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1.0})
    ax.plot(intron, [0.5, 0.5], color=MUTED_INK, linewidth=2 * HAIRLINE_PT, zorder=1)
    return ax


def place_logo(
    figure: Figure,
    layout: Layout,
    left: float,
    top: float,
    width: float,
    logo: LogoCounts,
    above: Axes,
    window: tuple[int, int],
    *,
    label_y: bool,
) -> Axes:
    """The logo with its edge exactly under the profile's, and the wedge that says it is magnified.

    The scale is the layout's letter width, or less where the panel has no room for it.
    """
    low, high = above.get_xlim()
    start, end = max(window[0], round(low)), min(window[1], round(high))
    zero_mm = width * (0.0 - low) / (high - low)
    letter = min(
        layout.letter,
        (zero_mm - 3.0) / -start if start < 0 else layout.letter,
        (width - zero_mm) / end if end > 0 else layout.letter,
    )
    ax = place_axes(
        figure,
        left + zero_mm + start * letter,
        top + layout.wedge,
        (end - start) * letter,
        layout.logo,
    )
    plot_logo(logo.counts, logo.offsets, ax, window=(start, end))
    ax.set_xticks([x for x in range(-100, 101, 10) if start <= x <= end])
    ax.set_yticks([0, 1, 2])
    ax.tick_params(labelleft=label_y)
    ax.tick_params(axis="x", pad=3.0)
    if label_y:
        ax.set_ylabel("bits")
    wedge = place_axes(figure, left, top, width, layout.wedge)
    wedge.set(xlim=(0, width), ylim=(0, 1))
    wedge.axis("off")
    mm_per_bp = width / (high - low)
    for edge in (start, 0, end):
        wedge.plot(
            [zero_mm + edge * mm_per_bp, zero_mm + edge * letter],
            [1, 0],
            color=HAIRLINE,
            linewidth=HAIRLINE_PT,
        )
    return ax
