"""Do tokens keep elements whole? Cuts inside elements and at their borders, by tokenizer.

Example: python -m ldar_interp.tokenizer_integrity --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --gtf gencode.v47.annotation.gtf.gz --elements hits.tsv --out tokenizer_integrity

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

PROGRAM = "tokenizer_integrity"


def main(
    ckpt: options.Ckpt = None,
    fasta: options.Fasta = None,
    gtf: options.Gtf = None,
    elements: Annotated[
        Path | None,
        typer.Option(
            help="More elements, such as motif hits: a table of sites with width_bp.",
            show_default="none",
        ),
    ] = None,
    out: options.Out = None,
    kinds: Annotated[
        str | None,
        typer.Option(
            help="Elements made from the annotation.",
            show_default="donor_GT,acceptor_AG,tss,codon,start_codon",
        ),
    ] = None,
    strand: Annotated[
        str | None,
        typer.Option(
            help="Strand that router and BPE read: transcript or forward.",
            show_default="transcript",
        ),
    ] = None,
    grids: Annotated[
        str | None,
        typer.Option(help="Periods of the fixed grids, in bp.", show_default="4,6"),
    ] = None,
    context_bp: Annotated[
        int | None,
        typer.Option(
            help="Edges around each element that give the cut rate and the shifted places.",
            show_default="50",
        ),
    ] = None,
    max_elements: Annotated[
        int | None,
        typer.Option(help="At most this many of each kind, drawn by --seed.", show_default="all"),
    ] = None,
    bpe_fasta: Annotated[
        Path | None,
        typer.Option(help="Sequence that BPE learns from.", show_default="the genome"),
    ] = None,
    bpe_bases: Annotated[
        int | None,
        typer.Option(help="Bases of it, evenly spaced.", show_default="1000000"),
    ] = None,
    bpe_vocab: Annotated[
        int | None,
        typer.Option(
            help="Tokens of BPE, the four letters included.",
            show_default="as many as give tokens of the checkpoint's length",
        ),
    ] = None,
    baseline: options.Baseline = None,
    gene_type: options.GeneType = None,
    tag: options.Tag = None,
    margin_bp: options.MarginBp = None,
    n_random: Annotated[
        int | None, typer.Option(help="Draws of random cuts.", show_default="200")
    ] = None,
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
    """Count cuts inside elements and at their borders, for the router and other tokenizers.

    Without arguments: the embedded checkpoint and human region, into tokenizer_integrity/.

    Example: --ckpt model_ckpt_110m.pt --fasta hg38.fa --gtf gencode.v47.annotation.gtf.gz
    --elements hits.tsv --out results
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "gtf": gtf, "elements": elements, "out": out,
        "kinds": kinds, "strand": strand, "grids": grids, "context_bp": context_bp,
        "max_elements": max_elements, "bpe_fasta": bpe_fasta, "bpe_bases": bpe_bases,
        "bpe_vocab": bpe_vocab, "baseline": baseline, "gene_type": gene_type or None,
        "tag": tag or None, "margin_bp": margin_bp, "n_random": n_random, "n_boot": n_boot,
        "seed": seed, "device": device, "backend": backend, "dtype": dtype,
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        # Only here, because these imports take seconds that --help should not.
        from ldar_interp.tokens.settings import IntegritySettings

        settings = merge_settings(IntegritySettings, config, given)
        with result_folder(settings.out, force=force) as folder:
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.tokens.integrity_files import write_integrity
            from ldar_interp.tokens.integrity_run import run_integrity

            run = run_integrity(settings, workers=workers or count_workers())
            write_integrity(folder, run, settings)
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
