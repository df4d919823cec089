"""Where are chunks short or long? Chunk length by class of sequence, with its confounders.

Example: python -m ldar_interp.chunk_lengths --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --gtf gencode.v47.annotation.gtf.gz --repeats rmsk.bed.gz --bases 50000000 --out chunk_lengths

Without arguments it runs on the embedded checkpoint and region.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from ldar_interp.command_line import (
    merge_settings,
    one_line_errors,
    result_folder,
    run_program,
    say,
)
from ldar_interp.program import options

PROGRAM = "chunk_lengths"


def main(
    ckpt: options.Ckpt = None,
    fasta: options.Fasta = None,
    gtf: options.Gtf = None,
    repeats: Annotated[
        Path | None, typer.Option(help="BED file of repeats.", show_default="none")
    ] = None,
    out: options.Out = None,
    bases: Annotated[
        int | None,
        typer.Option(
            help="Bases to model, in whole windows spread evenly over each class.",
            show_default="400000",
        ),
    ] = None,
    promoter_bp: Annotated[
        int | None, typer.Option(help="Bases before a TSS.", show_default="500")
    ] = None,
    block_bp: Annotated[
        int | None,
        typer.Option(help="Blocks of the genome that are resampled.", show_default="100000"),
    ] = None,
    dust: Annotated[
        float | None,
        typer.Option(
            help="DUST score of 64 bp above which sequence is of low complexity.",
            show_default="2.0",
        ),
    ] = None,
    baseline: options.Baseline = None,
    margin_bp: options.MarginBp = None,
    n_boot: options.NBoot = None,
    seed: options.Seed = None,
    device: options.Device = None,
    backend: options.Backend = None,
    dtype: options.Dtype = None,
    workers: options.Workers = None,
    config: options.Config = None,
    force: options.Force = False,
    debug: options.Debug = False,
) -> None:
    """Measure chunks over exons, introns, promoters, repeats and intergenic sequence.

    Without arguments: the embedded checkpoint and human region, into chunk_lengths/.

    Example: --ckpt model_ckpt_110m.pt --fasta hg38.fa --gtf gencode.v47.annotation.gtf.gz
    --repeats rmsk.bed.gz --bases 50000000 --out results
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "gtf": gtf, "repeats": repeats, "out": out, "bases": bases,
        "promoter_bp": promoter_bp, "block_bp": block_bp, "dust": dust, "baseline": baseline,
        "margin_bp": margin_bp, "n_boot": n_boot, "seed": seed, "device": device,
        "backend": backend, "dtype": dtype,
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        # Only here, because these imports take seconds that --help should not.
        from ldar_interp.tokens.settings import ChunkSettings

        settings = merge_settings(ChunkSettings, config, given)
        with result_folder(settings.out, force=force) as folder:
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.tokens.chunk_files import write_chunks
            from ldar_interp.tokens.chunk_run import run_chunks

            run = run_chunks(settings, workers=workers or count_workers())
            write_chunks(folder, run, settings)
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
