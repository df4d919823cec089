"""BED files that divide a genome into named splits.

Column 4 is the name of the split that an interval belongs to; further columns are ignored
(`ldar_interp.genome.bed` says what a line is).
"""

from pathlib import Path

from ldar_interp.errors import InputError
from ldar_interp.genome.bed import BedLine, read_bed

_N_NAMES_SHOWN = 8


def read_split(path: Path, split: str) -> list[BedLine]:
    """The lines of a BED file whose name is `split`, in file order.

    Raises
    ------
    InputError : the file cannot be read; a line, of whatever split, that is not chrom, start, end,
        name with 0 <= start < end; no line of that split.
    """
    lines: list[BedLine] = []
    others: dict[str, None] = {}
    for line in read_bed(path, n_columns=4, wanted="chromosome, start, end and the split's name"):
        name = line.rest[0]
        if name == split:
            lines.append(line)
        else:
            others[name] = None
    if not lines:
        shown = ", ".join(repr(name) for name in list(others)[:_N_NAMES_SHOWN])
        more = ", ..." if len(others) > _N_NAMES_SHOWN else ""
        raise InputError(
            f"{path}: no line of split {split!r} in column 4; it has {shown or 'no intervals'}"
            f"{more}: correct the split or the file"
        )
    return lines
