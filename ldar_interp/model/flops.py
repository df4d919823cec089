"""FLOPs of LDARNet by part and in total, counted from its config (a multiply-add is 2 FLOPs).

`layer_flops.py` says what is counted. Here lengths come from the share of positions that each
router keeps, and rows become totals: what p needs (encoder and router), the full forward pass, and
a training step (forward and backward).

Everything is for the torch path of this package; kernels on a GPU use other chunks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ldar_interp.errors import InputError
from ldar_interp.model.config import LDARNetConfig
from ldar_interp.model.layer_flops import FlopRow, count_rows

Rates = float | Sequence[float] | None


@dataclass(frozen=True, slots=True)
class FlopCount:
    """FLOPs per base of the sequence, as executed.

    `boundaries` is all that p of the outermost router needs: encoder and router, 0 for a model
    without a router. `full` is the forward pass without gradients, `training` a forward pass with
    gradients and its backward pass. `windowed` is `full` if attention computed nothing but what
    its window lets through.
    """

    boundaries: float
    full: float
    training: float
    windowed: float


@dataclass(frozen=True, slots=True)
class FlopTable:
    """All operations of one sequence.

    `lengths` are the positions of each stage, outermost first. `inference` and `training` are the
    rows of a forward pass without gradients and of a training step; they differ in the first
    layer's look-up, and only the latter have a backward pass.
    """

    lengths: tuple[int, ...]
    inference: tuple[FlopRow, ...]
    training: tuple[FlopRow, ...]

    def totals(self) -> dict[str, tuple[FlopRow, ...]]:
        """The rows that make up each total: `boundaries`, `full` and `training`."""
        outermost = [row for row in self.inference if row.stage == 0 and len(self.lengths) > 1]
        needed = tuple(row for row in outermost if row.part in ("encoder", "router"))
        return {"boundaries": needed, "full": self.inference, "training": self.training}

    def per_base(self) -> FlopCount:
        """Totals, divided by the sequence's length."""
        rows, length = self.totals(), self.lengths[0]
        return FlopCount(
            boundaries=sum(row.forward for row in rows["boundaries"]) / length,
            full=sum(row.forward for row in rows["full"]) / length,
            training=sum(row.forward + row.backward for row in rows["training"]) / length,
            windowed=sum(row.windowed for row in rows["full"]) / length,
        )


def count_table(
    config: LDARNetConfig, length: int, *, boundary_rate: Rates = None, as_published: bool = False
) -> FlopTable:
    """All operations of one sequence of `length` bases.

    Parameters
    ----------
    config : shape and router of the model.
    length : bases.
    boundary_rate : share of positions that the routers keep, one number for all or one a stage,
        for example as measured; None takes what the router is expected to keep
        (`RouterSpec.count_kept`).
    as_published : count the published way of computing it instead of this package's.

    Raises
    ------
    InputError : length < 1, rates that are no shares or not one a router, or that contradict a
        fixed grid.
    """
    lengths = stage_lengths(config, length, boundary_rate)
    inference, training = (
        tuple(count_rows(config, lengths, training=mode, as_published=as_published))
        for mode in (False, True)
    )
    return FlopTable(lengths, inference, training)


def count_flops(
    config: LDARNetConfig, length: int, *, boundary_rate: Rates = None, as_published: bool = False
) -> FlopCount:
    """FLOPs per base of one sequence of `length` bases: the totals of `count_table`."""
    table = count_table(config, length, boundary_rate=boundary_rate, as_published=as_published)
    return table.per_base()


def training_flops(config: LDARNetConfig, length: int, boundary_rate: Rates = None) -> float:
    """FLOPs per base of a training step on windows of `length` bases, as executed.

    Times the bases seen, this is the cost of a run: what runs with matched FLOPs must share. The
    optimiser's own work is pointwise and not counted. Parameters as in `count_table`.
    """
    return count_flops(config, length, boundary_rate=boundary_rate).training


def stage_lengths(
    config: LDARNetConfig, length: int, boundary_rate: Rates = None
) -> tuple[int, ...]:
    """Positions of each stage, outermost first; raises as `count_table` does."""
    if length < 1:
        raise InputError(f"length is {length}; wanted at least 1 base")
    rates: list[float | None]
    if boundary_rate is None or isinstance(boundary_rate, int | float):
        rates = [boundary_rate] * config.n_routers
    else:
        rates = list(boundary_rate)
    if len(rates) != config.n_routers:
        raise InputError(
            f"boundary_rate has {len(rates)} entries; layout {config.arch_layout} has "
            f"{config.n_routers} routers: give one share a router, or one for all"
        )
    lengths = [length]
    for rate in rates:
        if rate is not None and not 0 < rate <= 1:
            raise InputError(f"boundary_rate is {rate}; wanted a share above 0 and at most 1")
        lengths.append(_count_kept(config, lengths[-1], rate))
    return tuple(lengths)


def _count_kept(config: LDARNetConfig, length: int, rate: float | None) -> int:
    kept = config.router_spec.count_kept(length, rate)
    if config.router_spec.period is not None and rate is not None and round(rate * length) != kept:
        raise InputError(
            f"boundary_rate is {rate}, but router {config.router} keeps {kept} of {length} "
            "positions; leave the rate out"
        )
    return kept
