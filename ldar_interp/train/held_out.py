"""Held-out sequence: that training does not see it, and a choice for those who have none."""

from collections.abc import Sequence
from pathlib import Path

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import format_region
from ldar_interp.train.config import Source
from ldar_interp.train.packed_file import hash_fasta
from ldar_interp.train.regions import locate

HELD_OUT_SHARE = 0.05
_LEAST_WINDOWS = 20


def check_held_out(train: Sequence[Source], validation: Sequence[Source]) -> None:
    """Refuse validation sequence that is trained on.

    Sources are compared on the bases of FASTA files with the same content, whatever the files are
    called. The same sequence in another assembly or record is not recognised.

    Raises
    ------
    InputError : a training and a validation source share bases; names both and the first overlap.
    """
    seen: dict[str, list[tuple[Interval, Source]]] = {}
    for source, interval, content in _located(train):
        seen.setdefault(content, []).append((interval, source))
    unseen: dict[str, list[tuple[Interval, Source]]] = {}
    for source, interval, content in _located(validation):
        unseen.setdefault(content, []).append((interval, source))
    shared: list[tuple[Interval, Source, Source]] = []
    for content, held_out in unseen.items():
        shared += _overlaps(seen.get(content, []), held_out)
    if shared:
        first, trained, held = shared[0]
        n_bases = sum(len(interval) for interval, _, _ in shared)
        raise InputError(
            f"{held.fasta}: validation source {held.name!r} is trained on: it shares "
            f"{format_region(first)} with training source {trained.name!r} ({n_bases} bases in "
            f"{len(shared)} overlaps); exclude them from training or validate elsewhere"
        )


def default_sources(fasta: Path, length: int = 1024) -> tuple[Source, Source]:
    """Training and validation source of a FASTA file for which nobody has chosen a split.

    The last 5 % of every record of at least 20 windows are held out for validation; all the rest,
    short records whole, is trained on.

    Parameters
    ----------
    fasta : plain or bgzip.
    length : bases of a window.

    Raises
    ------
    InputError : no record is long enough, or the file is no FASTA.
    """
    with Genome(fasta) as genome:
        segments = genome.segments
    held_out = [
        format_region(Interval(s.chrom, s.end - int(HELD_OUT_SHARE * len(s)), s.end))
        for s in segments
        if len(s) >= _LEAST_WINDOWS * length
    ]
    if not held_out:
        longest = max(len(s) for s in segments)
        raise InputError(
            f"{fasta}: nothing can be held out for validation: the longest record has {longest} "
            f"bases, wanted {_LEAST_WINDOWS} windows of {length}; give a shorter train_length "
            "(--train-length) or a config with a validation source"
        )
    train = Source(name="all but the held-out ends", fasta=fasta, exclude=tuple(held_out))
    return train, Source(name="held-out ends", fasta=fasta, regions=tuple(held_out))


def _located(sources: Sequence[Source]) -> list[tuple[Source, Interval, str]]:
    """Every interval of the sources with the digest of its FASTA."""
    found = []
    for source in sources:
        with Genome(source.fasta) as genome:
            intervals = locate(source, genome).intervals
        content = hash_fasta(source.fasta)
        found += [(source, interval, content) for interval in intervals]
    return found


def _overlaps(
    trained: list[tuple[Interval, Source]], held_out: list[tuple[Interval, Source]]
) -> list[tuple[Interval, Source, Source]]:
    """What intervals of one list share with those of the other, each overlap once.

    A sweep along the chromosome: an interval meets those of the other list that are still open.
    """
    tagged = [(i.chrom, i.start, i, s, 0) for i, s in trained]
    tagged += [(i.chrom, i.start, i, s, 1) for i, s in held_out]
    tagged.sort(key=lambda entry: entry[:2])
    open_now: tuple[list[tuple[Interval, Source]], list[tuple[Interval, Source]]] = ([], [])
    shared = []
    for chrom, start, interval, source, kind in tagged:
        for side in open_now:
            side[:] = [(i, s) for i, s in side if i.chrom == chrom and i.end > start]
        for other, other_source in open_now[1 - kind]:
            common = Interval(chrom, start, min(interval.end, other.end))
            pair = (source, other_source) if kind == 0 else (other_source, source)
            shared.append((common, *pair))
        open_now[kind].append((interval, source))
    return shared
