"""Train LDARNet from random weights, or on from given ones, on FASTA files.

Examples: python -m ldar_interp.pretrain --fasta genome.fa --model nano --out runs/mine
    python -m ldar_interp.pretrain --config analyses/checkpoint/config.toml --data DIR --out runs/a
    python -m ldar_interp.pretrain --out runs/mine --resume
    torchrun --nproc-per-node=8 -m ldar_interp.pretrain --config big.toml --out runs/b --device cuda
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ldar_interp.command_line import one_line_errors, run_program, say
from ldar_interp.errors import InputError

if TYPE_CHECKING:
    from ldar_interp.train.config import PretrainConfig

PROGRAM = "pretrain"
DEFAULT_MODEL = "nano"


def main(
    out: Annotated[Path, typer.Option(help="Folder for weights, logs and training state.")],
    config: Annotated[
        Path | None,
        typer.Option(help="TOML file that describes the run, or the run.json of another one."),
    ] = None,
    fasta: Annotated[
        Path | None,
        typer.Option(
            help="Instead of --config: train on this FASTA, the last 5 % of each record held out."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            help="With --fasta: nano, small, 2m, 20m or 110m.", show_default=DEFAULT_MODEL
        ),
    ] = None,
    train_length: Annotated[
        int | None,
        typer.Option(
            help="With --fasta: bases of a window.", min=16, show_default="the model's advice"
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the config's FASTA files.", show_default="the config's"),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder for packed sequence.", show_default="OUT/data")
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            help="Checkpoint to start from, with fresh moments and a new warm-up.",
            show_default="random weights",
        ),
    ] = None,
    max_steps: Annotated[
        int | None,
        typer.Option(
            help="Stop after this step; without --config the schedule ends there too.", min=1
        ),
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Stop cleanly after this time in this call.", min=0)
    ] = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue the run in --out, by its run.json if need be."),
    ] = False,
    device: Annotated[
        str, typer.Option(help="torch device; cuda is each process's own GPU.")
    ] = "cpu",
    backend: Annotated[
        str,
        typer.Option(help="auto, torch, compiled (CPU) or cuda; auto: the fastest that runs."),
    ] = "auto",
    precision: Annotated[
        str, typer.Option(help="fp32, bf16, or auto: bf16 on CUDA, else fp32.")
    ] = "auto",
    parallel: Annotated[
        str,
        typer.Option(help="Under torchrun: ddp, fsdp (shared weights), or auto: ddp; else none."),
    ] = "auto",
    seed: Annotated[
        int | None, typer.Option(help="Overrides the config's seed.", min=0, show_default="0")
    ] = None,
    threads: Annotated[
        int, typer.Option(help="CPU threads a process; 1 is best for small models.", min=1)
    ] = 1,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also log to OUT/tensorboard.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks of input errors.")
    ] = False,
) -> None:
    """Train LDARNet: masked bases plus the ratio loss; may be cut off and resumed at any moment.

    Example: ldar-interp pretrain --fasta genome.fa --model nano --out runs/mine --max-minutes 60
    """
    is_first = os.environ.get("RANK", "0") == "0"
    with one_line_errors(PROGRAM, debug=debug):
        import torch

        from ldar_interp.model.allocator import keep_freed_memory
        from ldar_interp.train.config import root_weights
        from ldar_interp.train.loop import pretrain

        torch.set_num_threads(threads)
        keep_freed_memory()
        settings = _find_config(config, fasta, model, train_length, data, out, resume, max_steps)
        given = {
            "seed": seed,
            "init": None if init is None else root_weights(init, Path.cwd()),
        }
        settings = settings.model_copy(
            update={name: value for name, value in given.items() if value is not None}
        )
        progress = pretrain(
            settings,
            out,
            device=device,
            backend=backend,
            resume=resume,
            max_steps=max_steps,
            max_minutes=max_minutes,
            precision=precision,
            parallel=parallel,
            cache=cache,
            tensorboard=tensorboard,
            tell=say,
        )
    if is_first:
        say(
            f"step {progress.step}, {progress.bases / 1e6:.1f} Mb seen in "
            f"{progress.seconds / 60:.1f} minutes; weights in {out / 'model.safetensors'}"
        )


def _find_config(
    config: Path | None,
    fasta: Path | None,
    model: str | None,
    train_length: int | None,
    data: Path | None,
    out: Path,
    resume: bool,
    max_steps: int | None,
) -> "PretrainConfig":
    """The run's config: from a file, from a lone FASTA, or from the folder that is resumed."""
    from ldar_interp.train.config import read_config, recommended
    from ldar_interp.train.data import default_sources

    if config is not None and fasta is not None:
        raise InputError("--config and --fasta are both given; wanted one of them")
    if fasta is None and model is not None:
        raise InputError("--model goes with --fasta; a config names its own model: change it there")
    if fasta is None and train_length is not None:
        raise InputError(
            "--train-length goes with --fasta; a config has its own train_length: change it there"
        )
    if config is None and data is not None:
        raise InputError("--data goes with --config; leave it out")
    if config is not None:
        return read_config(config, data)
    if fasta is not None:
        advice = recommended(model or DEFAULT_MODEL)
        if train_length is not None:
            advice = replace(advice, train_length=train_length)
        train, validation = default_sources(fasta.resolve(), advice.train_length)
        return advice.config(train, validation, total_steps=max_steps)
    if resume and (out / "run.json").is_file():
        return read_config(out / "run.json")
    raise InputError(
        "no --config and no --fasta; wanted one of them, or --resume with an --out that holds a run"
    )


if __name__ == "__main__":
    run_program(main)
