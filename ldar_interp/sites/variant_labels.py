"""Labels of variants, 0 or 1, from an INFO key of a VCF or a column of a table.

A record with several alternate alleles has one label for all, or one for each, with commas. No
label, or `.`, is missing. Anything else is an error, because a text such as `Pathogenic` would have
to be taken for one or the other by a guess.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.sites.vcf import read_lines

_INFO = 7
_MISSING = ("", ".")


def read_info(vcf: str | Path, key: str) -> dict[int, str]:
    """Value of an INFO key by line of the file, where a record has it.

    Raises
    ------
    InputError : the file cannot be read, no record has the key, or it is a flag without a value.
    """
    found: dict[int, str] = {}
    others: dict[str, None] = {}
    for number, line in read_lines(Path(vcf)):
        cells = line.split("\t")
        info = cells[_INFO] if len(cells) > _INFO else ""
        for entry in info.split(";"):
            name, is_valued, value = entry.partition("=")
            if name == key and not is_valued:
                raise InputError(
                    f"{vcf}: line {number} has the INFO key {key} without a value; wanted "
                    f"{key}=0 or {key}=1"
                )
            if name == key:
                found[number] = value
            elif name not in _MISSING and len(others) < 8:
                others.setdefault(name)
    if not found:
        known = ", ".join(others) or "none at all"
        raise InputError(f"{vcf}: no record has the INFO key {key}; it has {known}")
    return found


def assign_labels(
    table: pd.DataFrame, by_line: Mapping[int, str], *, path: str | Path
) -> NDArray[np.float64]:
    """Label of each row of `Variants.table`: 0, 1, or NaN where it is missing.

    Parameters
    ----------
    by_line : text of the labels of a record, by its line.
    path : the file, for messages.

    Raises
    ------
    InputError : a label is neither 0 nor 1, there are as many as neither one nor the alleles, or
        none at all.
    """
    labels = np.full(len(table), np.nan)
    lines = table["line"].to_numpy()
    for line, rows in table.groupby("line", sort=False).indices.items():
        parts = by_line.get(int(line), "").split(",")
        if len(parts) not in (1, len(rows)):
            raise InputError(
                f"{path}: line {line} has {len(parts)} labels for {len(rows)} alternate alleles; "
                "wanted one, or one for each"
            )
        for row, part in zip(rows, parts * (len(rows) // len(parts)), strict=True):
            if part.strip() in _MISSING:
                continue
            if part.strip() not in ("0", "1"):
                raise InputError(
                    f"{path}: line {lines[row]} has label {part.strip()!r}; wanted 0 or 1, or . "
                    "where it is not known: write it so in a column of its own"
                )
            labels[row] = float(part)
    if np.isnan(labels).all():
        raise InputError(f"{path}: no variant has a label; wanted 0 or 1 for some of each")
    return labels
