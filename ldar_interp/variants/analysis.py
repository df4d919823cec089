"""The steps of a variant-scores run, in order: read, label, count letters, score, rank."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.edge_windows import check_window
from ldar_interp.boundaries.extract import DEFAULT_MARGIN_SHARE
from ldar_interp.boundaries.variant_change import reads_letters
from ldar_interp.boundaries.variant_windows import Allele
from ldar_interp.command_line import say
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.context_counts import fit_contexts
from ldar_interp.program.models import OpenModels, open_models
from ldar_interp.sites.variant_labels import assign_labels, read_info
from ldar_interp.sites.variant_table import read_table_labels, read_variant_table
from ldar_interp.sites.vcf import USABLE, Variants, read_vcf
from ldar_interp.variants.distribution import count_scores
from ldar_interp.variants.ranking import DECLARED, Rankings, rank_scores
from ldar_interp.variants.scoring import (
    SUBSTITUTION,
    list_alleles,
    name_kind,
    score_alleles,
    score_letters,
)
from ldar_interp.variants.settings import PROGRAM, VariantSettings

SCORE_COLUMNS = (
    "model", "chrom", "pos", "ref", "alt", "id", "log_odds", "log_odds_forward",
    "log_odds_reverse", "baseline_log_odds", "delta_p", "delta_p_offset", "window_bp", "note",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class VariantRun:
    """What a run found; tables as in docs/contracts.md, `rankings` None without labels.

    `inputs` are the files read, by option.
    """

    models: OpenModels
    inputs: dict[str, Path]
    scores: pd.DataFrame
    distribution: pd.DataFrame
    rankings: Rankings | None
    counts: dict[str, Any]


def run_analysis(settings: VariantSettings, *, workers: int) -> VariantRun:
    """All steps; progress and counts go to stderr, nothing is written.

    Raises
    ------
    InputError, CheckpointError, CoordinateError, DeviceError : by the steps, for wrong input.
    """
    models = open_models(settings)
    window_bp = settings.window_bp or models.window_bp
    margin_bp = settings.margin_bp or max(1, window_bp // DEFAULT_MARGIN_SHARE)
    check_window(window_bp, margin_bp, models.window_bp)
    _check_reach(settings.reach_bp, window_bp, margin_bp)
    inputs = {"fasta": settings.genome_path}
    inputs["vcf" if settings.vcf is not None else "table"] = settings.variants_path
    with Genome(inputs["fasta"]) as genome:
        variants = _read_variants(settings, genome)
        labels = _read_labels(settings, variants)
        alleles = list_alleles(variants.table)
        letters = fit_contexts(genome, leave_out=_list_bases(alleles), n_bases=settings.letters_bp)
        baseline = score_letters(genome, alleles, letters)
        tables = [
            _fill(
                variants,
                score_alleles(
                    model,
                    genome,
                    alleles,
                    settings,
                    window_bp=window_bp,
                    margin_bp=margin_bp,
                    workers=workers,
                    name=name,
                ).assign(baseline_log_odds=baseline),
                labels,
            ).assign(model=name)
            for name, model in models.by_name.items()
        ]
    scores = pd.concat(tables, ignore_index=True)
    _check_scored(tables[0], margin_bp)
    counts = _count(variants, tables[0], settings) | {
        "letters": letters.describe(),
        "window_bp": window_bp,
        "margin_bp": margin_bp,
    }
    if not reads_letters(models.checkpoint):
        say(f"{PROGRAM}: the router does not read the sequence, so there is no change of p")
    _tell(counts)
    rankings = None
    if labels is not None:
        rankings = rank_scores(
            scores,
            window_bp=window_bp,
            block_bp=settings.block_bp,
            n_boot=settings.n_boot,
            seed=settings.seed,
        )
        _tell_ranking(rankings.auroc)
    columns = list(SCORE_COLUMNS) + (["label"] if labels is not None else [])
    return VariantRun(
        models=models,
        inputs=inputs,
        scores=scores[columns],
        distribution=count_scores(scores),
        rankings=rankings,
        counts=counts,
    )


def _check_reach(reach_bp: int, window_bp: int, margin_bp: int) -> None:
    # Both edges of the base count, so one side reaches a base further.
    most = window_bp // 2 - margin_bp - 1
    if reach_bp > most:
        raise InputError(
            f"--reach-bp is {reach_bp}; wanted at most {max(most, 0)}, so that all edges lie "
            f"within the margins of {margin_bp} bp of windows of {window_bp} bp"
        )


def _read_variants(settings: VariantSettings, genome: Genome) -> Variants:
    if settings.vcf is not None:
        found = read_vcf(settings.vcf, genome)
    else:
        found = read_variant_table(settings.variants_path, genome)
    if not (found.table["status"] == USABLE).any():
        reasons = ", ".join(
            f"{n} {name}" for name, n in found.counts.items() if name not in ("records", "alleles")
        )
        raise InputError(
            f"{settings.variants_path}: none of {len(found.table)} alleles can be scored "
            f"({reasons}); wanted substitutions or indels written in letters"
        )
    return found


def _read_labels(settings: VariantSettings, variants: Variants) -> NDArray[np.float64] | None:
    """Labels by allele, NaN where missing; None if no column was named."""
    if settings.label is None:
        return None
    path = settings.variants_path
    if settings.vcf is not None:
        by_line = read_info(path, settings.label)
    else:
        by_line = read_table_labels(path, settings.label)
    labels = assign_labels(variants.table, by_line, path=path)
    # Before the long part: a label that cannot be ranked is told at once.
    known = labels[(variants.table["status"] == USABLE).to_numpy() & ~np.isnan(labels)]
    if len(set(known.tolist())) < 2:
        every = f"all {len(known)} labels" if len(known) else "not one label"
        found = f"are {known[0]:.0f}" if len(known) else "is there"
        raise InputError(
            f"{path}: of the alleles that can be scored, {every} of {settings.label} {found}; "
            "wanted some 0 and some 1, or no --label"
        )
    return labels


def _list_bases(alleles: list[Allele]) -> dict[str, NDArray[np.int64]]:
    """Positions of the letters that substitutions exchange, by chromosome."""
    found: dict[str, list[int]] = {}
    for allele in alleles:
        if name_kind(allele) == SUBSTITUTION:
            found.setdefault(allele.chrom, []).append(allele.start)
    return {chrom: np.unique(np.array(places)) for chrom, places in found.items()}


def _fill(
    variants: Variants, scored: pd.DataFrame, labels: NDArray[np.float64] | None
) -> pd.DataFrame:
    """A row for every allele of the file, those that cannot be scored with their reason."""
    table = variants.table[["chrom", "pos", "ref", "alt", "id", "status"]].copy()
    usable = np.flatnonzero((table["status"] == USABLE).to_numpy())
    table = table.join(scored.set_index(usable))
    table["note"] = table["note"].where(table["status"] == USABLE, table["status"])
    table["delta_p_offset"] = table["delta_p_edge"] - (table["pos"] - 1)
    if labels is not None:
        table["label"] = pd.array(labels, dtype="Int64")
    return table


def _check_scored(table: pd.DataFrame, margin_bp: int) -> None:
    if not table[["log_odds", "delta_p"]].notna().any(axis=None):
        raise InputError(
            f"no variant has a score: all lie within the margin of {margin_bp} bp of an end of the "
            "sequence or an N; wanted variants inside: give a longer sequence or a smaller "
            "--margin-bp"
        )


def _count(variants: Variants, table: pd.DataFrame, settings: VariantSettings) -> dict[str, Any]:
    """What became of the file's alleles, the same for every model of a run."""
    kinds = {str(k): int(n) for k, n in sorted(table["kind"].value_counts().items())}
    notes = table["note"].replace("", "nothing to note").value_counts()
    counts: dict[str, Any] = {
        "variants": variants.counts,
        "kinds": kinds,
        "with_log_odds": int(table["log_odds"].notna().sum()),
        "with_change_of_p": int(table["delta_p"].notna().sum()),
        "with_letters_only_odds": int(table["baseline_log_odds"].notna().sum()),
        "notes": {str(note): int(n) for note, n in notes.items()},
    }
    if "label" in table:
        found = {"0": table["label"].eq(0), "1": table["label"].eq(1)}
        counts["labels"] = {name: int(mask.sum()) for name, mask in found.items()}
        counts["labels"]["missing"] = int(table["label"].isna().sum())
        counts["label_column"] = settings.label
    return counts


def _tell(counts: dict[str, Any]) -> None:
    read, letters = counts["variants"], counts["letters"]
    say(
        f"{PROGRAM}: {read['alleles']} alleles of {read['records']} records: "
        f"{counts['with_log_odds']} with log-odds, {counts['with_change_of_p']} with a change of "
        f"p, in windows of {counts['window_bp']} bp"
    )
    for note, n in counts["notes"].items():
        if note != "nothing to note":
            say(f"{PROGRAM}: {n} {note}")
    say(
        f"{PROGRAM}: letters alone: {letters['letters_each_side']} on each side, counted at "
        f"{letters['bases_counted']} bases"
    )
    if "labels" in counts:
        found = counts["labels"]
        say(
            f"{PROGRAM}: {counts['label_column']}: {found['1']} times 1, {found['0']} times 0, "
            f"{found['missing']} missing"
        )


def _tell_ranking(auroc: pd.DataFrame) -> None:
    """The declared score, beside it letters and random weights, and the differences."""
    for row in auroc[auroc["score"] == DECLARED].itertuples():
        what = f"AUROC {row.model}" + (f" less {row.against}" if row.against else "")
        say(
            f"{PROGRAM}: {what}, {row.score}: {row.effect:.3f} (95 % {row.ci_low:.3f} to "
            f"{row.ci_high:.3f}; {row.n_positive} against {row.n_negative} in {row.n_groups} "
            f"blocks of {row.block_bp} bp)"
        )
