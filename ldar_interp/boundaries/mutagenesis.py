"""In-silico mutagenesis: how p on a site's edge changes with each base around it.

Every base within `context_bp` of the edge is replaced by each other letter, one at a time, and
the encoder and router read each variant as a window of its own: 300 windows for 50 bp on each
side. Bases are named by the edge on their 5' side, in bp from the site's edge on its strand:

    edge:    -2    -1     0     1     2
              | -2 | -1  | 0  | 1  |              base 0 is the first one downstream of the edge

What can be shared among the variants of a site? A change reaches every later state of a forward
scan and every earlier one of a backward scan, and the second layer reads both, so behind the first
layer every state is new. Only the end is narrow: one edge needs two positions of the last layer.
If that layer is attention (`m2t1`, `m3t1`), it is computed for these alone (`encode_rows`), and
the rest is a plain batch. Sharing the unchanged half of the first layer's scan would be exact too,
but it is a small part of the rest and needs kernels that start from a state.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from ldar_interp.boundaries.edge_windows import check_window, read_window
from ldar_interp.boundaries.extract import DEFAULT_MARGIN_SHARE, DTYPES
from ldar_interp.boundaries.workers import run_jobs
from ldar_interp.errors import CoordinateError, DeviceError, InputError
from ldar_interp.genome.alphabet import N
from ldar_interp.genome.fasta import Genome, borrow_genome
from ldar_interp.model.backend import describe_backend
from ldar_interp.model.ldarnet import LDARNet

DEFAULT_CONTEXT_BP = 50
N_LETTERS = 4
_CPU_BATCH_BP = 8192
_GPU_BATCH_BP = 262144


@dataclass(frozen=True, eq=False)
class Mutagenesis:
    """Changes of p by site, base and letter; the letters are A, C, G, T on the site's strand.

    Attributes
    ----------
    sites : the table that was asked for, in its order.
    base_offsets : (n_positions,) edge on the 5' side of each mutated base, -context .. context-1.
    edge_offsets : (n_edges,) edges that p was read on, -spread .. spread; 0 is the site's own.
    letters : (n_sites, n_positions) uint8 ids of the genome; N where no base could be mutated.
    native : (n_sites, n_edges) float32, p without a mutation.
    profiles : (n_sites, n_positions, 4, n_edges) float32, p with the letter minus p without; 0 for
        the letter that is there, NaN where no base could be mutated (off the sequence, N, or
        behind an N).
    flanks : (n_sites, 2) int64, bases of the window upstream and downstream of the edge.
    provenance : window, margin, backend and counts.

    A site with less than the margin on either side is NaN throughout and counted.
    """

    sites: pd.DataFrame
    base_offsets: NDArray[np.int64]
    edge_offsets: NDArray[np.int64]
    letters: NDArray[np.uint8]
    native: NDArray[np.float32]
    profiles: NDArray[np.float32]
    flanks: NDArray[np.int64]
    provenance: dict[str, Any] = field(default_factory=dict)

    @property
    def prob(self) -> NDArray[np.float32]:
        """(n_sites,) p on the site's own edge."""
        return self.native[:, len(self.edge_offsets) // 2]

    @property
    def delta(self) -> NDArray[np.float32]:
        """(n_sites, n_positions, 4) change of p on the site's own edge."""
        return self.profiles[..., len(self.edge_offsets) // 2]


class _Job(NamedTuple):
    """One site: a window, the edge in it, and the bases to mutate as [first, end)."""

    ids: NDArray[np.uint8]
    edge: int
    first: int
    end: int


def mutate_sites(
    model: LDARNet,
    genome: Genome | str | Path,
    sites: pd.DataFrame,
    *,
    context_bp: int = DEFAULT_CONTEXT_BP,
    spread_bp: int = 0,
    window_bp: int | None = None,
    margin_bp: int | None = None,
    dtype: str = "float32",
    workers: int = 1,
    batch_size: int | None = None,
    progress: str | None = None,
) -> Mutagenesis:
    """Mutate every base around each site's edge, read on the site's strand.

    Parameters
    ----------
    model : from `load_model`, with a router that reads the sequence.
    genome : open or the path of a FASTA.
    sites : SiteTable; `chrom`, `edge` and `strand` are read.
    context_bp : bases mutated on each side of the edge.
    spread_bp : edges on each side of the site's whose p is kept too; 0 for the site's alone.
    window_bp : bases that the model reads around the edge, even; default its `train_length`.
    margin_bp : sites closer than this to an end of the sequence or an N have no value; default an
        eighth of the window. It must be more than `spread_bp`.
    dtype : see `predict_boundaries`.
    workers : processes on a CPU.
    batch_size : variants a batch; by default what suits the device.
    progress : label of a progress bar on stderr; None for none.

    Returns
    -------
    Mutagenesis, its rows those of `sites`.

    Raises
    ------
    InputError : numbers out of range, no sites, a router that does not read the sequence.
    CoordinateError : sites lie on a chromosome that the genome does not have.
    DeviceError : unknown dtype.
    """
    length = model.config.train_length if window_bp is None else window_bp
    margin = max(1, length // DEFAULT_MARGIN_SHARE) if margin_bp is None else margin_bp
    check_window(length, margin, model.config.train_length)
    if not 1 <= context_bp <= length // 2 or not 0 <= spread_bp < margin:
        raise InputError(
            f"context of {context_bp} bp, spread of {spread_bp} bp; wanted 1 to {length // 2}, "
            f"half of the window, and 0 to {margin - 1}, less than the margin"
        )
    if workers < 1 or (batch_size is not None and batch_size < 1):
        raise InputError(f"workers {workers}, batch_size {batch_size}; wanted at least 1")
    if sites.empty:
        raise InputError("the table of sites is empty; wanted at least one site")
    check_dtype(dtype)
    device = next(model.parameters()).device
    size = batch_size or default_batch(device, length)
    with borrow_genome(genome) as opened:
        check_chroms(sites, opened)
        result = _prepare(sites, context_bp, spread_bp)
        jobs = dict(_plan(opened, result, context_bp, length, margin))
    done = run_jobs(
        model,
        partial(_mutate, spread_bp=spread_bp, batch_size=size, dtype=dtype),
        jobs.values(),
        n_jobs=len(jobs),
        workers=workers,
        progress=progress,
        unit="site",
    )
    for row, prob in zip(jobs, done, strict=True):
        _fill(result, row, jobs[row], context_bp, prob)
    result.provenance.update(
        window_bp=length,
        margin_bp=margin,
        context_bp=context_bp,
        spread_bp=spread_bp,
        dtype=dtype,
        device=device.type,
        **describe_backend(model),
        sites=len(sites),
        sites_without_value=len(sites) - len(jobs),
        windows_cut=int((result.flanks[list(jobs)] < length // 2).any(axis=1).sum()),
        bases_not_mutated=int((result.letters[list(jobs)] == N).sum()),
        variants=sum(3 * (job.end - job.first) for job in jobs.values()),
    )
    return result


def check_dtype(dtype: str) -> None:
    """Raise DeviceError for a dtype that models are not run in."""
    if dtype not in DTYPES:
        raise DeviceError(f"dtype {dtype!r}; wanted one of {', '.join(DTYPES)}")


def check_chroms(sites: pd.DataFrame, genome: Genome) -> None:
    """Raise CoordinateError if the genome lacks a chromosome of the sites."""
    unknown = sorted(set(sites["chrom"]) - set(genome.chroms))
    if unknown:
        raise CoordinateError(
            f"sites lie on {', '.join(unknown[:3])}, which the genome does not have; wanted "
            f"chromosomes such as {', '.join(genome.chroms[:3])}: rename them or drop the sites"
        )


def default_batch(device: torch.device, length: int) -> int:
    """Windows a batch: on a CPU so few that a layer's states stay in the cache."""
    return max(1, (_CPU_BATCH_BP if device.type == "cpu" else _GPU_BATCH_BP) // length)


def route_rows(
    model: LDARNet, ids: NDArray[np.uint8], first: int, last: int, *, batch_size: int, dtype: str
) -> NDArray[np.floating[Any]]:
    """p (n, last - first + 1) on edges first..last of windows (n, length), batch by batch.

    In the model's own precision, at least float32, so that differences lose nothing.
    """
    device = next(model.parameters()).device
    parts = []
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=DTYPES[dtype], enabled=dtype != "float32"),
    ):
        for start in range(0, len(ids), batch_size):
            batch = torch.from_numpy(ids[start : start + batch_size].astype(np.int64))
            parts.append(model.encode_rows(batch.to(device), first, last).cpu().numpy())
    return np.concatenate(parts)


def list_variants(ids: NDArray[np.uint8], first: int, end: int) -> NDArray[np.uint8]:
    """The window itself, then base by base of [first, end) its three others in the order A C G T.

    (1 + 3 * (end - first), length); the bases are letters, not N.
    """
    rows = np.repeat(ids[None], 1 + 3 * (end - first), axis=0)
    for i, base in enumerate(range(first, end)):
        others = [letter for letter in range(N_LETTERS) if letter != ids[base]]
        rows[1 + 3 * i : 4 + 3 * i, base] = others
    return rows


def _prepare(sites: pd.DataFrame, context_bp: int, spread_bp: int) -> Mutagenesis:
    n, n_positions, n_edges = len(sites), 2 * context_bp, 2 * spread_bp + 1
    return Mutagenesis(
        sites=sites.reset_index(drop=True),
        base_offsets=np.arange(-context_bp, context_bp, dtype=np.int64),
        edge_offsets=np.arange(-spread_bp, spread_bp + 1, dtype=np.int64),
        letters=np.full((n, n_positions), N, dtype=np.uint8),
        native=np.full((n, n_edges), np.nan, dtype=np.float32),
        profiles=np.full((n, n_positions, N_LETTERS, n_edges), np.nan, dtype=np.float32),
        flanks=np.zeros((n, 2), dtype=np.int64),
    )


def _plan(
    genome: Genome, result: Mutagenesis, context_bp: int, length: int, margin_bp: int
) -> Iterator[tuple[int, _Job]]:
    """Row and job of the sites that have a value; notes the flanks of all."""
    columns = (result.sites[name].tolist() for name in ("chrom", "edge", "strand"))
    for row, (chrom, edge, strand) in enumerate(zip(*columns, strict=True)):
        window = read_window(genome, chrom, int(edge), strand, window_bp=length)
        result.flanks[row] = len(window.upstream), len(window.downstream)
        if window.has_margin(margin_bp):
            ids, at = window.ids, window.edge
            yield row, _Job(ids, at, max(0, at - context_bp), min(len(ids), at + context_bp))


def _mutate(
    model: LDARNet, job: _Job, *, spread_bp: int, batch_size: int, dtype: str
) -> NDArray[np.floating[Any]]:
    """p (1 + variants, n_edges) of a job's variants."""
    rows = list_variants(job.ids, job.first, job.end)
    # The margin, more than the spread, keeps these inside the window.
    first, last = job.edge - spread_bp, job.edge + spread_bp
    return route_rows(model, rows, first, last, batch_size=batch_size, dtype=dtype)


def _fill(
    result: Mutagenesis,
    row: int,
    job: _Job,
    context_bp: int,
    prob: NDArray[np.floating[Any]],
) -> None:
    """Put the p of a job's variants into its row of the result."""
    letters = job.ids[job.first : job.end]
    start = job.first - (job.edge - context_bp)
    columns = np.arange(start, start + len(letters))
    result.letters[row, columns] = letters
    result.native[row] = prob[0]
    change = np.zeros((len(letters), N_LETTERS, prob.shape[1]), dtype=np.float32)
    others = np.arange(N_LETTERS) != letters[:, None]
    change[others] = (prob[1:] - prob[0]).astype(np.float32)
    result.profiles[row, columns] = change
