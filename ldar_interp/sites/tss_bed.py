"""Transcription starts from a BED file: CAGE peaks, EPD, or any list of one's own.

Columns: chromosome, start, end (0-based, half-open), name, score, strand; further ones are ignored.
Columns are separated by tabs or spaces; blank lines and those that begin with `#`, `track` or
`browser` are skipped (https://samtools.github.io/hts-specs/BEDv1.pdf). The site is the 5' edge of
the interval: its start on `+`, its end on `-`, so that the point [x, x + 1) is edge x on `+` and
edge x + 1 on `-`.
"""

import gzip
import logging
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import numpy as np
import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.sites.genes import find_inside, rename_chroms, sort_by_genome
from ldar_interp.sites.groups import find_groups
from ldar_interp.sites.promoters import Promoters, finish_tss

logger = logging.getLogger("ldar_interp")

NEAR_GENE_BP = 1000
_COLUMNS = ("chrom", "edge", "strand", "gene_name")
_EDGE = ["chrom", "edge", "strand"]
_N_SHOWN = 5


def load_tss_bed(
    bed: str | Path, genome: str | Path | Genome, *, genes: pd.DataFrame | None = None
) -> Promoters:
    """Read transcription starts from BED.

    Parameters
    ----------
    bed : BED of six columns or more, plain or gzip.
    genome : FASTA path or an open Genome. Chromosome names may differ by `chr`: said in the log.
    genes : `chrom, start, end, group` (`SpliceAnnotation.genes`, `Promoters.genes`): a start is of
        the group whose genes hold it or are at most 1,000 bp away (a measured start lies a little
        outside its annotated gene). None, or no gene there: a block of 1 Mb.

    Returns
    -------
    Promoters. `counts`: `lines`, `on_absent_chroms`, `off_genome`, `duplicates` (same chromosome,
    edge and strand; the first of the file stays), `tss`, `groups_with_sites`.

    Raises
    ------
    InputError : the file cannot be read, a line is wrong (file and line are named), or no start
        lies inside the genome.
    CoordinateError : the genome has none of the file's chromosomes.
    """
    read = pd.DataFrame(_read(Path(bed)), columns=list(_COLUMNS)).astype(
        {"chrom": "str", "edge": "int64", "strand": "str", "gene_name": "str"}
    )
    if read.empty:
        raise InputError(f"{bed} has no intervals; wanted a BED file of transcription starts")
    with borrow_genome(genome) as opened:
        in_file = sorted(set(read["chrom"]))
        names = opened.resolve_names(in_file)
        absent = tuple(name for name in in_file if name not in names)
        table = rename_chroms(read, names)
        edge = table["edge"].to_numpy(dtype=np.int64)
        # The base that the interval names must be there: the one downstream of its 5' edge.
        first_base = np.where(table["strand"] == "-", edge - 1, edge)
        inside = table[find_inside(opened, table["chrom"], first_base)]
        unique = inside.drop_duplicates(_EDGE)
        counts = {
            "lines": len(read),
            "on_absent_chroms": len(read) - len(table),
            "off_genome": len(table) - len(inside),
            "duplicates": len(inside) - len(unique),
            "tss": len(unique),
        }
        if unique.empty:
            raise InputError(
                f"{bed}: none of its {len(read)} starts lies inside the genome; wanted the genome "
                "that they were mapped to"
            )
        _say(bed, counts, absent)
        groups = find_groups(
            unique["chrom"].to_numpy(dtype=object),
            unique["edge"].to_numpy(),
            genes,
            margin_bp=NEAR_GENE_BP,
        )
        full = unique.assign(
            group=pd.Series(groups, index=unique.index, dtype="str"),
            gene_id=pd.Series([None] * len(unique), index=unique.index, dtype="str"),
            n_transcripts=pd.Series([pd.NA] * len(unique), index=unique.index, dtype="Int64"),
        )
        tss = finish_tss(full.reset_index(drop=True), opened)
        counts["groups_with_sites"] = int(tss["group"].nunique())
        known = sort_by_genome(tss[_EDGE], opened, "edge")
    return Promoters(tss, known, genes, counts, absent, names)


def _say(bed: str | Path, counts: dict[str, int], absent: tuple[str, ...]) -> None:
    if absent:
        shown = ", ".join(absent[:_N_SHOWN]) + (", ..." if len(absent) > _N_SHOWN else "")
        logger.warning(
            "%s: %d starts on %d chromosomes that are not in the genome: %s",
            *(bed, counts["on_absent_chroms"], len(absent), shown),
        )
    for what in ("off_genome", "duplicates"):
        if counts[what]:
            logger.warning("%s: %d starts left out: %s", bed, counts[what], what.replace("_", " "))


def _read(path: Path) -> Iterator[tuple[str, int, str, str]]:
    """Chromosome, edge, strand and name of each line."""
    try:
        with path.open("rb") as handle:
            is_gzip = handle.read(2) == b"\x1f\x8b"
        with (gzip.open if is_gzip else open)(path, "rt", encoding="utf-8") as lines:
            for number, text in enumerate(lines, start=1):
                columns = text.split("\t") if "\t" in text else text.split()
                cells = [cell.strip() for cell in columns]
                if any(cells) and not cells[0].startswith(("#", "track", "browser")):
                    yield _parse(path, number, cells)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"{path}: cannot be read ({reason}); wanted a BED file") from None
    except (UnicodeDecodeError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not text or damaged ({error}); wanted a BED file") from None


def _parse(path: Path, number: int, cells: list[str]) -> tuple[str, int, str, str]:
    if len(cells) < 6:
        _fail(path, number, f"{len(cells)} columns; wanted six, the strand in the sixth")
    chrom, start, end, name, _, strand = cells[:6]
    if not (start.isdecimal() and end.isdecimal() and int(start) < int(end)):
        _fail(
            path,
            number,
            f"start {start!r}, end {end!r}; wanted whole numbers with 0 <= start < end (0-based, "
            "half-open)",
        )
    if strand not in ("+", "-"):
        _fail(path, number, f"strand {strand!r}; wanted + or -: a start has a direction")
    return chrom, int(start) if strand == "+" else int(end), strand, name


def _fail(path: Path, number: int, problem: str) -> NoReturn:
    raise InputError(f"{path}:{number}: {problem}")
