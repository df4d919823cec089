"""What config.toml holds, checked: settings by group, seeds, and the order of the queue."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ldar_interp.command_line import merge_settings
from ldar_interp.errors import InputError
from ldar_interp.model.checkpoint import preset
from ldar_interp.train.config import Objective, Optimizer, PretrainConfig, read_config

FOLDER = Path(__file__).resolve().parent


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Setting(_Strict):
    """What one setting changes. `match` names the setting whose FLOPs are its budget."""

    name: str
    router: str = "learned"
    alpha: float = Objective().alpha
    compression: float = Objective().compression[0]
    match: str | None = None


class Group(_Strict):
    """Settings that answer one question, trained one seed after the other."""

    name: str
    settings: tuple[Setting, ...] = Field(min_length=1)


class Matching(_Strict):
    """When a run with matched FLOPs plans its steps anew, and over how many steps it averages."""

    replan_at: tuple[int, ...]
    recent_steps: int = Field(ge=1)


class SpliceSettings(_Strict):
    """How the splice endpoint is measured; names as in `ldar_interp.splice.settings`."""

    controls: tuple[Literal["C0", "C1", "C2"], ...]
    max_sites: int | None = Field(None, ge=1)
    flank_bp: int = Field(ge=1)
    control_flank_bp: int = Field(ge=1)
    margin_bp: int = Field(ge=1)
    n_boot: int = Field(ge=100)
    n_flips: int = Field(ge=99)
    seed: int = Field(ge=0)


class Evaluation(_Strict):
    """What is measured on trained runs, and on which windows of the validation region."""

    windows: int = Field(ge=1)
    dynamics: tuple[str, ...]
    splice: SpliceSettings


class Grid(_Strict):
    """config.toml. `sources` is the pretraining config whose sequence is used, beside this one;
    `more_seeds` are those that some settings have beyond `seeds`."""

    preset: str
    seeds: tuple[int, ...] = Field(min_length=1)
    more_seeds: dict[str, tuple[int, ...]] = {}
    sources: Path
    train_length: int
    validation_windows: int
    validate_every: int
    keep_weights_at: tuple[int, ...]
    optimizer: Optimizer
    matching: Matching
    evaluation: Evaluation
    group: tuple[Group, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_known(self) -> "Grid":
        seen: set[str] = set()
        for setting in self.settings():
            if setting.name in seen:
                raise ValueError(f"setting {setting.name} is there twice; give each its own name")
            if setting.match is not None and setting.match not in seen:
                raise ValueError(
                    f"{setting.name} matches {setting.match}, which is not listed before it; "
                    "wanted a setting that is trained earlier"
                )
            seen.add(setting.name)
        for entry, names in (
            ("dynamics", self.evaluation.dynamics),
            ("more_seeds", self.more_seeds),
        ):
            unknown = sorted(set(names) - seen)
            if unknown:
                raise ValueError(f"{entry} has {unknown[0]}; wanted names of settings")
        every = [(run.setting.name, run.seed) for run in self.queue()]
        if len(set(every)) < len(every):
            raise ValueError("a setting has a seed twice, in seeds or more_seeds; give each once")
        return self

    def settings(self) -> list[Setting]:
        """All settings, in order."""
        return [setting for group in self.group for setting in group.settings]

    def setting(self, name: str) -> Setting:
        """A setting by its name. Raises InputError with the names that exist."""
        for setting in self.settings():
            if setting.name == name:
                return setting
        known = ", ".join(setting.name for setting in self.settings())
        raise InputError(f"no setting is called {name}; wanted one of {known}")

    def queue(self) -> list["NanoRun"]:
        """All runs in the order in which they are trained: what only some settings have, last."""
        shared = [
            NanoRun(setting, seed)
            for group in self.group
            for seed in self.seeds
            for setting in group.settings
        ]
        more = [
            NanoRun(setting, seed)
            for setting in self.settings()
            for seed in self.more_seeds.get(setting.name, ())
        ]
        return shared + more

    def describe(self) -> dict[str, Any]:
        """What all runs share, for the provenance: tables of more seeds are those of this grid."""
        return self.model_dump(mode="json", exclude={"sources", "more_seeds"})


@dataclass(frozen=True, slots=True)
class NanoRun:
    """A setting and a seed."""

    setting: Setting
    seed: int

    @property
    def name(self) -> str:
        """Name of its folder, as `learned-seed1`."""
        return f"{self.setting.name}-seed{self.seed}"


def read_grid(file: Path = FOLDER / "config.toml") -> Grid:
    """The grid of a TOML file, `sources` made absolute. Raises InputError where it is wrong."""
    grid = merge_settings(Grid, file, {})
    return grid.model_copy(update={"sources": (file.resolve().parent / grid.sources).resolve()})


def training_config(grid: Grid, run: NanoRun, data: Path | None) -> PretrainConfig:
    """The trainer's config of one run; `data` is the folder of FASTA files."""
    sequence = read_config(grid.sources, data)
    shape = preset(grid.preset).with_length(grid.train_length).with_router(run.setting.router)
    return PretrainConfig(
        model=shape.to_dict(),
        train_length=grid.train_length,
        seed=run.seed,
        train=sequence.train,
        validation=sequence.validation,
        validation_windows=grid.validation_windows,
        validate_every=grid.validate_every,
        keep_weights_at=grid.keep_weights_at,
        max_n_share=sequence.max_n_share,
        optimizer=grid.optimizer,
        objective=Objective(
            mask_rate=sequence.objective.mask_rate,
            compression=(run.setting.compression,),
            alpha=run.setting.alpha,
        ),
    )
