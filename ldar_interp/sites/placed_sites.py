"""Sites seen from their anchor: letters, GC and number, and the covariates of any place.

Everything is read 5' to 3' of a place's own strand, in windows that `read_site_letters` cuts.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.genome.alphabet import C, G
from ldar_interp.sites.covariates import COMPOSITION, WIDE_BP, SequenceSums, measure_composition
from ldar_interp.sites.letter_pools import Frame
from ldar_interp.sites.letter_search import PlaceHash, encode_letters
from ldar_interp.sites.loci import AnnotatedEdges, lies_within
from ldar_interp.sites.measured_sites import read_site_letters

if TYPE_CHECKING:
    from ldar_interp.genome.fasta import Genome

KEPT_LETTERS = 8
"""Letters on each side of the anchor that are kept for `PlacedSites.encode`."""
_PLACES_AT_ONCE = 8192


@dataclass(frozen=True)
class PlacedSites:
    """Sites row by row; all arrays are (n,).

    `letters` (n, 2 * KEPT_LETTERS) are those around the anchor, `gc` counts G and C in the 200 bp
    around it, `number` is the site's own from `letter_search.PlaceHash`. Where not `usable` (the
    flank leaves the sequence or holds N) the three mean nothing. `borders` are the edges, and for
    motifs the far ends too, with columns `chrom` and `edge`.
    """

    table: pd.DataFrame
    kind: NDArray[np.object_]
    edge: NDArray[np.int64]
    anchor: NDArray[np.int64]
    minus: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    letters: NDArray[np.uint8]
    gc: NDArray[np.int32]
    number: NDArray[np.uint64]
    borders: pd.DataFrame

    def rows_of(self, kind: str) -> NDArray[np.int64]:
        """Usable rows of one kind."""
        return np.flatnonzero((self.kind == kind) & self.usable)

    def encode(self, left: int, right: int) -> NDArray[np.int64]:
        """Numbers of the letters `left` before and `right` after the anchor, -1 if not usable."""
        code = encode_letters(self.letters[:, KEPT_LETTERS - left : KEPT_LETTERS + right])
        return np.where(self.usable, code, -1)


def place_sites(
    table: pd.DataFrame, genome: "Genome", frames: dict[str, Frame], seed: int
) -> PlacedSites:
    """Find the anchors of sites and read what stands around them.

    Raises
    ------
    CoordinateError : a site lies on a chromosome that the genome does not have.
    """
    n = len(table)
    kind = table["kind"].to_numpy(dtype=object)
    edge = table["edge"].to_numpy(dtype=np.int64)
    minus = (table["strand"] == "-").to_numpy()
    anchor, far = edge.copy(), edge.copy()
    usable = np.zeros(n, dtype=bool)
    letters = np.zeros((n, 2 * KEPT_LETTERS), dtype=np.uint8)
    gc, number = np.zeros(n, dtype=np.int32), np.zeros(n, dtype=np.uint64)
    for name, frame in frames.items():
        of_kind = np.flatnonzero(kind == name)
        anchor[of_kind] = frame.anchors_of(edge[of_kind], minus[of_kind])
        low, high = frame.borders_of(edge[of_kind], minus[of_kind])
        far[of_kind] = np.where(minus[of_kind], low, high)
        reach = frame.reach_bp
        for start in range(0, len(of_kind), _PLACES_AT_ONCE):
            rows = of_kind[start : start + _PLACES_AT_ONCE]
            windows = read_site_letters(table.iloc[rows].assign(edge=anchor[rows]), genome, reach)
            usable[rows] = windows.usable
            ids = windows.ids
            letters[rows] = ids[:, reach - KEPT_LETTERS : reach + KEPT_LETTERS]
            near = ids[:, reach - WIDE_BP : reach + WIDE_BP]
            gc[rows] = ((near == C) | (near == G)).sum(axis=1)
            # Windows end to end: 32 letters never reach beyond a window of at least 100.
            middle = np.arange(len(rows), dtype=np.int64) * ids.shape[1] + reach
            number[rows] = PlaceHash(ids.ravel(), seed)(middle, np.zeros(len(rows), dtype=bool))
    borders = pd.DataFrame(
        {"chrom": np.tile(table["chrom"], 2), "edge": np.concatenate([edge, far])}
    )
    return PlacedSites(table, kind, edge, anchor, minus, usable, letters, gc, number, borders)


class PlaceMeter:
    """Measures the covariates of places, sites and controls alike.

    Parameters
    ----------
    genome : where the letters come from.
    annotated : edges for `nearest_edge_bp`, the distance to the nearest other one.
    exons : sorted, disjoint intervals (n, 2) of each chromosome; None leaves `exonic` out.
    """

    def __init__(
        self,
        genome: "Genome",
        annotated: AnnotatedEdges,
        exons: dict[str, NDArray[np.int64]] | None,
    ) -> None:
        self._genome, self._annotated, self._exons = genome, annotated, exons
        self.names = (*COMPOSITION, "nearest_edge_bp", *(() if exons is None else ("exonic",)))

    def measure(
        self,
        chrom: NDArray[np.object_],
        edge: NDArray[np.int64],
        anchor: NDArray[np.int64],
        minus: NDArray[np.bool_],
    ) -> NDArray[np.float64]:
        """Covariates (n, names): composition around the anchor, the others at the edge.

        Composition is NaN where its 200 bp leave the sequence or hold N.
        """
        values = np.full((len(edge), len(self.names)), np.nan)
        table = pd.DataFrame({"chrom": chrom, "edge": anchor, "strand": np.where(minus, "-", "+")})
        # In the order of the genome, so that each stretch of it is read about once.
        order = np.lexsort((anchor, chrom.astype(str)))
        for start in range(0, len(edge), _PLACES_AT_ONCE):
            rows = order[start : start + _PLACES_AT_ONCE]
            windows = read_site_letters(table.iloc[rows], self._genome, WIDE_BP)
            sums = SequenceSums(windows.ids.ravel(), windows.soft_mask.ravel())
            middle = np.arange(len(rows), dtype=np.int64) * 2 * WIDE_BP + WIDE_BP
            composition = measure_composition(sums, middle)
            composition[~windows.usable] = np.nan
            values[rows, : len(COMPOSITION)] = composition
        for name in np.unique(chrom.astype(str)).tolist():
            here = np.flatnonzero(chrom == name)
            distance = self._annotated.distance_to_other(name, edge[here])
            values[here, len(COMPOSITION)] = distance
            if self._exons is not None:
                none = np.empty((0, 2), dtype=np.int64)
                values[here, -1] = lies_within(edge[here], self._exons.get(name, none))
        return values
