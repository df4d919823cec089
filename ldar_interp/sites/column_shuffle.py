"""A motif with its places in another order: as rich in each letter, another word.

The columns are the same, so the score distribution, the threshold and the number of hits in random
sequence are too; what is lost is the order, and with it the site. A shuffle says nothing if it is
the motif again, on either strand, or if it reads the same on both strands where the motif does not
(its hits would then pair up as the motif's do not): such orders are drawn again.
"""

from dataclasses import replace

import numpy as np

from ldar_interp.sites.motif import Motif, is_palindrome, reverse_complement_counts
from ldar_interp.sites.rungs import make_generator

N_TRIES = 200
SUFFIX = "_shuffled"


def shuffle_columns(motif: Motif, *, seed: int, draw: int = 0) -> Motif | None:
    """Draw an order of the columns.

    Parameters
    ----------
    motif : the matrix.
    seed, draw : the order depends on these and on the motif's accession, on nothing else.

    Returns
    -------
    A Motif called `name_shuffled` with the same columns, or None if none of 200 orders is usable:
    a matrix of one column, of columns all alike, or of two that mirror each other.
    """
    rng = make_generator(seed, draw, "columns", motif.accession)
    other_strand = reverse_complement_counts(motif.counts)
    for _ in range(N_TRIES):
        counts = motif.counts[rng.permutation(motif.width)]
        if np.array_equal(counts, motif.counts) or np.array_equal(counts, other_strand):
            continue
        if is_palindrome(counts) and not is_palindrome(motif.counts):
            continue
        return replace(
            motif,
            name=motif.name + SUFFIX,
            accession=motif.accession + SUFFIX,
            counts=counts,
        )
    return None
