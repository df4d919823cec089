"""Matrices of JASPAR, from the releases that pyjaspar carries: no network.

Fetched by accession, because a name such as SP1 or CTCF returns several matrices. The core-promoter
elements (TATA, INR, GC-box ...: collection POLII) are in the releases 2014 to 2020 only; factors
(CORE) come from the newest. JASPAR: Rauluseviciute et al. 2024, doi:10.1093/nar/gkad1059;
pyjaspar: https://github.com/asntech/pyjaspar.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ldar_interp.errors import InputError
from ldar_interp.sites.motif import LETTER_ORDER, Motif

NEWEST = "JASPAR2026"
"""Newest release that this package was written for: named, so that an update of pyjaspar cannot
change a result unseen."""

POLII_RELEASES = ("JASPAR2014", "JASPAR2016", "JASPAR2018", "JASPAR2020")
"""Releases that hold the core-promoter elements, POL001 to POL013."""

ALL_COLLECTION, ALL_TAXON = "CORE", "vertebrates"


def fetch_jaspar(accession: str, *, release: str = NEWEST) -> Motif:
    """One matrix by its accession with version, such as `MA0108.3`.

    Raises
    ------
    InputError : an unknown release, an accession without version or one that the release does
        not have.
    """
    return fetch_all_jaspar([accession], release=release)[0]


def fetch_all_jaspar(accessions: Sequence[str], *, release: str = NEWEST) -> tuple[Motif, ...]:
    """Matrices of one release by their accessions, in that order; errors as `fetch_jaspar`."""
    with _open(release) as database:
        return tuple(_fetch(database, accession, release) for accession in accessions)


def fetch_vertebrates(*, release: str = NEWEST) -> tuple[Motif, ...]:
    """Every CORE matrix of vertebrates, of each its highest version, sorted by accession.

    1,019 matrices in JASPAR2026. Names may repeat.

    Raises
    ------
    InputError : an unknown release.
    """
    with _open(release) as database:
        found = database.fetch_motifs(collection=ALL_COLLECTION, tax_group=[ALL_TAXON])
    motifs = [_convert(record, release) for record in found]
    return tuple(sorted(motifs, key=lambda motif: motif.accession))


@contextmanager
def _open(release: str) -> Iterator[Any]:
    # Imported here: half a second that a list of one's own matrices does not need.
    from pyjaspar import jaspar_releases, jaspardb

    if release not in jaspar_releases:
        raise InputError(f"JASPAR release {release!r}; wanted one of {', '.join(jaspar_releases)}")
    database = jaspardb(release=release)
    try:
        yield database
    finally:
        database.conn.close()


def _fetch(database: Any, accession: str, release: str) -> Motif:
    base, _, version = accession.partition(".")
    if not version.isdecimal():
        raise InputError(
            f"JASPAR accession {accession!r}; wanted one with its version, such as MA0108.3"
        )
    with warnings.catch_warnings():
        # Said below, as an error.
        warnings.filterwarnings("ignore", message="Failed to fetch internal database ID")
        found = database.fetch_motif_by_id(accession)
    if found is None:
        hint = ""
        if base.startswith("POL") and release not in POLII_RELEASES:
            hint = f": core-promoter elements are in {', '.join(POLII_RELEASES)} only"
        raise InputError(f"{release} has no matrix {accession}; wanted one that it has{hint}")
    return _convert(found, release)


def _convert(record: Any, release: str) -> Motif:
    counts = np.array([record.counts[letter] for letter in LETTER_ORDER]).T
    return Motif(record.name, record.matrix_id, counts, f"{release} {record.collection}")
