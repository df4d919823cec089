"""The examples of a task as frames, checked, with what is odd about them said in sentences.

A reader brings `RawTask`: rows as they stand in files. `build_task` makes `TaskData` of it: letters
in upper case, labels 0..n-1, groups, leaks of the test rows, and notes. Rows are never dropped here
but for empty sequences: a leaked test row is marked, and whoever scores reports with and without.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode, encode
from ldar_interp.tasks.leaks import (
    EXACT,
    NEAR,
    NEAR_SHARE,
    Leaks,
    find_leaks,
    group_near,
    hash_sequence,
)
from ldar_interp.tasks.registry import Task

PARTS = ("train", "validation", "test")
COLUMNS = ("row_id", "sequence", "label", "group")
PUBLISHED = "published"
PUBLISHED_TEST = "published test, other training data"
OTHER = "other"
# What the package reads in each byte: lower case is a letter, U is T, all else is N.
_NORMAL = decode(encode(bytes(range(256)))).encode("ascii")


@dataclass(frozen=True, slots=True, eq=False)
class RawTask:
    """Rows as a reader found them.

    Attributes
    ----------
    parts : `train`, `test` and perhaps `validation`, each with the columns `row_id` (unique),
        `sequence`, `label` (a number or a class name) and optionally `group`: rows of the same
        group, or with the same sequence, stay together.
    reader, files : who read what.
    claim : the best that `split` can be, if the sizes agree.
    notes : what the reader has to say.
    """

    parts: Mapping[str, pd.DataFrame]
    reader: str
    files: tuple[Path, ...]
    claim: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class TaskData:
    """The examples of a task.

    Attributes
    ----------
    task : what was asked for.
    train, validation, test : frames with `row_id` (str, unique), `sequence` (upper-case ACGTN, at
        least one letter), `label` (int64, 0..n-1) and `group` (str); `test` also has `leak`:
        `none`, `exact` or `near`, against train and validation. `validation` is None where the
        source has none.
    reader, files : who read the rows, from what.
    split : `published`, `published test, other training data` or `other`: only numbers from the
        same test rows may be compared, and only with equal training rows like for like.
    notes : sentences on what differs from the published split or is odd, with counts.
    """

    task: Task
    train: pd.DataFrame
    validation: pd.DataFrame | None
    test: pd.DataFrame
    reader: str
    files: tuple[Path, ...]
    split: str
    notes: tuple[str, ...]

    @property
    def inputs(self) -> tuple[Path, ...]:
        """All that was read: the files of the rows and, of one's own task, what defines it."""
        definition = self.task.definition
        return self.files if definition is None else (*self.files, definition)

    def pool_training(self) -> pd.DataFrame:
        """Train and validation rows in one frame, for cross-validation; index 0..n-1."""
        parts = [self.train] if self.validation is None else [self.train, self.validation]
        return pd.concat(parts, ignore_index=True)


def build_task(task: Task, raw: RawTask) -> TaskData:
    """Check and complete what a reader found.

    Raises
    ------
    InputError : a label that is no class, a part without rows or with only one class.
    """
    notes = list(raw.notes)
    parts = {name: _clean(task, raw, name, notes) for name in PARTS if name in raw.parts}
    _note_groups(parts, notes)
    _add_groups(parts)
    split = _judge_split(task, raw, notes)
    training = pd.concat([parts[name] for name in PARTS[:2] if name in parts], ignore_index=True)
    _note_copies(training, notes)
    if "validation" in parts:
        n = int(parts["validation"]["sequence"].isin(set(parts["train"]["sequence"])).sum())
        if n:
            notes.append(f"Validation rows with the sequence of a train row: {n}.")
    leaks = find_leaks(training["sequence"].tolist(), parts["test"]["sequence"].tolist())
    parts["test"]["leak"] = leaks.kind.astype(str)
    _note_leaks(leaks, training, parts["test"], notes)
    return TaskData(
        task=task,
        train=parts["train"],
        validation=parts.get("validation"),
        test=parts["test"],
        reader=raw.reader,
        files=raw.files,
        split=split,
        notes=tuple(notes),
    )


def split_by_hash(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Train, validation and test of about 70, 10 and 20 %, without leaks between them.

    Rows that leak into each other (`leaks.group_near`), or that the frame's own `group` keeps
    together, get the same `group` and go to the part that its name, a hash of its sequences, says.
    """
    names = pd.Series(group_near([normalise(one) for one in frame["sequence"]]), index=frame.index)
    if "group" in frame:
        names = _join_groups(names, frame["group"])
    grouped = frame.assign(group=names)
    percent = np.array([int(name[:8], 16) % 100 for name in grouped["group"]], dtype=np.int64)
    place = np.digitize(percent, [70, 80])
    return {name: grouped[place == i].reset_index(drop=True) for i, name in enumerate(PARTS)}


def normalise(sequence: str) -> str:
    """Letters as the package reads them: upper case, U as T, all others N."""
    raw = sequence.strip().encode("ascii", "replace")
    return raw.translate(_NORMAL).decode("ascii")


def _clean(task: Task, raw: RawTask, name: str, notes: list[str]) -> pd.DataFrame:
    found = raw.parts[name]
    where = f"{task.name}, {name} rows of {raw.files[0].parent if raw.files else raw.reader}"
    frame = pd.DataFrame(
        {
            "row_id": found["row_id"].to_numpy(dtype=object),
            "sequence": [normalise(one) for one in found["sequence"]],
            "label": _read_labels(task, found["label"], where),
        }
    ).astype({"row_id": str, "sequence": str})
    frame["group"] = "" if "group" not in found else found["group"].to_numpy(dtype=object)
    lengths = frame["sequence"].str.len()
    if (lengths == 0).any():
        notes.append(f"Rows without a base, left out: {int((lengths == 0).sum())} of {name}.")
        frame = frame[lengths > 0].reset_index(drop=True)
        lengths = frame["sequence"].str.len()
    present = sorted(set(frame["label"]))
    # Validation rows may be pooled with those of training, so they need not be of two classes.
    if len(present) < 2 and name != "validation":
        what = f"only class {task.classes[present[0]]!r}" if present else "no row"
        raise InputError(
            f"{where}: {what}; wanted rows of at least two classes of {', '.join(task.classes)}: "
            "give more rows, or a split of your own"
        )
    absent = [known for i, known in enumerate(task.classes) if i not in present]
    if absent:
        notes.append(f"Classes without a {name} row: {', '.join(absent)}.")
    has_n = frame["sequence"].str.contains("N", regex=False)
    if has_n.any():
        notes.append(
            f"Letters other than A, C, G, T, read as N: in {int(has_n.sum())} of {len(frame)} "
            f"{name} rows."
        )
    if task.length_bp is not None:
        _note_lengths(lengths, task.length_bp, name, notes)
    return frame.astype({"group": str})


def _note_lengths(
    lengths: pd.Series, published: tuple[int, int], name: str, notes: list[str]
) -> None:
    low, high = published
    odd = lengths[(lengths < low) | (lengths > high)]
    if len(odd):
        notes.append(
            f"Other lengths than published ({_say_span(low, high)}): {len(odd)} of "
            f"{len(lengths)} {name} rows, {_say_span(int(odd.min()), int(odd.max()))}."
        )


def _say_span(low: int, high: int) -> str:
    return f"{low} bp" if low == high else f"{low} to {high} bp"


def spell_numbers(n_classes: int) -> dict[str, int]:
    """Labels 0..n-1 by how they may stand in a file as numbers.

    `1.0` is how a table of floating-point numbers writes a label.
    """
    return {text: i for i in range(n_classes) for text in (str(i), f"{i}.0")}


def _read_labels(task: Task, column: pd.Series, where: str) -> np.ndarray:
    """Labels 0..n-1 from numbers or class names."""
    text = column.astype(str).str.strip()
    known = spell_numbers(len(task.classes)) | {name: i for i, name in enumerate(task.classes)}
    label = text.map(known)
    if label.isna().any():
        row = int(np.flatnonzero(label.isna())[0])
        raise InputError(
            f"{where}: label {text.iloc[row]!r} in row {row + 1}; wanted 0 to "
            f"{len(task.classes) - 1} or {', '.join(task.classes)}"
        )
    return label.to_numpy(dtype=np.int64)


def _add_groups(parts: dict[str, pd.DataFrame]) -> None:
    """Groups: rows with the same sequence on either strand, or with the same group of the source.

    A group is named after the first of its sequences' hashes.
    """
    every = pd.concat(list(parts.values()), ignore_index=True)
    hashes = pd.Series([hash_sequence(one) for one in every["sequence"]])
    hashes = _join_groups(hashes, every["group"])
    begin = 0
    for frame in parts.values():
        frame["group"] = hashes.to_numpy()[begin : begin + len(frame)]
        begin += len(frame)


def _join_groups(names: pd.Series, given: pd.Series) -> pd.Series:
    """Rows that share a name or a given group, also through others, by the first of their names.

    An empty given group joins nothing.
    """
    given = given.where(given != "", names)
    left, right = pd.factorize(names)[0], pd.factorize(given)[0]
    n_left, n = left.max() + 1, left.max() + right.max() + 2
    edges = (np.ones(len(names)), (left, right + n_left))
    component = connected_components(sparse.coo_array(edges, shape=(n, n)), directed=False)[1]
    joined: pd.Series = names.groupby(component[left]).transform("min")
    return joined


def _note_groups(parts: Mapping[str, pd.DataFrame], notes: list[str]) -> None:
    """Groups of the source, as long as they are its own, that a given split has cut."""
    training = {one for name in PARTS[:2] if name in parts for one in parts[name]["group"]} - {""}
    n_cut = int(parts["test"]["group"].isin(training).sum())
    if n_cut:
        notes.append(
            f"Groups on both sides of the split: {n_cut} of {len(parts['test'])} test rows have "
            "training rows of their group."
        )


def _judge_split(task: Task, raw: RawTask, notes: list[str]) -> str:
    """What the sizes leave of the reader's claim, and a note for each size that differs."""
    if task.n_train is None:
        return OTHER
    n_train = sum(len(raw.parts[name]) for name in PARTS[:2] if name in raw.parts)
    n_test = len(raw.parts["test"])
    if n_train != task.n_train:
        notes.append(f"{n_train} training rows; published {task.n_train}.")
    elif "validation" in raw.parts and raw.claim == PUBLISHED:
        notes.append("The validation rows are part of the published training rows.")
    if n_test != task.n_test:
        notes.append(f"{n_test} test rows; published {task.n_test}.")
    if raw.claim == OTHER or n_test != task.n_test:
        return OTHER
    return raw.claim if n_train == task.n_train else PUBLISHED_TEST


def _note_copies(training: pd.DataFrame, notes: list[str]) -> None:
    hashes = training["sequence"].map(hash_sequence)
    n_copies = len(hashes) - hashes.nunique()
    if n_copies:
        n_labels = training["label"].groupby(hashes).nunique()
        notes.append(
            f"Repeats on either strand: {n_copies} of {len(hashes)} training rows; sequences with "
            f"more than one label: {int((n_labels > 1).sum())}."
        )


def _note_leaks(leaks: Leaks, training: pd.DataFrame, test: pd.DataFrame, notes: list[str]) -> None:
    labels = training["label"].to_numpy()
    for kind, what in (
        (EXACT, "the same sequence in a training row, on either strand"),
        (NEAR, f"{NEAR_SHARE:.0%} or more of the 20-mers in one training row"),
    ):
        rows = np.flatnonzero(leaks.kind == kind)
        if len(rows):
            differs = labels[leaks.train_row[rows]] != test["label"].to_numpy()[rows]
            notes.append(
                f"Leak, {kind} ({what}): {len(rows)} of {len(test)} test rows, "
                f"{int(differs.sum())} of them with another label there."
            )
