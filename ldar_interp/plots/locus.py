"""One locus, from a whole gene down to its letters: p, cuts, residual, motif hits, gene model.

    p          bars on edges, or mean and range of bins where an edge is too narrow to see
    residual   observed minus expected, or any other signed values on edges
    cuts       hard cuts, p > 0.5
    letters    with a box around each token, where a base is wide enough
    hits       a line for each kind of site, + above it and - below it
    genes      exons, introns, strand

`ldar_interp.plots.locus_view` says which scale shows what. Drawn only: values come from a track,
names from annotation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import as_interval, format_region
from ldar_interp.plots.layout import place_axes
from ldar_interp.plots.locus_features import (
    CHARACTER_MM,
    GeneModel,
    draw_genes,
    draw_hits,
    draw_letters,
    list_hits,
    pack_genes,
    shorten,
)
from ldar_interp.plots.locus_signal import draw_cuts, draw_prob, draw_residual
from ldar_interp.plots.locus_view import LocusView, describe_region, label_x, set_x
from ldar_interp.plots.profiles import settle
from ldar_interp.plots.style import (
    DOUBLE_COLUMN_MM,
    FONT_PT,
    INK,
    MM_PER_INCH,
    MUTED_INK,
    TITLE_PT,
    inches,
    publication_style,
)

if TYPE_CHECKING:
    from ldar_interp.sites.gencode import SpliceAnnotation

ROWS = ("prob", "residual", "cuts", "letters", "hits", "genes")
_LEAST_LEFT_MM, _RIGHT_MM, _TOP_MM, _BOTTOM_MM, _GAP_MM = 15.0, 7.5, 6.5, 8.0, 1.6
_NARROW_MM, _NOTE_LINE_MM = 130.0, 3.2
_LABEL_MM = 8.5
_HIT_LINE_MM, _GENE_LINE_MM = 3.4, 5.2


class EdgeValues(Protocol):
    """Values on edges that can be looked up, such as a BoundaryTrack."""

    @property
    def orientations(self) -> tuple[str, ...]:
        """Some of `forward`, `reverse`, `mean`."""

    def gather(self, chrom: str, edges: ArrayLike, orientation: str) -> NDArray[np.float32]:
        """Values at edges; NaN for none."""


@dataclass(frozen=True)
class _Row:
    """What a row is called, its height in mm, and what draws it into its axes."""

    name: str
    height: float
    draw: Callable[[Axes], None]


def plot_locus(
    track: EdgeValues,
    region: Interval | str,
    genome: Genome | str | Path | None = None,
    genes: "SpliceAnnotation | None" = None,
    hits: pd.DataFrame | None = None,
    residual: EdgeValues | None = None,
    axes: Mapping[str, Axes] | None = None,
    *,
    orientation: str | None = None,
    residual_label: str = "observed −\nexpected",
    width_mm: int = DOUBLE_COLUMN_MM,
) -> Figure:
    """Draw boundary probability along a region, with what is known of its sequence.

    Parameters
    ----------
    track : p on edges, in [0, 1], NaN where not evaluated (hatched, never 0).
    region : an Interval or `chr3:42,000,001-42,001,000` (1-based, closed). On the minus strand
        (`Interval(..., "-")` or `chr3:101-200(-)`) it is drawn 5' to 3', so from right to left,
        with the letters of that strand.
    genome : open or the path of a FASTA; gives the letters, drawn from 0.7 mm a base on (on two
        columns of a journal up to about 230 bases).
    genes : of `load_splice_sites`; its genes and exons are drawn.
    hits : a SiteTable of motif hits or other sites, one line a `kind`: boxes of `width_bp` from
        the hit's 5' edge, at least 0.35 mm wide; above the line on +, below it on -.
    residual : values on the same edges, of any sign; a row of its own.
    axes : row name -> Axes for some of `prob`, `residual`, `cuts`, `letters`, `hits`, `genes`:
        draws these rows there and no others. Left out, a new figure holds every row that has
        something to show.
    orientation : `forward`, `reverse` or `mean`; by default that of the region's strand (forward
        without one), or the mean if the track holds only that.
    residual_label : name of the residual's axis.
    width_mm : width of a new figure: 183 and 89 are journal columns.

    Returns
    -------
    Figure that holds the rows, top to bottom in `figure.axes`; each is labelled with its name
    (`ax.get_label()`).

    Raises
    ------
    InputError : text that is no region, an orientation that a track does not hold, no value in
        the region, hits that lack a column, a width under 60 mm, axes of unknown name or without
        anything to show.
    CoordinateError : the track does not have the chromosome, or the genome not the bases.
    """
    interval = as_interval(region)
    if width_mm < 60:
        raise InputError(f"width of {width_mm} mm; wanted 60 or more, such as 89 or 183")
    _check_hits(hits)
    with publication_style():
        view, left = _choose_view(interval, hits, axes, width_mm)
        name = orientation or _choose_orientation(track, interval)
        values = track.gather(interval.chrom, view.edges, name)
        if np.isnan(values).all():
            raise InputError(
                f"track has no {name} value in {format_region(interval)}; extract that region "
                "(extract_regions) or choose one inside the track"
            )
        rows = _list_rows(view, values, genome, genes, hits)
        if residual is not None:
            signed = residual.gather(interval.chrom, view.edges, name)
            row = _Row("residual", 15.0, lambda ax: draw_residual(ax, view, signed, residual_label))
            rows.insert(1, row)
        panels = _new_panels(rows, left, width_mm) if axes is None else _given_panels(axes, rows)
        shown = [row for row in rows if row.name in panels]
        for row in shown:
            ax = panels[row.name]
            ax.set_label(row.name)
            _clear_frame(ax, keep_left=row.name in ("prob", "residual"))
            set_x(ax, view)
            row.draw(ax)
            if row.name in ("prob", "residual"):
                ax.yaxis.set_label_coords(-_LABEL_MM / view.width_mm, 0.5)
        label_x(panels[shown[-1].name], view)
        lift = _NOTE_LINE_MM if view.width_mm < _NARROW_MM and "prob" in panels else 0.0
        title = f"{describe_region(interval)}, {name}"
        _write_above(panels[shown[0].name], title, lift, ha="left", size=TITLE_PT, color=INK)
        figure = panels[shown[0].name].get_figure(root=True)
        assert isinstance(figure, Figure)
        settle(panels[shown[0].name])
    return figure


def _choose_view(
    region: Interval, hits: pd.DataFrame | None, axes: Mapping[str, Axes] | None, width_mm: int
) -> tuple[LocusView, float]:
    """The view, and the left margin of a new figure: as wide as the longest name needs."""
    if axes:
        first = next(iter(axes.values()))
        figure = first.get_figure(root=True)
        assert figure is not None
        width = first.get_position().width * figure.get_size_inches()[0] / inches(1)
        return LocusView(region, float(width)), 0.0
    kinds = [] if hits is None else hits.loc[hits["chrom"] == region.chrom, "kind"].unique()
    longest = max((len(shorten(str(kind))) for kind in kinds), default=0)
    left = max(_LEAST_LEFT_MM, CHARACTER_MM * longest + 2.0)
    return LocusView(region, width_mm - left - _RIGHT_MM), left


def _choose_orientation(track: EdgeValues, region: Interval) -> str:
    wanted = "reverse" if region.strand == "-" else "forward"
    return "mean" if wanted not in track.orientations and "mean" in track.orientations else wanted


def _list_rows(
    view: LocusView,
    values: NDArray[np.float32],
    genome: Genome | str | Path | None,
    genes: "SpliceAnnotation | None",
    hits: pd.DataFrame | None,
) -> list[_Row]:
    """Rows with something to show, top to bottom."""

    def prob(ax: Axes) -> None:
        note = draw_prob(ax, view, values)
        if np.isnan(values).any():
            note += "; hatched: not evaluated"
        _write_above(ax, note, 0.0, ha="right", size=FONT_PT, color=MUTED_INK)

    def cuts(ax: Axes) -> None:
        _name_row(ax, draw_cuts(ax, view, values))

    rows = [_Row("prob", 26.0, prob), _Row("cuts", 2.6 if view.detail != "bins" else 6.0, cuts)]
    if genome is not None and view.detail == "letters":
        with borrow_genome(genome) as opened:
            region = view.region
            ids = opened.fetch(region.chrom, region.start, region.end)
        rows.append(_Row("letters", 4.2, lambda ax: draw_letters(ax, view, ids, values)))
    found = None if hits is None else list_hits(hits, view)
    if found is not None and len(found):
        kinds = [str(kind) for kind in found["kind"].unique()]
        rows.append(
            _Row("hits", _HIT_LINE_MM * len(kinds), lambda ax: draw_hits(ax, view, found, kinds))
        )
    packed: list[GeneModel] = [] if genes is None else pack_genes(genes.genes, view)
    if genes is not None and packed:
        exons = genes.exons
        n_lines = 1 + max(gene.row for gene in packed)
        height = _GENE_LINE_MM * n_lines + 1.0
        rows.append(_Row("genes", height, lambda ax: draw_genes(ax, view, packed, exons)))
    return rows


def _new_panels(rows: list[_Row], left: float, width_mm: int) -> dict[str, Axes]:
    """Rows under each other in a new pyplot figure, so that notebooks show it."""
    import matplotlib.pyplot as plt  # slow to import, and needed only without `axes`

    above = _TOP_MM + (_NOTE_LINE_MM if width_mm - left - _RIGHT_MM < _NARROW_MM else 0.0)
    height = above + sum(row.height + _GAP_MM for row in rows) - _GAP_MM + _BOTTOM_MM
    figure = plt.figure(figsize=(inches(width_mm), inches(height)))
    panels, top = {}, above
    for row in rows:
        width = width_mm - left - _RIGHT_MM
        panels[row.name] = place_axes(figure, left, top, width, row.height)
        top += row.height + _GAP_MM
    return panels


def _given_panels(axes: Mapping[str, Axes], rows: list[_Row]) -> dict[str, Axes]:
    """The caller's axes, in the order of the rows."""
    there = [row.name for row in rows]
    for name in axes:
        if name not in ROWS:
            raise InputError(f"axes has a row {name!r}; wanted some of {', '.join(ROWS)}")
        if name not in there:
            raise InputError(
                f"axes has a row {name!r} but this view has only {', '.join(there)}; give what "
                "the row shows, or leave the row out"
            )
    if not axes:
        raise InputError("axes is empty; wanted at least one row, such as {'prob': ax}")
    return {name: axes[name] for name in there if name in axes}


def _clear_frame(ax: Axes, *, keep_left: bool) -> None:
    """No x ticks and no box; rows that have a scale keep their left spine."""
    ax.tick_params(labelbottom=False, bottom=False)
    for side in ("top", "right", "bottom"):
        ax.spines[side].set_visible(False)
    ax.spines["left"].set_visible(keep_left)


def _write_above(
    ax: Axes, text: str, lift_mm: float, *, ha: Literal["left", "right"], size: float, color: str
) -> None:
    """Text over the left or right end of a row, `lift_mm` above its usual place."""
    ax.annotate(
        text,
        (0.0 if ha == "left" else 1.0, 1.0),
        xytext=(0, 4 + lift_mm * 72 / MM_PER_INCH),
        xycoords="axes fraction",
        textcoords="offset points",
        ha=ha,
        va="baseline",
        fontsize=size,
        color=color,
        annotation_clip=False,
    )


def _name_row(ax: Axes, name: str) -> None:
    """The name of a row too low for one along its axis, level with it on its left."""
    ax.set_ylabel(name, rotation=0, ha="right", va="center", labelpad=4)


def _check_hits(hits: pd.DataFrame | None) -> None:
    if hits is None:
        return
    missing = [name for name in ("chrom", "edge", "strand", "kind") if name not in hits.columns]
    if missing:
        raise InputError(
            f"hits lack the column {missing[0]!r}; wanted a SiteTable (docs/contracts.md)"
        )
