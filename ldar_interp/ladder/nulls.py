"""Where a run's residuals come from: a null fitted in the run, one read from a folder, or none."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ldar_interp.command_line import say
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder.settings import LadderSettings
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.program.models import OpenModels
from ldar_interp.program.nulls import fit_nulls, read_nulls

AUTO, NONE = "auto", "none"


@dataclass(frozen=True)
class Nulls:
    """The nulls of a run by model, empty for none; `counts` says what they were fitted on."""

    by_name: dict[str, KmerNull]
    counts: dict[str, dict[str, Any]]
    origin: str

    def describe(self) -> dict[str, Any]:
        """For provenance: whether they were fitted here, and on what."""
        return {"origin": self.origin, "models": self.counts}


def find_nulls(
    models: OpenModels,
    genome: Genome,
    exclude: Sequence[pd.DataFrame],
    settings: LadderSettings,
    *,
    margin_bp: int,
    workers: int,
    program: str,
) -> Nulls:
    """The nulls that `settings.residual` asks for.

    Parameters
    ----------
    exclude : tables with `chrom` and `edge` (and `width_bp`, for motifs) whose surroundings are
        left out of a fit.

    Raises
    ------
    InputError : a genome too short to fit on, or a folder whose null is not of these
        models or of this genome.
    """
    if settings.residual == NONE:
        return Nulls({}, {}, "none")
    if settings.residual != AUTO:
        nulls = read_nulls(Path(settings.residual), models, strand=settings.strand, genome=genome)
        say(
            f"{program}: the null of {settings.residual} left out the surroundings of the sites "
            "that it was fitted with, which need not be those of this run"
        )
        return Nulls(nulls, {name: null.provenance for name, null in nulls.items()}, "read")
    nulls, counts = fit_nulls(
        models,
        genome,
        exclude,
        n_bases=settings.background_bp,
        strand=settings.strand,
        margin_bp=margin_bp,
        seed=settings.seed,
        dtype=settings.dtype,
        workers=workers,
        program=program,
    )
    return Nulls(nulls, counts, "fitted in this run")
