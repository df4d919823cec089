"""The k-mer nulls of a run's models: fitted here, or read from where kmer_null wrote them.

A null says what to expect of one model's p, read in one way. So a null from a file is used only
for the weights that it was fitted on, and never for reverse reads that it has not seen.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from ldar_interp.command_line import say
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.background import Background
from ldar_interp.letters.explained import measure_r2
from ldar_interp.letters.fit import CrossFit, fit_null
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.letters.sample import BACKGROUND_BP, sample_background
from ldar_interp.program.models import OpenModels
from ldar_interp.provenance import describe_input

_MISSING = {
    "checkpoint": "wanted the folder that kmer_null wrote: run it with the --ckpt of this run",
    "random": "wanted the null of the random weights: run kmer_null with --baseline random, or "
    "use --baseline none here",
}


@dataclass(frozen=True, eq=False)
class ModelFit:
    """The null of the model `name`, what it was fitted on, and what provenance should count."""

    name: str
    background: Background
    fit: CrossFit
    counts: dict[str, Any]


def fit_nulls(
    models: OpenModels,
    genome: Genome,
    exclude: Mapping[str, pd.DataFrame],
    *,
    n_bases: int = BACKGROUND_BP,
    strand: str = "transcript",
    margin_bp: int | None = None,
    seed: int = 1,
    dtype: str = "float32",
    workers: int = 1,
    program: str,
) -> tuple[dict[str, KmerNull], dict[str, dict[str, Any]]]:
    """A null for each model of a run, with k chosen on held-out blocks.

    Parameters and errors as in `fit_each`.

    Returns
    -------
    (nulls, counts), both by model, `checkpoint` first; counts are for provenance: windows and
    edges used and left out, k and penalty of each fold, and R^2 on held-out blocks.
    """
    nulls, counts = {}, {}
    for found in fit_each(
        models, genome, exclude, n_bases=n_bases, strand=strand, margin_bp=margin_bp, seed=seed,
        dtype=dtype, workers=workers, program=program,
    ):  # fmt: skip
        nulls[found.name], counts[found.name] = found.fit.null, found.counts
    return nulls, counts


def fit_each(
    models: OpenModels,
    genome: Genome,
    exclude: Mapping[str, pd.DataFrame],
    *,
    n_bases: int = BACKGROUND_BP,
    strand: str = "transcript",
    margin_bp: int | None = None,
    seed: int = 1,
    dtype: str = "float32",
    workers: int = 1,
    program: str,
    k: int | Literal["auto"] = "auto",
    n_boot: int = 2000,
    inputs: Mapping[str, Any] | None = None,
) -> Iterator[ModelFit]:
    """The fits of a run's models one after the other, with everything that they were made of.

    What each explains is told on stderr under the program's name.

    Parameters
    ----------
    exclude : SiteTables, each under what it holds in words; edges near their rows are what the run
        asks about, so no null sees them. Provenance tells how many rows of each.
    n_bases, strand, margin_bp, seed, dtype, workers : see `sample_background`.
    program : name of the program, for messages.
    k : see `fit_null`.
    n_boot : resamples of blocks for the interval of R^2, at least 100.
    inputs : what else the nulls' provenance should name, such as the files behind `exclude`.

    Raises
    ------
    InputError : see `sample_background` and `fit_null`.
    """
    fasta = None if genome.path is None else describe_input(genome.path)
    made_of = {"fasta": fasta, **(inputs or {})}
    left_out = {label: len(table) for label, table in exclude.items()}
    for name, model in models.by_name.items():
        background = sample_background(
            model,
            genome,
            exclude=list(exclude.values()),
            n_bases=n_bases,
            strand=strand,
            margin_bp=margin_bp,
            seed=seed,
            dtype=dtype,
            workers=workers,
            progress=f"{program}: {name}",
        )
        fit = fit_null(
            background,
            k=k,
            provenance={
                "model": name,
                "checkpoint": models.identify(name),
                **made_of,
                "left_out": left_out,
                "strand": strand,
                "dtype": dtype,
                "seed": seed,
            },
        )
        reached = measure_r2(fit.edges.prob, fit.chosen, fit.edges.block, n_boot=n_boot, seed=seed)
        say(
            f"{program}: {name}: {reached.n_edges} edges in {reached.n_blocks} blocks of "
            f"{background.blocks.size_bp} bp; k = {fit.k} letters and GC explain "
            f"{reached.r2:.3f} of p on held-out blocks "
            f"(95 % {reached.low:.3f} to {reached.high:.3f})"
        )
        counts = {
            **background.counts,
            "left_out": left_out,
            "edges_fitted": reached.n_edges,
            "k_by_fold": fit.null.k.tolist(),
            "shrink_by_fold": fit.null.shrink.tolist(),
            "r2_of_null": reached.r2,
        }
        yield ModelFit(name, background, fit, counts)


def read_nulls(
    folder: str | Path, models: OpenModels, *, strand: str, genome: Genome | None = None
) -> dict[str, KmerNull]:
    """The nulls that kmer_null wrote into a folder, one for each model of a run.

    Parameters
    ----------
    folder : with `null.npz` and, if the run has random weights beside the checkpoint,
        `null_random.npz`.
    strand : `forward` if the run reads forward reads only, or any other strand mode.
    genome : the run's; a null that names another FASTA is refused. None: not checked.

    Returns
    -------
    Nulls by model, `checkpoint` first.

    Raises
    ------
    InputError : a file is missing or no null, or the null is not of this run (see `check_null`).
    """
    found = {}
    for name in models.by_name:
        path = Path(folder) / name_file(name)
        if not path.is_file():
            raise InputError(f"{path}: no such file; {_MISSING[name]}")
        null = KmerNull.load(path)
        check_null(null, path, models.identify(name), strand=strand)
        if genome is not None:
            check_genome(null, path, genome)
        found[name] = null
    return found


def check_null(
    null: KmerNull, path: str | Path, weights: Mapping[str, Any], *, strand: str
) -> None:
    """Raise InputError unless the null speaks of these weights and of reads of this strand mode.

    Weights are the same if their content is: the name of a file says nothing. A null that has
    seen reads of both strands also speaks of forward reads; one of forward reads only of no other.

    Parameters
    ----------
    path : where the null is from, for the message.
    weights : from `OpenModels.identify`.
    strand : see `read_nulls`.
    """
    fitted_on = null.provenance.get("checkpoint")
    if not isinstance(fitted_on, Mapping) or _content(fitted_on) != _content(weights):
        raise InputError(
            f"{path}: the null was fitted on {_name(fitted_on)}, this run uses {_name(weights)}; "
            "run kmer_null with the --ckpt and --seed of this run"
        )
    if null.strands == "forward" and strand != "forward":
        raise InputError(
            f"{path}: the null was fitted on forward reads only, this run also takes reverse "
            f"reads (strand mode {strand}); run kmer_null with --strand transcript"
        )


def check_genome(null: KmerNull, path: str | Path, genome: Genome) -> None:
    """Raise InputError if the null was fitted on another FASTA: its blocks would not be these."""
    fitted_on = null.provenance.get("fasta")
    found = None if genome.path is None else describe_input(genome.path)
    if (
        isinstance(fitted_on, Mapping)
        and found is not None
        and fitted_on["sha256"] != found["sha256"]
    ):
        raise InputError(
            f"{path}: the null was fitted on {fitted_on.get('file')} (sha256 "
            f"{str(fitted_on['sha256'])[:12]}), this run reads {found['file']} (sha256 "
            f"{found['sha256'][:12]}); run kmer_null with the --fasta of this run"
        )


def name_file(model: str) -> str:
    """File of a model's null in a result of kmer_null."""
    return "null.npz" if model == "checkpoint" else f"null_{model}.npz"


def _content(weights: Mapping[str, Any]) -> dict[str, Any]:
    """What makes weights the same: their hash, or the name and seed that they were drawn with."""
    return {key: value for key, value in weights.items() if key != "file"}


def _name(weights: object) -> str:
    """Weights in words, for a message."""
    if not isinstance(weights, Mapping):
        return "weights that it does not name"
    if "sha256" in weights:
        return f"{weights.get('file', 'a file')} (sha256 {str(weights['sha256'])[:12]})"
    if "random_weights_seed" in weights:
        return f"random weights of seed {weights['random_weights_seed']}"
    return f"random:{weights.get('random')} of seed {weights.get('seed')}"
