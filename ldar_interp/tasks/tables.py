"""One file of labelled sequences: FASTA, CSV, TSV or parquet, plain or gzip.

- FASTA: the label stands behind the last `|` of the header, as in `>chr1_100|1`.
- CSV and TSV: a header line with `sequence` and `label`; other columns are kept as text.
- Parquet: the same columns. Parquet is read by polars, which needs no other package.
"""

import gzip
import re
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl

from ldar_interp.errors import InputError

FASTA = (".fna", ".fa", ".fasta")
TEXT = (".csv", ".tsv")
PARQUET = ".parquet"
_WANTED = "wanted FASTA, CSV, TSV or parquet with sequences and labels"


def find_kind(path: Path) -> str | None:
    """The suffix that says how the file is read, without `.gz`; None for other files."""
    suffix = Path(path.name.removesuffix(".gz")).suffix.lower()
    if suffix == PARQUET:
        return suffix if not path.name.endswith(".gz") else None
    return suffix if suffix in (*FASTA, *TEXT) else None


def find_stem(path: Path) -> str:
    """The name without its suffixes and shard number: `train` of `train-00000-of-00002.parquet`."""
    stem = Path(path.name.removesuffix(".gz")).stem
    return re.sub(r"-\d+-of-\d+$", "", stem)


def read_table(path: Path, base: Path) -> pd.DataFrame:
    """Rows of one file.

    Parameters
    ----------
    path : what to read.
    base : folder that row names are relative to.

    Returns
    -------
    DataFrame with `row_id` (`train.fna:17`, counted from 1), `sequence`, `label` and all other
    columns of the file, as text.

    Raises
    ------
    InputError : the file cannot be read, is of another kind, lacks `sequence` or `label`, or a
        FASTA header has no label.
    """
    kind = find_kind(path)
    try:
        if kind in FASTA:
            frame = _read_fasta(path)
        elif kind in TEXT:
            separator = "\t" if kind == ".tsv" else ","
            frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
        elif kind == PARQUET:
            columns = pl.read_parquet(path).to_dict(as_series=False)
            frame = pd.DataFrame({name: _as_text(cells) for name, cells in columns.items()})
        else:
            raise InputError(f"{path}: unknown kind of file; {_WANTED}")
    except (
        OSError,
        EOFError,
        UnicodeDecodeError,
        zlib.error,
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        pl.exceptions.PolarsError,
    ) as error:
        reason = (
            getattr(error, "strerror", None) or (str(error).strip() or "broken").splitlines()[0]
        )
        raise InputError(f"{path}: cannot be read ({reason[:120]}); {_WANTED}") from None
    missing = [name for name in ("sequence", "label") if name not in frame]
    if missing:
        raise InputError(
            f"{path} has no column {' and '.join(missing)}; wanted a header with sequence and "
            f"label, found {', '.join(map(str, frame.columns))[:80]}"
        )
    name = path.relative_to(base).as_posix()
    frame["row_id"] = [f"{name}:{row}" for row in range(1, len(frame) + 1)]
    return frame


def _as_text(cells: Iterable[Any]) -> list[str]:
    """Cells as CSV would have them: nothing for null."""
    return ["" if cell is None else str(cell) for cell in cells]


def _read_fasta(path: Path) -> pd.DataFrame:
    opener = gzip.open if path.name.endswith(".gz") else open
    labels: list[str] = []
    sequences: list[list[str]] = []
    with opener(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith(">"):
                _, bar, label = line[1:].strip().rpartition("|")
                if not bar or not label:
                    raise InputError(
                        f"{path}:{number}: header {line.strip()[:60]!r} has no label; wanted it "
                        "behind the last '|', as in '>name|1'"
                    )
                labels.append(label)
                sequences.append([])
            elif line.strip():
                if not sequences:
                    raise InputError(
                        f"{path}:{number}: letters before any header; wanted '>name|1'"
                    )
                sequences[-1].append(line.strip())
    return pd.DataFrame({"sequence": ["".join(one) for one in sequences], "label": labels})
