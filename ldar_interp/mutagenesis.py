"""What the router reads at a site: p after every single mutation around it, and after variants.

Example: python -m ldar_interp.mutagenesis --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --gtf gencode.v47.annotation.gtf.gz --max-sites 200 --controls C2 --vcf variants.vcf.gz

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
from ldar_interp.mutations.settings import PROGRAM, MutationSettings
from ldar_interp.program import options


def main(
    ckpt: options.Ckpt = None,
    fasta: options.Fasta = None,
    gtf: options.Gtf = None,
    sites: Annotated[
        Path | None,
        typer.Option(help="SiteTable (TSV) instead of a GTF's splice sites.", show_default="none"),
    ] = None,
    vcf: Annotated[
        Path | None,
        typer.Option(
            help="Variants to score at the nearest site, plain or bgzip.", show_default="none"
        ),
    ] = None,
    out: options.Out = None,
    context_bp: Annotated[
        int | None, typer.Option(help="Bases mutated on each side of the edge.", show_default="50")
    ] = None,
    spread_bp: Annotated[
        int | None,
        typer.Option(help="Further edges on each side whose p is kept.", show_default="0"),
    ] = None,
    window_bp: Annotated[
        int | None,
        typer.Option(
            help="Bases that the model reads around an edge.", show_default="as trained on"
        ),
    ] = None,
    margin_bp: Annotated[
        int | None,
        typer.Option(
            help="Sites nearer to an end of the sequence or an N have no value.",
            show_default="an eighth of the window",
        ),
    ] = None,
    reach_bp: Annotated[
        int | None,
        typer.Option(help="Largest distance of a variant from its site.", show_default="200"),
    ] = None,
    max_sites: Annotated[
        int | None,
        typer.Option(help="At most this many sites of each kind, drawn.", show_default="20"),
    ] = None,
    controls: Annotated[
        str | None,
        typer.Option(help="Control rungs to mutate too, such as C2.", show_default="none"),
    ] = None,
    baseline: options.Baseline = None,
    gene_type: options.GeneType = None,
    tag: options.Tag = None,
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
    """Replace every base around sites by every other and measure p on the site's edge.

    Without arguments: the embedded checkpoint and human region, into mutagenesis/.

    Example: --ckpt model_ckpt_110m.pt --fasta hg38.fa --gtf gencode.v47.annotation.gtf.gz
    --max-sites 200 --controls C2 --vcf variants.vcf.gz --out results
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "gtf": gtf, "sites": sites, "vcf": vcf, "out": out,
        "context_bp": context_bp, "spread_bp": spread_bp, "window_bp": window_bp,
        "margin_bp": margin_bp, "reach_bp": reach_bp, "max_sites": max_sites,
        "baseline": baseline, "gene_type": gene_type or None, "tag": tag or None,
        "n_boot": n_boot, "seed": seed, "device": device, "backend": backend, "dtype": dtype,
        "controls": controls,
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        settings = merge_settings(MutationSettings, config, given)
        with result_folder(settings.out, force=force) as folder:
            # Only here, because torch and matplotlib take seconds that --help should not.
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.mutations.analysis import run_analysis
            from ldar_interp.mutations.files import write_result

            run = run_analysis(settings, workers=workers or count_workers())
            write_result(folder, run, settings)
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
