"""Names beside points of a scatter, so that none covers a name, a marked point or a line.

Each name tries places around its point, near ones first, and is left out if none is free.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.transforms import Bbox

from ldar_interp.plots.style import HAIRLINE_PT, MUTED_INK

_DISTANCES_PT = (2.8, 6.0, 10.0, 15.0, 21.0, 28.0)
_DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_LEADER_FROM_PT = 6.0
_NAME_PAD_PT = 1.6
"""Room between two names in a line."""
_POINT_PT = 1.6
"""Half the side of the square that a marked point keeps free of names."""


class Point(NamedTuple):
    """A point in data units and its name."""

    x: float
    y: float
    name: str


def name_points(ax: Axes, points: Sequence[Point], *, most: int, prefix: str) -> list[str]:
    """Write names beside the first points that have room, at most `most`.

    Parameters
    ----------
    ax : axes whose limits and place in the figure are final.
    points : marked points, the most important first; all of them are kept free of names.
    prefix : start of the gid of each name, `prefix-NAME`.

    Returns
    -------
    The names that were written.
    """
    if not points or most < 1:
        return []
    figure = ax.get_figure(root=True)
    assert figure is not None
    pixel = figure.dpi / 72.0
    where = ax.transData.transform([(point.x, point.y) for point in points])
    half = _POINT_PT * pixel
    marked = [Bbox.from_extents(x - half, y - half, x + half, y + half) for x, y in where]
    names: list[Bbox] = []
    leaders: list[Path] = []
    frame = ax.get_window_extent()
    written: list[str] = []
    for (x, y), own_mark, point in zip(where, marked, points, strict=True):
        if len(written) == most:
            break
        text = ax.text(point.x, point.y, point.name, ha="left", va="bottom", zorder=4)
        own = text.get_window_extent()
        # Points that crowd this one are crossed by any line from it.
        elsewhere = [other for other in marked if not other.overlaps(own_mark)]
        for distance, box in _try_places(x, y, own.width, own.height, pixel):
            leader = Path([(x, y), (min(max(x, box.x0), box.x1), min(max(y, box.y0), box.y1))])
            has_leader = distance >= _LEADER_FROM_PT
            if (
                not (frame.x0 <= box.x0 and box.x1 <= frame.x1)
                or not (frame.y0 <= box.y0 and box.y1 <= frame.y1)
                or any(box.overlaps(other) for other in [*marked, *names])
                or any(other.intersects_bbox(box) for other in leaders)
                or (has_leader and any(leader.intersects_path(p, filled=False) for p in leaders))
                or (has_leader and any(map(leader.intersects_bbox, [*names, *elsewhere])))
            ):
                continue
            # From the box that was measured: a text's anchor is not quite its box's corner.
            to_data = ax.transData.inverted().transform
            text.set_position(tuple(to_data((x + box.x0 - own.x0, y + box.y0 - own.y0))))
            text.set_gid(f"{prefix}-{point.name}")
            if has_leader:
                leaders.append(leader)
                ends = to_data(leader.vertices)
                line = ax.plot(ends[:, 0], ends[:, 1], color=MUTED_INK, linewidth=HAIRLINE_PT)[0]
                line.set(zorder=1, gid=f"leader-{point.name}")
            pad = _NAME_PAD_PT * pixel
            names.append(Bbox.from_extents(box.x0 - pad, box.y0, box.x1 + pad, box.y1))
            written.append(point.name)
            break
        else:
            text.remove()
    return written


def _try_places(
    x: float, y: float, width: float, height: float, pixel: float
) -> Iterator[tuple[float, Bbox]]:
    """Boxes of that size around a point (pixels), each with its distance in pt."""
    for distance in _DISTANCES_PT:
        gap = distance * pixel
        for dx, dy in _DIRECTIONS:
            reach = gap if dx == 0 or dy == 0 else gap / 1.4142
            x0 = x + dx * reach - (width / 2 if dx == 0 else width if dx < 0 else 0.0)
            y0 = y + dy * reach - (height / 2 if dy == 0 else height if dy < 0 else 0.0)
            yield distance, Bbox.from_bounds(x0, y0, width, height)
