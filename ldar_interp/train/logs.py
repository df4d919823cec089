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

    `step` is that of the state resumed from. The file is read when this is made and changed by
    `start`; rows are held until `flush`.

    Raises
    ------
    InputError : the file cannot be read, has other columns, or is no table of steps.
    """

    def __init__(self, path: Path, columns: tuple[str, ...], step: int) -> None:
        self._path = path
        self._waiting: list[list[str]] = []
        kept = self._read(columns, step) if path.exists() else []
        self._whole = [list(columns), *kept]
        self.last_step = int(kept[-1][0]) if kept else 0

    def start(self) -> None:
        """Replace the file by the rows kept. Raises InputError where it cannot be written."""
        partial = self._path.with_suffix(".partial")
        try:
            with partial.open("w", newline="", encoding="utf-8") as handle:
                csv.writer(handle, lineterminator="\n").writerows(self._whole)
                handle.flush()
                os.fsync(handle.fileno())
            partial.replace(self._path)
        except OSError as error:
            raise cannot_write(self._path, error) from None
        self._whole.clear()

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
        """Whole rows up to the step. A UnicodeDecodeError is a ValueError."""
        try:
            text = self._path.read_text(encoding="utf-8")
            return self._parse(text, columns, step)
        except (ValueError, csv.Error, OSError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{self._path}: is not a table of a run ({reason[:120]}); move it away or choose "
                "another --out"
            ) from None

    def _parse(self, text: str, columns: tuple[str, ...], step: int) -> list[list[str]]:
        # A last line without its end was cut in the middle, maybe of a number.
        whole = text[: text.rfind("\n") + 1]
        header, *rows = list(csv.reader(whole.splitlines())) or [[]]
        if header and tuple(header) != columns:
            raise InputError(
                f"{self._path}: has the columns {','.join(header)}; wanted {','.join(columns)}: "
                "move it away or choose another --out"
            )
        return [row for row in rows if len(row) == len(columns) and int(row[0]) <= step]


class Board:
    """Scalars for TensorBoard, in a folder of event files that `start` makes.

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
        self._folder, self._step = folder, step
        self._kind: Any = SummaryWriter
        self._writer: Any = None

    def start(self) -> None:
        """Open the event file. Steps beyond a resumed state are hidden, as rows are dropped."""
        self._writer = self._kind(str(self._folder), purge_step=self._step + 1)

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
