"""Scores of alleles by one model: log-odds where one letter changes, change of p for all.

What has no score keeps its row, with a `note` that says why. Nothing is filled in from elsewhere:
an indel or an exchange of several letters has no log-odds of a single masked base, and what lies
near an end of the sequence or an N has none either.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.boundaries.variant_change import BoundaryChange, measure_change, reads_letters
from ldar_interp.boundaries.variant_windows import Allele
from ldar_interp.genome.alphabet import encode
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.context_counts import ContextOdds
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.sites.vcf import USABLE
from ldar_interp.variants.odds import predict_bases
from ldar_interp.variants.settings import PROGRAM, VariantSettings

SUBSTITUTION, SEVERAL, INDEL = "substitution", "several letters", "indel"
NO_ODDS = {
    SEVERAL: "several letters change: no log-odds",
    INDEL: "indel: no log-odds",
}
NEAR_END = "within the margin of an end of the sequence or an N"
CUT = "window cut at an end of the sequence or an N"
SOME_EDGES = "some edges have no value"
NO_EDGES = "no edge with a value"
SLIDES = "the indel can slide over more than half a window"
CHUNK = 4096
"""Alleles whose windows are in memory at once."""


def list_alleles(table: pd.DataFrame) -> list[Allele]:
    """The usable rows of `Variants.table`, in order."""
    rows = table[table["status"] == USABLE]
    fields = ("chrom", "start", "end", "inserted", "first", "last")
    columns = [rows[name].tolist() for name in fields]
    return [
        Allele(chrom, int(start), int(end), inserted, int(first), int(last))
        for chrom, start, end, inserted, first, last in zip(*columns, strict=True)
    ]


def name_kind(allele: Allele) -> str:
    """What an allele does: exchange one letter, several, or change the length."""
    if allele.growth:
        return INDEL
    return SUBSTITUTION if len(allele.inserted) == 1 else SEVERAL


def score_letters(genome: Genome, alleles: list[Allele], counts: ContextOdds) -> pd.Series:
    """Log-odds by letters alone (nats); NaN but for substitutions with letters on both sides."""
    values = [
        counts.score(genome, a.chrom, a.start, *_ids(genome, a))
        if name_kind(a) == SUBSTITUTION
        else np.nan
        for a in alleles
    ]
    return pd.Series(values, dtype=np.float64)


def score_alleles(
    model: LDARNet,
    genome: Genome,
    alleles: list[Allele],
    settings: VariantSettings,
    *,
    window_bp: int,
    margin_bp: int,
    workers: int,
    name: str,
) -> pd.DataFrame:
    """Scores of usable alleles, a row each: `kind`, the score columns of docs/contracts.md, `note`.

    `delta_p_edge` is an edge on the + strand without the variant. Progress goes to stderr.
    """
    parts = []
    for begin in range(0, len(alleles), CHUNK):
        chunk = alleles[begin : begin + CHUNK]
        where = f"{PROGRAM}: {name}"
        if len(alleles) > CHUNK:
            where += f", alleles {begin + 1} to {begin + len(chunk)} of {len(alleles)}"
        odds, lengths = _score_odds(
            model, genome, chunk, settings, window_bp, margin_bp, workers, where
        )
        change = None
        if reads_letters(model):
            change = measure_change(
                model,
                genome,
                chunk,
                reach_bp=settings.reach_bp,
                strands=settings.strands,
                window_bp=window_bp,
                margin_bp=margin_bp,
                dtype=settings.dtype,
                workers=workers,
                progress=f"{where}: change of p",
            )
            lengths = np.minimum(lengths, change.window_bp)
        parts.append(_tabulate(chunk, odds, change, lengths, window_bp))
    return pd.concat(parts, ignore_index=True)


def _score_odds(
    model: LDARNet,
    genome: Genome,
    alleles: list[Allele],
    settings: VariantSettings,
    window_bp: int,
    margin_bp: int,
    workers: int,
    where: str,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Log-odds (n, n_strands), NaN where there are none, and bases of the shortest window (n,)."""
    odds = np.full((len(alleles), len(settings.strands)), np.nan)
    lengths = np.full(len(alleles), window_bp, dtype=np.int64)
    rows = [i for i, allele in enumerate(alleles) if name_kind(allele) == SUBSTITUTION]
    places = {(alleles[i].chrom, alleles[i].start): None for i in rows}
    if not rows:
        return odds, lengths
    number = {place: n for n, place in enumerate(places)}
    found = predict_bases(
        model,
        genome,
        list(places),
        strands=settings.strands,
        window_bp=window_bp,
        margin_bp=margin_bp,
        dtype=settings.dtype,
        workers=workers,
        progress=f"{where}: log-odds",
    )
    for i in rows:
        n = number[alleles[i].chrom, alleles[i].start]
        ref, alt = _ids(genome, alleles[i])
        odds[i] = found.logits[n, :, alt] - found.logits[n, :, ref]
        lengths[i] = found.window_bp[n]
    return odds, lengths


def _tabulate(
    alleles: list[Allele],
    odds: NDArray[np.float64],
    change: BoundaryChange | None,
    lengths: NDArray[np.int64],
    window_bp: int,
) -> pd.DataFrame:
    n = len(alleles)
    kinds = [name_kind(allele) for allele in alleles]
    edge = pd.array([pd.NA] * n, dtype="Int64")
    if change is not None:
        edge = pd.array(np.where(change.edge >= 0, change.edge, 0), dtype="Int64")
        edge[change.edge < 0] = pd.NA
    table = pd.DataFrame(
        {
            "kind": kinds,
            "log_odds": odds.mean(axis=1),
            "log_odds_forward": odds[:, 0],
            "log_odds_reverse": odds[:, 1] if odds.shape[1] > 1 else np.nan,
            "delta_p": np.full(n, np.nan) if change is None else change.delta,
            "delta_p_edge": edge,
        }
    )
    scored = table[["log_odds", "delta_p"]].notna().any(axis=1).to_numpy()
    table["window_bp"] = pd.array(lengths, dtype="Int64")
    table.loc[~scored, "window_bp"] = pd.NA
    notes = []
    for i, kind in enumerate(kinds):
        note = [NO_ODDS[kind]] if kind in NO_ODDS else []
        if kind == SUBSTITUTION and np.isnan(table.at[i, "log_odds"]):
            note.append(NEAR_END)
        elif alleles[i].last - alleles[i].first > window_bp // 2:
            note.append(SLIDES)
        elif change is not None and not change.n_valued[i]:
            note.append(NO_EDGES if change.window_bp[i] == window_bp else NEAR_END)
        elif lengths[i] < window_bp:
            note.append(CUT)
        if change is not None and 0 < change.n_valued[i] < change.n_edges[i]:
            note.append(SOME_EDGES)
        notes.append("; ".join(note))
    return table.assign(note=notes)


def _ids(genome: Genome, allele: Allele) -> tuple[int, int]:
    """Ids of the one letter before and after."""
    ref = int(genome.fetch(allele.chrom, allele.start, allele.end)[0])
    return ref, int(encode(allele.inserted)[0])
