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

PROGRAM = "chunk_lengths"


def main(
    ckpt: Annotated[
        str | None,
        typer.Option(
            help="Checkpoint: .pt, .safetensors, hf://owner/name or random:2m.",
            show_default="embedded",
        ),
    ] = None,
    fasta: Annotated[
        Path | None, typer.Option(help="Genome, plain or bgzip.", show_default="embedded region")
    ] = None,
    gtf: Annotated[
        Path | None,
        typer.Option(
            help="GENCODE, Ensembl or NCBI annotation; CDS and UTR need its CDS rows.",
            show_default="embedded annotation",
        ),
    ] = None,
    repeats: Annotated[
        Path | None, typer.Option(help="BED file of repeats.", show_default="none")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results.", show_default="chunk_lengths")
    ] = None,
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
    baseline: Annotated[
        str | None,
        typer.Option(
            help="random: the same architecture, untrained; or none.", show_default="random"
        ),
    ] = None,
    margin_bp: Annotated[
        int | None, typer.Option(help="Window margin to drop.", show_default="measured")
    ] = None,
    n_boot: Annotated[
        int | None, typer.Option(help="Bootstrap resamples.", show_default="2000")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="Of every random choice.", show_default="1")
    ] = None,
    device: Annotated[str | None, typer.Option(help="torch device.", show_default="cpu")] = None,
    backend: Annotated[
        str | None,
        typer.Option(
            help="auto, torch, compiled (CPU) or cuda (kernels); auto: the fastest that runs.",
            show_default="auto",
        ),
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float32 or bfloat16.", show_default="float32")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Processes on a CPU.", show_default="all cores", min=1)
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="TOML file of these options; options given here win.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an earlier result.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")] = False,
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
