"""What a fine-tuning run depends on."""

from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from ldar_interp.errors import InputError
from ldar_interp.program.settings import split_words

PROGRAM = "finetune"
Floor = Literal["kmer", "cnn", "random"]


class FinetuneSettings(BaseModel):
    """Everything that a run depends on; `--config` takes a TOML file of these names.

    `folds`, `epochs`, `lr` and `batch_size` are those of the protocol where they are None.

    Raises
    ------
    InputError : no task, or options that do not go together.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: tuple[str, ...] = ()
    suite: Literal["nt18", "gb9", "all"] | None = None
    ckpt: str | None = Field(None, min_length=1)
    data: str | None = Field(None, min_length=1)
    out: Path = Path(PROGRAM)
    protocol: Literal["published", "careful"] = "careful"
    probe: bool = False
    head: Literal["linear", "attention", "chunks"] = "linear"
    folds: int | None = Field(None, ge=2, le=100)
    epochs: int | None = Field(None, ge=1)
    lr: float | None = Field(None, gt=0)
    batch_size: int | None = Field(None, ge=1)
    max_train: int | None = Field(None, ge=2)
    max_test: int | None = Field(None, ge=2)
    floors: tuple[Floor, ...] = ("kmer", "cnn", "random")
    n_boot: int = Field(2000, ge=100)
    seed: int = Field(1, ge=0)
    device: str = "cpu"
    backend: Literal["auto", "torch", "compiled", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"

    @field_validator("task", "floors", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if value == "none":
            return ()
        if isinstance(value, list | tuple):
            # `--task` may be repeated, and each may be a list with commas.
            return split_words(",".join(map(str, value)))
        return split_words(value)

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        if bool(self.task) == (self.suite is not None):
            found = "both" if self.task else "neither"
            raise InputError(f"{found} of --task and --suite given; wanted one of them")
        if self.data is None:
            raise InputError(
                "--data was not given; wanted the folder that holds the tasks' examples, each in a "
                "folder of its own name, or hf://owner/name"
            )
        if self.probe and self.head == "attention":
            raise InputError(
                "--probe with --head attention, whose query has to be learned; wanted linear or "
                "chunks, or no --probe"
            )
        if self.probe and self.precision == "bf16":
            raise InputError(
                "--probe with --precision bf16, but frozen states are computed in fp32; wanted "
                "fp32 or auto, or no --probe"
            )
        tuning = {"--epochs": self.epochs, "--lr": self.lr, "--batch-size": self.batch_size}
        given = " and ".join(name for name, value in tuning.items() if value is not None)
        if self.probe and given:
            raise InputError(
                f"--probe with {given}, which only fine-tuning has; wanted a config without, or no "
                "--probe"
            )
        if len(set(self.task)) < len(self.task) or len(set(self.floors)) < len(self.floors):
            raise InputError("a task or a floor was given twice; wanted each once")
        return self
