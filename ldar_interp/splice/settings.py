"""What a splice-profile run depends on."""

from pathlib import Path

from pydantic import Field, field_validator

from ldar_interp.ladder.settings import LadderSettings
from ldar_interp.program.settings import split_words


class SpliceSettings(LadderSettings):
    """Everything that a run depends on; `--config` takes a TOML file of these names."""

    out: Path = Path("splice_profile")
    gene_type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    max_sites: int | None = Field(None, ge=1)

    _split = field_validator("gene_type", "tag", mode="before")(split_words)
