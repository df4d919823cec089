"""Learning rates: warm-up, stable, decay over time; faster outside the backbone."""

import math
from typing import Any

from torch import nn

from ldar_interp.model.config import LDARNetConfig
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.train.config import Optimizer

NO_DECAY = ("A_log", "D", "dt_bias", "norm_weight", "conv_bias", "bias")


def learning_rate_factor(step: int, optimizer: Optimizer) -> float:
    """Share of the peak rate at a step, 0-based.

    Linear warm-up, constant, then a decay to `final_lr`: `inverse_sqrt` is 1/sqrt(1 + c u) with c
    such that it ends there, `one_minus_sqrt` is 1 - (1 - final) sqrt(u) (arXiv:2405.18392), which
    stays high for longer; u runs from 0 to 1 over the decay.
    """
    warmup = optimizer.warmup_steps
    if warmup is None:
        warmup = round(optimizer.warmup_fraction * optimizer.total_steps)
    decay = round(optimizer.decay_fraction * optimizer.total_steps)
    if step < warmup:
        return (step + 1) / warmup
    start = optimizer.total_steps - decay
    if step < start or decay == 0:
        return 1.0
    u = min(1.0, (step - start + 1) / decay)
    if optimizer.decay_shape == "one_minus_sqrt" or optimizer.final_lr == 0:
        return 1 - (1 - optimizer.final_lr) * math.sqrt(u)
    return 1 / math.sqrt(1 + u * (optimizer.final_lr**-2 - 1))


def stage_multipliers(config: LDARNetConfig, compression: tuple[float, ...]) -> list[float]:
    """Learning-rate multiplier of each stage, outermost first; 1 for the innermost.

    sqrt of the product of N from the stage inward, times the innermost width over its own.
    """
    return [
        math.sqrt(math.prod(compression[stage:])) * config.d_model[-1] / width
        for stage, width in enumerate(config.d_model)
    ]


def parameter_groups(
    model: LDARNet, compression: tuple[float, ...], optimizer: Optimizer
) -> list[dict[str, Any]]:
    """AdamW groups by stage and weight decay, with their peak rate in `peak_lr`.

    Biases, norms, A_log, D and dt_bias do not decay.
    """
    multipliers = stage_multipliers(model.config, compression)
    groups: dict[tuple[int, bool], list[nn.Parameter]] = {}
    for name, parameter in model.named_parameters():
        groups.setdefault((stage_of(name), decays(name)), []).append(parameter)
    return [
        {
            "params": parameters,
            "peak_lr": optimizer.peak_lr * multipliers[stage],
            "lr": optimizer.peak_lr * multipliers[stage],
            "weight_decay": optimizer.weight_decay if has_decay else 0.0,
        }
        for (stage, has_decay), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]


def stage_of(name: str) -> int:
    """Stage whose learning rate a parameter takes: its depth in the hierarchy."""
    return name.split(".").count("inner")


def decays(name: str) -> bool:
    """True where weight decay applies."""
    leaf = name.rsplit(".", 1)[-1]
    return leaf not in NO_DECAY and "norm" not in name.rsplit(".", 2)[-2]
