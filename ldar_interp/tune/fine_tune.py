"""Full fine-tuning: all weights of the model and a head, on labelled sequences.

    each epoch: steps over all training examples, in batches of similar length
                -> probabilities of the validation examples -> their MCC
                -> slow down on a plateau, stop when it lasts, keep the best weights

A run can be cut at any moment and called again with the same arguments: it goes on from its
checkpoint, and the result is that of an unbroken run (`resume.py`).
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import reverse_complement
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.stats.classification import score_predictions
from ldar_interp.train.step import choose_precision
from ldar_interp.tune.batches import Encoded, encode_sequences
from ldar_interp.tune.checks import check_examples, check_model, warn_if_long
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.order import draw_strands, draw_subset, plan_epoch
from ldar_interp.tune.plateau import best_of, count_reductions, is_over
from ldar_interp.tune.pooling import Head
from ldar_interp.tune.predict import device_of, evaluate, usual_max_bases
from ldar_interp.tune.predict import predict as predict
from ldar_interp.tune.protocol import Protocol
from ldar_interp.tune.resume import (
    Position,
    copy_weights,
    load_weights,
    restore,
    run_identity,
    save,
)
from ldar_interp.tune.step import Learner, make_learner, take_step

SAVE_SECONDS = 60.0

EpochRow = dict[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class TuneResult:
    """What a run did.

    `history` has a row for each epoch, in `epoch` order; row 0 is before training:
    `epoch`; `lr` of the model in it; `train_loss`, nats an example, mean over the epoch's steps,
    weighted by class if the protocol says so; `validation_loss`, nats an example of the
    probabilities that predictions would have; `validation_mcc`; `validation_accuracy`;
    `boundary_rate` and `mean_prob` of the outermost router on the validation sequences after the
    epoch (NaN without a router); `n_steps`. In row 0, `lr` and `train_loss` are NaN.

    `best_epoch` >= 1 is the one whose weights were kept, `best_metric` its validation MCC.
    `n_train` counts the examples that were trained on.
    """

    history: pd.DataFrame
    best_epoch: int
    best_metric: float
    n_train: int


def fine_tune(
    model: LDARNet,
    head: Head,
    train: Examples,
    validation: Examples,
    protocol: Protocol,
    *,
    seed: int,
    precision: str = "auto",
    checkpoint: Path | None = None,
    on_epoch: Callable[[EpochRow], None] | None = None,
) -> TuneResult:
    """Train model and head; they end with the best epoch's weights, in eval mode, frozen.

    Parameters
    ----------
    model : as `load_model` gives it; its device is where training happens. Changed in place.
    head : for the same width, moved to the model's device. Changed in place.
    train, validation : labels 0 .. head.n_classes - 1, at least two classes in each.
    protocol : what may be set (`protocol.py`).
    seed : of the order of examples, their strands and the subset of `max_train`. The weights that
        the head starts from are its own.
    precision : auto, fp32 or bf16 (`train.step.choose_precision`); head and loss are in float32.
    checkpoint : folder for the state that a later call goes on from, written after each epoch and
        at least once a minute; a finished run's gives its result at once. None keeps nothing.
    on_epoch : gets each finished epoch's row of the history, after it was saved.

    Raises
    ------
    InputError : examples that cannot be learned from, a head of another width or number of
        classes, a checkpoint that is damaged or of another run, or a loss that is not finite.
        After an error the model has whatever weights it had then.
    """
    n_classes = head.n_classes
    check_model(model, head, protocol)
    for examples, name in ((train, "train"), (validation, "validation")):
        check_examples(examples, n_classes, name)
    kept = draw_subset(len(train.sequences), protocol.max_train, seed=seed)
    train = Examples([train.sequences[row] for row in kept], np.asarray(train.labels)[kept])
    check_examples(train, n_classes, "train")
    device = device_of(model)
    learner = make_learner(
        model, head.to(device), train.labels, protocol,
        precision=choose_precision(precision, device),
        max_bases=protocol.max_bases or usual_max_bases(device),
    )  # fmt: skip
    try:
        run = _Run(learner, train, validation, seed, checkpoint)
        run.train(on_epoch)
        return run.result()
    finally:
        learner.optimizer.zero_grad(set_to_none=True)
        model.eval().requires_grad_(False)
        head.eval().requires_grad_(False)


class _Run:
    """A run between its first and its last step."""

    def __init__(
        self,
        learner: Learner,
        train: Examples,
        validation: Examples,
        seed: int,
        checkpoint: Path | None,
    ) -> None:
        self.learner, self.protocol, self.seed = learner, learner.protocol, seed
        self.forward_strand: Encoded = encode_sequences(train.sequences)
        self.other_strand: Encoded = []
        if self.protocol.rc_augment:
            self.other_strand = [reverse_complement(ids) for ids in self.forward_strand]
        self.lengths = np.array([len(ids) for ids in self.forward_strand])
        self.labels: NDArray[np.int64] = np.asarray(train.labels, dtype=np.int64)
        self.validation: Encoded = encode_sequences(validation.sequences)
        self.validation_labels: NDArray[np.int64] = np.asarray(validation.labels, dtype=np.int64)
        longest = max(int(self.lengths.max()), max(map(len, self.validation)))
        warn_if_long(longest, learner.model.config.train_length)
        self.checkpoint = checkpoint
        self.saved_at = time.monotonic()
        self.position = Position()
        if checkpoint is not None:
            self.identity = run_identity(learner, train, validation, seed=seed)
            self.position = restore(checkpoint, learner, self.identity)

    @property
    def metrics(self) -> list[float]:
        """Validation MCC of each epoch of training."""
        return [row["validation_mcc"] for row in self.position.history[1:]]

    def train(self, on_epoch: Callable[[EpochRow], None] | None) -> None:
        """Epochs until the last one; then the best weights are loaded."""
        if not self.position.history:
            self._close_epoch(float("nan"), float("nan"), 0, on_epoch)
        while len(self.metrics) < self.protocol.epochs and not is_over(
            self.metrics, self.protocol.patience
        ):
            self._train_epoch(len(self.position.history), on_epoch)
        assert self.position.best is not None, "there is at least one epoch"
        load_weights(self.learner, self.position.best)

    def result(self) -> TuneResult:
        """What to give back."""
        best = best_of(self.metrics)
        history = pd.DataFrame(self.position.history).astype({"epoch": int, "n_steps": int})
        return TuneResult(history, best + 1, self.metrics[best], len(self.labels))

    def _train_epoch(self, epoch: int, on_epoch: Callable[[EpochRow], None] | None) -> None:
        position, protocol = self.position, self.protocol
        rate = self.learner.set_rates(count_reductions(self.metrics, protocol.plateau_patience))
        steps = plan_epoch(self.lengths, protocol.batch_size, seed=self.seed, epoch=epoch)
        shown = self._show(epoch)
        sums = torch.tensor(
            position.sums, dtype=torch.float64, device=self.learner.class_weight.device
        )
        for step in range(position.step, len(steps)):
            added, norm = take_step(self.learner, shown, self.labels, steps[step])
            if not bool(torch.isfinite(norm)):
                raise InputError(self._explain_nan(epoch, step + 1, rate))
            sums += added
            position.step, position.total_steps = step + 1, position.total_steps + 1
            if time.monotonic() - self.saved_at > SAVE_SECONDS:
                position.sums = sums.tolist()
                self._save()
        loss, weight = sums.tolist()
        self._close_epoch(rate, loss / weight, len(steps), on_epoch)

    def _close_epoch(
        self,
        rate: float,
        train_loss: float,
        n_steps: int,
        on_epoch: Callable[[EpochRow], None] | None,
    ) -> None:
        """Validate, add a row to the history, keep the weights if they are the best, save."""
        position = self.position
        row = {
            "epoch": float(len(position.history)),
            "lr": rate,
            "train_loss": train_loss,
            **self._validate(),
            "n_steps": float(n_steps),
        }
        position.history.append(row)
        position.step, position.sums = 0, [0.0, 0.0]
        if self.metrics and best_of(self.metrics) == len(self.metrics) - 1:
            position.best = copy_weights(self.learner)
        self._save()
        if on_epoch is not None:
            on_epoch(dict(row))

    def _validate(self) -> EpochRow:
        found = evaluate(
            self.learner.model, self.learner.head, self.validation,
            rc_average=self.protocol.rc_average,
            precision=self.learner.precision,
            max_bases=self.learner.max_bases,
        )  # fmt: skip
        scores = score_predictions(self.validation_labels, found.prob)
        of_label = found.prob[np.arange(len(found.prob)), self.validation_labels]
        return {
            "validation_loss": float(-np.log(of_label.clip(1e-300)).mean()),
            # 0 by convention where all predictions are of one class; the labels are not.
            "validation_mcc": float(np.nan_to_num(scores["mcc"], nan=0.0)),
            "validation_accuracy": float(scores["accuracy"]),
            "boundary_rate": found.boundary_rate,
            "mean_prob": found.mean_prob,
        }

    def _show(self, epoch: int) -> Encoded:
        """The training sequences on this epoch's strands."""
        if not self.protocol.rc_augment:
            return self.forward_strand
        is_flipped = draw_strands(len(self.labels), seed=self.seed, epoch=epoch)
        pairs = zip(self.forward_strand, self.other_strand, is_flipped, strict=True)
        return [other if flipped else forward for forward, other, flipped in pairs]

    def _save(self) -> None:
        if self.checkpoint is not None:
            save(self.checkpoint, self.learner, self.position, self.identity)
        self.saved_at = time.monotonic()

    def _explain_nan(self, epoch: int, step: int, rate: float) -> str:
        again = "" if self.checkpoint is None else f", remove {self.checkpoint}"
        wider = " or use precision fp32" if self.learner.precision != "fp32" else ""
        return (
            f"epoch {epoch}, step {step}: the loss or its gradient is not finite at learning rate "
            f"{rate:g}; lower lr{wider}{again} and start again"
        )
