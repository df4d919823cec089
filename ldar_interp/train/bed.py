"""BED files that divide a genome into named splits.

One interval a line: chromosome, start, end (0-based, half-open) and, in column 4, the name of the
split that it belongs to; further columns are ignored. Columns are separated by tabs or spaces.
Blank lines and lines that begin with `#`, `track` or `browser` are skipped
(https://samtools.github.io/hts-specs/BEDv1.pdf). A name ending in `.gz` is gzip.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ldar_interp.errors import InputError

_HEADERS = ("track", "browser")
_N_NAMES_SHOWN = 8


class BedLine(NamedTuple):
    """One interval [start, end) and the number of its line, from 1."""

    number: int
    chrom: str
    start: int
    end: int
    name: str


def read_split(path: Path, split: str) -> list[BedLine]:
    """The lines of a BED file whose name is `split`, in file order.

    Raises
    ------
    InputError : the file cannot be read; a line, of whatever split, that is not chrom, start, end,
        name with 0 <= start < end; no line of that split.
    """
    lines: list[BedLine] = []
    others: dict[str, None] = {}
    for line in _read(path):
        if line.name == split:
            lines.append(line)
        else:
            others[line.name] = None
    if not lines:
        shown = ", ".join(repr(name) for name in list(others)[:_N_NAMES_SHOWN])
        more = ", ..." if len(others) > _N_NAMES_SHOWN else ""
        raise InputError(
            f"{path}: no line of split {split!r} in column 4; it has {shown or 'no intervals'}"
            f"{more}: correct the split or the file"
        )
    return lines


def _read(path: Path) -> Iterator[BedLine]:
    try:
        with (gzip.open if path.name.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
            for number, text in enumerate(f, start=1):
                columns = text.split()
                skipped = not columns or columns[0] in _HEADERS or columns[0].startswith("#")
                if not skipped:
                    yield _parse(columns, f"{path}:{number}", number)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be read ({reason}); wanted a BED file") from None
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not text or damaged ({error}); wanted a BED file") from None


def _parse(columns: list[str], where: str, number: int) -> BedLine:
    if len(columns) < 4:
        raise InputError(
            f"{where}: {len(columns)} columns; wanted chromosome, start, end and the split's name"
        )
    chrom, start, end, name = columns[:4]
    if not (start.isdecimal() and end.isdecimal() and int(start) < int(end)):
        raise InputError(
            f"{where}: start {start!r}, end {end!r}; wanted whole numbers with 0 <= start < end "
            "(0-based, half-open)"
        )
    return BedLine(number, chrom, int(start), int(end), name)
