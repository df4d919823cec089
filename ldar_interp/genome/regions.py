"""Regions as people write them: `chr3:42,000,000-44,000,000`, or the lines of a BED file.

Written regions are 1-based with both ends included, as samtools and browsers show them; BED files
and `Interval` are 0-based and half-open. `chr3:1-10` and the BED line `chr3 0 10` are one region.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.bed import read_bed
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval

_REGION = re.compile(r"(.+):([0-9][0-9,]*)-([0-9][0-9,]*)")
_STRANDED = re.compile(r"(.+)\(([+-])\)")


def parse_region(text: str) -> Interval:
    """`chr3:42,000,000-44,000,000` (1-based, closed) -> Interval. Raises InputError."""
    match = _REGION.fullmatch(text)
    if not match:
        raise InputError(f"region {text!r} is not chrom:start-end (1-based, both ends included)")
    start, end = (int(part.replace(",", "")) for part in match.groups()[1:])
    if not 1 <= start <= end:
        raise InputError(
            f"region {text!r} is empty or starts before base 1; wanted 1 <= start <= end"
        )
    return Interval(match.group(1), start - 1, end)


def format_region(interval: Interval) -> str:
    """An interval as `parse_region` reads it: 1-based, closed."""
    return f"{interval.chrom}:{interval.start + 1}-{interval.end}"


def as_interval(region: Interval | str) -> Interval:
    """An interval as it is; text as `parse_region` reads it, with a strand after it if wanted.

    `chr3:101-200(-)` is on the minus strand (bedtools writes strands so).

    Raises
    ------
    InputError : neither an Interval nor text of that form.
    """
    if isinstance(region, Interval):
        return region
    if not isinstance(region, str):
        raise InputError(
            f"region is a {type(region).__name__}; wanted an Interval or text such as "
            "chr3:42,000,001-42,001,000"
        )
    stranded = _STRANDED.fullmatch(region)
    if stranded is None:
        return parse_region(region)
    plain = parse_region(stranded[1])
    return Interval(plain.chrom, plain.start, plain.end, stranded[2])


def read_regions(path: str | Path) -> list[Interval]:
    """The intervals of a BED file, in file order; the strand is that of column 6, if any.

    Raises
    ------
    InputError : the file cannot be read, holds no interval, or a line is not chrom, start < end.
    """
    found = []
    for line in read_bed(Path(path), n_columns=3, wanted="chromosome, start and end"):
        strand = line.rest[2] if len(line.rest) > 2 else "."
        found.append(Interval(line.chrom, line.start, line.end, strand if strand in "+-" else "."))
    if not found:
        raise InputError(f"{path}: no intervals; wanted at least one line chromosome, start, end")
    return found


def locate_regions(regions: Iterable[Interval | str], genome: Genome) -> list[Interval]:
    """Regions under the genome's names, each inside one piece of it, in the order given.

    Raises
    ------
    InputError : text that is no region, or no regions.
    CoordinateError : a chromosome that the genome lacks, or bases that are not there.
    """
    wanted = [as_interval(region) for region in regions]
    if not wanted:
        raise InputError("no regions; wanted at least one, such as chr3:42,000,001-42,001,000")
    try:
        names = genome.resolve_names(region.chrom for region in wanted)
    except CoordinateError:
        names = {}  # none of them is there: told below in the words of a region
    for region in wanted:
        if region.chrom not in names:
            shown = ", ".join(genome.chroms[:5]) + (", ..." if len(genome.chroms) > 5 else "")
            raise CoordinateError(
                f"region {format_region(region)}: the genome has no {region.chrom!r}; "
                f"it has {shown}"
            )
    located = [Interval(names[r.chrom], r.start, r.end, r.strand) for r in wanted]
    for region in located:
        _check_inside(region, genome)
    return located


def _check_inside(region: Interval, genome: Genome) -> None:
    pieces = [piece for piece in genome.segments if piece.chrom == region.chrom]
    if any(piece.start <= region.start and region.end <= piece.end for piece in pieces):
        return
    shown = ", ".join(format_region(piece) for piece in pieces[:3])
    raise CoordinateError(
        f"region {format_region(region)} is not inside the genome, which has {shown}"
        f"{', ...' if len(pieces) > 3 else ''}; wanted bases of one piece"
    )
