"""The steps of a splice-profile run, in order: read, choose, match, model, compare."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ldar_interp.boundaries.consistency import Consistency
from ldar_interp.boundaries.shuffled_context import SPLICE_CORES
from ldar_interp.boundaries.stitch import plan_orientations
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder.compare import compare_ladder
from ldar_interp.ladder.measure import LadderProfiles, measure_ladder
from ldar_interp.ladder.nulls import Nulls, find_nulls
from ldar_interp.ladder.report import tell_controls
from ldar_interp.ladder.rungs import add_letter_rungs, check_controls
from ldar_interp.plots.logos import LogoCounts, count_letters
from ldar_interp.program.models import OpenModels, choose_margin, measure_models, open_models
from ldar_interp.sites.controls import ControlLadder, build_controls
from ldar_interp.sites.draw import draw_sites
from ldar_interp.sites.gencode import SpliceAnnotation, annotated_edges, load_splice_sites
from ldar_interp.sites.measured_sites import read_site_letters
from ldar_interp.splice import report
from ldar_interp.splice.settings import SpliceSettings
from ldar_interp.stats.enrichment import EnrichmentResult

LOGO_FLANK_BP = 20


@dataclass(frozen=True)
class SpliceRun:
    """What a run found; `consistency` is empty if it could not be measured."""

    models: OpenModels
    annotation: SpliceAnnotation
    ladder: ControlLadder
    consistency: dict[str, Consistency]
    nulls: Nulls
    measured: LadderProfiles
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
        edges = annotated_edges(annotation)
        ladder = add_letter_rungs(
            build_controls(
                sites,
                genome,
                annotation=annotation,
                rungs=settings.matched_rungs,
                n_draws=settings.n_draws,
                flank_bp=settings.flank_bp,
                seed=settings.seed,
            ),
            genome,
            settings,
            avoid=edges,
            exons=annotation.exons,
        )
        tell_controls(report.PROGRAM, ladder)
        check_controls(ladder, settings.placed_rungs)
        nulls = find_nulls(
            models,
            genome,
            {"annotated edges": edges},
            settings,
            margin_bp=margin_bp,
            workers=workers,
            program=report.PROGRAM,
        )
        measured = measure_ladder(
            models,
            genome,
            ladder,
            nulls.by_name,
            settings,
            flank_bp=settings.flank_bp,
            cores=SPLICE_CORES,
            margin_bp=margin_bp,
            workers=workers,
            program=report.PROGRAM,
        )
        logos = count_logos(ladder.sites, genome)
    return SpliceRun(
        models=models,
        annotation=annotation,
        ladder=ladder,
        consistency=consistency,
        nulls=nulls,
        measured=measured,
        result=compare_ladder(measured, settings),
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
