"""Settings that every program with a model has, as a base class of its own settings."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.errors import InputError


class ModelSettings(BaseModel):
    """A checkpoint, a genome with its annotation, and how the one reads the other.

    `--config` takes a TOML file of these names; unknown ones are errors.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ckpt: str | None = Field(None, min_length=1)
    fasta: Path | None = None
    gtf: Path | None = None
    out: Path
    baseline: Literal["random", "none"] = "random"
    margin_bp: int | None = Field(None, ge=1)
    seed: int = Field(1, ge=0)
    device: str = "cpu"
    backend: Literal["auto", "torch", "compiled", "cuda"] = "auto"
    dtype: Literal["float32", "bfloat16"] = "float32"

    @property
    def genome_path(self) -> Path:
        """The FASTA, the embedded one if none was given."""
        return self.fasta or DEMO_FASTA

    @property
    def annotation_path(self) -> Path:
        """The GTF, the embedded one if none was given."""
        return self.gtf or DEMO_GTF


def split_words(value: object) -> object:
    """`a, b` as a list of its words, as on the command line; anything but text as it is.

    To be used as a validator of fields before they are read.
    """
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


class AnnotatedSettings(ModelSettings):
    """As `ModelSettings`, for programs that cannot do without the annotation of the genome.

    Raises
    ------
    InputError : a FASTA without its GTF or the other way round.
    """

    @model_validator(mode="after")
    def _check_pair(self) -> Self:
        if (self.fasta is None) != (self.gtf is None):
            found = "--gtf" if self.fasta is None else "--fasta"
            raise InputError(
                f"{found} was given alone; wanted --fasta and --gtf together, or neither for the "
                "embedded region"
            )
        return self
