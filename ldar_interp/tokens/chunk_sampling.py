"""Where chunks are measured: windows spread evenly over the bases of each class.

    window   |~~~~~~|------------------------------------------|-----------|~~~~~~|
              margin  zone: chunks that start here are measured    reach     margin
                      and may end in the zone or in the reach

Zones tile the sequence without overlap. For each class, zones that hold at least one of its bases
are taken at equal steps, and only chunks that start at a base of *that* class are measured in
them: every base of a class has the same chance to be seen, and introns are not mostly those
beside exons because zones were taken for exons. A chunk still open at the end of the reach is
censored: it is counted, and its length is not known.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.cuts import Cuts
from ldar_interp.boundaries.tiling import clean_segments
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import C, G
from ldar_interp.genome.complexity import DUST_WINDOW_BP, find_low_complexity, measure_runs
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.base_classes import BASE_CLASSES, BaseClasses

GC_FLANK_BP = 50
_REACH_SHARE = 4
CHUNK_COLUMNS = ("class", "length_bp", "block", "gc", "run_bp", "low_complexity")


@dataclass(frozen=True)
class Zones:
    """Zones that were taken.

    `table` : `chrom, low` (first edge), `classes` (bits of the classes it was taken for).
    `zone_bp` : bases of a zone; `reach_bp` : bases after it in which chunks may end.
    `counts` : class -> `zones` that hold it and `taken`.
    """

    table: pd.DataFrame
    zone_bp: int
    reach_bp: int
    counts: dict[str, dict[str, int]]

    def as_sites(self) -> tuple[pd.DataFrame, int]:
        """Centres for `extract_boundaries` and the flank that covers zone and reach."""
        flank = (self.zone_bp + self.reach_bp) // 2
        centres = pd.DataFrame(
            {"chrom": self.table["chrom"], "edge": self.table["low"] + flank, "strand": "+"}
        )
        return centres, flank


def take_zones(
    genome: Genome,
    classes: BaseClasses,
    *,
    window_bp: int,
    margin_bp: int,
    n_windows: int,
    seed: int,
) -> Zones:
    """Take zones for each class, an equal share of the windows for each.

    Raises
    ------
    InputError : no stretch without N is as long as a window, or the budget is under one window a
        class.
    """
    span = (window_bp - 2 * margin_bp) // 2 * 2
    reach = span // _REACH_SHARE
    zone = span - reach
    rows: list[tuple[str, int, int]] = []
    for segment in genome.segments:
        for piece in clean_segments(genome, segment.chrom, segment.start, segment.end):
            for low in range(piece.start + margin_bp, piece.end - margin_bp - span + 1, zone):
                present = np.bincount(classes.fetch(piece.chrom, low, low + zone), minlength=8)
                rows.append((piece.chrom, low, int((1 << np.flatnonzero(present)).sum())))
    if not rows:
        raise InputError(
            f"no stretch without N is as long as a window of {window_bp} bp; wanted a longer "
            "sequence or a checkpoint with shorter windows"
        )
    table = pd.DataFrame(rows, columns=["chrom", "low", "present"])
    held = {
        name: np.flatnonzero(table["present"].to_numpy() >> code & 1)
        for code, name in enumerate(BASE_CLASSES)
    }
    held = {name: zones for name, zones in held.items() if len(zones)}
    share = n_windows // len(held)
    if share < 1:
        raise InputError(
            f"--bases allow {n_windows} windows of {window_bp} bp for {len(held)} classes; wanted "
            f"at least one a class: give --bases {len(held) * window_bp} or more"
        )
    taken = np.zeros(len(table), dtype=np.int64)
    counts = {}
    for number, (name, zones) in enumerate(held.items()):
        begin = np.random.default_rng([seed, 19, number]).random()
        step = max(1.0, len(zones) / share)
        size = min(share, len(zones))
        at = zones[np.minimum(((begin + np.arange(size)) * step).astype(int), len(zones) - 1)]
        taken[at] |= 1 << BASE_CLASSES.index(name)
        counts[name] = {"zones": len(zones), "taken": len(np.unique(at))}
    kept = table.assign(classes=taken)[taken > 0].drop(columns="present").reset_index(drop=True)
    return Zones(kept, zone, reach, counts)


def measure_chunks(
    zones: Zones,
    cuts: Cuts,
    genome: Genome,
    classes: BaseClasses,
    *,
    block_bp: int,
    dust: float,
) -> pd.DataFrame:
    """Chunks that start in the zones at a base of a class that the zone was taken for.

    Returns
    -------
    One row a chunk, columns `CHUNK_COLUMNS`: `class`; `length_bp`, NaN where censored; `block`, the
    `block_bp` bases of the chromosome that it starts in, unit of resampling; `gc`, share of G and C
    in the 100 bp around its start; `run_bp`, the run of equal letters that its first base is in;
    `low_complexity`, whether that base is.
    """
    found: list[pd.DataFrame] = []
    size = zones.zone_bp + zones.reach_bp
    for chrom, low, bits in zip(
        zones.table["chrom"], zones.table["low"], zones.table["classes"], strict=True
    ):
        edges = cuts.between(("forward", chrom), low, low + size)
        start = edges[edges < low + zones.zone_bp]
        if not len(start):
            continue
        after = np.searchsorted(edges, start, side="right")
        is_open = after == len(edges)
        length = np.where(is_open, np.nan, edges[np.minimum(after, len(edges) - 1)] - start)
        code = classes.fetch(chrom, low, low + zones.zone_bp)[start - low]
        wanted = (bits >> code.astype(np.int64) & 1).astype(bool)
        letters = _read_letters(genome, chrom, low, low + zones.zone_bp, dust)
        at = start - low
        part = pd.DataFrame(
            {
                "class": np.array(BASE_CLASSES, dtype=object)[code],
                "length_bp": length,
                "block": [f"{chrom}:{s // block_bp}" for s in start.tolist()],
                "gc": letters[0][at],
                "run_bp": letters[1][at],
                "low_complexity": letters[2][at],
            }
        )
        found.append(part[wanted])
    if not found:
        return pd.DataFrame(columns=list(CHUNK_COLUMNS))
    return pd.concat(found, ignore_index=True)


def _read_letters(
    genome: Genome, chrom: str, low: int, high: int, dust: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.bool_]]:
    """GC around, run length at and low complexity of the bases [low, high)."""
    segment = genome.segment_at(chrom, low + 1)
    assert segment is not None
    pad = max(GC_FLANK_BP, DUST_WINDOW_BP)
    first, last = max(segment.start, low - pad), min(segment.end, high + pad)
    ids = genome.fetch(chrom, first, last)
    sums = np.concatenate([[0], np.cumsum((ids == G) | (ids == C))])
    base = np.arange(low, high) - first
    begin = np.maximum(0, base - GC_FLANK_BP)
    end = np.minimum(len(ids), base + GC_FLANK_BP)
    gc = (sums[end] - sums[begin]) / (end - begin)
    middle = slice(low - first, high - first)
    return gc, measure_runs(ids)[middle], find_low_complexity(ids, threshold=dust)[middle]
