"""From predictions to tables: each fold, all folds together, and the main method against floors.

The spread of folds says how much the training rows matter, the bootstrap over test rows how much
the test rows do; an interval needs both. So the row of all folds together draws folds and, once
for all of them, test rows. Test rows of one `group`, such as copies of a sequence, are drawn
together.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from ldar_interp.downstream.examples import RunExamples
from ldar_interp.downstream.store import FoldResult
from ldar_interp.stats.classification import (
    combine_folds,
    compare_folds,
    score_intervals,
    score_predictions,
)

RESULT_COLUMNS = [
    "task", "method", "fold", "split", "metric", "value", "ci_low", "ci_high", "n_train", "n_test",
    "seed",
]  # fmt: skip
DIFFERENCE_COLUMNS = [
    "task", "method", "floor", "split", "metric", "effect", "ci_low", "ci_high", "n_train",
    "n_test", "n_folds", "seed",
]  # fmt: skip
ALL_FOLDS = "all"


def summarise_methods(
    name: str,
    examples: RunExamples,
    folds: Mapping[str, Sequence[FoldResult]],
    *,
    splits: Sequence[str],
    n_boot: int,
    seed: int,
) -> pd.DataFrame:
    """Rows of `RESULT_COLUMNS`: test rows (all, and those that do not leak) and validation rows.

    Validation rows chose the epoch or the penalty, so theirs is no estimate of anything and has
    no interval.
    """
    labels, group = (examples.test[name].to_numpy() for name in ("label", "group"))
    pool_labels = examples.pool["label"].to_numpy()
    rows = []
    for method, results in folds.items():
        for split in splits:
            at = examples.test_rows(split)
            draws = {"n_boot": n_boot, "seed": seed, "groups": group[at]}
            probs = [result.prob[at] for result in results]
            for k, prob in enumerate(probs):
                found = score_intervals(labels[at], prob, **draws)
                rows.append(
                    found.assign(
                        method=method,
                        fold=k,
                        split=split,
                        n_test=len(at),
                        n_train=results[k].n_train,
                    )
                )
            if len(probs) > 1:
                together = combine_folds(labels[at], probs, **draws)
            else:
                together = rows[-1]
            n_train = round(float(np.mean([result.n_train for result in results])))
            rows.append(
                together.assign(
                    method=method, fold=ALL_FOLDS, split=split, n_test=len(at), n_train=n_train
                )
            )
        for k, result in enumerate(results):
            scores = score_predictions(pool_labels[result.validation_rows], result.validation_prob)
            table = pd.DataFrame({"metric": list(scores), "value": list(scores.values())})
            rows.append(
                table.assign(
                    ci_low=np.nan, ci_high=np.nan, method=method, fold=k, split="validation",
                    n_test=len(result.validation_rows), n_train=result.n_train,
                )
            )  # fmt: skip
    return pd.concat(rows, ignore_index=True).assign(task=name, seed=seed)[RESULT_COLUMNS]


def summarise_differences(
    name: str,
    examples: RunExamples,
    folds: Mapping[str, Sequence[FoldResult]],
    *,
    splits: Sequence[str],
    n_boot: int,
    seed: int,
) -> pd.DataFrame:
    """Rows of `DIFFERENCE_COLUMNS`: the first method minus each of the others, fold by fold.

    Both have learned the same rows of each fold and are tested on the same rows.
    """
    main, *floors = folds
    labels, group = (examples.test[name].to_numpy() for name in ("label", "group"))
    rows = [pd.DataFrame(columns=DIFFERENCE_COLUMNS)]
    for floor in floors:
        for split in splits:
            at = examples.test_rows(split)
            found = compare_folds(
                labels[at],
                [result.prob[at] for result in folds[main]],
                [result.prob[at] for result in folds[floor]],
                n_boot=n_boot,
                seed=seed,
                groups=group[at],
            )
            n_train = round(float(np.mean([result.n_train for result in folds[main]])))
            rows.append(
                found.rename(columns={"value": "effect"}).assign(
                    task=name, method=main, floor=floor, split=split, n_train=n_train,
                    n_test=len(at), n_folds=len(folds[main]), seed=seed,
                )[DIFFERENCE_COLUMNS]
            )  # fmt: skip
    return rows[0] if len(rows) == 1 else pd.concat(rows[1:], ignore_index=True)
