"""The control ladder of motif hits in promoters.

- C0: a random other position of the same promoter, on the strand of the hit, that no hit of the
  motif overlaps. Remains: anything that tells motif from promoter sequence, composition included.
- C1: a hit of the motif with its columns shuffled (`column_shuffle`), as rich in every letter and
  as rare. Taken in the same promoter if there is one, else within 1 kb of its window, else in
  another promoter, where the hit lies most like its site from the transcription start (same strand
  of the gene first). The same promoter comes first because it shares everything that is not the
  motif; but at 1e-4 a matrix hits one promoter in 14, so most pairs come from farther away: each
  way is counted.
- C2: a hit of the same matrix outside promoters, matched on score, GC and CpG o/e on each side, GC
  around and soft mask. Remains: what being in a promoter adds to the word.

A control bears its site's `group`, wherever it lies. Within a rung, kind and draw a site has at
most one control and a control at most one site; draw 0 is the declared one. In C1 every draw
shuffles anew. What cannot be matched is counted with its reason.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.genome.intervals import Interval, offset_of_edge
from ldar_interp.sites.balance import measure_balance
from ldar_interp.sites.controls import NO_FLANK, RUNGS, ControlLadder
from ldar_interp.sites.covariates import WIDE_BP
from ldar_interp.sites.loci import AnnotatedEdges
from ldar_interp.sites.motif_choices import (
    Measured,
    Picks,
    choose_background,
    choose_positions,
    choose_shuffled,
)
from ldar_interp.sites.motif_places import MOTIF_COVARIATES, Places, measure_places
from ldar_interp.sites.motif_pools import (
    Search,
    pool_background,
    pool_positions,
    pool_shuffled,
)
from ldar_interp.sites.promoter_motifs import PromoterMotifs
from ldar_interp.sites.score_distribution import UNITS_PER_BIT, MotifScores, score_motif
from ldar_interp.sites.table import check_sites, make_site_ids

MOTIF_CALIPER = 1.25
"""Tighter than for splice sites: promoters are richer in GC and CpG than most of the genome. On
GRCh38 chr20:0-7 Mb it kept 55 % of the hits of 41 motifs with the largest |SMD| of a motif at 0.09
(median); 2.25 kept 87 % at 0.25. More background than 7 Mb keeps more."""

_COLUMNS = (
    "site_id", "chrom", "edge", "strand", "kind", "set", "group", "matched_to", "draw",
    "width_bp", "score", "p_value", "accession",
)  # fmt: skip
_CARRIED = ("gene_id", "gene_name")


@dataclass(frozen=True)
class _Plan:
    rungs: tuple[str, ...]
    n_draws: int
    seed: int
    flank_bp: int
    caliper: float


@dataclass
class _Rung:
    """A rung's candidates and, by number of the motif, what was picked among them."""

    pool: Measured
    picks: dict[int, Picks] = field(default_factory=dict)


def build_motif_controls(
    found: PromoterMotifs,
    genome: Genome | str | Path,
    *,
    known: pd.DataFrame,
    sites: pd.DataFrame | None = None,
    background: Sequence[Interval] | None = None,
    rungs: Sequence[str] = RUNGS,
    n_draws: int = 5,
    flank_bp: int = 200,
    seed: int = 0,
    caliper: float = MOTIF_CALIPER,
) -> ControlLadder:
    """Build the rungs C0, C1 and C2 for motif hits in promoters.

    Parameters
    ----------
    found : the hits, with the windows and matrices that they came from.
    genome : the genome that was scanned.
    known : all known transcription starts, `chrom, edge` (`Promoters.known`); those of the windows
        are added. C2 keeps away from them.
    sites : the rows of `found.hits` to build controls for; None: all. Controls keep away from all
        hits in any case.
    background : where C2 looks, less what is near a start; None: the whole genome. A human genome
        takes minutes for 40 motifs, so a few Mb are a good beginning.
    rungs, n_draws, seed : as in `build_controls`.
    caliper : largest distance of a C2 pair, as in `build_controls`.
    flank_bp : sites and candidates need the bases [edge - flank, edge + flank) without N. At least
        100 are asked for in any case, because the covariates reach that far.

    Returns
    -------
    ControlLadder, as `build_controls` returns it. Covariates are those of
    `motif_places.MOTIF_COVARIATES`. `score` and `p_value` of a control are by the matrix that found
    it (C1: the shuffled one), `strength` is by the motif's own.

    Raises
    ------
    InputError : sites that are not among the hits, no site, an unknown rung, n_draws < 1,
        flank_bp shorter than a motif, seed < 0, caliper <= 0, `known` without its columns, a
        background that lies in promoters.
    CoordinateError : a background that the genome does not have.
    """
    plan = _Plan(tuple(rungs), n_draws, seed, max(flank_bp, WIDE_BP), caliper)
    given = check_sites(found.hits if sites is None else sites)
    _check_arguments(found, given, known, plan)
    with borrow_genome(genome) as opened:
        return _build(found, given, opened, known, background, plan)


def _build(
    found: PromoterMotifs,
    given: pd.DataFrame,
    genome: Genome,
    known: pd.DataFrame,
    background: Sequence[Interval] | None,
    plan: _Plan,
) -> ControlLadder:
    order = given.sort_values(["chrom", "edge", "strand", "kind"], kind="stable").index.to_numpy()
    table = given.iloc[order].reset_index(drop=True)
    motifs = [score_motif(motif, found.scoring) for motif in found.scanned]
    starts = found.windows[["chrom", "tss_edge"]].rename(columns={"tss_edge": "edge"})
    starts = pd.concat([known[["chrom", "edge"]], starts], ignore_index=True).drop_duplicates()
    annotated = AnnotatedEdges([starts])
    hits = _as_places(found.hits, found, genome)
    search = Search(genome, found.windows, motifs, hits, starts, found.scoring, plan.seed)

    def measure(places: Places) -> Measured:
        values = measure_places(genome, places, motifs, annotated, plan.flank_bp)
        return Measured(places, values, *_orient(places, found.windows))

    measured = measure(_as_places(table, found, genome))
    usable = ~np.isnan(measured.values).any(axis=1)
    numbers = np.unique(measured.places.motif).tolist()
    rows_of = {n: np.flatnonzero((measured.places.motif == n) & usable) for n in numbers}
    built: dict[str, _Rung] = {}
    for rung in plan.rungs:
        built[rung] = _fill_rung(rung, search, measured, usable, rows_of, measure, background, plan)
    for number in numbers:
        n_sites = int((measured.places.motif == number).sum())
        for filled in built.values():
            counts = filled.picks[number].counts
            counts["sites"] = n_sites
            counts[f"unmatched: {NO_FLANK}"] = n_sites - len(rows_of[number])
    covariates = pd.DataFrame(measured.values, columns=list(MOTIF_COVARIATES), index=order)
    kept = given.drop(columns=list(MOTIF_COVARIATES), errors="ignore")
    return ControlLadder(
        table=_assemble(built, table, search),
        balance=_measure_balance(built, measured, rows_of, motifs),
        counts=_finish_counts(built, motifs),
        sites=pd.concat([kept, covariates.sort_index()], axis=1),
    )


def _fill_rung(
    rung: str,
    search: Search,
    sites: Measured,
    usable: NDArray[np.bool_],
    rows_of: dict[int, NDArray[np.int64]],
    measure: Callable[[Places], Measured],
    background: Sequence[Interval] | None,
    plan: _Plan,
) -> _Rung:
    numbers = list(rows_of)
    if rung == "C0":
        pool = measure(pool_positions(search, sites.places.select(usable)))
    elif rung == "C1":
        shuffled = pool_shuffled(search, numbers, plan.n_draws)
        pool = measure(shuffled.places)
    else:
        outside, n_found = pool_background(search, numbers, background)
        pool = measure(outside)
    filled = _Rung(pool)
    clean = ~np.isnan(pool.values).any(axis=1)
    for number, rows in rows_of.items():
        own = pool.places.motif == number
        at = np.flatnonzero(own & clean)
        accession = search.motifs[number].motif.accession
        if rung == "C0":
            picks = choose_positions(
                rows, sites, at, pool,
                names=search.windows["tss_id"].to_numpy(dtype=object),
                accession=accession, n_draws=plan.n_draws, seed=plan.seed,
            )  # fmt: skip
        elif rung == "C1":
            picks = choose_shuffled(
                rows, sites, at, pool,
                draw_of=shuffled.draw, in_window=shuffled.in_window,
                has_shuffle=number not in shuffled.no_shuffle,
                accession=accession, n_draws=plan.n_draws, seed=plan.seed,
            )  # fmt: skip
        else:
            picks = choose_background(
                rows, sites, at, pool,
                caliper=plan.caliper, accession=accession, n_draws=plan.n_draws, seed=plan.seed,
            )  # fmt: skip
            picks.counts["candidates seen"] = n_found[number]
            picks.counts["candidates dropped: beyond the sample"] = n_found[number] - int(own.sum())
        dropped = int((own & ~clean).sum())
        picks.counts["candidates dropped: flank leaves the sequence or holds N"] = dropped
        filled.picks[number] = picks
    return filled


def _as_places(hits: pd.DataFrame, found: PromoterMotifs, genome: Genome) -> Places:
    """Rows of a table of hits as places, in the same order."""
    numbers = {motif.accession: i for i, motif in enumerate(found.scanned)}
    chroms = {chrom: i for i, chrom in enumerate(genome.chroms)}
    windows = pd.Index(found.windows["tss_id"])
    return Places(
        motif=hits["accession"].map(numbers).to_numpy(dtype=np.int64),
        chrom=hits["chrom"].map(chroms).to_numpy(dtype=np.int64),
        edge=hits["edge"].to_numpy(dtype=np.int64),
        is_minus=(hits["strand"] == "-").to_numpy(dtype=bool),
        units=np.rint(hits["score"].to_numpy() * UNITS_PER_BIT).astype(np.int64),
        window=windows.get_indexer(hits["tss_id"]).astype(np.int64),
    )


def _orient(places: Places, windows: pd.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Offset from the start of each place's promoter, and whether its strand is not the gene's."""
    has_window = places.window >= 0
    at = np.maximum(places.window, 0)
    strand = windows["strand"].to_numpy(dtype=object)[at]
    tss = windows["tss_edge"].to_numpy(dtype=np.int64)[at]
    offset = np.where(has_window, offset_of_edge(places.edge, tss, strand), 0)
    return offset, has_window & (places.is_minus != (strand == "-"))


def _assemble(built: dict[str, _Rung], table: pd.DataFrame, search: Search) -> pd.DataFrame:
    """All controls as a SiteTable, sorted by rung, draw and site."""
    carried = [name for name in _CARRIED if name in table.columns]
    chroms = np.array(search.genome.chroms, dtype=object)
    frames = []
    for rung, filled in built.items():
        gathered = [picks.gather() for picks in filled.picks.values()]
        draw, rows, at = (
            np.concatenate([np.empty(0, dtype=np.int64), *(part[i] for part in gathered)])
            for i in range(3)
        )
        order = np.lexsort((rows, draw))
        draw, rows, at = draw[order], rows[order], at[order]
        chosen, values = filled.pool.places.select(at), filled.pool.values[at]
        units = chosen.units if rung != "C0" else np.rint(values[:, 0] * UNITS_PER_BIT)
        frame = table[["kind", "group", "width_bp", "accession", *carried]].iloc[rows]
        frame = frame.reset_index(drop=True).assign(
            chrom=chroms[chosen.chrom],
            edge=chosen.edge,
            strand=np.where(chosen.is_minus, "-", "+"),
            set=rung,
            matched_to=table["site_id"].iloc[rows].to_numpy(),
            draw=draw,
            score=units / UNITS_PER_BIT,
            p_value=_find_p_values(chosen.motif, units.astype(np.int64), search.motifs),
        )
        covariates = pd.DataFrame(values, columns=list(MOTIF_COVARIATES))
        frames.append(pd.concat([frame, covariates], axis=1))
    joined = pd.concat(frames, ignore_index=True)
    joined["site_id"] = make_site_ids(joined)
    return check_sites(joined[[*_COLUMNS, *carried, *MOTIF_COVARIATES]], name="controls")


def _find_p_values(
    motif: NDArray[np.int64], units: NDArray[np.int64], motifs: Sequence[MotifScores]
) -> NDArray[np.float64]:
    # A shuffled matrix has the motif's own distribution: its columns are the same.
    result = np.empty(len(motif))
    for number in np.unique(motif).tolist():
        rows = motif == number
        result[rows] = motifs[number].p_values(units[rows])
    return result


def _measure_balance(
    built: dict[str, _Rung],
    sites: Measured,
    rows_of: dict[int, NDArray[np.int64]],
    motifs: Sequence[MotifScores],
) -> pd.DataFrame:
    parts = []
    for rung, filled in built.items():
        for number, picks in filled.picks.items():
            draw, rows, at = picks.gather()
            parts.append(
                measure_balance(
                    motifs[number].motif.name,
                    rung,
                    MOTIF_COVARIATES,
                    sites=sites.values[rows_of[number]],
                    pool=picks.moments,
                    matched_sites=sites.values[rows[draw == 0]],
                    matched_controls=filled.pool.values[at[draw == 0]],
                )
            )
    return pd.concat(parts, ignore_index=True)


def _finish_counts(
    built: dict[str, _Rung], motifs: Sequence[MotifScores]
) -> dict[str, dict[str, dict[str, float]]]:
    """Counts by rung and kind, reasons in alphabetical order, without those that are zero."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for rung, filled in built.items():
        for number, picks in filled.picks.items():
            counts = picks.counts
            entry: dict[str, float] = {"sites": counts["sites"], "matched": counts["matched"]}
            entry["unmatched"] = counts["sites"] - counts["matched"]
            entry["share_unmatched"] = entry["unmatched"] / counts["sites"]
            entry |= {name: counts[name] for name in sorted(counts) if counts[name]} | entry
            result.setdefault(rung, {})[motifs[number].motif.name] = entry
    return result


def _check_arguments(
    found: PromoterMotifs, sites: pd.DataFrame, known: pd.DataFrame, plan: _Plan
) -> None:
    unknown = [rung for rung in plan.rungs if rung not in RUNGS]
    if unknown or not plan.rungs or len(set(plan.rungs)) < len(plan.rungs):
        raise InputError(f"rungs {plan.rungs}; wanted some of {', '.join(RUNGS)}, each once")
    for name, value, least in (("n_draws", plan.n_draws, 1), ("seed", plan.seed, 0)):
        if value < least:
            raise InputError(f"{name} {value}; wanted a whole number >= {least}")
    if not plan.caliper > 0:
        raise InputError(f"caliper {plan.caliper}; wanted > 0, in standard deviations")
    if not {"chrom", "edge"} <= set(known.columns):
        raise InputError(
            f"known has columns {', '.join(map(str, known.columns))}; wanted chrom and edge"
        )
    if sites.empty:
        raise InputError("no motif hits; wanted at least one: scan more promoters or motifs")
    strange = sites[~sites["site_id"].isin(found.hits["site_id"])]
    if len(strange):
        raise InputError(
            f"site {strange['site_id'].iloc[0]!r} is not among the hits ({len(strange)} such "
            "rows); wanted rows of found.hits"
        )
    longest = max(found.scanned, key=lambda motif: motif.width)
    if longest.width > plan.flank_bp:
        raise InputError(
            f"flank_bp {plan.flank_bp} is shorter than the motif {longest.name} "
            f"({longest.width} bp); wanted a longer flank: both borders must lie in it"
        )
