"""What is wrong with examples, said before an hour is spent on them."""

import logging
from functools import cache

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.pooling import Head, no_chunks
from ldar_interp.tune.protocol import Protocol

_log = logging.getLogger(__name__)


def check_examples(examples: Examples, n_classes: int, name: str) -> None:
    """Labels fit the sequences and the number of classes, and hold at least two of them.

    With one class there is nothing to learn (train), and MCC is not defined (validation).

    Raises
    ------
    InputError : names what was found, in the examples called `name`.
    """
    sequences, labels = examples
    labels = np.asarray(labels)
    if labels.shape != (len(sequences),) or labels.dtype.kind not in "iu":
        raise InputError(
            f"{name}: labels of shape {labels.shape} and type {labels.dtype} for "
            f"{len(sequences)} sequences; wanted one whole number a sequence"
        )
    check_labels(labels, n_classes, name)


def check_labels(labels: NDArray[np.int64], n_classes: int, name: str) -> None:
    """Raise InputError unless labels are 0 .. n_classes - 1 and at least two of them occur."""
    found = np.unique(labels)
    if not found.size:
        raise InputError(f"{name}: no examples; wanted at least two, of different classes")
    if found.dtype.kind not in "iu":
        raise InputError(f"{name}: labels of type {found.dtype}; wanted whole numbers from 0")
    if found[0] < 0 or found[-1] >= n_classes:
        raise InputError(
            f"{name}: labels from {found[0]} to {found[-1]} for {n_classes} classes; wanted 0 to "
            f"{n_classes - 1}: number the classes from 0, or give the number that the task has"
        )
    if found.size == 1:
        raise InputError(
            f"{name}: all {len(labels)} labels are {found[0]}; wanted examples of at least two "
            "classes: draw the split by class or choose another task"
        )


def check_model(model: LDARNet, head: Head, protocol: Protocol) -> None:
    """Model, head and protocol fit each other.

    Raises
    ------
    InputError : a head of another width, `chunks` without a router, or a ratio loss for another
        number of routers.
    """
    config = model.config
    if head.d_model != config.d_model[0]:
        raise InputError(
            f"a head of width {head.d_model} on a model of width {config.d_model[0]}; wanted the "
            "same: make the head with model.config.d_model[0]"
        )
    if head.kind == "chunks" and config.n_routers == 0:
        raise no_chunks()
    if protocol.ratio_weight > 0 and len(protocol.compression) != config.n_routers:
        raise InputError(
            f"protocol {protocol.name}: compression has {len(protocol.compression)} entries for "
            f"{config.n_routers} routers; wanted one N a router, or ratio_weight 0"
        )


def warn_if_long(longest: int, train_length: int) -> None:
    """Say that the model reads more bases at once than in its own training.

    It can: nothing in it depends on an absolute length. How well is another question. Once in a
    process for each pair of lengths, or ten folds would say it ten times.
    """
    if longest > train_length:
        _warn(longest, train_length)


@cache
def _warn(longest: int, train_length: int) -> None:
    _log.warning(
        "the longest sequence has %d bases, and the model was trained on windows of %d: it reads "
        "them whole, beyond what it was trained for",
        longest, train_length,
    )  # fmt: skip
