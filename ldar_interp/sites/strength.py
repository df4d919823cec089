"""Splice-site strength: log-odds of the letters around an edge, cross-fitted by gene.

The strength of an edge is the sum over the motif of log2(P(letter | site) / P(letter | gene)), in
bits: the position weight matrix of Staden (1984, doi:10.1093/nar/12.1Part2.505). The motif is
donor -3..+6 and acceptor -20..+3, counted in bases on either side of the edge, so 9 and 23 letters.

A matrix that has seen a gene's sites scores them higher than it scores decoys of the same gene,
and matching on such a score would compare sites with decoys that are weaker than they look. The
matrix used in a gene is therefore fitted on all other genes, and so is the background.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError

STRENGTH_WINDOWS: dict[str, tuple[int, int]] = {"donor": (-3, 6), "acceptor": (-20, 3)}
"""First and last + 1 base of the motif relative to the edge, 5' to 3'."""


def fit_log_odds(
    letter_counts: NDArray[np.int64] | NDArray[np.float64],
    background: NDArray[np.float64],
    *,
    pseudocount: float = 1.0,
) -> NDArray[np.float64]:
    """Log-odds matrix in bits from letter counts and background shares.

    Parameters
    ----------
    letter_counts : (width, 4), how often A, C, G, T stand at each place; fractions may be given.
    background : (4,), shares of A, C, G, T, each > 0.
    pseudocount : letters added to each place in the background's proportions, > 0.

    Returns
    -------
    float64 (width, 4). With no counts at all every entry is 0.
    """
    counts = np.asarray(letter_counts, dtype=np.float64)
    shares = (counts + pseudocount * background) / (counts.sum(axis=1, keepdims=True) + pseudocount)
    return np.log2(shares / background)


def score_edges(
    ids: NDArray[np.uint8],
    edges: NDArray[np.int64],
    log_odds: NDArray[np.float64],
    first_base: int,
) -> NDArray[np.float64]:
    """Strength in bits of edges of a sequence that is read 5' to 3'.

    Parameters
    ----------
    ids : letters, uint8 (length,).
    edges : positions in `ids`, int64 (n,); edge t lies before base t.
    log_odds : (width, 4) bits.
    first_base : offset of the matrix's first place from the edge, such as -3.

    Returns
    -------
    float64 (n,). NaN where the motif leaves the sequence or holds a letter other than A, C, G, T.
    """
    width = len(log_odds)
    table = np.vstack([log_odds.T, np.full((3, width), np.nan)])
    start = np.asarray(edges, dtype=np.int64) + first_base
    inside = (start >= 0) & (start + width <= len(ids))
    score = np.full(len(start), np.nan)
    total = np.zeros(int(inside.sum()))
    for place in range(width):
        total += table[ids[start[inside] + place], place]
    score[inside] = total
    return score


def count_letters(motifs: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count A, C, G, T at each place of motifs (n, width); other letters are not counted."""
    return np.stack([(motifs == letter).sum(axis=0) for letter in range(4)], axis=1)


@dataclass(frozen=True)
class CrossFittedStrength:
    """Counts from which the matrix of "all groups but this one" is made.

    `letter_counts[i]` (width, 4) are the sites of `groups[i]`; `base_counts[i]` (4,) are the
    letters of its genes, read on their own strand.
    """

    groups: tuple[str, ...]
    letter_counts: NDArray[np.int64]
    base_counts: NDArray[np.int64]
    first_base: int
    pseudocount: float = 1.0

    @classmethod
    def fit(
        cls,
        kind: str,
        motifs: NDArray[np.uint8],
        motif_groups: Sequence[str],
        base_counts: dict[str, NDArray[np.int64]],
        *,
        pseudocount: float = 1.0,
    ) -> "CrossFittedStrength":
        """Collect the counts of each group.

        Parameters
        ----------
        kind : `donor` or `acceptor`.
        motifs : letters of the sites' motifs 5' to 3', uint8 (n, width).
        motif_groups : group of each row of `motifs`.
        base_counts : letters A, C, G, T of each group's genes, (4,) each.

        Raises
        ------
        InputError : a kind without a motif window, a wrong width, or a pseudocount <= 0.
        """
        if kind not in STRENGTH_WINDOWS:
            raise InputError(
                f"site strength of kind {kind!r}; wanted donor or acceptor: "
                "leave other kinds out of rung C2"
            )
        first, stop = STRENGTH_WINDOWS[kind]
        if motifs.ndim != 2 or motifs.shape[1] != stop - first:
            raise InputError(
                f"{kind} motifs of shape {motifs.shape}; wanted (sites, {stop - first}), "
                f"the bases {first} to {stop} around the edge"
            )
        if not pseudocount > 0:
            raise InputError(
                f"pseudocount {pseudocount}; wanted > 0, or a letter never seen is -inf"
            )
        groups = tuple(sorted(set(motif_groups) | set(base_counts)))
        row_group = np.asarray(motif_groups, dtype=object)
        counts = np.stack(
            [count_letters(motifs[row_group == group]) for group in groups]
            or [np.zeros((stop - first, 4), dtype=np.int64)]
        )
        none = np.zeros(4, dtype=np.int64)
        bases = np.stack([base_counts.get(group, none) for group in groups] or [none])
        return cls(groups, counts, bases, first, pseudocount)

    def log_odds(self, group: str) -> NDArray[np.float64] | None:
        """Matrix (width, 4) in bits fitted without `group`; None if no other group has a site."""
        letters, bases = self.letter_counts.sum(axis=0), self.base_counts.sum(axis=0)
        if group in self.groups:
            own = self.groups.index(group)
            letters = letters - self.letter_counts[own]
            bases = bases - self.base_counts[own]
        if letters.sum() == 0:
            return None
        # One letter of each kind keeps the background positive on a tiny genome.
        shares = (bases + 1.0) / (bases.sum() + 4.0)
        return fit_log_odds(letters, shares, pseudocount=self.pseudocount)
