"""Which regions an export covers: named ones, those of a BED file, or those around sites."""

from ldar_interp.errors import CoordinateError
from ldar_interp.export.settings import EMBEDDED_REGION, ExportSettings
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import locate_regions, read_regions
from ldar_interp.sites.table import read_sites


def choose_regions(settings: ExportSettings, genome: Genome) -> list[Interval]:
    """Regions under the genome's names, as they were asked for; they may overlap.

    Raises
    ------
    InputError : a file or a text that is not what it should be.
    CoordinateError : a region or a site that is not on the genome.
    """
    if settings.bed is not None:
        return locate_regions(read_regions(settings.bed), genome)
    if settings.sites is not None:
        return _around_sites(settings, genome)
    return locate_regions(settings.region or (EMBEDDED_REGION,), genome)


def _around_sites(settings: ExportSettings, genome: Genome) -> list[Interval]:
    """`flank_bp` on each side of each site, as far as the sequence goes."""
    assert settings.sites is not None
    table = read_sites(settings.sites)
    unique = table[["chrom", "edge"]].drop_duplicates()
    names = genome.resolve_names(unique["chrom"])
    regions = []
    for chrom, edge in unique.itertuples(index=False):
        piece = genome.segment_at(names.get(chrom, ""), edge)
        if piece is None:
            raise CoordinateError(
                f"{settings.sites}: site at edge {edge} of {chrom} is not on the genome; use the "
                "genome that the sites were made from"
            )
        start, end = edge - settings.flank_bp, edge + settings.flank_bp
        regions.append(Interval(piece.chrom, max(start, piece.start), min(end, piece.end)))
    return regions
