"""Log-odds of a letter against another at a masked base: what a masked model says of a variant.

The base is shown as [MASK] in the middle of its window and the whole model runs once for all
alternate letters of the position:

    log-odds = log P(alternate | the other bases) - log P(reference | the other bases)      nats

Below 0 the model takes the reference for likelier. P is a softmax over all of the model's ids; its
sum cancels, so the difference of two logits is all that is needed. The other strand is read in a
window of its own, again with the base behind its middle edge, and its letters are complements.
The mask also hides the base from the router, so the cuts near it need not be those of the
unmasked sequence.
"""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ldar_interp.boundaries.edge_windows import check_window, read_window
from ldar_interp.boundaries.extract import DTYPES, check_counts
from ldar_interp.boundaries.mutagenesis import check_dtype, default_batch
from ldar_interp.boundaries.variant_windows import STRANDS
from ldar_interp.boundaries.workers import run_jobs
from ldar_interp.genome.alphabet import MASK
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.ldarnet import LDARNet

N_LETTERS = 4


class BaseLogits(NamedTuple):
    """Logits of A, C, G, T of the + strand at masked bases, and the windows they came from.

    `logits` (n, n_strands, 4) float64, in the order of the strands asked for; NaN within the
    margin of an end of the sequence or an N. `window_bp` (n,) int64: bases of the shortest window.
    """

    logits: NDArray[np.float64]
    window_bp: NDArray[np.int64]


class _Job(NamedTuple):
    """Windows of one length (n, length), the base to be masked at one place."""

    ids: NDArray[np.uint8]
    base: int


def predict_bases(
    model: LDARNet,
    genome: Genome,
    bases: Sequence[tuple[str, int]],
    *,
    strands: Sequence[str] = STRANDS,
    window_bp: int,
    margin_bp: int,
    dtype: str = "float32",
    workers: int = 1,
    batch_size: int | None = None,
    progress: str | None = None,
) -> BaseLogits:
    """Mask each base and read the model's logits there.

    Parameters
    ----------
    bases : chromosome and 0-based position, each once, of letters that are not N.
    strands : read, `+`, `-` or both.
    window_bp, margin_bp, dtype, workers, batch_size : see `mutate_sites`.
    progress : label of a progress bar on stderr; None for none.

    Raises
    ------
    InputError : numbers out of range.
    DeviceError : unknown dtype.
    """
    check_window(window_bp, margin_bp, model.config.train_length)
    check_counts(workers, batch_size)
    check_dtype(dtype)
    device = next(model.parameters()).device
    size = batch_size or default_batch(device, window_bp)
    logits = np.full((len(bases), len(strands), N_LETTERS), np.nan)
    lengths = np.full(len(bases), window_bp, dtype=np.int64)
    shapes: dict[tuple[int, int], list[tuple[NDArray[np.uint8], int, int]]] = {}
    for row, (chrom, base) in enumerate(bases):
        for s, strand in enumerate(strands):
            edge = base if strand == "+" else base + 1
            window = read_window(genome, chrom, edge, strand, window_bp=window_bp)
            ids = window.ids
            lengths[row] = min(lengths[row], len(ids))
            if window.has_margin(margin_bp):
                shapes.setdefault((len(ids), window.edge), []).append((ids, row, s))
    jobs, members = [], []
    for (_, at), windows in sorted(shapes.items(), key=lambda item: item[0]):
        for begin in range(0, len(windows), size):
            block = windows[begin : begin + size]
            jobs.append(_Job(np.stack([ids for ids, _, _ in block]), at))
            members.append([(row, s) for _, row, s in block])
    done = run_jobs(
        model, partial(_predict, dtype=dtype), jobs, n_jobs=len(jobs), workers=workers,
        progress=progress,
    )  # fmt: skip
    for values, block_members in zip(done, members, strict=True):
        for letters, (row, s) in zip(values, block_members, strict=True):
            # The complement of letter i is 3 - i, so the other strand reads backwards.
            logits[row, s] = letters if strands[s] == "+" else letters[::-1]
    return BaseLogits(logits, lengths)


def _predict(model: LDARNet, job: _Job, *, dtype: str) -> NDArray[np.float64]:
    """Logits (n, 4) of A, C, G, T at the masked base, on the strand that is read."""
    device = next(model.parameters()).device
    masked = job.ids.astype(np.int64)
    masked[:, job.base] = MASK
    with (
        torch.inference_mode(),
        torch.autocast(device.type, dtype=DTYPES[dtype], enabled=dtype != "float32"),
    ):
        out = model(torch.from_numpy(masked).to(device)).logits[:, job.base, :N_LETTERS]
    return np.asarray(out.double().cpu().numpy())
