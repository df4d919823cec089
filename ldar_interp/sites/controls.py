"""The control ladder: for every splice site, edges that share more and more with it.

- C0: edges of the same gene, half in exons and half in introns, > 30 bp from annotated edges.
- C1: edges of the same gene and strand with the same two letters in the same place (the GT after
  a donor edge, the AG before an acceptor edge; a GC or AT donor gets GC or AT), > 60 bp from any
  annotated edge of either strand.
- C2: C1 matched on site strength, GC and CpG o/e on each side, GC around and soft mask.

Each site has at most one control per rung and draw, and within a rung, kind and draw no control
serves two sites. Draw 0 is the declared one; further draws show how much the choice matters.
What cannot be matched is counted with its reason and never replaced by something else. An exon
under 62 bp has no edge that is > 30 bp from both its ends: if a gene's exons run out, the sites
that should have had an exonic control in C0 stay without one.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.sites.balance import PoolMoments, measure_balance
from ldar_interp.sites.candidates import OrientedStretch, Pool, find_pool, read_stretches
from ldar_interp.sites.covariates import MATCHED, REPORTED, WIDE_BP
from ldar_interp.sites.loci import AnnotatedEdges, Locus, find_loci
from ldar_interp.sites.measured_sites import MeasuredSites, group_rows, measure_sites
from ldar_interp.sites.rungs import (
    Choice,
    choose_half_exonic,
    choose_matched,
    choose_random,
    make_generator,
)
from ldar_interp.sites.strength import STRENGTH_WINDOWS
from ldar_interp.sites.table import SITE, check_sites, make_site_ids

if TYPE_CHECKING:
    from ldar_interp.genome.fasta import Genome
    from ldar_interp.sites.gencode import SpliceAnnotation

RUNGS = ("C0", "C1", "C2")
KEEP_AWAY_BP = {"C0": 30, "C1": 60, "C2": 60}
NO_FLANK = "flank leaves the sequence or holds N"
NO_GENE = "the annotation has no gene of this group and strand here"


@dataclass(frozen=True)
class ControlLadder:
    """What `build_controls` returns.

    Attributes
    ----------
    table : SiteTable of controls. `set` is the rung; `kind`, `strand` and `group` (and `gene_id`,
        `gene_name` where given) are those of the site named in `matched_to`; `draw` counts from 0;
        the covariates of `covariates.REPORTED` stand in columns of those names.
    balance : `kind, control, covariate, smd_before, smd_after, variance_ratio, flagged` of draw 0
        (see `balance.measure_balance`).
    counts : rung -> kind -> what was kept and dropped, with reasons. `sites`, `matched`,
        `unmatched: <reason>` and `share_unmatched` are of draw 0.
    sites : the input with the same covariates as columns; NaN where the window of a site leaves
        the sequence or holds N.
    """

    table: pd.DataFrame
    balance: pd.DataFrame
    counts: dict[str, dict[str, dict[str, float]]]
    sites: pd.DataFrame


@dataclass
class _Tally:
    """What one rung and kind gathers over all genes."""

    pool: PoolMoments = field(default_factory=PoolMoments)
    counts: Counter[str] = field(default_factory=Counter)
    parts: list[tuple[int, NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]] = field(
        default_factory=list
    )

    def add(self, draw: int, rows: NDArray[np.int64], pool: Pool, choice: Choice) -> None:
        """Keep the controls of a draw; for draw 0, count why others are missing."""
        found = choice.index >= 0
        at = choice.index[found]
        self.parts.append((draw, rows[found], pool.edges[at], pool.values[at]))
        if draw == 0:
            self.counts["matched"] += int(found.sum())
            for reason, number in choice.unmatched.items():
                self.counts[f"unmatched: {reason}"] += number

    def pairs(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Rows of the matched sites of draw 0 and the covariates of their controls."""
        first = [part for part in self.parts if part[0] == 0]
        rows = [np.empty(0, dtype=np.int64), *(part[1] for part in first)]
        values = [np.empty((0, len(REPORTED))), *(part[3] for part in first)]
        return np.concatenate(rows), np.concatenate(values)


@dataclass(frozen=True)
class _Plan:
    rungs: tuple[str, ...]
    n_draws: int
    seed: int
    flank_bp: int
    caliper: float


def build_controls(
    sites: pd.DataFrame,
    genome: "Genome",
    *,
    annotation: "SpliceAnnotation | None" = None,
    rungs: Sequence[str] = RUNGS,
    n_draws: int = 5,
    flank_bp: int = 200,
    seed: int = 0,
    caliper: float = 1.0,
    avoid: pd.DataFrame | None = None,
) -> ControlLadder:
    """Build the rungs C0, C1 and C2 for donors and acceptors.

    Parameters
    ----------
    sites : SiteTable of donors and acceptors, one row for each chrom, edge, strand and kind.
    genome : the genome that the sites were made for.
    annotation : genes, exons and edges. Without it they are read off the sites themselves (see
        `loci`), and a site that is not in the table cannot be kept away from.
    rungs : which of C0, C1, C2.
    n_draws : draws of every rung, >= 1.
    flank_bp : sites and candidates need the bases [edge - flank, edge + flank) without N. At least
        100 are asked for in any case, because the covariates reach that far.
    seed : of every random choice, >= 0. The result depends on the seed and on the set of sites,
        not on the order of the rows.
    caliper : largest distance of a C2 pair, in the units of `scale_covariates`.
    avoid : more edges to keep away from, columns `chrom` and `edge`.

    Returns
    -------
    ControlLadder. One gene at a time is in memory.

    Raises
    ------
    InputError : not a SiteTable of donors and acceptors only, the same site twice, an unknown
        rung, n_draws < 1, flank_bp < 1, seed < 0, caliper <= 0, `avoid` without its columns.
    CoordinateError : a site lies on a chromosome that the genome does not have.
    """
    plan = _Plan(tuple(rungs), n_draws, seed, max(flank_bp, WIDE_BP), caliper)
    _check_arguments(plan, flank_bp, avoid)
    given = _check_splice_sites(sites)
    order = given.sort_values(["chrom", "edge", "strand", "kind"], kind="stable").index.to_numpy()
    table = given.iloc[order].reset_index(drop=True)
    annotated = _gather_edges(table, annotation, avoid)
    rows_of = group_rows(table)
    loci = {key: locus for key, locus in find_loci(table, annotation).items() if key in rows_of}
    measured = measure_sites(table, genome, loci, annotated, plan.flank_bp)

    kinds = [kind for kind in STRENGTH_WINDOWS if (table["kind"] == kind).any()]
    tallies = {(rung, kind): _Tally() for rung in plan.rungs for kind in kinds}
    weights = {kind: scale_covariates(measured.values[measured.rows_of(kind)]) for kind in kinds}
    for key, rows in rows_of.items():
        stretches = read_stretches(genome, loci[key], plan.flank_bp) if key in loci else []
        for kind in kinds:
            mine = rows[(table["kind"] == kind).to_numpy()[rows]]
            usable = mine[measured.usable[mine]]
            for rung in plan.rungs:
                counts = tallies[rung, kind].counts
                counts["sites"] += len(mine)
                counts[f"unmatched: {NO_FLANK}"] += len(mine) - len(usable)
                counts[f"unmatched: {NO_GENE}"] += len(usable) if key not in loci else 0
            if key in loci and len(usable):
                gene = _Gene(loci[key], stretches, annotated, kind, usable, weights[kind])
                _fill_gene(gene, measured, tallies, plan)

    balance = [
        _measure_rung(rung, kind, tally, measured) for (rung, kind), tally in tallies.items()
    ]
    covariates = pd.DataFrame(measured.values, columns=list(REPORTED), index=order).sort_index()
    return ControlLadder(
        table=_assemble(tallies, table),
        balance=pd.concat(balance, ignore_index=True) if balance else pd.DataFrame(),
        counts=_finish_counts(tallies),
        sites=pd.concat([given.drop(columns=list(REPORTED), errors="ignore"), covariates], axis=1),
    )


def match_controls(
    sites: pd.DataFrame,
    genome: "Genome",
    *,
    annotation: "SpliceAnnotation | None" = None,
    rungs: Sequence[str] = RUNGS,
    n_draws: int = 5,
    flank_bp: int = 200,
    seed: int = 0,
    caliper: float = 1.0,
    avoid: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The SiteTable of controls alone: `build_controls(...).table`, same arguments."""
    ladder = build_controls(
        sites,
        genome,
        annotation=annotation,
        rungs=rungs,
        n_draws=n_draws,
        flank_bp=flank_bp,
        seed=seed,
        caliper=caliper,
        avoid=avoid,
    )
    return ladder.table


def scale_covariates(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors (7,) that turn the matched covariates of one kind into distances.

    One over the standard deviation over the sites, and 1 for a covariate that is the same at every
    site: then a difference counts in its own unit. NaN rows are left out.
    """
    known = values[~np.isnan(values[:, : len(MATCHED)]).any(axis=1), : len(MATCHED)]
    if len(known) == 0:
        return np.ones(len(MATCHED))
    spread = known.std(axis=0)
    varies = np.ptp(known, axis=0) > 0
    return np.divide(1.0, spread, out=np.ones(len(MATCHED)), where=varies)


@dataclass(frozen=True)
class _Gene:
    """One kind in one locus: where its controls come from and the rows of its usable sites."""

    locus: Locus
    stretches: list[OrientedStretch]
    annotated: AnnotatedEdges
    kind: str
    rows: NDArray[np.int64]
    weights: NDArray[np.float64]


def _fill_gene(
    gene: _Gene,
    measured: MeasuredSites,
    tallies: dict[tuple[str, str], _Tally],
    plan: _Plan,
) -> None:
    """Draw the controls of one gene and kind into the tallies."""
    log_odds = measured.strength[gene.kind].log_odds(gene.locus.group)
    codes = measured.dinucleotide[gene.rows]
    strata: list[tuple[int | None, tuple[str, ...], NDArray[np.int64]]] = []
    if "C0" in plan.rungs:
        strata.append((None, ("C0",), gene.rows))
    paired = tuple(rung for rung in plan.rungs if rung != "C0")
    if paired:
        strata += [(code, paired, gene.rows[codes == code]) for code in sorted(set(codes.tolist()))]
    for code, rungs, rows in strata:
        counts: Counter[str] = Counter()
        pool = find_pool(
            gene.stretches,
            gene.locus,
            gene.annotated,
            kind=gene.kind,
            dinucleotide=code,
            keep_away_bp=KEEP_AWAY_BP[rungs[0]],
            flank_bp=plan.flank_bp,
            log_odds=log_odds,
            counts=counts,
        )
        for rung in rungs:
            tally = tallies[rung, gene.kind]
            tally.counts.update(counts)
            _add_to_pool(tally.pool, pool, len(rows), rung)
            for draw in range(plan.n_draws):
                choice = _choose(rung, draw, gene, rows, pool, measured.values, plan, str(code))
                tally.add(draw, rows, pool, choice)


def _choose(
    rung: str,
    draw: int,
    gene: _Gene,
    rows: NDArray[np.int64],
    pool: Pool,
    values: NDArray[np.float64],
    plan: _Plan,
    code: str,
) -> Choice:
    locus = gene.locus
    stratum = (rung, gene.kind, locus.chrom, locus.strand, locus.group, code)
    rng = make_generator(plan.seed, draw, *stratum)
    if rung == "C0":
        return choose_half_exonic(len(rows), pool.values[:, -1] > 0, rng)
    if rung == "C1":
        return choose_random(len(rows), len(pool), rng)
    n = len(MATCHED)
    return choose_matched(
        values[rows, :n] * gene.weights,
        pool.values[:, :n] * gene.weights,
        caliper=plan.caliper,
        draw=draw,
        rng=rng,
    )


def _add_to_pool(moments: PoolMoments, pool: Pool, n_sites: int, rung: str) -> None:
    """Weigh candidates as a random draw would: by sites, and in C0 half exonic, half intronic."""
    if rung != "C0":
        moments.add(pool.values, n_sites)
        return
    exonic = pool.values[:, -1] > 0
    moments.add(pool.values[exonic], n_sites / 2)
    moments.add(pool.values[~exonic], n_sites / 2)


def _measure_rung(rung: str, kind: str, tally: _Tally, measured: MeasuredSites) -> pd.DataFrame:
    rows = measured.rows_of(kind)
    matched, controls = tally.pairs()
    return measure_balance(
        kind,
        rung,
        REPORTED,
        sites=measured.values[rows[measured.usable[rows]]],
        pool=tally.pool,
        matched_sites=measured.values[matched],
        matched_controls=controls,
    )


def _assemble(tallies: dict[tuple[str, str], _Tally], table: pd.DataFrame) -> pd.DataFrame:
    """All controls as a SiteTable, sorted by rung, draw and site."""
    carried = ["chrom", "strand", "kind", "group"]
    carried += [name for name in ("gene_id", "gene_name") if name in table.columns]
    frames = []
    for (rung, _), tally in tallies.items():
        for draw, rows, edges, values in tally.parts:
            frame = table.loc[rows, carried].assign(edge=edges, set=rung, draw=draw, row=rows)
            frame["matched_to"] = table.loc[rows, "site_id"]
            frame[list(REPORTED)] = values
            frames.append(frame)
    columns = ["site_id", "chrom", "edge", "strand", "kind", "set", "group", "matched_to", "draw"]
    columns += [*carried[4:], *REPORTED]
    if not frames:
        types = {"edge": "int64", "draw": "int64"} | dict.fromkeys(REPORTED, "float64")
        return pd.DataFrame({name: pd.Series(dtype=types.get(name, "str")) for name in columns})
    joined = pd.concat(frames, ignore_index=True)
    joined = joined.sort_values(["set", "draw", "row"], kind="stable", ignore_index=True)
    joined["site_id"] = make_site_ids(joined)
    return check_sites(joined[columns], name="controls")


def _finish_counts(
    tallies: dict[tuple[str, str], _Tally],
) -> dict[str, dict[str, dict[str, float]]]:
    """Counts by rung and kind, reasons in alphabetical order, without those that are zero."""
    result: dict[str, dict[str, dict[str, float]]] = {}
    for (rung, kind), tally in tallies.items():
        counts = tally.counts
        entry: dict[str, float] = {"sites": counts["sites"], "matched": counts["matched"]}
        entry["unmatched"] = counts["sites"] - counts["matched"]
        entry["share_unmatched"] = entry["unmatched"] / counts["sites"]
        entry |= {
            name: counts[name] for name in sorted(counts) if name not in entry and counts[name]
        }
        result.setdefault(rung, {})[kind] = entry
    return result


def _gather_edges(
    table: pd.DataFrame, annotation: "SpliceAnnotation | None", avoid: pd.DataFrame | None
) -> AnnotatedEdges:
    tables = [table]
    if annotation is not None:
        from ldar_interp.sites.gencode import annotated_edges

        tables.append(annotated_edges(annotation))
    if avoid is not None:
        tables.append(avoid)
    return AnnotatedEdges(tables)


def _check_arguments(plan: _Plan, flank_bp: int, avoid: pd.DataFrame | None) -> None:
    unknown = [rung for rung in plan.rungs if rung not in RUNGS]
    if unknown or not plan.rungs or len(set(plan.rungs)) < len(plan.rungs):
        raise InputError(f"rungs {plan.rungs}; wanted some of {', '.join(RUNGS)}, each once")
    for name, value, least in (
        ("n_draws", plan.n_draws, 1),
        ("flank_bp", flank_bp, 1),
        ("seed", plan.seed, 0),
    ):
        if value < least:
            raise InputError(f"{name} {value}; wanted a whole number >= {least}")
    if not plan.caliper > 0:
        raise InputError(f"caliper {plan.caliper}; wanted > 0, in standard deviations")
    if avoid is not None and not {"chrom", "edge"} <= set(avoid.columns):
        raise InputError(
            f"avoid has columns {', '.join(map(str, avoid.columns))}; wanted chrom and edge"
        )


def _check_splice_sites(sites: pd.DataFrame) -> pd.DataFrame:
    checked = check_sites(sites)
    if len(checked) == 0:
        raise InputError("sites is empty; wanted at least one donor or acceptor")
    other = sorted(set(checked["kind"]) - set(STRENGTH_WINDOWS))
    if other:
        raise InputError(
            f"sites hold kind {other[0]!r}; wanted donor and acceptor: select those rows"
        )
    controls = int((checked["set"] != SITE).sum())
    if controls:
        raise InputError(f"sites hold {controls} rows that are controls; wanted set 'site' only")
    twice = checked.duplicated(["chrom", "edge", "strand", "kind"])
    if twice.any():
        raise InputError(
            f"sites hold {checked['site_id'][twice].iloc[0]!r} twice ({int(twice.sum())} such rows); "
            "wanted each chrom, edge, strand and kind once: drop duplicates"
        )
    return checked
