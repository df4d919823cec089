"""The steps of a chunk-lengths run: classify bases, take windows, cut, measure, summarise."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ldar_interp.boundaries.consistency import Consistency
from ldar_interp.boundaries.cuts import cut_by_track, find_domain
from ldar_interp.boundaries.extract import extract_boundaries
from ldar_interp.command_line import say
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.program.models import OpenModels, choose_margin, measure_models, open_models
from ldar_interp.sites.base_classes import BASE_CLASSES, BaseClasses, classify_bases
from ldar_interp.stats.chunk_lengths import count_lengths, summarise_chunks
from ldar_interp.tokens.chunk_sampling import Zones, measure_chunks, take_zones
from ldar_interp.tokens.settings import ChunkSettings

PROGRAM = "chunk_lengths"


@dataclass(frozen=True)
class ChunkRun:
    """What a run found, and what made it."""

    table: pd.DataFrame
    histogram: pd.DataFrame
    counts: dict[str, Any]
    inputs: dict[str, Path]
    models: OpenModels
    margin_bp: int
    consistency: dict[str, Consistency]
    extraction: dict[str, dict[str, Any]]


def run_chunks(settings: ChunkSettings, *, workers: int) -> ChunkRun:
    """All steps; progress and counts go to stderr, nothing is written.

    Raises
    ------
    InputError, CheckpointError, CoordinateError, DeviceError : by the steps, for wrong input.
    """
    models = open_models(settings)
    fasta, gtf = settings.genome_path, settings.annotation_path
    inputs = {"fasta": fasta, "gtf": gtf}
    if settings.repeats is not None:
        inputs["repeats"] = settings.repeats
    with Genome(fasta) as genome:
        classes = classify_bases(
            gtf, genome, repeats=settings.repeats, promoter_bp=settings.promoter_bp
        )
        consistency = measure_models(models, genome, settings, program=PROGRAM)
        margin_bp = choose_margin(settings, consistency)
        zones = take_zones(
            genome,
            classes,
            window_bp=models.window_bp,
            margin_bp=margin_bp,
            n_windows=settings.bases // models.window_bp,
            seed=settings.seed,
        )
        _tell_classes(classes, zones)
        centres, flank_bp = zones.as_sites()
        parts, extraction = [], {}
        for name, model in models.by_name.items():
            track = extract_boundaries(
                model,
                genome,
                around=centres,
                flank_bp=flank_bp,
                strand="forward",
                margin_bp=margin_bp,
                dtype=settings.dtype,
                workers=workers,
                progress=f"{PROGRAM}: {name}",
            )
            extraction[name] = track.provenance
            cuts = cut_by_track(track, find_domain(track))
            found = measure_chunks(
                zones, cuts, genome, classes, block_bp=settings.block_bp, dust=settings.dust
            )
            parts.append(found.assign(model=name))
            n_open = int(found["length_bp"].isna().sum())
            say(
                f"{PROGRAM}: {name}: {len(found)} chunks, {n_open} of them longer than the "
                f"{zones.reach_bp} bp in which they may end"
            )
    if not sum(part["length_bp"].notna().sum() for part in parts):
        raise InputError(
            f"no model made a chunk that ends within {zones.reach_bp} bp; wanted some: use another "
            "--ckpt or more --bases"
        )
    chunks = pd.concat([part for part in parts if len(part)], ignore_index=True)
    present = [name for name in BASE_CLASSES if name not in classes.absent]
    table = summarise_chunks(chunks, present, n_boot=settings.n_boot, seed=settings.seed)
    return ChunkRun(
        table=table,
        histogram=count_lengths(chunks, present),
        counts={
            "bases": classes.n_bases,
            "absent_classes": classes.absent,
            "windows": zones.counts,
            "windows_in_all": len(zones.table),
            "zone_bp": zones.zone_bp,
            "reach_bp": zones.reach_bp,
        },
        inputs=inputs,
        models=models,
        margin_bp=margin_bp,
        consistency=consistency,
        extraction=extraction,
    )


def _tell_classes(classes: BaseClasses, zones: Zones) -> None:
    for name in BASE_CLASSES:
        if name in classes.absent:
            say(f"{PROGRAM}: no {name} sequence: {classes.absent[name]}")
        elif name not in zones.counts:
            say(f"{PROGRAM}: {name}: {classes.n_bases[name]} bases, none in a whole window")
        else:
            taken = zones.counts[name]
            say(
                f"{PROGRAM}: {name}: {classes.n_bases[name]} bases, {taken['taken']} of "
                f"{taken['zones']} windows that hold some"
            )
