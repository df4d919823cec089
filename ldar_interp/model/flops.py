"""FLOPs of LDARNet by part, counted from its config (a multiply-add is 2 FLOPs).

Matrix products, attention, scan and convolution are counted; norms, activations and other
pointwise work are not. Two ways of computing the same function are told apart:

- `as_published`: every direction runs its own `in_proj` and `out_proj`, attention and scan as
  the published code does them (scan chunk 256).
- otherwise as this package does it: projections shared by both directions, scan chunk 64, and the
  first layer's `in_proj` of an embedding looked up in a table.
"""

from dataclasses import dataclass

from ldar_interp.model.config import MAMBA_HEAD_DIM, LayerSpec, LDARNetConfig, parse_layers
from ldar_interp.model.ssd import CHUNK

PUBLISHED_CHUNK = 256


@dataclass(frozen=True, slots=True)
class FlopCount:
    """FLOPs per base of the sequence. `boundaries` is all that p needs: encoder and router."""

    boundaries: float
    full: float


def count_flops(
    config: LDARNetConfig,
    length: int,
    *,
    boundary_rate: float = 0.25,
    as_published: bool = False,
) -> FlopCount:
    """FLOPs per base of one sequence of `length` bases.

    Parameters
    ----------
    boundary_rate : share of positions that every router keeps.
    as_published : count the published way of computing it instead of this package's.
    """
    total, boundaries, share, at = 0.0, 0.0, 1.0, float(length)
    for stage, layouts in enumerate(config.layouts()):
        d_model = config.d_model[stage]
        for part, layout in enumerate(layouts):
            for depth, layer in enumerate(parse_layers(layout)):
                is_table = stage == 0 and part == 0 and depth == 0 and not as_published
                total += share * _count_layer(config, layer, stage, at, as_published, is_table)
            if part == 0 and len(layouts) == 2:
                total += share * 2 * 2 * d_model * d_model
                if stage == 0:
                    boundaries = total
        if len(layouts) == 2:
            total += share * 2 * d_model * d_model
            share, at = share * boundary_rate, at * boundary_rate
    total += 2 * config.d_model[0] * config.vocab_size
    return FlopCount(boundaries=boundaries, full=total)


def _count_layer(
    config: LDARNetConfig,
    layer: LayerSpec,
    stage: int,
    length: float,
    as_published: bool,
    is_table: bool,
) -> float:
    d = config.d_model[stage]
    if layer.mixer == "attention":
        flops = 2 * d * 3 * d + 2 * d * d + 4 * d * _mean_keys(config.window_size[stage], length)
    else:
        inner, state = config.expand * d, config.d_state
        projected = 2 * inner + 2 * state + inner // MAMBA_HEAD_DIM
        times = 2 if as_published else 1
        chunk = min(PUBLISHED_CHUNK if as_published else CHUNK, length)
        flops = times * (0 if is_table else 2 * d * projected) + times * 2 * inner * d
        flops += 2 * 2 * config.d_conv * (inner + 2 * state)
        flops += 2 * (2 * chunk * (state + inner) + 4 * state * inner)
    if layer.has_mlp:
        hidden = -(-config.d_intermediate[stage] // 128) * 128
        flops += 3 * 2 * d * hidden
    return flops


def _mean_keys(window: int, length: float) -> float:
    """Keys that a query sees on average: 2 w + 1, less what the ends cut off."""
    if window < 0 or window >= length:
        return length
    return 2 * window + 1 - window * (window + 1) / length
