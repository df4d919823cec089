"""Windows as tensors on the device, any rows of a step; and sources of a lone FASTA.

The numpy sampler behind it makes the whole step and the wanted rows are cut out, so that row i
of step s is the same whichever process asks for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.train import data
from ldar_interp.train.config import Source

HELD_OUT_SHARE = 0.05
FEWEST_WINDOWS = 20


@dataclass(frozen=True, slots=True)
class Batch:
    """(rows, length) int64 on the device; `labels` is -100 off target."""

    input_ids: Tensor
    labels: Tensor


class WindowSampler:
    """Rows of a step on a device; `counts` says what there is to draw from."""

    def __init__(
        self,
        sources: Sequence[Source],
        length: int,
        *,
        max_n_share: float,
        seed: int,
        device: torch.device | str = "cpu",
        cache: Path | None = None,
    ) -> None:
        self._sampler = data.WindowSampler(sources, length, max_n_share=max_n_share, seed=seed)
        self._device = device
        self.cache = cache
        self.counts = self._sampler.counts

    def batch(
        self, step: int, n_windows: int, mask_rate: float, *, rows: range | None = None
    ) -> Batch:
        """The given rows of a step's `n_windows` windows; None means all."""
        whole = self._sampler.batch(step, n_windows, mask_rate)
        cut = slice(None) if rows is None else slice(rows.start, rows.stop)
        return Batch(
            torch.from_numpy(whole.input_ids[cut]).to(self._device),
            torch.from_numpy(whole.labels[cut]).to(self._device),
        )


def default_sources(fasta: Path, length: int = 1024) -> tuple[Source, Source]:
    """Training and validation source of a FASTA: the last 5 % of every long record is held out.

    Records too short for 20 windows in all train only. Raises InputError if nothing is held out.
    """
    held_out = []
    for record in Genome(fasta).segments:
        n_bases = record.end - record.start
        if n_bases >= FEWEST_WINDOWS * length:
            start = record.end - round(HELD_OUT_SHARE * n_bases)
            held_out.append(f"{record.chrom}:{start + 1}-{record.end}")
    if not held_out:
        raise InputError(
            f"{fasta}: no record has {FEWEST_WINDOWS * length:,} bases, so nothing can be held out "
            "for validation; give longer records or a --config with its own [[validation]]"
        )
    train = Source(name=fasta.name, fasta=fasta, exclude=tuple(held_out))
    validation = Source(name=f"{fasta.name}, held out", fasta=fasta, regions=tuple(held_out))
    return train, validation
