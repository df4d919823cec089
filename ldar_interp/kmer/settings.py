"""What a kmer-null run depends on."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from ldar_interp.program.settings import AnnotatedSettings

# Said here and not taken from letters/, because --help should not import numpy.
BACKGROUND_BP = 500_000


class KmerNullSettings(AnnotatedSettings):
    """Everything that a run depends on; `--config` takes a TOML file of these names."""

    out: Path = Path("kmer_null")
    sites: Path | None = None
    strand: Literal["transcript", "forward", "mean"] = "transcript"
    k: Literal["auto", 2, 4, 6, 8, 10] = "auto"
    background_bp: int = Field(BACKGROUND_BP, ge=1)
    n_boot: int = Field(2000, ge=100)
    width_mm: Literal[89, 183] = 183

    @field_validator("k", mode="before")
    @classmethod
    def _read_number(cls, value: object) -> object:
        """`8` as it is typed on the command line is the number."""
        return int(value) if isinstance(value, str) and value.isdecimal() else value
