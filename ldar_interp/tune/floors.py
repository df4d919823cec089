"""Floors: what a task gives to 5-mer counts, and to a small convolutional network from scratch.

A pretrained model that is not above them has learned nothing that the task needs. Both are trained
on the same rows as the model, and see validation rows only to choose: a penalty, an epoch. The
network is in `cnn_floor`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.tune.batches import encode_sequences
from ldar_interp.tune.cnn_floor import CnnFloor, fit_cnn
from ldar_interp.tune.examples import Examples
from ldar_interp.tune.probe import Floats, Probe, fit_probe

__all__ = ["CnnFloor", "KmerFloor", "count_kmers", "fit_cnn", "fit_kmer"]

_LONGEST_WORD = 8  # 65,536 columns


@dataclass(frozen=True, slots=True, eq=False)
class KmerFloor:
    """Logistic regression on k-mer counts."""

    probe: Probe
    k: int
    both_strands: bool

    def predict(self, sequences: Sequence[str]) -> Floats:
        """Probabilities float64 (n, n_classes)."""
        return self.probe.predict(count_kmers(sequences, self.k, both_strands=self.both_strands))


def fit_kmer(
    train: Examples,
    validation: Examples,
    *,
    n_classes: int,
    k: int = 5,
    seed: int,
    both_strands: bool = False,
) -> KmerFloor:
    """Fit `fit_probe` to counts of k-mers.

    Parameters
    ----------
    k : letters of a word, 1 to 8; there are 4**k counts.
    seed : see `fit_probe`.
    both_strands : count the words of both strands, where the strand of a sequence says nothing.

    Raises
    ------
    InputError : k out of range, an empty sequence, and as `fit_probe`.
    """
    tables = [count_kmers(e.sequences, k, both_strands=both_strands) for e in (train, validation)]
    probe = fit_probe(
        tables[0], train.labels, tables[1], validation.labels, n_classes=n_classes, seed=seed
    )
    return KmerFloor(probe, k, both_strands)


def count_kmers(
    sequences: Sequence[str], k: int, *, both_strands: bool = False
) -> NDArray[np.float32]:
    """Counts (n, 4**k) of all words of k letters A, C, G, T, in alphabetical order.

    Words with another letter count nowhere, and neither does a sequence shorter than k. With
    `both_strands` the words of the other strand are counted too.

    Raises
    ------
    InputError : k out of range, an empty sequence.
    """
    if not 1 <= k <= _LONGEST_WORD:
        raise InputError(f"k is {k}; wanted words of 1 to {_LONGEST_WORD} letters")
    place = 4 ** np.arange(k)[::-1]
    out = np.zeros((len(sequences), 4**k), dtype=np.float32)
    for row, ids in enumerate(encode_sequences(sequences)):
        if len(ids) < k:
            continue
        for strand in (ids, reverse_complement(ids)) if both_strands else (ids,):
            words = np.lib.stride_tricks.sliding_window_view(strand, k)
            code = words[(words < N).all(axis=1)].astype(np.int64) @ place
            out[row] += np.bincount(code, minlength=4**k)
    return out
