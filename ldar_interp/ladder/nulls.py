"""Where a run's residuals come from: a null fitted in the run, one read from a folder, or none."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ldar_interp.command_line import say
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder.settings import LadderSettings
from ldar_interp.letters.exclusion import KEEP_AWAY_BP
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
    exclude: Mapping[str, pd.DataFrame],
    settings: LadderSettings,
    *,
    margin_bp: int,
    workers: int,
    program: str,
) -> Nulls:
    """The nulls that `settings.residual` asks for.

    Parameters
    ----------
    exclude : tables with `chrom` and `edge` (and `width_bp`, for motifs), each under what it holds
        in words. Their surroundings are left out of a fit; of a null that is read it is checked
        whether they were, told on stderr if not, and counted in `counts` in any case.

    Raises
    ------
    InputError : a genome too short to fit on, or a folder whose null is not of these
        models or of this genome.
    """
    if settings.residual == NONE:
        return Nulls({}, {}, "none")
    if settings.residual != AUTO:
        nulls = read_nulls(Path(settings.residual), models, strand=settings.strand, genome=genome)
        counts = {}
        for name, null in nulls.items():
            near = {label: null.fitted.count_near([table]) for label, table in exclude.items()}
            _tell_seen(program, settings.residual, name, null, near)
            counts[name] = null.provenance | {"edges_fitted_near_sites_of_this_run": near}
        return Nulls(nulls, counts, "read")
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


def _tell_seen(program: str, folder: str, name: str, null: KmerNull, near: dict[str, int]) -> None:
    """Warn of a null that was fitted beside the sites it is to be taken from."""
    for label, n in near.items():
        if n:
            say(
                f"{program}: WARNING: the null of {folder} for {name} was fitted on {n:,} edges "
                f"within {KEEP_AWAY_BP} bp of the {label} of this run (of {null.fitted.n_edges:,} "
                "in all): it expects part of what is special there, so residuals are too small; "
                "give kmer_null these sites with --sites, or use --residual auto"
            )
