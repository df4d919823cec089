"""The gradient of one step, in micro-batches and over all processes.

Loss of a step = sum of cross-entropies / T + alpha * sum over micro-batches w R, where

- T is the number of targets of the whole step, so the MLM part is the same however the step is
  cut into processes and micro-batches;
- R is the ratio loss of one micro-batch of all processes together, summed over stages, and w that
  micro-batch's share of the step's windows. F carries no gradient, so it needs only a sum over
  processes. R is linear in G, so each process differentiates its own share of G.

p_0 = 1 by construction: the first base of every window (and the first chunk, in an inner stage)
counts as a boundary in F and with probability 1 in G, as in the published recipe.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ldar_interp.errors import DeviceError, InputError
from ldar_interp.genome.alphabet import MASK
from ldar_interp.model.losses import IGNORE, ratio_of
from ldar_interp.model.router import RouterOutput
from ldar_interp.train.config import PretrainConfig
from ldar_interp.train.data import Batch
from ldar_interp.train.parallel import Team

PRECISIONS = ("auto", "fp32", "bf16")


@dataclass(frozen=True, slots=True)
class StepLosses:
    """One step over all processes. Losses in nats per target, before the update.

    `mask_loss` is over targets shown as [MASK], NaN if there were none. `boundary_rates` (F) and
    `mean_probs` (G) have one entry a stage, over all of the step.
    """

    mlm_loss: float
    mask_loss: float
    ratio_loss: float
    boundary_rates: tuple[float, ...]
    mean_probs: tuple[float, ...]


def choose_precision(precision: str, device: torch.device) -> str:
    """fp32 or bf16; auto is bf16 on CUDA devices that have it.

    bf16 is autocast: matrix products and attention in bfloat16; weights, moments, residual
    stream, router, decays, sums of the scan and moving average stay float32.

    Raises
    ------
    InputError : an unknown precision. DeviceError : bf16 on a device without it.
    """
    if precision not in PRECISIONS:
        raise InputError(f"precision is {precision!r}; wanted one of {', '.join(PRECISIONS)}")
    able = device.type != "cuda" or torch.cuda.is_bf16_supported()
    if precision == "auto":
        return "bf16" if device.type == "cuda" and able else "fp32"
    if precision == "bf16" and not able:
        raise DeviceError(f"device {str(device)!r} has no bfloat16; wanted --precision fp32")
    return precision


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """The context of a forward pass."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=precision == "bf16")


def plan_micro_batches(n_windows: int, team: Team, micro_windows: int | None) -> list[range]:
    """This process's rows of a step, by micro-batch; as many micro-batches in every process.

    Raises
    ------
    InputError : a process would have a micro-batch without windows.
    """
    most = -(-n_windows // team.size)
    n_micro = 1 if micro_windows is None else -(-most // micro_windows)
    if n_windows // team.size < n_micro:
        raise InputError(
            f"batch_windows is {n_windows} for {team.size} processes and micro_windows "
            f"{micro_windows}, which leaves one without windows; wanted batch_windows a multiple "
            "of the number of processes"
        )
    mine = team.share(n_windows)
    cuts = [mine.start + k * len(mine) // n_micro for k in range(n_micro + 1)]
    return [range(a, b) for a, b in pairwise(cuts)]


def add_gradients(
    module: nn.Module,
    batch: Batch,
    plan: list[range],
    config: PretrainConfig,
    team: Team,
    precision: str,
) -> StepLosses:
    """Backward passes of a step: afterwards gradients are those of the whole step's loss.

    `batch` holds this process's rows, `plan` says how they are cut (`plan_micro_batches`).
    """
    objective, n_windows = config.objective, config.optimizer.batch_windows
    counted = torch.stack([(batch.labels != IGNORE).sum(), *_sizes(plan, batch.labels.device)])
    n_targets, *n_rows = team.sum(counted).tolist()
    sums = torch.zeros(3, dtype=torch.float64, device=batch.labels.device)
    ratio = sums.new_zeros(())
    pooled: Tensor | None = None
    for k, (ids, labels) in enumerate(_cut(batch, plan)):
        with team.averaging(module, wanted=k == len(plan) - 1):
            with autocast(precision, ids.device):
                out = module(ids)
            totals = team.sum(torch.stack([_count(routed) for routed in out.boundaries]))
            losses = F.cross_entropy(
                out.logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORE,
                reduction="none",
            )  # fmt: skip
            mlm = losses.sum() / max(1, n_targets)
            share = n_rows[k] / n_windows
            compressed = _ratio(out.boundaries, totals, objective.compression) * share
            # Averaged over processes: the share of each counts in full.
            (team.size * (mlm + objective.alpha * compressed)).backward()
        masked = (ids == MASK).flatten() & (labels != IGNORE).flatten()
        detached = losses.detach().double()
        sums += torch.stack([detached.sum(), detached[masked].sum(), masked.sum().double()])
        ratio += share * _ratio_value(totals, objective.compression)
        pooled = totals if pooled is None else pooled + totals
    assert pooled is not None, "a plan has at least one micro-batch"
    mlm_sum, mask_sum, n_mask = team.sum(sums).tolist()
    return StepLosses(
        mlm_loss=mlm_sum / max(1, n_targets),
        mask_loss=mask_sum / n_mask if n_mask else float("nan"),
        ratio_loss=float(ratio),
        boundary_rates=tuple((pooled[:, 0] / pooled[:, 2]).tolist()),
        mean_probs=tuple((pooled[:, 1] / pooled[:, 2]).tolist()),
    )


def _sizes(plan: list[range], device: torch.device) -> list[Tensor]:
    return [torch.tensor(len(rows), device=device) for rows in plan]


def _cut(batch: Batch, plan: list[range]) -> Iterator[tuple[Tensor, Tensor]]:
    first = plan[0].start
    for rows in plan:
        at = slice(rows.start - first, rows.stop - first)
        yield batch.input_ids[at], batch.labels[at]


def _count(routed: RouterOutput) -> Tensor:
    """[boundaries, sum of p, real tokens] of one stage, float64, without gradient."""
    prob, chosen = routed.prob.detach().double(), routed.is_boundary
    if routed.mask is None:
        n_real = torch.tensor(float(prob.numel()), dtype=torch.float64, device=prob.device)
    else:
        prob, n_real = prob * routed.mask, routed.mask.sum().double()
    return torch.stack([chosen.sum().double(), prob.sum(), n_real])


def _ratio_value(totals: Tensor, compression: tuple[float, ...]) -> Tensor:
    """Ratio losses of all stages, summed: the same bits in every process."""
    terms = [
        ratio_of(total[0] / total[2], total[1] / total[2], n)
        for total, n in zip(totals, compression, strict=True)
    ]
    return torch.stack(terms).sum()


def _ratio(
    boundaries: tuple[RouterOutput, ...], totals: Tensor, compression: tuple[float, ...]
) -> Tensor:
    """Ratio losses of all stages: the value of all processes, the gradient of this one's share."""
    terms = []
    for routed, total, n in zip(boundaries, totals.float(), compression, strict=True):
        real = routed.prob if routed.mask is None else routed.prob * routed.mask
        mine = real.sum() / total[2]
        mean_prob = mine + (total[1] / total[2] - mine).detach()
        terms.append(ratio_of(total[0] / total[2], mean_prob, n))
    return torch.stack(terms).sum()
