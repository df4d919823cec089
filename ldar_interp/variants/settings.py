"""What a run of `variant_scores` depends on."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from ldar_interp.errors import InputError
from ldar_interp.program.settings import ModelSettings

PROGRAM = "variant_scores"


class VariantSettings(ModelSettings):
    """Everything that a run depends on; `--config` takes a TOML file of these names.

    Raises
    ------
    InputError : not exactly one of a VCF and a table.
    """

    out: Path = Path(PROGRAM)
    gtf: None = None
    vcf: Path | None = None
    table: Path | None = None
    label: str | None = Field(None, min_length=1)
    strand: Literal["both", "forward"] = "both"
    window_bp: int | None = Field(None, ge=2)
    reach_bp: int = Field(50, ge=0, le=1000)
    letters_bp: int = Field(10_000_000, ge=1000)
    block_bp: int | None = Field(None, ge=1000)
    n_boot: int = Field(2000, ge=100)

    @model_validator(mode="after")
    def _check_source(self) -> Self:
        if (self.vcf is None) == (self.table is None):
            found = "neither --vcf nor --table was" if self.vcf is None else "both of them were"
            raise InputError(f"{found} given; wanted the variants: one of --vcf and --table")
        return self

    @property
    def variants_path(self) -> Path:
        """The file of variants."""
        path = self.vcf or self.table
        assert path is not None
        return path

    @property
    def strands(self) -> tuple[str, ...]:
        """The strands that are read."""
        return ("+", "-") if self.strand == "both" else ("+",)
