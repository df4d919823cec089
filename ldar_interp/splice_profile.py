"""Boundary probability at splice sites against matched controls, as tables and a figure.

Example: python -m ldar_interp.splice_profile --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --gtf gencode.v47.annotation.gtf.gz --tag MANE_Select --out splice_profile

Without arguments it runs on the embedded checkpoint and region.
"""

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
from ldar_interp.splice.settings import SpliceSettings

PROGRAM = "splice_profile"


def main(
    ckpt: options.Ckpt = None,
    fasta: options.Fasta = None,
    gtf: options.Gtf = None,
    out: options.Out = None,
    flank_bp: options.FlankBp = None,
    strand: options.Strand = None,
    controls: options.Controls = None,
    residual: options.Residual = None,
    background_bp: options.BackgroundBp = None,
    max_context_sites: options.MaxContextSites = None,
    n_shuffles: options.NShuffles = None,
    baseline: options.Baseline = None,
    gene_type: options.GeneType = None,
    tag: options.Tag = None,
    max_sites: Annotated[
        int | None,
        typer.Option(
            help="At most this many sites of each kind, drawn by --seed; site strength is then "
            "fitted to them alone.",
            show_default="all",
        ),
    ] = None,
    margin_bp: options.MarginBp = None,
    n_draws: options.NDraws = None,
    n_boot: options.NBoot = None,
    n_flips: options.NFlips = None,
    seed: options.Seed = None,
    device: options.Device = None,
    backend: options.Backend = None,
    dtype: options.Dtype = None,
    width_mm: options.WidthMm = None,
    workers: options.Workers = None,
    config: options.Config = None,
    force: options.Force = False,
    debug: options.Debug = False,
) -> None:
    """Profile boundary probability around splice sites, with controls, intervals and tests.

    Without arguments: the embedded checkpoint and human region, into splice_profile/.

    Example: --ckpt model_ckpt_110m.pt --fasta hg38.fa --gtf gencode.v47.annotation.gtf.gz
    --tag MANE_Select --out results
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "gtf": gtf, "out": out, "flank_bp": flank_bp,
        "strand": strand, "baseline": baseline, "gene_type": gene_type or None,
        "tag": tag or None, "max_sites": max_sites, "margin_bp": margin_bp, "n_draws": n_draws,
        "n_boot": n_boot, "n_flips": n_flips, "seed": seed, "device": device,
        "backend": backend, "dtype": dtype, "width_mm": width_mm,
        "controls": controls, "residual": residual,
        "background_bp": background_bp, "max_context_sites": max_context_sites,
        "n_shuffles": n_shuffles,
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        settings = merge_settings(SpliceSettings, config, given)
        with result_folder(settings.out, force=force) as folder:
            # Only here, because torch and matplotlib take seconds that --help should not.
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.splice.analysis import run_analysis
            from ldar_interp.splice.files import write_result

            run = run_analysis(settings, workers=workers or count_workers())
            write_result(folder, run, settings)
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
