"""What the runs of `tokenizer_integrity` and `chunk_lengths` depend on."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from ldar_interp.errors import InputError
from ldar_interp.program.settings import AnnotatedSettings, split_words
from ldar_interp.sites.elements import ELEMENT_KINDS


class IntegritySettings(AnnotatedSettings):
    """Everything that a `tokenizer_integrity` run depends on."""

    out: Path = Path("tokenizer_integrity")
    elements: Path | None = None
    kinds: tuple[str, ...] = ELEMENT_KINDS
    gene_type: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    strand: Literal["transcript", "forward"] = "transcript"
    grids: tuple[int, ...] = (4, 6)
    context_bp: int = Field(50, ge=10, le=1000)
    max_elements: int | None = Field(None, ge=1)
    bpe_fasta: Path | None = None
    bpe_bases: int = Field(1_000_000, ge=1000)
    bpe_vocab: int | None = Field(None, ge=5)
    n_boot: int = Field(2000, ge=100)
    n_random: int = Field(200, ge=20)

    _split = field_validator("kinds", "grids", "gene_type", "tag", mode="before")(split_words)

    @model_validator(mode="after")
    def _check_lists(self) -> "IntegritySettings":
        unknown = [kind for kind in self.kinds if kind not in ELEMENT_KINDS]
        if unknown:
            raise InputError(
                f"no kind of element is called {unknown[0]!r}; wanted some of "
                f"{', '.join(ELEMENT_KINDS)}"
            )
        if len(set(self.grids)) < len(self.grids) or any(k < 2 for k in self.grids):
            raise InputError(
                f"grids are {', '.join(map(str, self.grids))}; wanted periods of 2 bp or more, "
                "each once"
            )
        return self


class ChunkSettings(AnnotatedSettings):
    """Everything that a `chunk_lengths` run depends on."""

    out: Path = Path("chunk_lengths")
    repeats: Path | None = None
    bases: int = Field(400_000, ge=1)
    promoter_bp: int = Field(500, ge=1)
    block_bp: int = Field(100_000, ge=1000)
    dust: float = Field(2.0, gt=0)
    n_boot: int = Field(2000, ge=100)
