"""How far from a window's end is p the same as in the middle of another window?

Three windows a locus, shifted by half their length: an edge at distance d from the end of one lies
at least a quarter of the length inside another. |dp| over d says which margin is worth dropping.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.extract import run_router
from ldar_interp.boundaries.workers import one_thread
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.ldarnet import LDARNet

STEP_BP = 16
TOLERANCE = 5e-3
"""Of the mean |dp|: a tenth of the smallest effect that the demo region can show (about 0.05)."""

_TRIES_A_LOCUS = 50


class NoStretchError(InputError):
    """The genome has no stretch without N that is long enough to measure on."""


@dataclass(frozen=True)
class Consistency:
    """Offset consistency of a model on a genome.

    Attributes
    ----------
    margin_bp : the smallest multiple of 16 bp beyond which the mean |dp| stays within `tolerance`
        in every bin, up to a quarter of the window.
    reached : False if no such margin exists; `margin_bp` is then a quarter of the window.
    table : `distance_bp` (lower end of a 16-bp bin), `mean_abs_dp`, `max_abs_dp`, `flip_rate`
        (share of edges whose hard boundary differs), `n_edges`.
    strand_difference : mean |p(forward) - p(reverse)| on the same edges in window centres: the
        model is not symmetric under reverse complement.
    tolerance : of the mean |dp|.
    n_loci : loci measured.
    """

    margin_bp: int
    reached: bool
    table: pd.DataFrame
    strand_difference: float
    tolerance: float
    n_loci: int

    def summary(self) -> dict[str, float | int | bool]:
        """For provenance: the margin, and |dp| beyond it.

        If no margin reached the tolerance, |dp| of the farthest bin that was measured.
        """
        beyond = self.table[self.table["distance_bp"] >= self.margin_bp]
        if not len(beyond):
            beyond = self.table.tail(1)
        weights = beyond["n_edges"].to_numpy(dtype=np.float64)
        mean = float(np.average(beyond["mean_abs_dp"], weights=weights))
        return {
            "margin_bp": self.margin_bp,
            "margin_reached_tolerance": self.reached,
            "tolerance": self.tolerance,
            "mean_abs_dp_beyond_margin": mean,
            "max_abs_dp_beyond_margin": float(beyond["max_abs_dp"].max()),
            "mean_abs_dp_strands": self.strand_difference,
            "n_loci": self.n_loci,
        }


def measure_consistency(
    model: LDARNet,
    genome: Genome,
    *,
    n_loci: int = 12,
    tolerance: float = TOLERANCE,
    seed: int = 0,
    dtype: str = "float32",
) -> Consistency:
    """Measure |dp| between shifted windows and choose the margin.

    Parameters
    ----------
    model : from `load_model`.
    genome : open. Loci are different stretches without N, twice as long as the model's window.
    n_loci : loci to draw; fewer are measured where the genome has no more.
    tolerance : largest mean |dp| beyond the margin.
    seed : of the draw.
    dtype : see `predict_boundaries`.

    Returns
    -------
    Consistency : the margin, whether it reached the tolerance, and |dp| by distance.

    Raises
    ------
    NoStretchError : no such stretch in the genome.
    InputError : windows of the model are too short to have a middle.
    """
    length = model.config.train_length
    if length < 4 * STEP_BP:
        raise InputError(
            f"windows of {length} bp are too short to measure a margin; wanted a model with "
            f"train_length >= {4 * STEP_BP}: give a margin instead"
        )
    half = length // 2
    loci = _draw_loci(genome, 2 * length, n_loci, np.random.default_rng([seed, 3]))
    windows = np.stack(
        [ids[shift : shift + length] for ids in loci for shift in (0, half, 2 * half)]
    )
    with one_thread(next(model.parameters()).device.type):
        prob = np.concatenate(
            [run_router(model, windows[i : i + 6], dtype=dtype) for i in range(0, len(windows), 6)]
        ).reshape(len(loci), 3, length)
        turned = reverse_complement(windows.reshape(len(loci), 3, length)[:, 1])
        mirrored = np.concatenate([run_router(model, ids[None], dtype=dtype) for ids in turned])
    reach = length // 4
    distance = np.arange(1, reach)
    # Edge d of the second window is edge half + d of the first, and edge length - d of the
    # second is edge length - half - d of the third.
    pairs = [
        (prob[:, 1, distance], prob[:, 0, half + distance]),
        (prob[:, 1, length - distance], prob[:, 2, length - half - distance]),
    ]
    gap = np.concatenate([np.abs(a - b) for a, b in pairs])
    flips = np.concatenate([(a > 0.5) != (b > 0.5) for a, b in pairs])
    rows = []
    for low in range(0, reach, STEP_BP):
        inside = (distance >= low) & (distance < low + STEP_BP)
        part = gap[:, inside]
        rows.append((low, part.mean(), part.max(), flips[:, inside].mean(), part.size))
    table = pd.DataFrame(
        rows, columns=["distance_bp", "mean_abs_dp", "max_abs_dp", "flip_rate", "n_edges"]
    )
    margin, reached = _choose(table, tolerance, reach)
    # Edge t read on the other strand is edge length - t.
    centre = np.arange(reach, length - reach)
    strands = float(np.abs(prob[:, 1, centre] - mirrored[:, length - centre]).mean())
    return Consistency(margin, reached, table, strands, tolerance, len(loci))


def _choose(table: pd.DataFrame, tolerance: float, reach: int) -> tuple[int, bool]:
    above = np.flatnonzero(table["mean_abs_dp"].to_numpy() > tolerance)
    if not above.size:
        return STEP_BP, True
    last = int(above[-1])
    if last == len(table) - 1:
        return reach, False
    return max(STEP_BP, int(table["distance_bp"].iloc[last + 1])), True


def _draw_loci(
    genome: Genome, length: int, n_loci: int, rng: np.random.Generator
) -> list[NDArray[np.uint8]]:
    segments = [s for s in genome.segments if len(s) >= length]
    sizes = np.array([len(s) - length + 1 for s in segments], dtype=np.float64)
    loci: dict[tuple[str, int], NDArray[np.uint8]] = {}
    tries = 0
    while segments and len(loci) < n_loci and tries < _TRIES_A_LOCUS * n_loci:
        tries += 1
        segment = segments[int(rng.choice(len(segments), p=sizes / sizes.sum()))]
        start = segment.start + int(rng.integers(len(segment) - length + 1))
        ids = genome.fetch(segment.chrom, start, start + length)
        if not (ids == N).any():
            loci[segment.chrom, start] = ids
    if not loci:
        place = "genome in memory" if genome.path is None else genome.path
        raise NoStretchError(
            f"{place}: no stretch of {length} bases without N found, which the margin's "
            "measurement needs; give --margin-bp or a longer sequence"
        )
    return list(loci.values())
