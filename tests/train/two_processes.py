"""What the tests of parallel runs let two processes do: python two_processes.py FOLDER.

Each case is a run of three steps in a folder of its own; the gradients of step 0 of random
weights are saved beside them.
"""

import sys
from pathlib import Path

import torch
import torch.distributed as dist
from tiny_run import NESTED, write_config

from ldar_interp.model.checkpoint import random_model
from ldar_interp.train.config import PretrainConfig, read_config
from ldar_interp.train.data import WindowSampler
from ldar_interp.train.loop import pretrain
from ldar_interp.train.parallel import join_team
from ldar_interp.train.step import add_gradients, plan_micro_batches

N_STEPS = 3


def write_shared_config(folder: Path) -> None:
    """The file of two routers; written once, before two processes read it."""
    write_config(folder, shape=NESTED)


def shared_config(folder: Path, *, micro_windows: int | None = None) -> PretrainConfig:
    """Two routers, five windows a step: three for one process and two for the other."""
    config = read_config(folder / "config.toml")
    optimizer = config.optimizer.model_copy(
        update={"batch_windows": 5, "micro_windows": micro_windows}
    )
    # A ratio loss as heavy as the other, so that its gradient is seen.
    objective = config.objective.model_copy(update={"alpha": 1.0})
    return config.model_copy(update={"optimizer": optimizer, "objective": objective})


def save_gradients(config: PretrainConfig, path: Path) -> None:
    """Gradients and losses of step 0 in all processes; those of the first are saved.

    In float64, so that terms which cancel leave nothing of rounding in a small gradient.
    """
    team = join_team("ddp", "cpu")
    model = random_model(config.shape(), seed=5).double()
    plan = plan_micro_batches(config.optimizer.batch_windows, team, config.optimizer.micro_windows)
    sampler = WindowSampler(config.train, config.train_length, max_n_share=0.1, seed=0)
    rows = range(plan[0].start, plan[-1].stop)
    batch = sampler.batch(0, config.optimizer.batch_windows, 0.15, rows=rows)
    losses = add_gradients(team.wrap(model), batch, plan, config, team, "fp32")
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    torch.save({"gradients": found, "losses": vars_of(losses)}, f"{path}.{team.rank}")


def vars_of(losses: object) -> dict[str, object]:
    """Fields of a slotted dataclass."""
    return {name: getattr(losses, name) for name in losses.__slots__}  # type: ignore[attr-defined]


def main() -> None:
    """All cases in one group of processes."""
    torch.set_num_threads(1)
    dist.init_process_group("gloo")
    folder = Path(sys.argv[1])
    config, micro = shared_config(folder), shared_config(folder, micro_windows=2)
    save_gradients(config, folder / "gradients")
    save_gradients(micro, folder / "gradients_micro")
    pretrain(config, folder / "ddp", max_steps=N_STEPS)
    pretrain(config, folder / "to_one", max_steps=1)
    pretrain(config, folder / "from_one", max_steps=N_STEPS, resume=True)
    pretrain(config, folder / "fsdp", max_steps=2, parallel="fsdp")
    pretrain(config, folder / "fsdp", max_steps=N_STEPS, parallel="fsdp", resume=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    main()
