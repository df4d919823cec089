"""What config.toml holds, checked."""

import zlib
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

RUNGS = ("C0", "C1", "C2")


class RandomModels(BaseModel):
    """Untrained models, and the windows that they read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preset: str
    seeds: tuple[int, ...]
    window_bp: int = Field(ge=64)
    margin_bp: int = Field(ge=1)


class FixedCuts(BaseModel):
    """A grid of one period in all its phases, and random cuts at the same rate."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    period_bp: int = Field(ge=2)
    random_seeds: tuple[int, ...]


class NullTests(BaseModel):
    """How often labels are swapped, for each model, kind and rung."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    n_repeats: int = Field(ge=1)


class PlantedEffects(BaseModel):
    """Sizes to plant, and how often genes are drawn for each."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rung: Literal["C0", "C1", "C2"]
    deltas: tuple[float, ...]
    n_repeats: int = Field(ge=1)


class Settings(BaseModel):
    """config.toml."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(ge=0)
    alpha: float = Field(gt=0, lt=1)
    flank_bp: int = Field(ge=1)
    n_draws: int = Field(ge=2)
    n_boot: int = Field(ge=100)
    n_flips: int = Field(ge=99)
    random_models: RandomModels
    fixed_cuts: FixedCuts
    null_tests: NullTests
    planted: PlantedEffects

    def rng(self, *purpose: str) -> np.random.Generator:
        """A stream of its own for each purpose."""
        return np.random.default_rng([self.seed, zlib.crc32("\0".join(purpose).encode())])
