"""Lines of BED files, checked one by one.

One interval a line: chromosome, start, end (0-based, half-open), then further columns. Columns are
separated by tabs or spaces. Blank lines and lines that begin with `#`, `track` or `browser` are
skipped (https://samtools.github.io/hts-specs/BEDv1.pdf). A name ending in `.gz` is gzip.
"""

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ldar_interp.errors import InputError

_HEADERS = ("track", "browser")


class BedLine(NamedTuple):
    """One interval [start, end), the number of its line, from 1, and the columns after it."""

    number: int
    chrom: str
    start: int
    end: int
    rest: tuple[str, ...]


def read_bed(path: Path, *, n_columns: int, wanted: str) -> Iterator[BedLine]:
    """The lines of a BED file, in file order.

    Parameters
    ----------
    n_columns : the fewest columns of a line, at least 3.
    wanted : those columns in words, for messages.

    Raises
    ------
    InputError : the file cannot be read, or a line has fewer columns or is not
        0 <= start < end; its message names the line.
    """
    try:
        with (gzip.open if path.name.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
            for number, text in enumerate(f, start=1):
                columns = text.split()
                skipped = not columns or columns[0] in _HEADERS or columns[0].startswith("#")
                if not skipped:
                    yield _parse(columns, f"{path}:{number}", number, n_columns, wanted)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be read ({reason}); wanted a BED file") from None
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not text or damaged ({error}); wanted a BED file") from None


def _parse(columns: list[str], where: str, number: int, n_columns: int, wanted: str) -> BedLine:
    if len(columns) < n_columns:
        raise InputError(f"{where}: {len(columns)} columns; wanted {wanted}")
    chrom, start, end = columns[:3]
    if not (start.isdecimal() and end.isdecimal() and int(start) < int(end)):
        raise InputError(
            f"{where}: start {start!r}, end {end!r}; wanted whole numbers with 0 <= start < end "
            "(0-based, half-open)"
        )
    return BedLine(number, chrom, int(start), int(end), tuple(columns[3:]))
