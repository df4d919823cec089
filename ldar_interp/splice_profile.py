"""Boundary probability at splice sites against matched controls, as tables and a figure.

Example: python -m ldar_interp.splice_profile --ckpt model_ckpt_110m.pt --fasta hg38.fa \\
    --gtf gencode.v47.annotation.gtf.gz --tag MANE_Select --out splice_profile

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
from ldar_interp.splice.settings import SpliceSettings

PROGRAM = "splice_profile"


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
            help="GENCODE, Ensembl or NCBI annotation.", show_default="embedded annotation"
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results.", show_default="splice_profile")
    ] = None,
    flank_bp: Annotated[
        int | None, typer.Option(help="Edges shown on each side.", show_default="100")
    ] = None,
    strand: Annotated[
        str | None,
        typer.Option(
            help="Strand that the model reads: transcript, forward or mean of both.",
            show_default="transcript",
        ),
    ] = None,
    controls: Annotated[
        str | None, typer.Option(help="Control rungs.", show_default="C0,C1,C2")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="random: the same architecture, untrained; or none.", show_default="random"
        ),
    ] = None,
    gene_type: Annotated[
        list[str] | None,
        typer.Option(help="Keep genes of this type; may be repeated.", show_default="all"),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Keep transcripts with this tag; may be repeated.", show_default="all"),
    ] = None,
    max_sites: Annotated[
        int | None,
        typer.Option(
            help="At most this many sites of each kind, drawn by --seed; site strength is then "
            "fitted to them alone.",
            show_default="all",
        ),
    ] = None,
    margin_bp: Annotated[
        int | None, typer.Option(help="Window margin to drop.", show_default="measured")
    ] = None,
    n_draws: Annotated[
        int | None,
        typer.Option(help="Draws of controls; the first is tested.", show_default="3"),
    ] = None,
    n_boot: Annotated[
        int | None, typer.Option(help="Bootstrap resamples.", show_default="2000")
    ] = None,
    n_flips: Annotated[int | None, typer.Option(help="Sign flips.", show_default="9999")] = None,
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
    width_mm: Annotated[
        int | None, typer.Option(help="Width of the figure: 183 or 89.", show_default="183")
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
        "controls": None if controls is None else [part.strip() for part in controls.split(",")],
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
