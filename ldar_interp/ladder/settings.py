"""What a run down the control ladder depends on, whatever its sites are."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from ldar_interp.errors import InputError
from ldar_interp.program.settings import AnnotatedSettings, split_words

BACKGROUND_BP = 500_000
MATCHED_RUNGS = ("C0", "C1", "C2")
LETTER_RUNGS = ("C3-8", "C3-10", "C3-core")
CONTEXT_RUNG = "C4"
Rung = Literal["C0", "C1", "C2", "C3-8", "C3-10", "C3-core", "C4"]
RUNGS: tuple[Rung, ...] = ("C0", "C1", "C2", "C3-8", "C3-10", "C3-core", "C4")
PRIMARY = ("C1", "C2")
"""Rungs of the declared family; the others carry effect and interval."""


class LadderSettings(AnnotatedSettings):
    """Rungs, draws, resampling, and the null that residuals are taken from.

    `residual` is `auto` (fit the null in this run), `none`, or a folder of `kmer_null`.

    Raises
    ------
    InputError : no control rung, one twice, or none of C0, C1 and C2.
    """

    flank_bp: int = Field(100, ge=10, le=2000)
    strand: Literal["transcript", "forward", "mean"] = "transcript"
    controls: tuple[Rung, ...] = RUNGS
    n_draws: int = Field(3, ge=1)
    max_context_sites: int = Field(500, ge=1)
    n_shuffles: int = Field(5, ge=1)
    residual: str = Field("auto", min_length=1)
    background_bp: int = Field(BACKGROUND_BP, ge=1)
    n_boot: int = Field(2000, ge=100)
    n_flips: int = Field(9999, ge=99)
    width_mm: Literal[89, 183] = 183

    @property
    def matched_rungs(self) -> tuple[str, ...]:
        """C0, C1 and C2, those that were asked for."""
        return tuple(rung for rung in self.controls if rung in MATCHED_RUNGS)

    @property
    def letter_rungs(self) -> tuple[str, ...]:
        """C3 of any kind, those that were asked for."""
        return tuple(rung for rung in self.controls if rung in LETTER_RUNGS)

    @property
    def placed_rungs(self) -> tuple[str, ...]:
        """Rungs whose controls are places of the genome: all but C4."""
        return tuple(rung for rung in self.controls if rung != CONTEXT_RUNG)

    _split_rungs = field_validator("controls", mode="before")(split_words)

    @model_validator(mode="after")
    def _check_rungs(self) -> Self:
        if not self.controls or len(set(self.controls)) < len(self.controls):
            raise InputError(
                f"controls are {', '.join(self.controls) or 'none'}; wanted some of "
                f"{', '.join(RUNGS)}, each once"
            )
        if not self.matched_rungs:
            raise InputError(
                f"controls are {', '.join(self.controls)}; wanted one of C0, C1, C2 beside them: "
                "add C2"
            )
        return self
