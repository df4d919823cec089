"""What a splice-profile run depends on."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ldar_interp.errors import InputError
from ldar_interp.program.settings import AnnotatedSettings, split_words


class SpliceSettings(AnnotatedSettings):
    """Everything that a run depends on; `--config` takes a TOML file of these names.

    Raises
    ------
    InputError : a FASTA without its GTF or the other way round, no control rung or one twice.
    """

    out: Path = Path("splice_profile")
    flank_bp: int = Field(100, ge=10, le=2000)
    strand: Literal["transcript", "forward", "mean"] = "transcript"
    controls: tuple[Literal["C0", "C1", "C2"], ...] = ("C0", "C1", "C2")
    gene_type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    max_sites: int | None = Field(None, ge=1)
    n_draws: int = Field(3, ge=1)
    n_boot: int = Field(2000, ge=100)
    n_flips: int = Field(9999, ge=99)
    width_mm: Literal[89, 183] = 183

    _split = field_validator("controls", "gene_type", "tag", mode="before")(split_words)

    @model_validator(mode="after")
    def _check_rungs(self) -> Self:
        if not self.controls or len(set(self.controls)) < len(self.controls):
            raise InputError(
                f"controls are {', '.join(self.controls) or 'none'}; wanted some of C0, C1, C2, "
                "each once"
            )
        return self
