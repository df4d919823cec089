"""The folder of a run: who may write there, and the files of its result.

DIR/folds/, embeddings/                  what a run that is cut off goes on from
DIR/results.tsv, differences.tsv, published.tsv, figure.{pdf,png,svg}, provenance.json
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd

from ldar_interp.downstream.examples import ALL, CLEAN, RunExamples
from ldar_interp.downstream.methods import (
    describe_checkpoint,
    describe_computing,
    identify_weights,
    is_trunk,
    list_methods,
)
from ldar_interp.downstream.settings import PROGRAM, FinetuneSettings
from ldar_interp.downstream.store import FOLDS
from ldar_interp.errors import InputError
from ldar_interp.model.backend import backend_versions
from ldar_interp.plots.benchmark import benchmark_figure
from ldar_interp.plots.save import save_figure
from ldar_interp.program.tables import write_table
from ldar_interp.provenance import describe_input, write_provenance
from ldar_interp.tasks.published import find_marks, read_published
from ldar_interp.train.folder import lock_file
from ldar_interp.tune.protocol import Protocol

LOCK, EMBEDDINGS, PROVENANCE = ".lock", "embeddings", "provenance.json"
TABLES = ("results.tsv", "differences.tsv", "published.tsv")
FIGURE = "figure"


@contextmanager
def lock_folder(out: Path) -> Iterator[None]:
    """Make the folder and keep other calls out of it.

    Raises
    ------
    InputError : it cannot be made, or another call is at work there.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        handle = (out / LOCK).open("a")
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror}); choose another --out"
        ) from None
    with handle:
        lock_file(handle, out)
        yield


def check_folder(out: Path, *, probe: bool, resume: bool, force: bool) -> None:
    """Refuse to mix runs: what is there must be gone on with or replaced.

    Frozen probes and fine-tuning are two runs, which one folder's tables cannot hold.

    Raises
    ------
    InputError : the folder holds a run, or something else, and neither was asked for, or both were.
    """
    if resume and force:
        raise InputError(
            "--resume and --force were both given; wanted --resume to go on with the run in --out, "
            "or --force to replace it"
        )
    own = {LOCK, EMBEDDINGS, FOLDS, PROVENANCE, *TABLES}
    own |= {f"{FIGURE}.{ending}" for ending in ("pdf", "png", "svg")}
    foreign = sorted(path.name for path in out.iterdir() if path.name not in own)
    if foreign:
        raise InputError(
            f"{out}: also holds {foreign[0]}; wanted a folder of its own: choose another --out"
        )
    other = "finetune" if probe else "probe"
    if resume and any((out / FOLDS).glob(f"*/{other}")):
        raise InputError(
            f"{out}: holds a run with{'out' if probe else ''} --probe; wanted the same to go on "
            "with it: choose another --out"
        )
    if force:
        shutil.rmtree(out / FOLDS, ignore_errors=True)
        return
    if not resume and ((out / FOLDS).exists() or (out / PROVENANCE).exists()):
        raise InputError(
            f"{out}: holds a run; add --resume to go on with it, --force to replace it, or choose "
            "another --out"
        )


def write_result(
    settings: FinetuneSettings,
    opened: Mapping[str, RunExamples],
    protocols: Mapping[str, Protocol],
    results: pd.DataFrame,
    differences: pd.DataFrame,
) -> None:
    """Tables, figure and provenance, the last one last."""
    out = settings.out
    published = read_published()
    published = published[published["task"].isin(list(opened))]
    for name, table in zip(TABLES, (results, differences, published), strict=True):
        write_table(out / name, table)
    marks, label = find_marks(published, {name: one.data.split for name, one in opened.items()})
    figure = benchmark_figure(results, differences, published=marks, published_label=label)
    save_figure(figure, out / FIGURE)
    write_provenance(out / PROVENANCE, _describe(settings, opened, protocols))


def _describe(
    settings: FinetuneSettings,
    opened: Mapping[str, RunExamples],
    protocols: Mapping[str, Protocol],
) -> dict[str, Any]:
    computing = describe_computing(settings)
    return {
        "program": PROGRAM,
        "arguments": settings.model_dump(mode="json", exclude={"ckpt", "data", "out"}),
        "inputs": {
            "checkpoint": describe_checkpoint(settings.ckpt),
            "tasks": {
                name: [describe_input(path) for path in examples.data.inputs]
                for name, examples in opened.items()
            },
        },
        "weights": {
            method: identify_weights(settings, method)
            for method in list_methods(settings)
            if is_trunk(method)
        },
        "computing": {
            **computing._asdict(),
            "backend_versions": backend_versions(computing.backend),
        },
        "protocols": {
            name: protocol.model_dump(mode="json") for name, protocol in protocols.items()
        },
        "seed": settings.seed,
        "counts": {
            name: {
                "classes": list(examples.data.task.classes),
                "reader": examples.data.reader,
                "split": examples.data.split,
                "train": len(examples.pool),
                "test": {split: len(examples.test_rows(split)) for split in (ALL, CLEAN)},
                "notes": list(examples.notes),
            }
            for name, examples in opened.items()
        },
    }
