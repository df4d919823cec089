"""Boundary probability and hard cuts as tracks for genome browsers.

Example: python -m ldar_interp.export_tracks --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --region chr7:5,526,409-5,563,902 --orientation forward,reverse --out actb

Without arguments it exports 100 kb of the embedded region.
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
from ldar_interp.export.settings import ExportSettings
from ldar_interp.program import options

PROGRAM = "export_tracks"


def main(
    ckpt: options.Ckpt = None,
    fasta: options.Fasta = None,
    region: Annotated[
        list[str] | None,
        typer.Option(
            help="chrom:start-end, 1-based, both ends included; may be repeated.",
            show_default="100 kb of the embedded region",
        ),
    ] = None,
    bed: Annotated[
        Path | None, typer.Option(help="BED file of regions instead.", show_default="none")
    ] = None,
    sites: Annotated[
        Path | None,
        typer.Option(
            help="Table of sites (docs/contracts.md) to look around instead.", show_default="none"
        ),
    ] = None,
    flank_bp: Annotated[
        int | None, typer.Option(help="Edges on each side of --sites.", show_default="500")
    ] = None,
    orientation: Annotated[
        str | None,
        typer.Option(
            help="Strands that the model reads: some of forward, reverse, mean.",
            show_default="forward",
        ),
    ] = None,
    residual: Annotated[
        Path | None,
        typer.Option(
            help="Result folder of kmer_null: also p minus what letters and GC let expect.",
            show_default="none",
        ),
    ] = None,
    out: options.Out = None,
    url: Annotated[
        str | None,
        typer.Option(
            help="Address that the files will have; stands in tracks.txt for the UCSC browser.",
            show_default="to be filled in",
        ),
    ] = None,
    margin_bp: options.MarginBp = None,
    seed: options.Seed = None,
    device: options.Device = None,
    backend: options.Backend = None,
    dtype: options.Dtype = None,
    workers: options.Workers = None,
    config: options.Config = None,
    force: options.Force = False,
    debug: options.Debug = False,
) -> None:
    """Write p and hard cuts as bigWig, cuts and tokens as BED, and the files that show them.

    Without arguments: the embedded checkpoint, 100 kb of the embedded region, into tracks/.

    Example: --ckpt model_ckpt_110m.pt --fasta hg38.fa --region chr7:5,526,409-5,563,902
    --orientation forward,reverse --out actb
    """
    given: dict[str, Any] = {
        "ckpt": ckpt, "fasta": fasta, "region": region or None, "bed": bed, "sites": sites,
        "flank_bp": flank_bp, "orientation": orientation, "residual": residual, "out": out,
        "url": url, "margin_bp": margin_bp, "seed": seed, "device": device, "backend": backend,
        "dtype": dtype,
    }  # fmt: skip
    with one_line_errors(PROGRAM, debug=debug):
        settings = merge_settings(ExportSettings, config, given)
        with result_folder(settings.out, force=force) as folder:
            # Only here, because torch takes seconds that --help should not.
            from ldar_interp.boundaries.extract import count_workers
            from ldar_interp.export.run import export

            export(settings, folder, workers=workers or count_workers())
        say(f"{PROGRAM}: results in {settings.out}")


if __name__ == "__main__":
    run_program(main)
