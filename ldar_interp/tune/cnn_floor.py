"""A small convolutional network from scratch: motifs, short combinations of them, and no more.

    letters (4) -> 64 filters of 11 bp -> maximum of 4 bp -> 64 filters of 7 x 4 bp
                -> maximum over the sequence -> classes

It sees about 38 bp at a time and not where in the sequence. Trained with Adam, stopped where the
validation rows' MCC no longer rises and their cross-entropy no longer falls; the epoch of the best
MCC is kept. (MCC alone stops too early: it stays at 0 for as long as every row is given the
commonest class, while the loss falls, and on few rows it is noisy.) With both strands, a row is
shown as its reverse complement in half of the epochs, and predictions are the mean over both.
Weights, order, strands and dropout come from the seed; with one thread on a CPU, the same seed
gives the same numbers.
"""

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor, nn

from ldar_interp.boundaries.workers import one_thread
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N
from ldar_interp.stats.classification import score_predictions
from ldar_interp.tune.batches import (
    Encoded,
    encode_sequences,
    list_strands,
    pad_batch,
    plan_batches,
)
from ldar_interp.tune.checks import check_labels
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.probe import Floats

RECIPE = 2
"""To be raised whenever the same rows and seed would give another network."""
_FILTERS, _WIDTHS, _POOL, _DROPOUT = 64, (11, 7), 4, 0.3
_BATCH, _LR, _WEIGHT_DECAY = 64, 1e-3, 1e-4
_PREDICT_BP = 65536
_CPU = torch.device("cpu")


class SmallCnn(nn.Module):
    """Two convolutions and a maximum over the sequence. Padding changes nothing."""

    def __init__(self, n_classes: int) -> None:
        super().__init__()
        self.first = nn.Conv1d(4, _FILTERS, _WIDTHS[0], padding="same")
        self.second = nn.Conv1d(_FILTERS, _FILTERS, _WIDTHS[1], padding="same")
        self.drop = nn.Dropout(_DROPOUT)
        self.head = nn.Linear(_FILTERS, n_classes)

    def forward(self, ids: Int[Tensor, "b l"], lengths: Int[Tensor, " b"]) -> Float[Tensor, "b c"]:
        """Logits of right-padded ids; N and [PAD] are zeros in all four channels."""
        letters = F.one_hot(ids.clamp_max(N), N + 1)[..., :N].transpose(1, 2)
        # Zeros beyond the end are what a sequence alone would be padded with, and no maximum of
        # positive values sees them.
        at = torch.arange(ids.shape[1])
        found = F.relu(self.first(letters.float())) * (at < lengths[:, None])[:, None]
        found = F.max_pool1d(found, _POOL, ceil_mode=True)
        n_pooled = (lengths + _POOL - 1) // _POOL
        found = F.relu(self.second(found)) * (at[: found.shape[2]] < n_pooled[:, None])[:, None]
        logits: Tensor = self.head(self.drop(found.amax(2)))
        return logits


@dataclass(frozen=True, slots=True, eq=False)
class CnnFloor:
    """A trained network; `best_epoch` counts from 1, `validation_mcc` has one value an epoch."""

    network: SmallCnn
    both_strands: bool
    best_epoch: int
    validation_mcc: tuple[float, ...]

    def predict(self, sequences: Sequence[str]) -> Floats:
        """Probabilities float64 (n, n_classes)."""
        return _predict(
            self.network, list_strands(encode_sequences(sequences), both=self.both_strands)
        )


def fit_cnn(
    train: Examples,
    validation: Examples,
    *,
    n_classes: int,
    seed: int,
    both_strands: bool = False,
    epochs: int = 60,
    patience: int = 6,
) -> CnnFloor:
    """Train until nothing has become better on the validation rows for `patience` epochs.

    The epoch of the highest MCC is kept, the first of several. One CPU thread. The global generator
    and the number of threads are left as they were.

    Raises
    ------
    InputError : labels that do not fit or are all the same, an empty sequence, epochs or patience
        below 1, a loss that is not finite.
    """
    if epochs < 1 or patience < 1:
        raise InputError(f"epochs {epochs}, patience {patience}; wanted at least 1")
    check_labels(train.labels, n_classes, "training rows")
    check_labels(validation.labels, n_classes, "validation rows")
    strands = list_strands(encode_sequences(train.sequences), both=both_strands)
    held_out = list_strands(encode_sequences(validation.sequences), both=both_strands)
    labels = torch.from_numpy(np.asarray(train.labels, dtype=np.int64))
    rng = np.random.default_rng(seed)
    with one_thread("cpu"), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = SmallCnn(n_classes)
        optimizer = torch.optim.AdamW(network.parameters(), lr=_LR, weight_decay=_WEIGHT_DECAY)
        history: list[float] = []
        losses: list[float] = []
        best = copy.deepcopy(network.state_dict())
        while len(history) < epochs:
            _train_epoch(network, optimizer, _show(strands, rng), labels, rng)
            prob = _predict(network, held_out)
            history.append(score_predictions(validation.labels, prob)["mcc"])
            losses.append(_cross_entropy(prob, validation.labels))
            at, last = int(np.argmax(history)), len(history) - 1
            if at == last:
                best = copy.deepcopy(network.state_dict())
            elif last - max(at, int(np.argmin(losses))) >= patience:
                break
    network.load_state_dict(best)
    return CnnFloor(network.eval().requires_grad_(False), both_strands, at + 1, tuple(history))


def _cross_entropy(prob: Floats, labels: NDArray[np.int64]) -> float:
    own = prob[np.arange(len(prob)), labels]
    return float(-np.log(np.maximum(own, np.finfo(np.float64).tiny)).mean())


def _show(strands: list[Encoded], rng: np.random.Generator) -> Encoded:
    """The rows of an epoch: of two strands, each row's with probability 1/2."""
    if len(strands) == 1:
        return strands[0]
    drawn = rng.integers(0, 2, len(strands[0])).tolist()
    return [strands[one][row] for row, one in enumerate(drawn)]


def _train_epoch(
    network: SmallCnn,
    optimizer: torch.optim.Optimizer,
    encoded: Encoded,
    labels: Tensor,
    rng: np.random.Generator,
) -> None:
    network.train()
    for rows in _shuffle(np.array([len(ids) for ids in encoded]), rng):
        logits = network(*_read(encoded, rows))
        loss = F.cross_entropy(logits, labels[torch.from_numpy(rows)])
        if not bool(torch.isfinite(loss)):
            raise InputError("the loss of the small network is not finite; wanted sequences of DNA")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


def _shuffle(lengths: NDArray[np.int64], rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    """Batches in random order; within a stretch of 16 batches, rows of similar length together."""
    order = rng.permutation(len(lengths))
    for begin in range(0, len(order), 16 * _BATCH):
        stretch = order[begin : begin + 16 * _BATCH]
        stretch = stretch[np.argsort(lengths[stretch], kind="stable")]
        batches = [stretch[k : k + _BATCH] for k in range(0, len(stretch), _BATCH)]
        for k in rng.permutation(len(batches)):
            yield batches[k]


def _predict(network: SmallCnn, strands: list[Encoded]) -> Floats:
    """Mean of the probabilities over the strands."""
    network.eval()
    out = np.zeros((len(strands[0]), network.head.out_features))
    with torch.no_grad():
        for rows in plan_batches([len(ids) for ids in strands[0]], _PREDICT_BP):
            for encoded in strands:
                logits = network(*_read(encoded, rows))
                out[rows] += torch.softmax(logits.double(), dim=1).numpy() / len(strands)
    return out


def _read(encoded: Encoded, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    """Padded ids (b, l) and lengths (b,) of these rows."""
    lengths = torch.tensor([len(encoded[row]) for row in rows])
    return pad_batch(encoded, rows, _CPU).input_ids, lengths
