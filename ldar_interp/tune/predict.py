"""Probabilities of classes from a model and a head, batched by length.

A class's probability is the softmax of the head's scores; with `rc_average` it is the mean of that
of a sequence and of its reverse complement, so both strands get the same answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import PAD
from ldar_interp.model.ldarnet import LDARNet, LDARNetOutput
from ldar_interp.train.step import autocast, choose_precision
from ldar_interp.tune.batches import (
    Encoded,
    PaddedBatch,
    encode_sequences,
    list_strands,
    pad_batch,
    plan_batches,
)
from ldar_interp.tune.checks import warn_if_long
from ldar_interp.tune.pooling import Head

MAX_BASES_CPU, MAX_BASES_GPU = 16_384, 131_072


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """`prob` (n, c) float64. `boundary_rate` and `mean_prob`: share of real bases at which the
    outermost router cuts, and its mean p, over all that was read (the first base of each, where
    p is 1 by construction, included); NaN without a router."""

    prob: NDArray[np.float64]
    boundary_rate: float
    mean_prob: float


def predict(
    model: LDARNet,
    head: Head,
    sequences: Sequence[str],
    *,
    rc_average: bool,
    precision: str = "auto",
    max_bases: int | None = None,
) -> NDArray[np.float64]:
    """Probability of each class for each sequence, in the order given.

    Parameters
    ----------
    model, head : on one device; they are left as they are.
    sequences : of any length >= 1; letters other than A, C, G, T, U are N.
    rc_average : mean over both strands, at twice the cost.
    precision : auto, fp32 or bf16 (`train.step.choose_precision`).
    max_bases : of one batch, padding included; None is 16,384 on a CPU and 131,072 on a GPU.

    Returns
    -------
    float64 (n_sequences, n_classes); rows add up to 1.

    Raises
    ------
    InputError : no sequences or an empty one, or a probability that is not finite.
    """
    if len(sequences) == 0:
        raise InputError("no sequences to predict; wanted at least one")
    encoded = encode_sequences(sequences)
    warn_if_long(max(map(len, encoded)), model.config.train_length)
    device = device_of(model)
    return evaluate(
        model, head, encoded,
        rc_average=rc_average,
        precision=choose_precision(precision, device),
        max_bases=max_bases or usual_max_bases(device),
    ).prob  # fmt: skip


def evaluate(
    model: LDARNet,
    head: Head,
    encoded: Encoded,
    *,
    rc_average: bool,
    precision: str,
    max_bases: int,
) -> Evaluation:
    """`predict` on encoded sequences, with what the router does on them."""
    strands = list_strands(encoded, both=rc_average)
    device = device_of(model)
    prob = np.zeros((len(encoded), head.n_classes))
    cuts = torch.zeros(3, dtype=torch.float64, device=device)
    with torch.no_grad():
        for rows in plan_batches([len(ids) for ids in encoded], max_bases):
            for strand in strands:
                scores, output = read_batch(
                    model, head, pad_batch(strand, rows, device), precision=precision
                )
                prob[rows] += scores.double().softmax(-1).cpu().numpy() / len(strands)
                cuts += count_cuts(output)
    if not np.isfinite(prob).all():
        raise InputError(
            f"{int((~np.isfinite(prob).all(1)).sum())} of {len(prob)} predictions are not finite; "
            "the weights are broken, or too large for this precision: try fp32 or other weights"
        )
    n_cuts, total_prob, n_bases = cuts.tolist()
    if n_bases == 0:
        return Evaluation(prob, float("nan"), float("nan"))
    return Evaluation(prob, n_cuts / n_bases, total_prob / n_bases)


def read_batch(
    model: LDARNet, head: Head, batch: PaddedBatch, *, precision: str
) -> tuple[Tensor, LDARNetOutput]:
    """Scores (b, c) of a batch in float32, and the model's output."""
    ids = batch.input_ids
    with autocast(precision, ids.device):
        output: LDARNetOutput = model(ids)
    mask = ids != PAD if batch.is_padded else None
    outermost = output.boundaries[0] if output.boundaries else None
    scores: Tensor = head(output.hidden, mask, outermost)
    return scores, output


def count_cuts(output: LDARNetOutput) -> Tensor:
    """[boundaries, sum of p, real bases] of the outermost router, float64; zeros without one."""
    if not output.boundaries:
        return torch.zeros(3, dtype=torch.float64, device=output.hidden.device)
    routed = output.boundaries[0]
    prob = routed.prob.detach().double()
    if routed.mask is None:
        n_real = torch.full((), prob.numel(), dtype=torch.float64, device=prob.device)
    else:
        prob, n_real = prob * routed.mask, routed.mask.sum().double()
    return torch.stack([routed.is_boundary.sum().double(), prob.sum(), n_real])


def device_of(model: LDARNet) -> torch.device:
    """Where a model is."""
    return model.embedding.weight.device


def usual_max_bases(device: torch.device) -> int:
    """Bases in one pass: what keeps a CPU's caches or a GPU's cores busy."""
    return MAX_BASES_CPU if device.type == "cpu" else MAX_BASES_GPU
