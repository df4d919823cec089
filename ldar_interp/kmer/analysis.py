"""The steps of a kmer-null run, in order: read, model the background, fit, measure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ldar_interp.boundaries.consistency import Consistency
from ldar_interp.command_line import say
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.kmer.settings import KmerNullSettings
from ldar_interp.letters.explained import quintile_table, r2_table
from ldar_interp.letters.fit import fit_null
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.program.models import OpenModels, choose_margin, measure_models, open_models
from ldar_interp.program.nulls import fit_each
from ldar_interp.provenance import describe_input
from ldar_interp.sites.gencode import SpliceAnnotation, annotated_edges, load_splice_sites
from ldar_interp.sites.table import SITE, read_sites

PROGRAM = "kmer_null"


@dataclass(frozen=True)
class KmerNullRun:
    """What a run found; `nulls` and `counts` by model, `checkpoint` first."""

    models: OpenModels
    annotation: SpliceAnnotation
    consistency: dict[str, Consistency]
    nulls: dict[str, KmerNull]
    counts: dict[str, dict[str, Any]]
    r2: pd.DataFrame
    quintiles: pd.DataFrame


def run_analysis(settings: KmerNullSettings, *, workers: int) -> KmerNullRun:
    """All steps; progress and counts go to stderr, nothing is written.

    Raises
    ------
    InputError, CheckpointError, CoordinateError, DeviceError : by the steps, for wrong input.
    """
    models = open_models(settings)
    with Genome(settings.genome_path) as genome:
        annotation = load_splice_sites(settings.annotation_path, genome)
        exclude = {"annotated edges": annotated_edges(annotation)}
        if settings.sites is not None:
            exclude["sites"] = read_excluded(settings.sites)
        n_left_out = sum(len(table) for table in exclude.values())
        say(f"{PROGRAM}: surroundings of {n_left_out} edges are left out of the fit")
        consistency = measure_models(models, genome, settings, program=PROGRAM)
        inputs = {
            "gtf": describe_input(settings.annotation_path),
            "sites": None if settings.sites is None else describe_input(settings.sites),
        }
        nulls, counts = {}, {}
        r2_parts, quintile_parts = [], []
        for found in fit_each(
            models,
            genome,
            exclude,
            n_bases=settings.background_bp,
            strand=settings.strand,
            margin_bp=choose_margin(settings, consistency),
            seed=settings.seed,
            dtype=settings.dtype,
            workers=workers,
            program=PROGRAM,
            k=settings.k,
            n_boot=settings.n_boot,
            inputs=inputs,
        ):
            nulls[found.name], counts[found.name] = found.fit.null, found.counts
            plain = fit_null(found.background, k=settings.k, gc=False)
            table = r2_table(found.fit, plain, n_boot=settings.n_boot, seed=settings.seed)
            r2_parts.append(table.assign(model=found.name)[["model", *table.columns]])
            quintiles = quintile_table(found.fit.edges)
            quintile_parts.append(quintiles.assign(model=found.name)[["model", *quintiles.columns]])
    return KmerNullRun(
        models=models,
        annotation=annotation,
        consistency=consistency,
        nulls=nulls,
        counts=counts,
        r2=pd.concat(r2_parts, ignore_index=True),
        quintiles=pd.concat(quintile_parts, ignore_index=True),
    )


def read_excluded(path: Path) -> pd.DataFrame:
    """The sites of a table whose surroundings are left out, without the controls beside them.

    So the table of sites or hits that another program wrote can be given as it is, and the fit is
    the one that this program makes itself (`--residual auto`): controls are no sites.

    Raises
    ------
    InputError : the file is no SiteTable, or holds controls only.
    """
    table = read_sites(path)
    sites = table[table["set"] == SITE]
    if sites.empty:
        raise InputError(f"{path} has no row of the set {SITE!r}; wanted the sites to leave out")
    if len(sites) < len(table):
        say(f"{PROGRAM}: {path}: {len(table) - len(sites)} rows are controls and stay in the fit")
    return sites
