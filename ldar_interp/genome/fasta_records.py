"""What a FASTA record is: a chromosome or a slice of one, and whether its letters are DNA."""

import re
from collections import Counter

from ldar_interp.errors import InputError
from ldar_interp.genome.intervals import Interval

_SLICE_NAME = re.compile(r"(.+):([0-9,]+)-([0-9,]+)")
_IUPAC = frozenset(b"ACGTURYKMSWBDHVNacgturykmswbdhvn-.")
_MAX_FOREIGN_SHARE = 0.10


def parse_record_name(name: str, length: int, label: str) -> Interval:
    """The bases that a record holds.

    Raises
    ------
    InputError : the record is empty, or its name promises another length. `bedtools getfasta`
        writes 0-based starts, which show as one letter less than a 1-based name promises.
    """
    if length == 0:
        raise InputError(f"{label}: record {name!r} is empty; wanted bases: remove it")
    match = _SLICE_NAME.fullmatch(name)
    if match is None:
        return Interval(name, 0, length)
    first, last = (int(text.replace(",", "")) for text in match.groups()[1:])
    promised = last - first + 1
    if first < 1 or promised != length:
        hint = (
            f"; if it is 0-based (bedtools), rename it to {match[1]}:{first + 1}-{last}"
            if length == last - first
            else ": rename it"
        )
        raise InputError(
            f"{label}: record {name!r} holds {length} bases, its name (1-based, both ends "
            f"included) promises {promised}{hint}"
        )
    return Interval(match[1], first - 1, last)


def check_letters(sample: bytes, label: str) -> None:
    """Refuse a sample with more than 10 % of letters that are no IUPAC nucleotide code.

    Protein sequence, which uses most of the same letters, has about 35 % of them.
    """
    foreign = {letter: n for letter, n in Counter(sample).items() if letter not in _IUPAC}
    share = sum(foreign.values()) / len(sample)
    if share > _MAX_FOREIGN_SHARE:
        shown = bytes(sorted(foreign)[:10]).decode("ascii", "replace")
        raise InputError(
            f"{label} is not DNA: {share:.0%} of {len(sample)} sampled letters are no "
            f"nucleotide codes ({shown}); wanted a genome in FASTA"
        )
