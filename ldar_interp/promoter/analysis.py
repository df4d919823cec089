"""The steps of a promoter-profile run, in order: starts, motifs, match, model, compare."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ldar_interp.boundaries.consistency import Consistency
from ldar_interp.boundaries.shuffled_context import motif_cores
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder.compare import compare_ladder
from ldar_interp.ladder.measure import LadderProfiles, measure_ladder
from ldar_interp.ladder.nulls import Nulls, find_nulls
from ldar_interp.ladder.report import tell_controls
from ldar_interp.ladder.rungs import add_letter_rungs, check_controls
from ldar_interp.plots.logos import LogoCounts
from ldar_interp.program.models import OpenModels, choose_margin, measure_models, open_models
from ldar_interp.promoter import report
from ldar_interp.promoter.settings import PromoterSettings
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.sites.draw import draw_sites
from ldar_interp.sites.motif_controls import build_motif_controls
from ldar_interp.sites.motif_lists import ALL, load_motifs
from ldar_interp.sites.promoter_motifs import PromoterMotifs, find_promoter_motifs
from ldar_interp.sites.promoters import Promoters, load_promoters
from ldar_interp.sites.score_distribution import Scoring
from ldar_interp.sites.tss_bed import load_tss_bed
from ldar_interp.stats.enrichment import MIN_GROUPS, MIN_SITES, EnrichmentResult
from ldar_interp.stats.regions import MOTIF_REGIONS

FLANK_BEYOND_BP = 5
"""Edges that the endpoints need beyond a motif's 3' border, and one more to see them end."""


LEAST_CURVES = 12
"""As many panels as the figure has."""


@dataclass(frozen=True)
class PromoterRun:
    """What a run found; `consistency` is empty if it could not be measured."""

    models: OpenModels
    promoters: Promoters
    motifs: PromoterMotifs
    ladder: ControlLadder
    consistency: dict[str, Consistency]
    nulls: Nulls
    measured: LadderProfiles
    result: EnrichmentResult
    logos: dict[str, LogoCounts]


def run_analysis(settings: PromoterSettings, *, workers: int) -> PromoterRun:
    """All steps; progress and counts go to stderr, nothing is written.

    Raises
    ------
    InputError, CheckpointError, CoordinateError, DeviceError : by the steps, for wrong input.
    """
    models = open_models(settings)
    wanted = load_motifs(settings.motifs)
    with Genome(settings.genome_path) as genome:
        promoters = load_starts(settings, genome)
        report.tell_promoters(promoters)
        found = find_promoter_motifs(
            genome,
            promoters.tss,
            wanted,
            upstream_bp=settings.upstream_bp,
            downstream_bp=settings.downstream_bp,
            scoring=Scoring(p_value=settings.p_value),
        )
        sites = draw_sites(found.hits, settings.max_sites, settings.seed)
        report.tell_motifs(found, sites)
        check_hits(sites, settings)
        consistency = measure_models(models, genome, settings, program=report.PROGRAM)
        margin_bp = choose_margin(settings, consistency)
        ladder = add_letter_rungs(
            build_motif_controls(
                found,
                genome,
                known=promoters.known,
                sites=sites,
                rungs=settings.matched_rungs,
                n_draws=settings.n_draws,
                flank_bp=settings.flank_bp,
                seed=settings.seed,
            ),
            genome,
            settings,
            avoid=promoters.known,
            avoid_regions=found.windows[["chrom", "start", "end"]],
        )
        tell_controls(report.PROGRAM, ladder)
        check_controls(ladder, settings.placed_rungs)
        nulls = find_nulls(
            models,
            genome,
            # All hits, not only those that are profiled: they are the tested motifs too.
            {"transcription starts": promoters.known, "motif hits": found.hits},
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
            cores=motif_cores(sites),
            margin_bp=margin_bp,
            workers=workers,
            program=report.PROGRAM,
        )
    return PromoterRun(
        models=models,
        promoters=promoters,
        motifs=found,
        ladder=ladder,
        consistency=consistency,
        nulls=nulls,
        measured=measured,
        result=compare_ladder(
            measured,
            settings,
            regions=MOTIF_REGIONS,
            curves_of=choose_curves(ladder.sites) if settings.motifs == ALL else None,
        ),
        logos={
            motif.name: LogoCounts(motif.counts, np.arange(motif.width)) for motif in found.scanned
        },
    )


def choose_curves(sites: pd.DataFrame, least: int = LEAST_CURVES) -> list[str]:
    """Motifs whose curves are tabulated in a scan of every matrix: those that can have intervals.

    Of a thousand motifs most have a few hits each, and their curves, a row an offset and rung,
    would be hundreds of megabytes of noise. At least `least` motifs have curves, those with most
    hits. `profiles.npz` holds the profiles of all hits.
    """
    counted = sites.groupby("kind", sort=True)["group"].agg(["size", "nunique"])
    is_large = (counted["size"] >= MIN_SITES) & (counted["nunique"] >= MIN_GROUPS)
    ranked = counted.sort_values("size", ascending=False, kind="stable").index
    chosen = {*counted.index[is_large], *ranked[:least]}
    return [kind for kind in dict.fromkeys(sites["kind"]) if kind in chosen]


def load_starts(settings: PromoterSettings, genome: Genome) -> Promoters:
    """Transcription starts of the BED file if one was given, else of the annotation.

    Starts of a BED file take their loci from the annotation, and every annotated start counts as
    known beside them: no control may lie there.
    """
    if settings.tss is None:
        return load_promoters(
            settings.annotation_path,
            genome,
            gene_types=settings.gene_type or None,
            tags=settings.tag or None,
        )
    annotated = load_promoters(settings.annotation_path, genome)
    measured = load_tss_bed(settings.tss, genome, genes=annotated.genes)
    known = pd.concat([measured.known, annotated.known], ignore_index=True).drop_duplicates()
    return Promoters(
        tss=measured.tss,
        known=known.reset_index(drop=True),
        genes=annotated.genes,
        counts=measured.counts,
        absent_chroms=measured.absent_chroms,
        chrom_names=measured.chrom_names,
    )


def check_hits(sites: pd.DataFrame, settings: PromoterSettings) -> None:
    """Raise InputError if nothing was found, or the flank cannot hold a motif's endpoints."""
    if sites.empty:
        raise InputError(
            f"no motif has a hit with p <= {settings.p_value:g} in these promoters; wanted at "
            "least one: give other --motifs, a larger --p-value or wider promoters"
        )
    widest = int(sites["width_bp"].max())
    if settings.flank_bp < widest + FLANK_BEYOND_BP:
        raise InputError(
            f"flank of {settings.flank_bp} bp beside motifs of up to {widest} bp; wanted "
            f"--flank-bp of {widest + FLANK_BEYOND_BP} or more"
        )
