"""Validation on held-out windows with fixed masks."""

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ldar_interp.genome.alphabet import MASK
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.model.losses import IGNORE
from ldar_interp.model.router import RouterOutput
from ldar_interp.train.data import mask_windows
from ldar_interp.train.parallel import Team
from ldar_interp.train.step import autocast

MASK_SEED = 20260101
OPEN_LENGTH = 64


@dataclass(frozen=True, slots=True)
class StageValidation:
    """One router on the validation windows. `boundary_rate` is F, `mean_prob` G.

    Both are over all real tokens, the first of each window included (p_0 = 1 by construction).
    `chunk_lengths[i]` counts chunks of i tokens of this stage's input (bases for the outermost);
    the last bin is open. Only chunks between two boundaries that the router chose are counted: a
    window's first and last chunk are cut by its ends.
    """

    boundary_rate: float
    mean_prob: float
    chunk_lengths: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Validation:
    """Means over all targets of the validation windows.

    `mask_loss` and `mask_accuracy` are over positions shown as [MASK] only: among all targets
    10 % are shown unchanged, which flatters `mlm_loss` and `mlm_accuracy`. Losses in nats per
    base; NaN where there was no such position. `stages` has the routers, outermost first.
    """

    mask_loss: float
    mask_accuracy: float
    mlm_loss: float
    mlm_accuracy: float
    n_mask: int
    stages: tuple[StageValidation, ...]

    def scalars(self) -> dict[str, float]:
        """All but the histograms, by column of validation.csv."""
        row: dict[str, float] = {
            "mask_loss": self.mask_loss,
            "mask_accuracy": self.mask_accuracy,
            "mlm_loss": self.mlm_loss,
            "mlm_accuracy": self.mlm_accuracy,
        }
        for stage, found in enumerate(self.stages):
            names = stage_columns(stage)
            row |= dict(zip(names, (found.boundary_rate, found.mean_prob), strict=True))
        return row | {"n_mask": self.n_mask}


def stage_columns(stage: int) -> tuple[str, str]:
    """Names of F and G of a stage: the outermost has no number."""
    end = f"_{stage}" if stage else ""
    return f"boundary_rate{end}", f"mean_prob{end}"


def validation_columns(n_routers: int) -> tuple[str, ...]:
    """Column names of a validation row, in order."""
    empty = Validation(0, 0, 0, 0, 0, (StageValidation(0, 0, ()),) * n_routers)
    return tuple(empty.scalars())


@torch.no_grad()
def validate(
    model: LDARNet,
    windows: NDArray[np.uint8],
    *,
    mask_rate: float,
    batch_windows: int = 8,
    device: torch.device | str = "cpu",
    team: Team | None = None,
    precision: str = "fp32",
) -> Validation:
    """Evaluate windows (n, length) under masks that depend on the windows' number only.

    With a team, each process takes a share of the windows and all get the same result.
    """
    target = torch.device(device)
    team = team or Team("none", 0, 1, target)
    was_training = model.training
    model.eval()
    mine = team.share(len(windows))
    # As many forward passes in every process, since a sharded model needs all of them.
    n_batches = math.ceil(math.ceil(len(windows) / team.size) / batch_windows)
    sums = torch.zeros(6, dtype=torch.float64, device=target)
    routers = torch.zeros(model.config.n_routers, 3 + OPEN_LENGTH + 1, device=target).double()
    for k in range(n_batches):
        start = mine.start + k * batch_windows
        rows = range(start, min(start + batch_windows, mine.stop))
        is_idle = len(rows) == 0
        rows = range(1) if is_idle else rows
        shown = torch.from_numpy(windows[rows.start : rows.stop]).to(target)
        batch = mask_windows(shown, mask_rate, seed=MASK_SEED, rows=rows)
        ids, labels = batch.input_ids, batch.labels
        with autocast(precision, target):
            out = model(ids)
        if not is_idle:
            sums += _score(out.logits, ids, labels)
            for stage, routed in enumerate(out.boundaries):
                routers[stage] += _describe(routed)
    model.train(was_training)
    loss_sum, hits, n_mask, all_loss, all_hits, n_target = team.sum(sums).tolist()
    stages = []
    for n_boundary, prob, n_real, *lengths in team.sum(routers).tolist():
        counts = tuple(int(count) for count in lengths)
        stages.append(StageValidation(n_boundary / n_real, prob / n_real, counts))
    return Validation(
        mask_loss=loss_sum / n_mask if n_mask else math.nan,
        mask_accuracy=hits / n_mask if n_mask else math.nan,
        mlm_loss=all_loss / n_target if n_target else math.nan,
        mlm_accuracy=all_hits / n_target if n_target else math.nan,
        n_mask=int(n_mask),
        stages=tuple(stages),
    )


def _score(logits: Tensor, ids: Tensor, labels: Tensor) -> Tensor:
    """[loss, hits and number of targets shown as MASK; loss, hits and number of all targets]."""
    target = labels != IGNORE
    chosen, truth = logits[target].float(), labels[target]
    loss = F.cross_entropy(chosen, truth, reduction="none").double()
    hit = (chosen.argmax(-1) == truth).double()
    masked = ids[target] == MASK
    on_mask = (loss[masked].sum(), hit[masked].sum(), masked.sum().double())
    return torch.stack([*on_mask, loss.sum(), hit.sum(), target.sum().double()])


def _describe(routed: RouterOutput) -> Tensor:
    """[boundaries, sum of p, real tokens, chunks of length 0, 1, ..., OPEN_LENGTH or more]."""
    chosen = routed.is_boundary
    real = torch.ones_like(chosen) if routed.mask is None else routed.mask
    row, at = chosen[:, 1:].nonzero(as_tuple=True)
    lengths = (at[1:] - at[:-1])[row[1:] == row[:-1]].clamp_max(OPEN_LENGTH)
    histogram = torch.bincount(lengths, minlength=OPEN_LENGTH + 1)
    counts = torch.stack([chosen.sum().double(), (routed.prob * real).double().sum(), real.sum()])
    return torch.cat([counts.double(), histogram.double()])
