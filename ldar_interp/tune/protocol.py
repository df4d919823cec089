"""How a model is fine-tuned and judged: everything that changes a number, in one checked record.

`published` is the evaluation of the LDARNet authors as far as it is described
(github.com/darlednik/ICML-LDARNet, README and evaluation/README; the paper is arXiv:2606.04552):
ten folds on the training split and one fixed test set, full fine-tuning with AdamW, a plateau
schedule and early stopping on validation MCC, the mean of the decoder's states over real bases
and a linear head. Their learning rates by task are in the table of published numbers. Batch size,
number of epochs, patience, weight decay and clipping are not described there: those below are
ours.

`careful` is the same and more, because fold spread alone understates the error: both strands in
training and in prediction (for tasks that have no strand of their own: `finetune` sets it aside for
promoters, splice sites and coding sequence), bootstrap intervals of the test set, and a search for
test sequences that the training split holds too.

This module imports no torch, so that a program can show its options quickly.
"""

from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ldar_interp.errors import InputError

POOLINGS = ("linear", "attention", "chunks")
"""Names of heads: mean over real bases; learned query; mean over learned chunks."""


class Protocol(BaseModel):
    """One way to fine-tune. Frozen; unknown names are errors.

    Folds and examples
        `n_folds` of cross-validation; `max_train`: at most so many training examples of a fold,
        drawn by seed (None: all).
    Training
        `epochs` at most, of steps of `batch_size` examples; `max_bases` in one pass through the
        model, padding included (None: 16,384 on a CPU, 131,072 on a GPU): larger steps are cut
        into micro-batches, which changes results to rounding only. AdamW with `betas` and
        `weight_decay` (not on biases, norms, A_log, D, dt_bias); gradients clipped to `clip_norm`.
        `class_weights`: `balanced` weighs an example by n / (classes * examples of its class).
    Learning rate
        `lr` for model and head alike, unless `head_lr` is given. After more than
        `plateau_patience` epochs in a row without a better validation MCC, both are multiplied by
        `plateau_factor`, down to `min_lr`.
    Stopping
        After `patience` epochs in a row without a better validation MCC. The weights of the best
        epoch are the result, the first of equals.
    Router
        `ratio_weight` times the ratio loss of pretraining (towards one cut in `compression`
        positions, one N a router) is added. What the published evaluation does is not known; 0,
        the default, trains by labels alone. Then the router's p gets its gradient through the
        straight-through factor only and nothing holds the rate of cuts, so the history records
        it epoch by epoch.
    Strands
        `rc_augment`: each example is shown as its reverse complement with probability 1/2, drawn
        anew in each epoch as a function of (seed, epoch, row). `rc_average`: predictions are the
        mean of the probabilities of both strands, in validation as in testing.
    Reporting
        `n_boot` bootstrap replicates of the test set (0: none); `check_leaks`: look for test
        sequences in the training split, and report with and without them.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    n_folds: int = Field(10, ge=2)
    max_train: int | None = Field(None, ge=2)
    epochs: int = Field(20, ge=1)
    batch_size: int = Field(32, ge=1)
    max_bases: int | None = Field(None, ge=1)
    lr: float = Field(1e-4, gt=0)
    head_lr: float | None = Field(None, gt=0)
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = Field(0.01, ge=0)
    clip_norm: float = Field(1.0, gt=0)
    class_weights: Literal["none", "balanced"] = "none"
    plateau_factor: float = Field(0.5, gt=0, lt=1)
    plateau_patience: int = Field(1, ge=0)
    min_lr: float = Field(1e-6, ge=0)
    patience: int = Field(5, ge=1)
    ratio_weight: float = Field(0.0, ge=0)
    compression: tuple[float, ...] = (4.0,)
    rc_augment: bool = False
    rc_average: bool = False
    n_boot: int = Field(0, ge=0)
    check_leaks: bool = False

    @model_validator(mode="after")
    def _ranges(self) -> "Protocol":
        if any(not 0 <= beta < 1 for beta in self.betas):
            raise ValueError("betas must be in [0, 1)")
        if any(n <= 1 for n in self.compression):
            raise ValueError("compression must be above 1")
        return self

    def override(self, changes: Mapping[str, object]) -> "Protocol":
        """The same with other values, checked.

        Raises
        ------
        InputError : an unknown name, or a value out of range.
        """
        try:
            return Protocol.model_validate({**self.model_dump(), **changes})
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"]) or "values"
            raise InputError(
                f"protocol {self.name}: {where}: {first['msg']}; correct it, or leave it out"
            ) from None


PUBLISHED = Protocol(name="published")
CAREFUL = PUBLISHED.override(
    {"name": "careful", "rc_augment": True, "rc_average": True, "n_boot": 2000, "check_leaks": True}
)
PROTOCOLS = {protocol.name: protocol for protocol in (PUBLISHED, CAREFUL)}


def find_protocol(name: str) -> Protocol:
    """A preset. Raises InputError with the names that exist."""
    try:
        return PROTOCOLS[name]
    except KeyError:
        raise InputError(f"protocol {name!r}; wanted one of {', '.join(PROTOCOLS)}") from None
