"""Sequences with a planted signal: a word that class 1 has somewhere and class 0 has not."""

import numpy as np

from ldar_interp.tune.examples import Examples

WORD = "TATAAAAG"


def plant(n, length, seed, *, word=WORD):
    """Every second of n random sequences has the word, at any place."""
    rng = np.random.default_rng(seed)
    sequences, labels = [], np.arange(n) % 2
    for label in labels:
        letters = rng.choice(list("ACGT"), length)
        if label:
            at = rng.integers(0, length - len(word) + 1)
            letters[at : at + len(word)] = list(word)
        sequences.append("".join(letters))
    return Examples(sequences, labels.astype(np.int64))


def shuffle_labels(examples, seed):
    """The same sequences, their labels in another order."""
    return Examples(examples.sequences, np.random.default_rng(seed).permutation(examples.labels))
