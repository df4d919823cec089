"""What is kept of a fine-tuning run so that it can go on where it was cut, to the last bit.

Weights, moments, the best weights so far, the history, and how far the epoch is: learning rate and
stopping are functions of the history (`plateau.py`), the order of examples and their strands are
functions of seed and epoch (`order.py`), and nothing in model or head draws at random, so there is
no random state. On the device and with the library versions of the first call, the run that went
on equals the unbroken one; on a GPU as far as its kernels repeat themselves.

The file is written as in pretraining (`train/state.py`): the old state or the new one, as a whole.
"""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from ldar_interp.model.backend import find_backend
from ldar_interp.train.parallel import load_moments
from ldar_interp.train.state import damage_is_an_error, read_state, write_state
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.hashes import hash_tensors
from ldar_interp.tune.predict import device_of
from ldar_interp.tune.step import Learner

# Of no influence on what one fold learns.
REPORTING = ("name", "n_folds", "n_boot", "check_leaks")

Weights = dict[str, dict[str, Tensor]]


@dataclass
class Position:
    """How far a run is.

    `history`: a row for each finished epoch, the state before training first. `best`: weights of
    the best epoch, None before the first. `step`: finished steps of the epoch under way, and
    `sums` what it has added up so far.
    """

    history: list[dict[str, float]] = field(default_factory=list)
    best: Weights | None = None
    step: int = 0
    sums: list[float] = field(default_factory=lambda: [0.0, 0.0])
    total_steps: int = 0


def run_identity(
    learner: Learner, train: Examples, validation: Examples, *, seed: int
) -> dict[str, Any]:
    """Plain JSON types, equal if and only if one call can continue the other's run.

    To be taken before the first step: it holds a digest of the weights that the run starts from.
    """
    protocol = learner.protocol.model_dump()
    for name in REPORTING:
        del protocol[name]
    identity = {
        "protocol": protocol,
        "seed": seed,
        "precision": learner.precision,
        "device": device_of(learner.model).type,
        "backend": find_backend(learner.model),
        "max_bases": learner.max_bases,
        "head": learner.head.kind,
        "n_classes": learner.head.n_classes,
        "train": digest_examples(train),
        "validation": digest_examples(validation),
        "initial weights": hash_tensors(
            {
                f"{module}.{name}": value
                for module, state in copy_weights(learner).items()
                for name, value in state.items()
            }
        ),
    }
    # Through text, so that tuples and lists compare equal.
    plain: dict[str, Any] = json.loads(json.dumps(identity))
    return plain


def save(folder: Path, learner: Learner, position: Position, identity: dict[str, Any]) -> None:
    """Replace the state in `folder`. Raises InputError where it cannot be written."""
    write_state(folder, {
        "model": learner.model.state_dict(),
        "head": learner.head.state_dict(),
        "optimizer": learner.optimizer.state_dict(),
        "position": vars(position),
        # What the reader of pretraining's states looks for.
        "progress": {"step": position.total_steps},
        "run": identity,
    })  # fmt: skip


def restore(folder: Path, learner: Learner, identity: dict[str, Any]) -> Position:
    """Weights, moments and position of the state in `folder`; the start if there is none.

    Raises
    ------
    InputError : the state is damaged, or of another run (the message says in what).
    """
    content = read_state(folder, identity)
    if content is None:
        return Position()
    with damage_is_an_error(folder):
        learner.model.load_state_dict(content["model"])
        learner.head.load_state_dict(content["head"])
        load_moments(learner.optimizer, content["optimizer"])
        return Position(**content["position"])
    raise AssertionError("damage_is_an_error lets nothing pass in silence")


def copy_weights(learner: Learner) -> Weights:
    """Weights of model and head, in the CPU's memory, apart from the modules' own."""
    return {
        name: {key: value.detach().cpu().clone() for key, value in module.state_dict().items()}
        for name, module in (("model", learner.model), ("head", learner.head))
    }


def load_weights(learner: Learner, weights: Weights) -> None:
    """Inverse of `copy_weights`."""
    learner.model.load_state_dict(weights["model"])
    learner.head.load_state_dict(weights["head"])


def digest_examples(examples: Examples) -> str:
    """SHA-256 of sequences and labels in their order."""
    found = hashlib.sha256("\n".join(examples.sequences).encode())
    found.update(np.asarray(examples.labels, dtype="<i8").tobytes())
    return found.hexdigest()
