"""What letters alone predict: one- and two-sided count models on the validation region.

    python -m analyses.checkpoint.count_baselines --data DIR --out analyses/checkpoint/baselines.tsv

A base is predicted from the k letters before it (one-sided, a Markov chain) or from the j letters
on each side (two-sided, what a masked model may use). Counts come from the human training sources
of config.toml, both strands; probabilities back off from each context to the next shorter one,

    p_k(x | c) = (n(c, x) + a p_{k-1}(x | c')) / (n(c) + a),

with a chosen on the last tenth of the training sequence, which is then counted as well. The clean
context is a favour to the count models: a masked model sees 15 % of it corrupted.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.train.config import read_config
from ldar_interp.train.data import read_source

ONE_SIDED = (0, 2, 5, 7, 9, 11)
TWO_SIDED = (1, 2, 3, 4, 5, 6)
STRENGTHS = (1.0, 10.0, 100.0, 300.0, 1000.0)


def context_offsets(k: int, *, two_sided: bool) -> list[int]:
    """Positions that are read, relative to the base, nearest first."""
    if two_sided:
        return [sign * step for step in range(1, k + 1) for sign in (-1, 1)]
    return [-step for step in range(1, k + 1)]


def index_contexts(ids: NDArray[np.uint8], offsets: list[int]) -> tuple[NDArray[np.int64], ...]:
    """Bases that have a context without N: codes of the contexts, the bases, where they are."""
    reach = max(map(abs, offsets), default=0)
    here = np.arange(reach, len(ids) - reach)
    clean = ids[here] < N
    code = np.zeros(len(here), dtype=np.int64)
    for offset in reversed(offsets):
        letters = ids[here + offset]
        clean &= letters < N
        code = code * 4 + np.minimum(letters, 3)
    return code[clean], ids[here][clean].astype(np.int64), here[clean]


class CountModel:
    """Counts of bases in contexts of every length up to `len(offsets)`, nearest letters first."""

    def __init__(self, offsets: list[int]) -> None:
        self.offsets = offsets
        self.counts = [np.zeros((4**k, 4)) for k in range(len(offsets) + 1)]

    def add(self, ids: NDArray[np.uint8]) -> None:
        """Count both strands of a sequence."""
        for strand in (ids, reverse_complement(ids)):
            code, base, _ = index_contexts(strand, self.offsets)
            for k, table in enumerate(self.counts):
                flat = (code % 4**k) * 4 + base
                table += np.bincount(flat, minlength=table.size).reshape(table.shape)

    def losses(self, ids: NDArray[np.uint8], strength: float) -> NDArray[np.float64]:
        """-log p in nats of every base of a sequence; NaN without a context, or where it has N."""
        code, base, here = index_contexts(ids, self.offsets)
        prob = np.full((1, 4), 0.25)
        for k, table in enumerate(self.counts):
            shorter = prob[np.arange(4**k) % max(1, 4 ** (k - 1))] if k else prob
            prob = (table + strength * shorter) / (table.sum(1, keepdims=True) + strength)
        out = np.full(len(ids), np.nan)
        out[here] = -np.log(prob[code, base])
        return out


def fit_counts(
    sequences: list[NDArray[np.uint8]], offsets: list[int], strengths: tuple[float, ...]
) -> tuple[CountModel, float]:
    """Counts of all sequences, and the back-off that is best for the last tenth of each."""
    model = CountModel(offsets)
    for ids in sequences:
        model.add(ids[: -len(ids) // 10])
    tuning = {
        strength: sum(
            np.nansum(model.losses(ids[-len(ids) // 10 :], strength)) for ids in sequences
        )
        for strength in strengths
    }
    for ids in sequences:
        model.add(ids[-len(ids) // 10 :])
    return model, min(tuning, key=tuning.__getitem__)


def main() -> None:
    """Fit, choose the back-off, evaluate, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    config = read_config(Path(__file__).with_name("config.toml"), arguments.data)
    human = [ids for s in config.train if "human" in s.name for _, ids in read_source(s)]
    held_out = [ids for s in config.validation for _, ids in read_source(s)]
    rows = []
    for two_sided, sizes in ((False, ONE_SIDED), (True, TWO_SIDED)):
        for k in sizes:
            offsets = context_offsets(k, two_sided=two_sided)
            model, strength = fit_counts(human, offsets, STRENGTHS)
            loss = float(np.nanmean(np.concatenate([model.losses(x, strength) for x in held_out])))
            rows.append(("two-sided" if two_sided else "one-sided", k, strength, loss))
            print(*rows[-1])
    table = pd.DataFrame(rows, columns=["context", "letters_a_side", "back_off", "nats_per_base"])
    table.to_csv(arguments.out, sep="\t", index=False, float_format="%.6g", lineterminator="\n")


if __name__ == "__main__":
    main()
