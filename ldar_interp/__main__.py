"""The console script: `ldar-interp PROGRAM` is `python -m ldar_interp.PROGRAM`.

The programs import torch only when they run, so `--help` answers at once.
"""

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from ldar_interp import (
    __version__,
    chunk_lengths,
    export_tracks,
    finetune,
    flops,
    kmer_null,
    mutagenesis,
    pretrain,
    promoter_profile,
    splice_profile,
    tokenizer_integrity,
    variant_scores,
)

PROGRAMS: dict[str, Callable[..., None]] = {
    "splice-profile": splice_profile.main,
    "promoter-profile": promoter_profile.main,
    "kmer-null": kmer_null.main,
    "tokenizer-integrity": tokenizer_integrity.main,
    "mutagenesis": mutagenesis.main,
    "variant-scores": variant_scores.main,
    "chunk-lengths": chunk_lengths.main,
    "export-tracks": export_tracks.main,
    "pretrain": pretrain.main,
    "finetune": finetune.main,
    "flops": flops.main,
}


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ldar-interp {__version__}")
        raise typer.Exit


def _describe(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """What do the learned tokens of a DNA language model mean?

    Example: ldar-interp splice-profile --fasta hg38.fa --gtf gencode.gtf.gz --out results
    """


def build_app() -> typer.Typer:
    """The programs as subcommands of one typer application, in the order of `PROGRAMS`."""
    app = typer.Typer(
        name="ldar-interp",
        add_completion=False,
        no_args_is_help=True,
        rich_markup_mode=None,  # help holds [brackets] that are no markup
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_describe)
    for name, program in PROGRAMS.items():
        app.command(name)(program)
    return app


def main(arguments: list[str] | None = None) -> None:
    """Run the program that the first argument names; never returns.

    Parameters
    ----------
    arguments : words after the command's name; None reads them from the command line.

    Raises
    ------
    SystemExit : 0 at the end, 2 for wrong input, with one line on stderr that says what to do.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    # Modules are written with _, commands with -; both are one program.
    words[:1] = [word.replace("_", "-") for word in words[:1]]
    if words and not words[0].startswith("-") and words[0] not in PROGRAMS:
        known = ", ".join(PROGRAMS)
        typer.echo(f"ldar-interp: error: no program {words[0]!r}; wanted one of {known}", err=True)
        raise SystemExit(2)
    build_app()(args=words, prog_name="ldar-interp")


if __name__ == "__main__":
    main()
