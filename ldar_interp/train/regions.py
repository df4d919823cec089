"""Which bases a source stands for: its regions or its split of a BED file, less what it excludes.

Whatever a source names, the outcome is a sorted list of intervals without overlap, each inside one
piece of the genome. A window never crosses the border of an interval.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import CoordinateError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import parse_region
from ldar_interp.train.bed import read_split
from ldar_interp.train.config import Source

# What a message calls an interval, its chromosome, start and end.
_Named = tuple[str, str, int, int]


@dataclass(frozen=True, slots=True)
class SourceIntervals:
    """Where a source's bases are.

    `intervals` follow the order of chromosomes in the FASTA, then their start, and do not overlap.
    `n_merged` counts intervals that were asked for and vanished in another that they overlap,
    `n_excluded` the bases that `exclude` took out.
    """

    intervals: tuple[Interval, ...]
    n_merged: int
    n_excluded: int


def locate(source: Source, genome: Genome) -> SourceIntervals:
    """Find a source's intervals in its genome, which is open.

    Names match the genome's exactly or with `chr` added or removed, one rule for the source's
    regions or BED file and one for what it excludes. Overlapping intervals are merged, so that no
    base is drawn twice as often as another; intervals that only touch stay apart. What is excluded
    must be there, as the regions must: a misspelt exclusion would train on what was held out.

    Raises
    ------
    InputError : text that is no region, a BED file that `read_split` refuses.
    CoordinateError : a region, an excluded region or a BED line on an unknown chromosome or
        outside the sequence.
    """
    wanted = _wanted(source, genome)
    merged = merge(wanted, genome.chroms)
    cuts: dict[str, list[tuple[int, int]]] = {}
    for cut in _check(_parse(source, "excluded region", source.exclude), genome):
        cuts.setdefault(cut.chrom, []).append((cut.start, cut.end))
    left = [
        Interval(region.chrom, start, end)
        for region in merged
        for start, end in subtract(region.start, region.end, sorted(cuts.get(region.chrom, [])))
    ]
    n_excluded = sum(map(len, merged)) - sum(map(len, left))
    return SourceIntervals(tuple(left), len(wanted) - len(merged), n_excluded)


def merge(intervals: Iterable[Interval], chroms: Sequence[str]) -> list[Interval]:
    """Union of intervals that share bases, in the order of `chroms` and of their start."""
    rank = {chrom: i for i, chrom in enumerate(chroms)}
    result: list[Interval] = []
    for interval in sorted(intervals, key=lambda i: (rank[i.chrom], i.start, i.end)):
        last = result[-1] if result else None
        if last is not None and last.chrom == interval.chrom and interval.start < last.end:
            result[-1] = Interval(last.chrom, last.start, max(last.end, interval.end))
        else:
            result.append(interval)
    return result


def subtract(start: int, end: int, cuts: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """What sorted `cuts` leave of [start, end)."""
    left = []
    for cut_start, cut_end in cuts:
        if cut_end <= start:
            continue
        if cut_start >= end:
            break
        if cut_start > start:
            left.append((start, cut_start))
        start = cut_end
    return [*left, (start, end)] if start < end else left


def read_source(source: Source) -> list[tuple[Interval, NDArray[np.uint8]]]:
    """The letters of a source in memory, one byte a base: for sources of moderate size."""
    with Genome(source.fasta) as genome:
        intervals = locate(source, genome).intervals
        return [(i, genome.fetch(i.chrom, i.start, i.end)) for i in intervals]


def _wanted(source: Source, genome: Genome) -> list[Interval]:
    """The intervals that a source names, in the genome's names, each checked."""
    if source.bed is not None and source.split is not None:
        lines = read_split(source.bed, source.split)
        return _check(
            [(f"{source.bed}:{x.number}", x.chrom, x.start, x.end) for x in lines], genome
        )
    if source.regions:
        return _check(_parse(source, "region", source.regions), genome)
    return list(genome.segments)


def _parse(source: Source, kind: str, texts: Sequence[str]) -> list[_Named]:
    """Regions of a config, each with what a message calls it."""
    parsed = [(text, parse_region(text)) for text in texts]
    return [
        (f"source {source.name!r}, {kind} {text!r}", r.chrom, r.start, r.end) for text, r in parsed
    ]


def _check(named: Sequence[_Named], genome: Genome) -> list[Interval]:
    """The same in the genome's names. Raises CoordinateError for what the genome does not have."""
    partners = _match_names([chrom for _, chrom, _, _ in named], genome)
    wanted = []
    for where, chrom, start, end in named:
        if chrom not in partners:
            raise CoordinateError(
                f"{where}: no chromosome {chrom!r} in {genome.path}; it has "
                f"{', '.join(genome.chroms[:5])}{', ...' if len(genome.chroms) > 5 else ''}"
            )
        piece = genome.segment_at(partners[chrom], start + 1)
        if piece is None or not piece.start <= start < end <= piece.end:
            pieces = [s for s in genome.segments if s.chrom == partners[chrom]]
            shown = ", ".join(f"[{s.start}, {s.end})" for s in pieces[:3])
            raise CoordinateError(
                f"{where}: [{start}, {end}) leaves the sequence of {partners[chrom]} in "
                f"{genome.path}, which is {shown}{', ...' if len(pieces) > 3 else ''}; "
                "wanted an interval inside"
            )
        wanted.append(Interval(partners[chrom], start, end))
    return wanted


def _match_names(names: list[str], genome: Genome) -> dict[str, str]:
    """As `Genome.resolve_names`; empty, no error, where no name has a partner."""
    try:
        return genome.resolve_names(names)
    except CoordinateError:
        return {}
