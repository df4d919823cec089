"""Small variants of a VCF, each alternate allele a row with the bases that it replaces.

VCF positions are 1-based and indels carry a base that does not change. Here an allele replaces the
bases [start, end) by `inserted`, without letters that both share at either end:

    VCF  pos 4  CA -> C          bases [4, 5) replaced by nothing: a deletion of the A
    VCF  pos 4  C  -> CTT        bases [4, 4) replaced by TT: an insertion on edge 4

An indel in a repeat can be written in several places that give the same sequence; [first, last)
is the stretch that they cover together. Nothing is dropped in silence: an allele that cannot be
used keeps its row, with a `status` that says why.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, decode
from ldar_interp.genome.fasta import Genome, borrow_genome

USABLE = "usable"
MAX_MISMATCH = 0.1
ABSENT_CHROM = "chromosome is not in the genome"
SYMBOLIC = "symbolic allele or breakend"
SPANNING = "spanning deletion (*)"
NO_ALTERNATE = "no alternate allele"
ODD_LETTERS = "letters other than A, C, G, T"
SAME = "alternate is the reference"
OFF_SEQUENCE = "off the sequence"
GENOME_N = "the genome holds N there"
MISMATCH = "REF is not what the genome holds"
_MAX_ROLL_BP = 10_000
_LETTERS = frozenset("ACGT")


@dataclass(frozen=True)
class Variants:
    """What a VCF holds.

    Attributes
    ----------
    table : one row an alternate allele, in the file's order: `line` (1-based), `chrom` (the
        genome's name, or the file's where the genome lacks it), `pos`, `id`, `ref`, `alt` as
        written (letters in upper case), `status` (`usable`, or why not) and, for usable alleles,
        `start`, `end`, `inserted`, `first`, `last` (see the module); these are missing otherwise.
    counts : `records`, `alleles` and alleles by status.
    """

    table: pd.DataFrame
    counts: dict[str, int]


def read_vcf(
    vcf: str | Path, genome: Genome | str | Path, *, max_mismatch: float = MAX_MISMATCH
) -> Variants:
    """Read a VCF and check it against the genome.

    FILTER, INFO and genotypes are not read: filter the file first. Any IUPAC letter but A, C, G
    and T makes an allele unusable.

    Parameters
    ----------
    vcf : plain, gzip or bgzip.
    genome : open or the path of a FASTA. Chromosome names may differ by `chr`: said in the log.
    max_mismatch : share of the alleles with letters in the genome whose REF may differ from it;
        those that differ are left out and counted.

    Returns
    -------
    Variants, of the whole file; all of it is held in memory.

    Raises
    ------
    InputError : the file cannot be read, is no VCF, has no record or a broken one, or REF differs
        from the genome more often than allowed.
    CoordinateError : the genome has none of the file's chromosomes.
    """
    path = Path(vcf)
    records = [_read_record(path, number, line) for number, line in read_lines(path)]
    if not records:
        raise InputError(f"{path} has no records; wanted at least one variant")
    return place_records(path, records, genome, max_mismatch=max_mismatch)


Record = tuple[int, str, int, str, str, str]
"""`line, chrom, pos, id, REF, ALT` as in the file; ALT may be several, with commas."""


def place_records(
    path: Path,
    records: list[Record],
    genome: Genome | str | Path,
    *,
    max_mismatch: float = MAX_MISMATCH,
) -> Variants:
    """Alleles of records from any file, checked against the genome; see `read_vcf`.

    Parameters
    ----------
    path : where they are from, for messages.
    """
    with borrow_genome(genome) as opened:
        names = opened.resolve_names(record[1] for record in records)
        rows = [
            (*record[:1], names.get(record[1], record[1]), *record[2:5], alt,
             *_place(record, alt, names, opened))
            for record in records
            for alt in record[5].upper().split(",")
        ]  # fmt: skip
    table = pd.DataFrame(
        rows,
        columns=["line", "chrom", "pos", "id", "ref", "alt", "status", "start", "end", "inserted",
                 "first", "last"],
    ).astype(dict.fromkeys(("start", "end", "first", "last"), "Int64"))  # fmt: skip
    _check_mismatch(path, table, max_mismatch)
    found = table["status"].value_counts()
    counts = {"records": len(records), "alleles": len(table)}
    return Variants(table, counts | {str(k): int(found[k]) for k in sorted(found.index)})


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each record of a VCF, plain or compressed; errors as `read_vcf`."""
    try:
        with path.open("rb") as handle:
            is_gzip = handle.read(2) == b"\x1f\x8b"
        opener = gzip.open if is_gzip else open
        with opener(path, "rt", encoding="utf-8") as lines:
            has_header = False
            for number, line in enumerate(lines, start=1):
                if line.startswith("#"):
                    has_header = has_header or line.startswith("#CHROM")
                elif line.strip():
                    if not has_header:
                        raise InputError(
                            f"{path}: line {number} is a record before any #CHROM line; wanted a "
                            "VCF with its header"
                        )
                    yield number, line.rstrip("\r\n")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"{path}: cannot be read ({reason}); wanted a VCF, plain or bgzip"
        ) from None
    if not has_header:
        raise InputError(f"{path} has no #CHROM line; wanted a VCF with its header")


def _read_record(path: Path, number: int, line: str) -> Record:
    cells = line.split("\t")
    if len(cells) < 5 or not cells[1].isascii() or not cells[1].isdigit() or not all(cells[:5]):
        raise InputError(
            f"{path}: line {number} is {line[:60]!r}; wanted CHROM, POS, ID, REF, ALT, separated "
            "by tabs, POS a whole number"
        )
    return number, cells[0], int(cells[1]), cells[2], cells[3].upper(), cells[4]


_Placed = tuple[str, int | None, int | None, str | None, int | None, int | None]


def _place(record: Record, alt: str, names: dict[str, str], genome: Genome) -> _Placed:
    """`status, start, end, inserted, first, last` of one allele."""
    _, name, pos, _, ref, _ = record

    def unusable(status: str) -> _Placed:
        return status, None, None, None, None, None

    if alt in (".", ""):
        return unusable(NO_ALTERNATE)
    if alt == "*":
        return unusable(SPANNING)
    if any(letter in "<>[]." for letter in alt):
        return unusable(SYMBOLIC)
    if not _LETTERS.issuperset(alt + ref):
        return unusable(ODD_LETTERS)
    if name not in names:
        return unusable(ABSENT_CHROM)
    start, chrom = pos - 1, names[name]
    segment = genome.segment_at(chrom, start + 1) if start >= 0 else None
    if segment is None or start < segment.start or start + len(ref) > segment.end:
        return unusable(OFF_SEQUENCE)
    ids = genome.fetch(chrom, start, start + len(ref))
    if (ids == N).any():
        return unusable(GENOME_N)
    if decode(ids) != ref:
        return unusable(MISMATCH)
    if alt == ref:
        return unusable(SAME)
    start, end, inserted = trim(start, ref, alt)
    first, last = spread_indel(genome, chrom, start, end, inserted)
    return USABLE, start, end, inserted, first, last


def trim(start: int, ref: str, alt: str) -> tuple[int, int, str]:
    """[start, end) and what replaces it, without letters shared at the end, then at the start."""
    end = start + len(ref)
    while ref and alt and ref[-1] == alt[-1]:
        ref, alt, end = ref[:-1], alt[:-1], end - 1
    while ref and alt and ref[0] == alt[0]:
        ref, alt, start = ref[1:], alt[1:], start + 1
    return start, end, alt


def spread_indel(
    genome: Genome, chrom: str, start: int, end: int, inserted: str
) -> tuple[int, int]:
    """The stretch [first, last) over which an indel can slide without another result.

    A deletion or insertion slides one base to the left if the base before it is its last one, and
    to the right if the base behind it is its first one. Everything else stays where it is. Sliding
    ends at the ends of the sequence and after 10 kb.
    """
    if (end > start) == bool(inserted):
        return start, end
    unit = inserted or decode(genome.fetch(chrom, start, end))
    segment = genome.segment_at(chrom, start + 1) or genome.segment_at(chrom, start)
    assert segment is not None
    first, last = start, end
    turned = unit
    while first > max(segment.start, start - _MAX_ROLL_BP):
        before = decode(genome.fetch(chrom, first - 1, first))
        if before != turned[-1]:
            break
        turned, first = before + turned[:-1], first - 1
    turned = unit
    while last < min(segment.end, end + _MAX_ROLL_BP):
        behind = decode(genome.fetch(chrom, last, last + 1))
        if behind != turned[0]:
            break
        turned, last = turned[1:] + behind, last + 1
    return first, last


def _check_mismatch(path: Path, table: pd.DataFrame, max_mismatch: float) -> None:
    is_other = table["status"] == MISMATCH
    checked = int((is_other | table["status"].isin([USABLE, SAME])).sum())
    if is_other.sum() <= max_mismatch * checked:
        return
    row = table[is_other].iloc[0]
    raise InputError(
        f"{path}: REF of {int(is_other.sum())} of {checked} alleles is not what the genome holds, "
        f"first on line {row['line']} ({row['chrom']}:{row['pos']} {row['ref']}>{row['alt']}); "
        "wanted variants called on this genome: give its FASTA"
    )
