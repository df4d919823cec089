"""The SiteTable: one row an edge that somebody wants to look at (docs/contracts.md).

It is a plain DataFrame, so that users can join and filter it; `check_sites` is the one place
that says what a SiteTable is, and everything that takes one calls it.
"""

import csv
import gzip
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ldar_interp.errors import InputError

REQUIRED = ("site_id", "chrom", "edge", "strand", "kind", "set", "group")
SITE = "site"

_NULLABLE = ("Int64", "boolean")

# Types of the columns that the contract names; `Int64` is int64 that may be missing.
_TYPES = {
    "site_id": "str",
    "chrom": "str",
    "edge": "int64",
    "strand": "str",
    "kind": "str",
    "set": "str",
    "group": "str",
    "matched_to": "str",
    "draw": "Int64",
    "width_bp": "Int64",
    "score": "float64",
    "gene_name": "str",
    "gene_id": "str",
    "site_class": "str",
    "n_transcripts": "Int64",
    "short_intron": "boolean",
}


def check_sites(table: pd.DataFrame, *, name: str = "sites") -> pd.DataFrame:
    """Check a SiteTable and give it its canonical types.

    Parameters
    ----------
    table : rows in any order; more columns than the contract names are allowed and kept.
    name : what to call the table in messages.

    Returns
    -------
    A new DataFrame, same rows and columns in the same order, index 0..n-1. Text is `str` (empty
    optional text is missing), whole numbers int64 and flags bool, or `Int64` and `boolean`
    where an optional column has missing values (in a table of sites and controls, sites have
    no `draw`). An empty table is fine.

    Raises
    ------
    InputError : the first violation, with its column and row: a missing column, a type that is
        not exactly convertible, a missing value in a required column, an edge < 0, a strand
        that is not + or -, a `site_id` twice, a control without `matched_to` or `draw` or a site
        with one (where the table has these columns).
    """
    if not isinstance(table, pd.DataFrame):
        raise InputError(f"{name} is a {type(table).__name__}; wanted a pandas DataFrame of sites")
    missing = [column for column in REQUIRED if column not in table.columns]
    if missing:
        raise InputError(f"{name} lacks column {missing[0]!r}; wanted {', '.join(REQUIRED)}")
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise InputError(f"{name} has column {twice!r} twice; wanted unique columns: drop one")

    result = table.reset_index(drop=True)
    for column in result.columns:
        if column in _TYPES:
            result[column] = _convert(result[column], _TYPES[column], name)
    for column in REQUIRED:
        _refuse(result[column].isna(), result, column, name, "a value")
    _refuse(result["edge"] < 0, result, "edge", name, "an edge >= 0")
    _refuse(~result["strand"].isin(["+", "-"]), result, "strand", name, "+ or -")
    _refuse(result["site_id"].duplicated(), result, "site_id", name, "unique ids")
    is_site = result["set"] == SITE
    for column in ("matched_to", "draw"):
        if column in result.columns:
            given = result[column].notna()
            _refuse(is_site & given, result, column, name, "no value for a site")
            _refuse(~is_site & ~given, result, column, name, "a value for each control")
    return result


def check_real_sites(table: pd.DataFrame) -> pd.DataFrame:
    """The sites that controls are looked for, checked as by `check_sites`.

    Raises
    ------
    InputError : see `check_sites`; no rows; a row that is a control; a place twice.
    """
    checked = check_sites(table)
    if len(checked) == 0:
        raise InputError("sites is empty; wanted at least one site")
    controls = int((checked["set"] != SITE).sum())
    if controls:
        raise InputError(f"sites hold {controls} rows that are controls; wanted set 'site' only")
    twice = checked.duplicated(["chrom", "edge", "strand", "kind"])
    if twice.any():
        raise InputError(
            f"sites hold {checked['site_id'][twice].iloc[0]!r} twice "
            f"({int(twice.sum())} such rows); wanted each chrom, edge, strand and kind once: "
            "drop duplicates"
        )
    return checked


def make_site_ids(table: pd.DataFrame) -> pd.Series:
    """Ids from what a row is: `chr3:42001234:+:donor`, and `...:C1:0` for a control in draw 0.

    Needs `chrom, edge, strand, kind, set`, and reads `draw` where there is one. Unique if no two
    rows agree in all of these; the index of `table` is kept.
    """
    parts = [table[column].astype(str) for column in ("chrom", "edge", "strand", "kind")]
    ids = parts[0].str.cat(parts[1:], sep=":")
    suffix = ":" + table["set"].astype(str)
    if "draw" in table.columns:
        draws = table["draw"].astype("Int64")
        suffix = suffix + (":" + draws.astype(str)).where(draws.notna(), "")
    return ids.where(table["set"] == SITE, ids + suffix).rename("site_id")


def write_sites(path: str | Path, table: pd.DataFrame) -> None:
    """Write a checked table as TSV: %.6g floats, empty cell for missing, no index.

    The file appears complete or not at all; a name that ends in `.gz` compresses it. The same
    table gives the same bytes.

    Raises
    ------
    InputError : `check_sites` objects, text holds a tab, quote or line break, or the folder
        cannot be written.
    """
    checked = check_sites(table, name=str(path))
    for column in checked.select_dtypes(include=["object", "str"]).columns:
        bad = checked[column].astype("str").str.contains('[\t\r\n"]', na=False)
        _refuse(bad, checked, column, str(path), "text without tab, quote or line break")
    content = checked.to_csv(
        sep="\t",
        index=False,
        float_format="%.6g",
        lineterminator="\n",
        quoting=csv.QUOTE_NONE,
    ).encode()
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    try:
        # mtime 0: the same table gives the same bytes.
        is_gzip = target.name.endswith(".gz")
        partial.write_bytes(gzip.compress(content, mtime=0) if is_gzip else content)
        partial.replace(target)
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}); wanted a file in a writable folder"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def read_sites(path: str | Path, *, dtypes: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Read what `write_sites` wrote, with the same types, and check it.

    Columns that the contract does not name are bool if all cells are True or False, else int64 or
    float64 if all are numbers, else text. `dtypes` overrules this by column: name it for text that
    looks like numbers, or for a float column of whole numbers. Only an empty cell is missing; a
    gene called `NA` stays one.

    Raises
    ------
    InputError : the file is missing or is not a table, `dtypes` names a column that it lacks or
        a type that does not fit, or `check_sites` objects.
    """
    try:
        text = pd.read_csv(
            path,
            sep="\t",
            dtype="str",
            keep_default_na=False,
            na_values=[""],
            quoting=csv.QUOTE_NONE,
        )
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not a table of sites ({reason}); wanted TSV") from error
    declared = dict(dtypes or {})
    unknown = [column for column in declared if column not in text.columns]
    if unknown:
        raise InputError(f"{path} has no column {unknown[0]!r}; it has {', '.join(text.columns)}")
    for column in text.columns:
        wanted = declared.get(column) or _TYPES.get(column) or _guess_type(text[column])
        text[column] = _parse(text[column], wanted, str(path))
    return check_sites(text, name=str(path))


def _refuse(bad: pd.Series, table: pd.DataFrame, column: str, name: str, wanted: str) -> None:
    """Raise for the first row where `bad` holds."""
    rows = np.flatnonzero(bad.to_numpy(dtype=bool))
    if rows.size:
        value = table[column].iloc[rows[0]]
        shown = "nothing" if pd.isna(value) else repr(value)
        raise InputError(
            f"{name}: column {column!r} of row {rows[0]} holds {shown}; wanted {wanted}"
            + (f" ({rows.size} such rows)" if rows.size > 1 else "")
        )


def _convert(values: pd.Series, wanted: str, name: str) -> pd.Series:
    """A column in its canonical type, only where that loses nothing."""
    found = values.dtype
    problem = f"{name}: column {values.name!r} is {found}; wanted {wanted.lower()}"
    if wanted == "str":
        is_text = isinstance(found, pd.StringDtype)
        if not is_text and not all(isinstance(value, str) for value in values.dropna()):
            raise InputError(f"{problem}: convert it with .astype('str')")
        result = values.astype("str")
        return result.mask(result == "")
    if wanted == "float64":
        if not pd.api.types.is_numeric_dtype(found) or pd.api.types.is_bool_dtype(found):
            raise InputError(f"{problem}: convert it")
        return values.astype("float64")
    is_bool = pd.api.types.is_bool_dtype(found)
    if len(values) == 0 or values.isna().all():
        is_right = True
    elif wanted == "boolean":
        is_right = is_bool
    else:  # a join or a concat with missing cells turns int64 into float64: whole numbers pass
        whole = pd.api.types.is_float_dtype(found) and bool((values.dropna() % 1 == 0).all())
        is_right = (pd.api.types.is_integer_dtype(found) or whole) and not is_bool
    if not is_right:
        raise InputError(f"{problem}: convert it")
    nullable = values.astype("boolean" if wanted == "boolean" else "Int64")
    if nullable.isna().any():
        if wanted == "int64":
            row = int(np.flatnonzero(nullable.isna())[0])
            raise InputError(
                f"{name}: column {values.name!r} of row {row} holds nothing; wanted a value"
            )
        return nullable
    return nullable.astype("bool" if wanted == "boolean" else "int64")


def _guess_type(text: pd.Series) -> str:
    cells = text.dropna()
    if cells.empty:
        return "str"
    if cells.isin(["True", "False"]).all():
        return "boolean"
    if cells.str.fullmatch(r"0|-?[1-9][0-9]{0,17}").all():
        return "Int64" if len(cells) == len(text) else "float64"
    number = r"-?(?:[0-9]+\.?[0-9]*(?:e[+-]?[0-9]+)?|inf)"
    return "float64" if cells.str.fullmatch(number).all() else "str"


def _parse(text: pd.Series, wanted: str, path: str) -> pd.Series:
    """Text cells to the wanted type; missing stays missing."""
    if wanted == "str":
        return text
    try:
        if wanted in ("boolean", "bool"):
            flags = text.map({"True": True, "False": False}).astype("boolean")
            if (flags.isna() & text.notna()).any():
                raise ValueError("not True or False")
            return flags if flags.isna().any() else flags.astype("bool")
        if wanted in ("Int64", "int64"):
            whole = pd.to_numeric(text).astype("Int64")
            return whole if whole.isna().any() else whole.astype("int64")
        return text.astype(wanted)
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path}: column {text.name!r} is not {wanted.lower()} ({error}); mend the file"
        ) from error


def count_kinds(sites: pd.DataFrame) -> dict[str, int]:
    """Rows of each kind, in the order of their names."""
    return {str(kind): len(rows) for kind, rows in sites.groupby("kind", sort=True)}


def join_sites(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables one below the other; columns that some lack are missing there, with their types kept.

    Raises
    ------
    InputError : not SiteTables, or a site_id in two of them.
    """
    parts = []
    for table in tables:
        checked = check_sites(table)
        parts.append(
            checked.astype({c: t for c, t in _TYPES.items() if c in checked and t in _NULLABLE})
        )
    return check_sites(pd.concat(parts, ignore_index=True))
