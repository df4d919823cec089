"""Train LDARNet from random weights on FASTA files.

Example: python -m ldar_interp.pretrain --config analyses/checkpoint/config.toml --data DIR \\
    --out runs/checkpoint
"""

from pathlib import Path
from typing import Annotated

import typer

from ldar_interp.errors import LdarError


def main(
    config: Annotated[Path, typer.Option(help="TOML file that describes the run.")],
    out: Annotated[Path, typer.Option(help="Folder for weights, logs and training state.")],
    data: Annotated[
        Path | None, typer.Option(help="Folder of the FASTA files; default: the config's folder.")
    ] = None,
    max_steps: Annotated[int | None, typer.Option(help="Stop after this step.")] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Stop cleanly after this time in this call.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Continue the run in --out.")] = False,
    device: Annotated[str, typer.Option(help="torch device.")] = "cpu",
    backend: Annotated[
        str, typer.Option(help="auto, torch or cuda; auto: kernels on a CUDA device.")
    ] = "auto",
    seed: Annotated[int | None, typer.Option(help="Overrides the config's seed.", min=0)] = None,
    threads: Annotated[int, typer.Option(help="CPU threads; 1 is best for small models.")] = 1,
    debug: Annotated[bool, typer.Option(help="Show tracebacks of input errors.")] = False,
) -> None:
    """Train LDARNet from random weights: MLM loss plus ratio loss, resumable at any moment."""
    import torch

    from ldar_interp.model.allocator import keep_freed_memory
    from ldar_interp.train.config import read_config
    from ldar_interp.train.loop import pretrain

    torch.set_num_threads(threads)
    keep_freed_memory()
    try:
        settings = read_config(config, data)
        if seed is not None:
            settings = settings.model_copy(update={"seed": seed})
        progress = pretrain(
            settings,
            out,
            device=device,
            backend=backend,
            resume=resume,
            max_steps=max_steps,
            max_minutes=max_minutes,
        )
    except LdarError as error:
        if debug:
            raise
        typer.echo(f"pretrain: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo(
        f"step {progress.step}, {progress.bases / 1e6:.1f} Mb seen in "
        f"{progress.seconds / 60:.1f} minutes; weights in {out / 'model.safetensors'}",
        err=True,
    )


if __name__ == "__main__":
    typer.run(main)
