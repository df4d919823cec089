"""Tables of probes: what each model scores, and differences of settings with their intervals.

The interval of a difference holds two things that vary: the seed (weights, windows, masks, and so
what was learned) and the test rows, which all seeds share. `stats.classification.compare_folds`
does both, with seeds in the place of folds. The mean over tasks of a comparison is taken seed by
seed; its interval is Student's over seeds.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analyses.matched_flops.probes import KMER, Comparison, Settings
from analyses.nano_runs.grid import Grid
from analyses.nano_runs.seeds import mean_of_seeds
from analyses.nano_runs.tables import Earlier, run_names, sort_rows
from ldar_interp.downstream.examples import RunExamples
from ldar_interp.downstream.store import FoldResult
from ldar_interp.provenance import describe_input
from ldar_interp.stats.classification import compare_folds, score_predictions

Found = Mapping[str, Mapping[int, Mapping[str, FoldResult]]]
"""Setting -> seed -> task -> what was predicted."""
ALL_TASKS = "mean over tasks"
PROBE_COLUMNS = ["setting", "seed", "task", "metric", "value", "n_train", "n_test"]
DIFFERENCE_COLUMNS = [
    "setting", "against", "task", "metric", "effect", "ci_low", "ci_high", "n_seeds", "n_test",
]  # fmt: skip


def score_models(found: Found, examples: Mapping[str, RunExamples]) -> pd.DataFrame:
    """Rows of `PROBE_COLUMNS`: every metric of every model on every task."""
    rows = []
    for setting, seeds in found.items():
        for seed, tasks in seeds.items():
            for task, result in tasks.items():
                labels = examples[task].test["label"].to_numpy()
                for metric, value in score_predictions(labels, result.prob).items():
                    rows.append((setting, seed, task, metric, value, result.n_train, len(labels)))
    return pd.DataFrame(rows, columns=PROBE_COLUMNS)


def compare_settings(
    settings: Settings, found: Found, examples: Mapping[str, RunExamples]
) -> pd.DataFrame:
    """Rows of `DIFFERENCE_COLUMNS`, by comparison and task, and over tasks.

    Seeds that only one of the two settings has are left out; a comparison without any common seed
    has no rows.
    """
    parts = [pd.DataFrame(columns=DIFFERENCE_COLUMNS)]
    scores = score_models(found, examples)
    scores = scores[scores["metric"] == settings.metric]
    values = scores.set_index(["setting", "seed", "task"])["value"]
    for pair in settings.comparison:
        sides = (found.get(pair.setting, {}), found.get(pair.against, {}))
        seeds = [seed for seed in sides[0] if seed in sides[1]]
        if not seeds:
            continue
        names = {"setting": pair.setting, "against": pair.against, "n_seeds": len(seeds)}
        for task, one in examples.items():
            difference = compare_folds(
                one.test["label"].to_numpy(),
                [sides[0][seed][task].prob for seed in seeds],
                [sides[1][seed][task].prob for seed in seeds],
                n_boot=settings.n_boot,
                seed=settings.seed,
                groups=one.test["group"].to_numpy(),
            )
            chosen = difference[difference["metric"] == settings.metric]
            parts.append(
                chosen.rename(columns={"value": "effect"}).assign(
                    task=task, n_test=len(one.test), **names
                )[DIFFERENCE_COLUMNS]
            )
        by_seed = [
            float((values[pair.setting][seed] - values[pair.against][seed]).mean())
            for seed in seeds
        ]
        mean = mean_of_seeds(by_seed)
        overall = {
            "task": ALL_TASKS, "metric": settings.metric, "effect": mean.mean,
            "ci_low": mean.low, "ci_high": mean.high,
            "n_test": sum(len(one.test) for one in examples.values()), **names,
        }  # fmt: skip
        parts.append(pd.DataFrame([overall])[DIFFERENCE_COLUMNS])
    return parts[0] if len(parts) == 1 else pd.concat(parts[1:], ignore_index=True)


def add_earlier(
    settings: Settings,
    made: Mapping[str, pd.DataFrame],
    earlier: Earlier,
    weights: Mapping[str, str],
) -> dict[str, pd.DataFrame]:
    """`probes` and `differences` of the models at hand and, for the others, of earlier calls.

    A comparison keeps its earlier rows if these hold more seeds than there are at hand, unless
    the weights of a model in it are others now. `weights` is the hash of the models at hand.
    """
    changed = find_changed(earlier, weights)
    probes, differences = made["probes"], made["differences"]
    if earlier.tables:
        old = earlier.tables["probes"]
        is_old = ~run_names(old).isin(set(run_names(probes)))
        probes = pd.concat([probes, old[is_old]], ignore_index=True)
        parts = []
        for pair in settings.comparison:
            new, old = (rows_of(t, pair) for t in (differences, earlier.tables["differences"]))
            is_stale = bool({pair.setting, pair.against} & changed)
            use_old = not is_stale and old["n_seeds"].max() > max(new["n_seeds"], default=0)
            parts.append(old if use_old else new)
        differences = pd.concat(parts, ignore_index=True)
    order = [KMER, *settings.list_settings()]
    probes = sort_rows(probes, ["setting", "seed"], "setting", order)
    return {"probes": probes, "differences": differences}


def find_changed(earlier: Earlier, weights: Mapping[str, str]) -> set[str]:
    """Settings of which a model at hand has other weights than an earlier call found."""
    return {
        name.rsplit("-", 1)[0]
        for name, digest in weights.items()
        if earlier.runs.get(name, digest) != digest
    }


def rows_of(differences: pd.DataFrame, pair: Comparison) -> pd.DataFrame:
    """The rows of a comparison; none if no seed of both is measured."""
    mine = (differences["setting"] == pair.setting) & (differences["against"] == pair.against)
    return differences[mine]


def describe(settings: Settings, grid: Grid, examples: Mapping[str, RunExamples]) -> dict[str, Any]:
    """What all rows share, for the provenance: settings, grid, and examples by hash."""
    return {
        "program": "matched_flops",
        "arguments": settings.model_dump(mode="json"),
        "grid": grid.describe(),
        "inputs": {
            task: [describe_input(path) for path in one.data.files]
            for task, one in examples.items()
        },
        "notes": {task: list(one.notes) for task, one in examples.items()},
        "floor": KMER,
    }
