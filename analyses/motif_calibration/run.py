"""Does the motif ladder reject a true null as often as it says? A table of rates.

Example: python -m analyses.motif_calibration.run --force

Simulated letters and p only (`simulate.py`): nothing that comes out is about promoters. It is about
the tool, from scanning to tests. About three minutes of one CPU core.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer

from analyses.motif_calibration.simulate import (
    World,
    compare,
    find_residual,
    fit_simulated,
    make_world,
    simulate,
)
from ldar_interp.command_line import one_line_errors, run_program, say
from ldar_interp.errors import InputError

PROGRAM = "motif_calibration"
FOLDER = Path(__file__).resolve().parent
WORLDS = {"as elsewhere": (1, 0.0), "richer by 0.12": (2, 0.12)}
"""GC of promoters -> seed, and what is added to it."""
FITS: dict[str, tuple[int | None, int]] = {
    "120,000 edges": (6, 16),
    "360,000 edges": (2, 8),
    "the truth": (None, 16),
}
"""What is subtracted -> step of the windows of the fit, and how many p are simulated."""
WITH_PROB = 6
PLANTED, EFFECT = ("m0", "m1", "m2"), 0.1


def main(
    out: Annotated[Path, typer.Option(help="Table to write.")] = FOLDER / "data.tsv",
    runs: Annotated[int | None, typer.Option(help="p simulated a row; default 8 or 16.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier table.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Rates of false rejections and of intervals that hold the truth, and planted effects."""
    with one_line_errors(PROGRAM, debug=debug):
        if out.exists() and not force:
            raise InputError(f"{out}: exists; give another --out, or --force to replace it")
        parts = []
        for gc, (seed, more) in WORLDS.items():
            world = make_world(seed, gc_of_promoters=more)
            say(f"{PROGRAM}: promoters {gc}: {len(world.ladder.sites)} hits")
            for fit, (every, n_runs) in FITS.items():
                found = [
                    compare_run(world, seed, run, every=every) for run in range(runs or n_runs)
                ]
                table = pd.concat(found, ignore_index=True)
                parts.append(summarise(table).assign(gc_of_promoters=gc, subtracted=fit))
                say(f"{PROGRAM}: promoters {gc}, {fit}: done")
        data = pd.concat(parts, ignore_index=True)
        data.loc[data["signal"] == "prob", "subtracted"] = "nothing"
        first = ["gc_of_promoters", "subtracted"]
        data = data[[*first, *data.columns.difference(first, sort=False)]]
        data.to_csv(out, sep="\t", index=False, float_format="%.4g")
        say(f"{PROGRAM}: table in {out}")


def compare_run(world: World, seed: int, run: int, *, every: int | None) -> pd.DataFrame:
    """Rows of one simulated p: all motifs without any effect, then `PLANTED` with theirs.

    The same noise twice: an effect at one motif would also be one at controls that overlap it.
    `planted` is what was added. `every` is the step of the fit, None for the truth;
    rows of p itself come with the fit of every sixth window.
    """
    parts = []
    null = None
    for size in (0.0, EFFECT):
        rng = np.random.default_rng([seed, run])
        one = simulate(world, rng, effect=size, kinds=PLANTED)
        if every is not None and null is None:
            null = fit_simulated(world, one, every=every)
        residual = find_residual(world, one, null)
        tracks = [one.track, residual] if every == WITH_PROB else [residual]
        table = compare(world, tracks, seed=run)
        parts.append(table[table["kind"].isin(PLANTED)] if size else table)
        parts[-1] = parts[-1].assign(planted=size, run=run)
    return pd.concat(parts, ignore_index=True)


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Rows a signal, rung, endpoint and truth: rates at 5 and 1 %, coverage, effects.

    `scatter` is the standard deviation of the effect over its mean stated standard error: 1 where
    intervals know everything that moves it.
    """
    truth = np.where(table["statistic"] == "inside", table["planted"], 0.0)
    table = table.assign(
        truth=truth,
        covers=(table["ci_low"] <= truth) & (table["ci_high"] >= truth),
        error=table["effect"] - truth,
        half=(table["ci_high"] - table["ci_low"]) / 2,
    )
    table = table[table["p_value"].notna()]
    rows = []
    keys = ["signal", "control", "statistic", "planted", "truth"]
    for names, part in table.groupby(keys, sort=True):
        rows.append(
            {
                **dict(zip(keys, names, strict=True)),
                "tests": len(part),
                "p_at_most_0.05": (part["p_value"] <= 0.05).mean(),
                "p_at_most_0.01": (part["p_value"] <= 0.01).mean(),
                "interval_holds_truth": part["covers"].mean(),
                "mean_effect": part["effect"].mean(),
                "scatter": part["error"].std() / (part["half"].mean() / 1.96),
            }
        )
    return pd.DataFrame(rows)


if __name__ == "__main__":
    run_program(main)
