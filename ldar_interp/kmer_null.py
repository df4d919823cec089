"""How much of p the letters around an edge explain, and the null that says what they do not.

Example: python -m ldar_interp.kmer_null --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --gtf gencode.v47.annotation.gtf.gz --sites motifs.tsv --out kmer_null

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
from ldar_interp.kmer.settings import KmerNullSettings
from ldar_interp.program import options

PROGRAM = "kmer_null"


def main(
    ckpt: options.Ckpt = None,
    fasta: options.Fasta = None,
    gtf: options.Gtf = None,
    sites: Annotated[
        Path | None,
        typer.Option(
            help="TSV of more sites or motif instances whose surroundings are left out of the fit.",
            show_default="annotated edges only",
        ),
    ] = None,
    out: options.Out = None,
    strand: options.Strand = None,
    k: Annotated[
        str | None,
        typer.Option(
            help="Letters around the edge: 2, 4, 6, 8, 10, or auto, the best on held-out blocks.",
            show_default="auto",
        ),
    ] = None,
    background_bp: Annotated[
        int | None, typer.Option(help="Bases to model for the fit.", show_default="500000")
    ] = None,
    baseline: options.Baseline = None,
    margin_bp: options.MarginBp = None,
    n_boot: options.NBoot = None,
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
    """Fit what p to expect from k letters and GC; measure on held-out blocks what they explain.

    Without arguments: the embedded checkpoint and human region, into kmer_null/.

    Example: --ckpt model_ckpt_110m.pt --fasta hg38.fa --gtf gencode.v47.annotation.gtf.gz
    --sites motifs.tsv --out kmer_null
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "gtf": gtf, "sites": sites, "out": out, "strand": strand,
        "k": k, "background_bp": background_bp, "baseline": baseline, "margin_bp": margin_bp,
        "n_boot": n_boot, "seed": seed, "device": device, "backend": backend, "dtype": dtype,
        "width_mm": width_mm,
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        settings = merge_settings(KmerNullSettings, config, given)
        with result_folder(settings.out, force=force) as folder:
            # Only here, because torch and matplotlib take seconds that --help should not.
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.kmer.analysis import run_analysis
            from ldar_interp.kmer.files import write_result

            run = run_analysis(settings, workers=workers or count_workers())
            write_result(folder, run, settings)
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
