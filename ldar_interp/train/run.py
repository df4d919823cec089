"""A run as it stands in its folder: what is opened at the start of a call, and how it is saved.

DIR/model.safetensors, config.json   the weights, as `load_model` takes them
DIR/weights/step_000100/...          the same two files after steps of `keep_weights_at`
DIR/run.json                         the resolved config, which may be given as --config
DIR/provenance.json                  versions, device, precision, processes of the last call
DIR/log.csv                          a row a step
DIR/validation.csv, chunk_lengths.csv   rows of each validation
DIR/state/state.pt, previous.pt      what --resume goes on from, and the one before it
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from ldar_interp.errors import InputError
from ldar_interp.model.backend import describe_backend, resolve_backend, set_backend
from ldar_interp.model.checkpoint import load_model, random_model
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.provenance import write_provenance
from ldar_interp.train.config import PretrainConfig
from ldar_interp.train.data import WindowSampler, check_held_out, tile_windows
from ldar_interp.train.identity import run_identity
from ldar_interp.train.logs import Board, Table
from ldar_interp.train.parallel import Team, gather_full, load_moments
from ldar_interp.train.schedule import parameter_groups
from ldar_interp.train.state import (
    STATE,
    Progress,
    cannot_write,
    damage_is_an_error,
    read_state,
    write_state,
    write_weights,
)
from ldar_interp.train.step import StepLosses
from ldar_interp.train.validate import Validation, stage_columns, validation_columns

LENGTH_COLUMNS = ("step", "stage", "length", "count")


@dataclass(frozen=True, slots=True)
class Run:
    """Everything that training needs. `module` is `model` as it is called (DDP wraps it)."""

    config: PretrainConfig
    out: Path
    team: Team
    model: LDARNet
    module: nn.Module
    optimizer: torch.optim.Optimizer
    sampler: WindowSampler
    held_out: NDArray[np.uint8]
    progress: Progress
    identity: dict[str, Any]
    tables: "Tables | None"

    def save(self) -> None:
        """Tables first, so that a state never knows of steps that they lack.

        Raises InputError in every process if the first one cannot write.
        """
        content = {
            "model": gather_full(self.model.state_dict(), self.team),
            "optimizer": gather_full(self.optimizer.state_dict(), self.team),
            "progress": vars(self.progress),
            "run": self.identity,
        }

        def write() -> None:
            if self.tables is not None:
                self.tables.flush()
            write_state(self.out / "state", content)

        write_first(self.team, write)

    def save_weights(self, folder: Path) -> None:
        """`model.safetensors` and `config.json` of this moment."""
        full = gather_full(self.model.state_dict(), self.team)

        def write() -> None:
            plain = random_model(self.config.shape(), seed=0)
            plain.load_state_dict(full)
            write_weights(plain, folder)

        write_first(self.team, write)


def kept_weights(out: Path, step: int) -> Path:
    """Where a run in `out` keeps its weights after `step` finished steps."""
    return out / "weights" / f"step_{step:06d}"


class Tables:
    """The CSV files of a run, and TensorBoard where it is wanted; only process 0 has them."""

    def __init__(self, out: Path, n_routers: int, step: int, *, tensorboard: bool) -> None:
        pairs = [stage_columns(stage) for stage in range(n_routers)]
        deeper = [name for pair in pairs[1:] for name in pair]
        self._log = Table(
            out / "log.csv",
            (
                "step", "bases", "seconds", "lr", "mlm_loss", "mask_loss", "ratio_loss",
                *(pairs[0] if pairs else ()), "grad_norm", *deeper,
            ),
            step,
        )  # fmt: skip
        columns = ("step", "bases", "seconds", *validation_columns(n_routers))
        self._curve = Table(out / "validation.csv", columns, step)
        # Written before the curve's row, which says that a validation is complete.
        self._lengths = Table(out / "chunk_lengths.csv", LENGTH_COLUMNS, self._curve.last_step)
        self._board = Board(out / "tensorboard", step) if tensorboard else None

    @property
    def validated_step(self) -> int:
        """The last step with a row in validation.csv."""
        return self._curve.last_step

    def log(self, progress: Progress, lr: float, losses: StepLosses, norm: float) -> None:
        """A row of log.csv."""
        f_and_g = list(zip(losses.boundary_rates, losses.mean_probs, strict=True))
        first = f_and_g[0] if f_and_g else ()
        deeper = [value for pair in f_and_g[1:] for value in pair]
        self._log.add(
            progress.step, progress.bases, progress.seconds, lr, losses.mlm_loss,
            losses.mask_loss, losses.ratio_loss, *first, norm, *deeper,
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


def open_run(
    config: PretrainConfig,
    out: Path,
    team: Team,
    *,
    backend: str,
    resume: bool,
    cache: Path | None,
    tensorboard: bool,
    record: dict[str, Any],
    tell: Callable[[str], None],
) -> Run:
    """Data, model, optimiser, state and files of a run, or an error before anything is changed.

    `record` goes into provenance.json; `tell` gets the counts of windows and N, line by line.
    """
    state_folder = out / "state"
    if (state_folder / STATE).exists() and not resume:
        raise InputError(
            f"{state_folder / STATE}: this folder holds a run; add --resume to continue it or "
            "choose another --out"
        )
    write_first(team, lambda: _make_folder(out))
    check_held_out(config.train, config.validation)
    sampler = _open_sampler(config, team, cache)
    identity = run_identity(config, sampler.digest())
    content = read_state(state_folder, identity) if resume else None
    held_out = tile_windows(
        config.validation,
        config.train_length,
        max_n_share=0.0,
        limit=config.validation_windows,
    )
    for name, count in sampler.counts.items():
        tell(f"{name}: {count:,}")
    tell(f"validation windows of {config.train_length:,} bases, without N: {len(held_out):,}")
    model = _first_weights(config, is_resumed=content is not None)
    set_backend(model, resolve_backend(backend, team.device))
    if content is not None:
        with damage_is_an_error(state_folder):
            model.load_state_dict(content["model"])
    model = model.to(team.device).train().requires_grad_(True)
    module = team.wrap(model)
    optimizer = torch.optim.AdamW(
        parameter_groups(model, config.objective.compression, config.optimizer),
        betas=(0.9, 0.95),
        fused=True,
    )
    progress = Progress()
    if content is not None:
        with damage_is_an_error(state_folder):
            load_moments(optimizer, content["optimizer"])
        progress = content["progress"]
        tell(f"resumed at step {progress.step} from {state_folder / STATE}")
    _check_agreement(team, progress, out)
    opened: list[Tables] = []

    def write() -> None:
        try:
            partial = out / "run.partial"
            partial.write_text(config.model_dump_json(indent=1) + "\n")
            partial.replace(out / "run.json")
            inputs = {"config": config.model_dump(mode="json"), "processes": team.size}
            write_provenance(
                out / "provenance.json", {**inputs, **record, **describe_backend(model)}
            )
        except OSError as error:
            raise cannot_write(out, error) from None
        n_routers = config.shape().n_routers
        opened.append(Tables(out, n_routers, progress.step, tensorboard=tensorboard))

    write_first(team, write)
    tables = opened[0] if opened else None
    return Run(
        config, out, team, model, module, optimizer, sampler, held_out, progress, identity, tables
    )


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from None


def _open_sampler(config: PretrainConfig, team: Team, cache: Path | None) -> WindowSampler:
    """Process 0 packs the sequence, then the others read what it wrote."""

    def build() -> WindowSampler:
        return WindowSampler(
            config.train,
            config.train_length,
            max_n_share=config.max_n_share,
            seed=config.seed,
            device=team.device,
            cache=cache,
        )

    opened: list[WindowSampler] = []
    write_first(team, lambda: opened.append(build()))
    return opened[0] if opened else build()


def write_first(team: Team, write: Callable[[], None]) -> None:
    """Let process 0 write; if it cannot, every process ends, none waits for it."""
    failure: InputError | None = None
    if team.is_first:
        try:
            write()
        except InputError as error:
            failure = error
    (failed,) = team.any(failure is not None)
    if failure is not None:
        raise failure
    if failed:
        raise InputError("process 0 could not write; its own message says what to do")


def _first_weights(config: PretrainConfig, *, is_resumed: bool) -> LDARNet:
    """Random, or those of `init`, which a resumed run does not read again."""
    shape = config.shape()
    if config.init is None or is_resumed:
        return random_model(shape, seed=config.seed)
    model = load_model(config.init)
    if model.config.with_length(shape.train_length) != shape:
        raise InputError(
            f"{config.init}: holds a model of layout {model.config.arch_layout} and widths "
            f"{list(model.config.d_model)}, not the config's {shape.arch_layout} and "
            f"{list(shape.d_model)} (or another entry differs); wanted weights of that very shape"
        )
    model.config = shape
    return model


def _check_agreement(team: Team, progress: Progress, out: Path) -> None:
    """All processes must have read the same state."""
    mine = torch.tensor([progress.step, progress.step**2], dtype=torch.float64, device=team.device)
    total, squares = team.sum(mine).tolist()
    if squares * team.size != total**2:
        raise InputError(
            f"{out}: process {team.rank} resumed at step {progress.step}, others elsewhere; "
            "wanted one folder that all machines see"
        )
