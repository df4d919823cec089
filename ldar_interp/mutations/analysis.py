"""The steps of a mutagenesis run, in order: read, draw, mutate, average, score variants."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ldar_interp.boundaries.mutagenesis import Mutagenesis, mutate_sites
from ldar_interp.boundaries.variants import score_variants
from ldar_interp.command_line import say
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.mutations.settings import PROGRAM, MutationSettings
from ldar_interp.program.models import OpenModels, open_models
from ldar_interp.sites.controls import build_controls
from ldar_interp.sites.draw import draw_sites
from ldar_interp.sites.gencode import SpliceAnnotation, load_splice_sites
from ldar_interp.sites.table import SITE, join_sites, read_sites
from ldar_interp.sites.variant_sites import find_nearest
from ldar_interp.sites.vcf import USABLE, Variants, read_vcf
from ldar_interp.stats.mutations import MutationTables, summarise_mutations

SCORED = "scored"
NO_VALUE = "the edge lies within the margin of an end of the sequence or an N"


@dataclass(frozen=True)
class MutationRun:
    """What a run found; `results` by model, `checkpoint` first.

    `variants` is the table of docs/contracts.md, None without a VCF. `inputs` are the files read,
    by option.
    """

    models: OpenModels
    inputs: dict[str, Path]
    results: dict[str, Mutagenesis]
    tables: MutationTables
    variants: pd.DataFrame | None
    counts: dict[str, Any]


def run_analysis(settings: MutationSettings, *, workers: int) -> MutationRun:
    """All steps; progress and counts go to stderr, nothing is written.

    Raises
    ------
    InputError, CheckpointError, CoordinateError, DeviceError : by the steps, for wrong input.
    """
    models = open_models(settings)
    inputs = {"fasta": settings.genome_path}
    with Genome(inputs["fasta"]) as genome:
        annotation, everything = _read_sites(settings, genome, inputs)
        chosen = _choose_sites(settings, genome, annotation, everything)
        alleles: Variants | None = None
        if settings.vcf is not None:
            # Before the long part: a wrong file is told at once.
            inputs["vcf"] = settings.vcf
            _check_reach(settings, models.checkpoint)
            alleles = read_vcf(settings.vcf, genome)
        results = {
            name: mutate_sites(
                model,
                genome,
                chosen,
                context_bp=settings.context_bp,
                spread_bp=settings.spread_bp,
                window_bp=settings.window_bp,
                margin_bp=settings.margin_bp,
                dtype=settings.dtype,
                workers=workers,
                progress=f"{PROGRAM}: {name}",
            )
            for name, model in models.by_name.items()
        }
        _check_values(results["checkpoint"])
        variants = None
        if alleles is not None:
            near = find_nearest(
                alleles.table, everything[everything["set"] == SITE], reach_bp=settings.reach_bp
            )
            variants = _score(models.by_name, genome, near, settings, workers)
    first = results["checkpoint"]
    tables = summarise_mutations(
        {name: result.delta for name, result in results.items()},
        first.letters,
        first.base_offsets,
        first.sites,
        n_boot=settings.n_boot,
        seed=settings.seed,
    )
    counts: dict[str, Any] = {
        "sites_read": _count_kinds(everything),
        "sites_mutated": _count_kinds(chosen),
        "mutagenesis": {name: result.provenance for name, result in results.items()},
    }
    if annotation is not None:
        counts["annotation"] = annotation.counts
    if alleles is not None and variants is not None:
        one = variants[variants["model"] == "checkpoint"]
        counts["vcf"] = {"records": alleles.counts["records"], "alleles": len(one)}
        counts["vcf"] |= {str(k): int(n) for k, n in one["status"].value_counts().items()}
    _tell(counts, results)
    return MutationRun(
        models=models,
        inputs=inputs,
        results=results,
        tables=tables,
        variants=variants,
        counts=counts,
    )


def _read_sites(
    settings: MutationSettings, genome: Genome, inputs: dict[str, Path]
) -> tuple[SpliceAnnotation | None, pd.DataFrame]:
    """The annotation, if one was read, and all sites that there are."""
    annotation = None
    if settings.sites is None or settings.gtf is not None:
        inputs["gtf"] = settings.annotation_path
        annotation = load_splice_sites(
            inputs["gtf"],
            genome,
            gene_types=settings.gene_type or None,
            tags=settings.tag or None,
        )
    if settings.sites is None:
        assert annotation is not None
        return annotation, annotation.sites
    inputs["sites"] = settings.sites
    table = read_sites(settings.sites)
    if not (table["set"] == SITE).any():
        raise InputError(f"{settings.sites} has no row whose set is {SITE!r}; wanted some sites")
    return annotation, table


def _choose_sites(
    settings: MutationSettings,
    genome: Genome,
    annotation: SpliceAnnotation | None,
    everything: pd.DataFrame,
) -> pd.DataFrame:
    """At most --max-sites sites of each kind, and their controls: built, or those of the table."""
    is_site = everything["set"] == SITE
    drawn = draw_sites(
        everything[is_site].reset_index(drop=True), settings.max_sites, settings.seed
    )
    given = everything[~is_site]
    if not settings.controls:
        if "matched_to" not in given or "draw" not in given:
            return drawn
        kept = given["matched_to"].isin(drawn["site_id"]) & (given["draw"] == 0)
        return join_sites([drawn, given[kept]]) if kept.any() else drawn
    if len(given):
        raise InputError(
            f"{settings.sites} holds controls ({', '.join(sorted(set(given['set'])))}) and "
            "--controls asks for others; wanted one of them: drop --controls"
        )
    ladder = build_controls(
        drawn,
        genome,
        annotation=annotation,
        rungs=settings.controls,
        n_draws=1,
        flank_bp=settings.context_bp,
        seed=settings.seed,
    )
    if ladder.table.empty:
        raise InputError(
            f"none of {len(drawn)} sites has a control on rung {', '.join(settings.controls)}; "
            "wanted at least one: raise --max-sites or leave --controls out"
        )
    return join_sites([drawn, ladder.table])


def _check_reach(settings: MutationSettings, model: LDARNet) -> None:
    half = (settings.window_bp or model.config.train_length) // 2
    if settings.reach_bp > half:
        raise InputError(
            f"--reach-bp is {settings.reach_bp}; wanted at most {half}, half of the window that "
            "the model reads around an edge"
        )


def _check_values(result: Mutagenesis) -> None:
    if np.isnan(result.prob).all():
        raise InputError(
            f"all {len(result.sites)} sites lie within the margin of "
            f"{result.provenance['margin_bp']} bp of an end of the sequence or an N; wanted sites "
            "inside: give a longer sequence or a smaller --margin-bp"
        )


def _score(
    models: dict[str, LDARNet],
    genome: Genome,
    near: pd.DataFrame,
    settings: MutationSettings,
    workers: int,
) -> pd.DataFrame:
    """The table of variants: every allele once a model, with p where it has one."""
    usable = near["status"] == USABLE
    tables = []
    for name, model in models.items():
        scores = score_variants(
            model,
            genome,
            near[usable],
            window_bp=settings.window_bp,
            margin_bp=settings.margin_bp,
            dtype=settings.dtype,
            workers=workers,
        )
        table = near.drop(columns=["start", "end", "inserted", "first", "last", "set"])
        table.insert(0, "model", name)
        for column, values in (("prob_ref", scores.prob_ref), ("prob_alt", scores.prob_alt)):
            table[column] = np.nan
            table.loc[usable, column] = values.astype(np.float64)
        table["delta"] = table["prob_alt"] - table["prob_ref"]
        missing = usable & table["delta"].isna()
        table["status"] = table["status"].mask(usable, SCORED).mask(missing, NO_VALUE)
        table.loc[missing, ["prob_ref", "prob_alt"]] = np.nan
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _count_kinds(sites: pd.DataFrame) -> dict[str, int]:
    """Rows of each kind and set."""
    found = sites.groupby(["kind", "set"], sort=True).size()
    return {f"{kind} {name}": int(n) for (kind, name), n in found.items()}


def _tell(counts: dict[str, Any], results: dict[str, Mutagenesis]) -> None:
    """What was mutated and what has no value, and the variants by what became of them."""
    read = counts["sites_read"]
    used = ", ".join(
        f"{n} of {read[name]} {name}s" if name in read else f"{n} {name} controls"
        for name, n in counts["sites_mutated"].items()
    )
    say(f"{PROGRAM}: {used}")
    for name, result in results.items():
        found = result.provenance
        say(
            f"{PROGRAM}: {name}: {found['variants']} mutations in windows of "
            f"{found['window_bp']} bp; {found['sites_without_value']} of {found['sites']} sites "
            f"without value (within {found['margin_bp']} bp of an end or N), "
            f"{found['bases_not_mutated']} bases not there; mean p {np.nanmean(result.prob):.3g}"
        )
    if "vcf" in counts:
        statuses = {k: n for k, n in counts["vcf"].items() if k not in ("records", "alleles")}
        shown = "; ".join(f"{k} {n}" for k, n in sorted(statuses.items()))
        say(
            f"{PROGRAM}: {counts['vcf']['alleles']} alleles of {counts['vcf']['records']} records: "
            f"{shown}"
        )
