"""What a promoter-profile run depends on."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from ldar_interp.errors import InputError
from ldar_interp.ladder.settings import LadderSettings, Rung
from ldar_interp.program.settings import split_words

CORE_RUNG = "C3-core"
RUNGS: tuple[Rung, ...] = ("C0", "C1", "C2", "C3-8", "C3-10", "C4")


class PromoterSettings(LadderSettings):
    """Everything that a run depends on; `--config` takes a TOML file of these names."""

    out: Path = Path("promoter_profile")
    controls: tuple[Rung, ...] = RUNGS
    tss: Path | None = None
    gene_type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    motifs: str = Field("declared", min_length=1)
    p_value: float = Field(1e-4, gt=0, lt=1)
    upstream_bp: int = Field(250, ge=0)
    downstream_bp: int = Field(100, ge=0)
    max_sites: int | None = Field(None, ge=1)
    max_context_sites: int = Field(100, ge=1)

    _split = field_validator("gene_type", "tag", mode="before")(split_words)

    @model_validator(mode="after")
    def _check_choices(self) -> Self:
        if CORE_RUNG in self.controls:
            raise InputError(
                f"controls hold {CORE_RUNG}, which is for donors; wanted some of {', '.join(RUNGS)}"
            )
        if self.tss is not None and (self.gene_type or self.tag):
            raise InputError(
                "--gene-type and --tag choose starts of the annotation and --tss gives others; "
                "wanted one or the other: filter the BED file"
            )
        return self
