"""Rung C4, the sequences: a site in its own context, and in shuffled ones.

    5' |<------- left flank ------->|<- core ->|<------ right flank ------->| 3'
       0                            c+l   c   c+r                           W
       x-------- shuffled --------x    kept     x-------- shuffled --------x
                                       ^ the site's edge c = W // 2

The core is what defines the site (donor -3..+6, acceptor -20..+3, a motif its own width). Each
flank is replaced by an exact dinucleotide shuffle of itself out to the window's end, with its
first and last letters where they were: it keeps the count of every dinucleotide, and so do the
joints with the core. Native and shuffled windows have the same length, the same place of the site,
and are read on the site's strand, so nothing but the order of the flanks' letters differs.

The windows are kept as ids, so that what letters alone would predict can be computed on them too.
No model is needed here; `boundaries/context_router.py` runs one.
"""

import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.alphabet import N, reverse_complement
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.genome.shuffle import dinucleotide_shuffle

SPLICE_CORES: dict[str, tuple[int, int]] = {"donor": (-3, 6), "acceptor": (-20, 3)}
"""First and last + 1 base of the core relative to the edge, 5' to 3'."""
WINDOW_BP = 1024
N_SHUFFLES = 5
MAX_SITES = 500

TOO_NEAR = "dropped: window leaves the sequence"
HAS_N = "dropped: window holds N"
_COLUMNS = ("site_id", "chrom", "edge", "strand", "kind")


@dataclass(frozen=True, eq=False)
class ContextWindows:
    """Sites and their windows, row by row.

    Attributes
    ----------
    sites : the rows of the SiteTable that were drawn, in its order, index 0..n-1.
    ids : uint8 (n_sites, 1 + n_shuffles, window_bp), read 5' to 3' on the site's strand. Window 0
        is the native one, the others are shuffles.
    cores : kind -> first and last + 1 base of its core, relative to the edge.
    counts : kind -> `sites` given, `used`, `not drawn`, and those dropped by reason. Sites are
        looked at in the drawn order until there are enough, so dropped ones were looked at.
    """

    sites: pd.DataFrame
    ids: NDArray[np.uint8]
    cores: dict[str, tuple[int, int]]
    counts: dict[str, dict[str, int]]

    def __len__(self) -> int:
        return len(self.sites)

    @property
    def window_bp(self) -> int:
        """Length of a window."""
        return self.ids.shape[2]

    @property
    def centre(self) -> int:
        """Edge of the window at which the site's edge lies."""
        return self.window_bp // 2

    @property
    def n_shuffles(self) -> int:
        """Shuffled windows of each site."""
        return self.ids.shape[1] - 1


@dataclass(frozen=True, eq=False)
class ContextProfiles:
    """A value around each site in its own and in shuffled contexts.

    Attributes
    ----------
    windows : what the values belong to.
    offsets : int64 (n_offsets,), -flank .. +flank in bp downstream of the site's edge.
    native : float32 (n_sites, n_offsets).
    shuffled : float32 (n_sites, n_shuffles, n_offsets).

    Values are p, or with `dataclasses.replace` a residual that was computed on `windows.ids`; NaN
    is not evaluated.

    Raises
    ------
    InputError : shapes that do not fit together.
    """

    windows: ContextWindows
    offsets: NDArray[np.int64]
    native: NDArray[np.float32]
    shuffled: NDArray[np.float32]

    def __post_init__(self) -> None:
        n = len(self.windows)
        wanted = (n, self.offsets.size), (n, self.windows.n_shuffles, self.offsets.size)
        if (self.native.shape, self.shuffled.shape) != wanted:
            raise InputError(
                f"context profiles have native {self.native.shape} and shuffled "
                f"{self.shuffled.shape}; wanted {wanted[0]} and {wanted[1]}"
            )


def motif_cores(sites: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """The core of each kind of a SiteTable of motifs: its own width, from the edge downstream.

    Raises
    ------
    InputError : no column `width_bp`, a missing or a second width in a kind, or one below 1.
    """
    if "width_bp" not in sites.columns:
        raise InputError("sites have no column width_bp; wanted the width of each motif")
    cores = {}
    for kind, widths in sites.groupby("kind", sort=True)["width_bp"]:
        found = widths.astype("Int64").drop_duplicates()
        if len(found) != 1 or found.isna().any() or int(found.iloc[0]) < 1:
            raise InputError(
                f"sites of kind {kind!r} have width_bp {', '.join(map(str, found))}; "
                "wanted one width >= 1 in a kind"
            )
        cores[str(kind)] = (0, int(found.iloc[0]))
    return cores


def shuffle_contexts(
    sites: pd.DataFrame,
    genome: Genome | str | Path,
    *,
    cores: Mapping[str, tuple[int, int]] = SPLICE_CORES,
    n_shuffles: int = N_SHUFFLES,
    max_sites: int | None = MAX_SITES,
    window_bp: int = WINDOW_BP,
    seed: int = 0,
) -> ContextWindows:
    """Cut the windows of sites and shuffle their flanks.

    Parameters
    ----------
    sites : SiteTable; `site_id, chrom, edge, strand, kind` are read, all columns are kept.
    genome : the genome that the sites were made for, open or as the path of a FASTA.
    cores : kind -> first and last + 1 base that stay, relative to the edge (`SPLICE_CORES`,
        `motif_cores`). Every kind of the sites needs one.
    n_shuffles : shuffled windows of each site, >= 1.
    max_sites : at most so many usable sites of each kind, drawn; None for all.
    window_bp : length of a window, even. The site's edge is in its middle.
    seed : of the draw and of the shuffles, >= 0. A site's windows depend on the seed and on the
        site alone, and the draw not on the order of the rows.

    Returns
    -------
    ContextWindows.

    Raises
    ------
    InputError : a missing column, a kind without a core, a core that leaves no flank of four
        letters to shuffle, numbers out of range.
    CoordinateError : a site lies on a chromosome that the genome does not have.
    """
    _check_numbers(n_shuffles, max_sites, window_bp, seed)
    _check_kinds(sites, cores, window_bp)
    table = sites.reset_index(drop=True)
    counts: dict[str, dict[str, int]] = {}
    found: dict[int, NDArray[np.uint8]] = {}
    with borrow_genome(genome) as opened:
        unknown = sorted(set(table["chrom"]) - set(opened.chroms))
        if unknown:
            raise CoordinateError(
                f"sites lie on {', '.join(unknown[:3])}, which the genome does not have; wanted "
                f"chromosomes such as {', '.join(opened.chroms[:3])}: rename them or drop the sites"
            )
        for kind in dict.fromkeys(table["kind"].tolist()):
            counts[kind] = _draw_windows(
                table[table["kind"] == kind], opened, window_bp, max_sites, seed, found
            )
    rows = sorted(found)
    ids = np.empty((len(rows), 1 + n_shuffles, window_bp), dtype=np.uint8)
    chosen = table.iloc[rows].reset_index(drop=True)
    for i, (row, kind) in enumerate(zip(rows, chosen["kind"], strict=True)):
        rng = _generator(seed, "shuffle", table.iloc[row])
        ids[i, 0] = found[row]
        ids[i, 1:] = shuffle_flanks(found[row], cores[kind], rng, n_shuffles)
    used = {kind: tuple(cores[kind]) for kind in counts}
    return ContextWindows(chosen, ids, used, counts)


def shuffle_flanks(
    window: NDArray[np.uint8], core: tuple[int, int], rng: np.random.Generator, n: int
) -> NDArray[np.uint8]:
    """Copies of a window (length,) with both flanks of its core shuffled, uint8 (n, length).

    `core` is relative to the middle of the window. Each flank keeps the count of every
    dinucleotide and its first and last letter.
    """
    centre = len(window) // 2
    left, right = centre + core[0], centre + core[1]
    result = np.repeat(window[None, :], n, axis=0)
    result[:, :left] = dinucleotide_shuffle(window[:left], rng, n)
    result[:, right:] = dinucleotide_shuffle(window[right:], rng, n)
    return result


def _draw_windows(
    rows: pd.DataFrame,
    genome: Genome,
    window_bp: int,
    max_sites: int | None,
    seed: int,
    found: dict[int, NDArray[np.uint8]],
) -> dict[str, int]:
    """Native windows of one kind, put into `found` by row; what became of its sites."""
    order = rows.sort_values(["chrom", "edge", "strand", "site_id"], kind="stable").index.to_numpy()
    kind = str(rows["kind"].iloc[0])
    rng = np.random.default_rng([seed, zlib.crc32(f"draw\t{kind}".encode())])
    counts = Counter({"sites": len(rows), "used": 0})
    limit = len(rows) if max_sites is None else max_sites
    for row in order[rng.permutation(len(order))].tolist():
        if counts["used"] == limit:
            counts["not drawn"] += 1
            continue
        window = _read_window(rows.loc[row], genome, window_bp)
        if isinstance(window, str):
            counts[window] += 1
        else:
            found[row] = window
            counts["used"] += 1
    return dict(counts)


def _read_window(site: pd.Series, genome: Genome, window_bp: int) -> NDArray[np.uint8] | str:
    """The window of a site, 5' to 3' of its strand, or why there is none."""
    chrom, edge = str(site["chrom"]), int(site["edge"])
    start, end = edge - window_bp // 2, edge + window_bp // 2
    segment = genome.segment_at(chrom, edge)
    if segment is None or start < segment.start or end > segment.end:
        return TOO_NEAR
    ids = genome.fetch(chrom, start, end)
    if (ids >= N).any():
        return HAS_N
    return reverse_complement(ids) if site["strand"] == "-" else ids


def _generator(seed: int, purpose: str, site: pd.Series) -> np.random.Generator:
    """A generator of the site's own, whatever other sites there are."""
    place = "\t".join(str(site[name]) for name in ("chrom", "edge", "strand", "kind"))
    return np.random.default_rng([seed, zlib.crc32(f"{purpose}\t{place}".encode())])


def _check_numbers(n_shuffles: int, max_sites: int | None, window_bp: int, seed: int) -> None:
    for name, value, least in (
        ("n_shuffles", n_shuffles, 1),
        ("max_sites", 1 if max_sites is None else max_sites, 1),
        ("seed", seed, 0),
    ):
        if value < least:
            raise InputError(f"{name} {value}; wanted a whole number >= {least}")
    if window_bp < 2 or window_bp % 2:
        raise InputError(
            f"window_bp {window_bp}; wanted an even number, so that the site is in the middle on "
            "either strand"
        )


def _check_kinds(sites: pd.DataFrame, cores: Mapping[str, tuple[int, int]], window_bp: int) -> None:
    missing = [column for column in _COLUMNS if column not in sites.columns]
    if missing:
        raise InputError(f"site table lacks column {missing[0]!r}; wanted {', '.join(_COLUMNS)}")
    if sites.empty:
        raise InputError("sites is empty; wanted at least one site")
    for kind in dict.fromkeys(sites["kind"].tolist()):
        if kind not in cores:
            raise InputError(
                f"sites hold kind {kind!r}, which has no core (there are "
                f"{', '.join(map(repr, cores)) or 'none'}); name the bases that stay: "
                "cores={kind: (first, last + 1)}"
            )
        first, stop = cores[kind]
        if not -window_bp // 2 + 4 <= first < stop <= window_bp // 2 - 4:
            raise InputError(
                f"core {first}..{stop} of kind {kind!r} in a window of {window_bp} bp; wanted "
                "first < last, and at least 4 letters on either side to shuffle"
            )
