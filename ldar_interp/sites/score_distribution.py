"""Log-odds scores of a motif and their exact p-values.

The score of w letters is the sum over the places of log2(P(letter | motif) / P(letter |
background)), in bits. Entries are rounded to hundredths of a bit and scores are added up from the
rounded entries, by the scanner and here alike, so scores are whole hundredths: how often random
letters score at least s is then a finite sum, done by dynamic programming over the places (Staden
1989, doi:10.1093/bioinformatics/5.2.89), and a p-value is exact for the score that it belongs to.
A rounded score differs from the unrounded one by at most w / 200 bits. The threshold of a scan is
the lowest score whose p-value is at most the one asked for, so the true rate is never above it.
Approximate library thresholds can be four times too generous for short motifs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.motif import Motif
from ldar_interp.sites.strength import fit_log_odds

UNITS_PER_BIT = 100
"""Scores are whole numbers of hundredths of a bit."""

UNIFORM = (0.25, 0.25, 0.25, 0.25)
"""The default background."""

DEFAULT_PSEUDOCOUNT = 0.8
"""Letters added to each place in the background's proportions: the best of those compared by
Nishida, Frith and Nakai (2009), doi:10.1093/nar/gkn1019."""

DEFAULT_P_VALUE = 1e-4
_SLACK = 1e-9


@dataclass(frozen=True)
class Scoring:
    """How scores are made: the same for every motif of a scan.

    Attributes
    ----------
    p_value : a hit scores so high that random letters do so at most this often.
    background : shares of A, C, G, T, each > 0, the same on both strands (A = T, C = G), so that a
        motif has one distribution for both.
    pseudocount : letters added to each place, > 0.

    Raises
    ------
    InputError : a value that is not of this kind.
    """

    p_value: float = DEFAULT_P_VALUE
    background: tuple[float, float, float, float] = UNIFORM
    pseudocount: float = DEFAULT_PSEUDOCOUNT

    def __post_init__(self) -> None:
        if not 0 < self.p_value < 1:
            raise InputError(f"p_value {self.p_value}; wanted between 0 and 1, such as 1e-4")
        if not self.pseudocount > 0:
            raise InputError(f"pseudocount {self.pseudocount}; wanted > 0, or letters score -inf")
        shares = np.asarray(self.background, dtype=np.float64)
        if shares.shape != (4,) or not (shares > 0).all() or abs(shares.sum() - 1) > _SLACK:
            raise InputError(
                f"background {self.background}; wanted shares of A C G T, each > 0, that sum to 1"
            )
        if not np.allclose(shares, shares[::-1], rtol=0, atol=_SLACK):
            raise InputError(
                f"background {self.background}; wanted A = T and C = G: both strands are scanned"
            )


def measure_background(genome: Genome) -> tuple[float, float, float, float]:
    """Shares of A, C, G, T over both strands of a genome, for `Scoring`; N is left out.

    Raises
    ------
    InputError : a letter that the genome does not have.
    """
    counts = np.zeros(8, dtype=np.int64)
    step = 1 << 24
    for segment in genome.segments:
        for start in range(segment.start, segment.end, step):
            ids = genome.fetch(segment.chrom, start, min(segment.end, start + step))
            counts += np.bincount(ids, minlength=8)
    both = (counts[:4] + counts[3::-1]).astype(np.float64)
    if not (both > 0).all():
        raise InputError("the genome lacks A and T or C and G; wanted DNA: give a background")
    a, c = (both / both.sum())[:2].tolist()
    return (a, c, c, a)


@dataclass(frozen=True, eq=False)
class MotifScores:
    """A motif's rounded log-odds and the distribution of its scores.

    Attributes
    ----------
    motif : the matrix that this is made from.
    units : int64 (width, 4), log-odds in hundredths of a bit.
    lowest : the least possible score, in hundredths of a bit.
    tail : `tail[k]` is P(score >= lowest + k) for random letters of the background; float64, from
        1 down to the p-value of the best score.
    """

    motif: Motif
    units: NDArray[np.int64]
    lowest: int
    tail: NDArray[np.float64]

    @property
    def best_p_value(self) -> float:
        """P-value of the best score: no hit can have a smaller one."""
        return float(self.tail[-1])

    def p_values(self, units: ArrayLike) -> NDArray[np.float64]:
        """P(score >= s) for scores s in hundredths of a bit; 0 above the best score."""
        at = np.asarray(units, dtype=np.int64) - self.lowest
        padded = np.append(self.tail, 0.0)
        return padded[np.clip(at, 0, len(self.tail))]

    def find_threshold(self, p_value: float) -> int:
        """The lowest score, in hundredths of a bit, with a p-value of at most `p_value`.

        Raises
        ------
        InputError : not even the best score has one (see `split_reachable`).
        """
        at = int(np.searchsorted(-self.tail, -p_value, side="left"))
        if at == len(self.tail):
            raise InputError(
                f"motif {self.motif.name}: its best score has p-value {self.best_p_value:.2g}; "
                f"wanted at most {p_value:g}: leave it out"
            )
        return self.lowest + at


def score_motif(motif: Motif, scoring: Scoring) -> MotifScores:
    """Round a motif's log-odds and work out the distribution of its scores.

    Cost: places x letters x distinct scores; about 1 ms for a motif of 12 bp.
    """
    background = np.asarray(scoring.background)
    log_odds = fit_log_odds(motif.counts, background, pseudocount=scoring.pseudocount)
    units = np.rint(log_odds * UNITS_PER_BIT).astype(np.int64)
    lowest = units.min(axis=1)
    shares = np.ones(1)
    for place, low in zip(units, lowest, strict=True):
        wider = np.zeros(len(shares) + int(place.max() - low))
        for letter in range(4):
            at = int(place[letter] - low)
            wider[at : at + len(shares)] += background[letter] * shares
        shares = wider
    # From the rare end, so that small p-values lose no digits against 1.
    tail = np.cumsum(shares[::-1])[::-1]
    return MotifScores(motif, units, int(lowest.sum()), np.minimum(tail, 1.0))


def split_reachable(
    motifs: Sequence[Motif], scoring: Scoring
) -> tuple[list[MotifScores], list[MotifScores]]:
    """Motifs that can reach the p-value asked for, and those whose best score cannot.

    The rule looks at the matrix alone, before anything is scanned; both lists keep the order.
    """
    scored = [score_motif(motif, scoring) for motif in motifs]
    kept = [scores for scores in scored if scores.best_p_value <= scoring.p_value]
    return kept, [scores for scores in scored if scores.best_p_value > scoring.p_value]
