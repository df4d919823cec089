"""What a pretraining run is: one TOML (or JSON) file, checked on load.

Paths in it are relative to a data folder that the command names, by default the file's own.
Every run writes its resolved config, with absolute paths and all defaults, as `run.json`; that
file may be given as a config again.
"""

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    ValidationError,
    field_validator,
    model_validator,
)

from ldar_interp.errors import InputError
from ldar_interp.model.config import PRESETS, LDARNetConfig


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(_Strict):
    """One piece of training or validation sequence.

    `regions` are `chrom:start-end`, 1-based and closed as samtools writes them. Instead of them
    `bed` may name a BED file (0-based, half-open) and `split` the name in its column 4 whose
    intervals are meant. Neither means the whole file. `exclude` takes regions out again. `weight`
    is the share of windows drawn here, relative to the other sources.
    """

    name: str
    fasta: Path
    regions: tuple[str, ...] = ()
    bed: Path | None = None
    split: str | None = None
    exclude: tuple[str, ...] = ()
    weight: float = Field(1.0, gt=0)

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> "Source":
        if (self.bed is None) != (self.split is None):
            given, missing = ("split", "bed") if self.bed is None else ("bed", "split")
            raise ValueError(f"{given} is given without {missing}; give both or neither")
        if self.bed is not None and self.regions:
            raise ValueError("bed and regions are both given; give one of them")
        return self

    def rooted(self, folder: Path) -> "Source":
        """The same source with its files relative to `folder`; absolute paths stay."""
        bed = None if self.bed is None else folder / self.bed
        return self.model_copy(update={"fasta": folder / self.fasta, "bed": bed})


class Optimizer(_Strict):
    """AdamW (betas 0.9, 0.95) and its schedule: warm-up, stable, decay.

    `peak_lr` is the backbone's; stages outside it are scaled up (`schedule.stage_multipliers`).
    `batch_windows` windows make one step, over all processes together. `micro_windows` is how
    many of them one process runs through the model at once (None: all of its share); gradients
    are added up over the micro-batches. The MLM loss is normalised by the targets of the whole
    step, so micro-batches do not change it; F and G of the ratio loss pool one micro-batch of
    all processes, not the step.
    `warmup_steps`, where given, stands for `warmup_fraction` of `total_steps`; the last
    `decay_fraction` of the steps falls to `final_lr` of the peak by `decay_shape`.
    `weight_decay` spares biases, norms, A_log, D and dt_bias. Gradients are clipped to `clip_norm`.
    """

    peak_lr: float = Field(5e-4, gt=0)
    batch_windows: int = Field(8, ge=1)
    micro_windows: int | None = Field(None, ge=1)
    total_steps: int = Field(4000, ge=1)
    warmup_fraction: float = Field(0.1, ge=0, le=1)
    warmup_steps: int | None = Field(None, ge=0)
    decay_fraction: float = Field(0.2, ge=0, le=1)
    final_lr: float = Field(0.05, ge=0, le=1)
    decay_shape: Literal["inverse_sqrt", "one_minus_sqrt"] = "inverse_sqrt"
    weight_decay: float = Field(0.01, ge=0)
    clip_norm: float = Field(1.0, gt=0)


class Objective(_Strict):
    """Masking and the ratio loss; `compression` is N for each router, outermost first."""

    mask_rate: float = Field(0.15, gt=0, lt=1)
    compression: tuple[float, ...] = (4.0,)
    alpha: float = Field(0.03, ge=0)

    @field_validator("compression")
    @classmethod
    def _above_one(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(n <= 1 for n in value):
            raise ValueError("compression must be above 1")
        return value


class PretrainConfig(_Strict):
    """A whole run. `model` is a preset's name or a table of LDARNetConfig's fields.

    `router` replaces the model's: learned, one_sided, fixed:N or random:RATE (`RouterSpec`).
    `init` names weights to start from (anything that `load_model` takes, of the same shape); the
    moments are fresh and the schedule starts at its warm-up. `keep_weights_at` lists finished steps
    whose weights stay on disk, 0 being those that the run starts from; steps that it never comes
    to are passed over.
    """

    model: str | dict[str, Any]
    router: str | None = None
    train_length: int = Field(1024, ge=16)
    seed: int = Field(0, ge=0)
    init: str | None = None
    train: tuple[Source, ...] = Field(min_length=1)
    validation: tuple[Source, ...] = Field(min_length=1)
    validation_windows: int = Field(128, ge=1)
    validate_every: int = Field(200, ge=1)
    keep_weights_at: tuple[NonNegativeInt, ...] = ()
    max_n_share: float = Field(0.1, ge=0, le=1)
    optimizer: Optimizer = Optimizer()
    objective: Objective = Objective()

    @field_validator("train", "validation")
    @classmethod
    def _names_are_unique(cls, value: tuple[Source, ...]) -> tuple[Source, ...]:
        names = [source.name for source in value]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]!r}; give each its own name")
        return value

    def shape(self) -> LDARNetConfig:
        """The model's config with this run's window length.

        Raises
        ------
        InputError : no such preset or shape, or one without a router, which has nothing to train
            by the ratio loss.
        """
        if isinstance(self.model, str):
            name = self.model.lower()
            if name not in PRESETS:
                raise InputError(f"model {self.model!r}; wanted one of {', '.join(PRESETS)}")
            shape = PRESETS[name].with_length(self.train_length)
        else:
            shape = LDARNetConfig.from_dict(self.model).with_length(self.train_length)
        if shape.n_routers == 0:
            raise InputError(
                f"model has no router (arch_layout {shape.arch_layout}); wanted "
                "[encoder, [backbone], decoder]"
            )
        return shape if self.router is None else shape.with_router(self.router)


@dataclass(frozen=True, slots=True)
class Recommended:
    """What to start from with a preset: window, windows a step, peak rate of the backbone."""

    model: str
    train_length: int
    batch_windows: int
    peak_lr: float

    def config(
        self,
        train: Source,
        validation: Source,
        *,
        total_steps: int | None = None,
    ) -> PretrainConfig:
        """A run on these sources; `total_steps` is the schedule's length, None its default."""
        optimizer = Optimizer(peak_lr=self.peak_lr, batch_windows=self.batch_windows)
        if total_steps is not None:
            optimizer = optimizer.model_copy(update={"total_steps": total_steps})
        return PretrainConfig(
            model=self.model,
            train_length=self.train_length,
            train=(train,),
            validation=(validation,),
            optimizer=optimizer,
        )


# 2m is what the embedded checkpoint was trained with, small its predecessor, and nano is taken to
# be alike; 5e-4 and windows of 4096 are the published recipe (arXiv:2606.04552, 1536 windows a
# step), at batches for one machine. docs/train.md says which of these were tried.
RECOMMENDED = (
    Recommended("nano", train_length=1024, batch_windows=8, peak_lr=7.5e-4),
    Recommended("small", train_length=1024, batch_windows=8, peak_lr=7.5e-4),
    Recommended("2m", train_length=1024, batch_windows=8, peak_lr=7.5e-4),
    Recommended("20m", train_length=4096, batch_windows=64, peak_lr=5e-4),
    Recommended("110m", train_length=4096, batch_windows=256, peak_lr=5e-4),
)


def recommended(model: str) -> Recommended:
    """The settings to start from with a preset. Raises InputError with the names that exist."""
    for advice in RECOMMENDED:
        if advice.model == model.lower():
            return advice
    names = ", ".join(advice.model for advice in RECOMMENDED)
    raise InputError(f"model {model!r}; wanted one of {names}")


def read_config(path: str | Path, data: str | Path | None = None) -> PretrainConfig:
    """Read and check a pretraining TOML, or JSON where the name ends in .json.

    `data` is the folder that paths are relative to; None means the config's own folder.
    Raises InputError naming the entry that is wrong.
    """
    path = Path(path)
    raw = _read_raw(path)
    try:
        config = PretrainConfig.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"{path}: {where}: {first['msg']} ({error.error_count()} problems in all); "
            "correct the config"
        ) from None
    try:
        n_routers = config.shape().n_routers
    except InputError as error:
        raise InputError(f"{path}: {error}; correct the config") from None
    if len(config.objective.compression) != n_routers:
        raise InputError(
            f"{path}: compression has {len(config.objective.compression)} entries, the model has "
            f"{n_routers} routers; give one N a router"
        )
    here = path.resolve().parent if data is None else Path(data).resolve()

    def rooted(sources: tuple[Source, ...]) -> tuple[Source, ...]:
        return tuple(source.rooted(here) for source in sources)

    return config.model_copy(
        update={
            "train": rooted(config.train),
            "validation": rooted(config.validation),
            "init": None if config.init is None else root_weights(config.init, here),
        }
    )


def root_weights(init: str, folder: Path) -> str:
    """`init` as an absolute path if there is such a file or folder in `folder`.

    What is not there stays as it is: hf:// and random: names, and paths that `load_model` will
    report.
    """
    if init.startswith(("hf://", "random:")) or not (folder / init).exists():
        return init
    return str((folder / init).resolve())


def _read_raw(path: Path) -> Any:
    kind = "JSON" if path.suffix == ".json" else "TOML"
    try:
        text = path.read_text(encoding="utf-8")
        return json.loads(text) if kind == "JSON" else tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); wanted a TOML file") from None
    except (tomllib.TOMLDecodeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: is not {kind} ({reason}); wanted a pretraining config") from None
