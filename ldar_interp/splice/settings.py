"""What a splice-profile run depends on."""

from pathlib import Path

from pydantic import Field, field_validator

from ldar_interp.ladder.settings import LadderSettings


class SpliceSettings(LadderSettings):
    """Everything that a run depends on; `--config` takes a TOML file of these names."""

    out: Path = Path("splice_profile")
    gene_type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    max_sites: int | None = Field(None, ge=1)

    @field_validator("gene_type", "tag", mode="before")
    @classmethod
    def _split_words(cls, value: object) -> object:
        """`a,b` is the list of both, as on the command line."""
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value
