"""AUROC of the scores against labels: which are ranked, on which rows, and against what.

Label 1 is expected to be the harmful allele, so what is declared before looking is
`minus_log_odds` of the checkpoint on substitutions: the less likely the alternate letter, the
higher the score. All other rows say how else one could have ranked. Scores of a subset are ranked
on the same rows, those that have all of them, so that their numbers compare.

`letters` are the log-odds of the count model (`letters.context_counts`): what is left after the
difference to them is what the model adds to the letters next to the variant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.stats.effects import Effect
from ldar_interp.stats.ranking import (
    MIN_GROUPS,
    MIN_ROWS,
    compare_rankings,
    estimate_ranking,
    trace_roc,
)
from ldar_interp.variants.scoring import SUBSTITUTION

DECLARED = "minus_log_odds"
LETTERS = "letters"
OTHER = "other"
MIN_BLOCKS = 20
BLOCK_BP = 1_000_000
BLOCK_WINDOWS = 16
AUROC_COLUMNS = (
    "subset", "model", "score", "against", "effect", "ci_low", "ci_high", "n_positive",
    "n_negative", "n_dropped", "n_groups", "block_bp", "note",
)  # fmt: skip
ROC_COLUMNS = ("subset", "model", "score", "false_positive_rate", "true_positive_rate")


@dataclass(frozen=True, slots=True, eq=False)
class Rankings:
    """`auroc` and `roc`, tables of docs/contracts.md."""

    auroc: pd.DataFrame
    roc: pd.DataFrame


def choose_block(chrom: NDArray[np.object_], pos: NDArray[np.int64], window_bp: int) -> int:
    """Bases of a block: 1 Mb, halved until the variants fill 20, yet no less than 16 windows."""
    size = BLOCK_BP
    while len(set(name_blocks(chrom, pos, size))) < MIN_BLOCKS and size // 2 >= (
        BLOCK_WINDOWS * window_bp
    ):
        size //= 2
    return size


def name_blocks(chrom: NDArray[np.object_], pos: NDArray[np.int64], size: int) -> list[str]:
    """The block of each variant: what is resampled together."""
    return [f"{c}:{p // size}" for c, p in zip(chrom.tolist(), (pos - 1).tolist(), strict=True)]


def rank_scores(
    scores: pd.DataFrame,
    *,
    window_bp: int,
    block_bp: int | None,
    n_boot: int,
    seed: int,
) -> Rankings:
    """AUROC of every score, and differences between scores of the same rows.

    Parameters
    ----------
    scores : rows of all models, the same variants in the same order for each, with the columns of
        docs/contracts.md and `kind` (missing where a variant cannot be scored) and `label`.
    window_bp : of the model; a block holds at least 16 of them.
    block_bp : bases of a block; None chooses (`choose_block`).
    """
    labelled = scores[scores["label"].notna() & scores["kind"].notna()]
    models = {str(name): rows for name, rows in labelled.groupby("model", sort=False)}
    first = next(iter(models.values()))
    chrom, pos = first["chrom"].to_numpy(dtype=object), first["pos"].to_numpy(dtype=np.int64)
    size = block_bp or choose_block(chrom, pos, window_bp)
    block = np.array(name_blocks(chrom, pos, size), dtype=object)
    is_substitution = (first["kind"] == SUBSTITUTION).to_numpy()
    tables, curves = [], []
    for subset, is_here in ((SUBSTITUTION, is_substitution), (OTHER, ~is_substitution)):
        chosen = {name: rows[is_here] for name, rows in models.items()}
        columns = _list_scores(chosen, with_odds=subset == SUBSTITUTION)
        if not is_here.any() or not columns:
            continue
        kept = np.all([np.isfinite(values) for values in columns.values()], axis=0)
        ranked = _Rows(
            {key: values[kept] for key, values in columns.items()},
            first["label"].to_numpy(dtype=np.float64)[is_here][kept].astype(np.int64),
            block[is_here][kept],
        )
        table = pd.DataFrame(_measure(ranked, n_boot, seed))
        n_dropped = int((~kept).sum())
        tables.append(table.assign(subset=subset, n_dropped=n_dropped, block_bp=size))
        curves += [curve.assign(subset=subset) for curve in _trace(ranked)]
    return Rankings(_join(tables, AUROC_COLUMNS), _join(curves, ROC_COLUMNS))


def _join(tables: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """One table below the other; without any, one that has no rows."""
    if not tables:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(tables, ignore_index=True)[list(columns)]


_Key = tuple[str, str]
"""Model and score."""


class _Rows(NamedTuple):
    """Scores of the same rows, their labels and blocks."""

    scores: dict[_Key, NDArray[np.float64]]
    labels: NDArray[np.int64]
    block: NDArray[np.object_]


def _list_scores(
    models: dict[str, pd.DataFrame], *, with_odds: bool
) -> dict[_Key, NDArray[np.float64]]:
    """Every score that can be ranked, high where label 1 is expected if that is known."""
    found: dict[_Key, NDArray[np.float64]] = {}
    for name, rows in models.items():
        odds, change = (rows[c].to_numpy(dtype=np.float64) for c in ("log_odds", "delta_p"))
        if with_odds:
            found |= {(name, DECLARED): -odds, (name, "abs_log_odds"): np.abs(odds)}
        # A router that does not read the sequence gives no change at all.
        if np.isfinite(change).any():
            found |= {(name, "delta_p"): change, (name, "abs_delta_p"): np.abs(change)}
    if with_odds:
        letters = next(iter(models.values()))["baseline_log_odds"].to_numpy(dtype=np.float64)
        found |= {(LETTERS, DECLARED): -letters, (LETTERS, "abs_log_odds"): np.abs(letters)}
    return found


def _measure(ranked: _Rows, n_boot: int, seed: int) -> Iterator[dict[str, object]]:
    """Rows of the table: each score by itself, then each model's against its rivals."""
    given = (ranked.labels, ranked.block)
    for (model, score), values in ranked.scores.items():
        rng = np.random.default_rng(seed)
        found = estimate_ranking(values, *given, n_boot=n_boot, rng=rng)
        yield _describe(ranked, model, score, "", found)
    for model, score in ranked.scores:
        for rival in (LETTERS, "random"):
            if model in (LETTERS, rival) or (rival, score) not in ranked.scores:
                continue
            rng = np.random.default_rng(seed)
            pair = ranked.scores[model, score], ranked.scores[rival, score]
            found = compare_rankings(*pair, *given, n_boot=n_boot, rng=rng)
            yield _describe(ranked, model, score, rival, found)


def _describe(
    ranked: _Rows, model: str, score: str, against: str, found: Effect
) -> dict[str, object]:
    n_positive, n_groups = int(ranked.labels.sum()), len(set(ranked.block.tolist()))
    n_negative = len(ranked.labels) - n_positive
    notes = ["declared"] if (model, score, against) == ("checkpoint", DECLARED, "") else []
    if not n_positive or not n_negative:
        notes.append("labels of one kind only")
    elif n_groups < MIN_GROUPS or min(n_positive, n_negative) < MIN_ROWS:
        notes.append(f"no interval: under {MIN_GROUPS} blocks, or {MIN_ROWS} rows of a label")
    elif np.isnan(found.low):
        notes.append("no interval: the same in every resample")
    return {
        "model": model,
        "score": score,
        "against": against,
        "effect": found.estimate,
        "ci_low": found.low,
        "ci_high": found.high,
        "n_positive": n_positive,
        "n_negative": n_negative,
        "n_groups": n_groups,
        "note": "; ".join(notes),
    }


def _trace(ranked: _Rows) -> Iterator[pd.DataFrame]:
    """ROC curves, none without both labels."""
    if len(set(ranked.labels.tolist())) < 2:
        return
    for (model, score), values in ranked.scores.items():
        wrong, right = trace_roc(values, ranked.labels)
        yield pd.DataFrame(
            {
                "model": model,
                "score": score,
                "false_positive_rate": wrong,
                "true_positive_rate": right,
            }
        )
