"""One process or many: who makes which windows, and how their numbers become one.

A run's processes form a `Team`. Started by `torchrun` there are as many as it says, otherwise
one. The windows of a step are the same whatever their number: process r takes a contiguous block
of rows. Gradients are then those of one process to float32 rounding, because

- each process's loss is its share of the loss of the whole step (normalised by the targets of
  all, with F and G of the ratio loss pooled over all, `step.py`), and
- DDP and FSDP average gradients over processes, so the share is scaled up by their number.

`ddp` holds the model in every process. `fsdp` (FSDP2, `fully_shard` on every block) divides
weights, gradients and moments between them, for sizes whose moments do not fit one device.
States on disk are full in either case.
"""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from ldar_interp.errors import DeviceError, InputError
from ldar_interp.model.block import Block
from ldar_interp.model.checkpoint import check_device
from ldar_interp.model.ldarnet import LDARNet

MODES = ("auto", "none", "ddp", "fsdp")


@dataclass(frozen=True)
class Team:
    """The processes of a run as one of them sees them. Process 0 writes and speaks."""

    mode: str
    rank: int
    size: int
    device: torch.device
    owns_group: bool = False

    @property
    def is_first(self) -> bool:
        """True in the one process that writes."""
        return self.rank == 0

    def sum(self, values: Tensor) -> Tensor:
        """Sum over all processes, without gradient; the same bits in each of them."""
        if self.size > 1:
            values = values.detach().clone()
            dist.all_reduce(values)
        return values

    def any(self, *flags: bool) -> list[bool]:
        """For each flag, whether it is set in some process."""
        if self.size == 1:
            return list(flags)
        counted = self.sum(torch.tensor(flags, dtype=torch.int32, device=self.device))
        return [count > 0 for count in counted.tolist()]

    def share(self, n: int) -> range:
        """This process's rows of n; blocks differ by one row at most."""
        return range(self.rank * n // self.size, (self.rank + 1) * n // self.size)

    def wrap(self, model: LDARNet) -> nn.Module:
        """The model to call, with gradients averaged over the processes."""
        if self.mode == "ddp":
            ids = [self.device.index] if self.device.type == "cuda" else None
            return nn.parallel.DistributedDataParallel(model, device_ids=ids)
        if self.mode == "fsdp":
            _shard(model, self)
        return model

    @contextmanager
    def averaging(self, module: nn.Module, *, wanted: bool) -> Iterator[None]:
        """Within it a backward pass averages gradients over processes, or only adds its own."""
        if isinstance(module, nn.parallel.DistributedDataParallel) and not wanted:
            with module.no_sync():
                yield
            return
        if self.mode == "fsdp":
            module.set_requires_gradient_sync(wanted)  # type: ignore[operator]
        yield

    def close(self) -> None:
        """Leave the group, if it was joined for this team."""
        if self.owns_group:
            dist.destroy_process_group()


def join_team(parallel: str, device: str) -> Team:
    """Join the processes that torchrun started; without it, a team of one.

    A process group that is there already is used, and left open by `Team.close`.

    `auto` is ddp where there are several processes. `device` cuda means this process's own GPU
    of its machine.

    Raises
    ------
    InputError : an unknown mode, or one that does not fit the way the program was started.
    DeviceError : the device is not there.
    """
    if parallel not in MODES:
        raise InputError(f"parallel is {parallel!r}; wanted one of {', '.join(MODES)}")
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        if parallel in ("ddp", "fsdp"):
            raise InputError(
                f"parallel {parallel} with one process; wanted several: start with torchrun "
                "--nproc-per-node=N -m ldar_interp.pretrain, or leave the option out"
            )
        return Team("none", 0, 1, check_device(device))
    if parallel == "none":
        raise InputError(
            f"parallel none with {size} processes, which would all train the same; wanted ddp or "
            "fsdp, or a start without torchrun"
        )
    # A bare "cuda" is each process's own GPU of its machine.
    target = check_device(
        f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if device == "cuda" else device
    )
    if target.type not in ("cpu", "cuda"):
        raise DeviceError(
            f"device {str(target)!r} with {size} processes; wanted cpu (gloo) or cuda (nccl)"
        )
    if target.type == "cuda":
        torch.cuda.set_device(target)
    is_new = not dist.is_initialized()
    if is_new:
        dist.init_process_group("nccl" if target.type == "cuda" else "gloo")
    mode = "ddp" if parallel == "auto" else parallel
    return Team(mode, dist.get_rank(), dist.get_world_size(), target, owns_group=is_new)


def write_first(team: Team, write: Callable[[], None]) -> None:
    """Let process 0 write; if it cannot, every process ends, none waits for it."""
    failure: InputError | None = None
    if team.is_first:
        try:
            write()
        except InputError as error:
            failure = error
    (failed,) = team.any(failure is not None)
    if failure is not None:
        raise failure
    if failed:
        raise InputError("process 0 could not write; its own message says what to do")


def gather_full(value: Any, team: Team) -> Any:
    """A state dict with every sharded tensor made whole, in the memory of process 0's CPU.

    All processes must call it. Tensor by tensor, since the whole may not fit one device; the
    other processes get None in their place.
    """
    if isinstance(value, dict):
        return {key: gather_full(item, team) for key, item in value.items()}
    if isinstance(value, DTensor):
        whole = value.full_tensor()
        return whole.cpu() if team.is_first else None
    return value


def load_moments(optimizer: torch.optim.Optimizer, full: dict[str, Any]) -> None:
    """Give an optimiser the moments of a full state; its settings stay as this call made them.

    Raises
    ------
    ValueError : the state is of other parameters.
    """
    own = optimizer.state_dict()
    sizes = [[len(group["params"]) for group in s["param_groups"]] for s in (own, full)]
    if sizes[0] != sizes[1]:
        raise ValueError(f"moments of {sizes[1]} parameters by group for {sizes[0]}")
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    moments = {
        index: {name: _like(value, parameters[index]) for name, value in entry.items()}
        for index, entry in full["state"].items()
    }
    optimizer.load_state_dict({"state": moments, "param_groups": own["param_groups"]})


def _like(value: Tensor, parameter: Tensor) -> Tensor:
    """Sharded as its parameter is; the optimiser's step count is not."""
    if value.ndim and value.shape != parameter.shape:
        raise ValueError(f"moment of shape {tuple(value.shape)} for {tuple(parameter.shape)}")
    if isinstance(parameter, DTensor) and value.ndim:
        value = value.to(parameter.device)
        return distribute_tensor(value, parameter.device_mesh, parameter.placements)
    return value


def _shard(model: LDARNet, team: Team) -> None:
    """FSDP2: each block is a unit of its own, all else is the root's.

    The first layer stays with the root: `Stack.forward` calls its parts one by one, where a unit
    of its own would not be gathered.
    """
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    # The hidden states are a view of a wider stage; nobody writes into them.
    warnings.filterwarnings("ignore", message="FSDP2-wrapped module .* returned a view tensor")
    mesh = init_device_mesh(team.device.type, (team.size,))
    blocks = [module for module in model.modules() if isinstance(module, Block)]
    for block in blocks[1:]:
        fully_shard(block, mesh=mesh)
    fully_shard(model, mesh=mesh)
