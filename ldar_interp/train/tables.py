"""What the tables of a run hold: log.csv, validation.csv, chunk_lengths.csv, and TensorBoard.

How a table survives being cut off is in `ldar_interp.train.logs`.
"""

from pathlib import Path

from ldar_interp.train.logs import Board, Table
from ldar_interp.train.state import Progress
from ldar_interp.train.step import StepLosses
from ldar_interp.train.validate import Validation, stage_columns, validation_columns

LENGTH_COLUMNS = ("step", "stage", "length", "count")


class Tables:
    """The CSV files of a run, and TensorBoard where it is wanted; only process 0 has them.

    They are looked at when this is made, and changed from `start` on.

    Raises
    ------
    InputError : a table of other columns or that is no table; no package `tensorboard`.
    """

    def __init__(self, out: Path, n_routers: int, step: int, *, tensorboard: bool) -> None:
        pairs = [stage_columns(stage) for stage in range(n_routers)]
        deeper = [name for pair in pairs[1:] for name in pair]
        self._log = Table(
            out / "log.csv",
            (
                "step", "bases", "seconds", "lr", "mlm_loss", "mask_loss", "ratio_loss",
                *pairs[0], "grad_norm", *deeper,
            ),
            step,
        )  # fmt: skip
        columns = ("step", "bases", "seconds", *validation_columns(n_routers))
        self._curve = Table(out / "validation.csv", columns, step)
        # Written before the curve's row, which says that a validation is complete.
        self._lengths = Table(out / "chunk_lengths.csv", LENGTH_COLUMNS, self._curve.last_step)
        self._board = Board(out / "tensorboard", step) if tensorboard else None

    def start(self) -> None:
        """Drop rows after the resumed step. Raises InputError where a file cannot be written."""
        for table in (self._log, self._curve, self._lengths):
            table.start()
        if self._board is not None:
            self._board.start()

    @property
    def validated_step(self) -> int:
        """The last step with a row in validation.csv."""
        return self._curve.last_step

    def log(self, progress: Progress, lr: float, losses: StepLosses, norm: float) -> None:
        """A row of log.csv."""
        f_and_g = list(zip(losses.boundary_rates, losses.mean_probs, strict=True))
        deeper = [value for pair in f_and_g[1:] for value in pair]
        self._log.add(
            progress.step, progress.bases, progress.seconds, lr, losses.mlm_loss,
            losses.mask_loss, losses.ratio_loss, *f_and_g[0], norm, *deeper,
        )  # fmt: skip
        if self._board is not None:
            values = {
                "lr": lr, "mlm_loss": losses.mlm_loss, "mask_loss": losses.mask_loss,
                "ratio_loss": losses.ratio_loss, "grad_norm": norm,
            }  # fmt: skip
            for stage, (rate, prob) in enumerate(f_and_g):
                values |= dict(zip(stage_columns(stage), (rate, prob), strict=True))
            self._board.add("train", values, progress.step)

    def validation(self, progress: Progress, found: Validation) -> None:
        """A row of validation.csv, and the histograms of chunk lengths."""
        scalars = found.scalars()
        self._curve.add(progress.step, progress.bases, progress.seconds, *scalars.values())
        for stage, router in enumerate(found.stages):
            last = len(router.chunk_lengths) - 1
            for length, count in enumerate(router.chunk_lengths):
                # The open bin always, so that a table says where it opens.
                if count or length == last:
                    self._lengths.add(progress.step, stage, length, count)
        if self._board is not None:
            self._board.add("validation", scalars, progress.step)

    def flush(self) -> None:
        """Write waiting rows through to the disk."""
        for table in (self._log, self._lengths, self._curve):
            table.flush()
        if self._board is not None:
            self._board.flush()

    def close(self) -> None:
        """End TensorBoard's file."""
        if self._board is not None:
            self._board.close()
