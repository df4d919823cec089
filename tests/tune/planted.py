"""Sequences with a planted signal, and models small enough to learn it in a test."""

import numpy as np

from ldar_interp.model.checkpoint import random_model
from ldar_interp.model.config import LDARNetConfig
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.pooling import Head
from ldar_interp.tune.protocol import PUBLISHED, Protocol

MOTIF = "TATAAA"
TINY = LDARNetConfig(
    ["m1", ["m1"], "m1"], (32, 32), (0, 0), (1, 1), (8, 8), (15, -1), d_state=8, train_length=64
)
NESTED = LDARNetConfig(
    ["m1", ["m1", ["m1"], "m1"], "m1"], (32, 32, 32), (0, 0, 0), (1, 1, 1), (8, 8, 8),
    (15, 7, -1), d_state=8, train_length=64,
)  # fmt: skip
FLAT = LDARNetConfig(["m1"], (32,), (0,), (1,), (8,), (15,), d_state=8, train_length=64)


def plant(n: int, seed: int, *, shortest: int = 20, longest: int = 20, copies: int = 2) -> Examples:
    """Random sequences of two classes; those of class 1 hold the motif so many times."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % 2)
    sequences = []
    for label in labels:
        letters = rng.choice(list("ACGT"), rng.integers(shortest, longest + 1))
        for k in range(copies * label):
            half = len(letters) // copies
            at = k * half + rng.integers(0, half - len(MOTIF) + 1)
            letters[at : at + len(MOTIF)] = list(MOTIF)
        sequences.append("".join(letters))
    return Examples(sequences, labels)


def tiny_model(config: LDARNetConfig = TINY, seed: int = 0) -> LDARNet:
    """Random weights, as `load_model` hands a model over."""
    return random_model(config, seed=seed).eval().requires_grad_(False)


def tiny_head(kind: str = "linear", n_classes: int = 2) -> Head:
    return Head(kind, 32, n_classes, seed=0)


def tiny_protocol(**changes: object) -> Protocol:
    values = {"name": "tiny", "epochs": 2, "batch_size": 8, "lr": 3e-3, "n_folds": 2}
    return PUBLISHED.override({**values, **changes})
