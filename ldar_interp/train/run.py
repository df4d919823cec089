"""A run as it stands in its folder: what is opened at the start of a call, and how it is saved.

DIR/model.safetensors, config.json   the weights, as `load_model` takes them
DIR/weights/step_000100/...          the same two files after steps of `keep_weights_at`
DIR/run.json                         the resolved config, which may be given as --config
DIR/provenance.json                  config, hashes, counts; versions, device, ... of each call
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
from ldar_interp.train.config import PretrainConfig
from ldar_interp.train.data import WindowSampler, check_held_out, tile
from ldar_interp.train.identity import run_identity
from ldar_interp.train.parallel import Team, gather_full, load_moments, write_first
from ldar_interp.train.record import make_record, write_record
from ldar_interp.train.schedule import parameter_groups
from ldar_interp.train.state import (
    STATE,
    Progress,
    damage_is_an_error,
    read_state,
    write_state,
    write_weights,
)
from ldar_interp.train.tables import Tables


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
    tables: Tables | None

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
    check_held_out(config.train, config.validation)
    sampler = _open_sampler(config, team, cache)
    sequence = sampler.digest()
    identity = run_identity(config, sequence)
    content = read_state(state_folder, identity) if resume else None
    held_out = tile(
        config.validation,
        config.train_length,
        max_n_share=0.0,
        limit=config.validation_windows,
    )
    for name, count in sampler.counts.items():
        tell(f"{name}: {count:,}")
    tell(
        f"validation windows of {config.train_length:,} bases, without N: "
        f"{len(held_out.windows):,} ({held_out.n_dropped:,} more left out for N)"
    )
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
        # All that can be refused first, so that a refusal leaves the files as they were.
        n_routers = config.shape().n_routers
        tables = Tables(out, n_routers, progress.step, tensorboard=tensorboard)
        content_of_record = make_record(
            out,
            config,
            sequence=sequence,
            counts=sampler.counts,
            held_out=held_out,
            call={"processes": team.size, **record, **describe_backend(model)},
            resumed_from=None if content is None else progress.step,
        )
        write_record(out, config, content_of_record)
        tables.start()
        opened.append(tables)

    write_first(team, write)
    tables = opened[0] if opened else None
    return Run(
        config, out, team, model, module, optimizer, sampler, held_out.windows, progress, identity,
        tables,
    )  # fmt: skip


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
