"""What an export of tracks depends on."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ldar_interp.errors import InputError
from ldar_interp.program.settings import ModelSettings, split_words

EMBEDDED_REGION = "chr3:42580001-42680000"
"""100 kb of the embedded genome with five genes; exported when nothing is asked for."""


class ExportSettings(ModelSettings):
    """Everything that a run depends on; `--config` takes a TOML file of these names.

    Raises
    ------
    InputError : several ways to name regions at once, or none for a genome of one's own; no
        orientation or one twice.
    """

    out: Path = Path("tracks")
    gtf: None = None
    baseline: Literal["none"] = "none"
    region: tuple[str, ...] = ()
    bed: Path | None = None
    sites: Path | None = None
    flank_bp: int = Field(500, ge=1)
    residual: Path | None = None
    orientation: tuple[Literal["forward", "reverse", "mean"], ...] = ("forward",)
    url: str = "URL_OF_THIS_FOLDER"

    _split = field_validator("orientation", mode="before")(split_words)

    @field_validator("region", mode="before")
    @classmethod
    def _one_or_more(cls, value: object) -> object:
        """One region is a list of one; a comma is a part of it."""
        return [value] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        given = [name for name in ("region", "bed", "sites") if getattr(self, name)]
        if len(given) > 1:
            raise InputError(
                f"--{given[0]} and --{given[1]} were given; wanted one of --region, --bed, --sites"
            )
        if not given and self.fasta is not None:
            raise InputError(
                "--fasta was given without a place to look at; wanted --region, --bed or --sites"
            )
        if not self.orientation or len(set(self.orientation)) < len(self.orientation):
            raise InputError(
                f"orientation is {', '.join(self.orientation) or 'empty'}; wanted some of forward, "
                "reverse, mean, each once"
            )
        return self
