"""The rungs of equal letters: the same k-mer elsewhere in the genome, in the same GC.

    C3-8     the same  8 letters, 4 on each side of the anchor
    C3-10    the same 10 letters, 5 on each side
    C3-core  donors only: the same 9 letters -3..+6 around the edge

What is left of a difference between a site and such a control cannot come from these letters nor
from the GC of the 200 bp around them: only wider context differs. Without the matching on GC the
rung is fooled by base composition (docs/contracts.md).

The anchor is the edge itself for a bare edge, and the middle of a motif (edge + width // 2, 5' to
3'), so that the letters lie centred on it. A control's edge lies as far upstream of its anchor as
the site's, on either strand of the genome:

    site     5' ..[ m o t i f ]..            control  5' ..   letters   ..
                  ^edge  ^anchor                            ^edge  ^anchor

Controls are > 60 bp from every edge to keep away from, and from every site of the table, with both
borders of the motif; never in a region to avoid; and apart from each other within a kind and draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.sites.controls import ControlLadder
from ldar_interp.sites.covariates import WIDE_BP
from ldar_interp.sites.letter_matching import UNMATCHED, Seekers, match_letters
from ldar_interp.sites.letter_pools import (
    Forbidden,
    Frame,
    LetterPool,
    fill_pools,
)
from ldar_interp.sites.letter_results import (
    RUNG_LETTERS,
    MatchedPlaces,
    count_matches,
    join_controls,
    measure_matched,
)
from ldar_interp.sites.letter_search import Letters
from ldar_interp.sites.loci import AnnotatedEdges, merge_intervals
from ldar_interp.sites.placed_sites import PlacedSites, PlaceMeter, place_sites
from ldar_interp.sites.table import check_real_sites

SAME_LETTERS = tuple(RUNG_LETTERS)
CORE_RUNG = "C3-core"
CORE_KIND = "donor"
DEFAULT_GC_CALIPER = 0.05
"""Largest difference of the shares of G and C in 200 bp: 10 letters of 200.

Tuned for balance, blind to any boundary probability, on the 4 Mb of the demo region, where places
are few: from 0.02 to 0.05 the matched |SMD| of `gc_200` stays under 0.04 while the 10-letter rung
keeps half as many donors again. In a whole genome the nearest place is nearer and it hardly binds.
"""
_SAMPLED_IN_ALL = 20_000


@dataclass(frozen=True)
class _Settings:
    n_draws: int
    seed: int
    caliper: int
    kinds: dict[str, list[str]]


def build_same_letters(
    sites: pd.DataFrame,
    genome: Genome | str | Path,
    *,
    rungs: Sequence[str] = SAME_LETTERS,
    n_draws: int = 5,
    flank_bp: int = 200,
    seed: int = 0,
    caliper: float = DEFAULT_GC_CALIPER,
    avoid: pd.DataFrame | None = None,
    avoid_regions: pd.DataFrame | None = None,
    exons: pd.DataFrame | None = None,
) -> ControlLadder:
    """Find controls with the same letters around them, matched on GC in 200 bp.

    Parameters
    ----------
    sites : SiteTable; `width_bp`, where it is there and not missing, makes a row a motif. Every
        kind has one width. Several kinds are searched for together, in one pass over the genome.
    genome : the genome that the sites were made for, open or as the path of a FASTA.
    rungs : some of `SAME_LETTERS`. `C3-core` exists for the kind `donor` only; other kinds have
        no row of it anywhere.
    n_draws : draws of every rung, >= 1; 0 is the declared one.
    flank_bp : sites and controls need the bases [edge - flank, edge + flank), and 100 on each
        side of the anchor, without N.
    seed : of every random choice, >= 0. The result depends on the seed and on the set of sites,
        not on the order of the rows.
    caliper : largest difference of the shares of G and C in the 200 bp around the anchor.
    avoid : edges to keep away from, columns `chrom` and `edge`: everything annotated.
    avoid_regions : columns `chrom, start, end` (0-based, half-open): for motifs, the promoters.
    exons : columns `chrom, start, end`; if given, `exonic` is reported.

    Returns
    -------
    ControlLadder, as `controls.build_controls` makes it. In `table` a control has its site's
    `kind` and `group` but a place and strand of its own, and no gene. `balance` and the columns of
    `table` and `sites` hold the covariates of `covariates.COMPOSITION`, measured around the
    anchor, and `nearest_edge_bp` and `exonic` at the edge; only `gc_200` is matched. "Before
    matching" in `balance` are at most 20,000 places a kind and rung, drawn at random for each
    set of letters. About 60 MB for a block of the genome, and 30 bytes for each candidate kept.

    Raises
    ------
    InputError : not a SiteTable of sites, none of them, two widths in one kind, the same site
        twice, an unknown rung or one that no kind has, n_draws or flank_bp < 1, seed < 0, a caliper
        outside 0..1, a table without its columns.
    CoordinateError : a site lies on a chromosome that the genome does not have.
    """
    _check_numbers(n_draws=n_draws, flank_bp=flank_bp, seed=seed, caliper=caliper)
    given = check_real_sites(sites)
    kinds = _choose_kinds(given, rungs)
    settings = _Settings(n_draws, seed, round(caliper * 2 * WIDE_BP), kinds)
    regions = _merge_regions(avoid_regions, "avoid_regions") or {}
    exonic = _merge_regions(exons, "exons")
    frames = {kind: Frame(width, flank_bp) for kind, width in _widths(given).items()}
    with borrow_genome(genome) as opened:
        order = given.sort_values(["chrom", "edge", "strand", "kind"], kind="stable").index
        placed = place_sites(given.loc[order].reset_index(drop=True), opened, frames, seed)
        edges = [placed.borders]
        if avoid is not None:
            edges.append(_need(avoid, ("chrom", "edge"), "avoid"))
        forbidden = Forbidden(AnnotatedEdges(edges), regions)
        meter = PlaceMeter(opened, forbidden.edges, exonic)
        return _build(given, order.to_numpy(), placed, opened, frames, forbidden, meter, settings)


def _build(
    given: pd.DataFrame,
    order: NDArray[np.int64],
    placed: PlacedSites,
    genome: Genome,
    frames: dict[str, Frame],
    forbidden: Forbidden,
    meter: PlaceMeter,
    settings: _Settings,
) -> ControlLadder:
    """`build_same_letters` after its checks."""
    letters, pools, seekers = {}, {}, {}
    for rung, kinds in settings.kinds.items():
        left, right = RUNG_LETTERS[rung]
        code = placed.encode(left, right)
        letters[rung] = Letters(left, right, code[np.isin(placed.kind, kinds) & placed.usable])
        for kind in kinds:
            rows = placed.rows_of(kind)
            strata, stratum = np.unique(code[rows], return_inverse=True)
            seeker = Seekers(stratum.astype(np.int32), placed.gc[rows], placed.number[rows])
            seekers[rung, kind] = seeker
            pools[rung, kind] = _make_pool(frames[kind], letters[rung], strata, seeker, settings)
    fill_pools(genome, letters, pools, forbidden, settings.seed)

    chrom = placed.table["chrom"].to_numpy(dtype=object)
    site_values = meter.measure(chrom, placed.edge, placed.anchor, placed.minus)
    site_values[~placed.usable] = np.nan
    tables, balances = [], []
    counts: dict[str, dict[str, dict[str, float]]] = {}
    parts = []
    for (rung, kind), pool in pools.items():
        seeker, candidates = seekers[rung, kind], pool.gather()
        apart = 2 * max(*RUNG_LETTERS[rung], pool.frame.width - pool.frame.shift)
        found = [
            match_letters(seeker, candidates, caliper=settings.caliper, apart_bp=apart, draw=draw)
            for draw in range(settings.n_draws)
        ]
        parts.append(MatchedPlaces(candidates, found, pool.frame))
    measured = measure_matched(parts, genome, meter)
    for ((rung, kind), pool), part, places in zip(pools.items(), parts, measured, strict=True):
        rows, seeker, draws = placed.rows_of(kind), seekers[rung, kind], part.found
        counts.setdefault(rung, {})[kind] = count_matches(
            placed, kind, seeker, part.candidates, draws[0], pool
        )
        tables += [
            places.tabulate(placed, rows, index, rung, draw) for draw, index in enumerate(draws)
        ]
        balances.append(
            places.compare(rung, kind, site_values[rows], seeker, draws[0], meter.names)
        )
    covariates = pd.DataFrame(site_values, columns=list(meter.names), index=order).sort_index()
    plain = given.drop(columns=list(meter.names), errors="ignore")
    return ControlLadder(
        table=join_controls(tables),
        balance=pd.concat(balances, ignore_index=True),
        counts=counts,
        sites=pd.concat([plain, covariates], axis=1),
    )


def _make_pool(
    frame: Frame,
    letters: Letters,
    strata: NDArray[np.int64],
    seeker: Seekers,
    settings: _Settings,
) -> LetterPool:
    """An empty pool that knows which places its sites could use."""
    stratum_of = np.full(len(letters.codes), UNMATCHED, dtype=np.int32)
    stratum_of[np.searchsorted(letters.codes, strata)] = np.arange(len(strata), dtype=np.int32)
    allowed = np.zeros((len(strata), 2 * WIDE_BP + 1), dtype=bool)
    for shift in range(-settings.caliper, settings.caliper + 1):
        gc = seeker.gc + shift
        inside = (gc >= 0) & (gc <= 2 * WIDE_BP)
        allowed[seeker.stratum[inside], gc[inside]] = True
    # Enough for every site of the stratum, and for repeat draws to differ.
    n_kept = 2 * np.bincount(seeker.stratum, minlength=len(strata)) + 4 * settings.n_draws
    n_sampled = max(1, _SAMPLED_IN_ALL // max(1, len(strata)))
    return LetterPool(frame, stratum_of, allowed, n_kept, n_sampled)


def _check_numbers(*, n_draws: int, flank_bp: int, seed: int, caliper: float) -> None:
    for name, value, least in (
        ("n_draws", n_draws, 1),
        ("flank_bp", flank_bp, 1),
        ("seed", seed, 0),
    ):
        if value < least:
            raise InputError(f"{name} {value}; wanted a whole number >= {least}")
    if not 0 <= caliper <= 1:
        raise InputError(f"caliper {caliper}; wanted 0 to 1, a difference of two shares of G and C")


def _choose_kinds(sites: pd.DataFrame, rungs: Sequence[str]) -> dict[str, list[str]]:
    """Kinds of each rung that has any, in the order of `SAME_LETTERS`."""
    unknown = [rung for rung in rungs if rung not in SAME_LETTERS]
    if unknown or not rungs or len(set(rungs)) < len(rungs):
        raise InputError(
            f"rungs {tuple(rungs)}; wanted some of {', '.join(SAME_LETTERS)}, each once"
        )
    kinds = sorted(set(sites["kind"]))
    chosen = {
        rung: [kind for kind in kinds if rung != CORE_RUNG or kind == CORE_KIND]
        for rung in SAME_LETTERS
        if rung in rungs
    }
    chosen = {rung: names for rung, names in chosen.items() if names}
    if not chosen:
        raise InputError(f"rung {CORE_RUNG} is for donors and sites hold none; leave it out")
    return chosen


def _widths(sites: pd.DataFrame) -> dict[str, int]:
    """Width of each kind, 0 for bare edges."""
    widths: dict[str, int] = {}
    for kind, rows in sites.groupby("kind", sort=True):
        found = {0}
        if "width_bp" in sites.columns:
            found = set(rows["width_bp"].astype("Int64").fillna(0).astype(int))
        if len(found) > 1 or min(found) < 0:
            raise InputError(
                f"sites of kind {kind!r} have the widths {', '.join(map(str, sorted(found)))} bp; "
                "wanted one width >= 0 in a kind: name kinds by motif"
            )
        widths[str(kind)] = found.pop()
    return widths


def _need(table: pd.DataFrame, columns: tuple[str, ...], name: str) -> pd.DataFrame:
    if not set(columns) <= set(table.columns):
        raise InputError(
            f"{name} has columns {', '.join(map(str, table.columns))}; wanted {', '.join(columns)}"
        )
    return table


def _merge_regions(table: pd.DataFrame | None, name: str) -> dict[str, NDArray[np.int64]] | None:
    """Sorted, disjoint intervals of each chromosome; None stays None."""
    if table is None:
        return None
    rows = _need(table, ("chrom", "start", "end"), name)
    return {
        str(chrom): merge_intervals(part[["start", "end"]].to_numpy(dtype=np.int64))
        for chrom, part in rows.groupby("chrom", sort=True)
    }
