"""The tables of a run, and TensorBoard where it is asked for.

Rows after the resumed step are dropped and made again, so that a table of a run that was cut off
equals that of an unbroken one but for its seconds.
"""

import csv
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ldar_interp.errors import InputError
from ldar_interp.train.state import cannot_write


class Table:
    """A CSV that grows with a run. Its first column is the step.

    `step` is that of the state resumed from. Rows are held until `flush`.

    Raises
    ------
    InputError : the file cannot be written, or has other columns.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], step: int) -> None:
        self._path = path
        self._waiting: list[list[str]] = []
        kept: list[list[str]] = []
        try:
            if path.exists():
                kept = self._read(columns, step)
            partial = path.with_suffix(".partial")
            with partial.open("w", newline="") as handle:
                csv.writer(handle, lineterminator="\n").writerows([list(columns), *kept])
                handle.flush()
                os.fsync(handle.fileno())
            partial.replace(path)
        except OSError as error:
            raise cannot_write(path, error) from None
        self.last_step = int(kept[-1][0]) if kept else 0

    def add(self, *values: float) -> None:
        """One row. Whole numbers are written as they are, others to six digits."""
        self._waiting.append([str(v) if isinstance(v, int) else f"{v:.6g}" for v in values])
        self.last_step = int(values[0])

    def flush(self) -> None:
        """Write the waiting rows through to the disk. Raises InputError where it is full."""
        try:
            with self._path.open("a", newline="") as handle:
                csv.writer(handle, lineterminator="\n").writerows(self._waiting)
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise cannot_write(self._path, error) from None
        self._waiting.clear()

    def _read(self, columns: tuple[str, ...], step: int) -> list[list[str]]:
        text = self._path.read_text()
        # A last line without its end was cut in the middle, maybe of a number.
        whole = text[: text.rfind("\n") + 1]
        header, *rows = list(csv.reader(whole.splitlines())) or [[]]
        # A cut in the very first write leaves less than a header, and no rows.
        if rows and tuple(header) != columns:
            raise InputError(
                f"{self._path}: has the columns {','.join(header)}; wanted {','.join(columns)}: "
                "move it away or choose another --out"
            )
        return [row for row in rows if len(row) == len(columns) and int(row[0]) <= step]


class Board:
    """Scalars for TensorBoard, in a folder of event files.

    Raises
    ------
    InputError : the package `tensorboard` is not installed.
    """

    def __init__(self, folder: Path, step: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise InputError(
                f"--tensorboard: the package cannot be imported ({error}); pip install "
                "tensorboard, or leave the option out"
            ) from None
        # Steps beyond a resumed state are hidden, as their rows are dropped.
        self._writer: Any = SummaryWriter(str(folder), purge_step=step + 1)

    def add(self, group: str, values: Mapping[str, float], step: int) -> None:
        """One point for each value, under `group/name`."""
        for name, value in values.items():
            self._writer.add_scalar(f"{group}/{name}", value, step)

    def flush(self) -> None:
        """Write what is waiting."""
        self._writer.flush()

    def close(self) -> None:
        """Write and end."""
        self._writer.close()
