"""What a mutagenesis run depends on."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ldar_interp.errors import InputError

PROGRAM = "mutagenesis"


class MutationSettings(BaseModel):
    """Everything that a run depends on; `--config` takes a TOML file of these names.

    Raises
    ------
    InputError : files that do not go together, or a control rung twice.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    ckpt: str | None = Field(None, min_length=1)
    fasta: Path | None = None
    gtf: Path | None = None
    sites: Path | None = None
    vcf: Path | None = None
    out: Path = Path(PROGRAM)
    context_bp: int = Field(50, ge=1, le=2000)
    spread_bp: int = Field(0, ge=0, le=100)
    window_bp: int | None = Field(None, ge=2)
    margin_bp: int | None = Field(None, ge=1)
    reach_bp: int = Field(200, ge=0)
    max_sites: int = Field(24, ge=1)
    controls: tuple[Literal["C0", "C1", "C2"], ...] = ()
    baseline: Literal["random", "none"] = "random"
    gene_type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    n_boot: int = Field(2000, ge=100)
    seed: int = Field(1, ge=0)
    device: str = "cpu"
    backend: Literal["auto", "torch", "compiled", "cuda"] = "auto"
    dtype: Literal["float32", "bfloat16"] = "float32"

    @field_validator("controls", "gene_type", "tag", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        """`C1,C2` is the list of both, as on the command line."""
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _check_together(self) -> "MutationSettings":
        if self.fasta is None and self.gtf is not None:
            raise InputError(
                "--gtf was given without --fasta; wanted the genome that it annotates, or neither "
                "for the embedded region"
            )
        if self.fasta is not None and self.gtf is None and self.sites is None:
            raise InputError(
                "--fasta was given alone; wanted --gtf or --sites with it, or none of them for the "
                "embedded region"
            )
        if self.sites is not None and (self.gene_type or self.tag):
            raise InputError(
                "--gene-type and --tag choose among the sites of a GTF; wanted them without --sites"
            )
        if len(set(self.controls)) < len(self.controls):
            raise InputError(f"controls are {', '.join(self.controls)}; wanted each once")
        return self
