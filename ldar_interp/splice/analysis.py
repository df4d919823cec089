"""The steps of a splice-profile run, in order: read, choose, match, model, compare."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ldar_interp.boundaries.consistency import Consistency
from ldar_interp.boundaries.extract import extract_boundaries
from ldar_interp.boundaries.stitch import plan_orientations
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.plots.logos import LogoCounts, count_letters
from ldar_interp.profiles import Profiles, collect
from ldar_interp.program.models import OpenModels, choose_margin, measure_models, open_models
from ldar_interp.sites.controls import ControlLadder, build_controls
from ldar_interp.sites.draw import draw_sites
from ldar_interp.sites.gencode import SpliceAnnotation, load_splice_sites
from ldar_interp.sites.measured_sites import read_site_letters
from ldar_interp.splice import report
from ldar_interp.splice.settings import SpliceSettings
from ldar_interp.stats.enrichment import EnrichmentResult, enrichment, join_results

LOGO_FLANK_BP = 20


@dataclass(frozen=True)
class SpliceRun:
    """What a run found; `profiles` and `extraction` by model, `checkpoint` first.

    `profiles` holds the profiles of sites and of controls, `extraction` the provenance of the
    track that they were cut from. `consistency` is empty if it could not be measured.
    """

    models: OpenModels
    annotation: SpliceAnnotation
    ladder: ControlLadder
    consistency: dict[str, Consistency]
    profiles: dict[str, tuple[Profiles, Profiles]]
    extraction: dict[str, dict[str, Any]]
    result: EnrichmentResult
    logos: dict[str, LogoCounts]


def run_analysis(settings: SpliceSettings, *, workers: int) -> SpliceRun:
    """All steps; progress and counts go to stderr, nothing is written.

    Raises
    ------
    InputError, CheckpointError, CoordinateError, DeviceError : by the steps, for wrong input.
    """
    models = open_models(settings)
    with Genome(settings.genome_path) as genome:
        annotation = load_splice_sites(
            settings.annotation_path,
            genome,
            gene_types=settings.gene_type or None,
            tags=settings.tag or None,
        )
        sites = draw_sites(annotation.sites, settings.max_sites, settings.seed)
        report.tell_annotation(annotation, sites)
        consistency = measure_models(models, genome, settings, program=report.PROGRAM)
        margin_bp = choose_margin(settings, consistency)
        check_reach(sites, genome, models.checkpoint.config.train_length, margin_bp)
        ladder = build_controls(
            sites,
            genome,
            annotation=annotation,
            rungs=settings.controls,
            n_draws=settings.n_draws,
            flank_bp=settings.flank_bp,
            seed=settings.seed,
        )
        report.tell_controls(ladder)
        check_controls(ladder)
        profiles, extraction = {}, {}
        for name, current in models.by_name.items():
            profiles[name], extraction[name] = profile_sites(
                name, current, genome, ladder, settings, margin_bp, workers
            )
        logos = count_logos(ladder.sites, genome)
    results = [
        enrichment(
            *found,
            model=name,
            n_boot=settings.n_boot,
            n_flips=settings.n_flips,
            seed=settings.seed,
            rungs=settings.controls,
        )
        for name, found in profiles.items()
    ]
    return SpliceRun(
        models=models,
        annotation=annotation,
        ladder=ladder,
        consistency=consistency,
        profiles=profiles,
        extraction=extraction,
        result=join_results(results),
        logos=logos,
    )


def check_reach(sites: pd.DataFrame, genome: Genome, length: int, margin_bp: int) -> None:
    """Raise InputError if no site can have a value, before anything is modelled."""
    plan = plan_orientations(
        genome, [sites], flank_bp=0, strand="forward", length=length, margin_bp=margin_bp
    )["forward"]
    if not plan.windows:
        raise InputError(
            f"{genome.path}: all {len(sites)} sites lie within the margin of {margin_bp} bp of an "
            "end of the sequence or of an N; wanted sites inside: give a longer sequence or a "
            "smaller --margin-bp"
        )


def check_controls(ladder: ControlLadder) -> None:
    """Raise InputError if no site has a control on any rung."""
    if len(ladder.table):
        return
    reasons = sorted(
        {
            reason.removeprefix("unmatched: ")
            for by_kind in ladder.counts.values()
            for counts in by_kind.values()
            for reason, n in counts.items()
            if reason.startswith("unmatched: ") and n
        }
    )
    raise InputError(
        f"none of {len(ladder.sites)} sites has a control on rung {', '.join(ladder.counts)} "
        f"({'; '.join(reasons) or 'no reason counted'}); wanted at least one: add --controls C0 or "
        "give an annotation with more genes"
    )


def profile_sites(
    name: str,
    model: LDARNet,
    genome: Genome,
    ladder: ControlLadder,
    settings: SpliceSettings,
    margin_bp: int,
    workers: int,
) -> tuple[tuple[Profiles, Profiles], dict[str, Any]]:
    """Profiles of sites and of controls under one model, and what the extraction counted."""
    track = extract_boundaries(
        model,
        genome,
        around=[ladder.sites, ladder.table],
        flank_bp=settings.flank_bp,
        strand=settings.strand,
        margin_bp=margin_bp,
        dtype=settings.dtype,
        workers=workers,
        progress=f"{report.PROGRAM}: {name}",
    )
    sites, controls = (
        collect(track, table, flank_bp=settings.flank_bp, strand=settings.strand)
        for table in (ladder.sites, ladder.table)
    )
    report.tell_extraction(name, track.provenance, sites, controls)
    return (sites, controls), track.provenance


def count_logos(sites: pd.DataFrame, genome: Genome) -> dict[str, LogoCounts]:
    """Letters around the sites of each kind, 20 bases on each side of the edge.

    Sites whose 40 bases leave the sequence or hold N are left out; a kind may so have no logo.
    """
    logos = {}
    for kind, rows in sites.groupby("kind", sort=True):
        letters = read_site_letters(rows, genome, LOGO_FLANK_BP)
        if letters.usable.any():
            logos[str(kind)] = LogoCounts(
                count_letters(letters.ids[letters.usable]),
                np.arange(-LOGO_FLANK_BP, LOGO_FLANK_BP),
            )
    return logos
