"""Result tables on disk: one way to write them, so that the same numbers give the same bytes."""

from pathlib import Path

import pandas as pd


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a result table as TSV: %.6g floats, empty cell for missing, no index."""
    table.to_csv(path, sep="\t", index=False, float_format="%.6g", lineterminator="\n")
