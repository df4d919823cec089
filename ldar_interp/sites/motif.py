"""A motif: how often A, C, G and T stand at each place of a binding site.

Counts are kept as they were published; log-odds, scores and p-values are made from them where
they are used (`score_distribution`), with the background and pseudocount said there.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ldar_interp.errors import InputError

LETTER_ORDER = "ACGT"
_CONSENSUS_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Motif:
    """One matrix.

    Attributes
    ----------
    name : what the motif is called in every table (`kind`); unique in a list of motifs.
    accession : what it is called by its source, with the version; unique in a list.
    counts : float64 (width, 4) in the order A C G T, read 5' to 3', >= 0, read-only.
    source : where it is from: a JASPAR release and collection, or a file's name.

    Raises
    ------
    InputError : no name or accession, or counts that are not such a matrix.
    """

    name: str
    accession: str
    counts: NDArray[np.float64]
    source: str

    def __post_init__(self) -> None:
        if not (self.name.strip() and self.accession.strip()):
            raise InputError(
                f"motif {self.name!r} with accession {self.accession!r}; wanted both, not empty"
            )
        counts = np.array(self.counts, dtype=np.float64)
        label = f"motif {self.accession} {self.name}"
        if counts.ndim != 2 or counts.shape[1] != 4 or len(counts) == 0:
            raise InputError(f"{label}: counts of shape {counts.shape}; wanted (width >= 1, 4)")
        if not np.isfinite(counts).all() or (counts < 0).any():
            raise InputError(f"{label}: counts hold negative or missing numbers; wanted >= 0")
        empty = np.flatnonzero(counts.sum(axis=1) == 0)
        if len(empty):
            raise InputError(
                f"{label}: column {empty[0] + 1} of {len(counts)} has no counts; wanted some letter"
            )
        counts.flags.writeable = False
        object.__setattr__(self, "counts", counts)

    @property
    def width(self) -> int:
        """Places of the matrix, in bp."""
        return len(self.counts)

    @property
    def consensus(self) -> str:
        """The commonest letter of each place, lower case where under half of the sites have it."""
        best = self.counts.argmax(axis=1)
        shares = self.counts.max(axis=1) / self.counts.sum(axis=1)
        letters = [LETTER_ORDER[i] for i in best]
        return "".join(
            letter if share >= _CONSENSUS_SHARE else letter.lower()
            for letter, share in zip(letters, shares, strict=True)
        )


def reverse_complement_counts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """A matrix (width, 4) as it reads on the other strand: places and letters reversed."""
    return counts[::-1, ::-1]


def is_palindrome(counts: NDArray[np.float64]) -> bool:
    """Whether a matrix reads the same on both strands."""
    return bool(np.array_equal(counts, reverse_complement_counts(counts)))


def check_motifs(motifs: Iterable[Motif]) -> tuple[Motif, ...]:
    """Motifs as a tuple: at least one, names and accessions unique.

    Raises
    ------
    InputError : no motif, or a name or accession twice.
    """
    result = tuple(motifs)
    if not result:
        raise InputError("no motifs; wanted at least one")
    for what in ("accession", "name"):
        seen: set[str] = set()
        for motif in result:
            value = getattr(motif, what)
            if value in seen:
                raise InputError(
                    f"two motifs have the {what} {value!r}; wanted each once: drop or rename one"
                )
            seen.add(value)
    return result


def make_names_unique(motifs: Sequence[Motif]) -> tuple[Motif, ...]:
    """Motifs that share a name, upper and lower case alike, get `name_accession`.

    JASPAR has three matrices called CTCF, and both `JUN` and `Jun`; tables, groups of rows and
    file names need one name for each.
    """
    n_of: dict[str, int] = {}
    for motif in motifs:
        n_of[motif.name.casefold()] = n_of.get(motif.name.casefold(), 0) + 1
    return tuple(
        replace(motif, name=f"{motif.name}_{motif.accession}")
        if n_of[motif.name.casefold()] > 1
        else motif
        for motif in motifs
    )
