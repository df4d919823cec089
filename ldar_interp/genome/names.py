"""Chromosome names: `chr1` of one file and `1` of another, reconciled out loud."""

import logging
from collections.abc import Iterable, Sequence

from ldar_interp.errors import CoordinateError

logger = logging.getLogger("ldar_interp")

_MITOCHONDRION = ("M", "MT")


def resolve_names(names: Iterable[str], chroms: Sequence[str], *, genome: str) -> dict[str, str]:
    """Map the chromosome names of an annotation to those of a genome.

    An exact match always wins. The names left over are tried under one rule for the whole file,
    `chr` added or `chr` removed (M and MT are one chromosome), whichever reconciles more names;
    two names never land on one chromosome. What the rule did is logged as a warning.

    Parameters
    ----------
    names : names in the annotation, in any order, with or without repeats.
    chroms : names in the genome.
    genome : what to call the genome in messages.

    Returns
    -------
    dict from annotation name to genome name, sorted by key. Names without a partner are absent
    from it: the caller counts and names them.

    Raises
    ------
    CoordinateError : no name of the annotation has a partner.
    """
    wanted = sorted(set(names))
    known = set(chroms)
    exact = {name: name for name in wanted if name in known}
    free = known - exact.keys()
    rest = [name for name in wanted if name not in exact]
    added = _apply(rest, free, add_chr=True)
    removed = _apply(rest, free, add_chr=False)
    changed, rule = (added, "added") if len(added) >= len(removed) else (removed, "removed")
    if changed:
        shown = ", ".join(f"{a} -> {b}" for a, b in list(changed.items())[:3])
        more = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        logger.warning(
            "chromosome names reconciled with %s ('chr' %s): %s%s", genome, rule, shown, more
        )
    result = dict(sorted((exact | changed).items()))
    if wanted and not result:
        raise CoordinateError(
            f"{genome}: none of its chromosomes ({_examples(chroms)}) is named in the annotation "
            f"({_examples(wanted)}); use the annotation of this genome"
        )
    return result


def _apply(names: list[str], free: set[str], *, add_chr: bool) -> dict[str, str]:
    """The names that one rule brings onto free chromosomes, first come first served."""
    result: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        if name.startswith("chr") == add_chr:
            continue
        core = name.removeprefix("chr")
        same = _MITOCHONDRION if core in _MITOCHONDRION else (core,)
        for other in sorted(same, key=lambda m: m != core):
            target = f"chr{other}" if add_chr else other
            if target in free and target not in taken:
                result[name] = target
                taken.add(target)
                break
    return result


def _examples(names: Sequence[str], n: int = 3) -> str:
    return ", ".join(names[:n]) + (", ..." if len(names) > n else "")
