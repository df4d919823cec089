"""Validation on held-out windows with fixed masks."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray

from ldar_interp.genome.alphabet import MASK
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.model.losses import IGNORE
from ldar_interp.train.data import mask_windows

MASK_SEED = 20260101


@dataclass(frozen=True, slots=True)
class Validation:
    """Means over all targets of the validation windows.

    `mask_loss` and `mask_accuracy` are over positions shown as [MASK] only: among all targets
    10 % are shown unchanged, which flatters `mlm_loss`. `boundary_rate` is F, `mean_prob` G.
    Losses in nats per base.
    """

    mask_loss: float
    mask_accuracy: float
    mlm_loss: float
    boundary_rate: float
    mean_prob: float
    n_mask: int


@torch.no_grad()
def validate(
    model: LDARNet,
    windows: NDArray[np.uint8],
    *,
    mask_rate: float,
    batch_windows: int = 8,
    device: torch.device | str = "cpu",
) -> Validation:
    """Evaluate windows (n, length) under masks that depend on the windows' number only."""
    was_training = model.training
    model.eval()
    sums = np.zeros(7)
    for start in range(0, len(windows), batch_windows):
        rows = range(start, min(start + batch_windows, len(windows)))
        shown = torch.from_numpy(windows[rows.start : rows.stop]).to(device)
        batch = mask_windows(shown, mask_rate, seed=MASK_SEED, rows=rows)
        ids, labels = batch.input_ids, batch.labels
        out = model(ids)
        target = labels != IGNORE
        logits = out.logits[target].float()
        loss = torch.nn.functional.cross_entropy(logits, labels[target], reduction="none")
        masked = ids[target] == MASK
        right = logits.argmax(-1) == labels[target]
        routed = out.boundaries[0]
        sums += [
            float(loss[masked].double().sum()),
            float(right[masked].sum()),
            float(masked.sum()),
            float(loss.double().sum()),
            float(target.sum()),
            float(routed.is_boundary.sum()),
            float(routed.prob.double().sum()),
        ]
    model.train(was_training)
    loss_sum, hits, n_mask, all_loss, n_target, n_boundary, prob = sums
    return Validation(
        mask_loss=loss_sum / n_mask,
        mask_accuracy=hits / n_mask,
        mlm_loss=all_loss / n_target,
        boundary_rate=n_boundary / windows.size,
        mean_prob=prob / windows.size,
        n_mask=int(n_mask),
    )


def validation_columns() -> Sequence[str]:
    """Column names of a validation row, in order."""
    return [field.name for field in fields(Validation)]
