"""The steps of a tokenizer-integrity run: read elements, cut by every tokenizer, compare."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tokenizers

from ldar_interp.boundaries.bpe import choose_merges, cut_by_byte_pairs, learn_byte_pairs
from ldar_interp.boundaries.consistency import Consistency
from ldar_interp.boundaries.cuts import Cuts, Domain, cut_by_grid, cut_by_track, find_domain
from ldar_interp.boundaries.extract import extract_boundaries
from ldar_interp.command_line import say
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.program.models import OpenModels, choose_margin, measure_models, open_models
from ldar_interp.sites.draw import draw_sites
from ldar_interp.sites.elements import find_elements, read_elements
from ldar_interp.sites.table import count_kinds, join_sites
from ldar_interp.stats.integrity_table import ALL_KINDS, summarise_integrity
from ldar_interp.tokens.element_cuts import ElementCuts, find_usable, read_cuts
from ldar_interp.tokens.settings import IntegritySettings

PROGRAM = "tokenizer_integrity"
GIVEN = "elements"
"""Kind of all of --elements together, where they are of several kinds."""
_MOST_MERGES = 4096


@dataclass(frozen=True)
class IntegrityRun:
    """What a run found: the table, the elements behind it, and what made them."""

    table: pd.DataFrame
    elements: pd.DataFrame
    counts: dict[str, Any]
    byte_pairs: dict[str, Any]
    inputs: dict[str, Path]
    models: OpenModels
    margin_bp: int
    consistency: dict[str, Consistency]
    extraction: dict[str, dict[str, Any]]


def run_integrity(settings: IntegritySettings, *, workers: int) -> IntegrityRun:
    """All steps; progress and counts go to stderr, nothing is written.

    Raises
    ------
    InputError, CheckpointError, CoordinateError, DeviceError : by the steps, for wrong input.
    """
    models = open_models(settings)
    fasta, gtf = settings.genome_path, settings.annotation_path
    inputs = {"fasta": fasta, "gtf": gtf}
    with Genome(fasta) as genome:
        elements, counts = gather_elements(settings, gtf, genome)
        check_context(elements, settings.context_bp)
        consistency = measure_models(models, genome, settings, program=PROGRAM)
        margin_bp = choose_margin(settings, consistency)
        around = _mark_both_borders(elements)
        tracks = {
            name: extract_boundaries(
                model,
                genome,
                around=around,
                flank_bp=settings.context_bp,
                strand=settings.strand,
                margin_bp=margin_bp,
                dtype=settings.dtype,
                workers=workers,
                progress=f"{PROGRAM}: {name}",
            )
            for name, model in models.by_name.items()
        }
        domain = find_domain(*tracks.values())
        usable = find_usable(elements, domain, settings.context_bp, settings.strand)
        elements, counts["elements_used"] = _keep_usable(elements, usable)
        cuts: dict[str, list[Cuts]] = {
            name: [cut_by_track(track, domain)] for name, track in tracks.items()
        }
        learned_rate = cuts["checkpoint"][0].rate
        if not 0 < learned_rate < 1:
            raise InputError(
                f"the checkpoint cuts {cuts['checkpoint'][0].n_cuts} of {domain.n_edges} edges; "
                "wanted some and not all, or there is nothing to compare: use another --ckpt"
            )
        cuts["bpe"], byte_pairs, trained_on = cut_bpe(settings, genome, domain, learned_rate)
    if trained_on is not None:
        inputs["bpe_fasta"] = trained_on
    if settings.elements is not None:
        inputs["elements"] = settings.elements
    for period in settings.grids:
        cuts[f"grid_{period}"] = [cut_by_grid(domain, period, i) for i in range(period)]
    cuts["single_bases"] = [cut_by_grid(domain, 1, 0)]
    say(
        f"{PROGRAM}: bp a token on the {domain.n_edges} edges around the elements: "
        + ", ".join(
            f"{name} {1 / rate:.2f}"
            for name, parts in cuts.items()
            if (rate := float(np.mean([part.rate for part in parts])))
        )
    )
    read = {
        name: [read_cuts(elements, part, settings.context_bp, settings.strand) for part in parts]
        for name, parts in cuts.items()
    }
    table = summarise_elements(elements, read, settings)
    return IntegrityRun(
        table=table,
        elements=elements,
        counts=counts | {"edges_asked": domain.n_edges},
        byte_pairs=byte_pairs,
        inputs=inputs,
        models=models,
        margin_bp=margin_bp,
        consistency=consistency,
        extraction={name: track.provenance for name, track in tracks.items()},
    )


def gather_elements(
    settings: IntegritySettings, gtf: Path, genome: Genome
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Elements of the annotation and of --elements, at most --max-elements of each kind."""
    found = find_elements(
        gtf,
        genome,
        kinds=settings.kinds,
        gene_types=settings.gene_type or None,
        tags=settings.tag or None,
    )
    for kind, reason in found.absent.items():
        say(f"{PROGRAM}: no {kind} elements: {reason}")
    parts = [found.table] if len(found.table) else []
    if settings.elements is not None:
        own = read_elements(settings.elements)
        clash = sorted(set(own["kind"]) & set(settings.kinds))
        if clash:
            raise InputError(
                f"{settings.elements}: kind {clash[0]!r} is also made from the annotation; wanted "
                "other names, or --kinds without it"
            )
        taken = sorted(set(own["kind"]) & {GIVEN, ALL_KINDS})
        if taken:
            raise InputError(
                f"{settings.elements}: kind {taken[0]!r} is the name of several kinds together; "
                "wanted another one"
            )
        missing = sorted(set(own["chrom"]) - set(genome.chroms))
        if missing:
            raise CoordinateError(
                f"{settings.elements}: chromosome {missing[0]!r} is not in the genome, which has "
                f"{', '.join(genome.chroms[:5])}; use the genome that the elements were made from"
            )
        parts.append(own)
    if not parts:
        raise InputError(
            f"{gtf}: no elements ({'; '.join(found.absent.values()) or 'no kinds asked for'}); "
            "wanted at least one: give --elements or an annotation with these rows"
        )
    table = join_sites(parts)
    kept = draw_sites(table, settings.max_elements, settings.seed)
    for kind, rows in kept.groupby("kind", sort=False):
        say(
            f"{PROGRAM}: {kind}: {len(rows)} of {(table['kind'] == kind).sum()} elements in "
            f"{rows['group'].nunique()} groups"
        )
    counts = {
        "annotation": found.counts,
        "absent_kinds": found.absent,
        "elements_found": count_kinds(table),
        "elements_drawn": count_kinds(kept),
    }
    return kept, counts


def check_context(elements: pd.DataFrame, context_bp: int) -> None:
    """Raise InputError if an element is too wide for the context around it."""
    widest = int(elements["width_bp"].max())
    if context_bp <= widest + 4:
        raise InputError(
            f"--context-bp is {context_bp} and the widest element has {widest} bp; wanted a "
            f"context of at least {widest + 5}: give a larger --context-bp"
        )


def cut_bpe(
    settings: IntegritySettings, genome: Genome, domain: Domain, rate: float
) -> tuple[list[Cuts], dict[str, Any], Path | None]:
    """Byte pairs with tokens as long as the checkpoint's, or with the vocabulary asked for."""
    asked = settings.bpe_vocab
    most = _MOST_MERGES if asked is None else asked - 4
    if settings.bpe_fasta is None:
        pairs = learn_byte_pairs(genome, max_bases=settings.bpe_bases, max_merges=most)
    else:
        with Genome(settings.bpe_fasta) as other:
            pairs = learn_byte_pairs(other, max_bases=settings.bpe_bases, max_merges=most)
    if asked is None:
        n_merges, cuts = choose_merges(pairs, genome, domain, rate=rate)
    else:
        n_merges = len(pairs.merges)
        cuts = cut_by_byte_pairs(pairs, n_merges, genome, domain)
    is_short = asked is None and n_merges == len(pairs.merges) and cuts.rate > rate
    say(
        f"{PROGRAM}: BPE with {n_merges + 4} tokens"
        + (", chosen for the checkpoint's rate" if asked is None else "")
        + f", learned on {pairs.n_bases} bases"
        + (": the most that are tried or found, and still shorter ones" if is_short else "")
    )
    described = {
        "vocabulary": n_merges + 4,
        "chosen_for_rate": asked is None,
        "rate_out_of_reach": is_short,
        "bases_learned_on": pairs.n_bases,
        "tokenizers": tokenizers.__version__,
        "first_merges": ["".join(pair) for pair in pairs.merges[:10]],
    }
    return [cuts], described, settings.bpe_fasta


def summarise_elements(
    elements: pd.DataFrame, read: dict[str, list[ElementCuts]], settings: IntegritySettings
) -> pd.DataFrame:
    """`integrity.tsv` from the cuts around every element."""
    return summarise_integrity(
        {name: [part.by_width for part in parts] for name, parts in read.items()},
        elements["kind"].to_numpy(dtype=object),
        elements["width_bp"].to_numpy(dtype=np.int64),
        elements["group"].to_numpy(dtype=object),
        edge_ids=read["checkpoint"][0].edge_ids,
        n_random=settings.n_random,
        n_boot=settings.n_boot,
        seed=settings.seed,
        pools=pool_given(elements, settings),
    )


def pool_given(elements: pd.DataFrame, settings: IntegritySettings) -> dict[str, list[str]]:
    """The kinds of --elements as one more kind, unless there is only one."""
    if settings.elements is None:
        return {}
    kinds = [str(kind) for kind in dict.fromkeys(elements["kind"]) if kind not in settings.kinds]
    return {GIVEN: kinds} if len(kinds) > 1 else {}


def _mark_both_borders(elements: pd.DataFrame) -> list[pd.DataFrame]:
    """Tables of left and of right borders: context around both covers the element."""
    sign = np.where(elements["strand"] == "-", -1, 1)
    right = elements.assign(edge=elements["edge"] + sign * elements["width_bp"].to_numpy())
    return [elements, right]


def _keep_usable(
    elements: pd.DataFrame, usable: "np.ndarray[Any, np.dtype[np.bool_]]"
) -> tuple[pd.DataFrame, dict[str, int]]:
    if not usable.any():
        raise InputError(
            f"none of {len(elements)} elements has a value on all edges around it; wanted "
            "elements away from ends of the sequence and N: give a smaller --margin-bp or a "
            "longer sequence"
        )
    dropped = int((~usable).sum())
    if dropped:
        say(f"{PROGRAM}: {dropped} of {len(elements)} elements dropped: edges without a value")
    kept = elements[usable].reset_index(drop=True)
    return kept, count_kinds(kept)
