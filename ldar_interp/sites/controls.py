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

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.sites.balance import measure_balance
from ldar_interp.sites.candidates import read_stretches
from ldar_interp.sites.covariates import REPORTED, WIDE_BP
from ldar_interp.sites.gencode import SpliceAnnotation, annotated_edges
from ldar_interp.sites.gene_controls import Gene, Plan, Tally, fill_gene, scale_covariates
from ldar_interp.sites.loci import AnnotatedEdges, find_loci
from ldar_interp.sites.measured_sites import MeasuredSites, group_rows, measure_sites
from ldar_interp.sites.strength import STRENGTH_WINDOWS
from ldar_interp.sites.table import check_real_sites, check_sites, make_site_ids

RUNGS = ("C0", "C1", "C2")
DEFAULT_CALIPER = 2.25
"""Keeps 85 to 95 % of human sites with every matched |SMD| under 0.1 (see `gene_controls`)."""
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


def build_controls(
    sites: pd.DataFrame,
    genome: Genome | str | Path,
    *,
    annotation: SpliceAnnotation | None = None,
    rungs: Sequence[str] = RUNGS,
    n_draws: int = 5,
    flank_bp: int = 200,
    seed: int = 0,
    caliper: float = DEFAULT_CALIPER,
    avoid: pd.DataFrame | None = None,
) -> ControlLadder:
    """Build the rungs C0, C1 and C2 for donors and acceptors.

    Parameters
    ----------
    sites : SiteTable of donors and acceptors, one row for each chrom, edge, strand and kind.
    genome : the genome that the sites were made for, open or as the path of a FASTA.
    annotation : genes, exons and edges. Without it they are read off the sites themselves (see
        `loci`), and a site that is not in the table cannot be kept away from.
    rungs : which of C0, C1, C2.
    n_draws : draws of every rung, >= 1.
    flank_bp : sites and candidates need the bases [edge - flank, edge + flank) without N. At least
        100 are asked for in any case, because the covariates reach that far.
    seed : of every random choice, >= 0. The result depends on the seed and on the set of sites,
        not on the order of the rows.
    caliper : largest distance of a C2 pair: the square root of the sum of squared differences in
        weighted standard deviations (`gene_controls.MATCHING_WEIGHTS`).
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
    plan = Plan(tuple(rungs), n_draws, seed, max(flank_bp, WIDE_BP), caliper)
    _check_arguments(plan, flank_bp, avoid)
    checked = _check_splice_sites(sites)
    with borrow_genome(genome) as opened:
        return _build(checked, opened, annotation, avoid, plan)


def match_controls(
    sites: pd.DataFrame,
    genome: Genome | str | Path,
    *,
    annotation: SpliceAnnotation | None = None,
    rungs: Sequence[str] = RUNGS,
    n_draws: int = 5,
    flank_bp: int = 200,
    seed: int = 0,
    caliper: float = DEFAULT_CALIPER,
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


def _build(
    given: pd.DataFrame,
    genome: Genome,
    annotation: SpliceAnnotation | None,
    avoid: pd.DataFrame | None,
    plan: Plan,
) -> ControlLadder:
    """`build_controls` after its checks."""
    order = given.sort_values(["chrom", "edge", "strand", "kind"], kind="stable").index.to_numpy()
    table = given.iloc[order].reset_index(drop=True)
    annotated = _gather_edges(table, annotation, avoid)
    rows_of = group_rows(table)
    loci = {key: locus for key, locus in find_loci(table, annotation).items() if key in rows_of}
    measured = measure_sites(table, genome, loci, annotated, plan.flank_bp)

    kinds = [kind for kind in STRENGTH_WINDOWS if (table["kind"] == kind).any()]
    is_kind = {kind: (table["kind"] == kind).to_numpy() for kind in kinds}
    tallies = {(rung, kind): Tally() for rung in plan.rungs for kind in kinds}
    weights = {kind: scale_covariates(measured.values[measured.rows_of(kind)]) for kind in kinds}
    for key, rows in rows_of.items():
        stretches = read_stretches(genome, loci[key], plan.flank_bp) if key in loci else []
        for kind in kinds:
            mine = rows[is_kind[kind][rows]]
            usable = mine[measured.usable[mine]]
            for rung in plan.rungs:
                counts = tallies[rung, kind].counts
                counts["sites"] += len(mine)
                counts[f"unmatched: {NO_FLANK}"] += len(mine) - len(usable)
                counts[f"unmatched: {NO_GENE}"] += len(usable) if key not in loci else 0
            if key in loci and len(usable):
                gene = Gene(loci[key], stretches, annotated, kind, usable, weights[kind])
                fill_gene(gene, measured, tallies, plan)

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


def _measure_rung(rung: str, kind: str, tally: Tally, measured: MeasuredSites) -> pd.DataFrame:
    rows = measured.rows_of(kind)
    draw, matched, _, controls = tally.gather()
    matched, controls = matched[draw == 0], controls[draw == 0]
    return measure_balance(
        kind,
        rung,
        REPORTED,
        sites=measured.values[rows[measured.usable[rows]]],
        pool=tally.pool,
        matched_sites=measured.values[matched],
        matched_controls=controls,
    )


def _assemble(tallies: dict[tuple[str, str], Tally], table: pd.DataFrame) -> pd.DataFrame:
    """All controls as a SiteTable, sorted by rung, draw and site."""
    carried = ["chrom", "strand", "kind", "group"]
    carried += [name for name in ("gene_id", "gene_name") if name in table.columns]
    frames = []
    for (rung, _), tally in tallies.items():
        draw, rows, edges, values = tally.gather()
        frame = table[carried].iloc[rows].reset_index(drop=True)
        frame["matched_to"] = table["site_id"].iloc[rows].to_numpy()
        frame = frame.assign(edge=edges, set=rung, draw=draw, row=rows)
        measured = pd.DataFrame(values, columns=list(REPORTED))
        frames.append(pd.concat([frame, measured], axis=1))
    columns = ["site_id", "chrom", "edge", "strand", "kind", "set", "group", "matched_to", "draw"]
    columns += [*carried[4:], *REPORTED]
    joined = pd.concat(frames, ignore_index=True)
    joined = joined.sort_values(["set", "draw", "row"], kind="stable", ignore_index=True)
    joined["site_id"] = make_site_ids(joined)
    return check_sites(joined[columns], name="controls")


def _finish_counts(
    tallies: dict[tuple[str, str], Tally],
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
    table: pd.DataFrame, annotation: SpliceAnnotation | None, avoid: pd.DataFrame | None
) -> AnnotatedEdges:
    tables = [table]
    if annotation is not None:
        tables.append(annotated_edges(annotation))
    if avoid is not None:
        tables.append(avoid)
    return AnnotatedEdges(tables)


def _check_arguments(plan: Plan, flank_bp: int, avoid: pd.DataFrame | None) -> None:
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
    checked = check_real_sites(sites)
    other = sorted(set(checked["kind"]) - set(STRENGTH_WINDOWS))
    if other:
        raise InputError(
            f"sites hold kind {other[0]!r}; wanted donor and acceptor: select those rows"
        )
    return checked
