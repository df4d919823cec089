"""Collected data: real examples of the tasks from public copies, with fewer rows than published.

For most tasks the published training rows have no copy that is easy to get, so these folders hold
what could be found, each with a PROVENANCE.md. What is trained and tested on:

- histone marks (`nt_test.csv.gz`, `gue.csv.gz`): train is GUE dev and validation GUE test, both
  without rows of the NT test; test is the NT test, as published.
- enhancers, enhancers_types (`liu2016_train.csv.gz`, `liu2016_test.csv.gz`): train is the real part
  of the published training rows; test as published, 100 of 400 leaked.
- promoter_tata (`gue_prom_300_tata.csv.gz`): GUE train, dev and test. On request, by the path of
  the file, `nt_style_reconstruction.csv.gz`: its train and test, whole pairs.
- promoter_all, promoter_no_tata (`gue_prom_300_*.csv.gz`): train is GUE dev, test GUE test.
- splice_sites_all (`gue_reconstructed.csv.gz`): train is GUE dev, test GUE test without rows of
  dev. The same rows stand in for splice_sites_acceptors (label 0 against the rest) and _donors
  (label 1).
- human_nontata_promoters (`gb_test.csv.gz`): the published test, split by hash, 70/10/20 %.
- human_ensembl_regulatory, human_ocr_ensembl (`gb_train_subset.csv.gz`): 1,500 and 1,000 sampled
  rows, split likewise: smoke tests.

GUE is the benchmark of DNABERT-2 (Zhou et al. 2023): the same underlying examples as in NT for the
histone marks and promoters (for promoter_tata with other negatives), split anew; a harder set for
splice sites. For cross-validation, train and validation rows together are the training rows
(`TaskData.pool_training`): for a histone mark all GUE rows of dev and test that are not in the NT
test.
"""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.tasks.examples import OTHER, PUBLISHED_TEST, RawTask, split_by_hash
from ldar_interp.tasks.registry import Task
from ldar_interp.tasks.tables import read_table

READER = "collected data"
# Tasks whose rows are in another task's folder.
HOMES = {
    "enhancers_types": "enhancers",
    "splice_sites_acceptors": "splice_sites_all",
    "splice_sites_donors": "splice_sites_all",
}
_GUE = "GUE rows (DNABERT-2's benchmark): another random split of the same kind of data, not NT's."


def read_collected(task: Task, folder: Path) -> RawTask | None:
    """Read a task from one of the files above; None if the folder has none for this task.

    Parameters
    ----------
    folder : the task's own folder (of `HOMES` for three tasks), or one of the files.

    Raises
    ------
    InputError : a file is broken or lacks a column that its protocol needs.
    """
    for read in _PROTOCOLS.get(task.name, _BY_GROUP.get(task.group, ())):
        raw = read(task, folder)
        if raw is not None:
            return raw
    return None


def _find(folder: Path, *names: str) -> tuple[Path, ...]:
    """The files of that name, in that order; none unless all are there."""
    if folder.is_file():
        return (folder,) if names == (folder.name,) else ()
    paths = tuple(folder / name for name in names)
    return paths if all(path.is_file() for path in paths) else ()


def _read(path: Path, *columns: str) -> pd.DataFrame:
    frame = read_table(path, path.parent)
    missing = [name for name in columns if name not in frame]
    if missing:
        raise InputError(
            f"{path} has no column {' and '.join(missing)}, which its protocol needs; wanted the "
            "file as collected: under another name it is read as any table"
        )
    return frame


def _take(frame: pd.DataFrame, column: str, value: str) -> pd.DataFrame:
    return frame[frame[column] == value].reset_index(drop=True)


def _read_histone(_task: Task, folder: Path) -> RawTask | None:
    files = _find(folder, "nt_test.csv.gz", "gue.csv.gz")
    if not files:
        return None
    gue = _read(files[1], "gue_split", "in_nt_test")
    kept = _take(gue, "in_nt_test", "0")
    parts = {
        "train": _take(kept, "gue_split", "dev"),
        "validation": _take(kept, "gue_split", "test"),
        "test": _read(files[0]),
    }
    notes = (
        "Train is the dev part and validation the test part of GUE (DNABERT-2's benchmark), "
        "another random split of the same data.",
        f"GUE rows that are in the NT test, left out: {len(gue) - len(kept)}.",
    )
    return RawTask(parts, READER, files, PUBLISHED_TEST, notes)


def _read_enhancers(task: Task, folder: Path) -> RawTask | None:
    files = _find(folder, "liu2016_train.csv.gz", "liu2016_test.csv.gz")
    if not files:
        return None
    parts = {name: _read(path, "type") for name, path in zip(("train", "test"), files, strict=True)}
    if task.name == "enhancers_types":
        parts = {name: frame.assign(label=frame["type"]) for name, frame in parts.items()}
    notes = (
        "Train is the real part of the published training rows (Liu et al. 2016), without its "
        "12,000 synthetic sequences.",
    )
    return RawTask(parts, READER, files, PUBLISHED_TEST, notes)


def _read_gue_promoters(task: Task, folder: Path) -> RawTask | None:
    kind = {"promoter_all": "all", "promoter_no_tata": "notata", "promoter_tata": "tata"}[task.name]
    files = _find(folder, f"gue_prom_300_{kind}.csv.gz")
    if not files:
        return None
    frame = _read(files[0], "gue_split")
    test = _take(frame, "gue_split", "test")
    train, dev = _take(frame, "gue_split", "train"), _take(frame, "gue_split", "dev")
    if len(train):
        note = (
            "GUE's own train, dev and test; its negatives are genomic, NT's are shuffled promoters."
        )
        return RawTask(
            {"train": train, "validation": dev, "test": test}, READER, files, OTHER, (note,)
        )
    note = f"{_GUE} Train is its dev part."
    return RawTask({"train": dev, "test": test}, READER, files, OTHER, (note,))


def _read_reconstruction(_task: Task, folder: Path) -> RawTask | None:
    files = _find(folder, "nt_style_reconstruction.csv.gz")
    if not files:
        return None
    frame = _read(files[0], "split", "pair_id")
    frame = frame.assign(group="pair " + frame["pair_id"])
    parts = {name: _take(frame, "split", name) for name in ("train", "test")}
    note = (
        "NT's positives, and negatives made anew by its recipe (DeePromoter); split by pair of a "
        "promoter and its negative."
    )
    return RawTask(parts, READER, files, OTHER, (note,))


def _read_splice(task: Task, folder: Path) -> RawTask | None:
    files = _find(folder, "gue_reconstructed.csv.gz")
    if not files:
        return None
    frame = _read(files[0], "gue_split", "test_row_also_in_dev")
    notes = [
        "GUE rows (SpliceFinder data with false positives of a classifier as hard negatives): a "
        "harder set than NT's. Train is its dev part."
    ]
    if task.name != "splice_sites_all":
        # In the file 0 is an acceptor, 1 a donor, 2 neither.
        site = {"splice_sites_acceptors": "0", "splice_sites_donors": "1"}[task.name]
        frame = frame.assign(label=(frame["label"] == site).map({True: "1", False: "0"}))
        notes.append(
            f"A stand-in: label {site} of splice_sites_all against the rest; the published data "
            "are Spliceator's, 600 bp."
        )
    is_copy = frame["test_row_also_in_dev"] == "1"
    notes.append(f"Test rows that are also in dev, left out: {int(is_copy.sum())}.")
    frame = frame[~is_copy]
    parts = {"train": _take(frame, "gue_split", "dev"), "test": _take(frame, "gue_split", "test")}
    return RawTask(parts, READER, files, OTHER, tuple(notes))


def _read_gb_test(_task: Task, folder: Path) -> RawTask | None:
    files = _find(folder, "gb_test.csv.gz")
    if not files:
        return None
    frame = _read(files[0])
    note = (
        f"Only the {len(frame)} published test rows are here; they were split by hash, 70/10/20 %, "
        "into train, validation and test, rows that leak into each other together."
    )
    return RawTask(split_by_hash(frame), READER, files, OTHER, (note,))


def _read_gb_subset(task: Task, folder: Path) -> RawTask | None:
    files = _find(folder, "gb_train_subset.csv.gz")
    if not files:
        return None
    frame = _read(files[0])
    notes = [
        f"Smoke test: {len(frame)} sampled rows split by hash, 70/10/20 %; no score to compare."
    ]
    if task.name == "human_ensembl_regulatory":
        # Judged by mean lengths: 568, 383 and 317 bp; officially 565, 394 and 326.
        names = {"0": "promoter", "1": "enhancer", "2": "ocr"}
        frame = frame.assign(label=frame["label"].map(names).fillna(frame["label"]))
        notes.append("The file's labels 0, 1, 2 were read as promoter, enhancer, ocr, by length.")
    return RawTask(split_by_hash(frame), READER, files, OTHER, tuple(notes))


_Reader = Callable[[Task, Path], RawTask | None]
_BY_GROUP: dict[str, tuple[_Reader, ...]] = {"histone": (_read_histone,), "splice": (_read_splice,)}
_PROTOCOLS: dict[str, tuple[_Reader, ...]] = {
    "enhancers": (_read_enhancers,),
    "enhancers_types": (_read_enhancers,),
    "promoter_all": (_read_gue_promoters,),
    "promoter_no_tata": (_read_gue_promoters,),
    "promoter_tata": (_read_gue_promoters, _read_reconstruction),
    "human_nontata_promoters": (_read_gb_test,),
    "human_ensembl_regulatory": (_read_gb_subset,),
    "human_ocr_ensembl": (_read_gb_subset,),
}
