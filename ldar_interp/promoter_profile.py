"""Boundary probability at motifs in promoters against controls, as tables and a figure.

Example: python -m ldar_interp.promoter_profile --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --gtf gencode.v47.annotation.gtf.gz --tag MANE_Select --out promoter_profile

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
from ldar_interp.promoter.settings import PromoterSettings

PROGRAM = "promoter_profile"


def main(
    ckpt: options.Ckpt = None,
    fasta: options.Fasta = None,
    gtf: options.Gtf = None,
    out: options.Out = None,
    tss: Annotated[
        Path | None,
        typer.Option(
            help="BED of transcription starts, for example CAGE or EPD.",
            show_default="starts of the annotation",
        ),
    ] = None,
    motifs: Annotated[
        str | None,
        typer.Option(
            help="declared, all (JASPAR CORE vertebrates), a list (.toml), or JASPAR, MEME or "
            "TRANSFAC text.",
            show_default="declared",
        ),
    ] = None,
    p_value: Annotated[
        float | None, typer.Option(help="Largest p-value of a hit.", show_default="1e-4")
    ] = None,
    upstream_bp: Annotated[
        int | None, typer.Option(help="Promoter before the start.", show_default="250")
    ] = None,
    downstream_bp: Annotated[
        int | None, typer.Option(help="Promoter behind the start.", show_default="100")
    ] = None,
    flank_bp: options.FlankBp = None,
    strand: options.Strand = None,
    controls: Annotated[
        str | None, typer.Option(help="Control rungs.", show_default="C0,C1,C2,C3-8,C3-10,C4")
    ] = None,
    residual: options.Residual = None,
    background_bp: options.BackgroundBp = None,
    max_context_sites: Annotated[
        int | None,
        typer.Option(help="At most this many hits of each motif on rung C4.", show_default="100"),
    ] = None,
    n_shuffles: options.NShuffles = None,
    baseline: options.Baseline = None,
    gene_type: options.GeneType = None,
    tag: options.Tag = None,
    max_sites: Annotated[
        int | None,
        typer.Option(
            help="At most this many hits of each motif, drawn by --seed.", show_default="all"
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
    """Profile boundary probability around motifs in promoters, with controls and tests.

    Without arguments: the embedded checkpoint and human region, into promoter_profile/.

    Example: --ckpt model_ckpt_110m.pt --fasta hg38.fa --gtf gencode.v47.annotation.gtf.gz
    --tss cage_peaks.bed --motifs my_motifs.meme --out results
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "gtf": gtf, "out": out, "tss": tss, "motifs": motifs,
        "p_value": p_value, "upstream_bp": upstream_bp, "downstream_bp": downstream_bp,
        "flank_bp": flank_bp, "strand": strand, "controls": controls,
        "residual": residual, "background_bp": background_bp,
        "max_context_sites": max_context_sites, "n_shuffles": n_shuffles, "baseline": baseline,
        "gene_type": gene_type or None, "tag": tag or None, "max_sites": max_sites,
        "margin_bp": margin_bp, "n_draws": n_draws, "n_boot": n_boot, "n_flips": n_flips,
        "seed": seed, "device": device, "backend": backend, "dtype": dtype, "width_mm": width_mm,
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        settings = merge_settings(PromoterSettings, config, given)
        with result_folder(settings.out, force=force) as folder:
            # Only here, because torch and matplotlib take seconds that --help should not.
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.promoter.analysis import run_analysis
            from ldar_interp.promoter.files import write_result

            run = run_analysis(settings, workers=workers or count_workers())
            write_result(folder, run, settings)
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
