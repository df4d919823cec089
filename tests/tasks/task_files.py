"""Small examples of tasks and files that hold them, in every layout that is read."""

import gzip
from pathlib import Path

import numpy as np
import polars as pl

from ldar_interp.genome.alphabet import decode


def draw_rows(n, n_classes=2, length=500, seed=0):
    """`(sequence, label)` pairs with each label in turn; all sequences differ."""
    rng = np.random.default_rng(seed)
    return [(decode(rng.integers(0, 4, length).astype(np.uint8)), i % n_classes) for i in range(n)]


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def write_fasta(path: Path, rows) -> Path:
    lines = [f">name_{i}|{label}\n{one[:60]}\n{one[60:]}\n" for i, (one, label) in enumerate(rows)]
    return write_text(path, "".join(lines))


def write_table(path: Path, rows, **columns) -> Path:
    """CSV, TSV or parquet; further columns are lists as long as the rows."""
    table = {
        "sequence": [one for one, _ in rows],
        "label": [label for _, label in rows],
        **columns,
    }
    if path.suffix == ".parquet":
        path.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(table).write_parquet(path)
        return path
    mark = "\t" if ".tsv" in path.name else ","
    lines = [
        mark.join(table),
        *(mark.join(map(str, cells)) for cells in zip(*table.values(), strict=True)),
    ]
    return write_text(path, "\n".join(lines) + "\n")


def write_class_folders(folder: Path, classes, n=2, length=251) -> Path:
    for seed, part in enumerate(("train", "test")):
        rows = draw_rows(n * len(classes), len(classes), length, seed)
        for i, (one, label) in enumerate(rows):
            write_text(folder / part / classes[label] / f"{i}.txt", one)
    return folder
