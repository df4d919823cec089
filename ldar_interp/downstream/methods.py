"""How each method learns one fold and what it predicts.

| method | what learns |
|---|---|
| `finetune` | the whole checkpoint and a head |
| `probe` | a head on the frozen checkpoint |
| `finetune_random`, `probe_random` | the same on random weights of the same shape |
| `kmer` | logistic regression on 5-mer counts of one strand or both, by validation |
| `cnn` | a small convolutional network, on the protocol's strands |

The last three kinds are floors: what the letters, the architecture or a far smaller model give
without pretraining, on the same rows.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ldar_interp.assets import CHECKPOINT
from ldar_interp.downstream.examples import RunExamples, take
from ldar_interp.downstream.settings import FinetuneSettings
from ldar_interp.downstream.store import FoldResult
from ldar_interp.model.backend import resolve_backend
from ldar_interp.model.bimamba2 import Backend
from ldar_interp.model.checkpoint import check_device, load_model
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.program.models import describe_source, draw_untrained
from ldar_interp.tasks.splits import Fold
from ldar_interp.train.step import choose_precision
from ldar_interp.tune.embeddings import embed
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.fine_tune import fine_tune, predict
from ldar_interp.tune.floors import CnnFloor, KmerFloor, fit_cnn, fit_kmer
from ldar_interp.tune.pooling import Head
from ldar_interp.tune.probe import fit_probe
from ldar_interp.tune.protocol import Protocol

RANDOM = "_random"


class Computing(NamedTuple):
    """Type of device, backend and precision."""

    device: str
    backend: Backend
    precision: str


def list_methods(settings: FinetuneSettings) -> tuple[str, ...]:
    """The method that is asked for, then its floors."""
    main = "probe" if settings.probe else "finetune"
    return (main, *(main + RANDOM if floor == "random" else floor for floor in settings.floors))


def is_trunk(method: str) -> bool:
    """Whether the method runs the model."""
    return method.startswith(("probe", "finetune"))


@cache
def describe_checkpoint(ckpt: str | None) -> dict[str, str]:
    """What `--ckpt` names, for provenance; a file is hashed once in a process."""
    return describe_source(ckpt or str(CHECKPOINT))


def identify_weights(settings: FinetuneSettings, method: str) -> str:
    """Which weights a method starts from: their sha256, or what they are drawn with."""
    found = describe_checkpoint(settings.ckpt)
    if "random" in found:
        trained = f"{settings.ckpt}, seed {settings.seed}"
    else:
        trained = found["sha256"]
    if method.endswith(RANDOM):
        return f"random weights of the shape of {trained}, seed {settings.seed + 1}"
    return trained


@cache
def describe_computing(settings: FinetuneSettings) -> Computing:
    """What computes the model, where the settings may say `auto`.

    Raises
    ------
    InputError, DeviceError : a device, backend or precision that cannot be had here.
    """
    device = check_device(settings.device)
    precision = "fp32" if settings.probe else choose_precision(settings.precision, device)
    backend = resolve_backend(settings.backend, device)
    return Computing(device.type, backend, precision)


def open_trunk(settings: FinetuneSettings, method: str) -> LDARNet:
    """The model that a method starts from.

    Raises
    ------
    CheckpointError, DeviceError : see `load_model`.
    """
    source = settings.ckpt or str(CHECKPOINT)
    model = load_model(source, settings.device, seed=settings.seed, backend=settings.backend)
    if not method.endswith(RANDOM):
        return model
    return draw_untrained(model, seed=settings.seed + 1, device=settings.device)


def works_by_fold(method: str) -> bool:
    """Whether each fold is a job of its own: its folds share nothing, and take long together."""
    return method in {"kmer", "cnn"} or method.startswith("finetune")


class FoldLearner:
    """One method on one task: what all folds share is made once.

    Parameters
    ----------
    protocol : folds, epochs, rates, strands.
    cache : folder of frozen states.

    Raises
    ------
    CheckpointError, DeviceError : see `load_model`.
    """

    def __init__(
        self,
        settings: FinetuneSettings,
        protocol: Protocol,
        method: str,
        examples: RunExamples,
        cache: Path,
    ) -> None:
        self.settings, self.protocol, self.method = settings, protocol, method
        self.examples = examples
        self.n_classes = len(examples.data.task.classes)
        self.states: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        if method.startswith("probe"):
            self.states = embed_examples(settings, protocol, method, examples, cache, workers=1)

    def learn(self, fold: Fold, number: int, state: Path) -> FoldResult:
        """Learn from a fold's training rows, choose by its validation rows, predict all test rows.

        `state` is a folder for what a fold that was cut off goes on from.

        Raises
        ------
        InputError : the rows cannot be learned from (one class only, a loss that is not finite).
        """
        seed = self.settings.seed + number
        if self.states is not None:
            return learn_probe(*self.states, self.examples, fold, seed=seed)
        if self.method.startswith("finetune"):
            return self._learn_all(fold, seed, state)
        return self._learn_floor(fold, seed)

    def _learn_all(self, fold: Fold, seed: int, state: Path) -> FoldResult:
        model = open_trunk(self.settings, self.method)
        head = Head(self.settings.head, model.config.d_model[0], self.n_classes, seed=seed)
        pool, test = self.examples.pool, take(self.examples.test)
        validation = take(pool, fold.validation)
        tuned = fine_tune(
            model, head, take(pool, fold.train), validation, self.protocol, seed=seed,
            precision=self.settings.precision, checkpoint=state,
        )  # fmt: skip
        test_prob, validation_prob = (
            predict(
                model, head, rows.sequences, rc_average=self.protocol.rc_average,
                precision=self.settings.precision,
            )
            for rows in (test, validation)
        )  # fmt: skip
        tuned.history.to_csv(state.with_suffix(".csv"), index=False, float_format="%.6g")
        return FoldResult(
            test_prob, fold.validation, validation_prob, len(fold.train),
            {"epoch": float(tuned.best_epoch)},
        )  # fmt: skip

    def _learn_floor(self, fold: Fold, seed: int) -> FoldResult:
        pool = self.examples.pool
        train, validation = take(pool, fold.train), take(pool, fold.validation)
        fitted: KmerFloor | CnnFloor
        if self.method == "kmer":
            fitted = self._choose_kmer(train, validation, seed)
            chosen = {"c": fitted.probe.c, "both_strands": float(fitted.both_strands)}
        else:
            # As a model that is fine-tuned: the strands are the protocol's.
            fitted = fit_cnn(
                train, validation, n_classes=self.n_classes, seed=seed,
                both_strands=self.protocol.rc_average,
            )  # fmt: skip
            chosen = {"epoch": float(fitted.best_epoch)}
        return FoldResult(
            fitted.predict(take(self.examples.test).sequences), fold.validation,
            fitted.predict(validation.sequences), len(fold.train), chosen,
        )  # fmt: skip

    def _choose_kmer(self, train: Examples, validation: Examples, seed: int) -> KmerFloor:
        """Words of the given strand, or of both where these do better on the validation rows.

        A model that reads both strands would otherwise beat a floor that is not let do so.
        """
        floors = [
            fit_kmer(train, validation, n_classes=self.n_classes, seed=seed, both_strands=both)
            for both in (False, True)
        ]
        return max(floors, key=lambda floor: floor.probe.validation_mcc)


def learn_probe(
    pool: NDArray[np.float32],
    test: NDArray[np.float32],
    examples: RunExamples,
    fold: Fold,
    *,
    seed: int,
) -> FoldResult:
    """A probe of frozen states: those of the pool's rows and of the test rows.

    Raises
    ------
    InputError : see `fit_probe`.
    """
    labels = examples.pool["label"].to_numpy()
    probe = fit_probe(
        pool[fold.train], labels[fold.train], pool[fold.validation], labels[fold.validation],
        n_classes=len(examples.data.task.classes), seed=seed,
    )  # fmt: skip
    return FoldResult(
        probe.predict(test), fold.validation, probe.predict(pool[fold.validation]),
        len(fold.train), {"c": probe.c},
    )  # fmt: skip


def embed_examples(
    settings: FinetuneSettings,
    protocol: Protocol,
    method: str,
    examples: RunExamples,
    cache: Path,
    *,
    workers: int,
    progress: str | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Frozen states of the pool and of the test rows, read from the cache where they are there.

    `progress` labels a bar on stderr for each; None for none.
    """
    assert settings.head != "attention", "settings refuse it"
    pooling = settings.head
    model = open_trunk(settings, method)
    weights = identify_weights(settings, method)

    def states(sequences: Sequence[str], rows: str) -> NDArray[np.float32]:
        return embed(
            model, sequences, pooling=pooling, rc_average=protocol.rc_average, cache=cache,
            weights_id=weights, workers=workers,
            progress=None if progress is None else f"{progress}, {rows} rows",
        )  # fmt: skip

    pool, test = take(examples.pool).sequences, take(examples.test).sequences
    return states(pool, "training"), states(test, "test")
