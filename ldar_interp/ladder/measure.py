"""p and its residual around sites and controls, under each model.

Sites and the controls of C0 to C3 are places of the genome: their p is cut from a track, and their
residual from the track of observed minus expected. C4 is no place: its windows are run on their
own, read on the strand that the settings ask for, and what letters alone would predict is computed
on the same reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ldar_interp.boundaries.context_reads import average_reads, plan_reads
from ldar_interp.boundaries.context_router import profile_contexts
from ldar_interp.boundaries.extract import extract_boundaries
from ldar_interp.boundaries.shuffled_context import (
    WINDOW_BP,
    ContextProfiles,
    ContextWindows,
    shuffle_contexts,
)
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder import report
from ldar_interp.ladder.settings import CONTEXT_RUNG, LadderSettings
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.letters.residual import residual_track
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.profiles import Profiles, collect
from ldar_interp.program.models import OpenModels
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.stats.context_pairs import pair_contexts
from ldar_interp.stats.enrichment import MIN_GROUPS, MIN_SITES

MAX_CONTEXT_FLANK_BP = 400
"""Of C4: its windows are 1,024 bp, and the null needs 100 bp beyond the last edge."""

TOO_FEW = "not run: too few sites or groups for an interval"

Key = tuple[str, str]
"""Model and signal."""


@dataclass(frozen=True)
class LadderProfiles:
    """What was measured; the dicts are keyed by model and signal, `checkpoint` and `prob` first.

    Attributes
    ----------
    placed : profiles of the sites and of the controls of C0 to C3.
    contexts : profiles of sites in their native windows and of their shuffled contexts, without
        rows if no site has a window; empty without C4.
    extraction : provenance of each model's track.
    context_counts : kind -> sites used, not drawn and dropped in C4.
    """

    placed: dict[Key, tuple[Profiles, Profiles]]
    contexts: dict[Key, tuple[Profiles, Profiles]]
    extraction: dict[str, dict[str, Any]]
    context_counts: dict[str, dict[str, int]]


def measure_ladder(
    models: OpenModels,
    genome: Genome,
    ladder: ControlLadder,
    nulls: Mapping[str, KmerNull],
    settings: LadderSettings,
    *,
    flank_bp: int,
    cores: Mapping[str, tuple[int, int]],
    margin_bp: int,
    workers: int,
    program: str,
) -> LadderProfiles:
    """Run every model around sites and controls, and in shuffled contexts.

    Parameters
    ----------
    ladder : sites and controls, C3 joined to the others.
    nulls : by model; a model without one has no residual.
    flank_bp : edges on each side of a site.
    cores : kind -> bases that C4 keeps, relative to the site's edge.

    Raises
    ------
    InputError, CoordinateError, DeviceError : by the extraction.
    """
    placed: dict[Key, tuple[Profiles, Profiles]] = {}
    contexts: dict[Key, tuple[Profiles, Profiles]] = {}
    extraction: dict[str, dict[str, Any]] = {}
    windows = None
    if CONTEXT_RUNG in settings.controls:
        windows = shuffle_large_kinds(ladder.sites, genome, settings, cores=cores)
        report.tell_contexts(program, windows)
    for name, model in models.by_name.items():
        track = extract_boundaries(
            model,
            genome,
            around=[ladder.sites, ladder.table],
            flank_bp=flank_bp,
            strand=settings.strand,
            margin_bp=margin_bp,
            dtype=settings.dtype,
            workers=workers,
            progress=f"{program}: {name}",
        )
        tracks = [track]
        if name in nulls:
            tracks.append(residual_track(track, genome, nulls[name]))
        for found in tracks:
            sites, controls = (
                collect(found, table, flank_bp=flank_bp, strand=settings.strand)
                for table in (ladder.sites, ladder.table)
            )
            placed[name, found.signal] = sites, controls
        extraction[name] = track.provenance
        report.tell_extraction(program, name, track.provenance, *placed[name, track.signal])
        if windows is not None:
            contexts |= _measure_contexts(
                name, model, windows, nulls.get(name), flank_bp, settings, workers, program
            )
    return LadderProfiles(
        placed, contexts, extraction, {} if windows is None else dict(windows.counts)
    )


def shuffle_large_kinds(
    sites: pd.DataFrame,
    genome: Genome,
    settings: LadderSettings,
    *,
    cores: Mapping[str, tuple[int, int]],
) -> ContextWindows:
    """The windows of C4, of the kinds with enough sites and groups for an interval.

    A window of C4 serves one site alone and each site has several, so this rung costs more than
    all others together. A kind that would be listed as too few whatever came out is not run: its
    sites are counted as `TOO_FEW`.

    Parameters
    ----------
    cores : kind -> bases that stay, relative to the site's edge.
    """
    counted = sites.groupby("kind", sort=False)["group"].agg(["size", "nunique"])
    is_large = (counted["size"] >= MIN_SITES) & (counted["nunique"] >= MIN_GROUPS)
    chosen = sites[sites["kind"].map(is_large).to_numpy(dtype=bool)]
    if len(chosen):
        windows = shuffle_contexts(
            chosen,
            genome,
            cores=cores,
            n_shuffles=settings.n_shuffles,
            max_sites=settings.max_context_sites,
            seed=settings.seed,
        )
    else:
        none = np.empty((0, 1 + settings.n_shuffles, WINDOW_BP), dtype=np.uint8)
        windows = ContextWindows(chosen.reset_index(drop=True), none, {}, {})
    counts = {
        str(kind): windows.counts.get(str(kind), {"sites": n, "used": 0, TOO_FEW: n})
        for kind, n in counted["size"].items()
    }
    return replace(windows, counts=counts)


def _measure_contexts(
    name: str,
    model: LDARNet,
    windows: ContextWindows,
    null: KmerNull | None,
    flank_bp: int,
    settings: LadderSettings,
    workers: int,
    program: str,
) -> dict[Key, tuple[Profiles, Profiles]]:
    """Pairs of native and shuffled contexts under one model, p and residual."""
    flank_bp = min(flank_bp, MAX_CONTEXT_FLANK_BP)
    if not len(windows):
        found = _no_contexts(windows, flank_bp)
    else:
        found = profile_contexts(
            model,
            windows,
            flank_bp=flank_bp,
            strand=settings.strand,
            dtype=settings.dtype,
            workers=workers,
            progress=f"{program}: {name}, shuffled contexts",
        )
    pairs = {(name, "prob"): pair_contexts(found)}
    if null is not None:
        sites, controls = pair_contexts(subtract_expected(found, null, strand=settings.strand))
        pairs[name, "residual"] = (
            replace(sites, signal="residual"),
            replace(controls, signal="residual"),
        )
    return pairs


def subtract_expected(
    found: ContextProfiles, null: KmerNull, *, strand: str = "transcript"
) -> ContextProfiles:
    """Context profiles of observed minus expected p.

    The expectation is that of the window's own letters, native or shuffled, as the model read them
    (`strand`, as in `profile_contexts`), by the fit that left out the block of the site.

    Raises
    ------
    InputError : an unknown strand mode.
    """
    windows = found.windows
    per_site = 1 + windows.n_shuffles
    block = np.repeat(null.blocks.find_sites(windows.sites), per_site)
    expected = average_reads(
        [
            read.take(null.expect_windows(read.ids, block))
            for read in plan_reads(windows, found.offsets, strand)
        ]
    )
    shaped = expected.reshape(len(windows), per_site, found.offsets.size)
    return replace(
        found, native=found.native - shaped[:, 0], shuffled=found.shuffled - shaped[:, 1:]
    )


def _no_contexts(windows: ContextWindows, flank_bp: int) -> ContextProfiles:
    """Profiles of no site, so that its kinds still have their row in the tables."""
    offsets = np.arange(-flank_bp, flank_bp + 1, dtype=np.int64)
    native = np.empty((0, offsets.size), dtype=np.float32)
    shuffled = np.empty((0, windows.n_shuffles, offsets.size), dtype=np.float32)
    return ContextProfiles(windows, offsets, native, shuffled)
