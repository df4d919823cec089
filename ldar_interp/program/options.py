"""Command-line options that several programs have, as types: `ckpt: Ckpt = None` in a `main`.

An option that was not given is None, so that a settings file can say it instead; what the
default is stands in the settings class and, for people, in `show_default`.
"""

from pathlib import Path
from typing import Annotated

import typer

Ckpt = Annotated[
    str | None,
    typer.Option(
        help="Checkpoint: .pt, .safetensors, hf://owner/name or random:2m.",
        show_default="embedded",
    ),
]
Fasta = Annotated[
    Path | None, typer.Option(help="Genome, plain or bgzip.", show_default="embedded region")
]
Gtf = Annotated[
    Path | None,
    typer.Option(help="GENCODE, Ensembl or NCBI annotation.", show_default="embedded annotation"),
]
Out = Annotated[
    Path | None, typer.Option(help="Folder for the results.", show_default="the program's name")
]
FlankBp = Annotated[int | None, typer.Option(help="Edges shown on each side.", show_default="100")]
Strand = Annotated[
    str | None,
    typer.Option(
        help="Strand that the model reads: transcript, forward or mean of both.",
        show_default="transcript",
    ),
]
Baseline = Annotated[
    str | None,
    typer.Option(help="random: the same architecture, untrained; or none.", show_default="random"),
]
GeneType = Annotated[
    list[str] | None,
    typer.Option(help="Keep genes of this type; may be repeated.", show_default="all"),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(help="Keep transcripts with this tag; may be repeated.", show_default="all"),
]
MarginBp = Annotated[
    int | None, typer.Option(help="Window margin to drop.", show_default="measured")
]
NDraws = Annotated[
    int | None, typer.Option(help="Draws of controls; the first is tested.", show_default="3")
]
Controls = Annotated[
    str | None,
    typer.Option(help="Control rungs.", show_default="C0,C1,C2,C3-8,C3-10,C3-core,C4"),
]
Residual = Annotated[
    str | None,
    typer.Option(
        help="k-mer null that residuals are taken from: auto (fitted in this run), none, or a "
        "folder of kmer_null.",
        show_default="auto",
    ),
]
BackgroundBp = Annotated[
    int | None,
    typer.Option(help="Bases modelled to fit the k-mer null.", show_default="500000"),
]
MaxContextSites = Annotated[
    int | None,
    typer.Option(help="At most this many sites of each kind on rung C4.", show_default="500"),
]
NShuffles = Annotated[
    int | None, typer.Option(help="Shuffled contexts of each site on rung C4.", show_default="5")
]
NBoot = Annotated[int | None, typer.Option(help="Bootstrap resamples.", show_default="2000")]
NFlips = Annotated[int | None, typer.Option(help="Sign flips.", show_default="9999")]
Seed = Annotated[int | None, typer.Option(help="Of every random choice.", show_default="1")]
Device = Annotated[str | None, typer.Option(help="torch device.", show_default="cpu")]
Backend = Annotated[
    str | None,
    typer.Option(
        help="auto, torch, compiled (CPU) or cuda (kernels); auto: the fastest that runs.",
        show_default="auto",
    ),
]
Dtype = Annotated[str | None, typer.Option(help="float32 or bfloat16.", show_default="float32")]
WidthMm = Annotated[
    int | None, typer.Option(help="Width of the figure: 183 or 89.", show_default="183")
]
Workers = Annotated[
    int | None, typer.Option(help="Processes on a CPU.", show_default="all cores", min=1)
]
Config = Annotated[
    Path | None, typer.Option(help="TOML file of these options; options given here win.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace an earlier result.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show tracebacks of errors.")]
