"""Which bases the model must guess, and what it is shown there.

Of the A, C, G and T of a window a share of `mask_rate` are targets; of those 80 % are shown as
[MASK], 10 % as a base drawn evenly from the four (which may be the true one) and 10 % as they are.
N and padding are never targets. The choice at a position is a hash of (seed, step, row, position),
see `ldar_interp.train.draws`: every device and every split into batches guesses the same bases.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Int64, Integer
from torch import Tensor

from ldar_interp.genome.alphabet import MASK, N
from ldar_interp.model.losses import IGNORE
from ldar_interp.train.draws import Stream, draw_words, shift_right

_SHOWN_AS_MASK = 0.8
_SHOWN_AS_RANDOM = 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """Masked windows, int64 on the device: what is shown, and what is to be guessed.

    `labels` is the true id at targets and -100 elsewhere.
    """

    input_ids: Int64[Tensor, "windows length"]
    labels: Int64[Tensor, "windows length"]


def mask_windows(
    ids: Integer[Tensor, "windows length"],
    mask_rate: float,
    *,
    seed: int,
    step: int = 0,
    rows: range | None = None,
) -> Batch:
    """Choose targets and hide them.

    Parameters
    ----------
    ids : ids of an integer type, on the device where the batch is wanted; they stay as they are.
    mask_rate : share of A, C, G, T that become targets, 0 to 1, exact to 2**-32.
    seed, step : of the hash.
    rows : the windows' numbers in the step, on which their masks depend; None means 0, 1, ...

    Raises
    ------
    ValueError : as many rows as windows are wanted.
    """
    n_windows, length = ids.shape
    rows = range(n_windows) if rows is None else rows
    if len(rows) != n_windows:
        raise ValueError(f"{len(rows)} row numbers for {n_windows} windows; wanted one a window")
    word = draw_words(rows, length, seed=seed, step=step, stream=Stream.MASK, device=ids.device)
    # Disjoint bit fields of one word: 32 bits choose targets, 24 their fate, 2 the random base.
    chosen = (shift_right(word, 32) < round(mask_rate * (1 << 32))) & (ids < N)
    fate = (word >> 8) & 0xFFFFFF
    as_mask = round(_SHOWN_AS_MASK * (1 << 24))
    as_random = round((_SHOWN_AS_MASK + _SHOWN_AS_RANDOM) * (1 << 24))
    truth = ids.long()
    hidden = torch.where(fate < as_mask, MASK, torch.where(fate < as_random, word & 3, truth))
    return Batch(torch.where(chosen, hidden, truth), torch.where(chosen, truth, IGNORE))
