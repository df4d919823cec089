"""The controls of one gene, rung by rung, and what is gathered from gene to gene."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ldar_interp.sites.balance import PoolMoments
from ldar_interp.sites.candidates import OrientedStretch, Pool, find_pool
from ldar_interp.sites.covariates import MATCHED, REPORTED
from ldar_interp.sites.loci import AnnotatedEdges, Locus
from ldar_interp.sites.measured_sites import MeasuredSites
from ldar_interp.sites.rungs import (
    Choice,
    choose_half_exonic,
    choose_matched,
    choose_random,
    make_generator,
)

KEEP_AWAY_BP = {"C0": 30, "C1": 60, "C2": 60}
"""Controls are farther than this from every annotated edge."""

POOL_SAMPLE = 2000
"""C0 draws from at most this many exonic and as many intronic edges of a gene, taken at random."""

MATCHING_WEIGHTS = (2.0, 1.0, 1.0, 1.5, 1.5, 1.5, 1.0)
"""How much each covariate of `covariates.MATCHED` counts in a distance.

Tuned for balance, blind to any boundary probability, on human genes (GRCh38 chr20:0-7 Mb and four
megabases of hg19): strength differs most between sites and decoys, CpG o/e is what a nearest
neighbour neglects, and GC in 200 bp sums up the rest.
"""

STRENGTH_LEAN = 0.1
"""Standard deviations by which a C2 control should be stronger than its site.

Decoys as strong as a strong site are rare, so plain nearest neighbours are weaker on average. A
directional penalty makes the sites that have a choice make up for those that have none (Yu and
Rosenbaum 2019, Biometrics 75:1380).
"""


@dataclass
class Tally:
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

    def gather(
        self,
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Draw, site row, edge and covariates of all controls, sorted by draw and row."""
        none = np.empty(0, dtype=np.int64)
        draw = np.concatenate([none, *(np.full(len(part[1]), part[0]) for part in self.parts)])
        rows = np.concatenate([none, *(part[1] for part in self.parts)])
        edges = np.concatenate([none, *(part[2] for part in self.parts)])
        values = np.concatenate([np.empty((0, len(REPORTED))), *(part[3] for part in self.parts)])
        order = np.lexsort((rows, draw))
        return draw[order], rows[order], edges[order], values[order]


@dataclass(frozen=True)
class Plan:
    """The arguments of `build_controls` that hold for every gene."""

    rungs: tuple[str, ...]
    n_draws: int
    seed: int
    flank_bp: int
    caliper: float


def scale_covariates(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Factors (7,) that turn the matched covariates of one kind into distances.

    The weight over the standard deviation over the sites, (n, >= 7); the weight alone for a
    covariate that is the same at every site: then a difference counts in its own unit. Rows with
    NaN are left out.
    """
    matched = values[:, : len(MATCHED)]
    known = matched[~np.isnan(matched).any(axis=1)]
    weights = np.array(MATCHING_WEIGHTS)
    if len(known) == 0:
        return weights
    varies = np.ptp(known, axis=0) > 0
    return np.divide(weights, known.std(axis=0), out=weights.copy(), where=varies)


@dataclass(frozen=True)
class Gene:
    """One kind in one locus: where its controls come from and the rows of its usable sites."""

    locus: Locus
    stretches: list[OrientedStretch]
    annotated: AnnotatedEdges
    kind: str
    rows: NDArray[np.int64]
    weights: NDArray[np.float64]


def fill_gene(
    gene: Gene,
    measured: MeasuredSites,
    tallies: dict[tuple[str, str], Tally],
    plan: Plan,
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
            rng=_generator("C0", 0, gene, "sample", plan) if code is None else None,
            sample=POOL_SAMPLE,
        )
        for rung in rungs:
            tally = tallies[rung, gene.kind]
            tally.counts.update(counts)
            _add_to_pool(tally.pool, pool, len(rows), rung)
            for draw in range(plan.n_draws):
                choice = _choose(rung, draw, gene, rows, pool, measured.values, plan, str(code))
                tally.add(draw, rows, pool, choice)


def _generator(rung: str, draw: int, gene: Gene, purpose: str, plan: Plan) -> np.random.Generator:
    locus = gene.locus
    stratum = (rung, gene.kind, locus.chrom, locus.strand, locus.group, purpose)
    return make_generator(plan.seed, draw, *stratum)


def _choose(
    rung: str,
    draw: int,
    gene: Gene,
    rows: NDArray[np.int64],
    pool: Pool,
    values: NDArray[np.float64],
    plan: Plan,
    code: str,
) -> Choice:
    rng = _generator(rung, draw, gene, code, plan)
    if rung == "C0":
        return choose_half_exonic(len(rows), pool.values[:, -1] > 0, rng)
    if rung == "C1":
        return choose_random(len(rows), len(pool), rng)
    n = len(MATCHED)
    wanted = values[rows, :n] * gene.weights
    wanted[:, 0] += STRENGTH_LEAN * MATCHING_WEIGHTS[0]
    return choose_matched(
        wanted,
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
