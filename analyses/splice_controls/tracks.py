"""Boundary tracks with nothing to find: untrained models, a fixed grid, random cuts.

The grid and the random cuts know no letters, so no rung of the ladder may show a difference. An
untrained model reads letters with weights that mean nothing: what it shows is what composition
and local letters alone can fake.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment, read_track, write_track
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.provenance import list_versions


def cut_at_grid(segments: Sequence[Interval], *, period_bp: int, phase: int) -> BoundaryTrack:
    """p = 1 at every edge x with x % period_bp == phase, else 0; both strands read the same.

    Parameters
    ----------
    segments : stretches of chromosomes to lay out, as `Genome.segments` lists them.
    phase : 0 .. period_bp - 1, counted from the chromosome's first edge.

    Raises
    ------
    InputError : a phase outside the period.
    """
    if not 0 <= phase < period_bp:
        raise InputError(f"phase {phase} of a grid of {period_bp} bp; wanted 0 to {period_bp - 1}")
    return _lay_out(
        [
            TrackSegment(
                part.chrom,
                part.start,
                (np.arange(part.start, part.end + 1) % period_bp == phase).astype(np.float32),
            )
            for part in segments
        ]
    )


def cut_at_random(segments: Sequence[Interval], *, rate: float, seed: int) -> BoundaryTrack:
    """p = 1 at each edge with probability `rate`, independently, else 0; both strands the same.

    Raises
    ------
    InputError : a rate outside (0, 1).
    """
    if not 0 < rate < 1:
        raise InputError(f"rate {rate} of random boundaries; wanted more than 0 and less than 1")
    rng = np.random.default_rng([seed, 41])
    return _lay_out(
        [
            TrackSegment(
                part.chrom, part.start, (rng.random(len(part) + 1) < rate).astype(np.float32)
            )
            for part in segments
        ]
    )


def _lay_out(segments: list[TrackSegment]) -> BoundaryTrack:
    return BoundaryTrack({"forward": segments, "reverse": segments})


def extract_untrained(
    genome: Genome,
    tables: Sequence[pd.DataFrame],
    *,
    preset: str,
    seed: int,
    window_bp: int,
    margin_bp: int,
    flank_bp: int,
    fasta_sha256: str,
    cache: Path | None,
) -> BoundaryTrack:
    """The track of a model with random weights around sites and controls, each on its strand.

    Parameters
    ----------
    tables : SiteTables of sites and controls.
    preset, seed : shape and weights of the model; `window_bp` is its window.
    fasta_sha256 : of the genome's file; part of the cache's key.
    cache : folder where tracks are kept, named by a hash of everything that they depend on;
        None for none.
    """
    places = pd.concat([table[["chrom", "edge", "strand"]] for table in tables])
    key = {
        "preset": preset,
        "seed": seed,
        "window_bp": window_bp,
        "margin_bp": margin_bp,
        "flank_bp": flank_bp,
        "fasta": fasta_sha256,
        "places": hashlib.sha256(places.to_csv(index=False).encode()).hexdigest(),
        "torch": list_versions()["torch"],
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:12]
    path = None if cache is None else cache / f"{preset}-seed{seed}-{digest}.npz"
    if path is not None and path.is_file():
        return read_track(path)

    from ldar_interp.boundaries.extract import extract_boundaries
    from ldar_interp.model.checkpoint import preset as find_preset
    from ldar_interp.model.checkpoint import random_model

    model = random_model(find_preset(preset).with_length(window_bp), seed=seed)
    track = extract_boundaries(
        model.eval().requires_grad_(False),
        genome,
        around=list(tables),
        flank_bp=flank_bp,
        margin_bp=margin_bp,
        workers=1,
        progress=f"splice_controls: random weights, seed {seed}",
    )
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_track(track, path)
    return track
