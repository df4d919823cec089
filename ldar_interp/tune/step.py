"""One step of fine-tuning: forward, loss, backward in micro-batches, clip, update.

Loss of a step = sum_i w_i CE_i / sum_i w_i + ratio_weight * sum over micro-batches of share * R,
with w_i the weight of example i's class, CE its cross-entropy in nats, and R the ratio loss of
pretraining of one micro-batch. The first part is the same however the step is cut.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.model.losses import total_ratio_loss
from ldar_interp.train.schedule import decays
from ldar_interp.tune.batches import Encoded, pad_batch, plan_batches
from ldar_interp.tune.plateau import reduce_rate
from ldar_interp.tune.pooling import Head
from ldar_interp.tune.predict import device_of, read_batch
from ldar_interp.tune.protocol import Protocol


@dataclass(frozen=True, slots=True, eq=False)
class Learner:
    """What a step changes and what it needs. `class_weight` (c,) float32, on the model's device;
    `max_bases` of one micro-batch, padding included."""

    model: LDARNet
    head: Head
    optimizer: torch.optim.Optimizer
    protocol: Protocol
    precision: str
    max_bases: int
    class_weight: Tensor

    def set_rates(self, reductions: int) -> float:
        """Learning rates after so many reductions of the plateau schedule; the model's."""
        protocol = self.protocol
        for group in self.optimizer.param_groups:
            group["lr"] = reduce_rate(
                group["peak_lr"], reductions,
                factor=protocol.plateau_factor, lowest=protocol.min_lr,
            )  # fmt: skip
        return float(self.optimizer.param_groups[0]["lr"])


def make_learner(
    model: LDARNet,
    head: Head,
    labels: NDArray[np.int64],
    protocol: Protocol,
    *,
    precision: str,
    max_bases: int,
) -> Learner:
    """Switch model and head to training, with a fresh optimiser; `labels` give class weights.

    All of the model is trained but its MLM head, which the loss does not reach (tied to the
    embedding it is the embedding).
    """
    model.train().requires_grad_(True)
    head.train().requires_grad_(True)
    if not model.config.tie_embeddings:
        model.head.requires_grad_(False)
    optimizer = torch.optim.AdamW(
        parameter_groups(model, head, protocol), betas=protocol.betas, fused=True
    )
    weights = weigh_classes(labels, head.n_classes, protocol.class_weights)
    class_weight = torch.from_numpy(weights).to(device_of(model), torch.float32)
    return Learner(model, head, optimizer, protocol, precision, max_bases, class_weight)


def parameter_groups(model: LDARNet, head: Head, protocol: Protocol) -> list[dict[str, Any]]:
    """AdamW's groups, the model's first: one rate for each of model and head (`peak_lr`).

    What decays is as in pretraining (`train.schedule.decays`).
    """
    head_lr = protocol.lr if protocol.head_lr is None else protocol.head_lr
    groups = []
    for module, prefix, rate in ((model, "model", protocol.lr), (head, "head", head_lr)):
        trained = [(f"{prefix}.{n}", p) for n, p in module.named_parameters() if p.requires_grad]
        for has_decay in (True, False):
            groups.append({
                "params": [p for name, p in trained if decays(name) == has_decay],
                "peak_lr": rate,
                "lr": rate,
                "weight_decay": protocol.weight_decay if has_decay else 0.0,
            })  # fmt: skip
    return groups


def weigh_classes(labels: NDArray[np.int64], n_classes: int, rule: str) -> NDArray[np.float64]:
    """Weight of an example of each class, (c,): 1 everywhere, or balanced.

    Balanced is n / (classes * examples of the class), over the classes that there are; the mean
    over examples is 1. A class without examples has weight 0.
    """
    if rule == "none":
        return np.ones(n_classes)
    counts = np.bincount(labels, minlength=n_classes)
    weights = len(labels) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    return np.where(counts > 0, weights, 0.0)


def take_step(
    learner: Learner, encoded: Encoded, labels: NDArray[np.int64], rows: NDArray[np.int64]
) -> tuple[Tensor, Tensor]:
    """Update the weights once by the examples `rows`.

    Returns ([sum of weighted cross-entropies, sum of weights] float64, before the update; norm of
    the gradient before clipping). Both stay on the device. If the norm is not finite, nothing is
    updated.
    """
    learner.optimizer.zero_grad(set_to_none=True)
    sums = add_gradients(learner, encoded, labels, rows)
    norm = nn.utils.clip_grad_norm_(_trained(learner), learner.protocol.clip_norm)
    if bool(torch.isfinite(norm)):
        learner.optimizer.step()
    return sums, norm


def add_gradients(
    learner: Learner, encoded: Encoded, labels: NDArray[np.int64], rows: NDArray[np.int64]
) -> Tensor:
    """Backward passes of a step; [sum of weighted cross-entropies, sum of weights], float64."""
    protocol, device = learner.protocol, device_of(learner.model)
    targets = torch.from_numpy(np.asarray(labels, dtype=np.int64)[rows]).to(device)
    weights = learner.class_weight[targets]
    total_weight = weights.sum()
    loss_sum = torch.zeros((), dtype=torch.float64, device=device)
    for part in plan_batches([len(encoded[row]) for row in rows], learner.max_bases):
        batch = pad_batch(encoded, rows[part], device)
        scores, output = read_batch(learner.model, learner.head, batch, precision=learner.precision)
        at = torch.from_numpy(part).to(device)
        losses = F.cross_entropy(scores, targets[at], reduction="none") * weights[at]
        loss = losses.sum() / total_weight
        if protocol.ratio_weight > 0:
            ratio = total_ratio_loss(output.boundaries, protocol.compression)
            loss = loss + protocol.ratio_weight * len(part) / len(rows) * ratio
        loss.backward()
        loss_sum += losses.detach().double().sum()
    return torch.stack([loss_sum, total_weight.double()])


def _trained(learner: Learner) -> Iterator[nn.Parameter]:
    return (p for group in learner.optimizer.param_groups for p in group["params"])
