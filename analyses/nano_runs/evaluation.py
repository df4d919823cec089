"""Measure one trained run: a few small tables, and p on a sample of windows.

Everything is a function of the weights and of config.toml; nothing is drawn without a fixed seed.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from analyses.nano_runs.grid import Grid, NanoRun, training_config
from analyses.nano_runs.masked_p import compare_masked
from analyses.nano_runs.splice_effects import SplicePairs
from analyses.nano_runs.training import FINISHED
from ldar_interp.boundaries.extract import run_router
from ldar_interp.model.checkpoint import load_model
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.provenance import hash_file
from ldar_interp.train.data import tile_windows
from ldar_interp.train.run import kept_weights
from ldar_interp.train.validate import OPEN_LENGTH, validate

EVALUATION = "evaluation"
WEIGHTS = "weights.sha256"
BATCH = 8
RUN_COLUMNS = (
    "router", "alpha", "compression", "steps", "bases", "flops", "budget", "mask_loss",
    "mask_accuracy", "mlm_loss", "n_mask", "boundary_rate", "mean_prob", "boundary_rate_clean",
    "mean_prob_clean",
)  # fmt: skip
CURVE_COLUMNS = ("step", "mask_loss", "boundary_rate", "mean_prob")


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of the validation region: all of them, and those on which p is compared."""

    region: NDArray[np.uint8]
    sample: NDArray[np.uint8]


def read_windows(grid: Grid, data: Path) -> Windows:
    """The validation windows of the grid's sources, without N."""
    sources = training_config(grid, grid.queue()[0], data).validation

    def tile(limit: int | None) -> NDArray[np.uint8]:
        return tile_windows(sources, grid.train_length, max_n_share=0.0, limit=limit)

    return Windows(tile(None), tile(grid.evaluation.windows))


def is_evaluated(folder: Path) -> bool:
    """True if a run's tables are all there, and of the weights that it has now."""
    path = folder / EVALUATION / WEIGHTS
    return path.is_file() and path.read_text().strip() == hash_file(folder / "model.safetensors")


def evaluate_run(
    grid: Grid, run: NanoRun, out: Path, windows: Windows, pairs: SplicePairs, *, mask_rate: float
) -> None:
    """Write `out/evaluation/`, as a whole or not at all.

    run.tsv, curve.tsv, chunk_lengths.tsv always; masked.tsv if p depends on weights; splice.tsv
    and p.npz (p of the sample at kept steps) for settings in `dynamics`.
    """
    partial = out / f"{EVALUATION}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    model = load_model(out)
    prob = predict(model, windows.sample)
    tables = {
        "run": _describe(run, model, out, windows.region, prob, mask_rate),
        "curve": pd.read_csv(out / "validation.csv")[list(CURVE_COLUMNS)],
        "chunk_lengths": count_chunks(prob),
    }
    if model.config.router_spec.has_parameters:
        tables["masked"] = compare_masked(
            windows.sample, lambda ids: predict(model, ids), mask_rate=mask_rate
        )
    if run.setting.name in grid.evaluation.dynamics:
        tables["splice"], by_step = _follow(grid, out, windows.sample, pairs)
        np.savez(partial / "p.npz", **by_step)
    for name, table in tables.items():
        marked = table.assign(setting=run.setting.name, seed=run.seed)
        first = ["setting", "seed"]
        marked[first + [c for c in marked if c not in first]].to_csv(
            partial / f"{name}.tsv", sep="\t", index=False, float_format="%.6g", lineterminator="\n"
        )
    (partial / WEIGHTS).write_text(hash_file(out / "model.safetensors") + "\n")
    shutil.rmtree(out / EVALUATION, ignore_errors=True)
    partial.replace(out / EVALUATION)


def predict(model: LDARNet, ids: NDArray[np.uint8]) -> NDArray[np.float32]:
    """p (windows, length) of windows of one length; NaN at their first edge."""
    return np.concatenate(
        [run_router(model, ids[i : i + BATCH]) for i in range(0, len(ids), BATCH)]
    )


def count_chunks(prob: NDArray[np.float32]) -> pd.DataFrame:
    """Histogram `length, count` of chunks between two boundaries within a window.

    Its first and last chunk are cut by the window and not counted. The last length is an open
    bin; lengths that do not occur are left out.
    """
    lengths = [np.diff(np.flatnonzero(row > 0.5)) for row in prob]
    joined = np.minimum(np.concatenate(lengths), OPEN_LENGTH)
    length, count = np.unique(joined, return_counts=True)
    return pd.DataFrame({"length": length, "count": count})


def _describe(
    run: NanoRun,
    model: LDARNet,
    out: Path,
    region: NDArray[np.uint8],
    prob: NDArray[np.float32],
    mask_rate: float,
) -> pd.DataFrame:
    """One row: what the run is, what it cost, and its losses on the whole region."""
    found = validate(model, region, mask_rate=mask_rate).scalars()
    known = prob[~np.isnan(prob)]
    finished = json.loads((out / FINISHED).read_text())
    row = {
        **run.setting.model_dump(include={"router", "alpha", "compression"}),
        **{name: finished[name] for name in ("steps", "bases", "flops", "budget")},
        **found,
        "boundary_rate_clean": float((known > 0.5).mean()),
        "mean_prob_clean": float(known.mean()),
    }
    return pd.DataFrame([row], columns=list(RUN_COLUMNS))


def _follow(
    grid: Grid, out: Path, sample: NDArray[np.uint8], pairs: SplicePairs
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """The splice endpoint and p (windows, length) of the sample, at every kept step."""
    parts: list[pd.DataFrame] = []
    by_step: dict[str, Any] = {}
    for step in sorted(grid.keep_weights_at):
        folder = kept_weights(out, step)
        if folder.is_dir():
            model = load_model(folder)
            parts.append(pairs.measure(model).assign(step=step))
            by_step[f"step_{step:06d}"] = predict(model, sample)
    return pd.concat(parts, ignore_index=True), by_step
