"""Probe the runs of analyses/nano_runs on the downstream tasks and write the tables.

Example: python -m analyses.matched_flops.measure --benchmarks DIR --runs runs/nano

DIR holds the tasks' folders. Cut off at any moment, the same command goes on; probes of finished
runs that are there already are not made again. The tables keep what an earlier call measured on
models that are not at hand now.
"""

from pathlib import Path
from typing import Annotated

import typer

from analyses.matched_flops.probes import (
    KMER,
    Settings,
    identify,
    list_models,
    open_tasks,
    open_weights,
    probe_letters,
    probe_model,
    probe_path,
)
from analyses.nano_runs.grid import FOLDER as GRID_FOLDER
from analyses.nano_runs.grid import read_grid
from ldar_interp.command_line import merge_settings, one_line_errors, run_program, say
from ldar_interp.downstream.store import read_fold
from ldar_interp.errors import InputError

PROGRAM = "matched_flops"
FOLDER = Path(__file__).resolve().parent
TABLES = FOLDER / "tables"


def main(
    benchmarks: Annotated[str, typer.Option(help="Folder of the tasks' folders.")],
    runs: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs/nano"),
    config: Annotated[Path, typer.Option(help="Settings.")] = FOLDER / "config.toml",
    grid_file: Annotated[Path, typer.Option("--grid", help="The grid of runs.")] = GRID_FOLDER
    / "config.toml",
    only: Annotated[
        str | None, typer.Option(help="Settings to probe, by comma; all that are compared if not.")
    ] = None,
    tables: Annotated[Path, typer.Option(help="Folder of the tables.")] = TABLES,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
) -> None:
    """Frozen probes of small runs with different routers, each task on the same rows."""
    with one_line_errors(PROGRAM, debug=debug):
        from analyses.matched_flops.tables import (
            add_earlier,
            compare_settings,
            describe,
            find_changed,
            score_models,
        )
        from analyses.nano_runs.tables import PROVENANCE, one_writer, read_earlier, write_tables
        from ldar_interp.boundaries.workers import prepare_process
        from ldar_interp.provenance import write_provenance
        from ldar_interp.tune.embeddings import hash_weights

        prepare_process()
        settings, grid = merge_settings(Settings, config, {}), read_grid(grid_file)
        chosen = choose_settings(settings, only)
        examples = open_tasks(settings, benchmarks)
        made_of, names = describe(settings, grid, examples), ("probes", "differences")
        # Before minutes of probing, so that a table which cannot take the rows is told at once.
        read_earlier(tables, made_of, names=names, runs="weights")
        probe_letters(settings, examples, runs)
        found = {KMER: {0: _read(settings, examples, runs / KMER, KMER)}}
        weights: dict[str, str] = {}
        for setting, seed, folder in list_models(settings, grid, runs):
            if setting not in chosen:
                continue
            say(f"{PROGRAM}: {setting}, seed {seed}")
            model = open_weights(settings, grid, setting, seed, folder)
            probe_model(settings, model, examples, folder)
            weights[f"{setting}-seed{seed}"] = hash_weights(model)
            by_seed = found.setdefault(setting, {})
            by_seed[seed] = _read(settings, examples, folder, weights[f"{setting}-seed{seed}"])
        made = {
            "probes": score_models(found, examples),
            "differences": compare_settings(settings, found, examples),
        }
        with one_writer(tables):
            earlier = read_earlier(tables, made_of, names=names, runs="weights")
            for name in sorted(find_changed(earlier, weights)):
                say(
                    f"{PROGRAM}: {name} has other weights than in {tables}; its comparisons are "
                    "made of the seeds at hand"
                )
            write_tables(add_earlier(settings, made, earlier, weights), tables)
            weights = {**earlier.runs, **weights}
            write_provenance(tables / PROVENANCE, {**made_of, "weights": weights})
        say(f"{PROGRAM}: {len(weights)} models on {len(examples)} tasks in {tables}")


def choose_settings(settings: Settings, only: str | None) -> list[str]:
    """The settings that are probed. Raises InputError for one that is not compared."""
    known = settings.list_settings()
    if only is None:
        return known
    chosen = [name.strip() for name in only.split(",")]
    for name in chosen:
        if name not in known:
            raise InputError(f"--only {name}: is not compared; wanted some of {', '.join(known)}")
    return chosen


def _read(settings: Settings, examples: dict, folder: Path, weights: str) -> dict:
    """What a model predicted, by task."""
    return {
        task: read_fold(probe_path(folder, task), identify(settings, one, weights))
        for task, one in examples.items()
    }


if __name__ == "__main__":
    run_program(main)
