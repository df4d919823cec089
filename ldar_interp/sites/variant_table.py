"""Variants from a table of one's own instead of a VCF: TSV with chrom, pos, ref and alt.

Positions are 1-based and alleles are written as in a VCF, so the same checks hold; `id` is
optional and so is any column of labels.
"""

from pathlib import Path

import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.vcf import MAX_MISMATCH, Record, Variants, place_records

_COLUMNS = ("chrom", "pos", "ref", "alt")


def read_variant_table(
    path: str | Path, genome: Genome | str | Path, *, max_mismatch: float = MAX_MISMATCH
) -> Variants:
    """Read a TSV of variants and check it against the genome.

    Parameters
    ----------
    path : TSV with a header, plain or gzip; columns `chrom, pos, ref, alt`, and `id` if wanted.
    genome, max_mismatch : see `read_vcf`.

    Returns
    -------
    Variants, as `read_vcf` gives them; `line` counts the header as 1.

    Raises
    ------
    InputError : the file cannot be read, lacks a column or rows, a cell is empty or a position no
        whole number, or REF differs from the genome more often than allowed.
    CoordinateError : the genome has none of the file's chromosomes.
    """
    table = _read(Path(path))
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing or table.empty:
        found = f"no column {', '.join(missing)}" if missing else "no rows"
        raise InputError(
            f"{path} has {found}; wanted a TSV with {', '.join(_COLUMNS)} and a row a variant"
        )
    records: list[Record] = []
    names = table["id"] if "id" in table else ["."] * len(table)
    cells = (table[name] for name in _COLUMNS)
    for line, (chrom, pos, ref, alt, name) in enumerate(zip(*cells, names, strict=True), start=2):
        if not (chrom and ref and alt) or not (pos.isascii() and pos.isdigit()):
            raise InputError(
                f"{path}: line {line} has chrom {chrom!r}, pos {pos!r}, ref {ref!r}, alt {alt!r}; "
                "wanted no empty cell and a whole number for pos"
            )
        records.append((line, chrom, int(pos), name or ".", ref.upper(), alt))
    return place_records(Path(path), records, genome, max_mismatch=max_mismatch)


def read_table_labels(path: str | Path, column: str) -> dict[int, str]:
    """Text of a column by line of the file; raises InputError if there is no such column."""
    table = _read(Path(path))
    if column not in table.columns:
        raise InputError(
            f"{path} has no column {column!r} for labels; wanted one of "
            f"{', '.join(map(str, table.columns))}"
        )
    return dict(enumerate(table[column].tolist(), start=2))


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False, quoting=3)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: cannot be read ({reason}); wanted a TSV of variants") from None
