"""Places where a motif could stand, hits and controls alike, and what surrounds them.

Places of many motifs are measured together in the order of the genome, so that its sequence is
read once and not once for each motif.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.covariates import MATCHED, SequenceSums, measure_composition
from ldar_interp.sites.find_hits import score_at
from ldar_interp.sites.loci import AnnotatedEdges
from ldar_interp.sites.measured_sites import read_site_letters
from ldar_interp.sites.score_distribution import UNITS_PER_BIT, MotifScores

MOTIF_COVARIATES = (*MATCHED, "nearest_tss_bp")
"""Columns of every balance table of motifs; the last is reported and never matched.

`strength` is the score in bits by the motif's own matrix, in controls of every rung too; the others
are those of splice sites, around the place's edge."""

_ROWS_AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class Places:
    """Places of several motifs, (n,) each.

    `motif` numbers the motifs that were scanned, `chrom` the genome's chromosomes, `window` the
    promoters (-1 where there is none); `edge` is the place's 5' border on its own strand; `units`
    the score, in hundredths of a bit, by the matrix that found it.
    """

    motif: NDArray[np.int64]
    chrom: NDArray[np.int64]
    edge: NDArray[np.int64]
    is_minus: NDArray[np.bool_]
    units: NDArray[np.int64]
    window: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.edge)

    def select(self, rows: NDArray[np.bool_] | NDArray[np.int64]) -> "Places":
        """Some of the places, in the order asked for."""
        return Places(*(getattr(self, field.name)[rows] for field in fields(self)))


def join_places(parts: Sequence[Places]) -> Places:
    """Places one after the other."""
    none = np.empty(0, dtype=np.int64)
    empty = Places(none, none, none, none.astype(bool), none, none)
    return Places(
        *(
            np.concatenate([getattr(part, field.name) for part in (empty, *parts)])
            for field in fields(Places)
        )
    )


def measure_places(
    genome: Genome,
    places: Places,
    motifs: Sequence[MotifScores],
    known: AnnotatedEdges,
    flank_bp: int,
) -> NDArray[np.float64]:
    """Covariates of places, float64 (n, 8) in the order of `MOTIF_COVARIATES`.

    Rows whose bases [edge - flank, edge + flank) leave the sequence or hold N are NaN throughout.
    `flank_bp` is at least as long as every motif and 100. `known` are the transcription starts.
    """
    values = np.full((len(places), len(MOTIF_COVARIATES)), np.nan)
    names = np.array(genome.chroms, dtype=object)
    order = np.lexsort((places.edge, places.chrom))
    for first in range(0, len(order), _ROWS_AT_ONCE):
        rows = order[first : first + _ROWS_AT_ONCE]
        some = places.select(rows)
        table = pd.DataFrame(
            {
                "chrom": names[some.chrom],
                "edge": some.edge,
                "strand": np.where(some.is_minus, "-", "+"),
            }
        )
        letters = read_site_letters(table, genome, flank_bp)
        rows, some = rows[letters.usable], some.select(letters.usable)
        ids, mask = letters.ids[letters.usable], letters.soft_mask[letters.usable]
        # Windows laid end to end: no covariate reaches farther than its own window.
        sums = SequenceSums(ids.ravel(), mask.ravel())
        middle = np.arange(len(rows)) * 2 * flank_bp + flank_bp
        values[rows, 1 : len(MATCHED)] = measure_composition(sums, middle)
        for number in np.unique(some.motif).tolist():
            own = some.motif == number
            units = motifs[number].units
            windows = ids[own, flank_bp : flank_bp + len(units)]
            values[rows[own], 0] = score_at(units, windows) / UNITS_PER_BIT
        for number in np.unique(some.chrom).tolist():
            here = some.chrom == number
            values[rows[here], -1] = known.distance(str(names[number]), some.edge[here])
    return values
