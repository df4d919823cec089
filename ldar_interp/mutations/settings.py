"""What a mutagenesis run depends on."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ldar_interp.errors import InputError
from ldar_interp.program.settings import ModelSettings, split_words

PROGRAM = "mutagenesis"


class MutationSettings(ModelSettings):
    """Everything that a run depends on; `--config` takes a TOML file of these names.

    Raises
    ------
    InputError : files that do not go together, or a control rung twice.
    """

    sites: Path | None = None
    vcf: Path | None = None
    out: Path = Path(PROGRAM)
    context_bp: int = Field(50, ge=1, le=2000)
    spread_bp: int = Field(0, ge=0, le=100)
    window_bp: int | None = Field(None, ge=2)
    reach_bp: int = Field(200, ge=0)
    max_sites: int = Field(20, ge=1)
    controls: tuple[Literal["C0", "C1", "C2"], ...] = ()
    gene_type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    n_boot: int = Field(2000, ge=100)

    _split = field_validator("controls", "gene_type", "tag", mode="before")(split_words)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
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
