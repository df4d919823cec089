"""Zero-shot scores of variants: masked log-odds of the letters, and the change of p beside them.

Example: python -m ldar_interp.variant_scores --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --vcf clinvar.vcf.gz --label PATHOGENIC --out results

Without --ckpt and --fasta it uses the embedded checkpoint and region.
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
from ldar_interp.variants.settings import PROGRAM, VariantSettings


def main(
    ckpt: options.Ckpt = None,
    fasta: options.Fasta = None,
    vcf: Annotated[
        Path | None, typer.Option(help="Variants, plain or bgzip.", show_default="none")
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option(
            help="Variants as a TSV with chrom, pos, ref, alt instead.", show_default="none"
        ),
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help="INFO key of the VCF, or column of the table, that holds 0 or 1.",
            show_default="none",
        ),
    ] = None,
    out: options.Out = None,
    strand: Annotated[
        str | None,
        typer.Option(help="Strands read: both, averaged, or forward.", show_default="both"),
    ] = None,
    window_bp: Annotated[
        int | None,
        typer.Option(
            help="Bases that the model reads around a variant.", show_default="as trained on"
        ),
    ] = None,
    margin_bp: Annotated[
        int | None,
        typer.Option(
            help="Variants nearer to an end of the sequence or an N have no score.",
            show_default="an eighth of the window",
        ),
    ] = None,
    reach_bp: Annotated[
        int | None,
        typer.Option(help="Largest distance of an edge whose p may change.", show_default="50"),
    ] = None,
    letters_bp: Annotated[
        int | None,
        typer.Option(help="Bases counted for letters-only odds.", show_default="10000000"),
    ] = None,
    block_bp: Annotated[
        int | None,
        typer.Option(
            help="Length of the blocks that are resampled.",
            show_default="1 Mb, less for a short genome",
        ),
    ] = None,
    baseline: options.Baseline = None,
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
    """Score the variants of a VCF by a masked model, without any training on labels.

    Example: --ckpt model_ckpt_110m.pt --fasta hg38.fa --vcf clinvar.vcf.gz --label PATHOGENIC
    --out results
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "vcf": vcf, "table": table, "label": label, "out": out,
        "strand": strand, "window_bp": window_bp, "margin_bp": margin_bp, "reach_bp": reach_bp,
        "letters_bp": letters_bp, "block_bp": block_bp, "baseline": baseline, "n_boot": n_boot,
        "seed": seed, "device": device, "backend": backend, "dtype": dtype,
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        settings = merge_settings(VariantSettings, config, given)
        with result_folder(settings.out, force=force) as folder:
            # Only here, because torch and matplotlib take seconds that --help should not.
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.variants.analysis import run_analysis
            from ldar_interp.variants.files import write_result

            run = run_analysis(settings, workers=workers or count_workers())
            write_result(folder, run, settings)
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
