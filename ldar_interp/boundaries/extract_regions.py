"""Boundary probabilities on every edge of whole regions, for looking and for export.

`extract_boundaries` answers around sites and reads the strand of each; here everything between two
coordinates is wanted, in the orientations that are named.
"""

from collections.abc import Sequence
from pathlib import Path

from ldar_interp.boundaries.extract import (
    DEFAULT_MARGIN_SHARE,
    check_counts,
    describe_extraction,
    fill_plans,
)
from ldar_interp.boundaries.stitch import average_segments, plan_regions
from ldar_interp.boundaries.track import BoundaryTrack
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import locate_regions
from ldar_interp.model.ldarnet import LDARNet


def extract_regions(
    model: LDARNet,
    genome: Genome | str | Path,
    regions: Interval | str | Sequence[Interval | str],
    *,
    orientations: Sequence[str] = ("forward",),
    margin_bp: int | None = None,
    dtype: str = "float32",
    workers: int = 1,
    batch_size: int | None = None,
    progress: str | None = None,
) -> BoundaryTrack:
    """p on every edge of whole regions, to look at or to export.

    Parameters
    ----------
    model : from `load_model`.
    genome : open or the path of a FASTA.
    regions : one or several, as Interval or `chr3:42,000,001-42,001,000` (1-based, closed); a
        region of bases [start, end) has the edges start .. end. Regions that overlap or touch are
        one; strands are not read.
    orientations : which of `forward`, `reverse` and `mean` the track holds.
    margin_bp, dtype, workers, batch_size, progress : see `extract_boundaries`.

    Returns
    -------
    BoundaryTrack with exactly these orientations. Edges within the margin of an end of the
    sequence or of an N are NaN. `provenance` counts windows and edges without value.

    Raises
    ------
    InputError : no regions, text that is none, unknown orientations, a margin that leaves nothing
        of a window, workers or batch_size < 1.
    CoordinateError : a region is not inside the genome.
    DeviceError : unknown dtype.
    """
    check_counts(workers, batch_size)
    wanted = [regions] if isinstance(regions, Interval | str) else list(regions)
    with borrow_genome(genome) as opened:
        length = model.config.train_length
        margin = length // DEFAULT_MARGIN_SHARE if margin_bp is None else margin_bp
        plans = plan_regions(
            opened,
            locate_regions(wanted, opened),
            orientations,
            length=length,
            margin_bp=margin,
        )
        fill_plans(model, opened, plans, dtype, workers, batch_size, progress)
    segments = {name: plan.segments() for name, plan in plans.items() if name in orientations}
    if "mean" in orientations:
        segments["mean"] = average_segments(plans)
    return BoundaryTrack(segments, describe_extraction(model, plans, length, margin, dtype))
