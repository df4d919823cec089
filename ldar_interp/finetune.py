"""The downstream tasks: fine-tuning, frozen probes and the floors below them, with intervals.

Example: python -m ldar_interp.finetune --task H3 --ckpt model_ckpt_110m.pt --data benchmarks \\
    --protocol published --out results/H3

A folder of results per call; cut off at any moment, the same command with --resume goes on.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ldar_interp.command_line import merge_settings, one_line_errors, run_program, say
from ldar_interp.downstream.settings import PROGRAM, FinetuneSettings
from ldar_interp.program import options


def main(
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="Tasks of the registry, or of a task.toml in --data; with commas or one by one.",
            show_default="none",
        ),
    ] = None,
    suite: Annotated[
        str | None, typer.Option(help="nt18, gb9 or all instead of --task.", show_default="none")
    ] = None,
    ckpt: options.Ckpt = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Folder of the tasks' folders, a single task's folder, or hf://owner/name.",
            show_default="none",
        ),
    ] = None,
    out: options.Out = None,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="published, or careful: both strands, leaks looked for.", show_default="careful"
        ),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(
            help="What a sequence's states become: linear (mean over bases), attention, or chunks "
            "(mean over learned tokens).",
            show_default="linear",
        ),
    ] = None,
    probe: Annotated[
        bool | None,
        typer.Option("--probe/--no-probe", help="Keep the model frozen.", show_default="no"),
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(help="Folds of the training rows.", show_default="10"),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="At most this many epochs.", show_default="protocol's")
    ] = None,
    lr: Annotated[
        float | None, typer.Option(help="Peak learning rate.", show_default="protocol's")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Sequences a step.", show_default="protocol's")
    ] = None,
    floors: Annotated[
        str | None,
        typer.Option(help="Some of kmer, cnn, random; or none.", show_default="kmer,cnn,random"),
    ] = None,
    max_train: Annotated[
        int | None,
        typer.Option(help="Learn from at most this many rows, drawn.", show_default="all"),
    ] = None,
    max_test: Annotated[
        int | None, typer.Option(help="Test on at most this many rows, drawn.", show_default="all")
    ] = None,
    n_boot: options.NBoot = None,
    seed: options.Seed = None,
    device: options.Device = None,
    backend: options.Backend = None,
    precision: Annotated[
        str | None,
        typer.Option(help="fp32, bf16, or auto: bf16 on CUDA, else fp32.", show_default="auto"),
    ] = None,
    workers: options.Workers = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder of frozen states, kept for other heads.", show_default="OUT/embeddings"
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out.")] = False,
    config: options.Config = None,
    force: options.Force = False,
    debug: options.Debug = False,
) -> None:
    """Learn tasks in folds and test on one fixed set, with intervals and floors.

    Example: --suite nt18 --ckpt model_ckpt_110m.pt --data benchmarks --probe --out results
    """
    given: dict[str, Any] = {
        "task": task or None, "suite": suite, "ckpt": ckpt, "data": data, "out": out,
        "protocol": protocol, "head": head, "probe": probe, "folds": folds, "epochs": epochs,
        "lr": lr, "batch_size": batch_size, "floors": floors, "max_train": max_train,
        "max_test": max_test, "n_boot": n_boot, "seed": seed, "device": device,
        "backend": backend, "precision": precision,
    }  # fmt: skip
    goes_on = "interrupted; the same command with --resume (and without --force) goes on"
    with one_line_errors(PROGRAM, debug=debug, interrupted=goes_on):
        settings = merge_settings(FinetuneSettings, config, given, instead=("task", "suite"))
        # Only here, because torch and matplotlib take seconds that --help should not.
        from ldar_interp.boundaries.extract import count_workers
        from ldar_interp.downstream.run import run_tasks

        run_tasks(
            settings, workers=workers or count_workers(), cache=cache, resume=resume, force=force
        )
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
