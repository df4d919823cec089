"""Rows of a locus view that show what is known of the sequence: letters, motif hits, genes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection, PolyCollection
from matplotlib.font_manager import FontProperties
from matplotlib.patches import Patch, PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D
from numpy.typing import NDArray

from ldar_interp.boundaries.tokens import find_cuts
from ldar_interp.genome.alphabet import decode
from ldar_interp.plots.locus_view import LocusView
from ldar_interp.plots.logos import BASE_COLOURS
from ldar_interp.plots.style import INK, MUTED_INK

HIT_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
GENE = "#33475B"
TOKEN = "#DCE5EE"
LETTER_MM = 2.0
CHARACTER_MM = 1.3
_LETTER_HEIGHT = 0.62
_POINT_MM = 0.9
_LEAST_HIT_MM = 0.35
_CHEVRON_MM = 6.0
_COMPLEMENT = str.maketrans("ACGT", "TGCA")


def draw_letters(
    ax: Axes, view: LocusView, ids: NDArray[np.uint8], values: NDArray[np.float32]
) -> None:
    """Letters of the strand that is drawn, on a box for each token between hard cuts.

    Letters are outlines as wide as a base, so that they can be narrower than the smallest type.
    A token that holds an edge without value has no box.
    """
    ax.set_ylim(0, 1)
    ax.set_yticks([])
    _draw_tokens(ax, view, values)
    text = decode(ids).translate(_COMPLEMENT) if view.is_reversed else decode(ids)
    width = min(0.86, view.bp(LETTER_MM))
    bases = view.edges[:-1] + 0.5
    for letter in sorted(set(text)):
        outline = _unit_letter(letter)
        # An axis from right to left would show letters in a mirror: mirror them before.
        turn = Affine2D().scale(-width if view.is_reversed else width, _LETTER_HEIGHT)
        shapes: list[Patch] = [
            PathPatch(outline.transformed(turn + Affine2D().translate(x, 0.5)))
            for x, one in zip(bases.tolist(), text, strict=True)
            if one == letter
        ]
        colour = BASE_COLOURS.get(letter, MUTED_INK)
        ax.add_collection(
            PatchCollection(
                shapes, facecolors=colour, linewidths=0, zorder=2, gid=f"letters-{letter}"
            ),
            autolim=False,
        )


def _unit_letter(letter: str) -> Path:
    """The outline of a letter in a box of width and height 1 around the origin."""
    outline = TextPath(
        (0, 0), letter, size=10, prop=FontProperties(family="DejaVu Sans", weight="bold")
    )
    box = outline.get_extents()
    middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
    to_unit = Affine2D().translate(-middle[0], -middle[1]).scale(1 / box.width, 1 / box.height)
    return outline.transformed(to_unit)


def _draw_tokens(ax: Axes, view: LocusView, values: NDArray[np.float32]) -> None:
    """Boxes between neighbouring cuts; those at the ends of the view are cut off by it."""
    low, high = view.region.start, view.region.end
    cuts = [x for x in find_cuts(values, low).tolist() if low < x < high]
    gap = min(0.1, view.bp(0.3))
    boxes: list[Patch] = []
    for left, right in zip([low, *cuts], [*cuts, high], strict=True):
        inside = values[left - low + 1 : right - low]
        if not np.isnan(inside).any():
            boxes.append(Rectangle((left + gap, 0.02), right - left - 2 * gap, 0.96))
    ax.add_collection(
        PatchCollection(boxes, facecolors=TOKEN, linewidths=0, zorder=0.5, gid="tokens"),
        autolim=False,
    )


def list_hits(hits: pd.DataFrame, view: LocusView) -> pd.DataFrame:
    """Hits that share a base with the region (or, without a width, an edge): with `start`, `end`.

    A hit on + covers [edge, edge + width), one on - [edge - width, edge).
    """
    edge = hits["edge"].to_numpy(dtype=np.int64)
    width = np.zeros(len(hits), dtype=np.int64)
    if "width_bp" in hits.columns:
        width = hits["width_bp"].fillna(0).to_numpy(dtype=np.int64)
    is_minus = (hits["strand"] == "-").to_numpy()
    start = np.where(is_minus, edge - width, edge)
    end = start + width
    region = view.region
    inside = np.where(
        width > 0,
        (start < region.end) & (end > region.start),
        (edge >= region.start) & (edge <= region.end),
    )
    on_chrom = (hits["chrom"] == region.chrom).to_numpy()
    return hits.assign(start=start, end=end)[inside.astype(bool) & on_chrom]


def draw_hits(ax: Axes, view: LocusView, hits: pd.DataFrame, kinds: Sequence[str]) -> None:
    """A line a kind, named at the left; boxes above it on + and below it on -, pointing 3'."""
    n = len(kinds)
    ax.set_ylim(n - 0.5, -0.5)
    ax.set_yticks(range(n), [shorten(kind) for kind in kinds])
    ax.tick_params(axis="y", length=0)
    ax.hlines(range(n), view.region.start, view.region.end, color="#DDDDDD", linewidth=0.5,
              zorder=0.5)  # fmt: skip
    for row, kind in enumerate(kinds):
        boxes = [
            _pentagon(view, int(start), int(end), strand, row)
            for start, end, strand in hits.loc[
                hits["kind"] == kind, ["start", "end", "strand"]
            ].itertuples(index=False)
        ]
        colour = HIT_COLOURS[row % len(HIT_COLOURS)]
        ax.add_collection(
            PolyCollection(boxes, facecolors=colour, linewidths=0, zorder=2, gid=f"hits-{kind}"),
            autolim=False,
        )


def _pentagon(
    view: LocusView, start: int, end: int, strand: str, row: int
) -> list[tuple[float, float]]:
    """Corners of a box that points 3', at least as wide as can be seen."""
    middle, half = (start + end) / 2, max((end - start) / 2, view.bp(_LEAST_HIT_MM) / 2)
    left, right = middle - half, middle + half
    top, bottom = (row - 0.44, row - 0.06) if strand == "+" else (row + 0.06, row + 0.44)
    point = min(view.bp(_POINT_MM), half)
    if view.bp(2 * _POINT_MM) > 2 * half:
        point = 0.0
    if strand == "+":
        tip = (right, (top + bottom) / 2)
        return [(left, top), (right - point, top), tip, (right - point, bottom), (left, bottom)]
    tip = (left, (top + bottom) / 2)
    return [(right, top), (left + point, top), tip, (left + point, bottom), (right, bottom)]


@dataclass(frozen=True)
class GeneModel:
    """The visible part [start, end) of a gene and the line that it is drawn on."""

    gene_id: str
    label: str
    strand: str
    start: int
    end: int
    row: int


def pack_genes(genes: pd.DataFrame, view: LocusView) -> list[GeneModel]:
    """Genes that share a base with the region, on as few lines as their names leave room for.

    A name begins at the left end of the visible part, as drawn, and may be longer than it.
    """
    region = view.region
    shown = genes[
        (genes["chrom"] == region.chrom)
        & (genes["start"] < region.end)
        & (genes["end"] > region.start)
    ]
    ends: list[float] = []
    packed = []
    parts = []
    for start, end, strand, gene_id, name in shown[
        ["start", "end", "strand", "gene_id", "gene_name"]
    ].itertuples(index=False):
        first, last = max(int(start), region.start), min(int(end), region.end)
        arrow = "→" if (strand == "+") != view.is_reversed else "←"
        label = f"{name if pd.notna(name) else gene_id} {arrow}"
        left = region.end - last if view.is_reversed else first - region.start
        parts.append((left, last - first, label, str(gene_id), str(strand), first, last))
    for left, size, label, gene_id, strand, first, last in sorted(parts):
        room = view.width_mm - left * view.mm_per_bp
        begin = left - max(0.0, view.bp(len(label) * CHARACTER_MM - room))
        reach = max(left + size, begin + view.bp(len(label) * CHARACTER_MM)) + view.bp(2.0)
        row = next((i for i, end in enumerate(ends) if end <= begin), len(ends))
        ends[row : row + 1] = [reach]
        packed.append(GeneModel(gene_id, label, strand, first, last, row))
    return packed


def draw_genes(ax: Axes, view: LocusView, packed: Sequence[GeneModel], exons: pd.DataFrame) -> None:
    """Exons as boxes, introns as a line with chevrons towards 3', the name above its left end."""
    n_rows = 1 + max(gene.row for gene in packed)
    ax.set_ylim(n_rows + 0.19, 0)
    ax.set_yticks([])
    lines, chevrons = [], []
    boxes: list[Patch] = []
    for gene in packed:
        y = gene.row + 0.72
        lines.append([(gene.start, y), (gene.end, y)])
        chevrons += _chevrons(view, gene, y)
        own = exons[
            (exons["gene_id"] == gene.gene_id)
            & (exons["chrom"] == view.region.chrom)
            & (exons["strand"] == gene.strand)
            & (exons["start"] < gene.end)
            & (exons["end"] > gene.start)
        ]
        for start, end in own[["start", "end"]].itertuples(index=False):
            first, last = max(int(start), gene.start), min(int(end), gene.end)
            boxes.append(Rectangle((first, y - 0.2), last - first, 0.4))
        left = gene.end if view.is_reversed else gene.start
        offset = view.region.end - left if view.is_reversed else left - view.region.start
        fits = view.width_mm - offset * view.mm_per_bp >= len(gene.label) * CHARACTER_MM
        right = view.region.start if view.is_reversed else view.region.end
        ax.text(
            left if fits else right,
            gene.row + 0.24,
            gene.label,
            ha="left" if fits else "right",
            va="center",
            color=INK,
            fontstyle="italic",
        )
    ax.add_collection(
        LineCollection(lines, colors=GENE, linewidths=0.6, zorder=1, gid="introns"), autolim=False
    )
    ax.add_collection(
        LineCollection(chevrons, colors=GENE, linewidths=0.6, zorder=1, gid="chevrons"),
        autolim=False,
    )
    # Outlined, so that an exon narrower than a printed dot is still there.
    ax.add_collection(
        PatchCollection(
            boxes, facecolors=GENE, edgecolors=GENE, linewidths=0.35, zorder=2, gid="exons"
        ),
        autolim=False,
    )


def _chevrons(view: LocusView, gene: GeneModel, y: float) -> list[list[tuple[float, float]]]:
    """Small angles along a gene that point 3'."""
    step = view.bp(_CHEVRON_MM)
    back = view.bp(0.55) * (-1 if gene.strand == "+" else 1)
    n = int((gene.end - gene.start) / step)
    middles = gene.start + (np.arange(n) + 0.5) * (gene.end - gene.start) / max(n, 1)
    return [[(x + back, y - 0.11), (x, y), (x + back, y + 0.11)] for x in middles.tolist()]


def shorten(name: str, most: int = 16) -> str:
    """A name with at most so many characters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"
