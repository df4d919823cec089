"""The steps of an export: open, choose regions, model, write."""

from pathlib import Path

import numpy as np

from ldar_interp.boundaries.export import list_chrom_sizes
from ldar_interp.boundaries.extract_regions import extract_regions
from ldar_interp.boundaries.track import BoundaryTrack
from ldar_interp.command_line import say
from ldar_interp.errors import InputError
from ldar_interp.export.files import write_tracks
from ldar_interp.export.regions import choose_regions
from ldar_interp.export.settings import EMBEDDED_REGION, ExportSettings
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.features import REACH_BP
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.letters.residual import residual_track
from ldar_interp.program.models import OpenModels, choose_margin, measure_models, open_models
from ldar_interp.program.nulls import name_file, read_nulls
from ldar_interp.program.sidecar import describe_program, seal_folder

PROGRAM = "export_tracks"


def export(settings: ExportSettings, folder: Path, *, workers: int) -> None:
    """Write all files of a result into an existing, empty folder, provenance last.

    Raises
    ------
    InputError, CheckpointError, CoordinateError, DeviceError : by the steps, for wrong input.
    """
    models = open_models(settings)
    nulls = _read_nulls(settings, models)
    with Genome(settings.genome_path) as genome:
        regions = choose_regions(settings, genome)
        consistency = measure_models(models, genome, settings, program=PROGRAM)
        track = extract_regions(
            models.checkpoint,
            genome,
            regions,
            orientations=settings.orientation,
            margin_bp=choose_margin(settings, consistency),
            dtype=settings.dtype,
            workers=workers,
            progress=PROGRAM,
        )
        every_size, sliced = list_chrom_sizes(genome)
        _check_values(track, choose_margin(settings, consistency))
        residual = residual_track(track, genome, nulls["checkpoint"]) if nulls else None
    if residual is not None:
        _check_residual(residual)
    chrom_sizes = {chrom: size for chrom, size in every_size.items() if chrom in track.chroms}
    sliced = [chrom for chrom in sliced if chrom in chrom_sizes]
    counts = write_tracks(folder, track, residual, chrom_sizes, settings.url)
    _tell(len(regions), counts, chrom_sizes, sliced)
    inputs = {"fasta": settings.genome_path}
    for name in ("bed", "sites"):
        path = getattr(settings, name)
        if path is not None:
            inputs[name] = path
    if settings.residual is not None:
        inputs["kmer_null"] = settings.residual / name_file("checkpoint")
    content = describe_program(
        PROGRAM, settings, models, inputs, files={"bed", "sites", "residual"},
        consistency=consistency,
    )  # fmt: skip
    content["arguments"]["residual"] = settings.residual is not None
    if not (settings.region or settings.bed or settings.sites):
        content["arguments"]["region"] = [EMBEDDED_REGION]
    content["counts"] = {
        "regions": len(regions), "extraction": track.provenance, "tracks": counts
    }  # fmt: skip
    content |= {"chrom_sizes": chrom_sizes, "chrom_sizes_unknown": sliced}
    seal_folder(folder, content)


def _read_nulls(settings: ExportSettings, models: OpenModels) -> dict[str, KmerNull]:
    """The null that residuals are taken against, before anything is modelled; empty for none."""
    if settings.residual is None:
        return {}
    strand = "forward" if settings.orientation == ("forward",) else "mean"
    return read_nulls(settings.residual, models, strand=strand)


def _check_residual(residual: BoundaryTrack) -> None:
    """Raise InputError if there is p but nowhere an expectation."""
    for name in residual.orientations:
        if all(np.isnan(segment.values).all() for segment in residual.segments[name]):
            raise InputError(
                "no edge of the regions has a residual: all that have a p lie within "
                f"{REACH_BP} bp of an end of the sequence or of an N; wanted some inside: give "
                "longer regions or leave --residual out"
            )


def _check_values(track: BoundaryTrack, margin_bp: int) -> None:
    """Raise InputError if there is nothing to write."""
    for name in track.orientations:
        if all(np.isnan(segment.values).all() for segment in track.segments[name]):
            raise InputError(
                f"no edge of the regions has a value: all lie within the margin of {margin_bp} bp "
                "of an end of the sequence or of an N; wanted some inside: give longer regions or "
                "a smaller --margin-bp"
            )


def _tell(
    n_regions: int,
    counts: dict[str, dict[str, int]],
    chrom_sizes: dict[str, int],
    sliced: list[str],
) -> None:
    """What was written and left out."""
    for name, found in counts.items():
        if "residual_values" in found:
            say(
                f"{PROGRAM}: {name}: {found['residual_values']} residuals, "
                f"{found['residual_missing']} edges without one left out"
            )
        say(
            f"{PROGRAM}: {name}: {found['values']} edges in {n_regions} regions, "
            f"{found['missing']} without value left out; {found['cuts']} cuts, "
            f"{found['tokens']} complete tokens"
        )
    for chrom in sliced:
        say(
            f"{PROGRAM}: {chrom} is in slices, so its length is not known; the bigWig files say "
            f"{chrom_sizes[chrom]}, the end of the last slice"
        )
