"""Exact dinucleotide shuffle: a uniform draw among all sequences with the same dinucleotides.

A sequence is a walk over a graph whose vertices are letters and whose edges are its
dinucleotides; any other walk over all those edges, from the same first letter, has the same
dinucleotide counts (and then ends in the same letter). Altschul & Erickson, Mol Biol Evol 2:526
(1985): draw the *last* edge out of each letter so that these edges form a tree that leads to the
final letter, permute all other edges of each letter, walk. The draw is uniform if the tree is
uniform among such trees (each weighted by the number of edges it could have used), which Wilson's
loop-erased random walk gives exactly (STOC 1996) without rejection: about 0.2 ms for 1,024 bp.
"""

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N

_N_LETTERS = N + 1


def dinucleotide_shuffle(
    ids: NDArray[np.uint8], rng: np.random.Generator, n: int = 1
) -> NDArray[np.uint8]:
    """Draw shuffled sequences that keep every dinucleotide count.

    Parameters
    ----------
    ids : uint8 (length,), letters A C G T N; N is a letter like the others here.
    rng : source of all randomness.
    n : independent draws, >= 1.

    Returns
    -------
    uint8 (n, length). Each row has the dinucleotide counts, and therefore the letter counts and
    the first and last letter, of `ids`, and is uniform among all such sequences, `ids` included.
    Fewer than four letters leave nothing to shuffle: the rows are then copies.

    Raises
    ------
    InputError : `ids` is not one-dimensional or holds [MASK] or [PAD], or n < 1.
    """
    ids = np.asarray(ids, dtype=np.uint8)
    if ids.ndim != 1 or (ids.size and ids.max() > N):
        raise InputError("cannot shuffle these ids; wanted one dimension and letters A C G T N")
    if n < 1:
        raise InputError(f"n = {n} shuffles; wanted at least 1")
    result = np.repeat(ids[None, :], n, axis=0)
    if ids.size < 4:
        return result
    successors = [ids[1:][ids[:-1] == letter] for letter in range(_N_LETTERS)]
    counts = np.array([np.bincount(s, minlength=_N_LETTERS) for s in successors])
    for row in result:
        row[:] = _draw_walk(int(ids[0]), int(ids[-1]), successors, counts, rng)
    return result


def _draw_walk(
    first: int,
    final: int,
    successors: list[NDArray[np.uint8]],
    counts: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """One walk that uses each edge once, from `first` to `final`."""
    tree = _draw_tree(final, counts, rng)
    pools: list[list[int]] = []
    for letter, edges in enumerate(successors):
        pool = edges.copy()
        if letter in tree:
            # Any edge to that letter will do as the last one: equal edges are interchangeable.
            at = np.flatnonzero(pool == tree[letter])[0]
            pool[at] = pool[0]
            rng.shuffle(pool[1:])
            pool[0] = tree[letter]
        else:
            rng.shuffle(pool)
        pools.append(pool.tolist())  # used from the end, so entry 0 goes last
    walk = [first]
    letter = first
    for _ in range(sum(len(pool) for pool in pools)):
        letter = pools[letter].pop()
        walk.append(letter)
    return np.array(walk, dtype=np.uint8)


def _draw_tree(final: int, counts: NDArray[np.int64], rng: np.random.Generator) -> dict[int, int]:
    """The last edge out of each letter but `final`: Wilson's algorithm, rooted at `final`.

    From each letter not yet in the tree walk at random, in proportion to the number of edges,
    until the tree is met, remembering the latest exit of each letter (that erases the loops).
    Edges to the letter itself can never be in a tree, so they are left out of the walk: in long
    homopolymers it would otherwise stand still.
    """
    weights = counts.copy()
    np.fill_diagonal(weights, 0)
    cumulative = weights.cumsum(axis=1)
    tree: dict[int, int] = {}
    inside = {final}
    for start in np.flatnonzero(counts.sum(axis=1)).tolist():
        exits: dict[int, int] = {}
        letter = start
        while letter not in inside:
            pick = int(rng.integers(cumulative[letter, -1]))
            exits[letter] = int(np.searchsorted(cumulative[letter], pick, side="right"))
            letter = exits[letter]
        letter = start
        while letter not in inside:
            inside.add(letter)
            tree[letter] = exits[letter]
            letter = exits[letter]
    return tree
