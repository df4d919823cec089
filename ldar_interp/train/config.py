"""What a pretraining run is: one TOML file, checked on load.

FASTA paths in it are relative to a data folder that the command names, by default the file's own.
"""

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ldar_interp.errors import InputError
from ldar_interp.model.config import PRESETS, LDARNetConfig


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
    """AdamW and its schedule. `peak_lr` is the backbone's; stages outside it are scaled up.

    `warmup_steps`, where given, stands for `warmup_fraction` of `total_steps`.
    """

    peak_lr: float = Field(5e-4, gt=0)
    batch_windows: int = Field(8, ge=1)
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
    """A whole run. `model` is a preset's name or a table of LDARNetConfig's fields."""

    model: str | dict[str, Any]
    train_length: int = Field(1024, ge=16)
    seed: int = Field(0, ge=0)
    train: tuple[Source, ...] = Field(min_length=1)
    validation: tuple[Source, ...] = Field(min_length=1)
    validation_windows: int = Field(128, ge=1)
    validate_every: int = Field(200, ge=1)
    max_n_share: float = Field(0.1, ge=0, le=1)
    optimizer: Optimizer = Optimizer()
    objective: Objective = Objective()

    def shape(self) -> LDARNetConfig:
        """The model's config with this run's window length."""
        if isinstance(self.model, str):
            if self.model not in PRESETS:
                raise InputError(f"model {self.model!r}; wanted one of {', '.join(PRESETS)}")
            return PRESETS[self.model].with_length(self.train_length)
        return LDARNetConfig.from_dict(self.model).with_length(self.train_length)


def read_config(path: str | Path, data: str | Path | None = None) -> PretrainConfig:
    """Read and check a pretraining TOML. Raises InputError naming the entry that is wrong.

    `data` is the folder that FASTA paths are relative to; None means the config's own folder.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text())
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); wanted a TOML file") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not TOML ({error}); wanted a pretraining config") from None
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
        update={"train": rooted(config.train), "validation": rooted(config.validation)}
    )
