"""Speed of a training step on one CPU core, as a share of that core's fp32 matrix rate.

    python benchmarks/bench_training.py [--models nano small 2m] [--backends compiled torch]
        [--out benchmarks/training.json]

A step is forward, backward and update of 8 windows of 1,024 bases. Random weights rarely cut, so
the router is a fixed grid of every fourth base: the same boundary rate as a trained model's and,
but for the router's two projections (0.5 % of the 2M), the same work. FLOPs are those of
`ldar_interp.model.flops`, which leaves out pointwise work and what the compiled passes compute
again. The matrix rate is that of a square product of 1,536, measured between the steps.

Time is the CPU time of the thread, so that other processes disturb it less; they still share the
caches and the memory. The largest matrix rate and the median step of the repeats are taken.
"""

import argparse
import statistics
import time
from pathlib import Path

import torch
from bench_common import MATRIX, show, time_once, write_results

from ldar_interp.model.allocator import keep_freed_memory
from ldar_interp.model.backend import resolve_backend, set_backend
from ldar_interp.model.checkpoint import preset, random_model
from ldar_interp.model.flops import training_flops
from ldar_interp.model.losses import mlm_loss, total_ratio_loss

LENGTH, WINDOWS, COMPRESSION = 1024, 8, 4
REPEATS = 7
# Without what other processes take of the core.
CLOCK = time.thread_time


def measure(name: str, backend: str) -> dict[str, float]:
    """Bases a second and share of the matrix rate of a training step."""
    config = preset(name).with_router(f"fixed:{COMPRESSION}")
    model = random_model(config, seed=0).train()
    set_backend(model, resolve_backend(backend, "cpu"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ids = torch.randint(0, 4, (WINDOWS, LENGTH), generator=torch.Generator().manual_seed(0))
    square = torch.randn(MATRIX, MATRIX)
    parts: dict[str, list[float]] = {"forward": [], "backward": [], "update": [], "matrix": []}

    def forward() -> torch.Tensor:
        out = model(ids)
        return mlm_loss(out.logits, ids) + 0.03 * total_ratio_loss(out.boundaries, (COMPRESSION,))

    def update() -> None:
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    for repeat in range(REPEATS + 1):
        losses: list[torch.Tensor] = []
        seconds = {
            "forward": time_once(lambda losses=losses: losses.append(forward()), CLOCK),
            "backward": time_once(lambda losses=losses: losses[0].backward(), CLOCK),
            "update": time_once(update, CLOCK),
            "matrix": time_once(lambda: square @ square, CLOCK),
        }
        if repeat:  # the first one compiles
            for part, value in seconds.items():
                parts[part].append(value)
    step = statistics.median(
        map(sum, zip(parts["forward"], parts["backward"], parts["update"], strict=True))
    )
    rate = 2 * MATRIX**3 / min(parts["matrix"])
    n_bases = WINDOWS * LENGTH
    flops = training_flops(config, LENGTH, 1 / COMPRESSION) * n_bases
    return {
        "bases_per_second": n_bases / step,
        "share_of_matrix_rate": flops / step / rate,
        "matrix_gflops": rate / 1e9,
        "mflop_per_base": flops / n_bases / 1e6,
        **{f"{p}_share_of_time": statistics.median(parts[p]) / step for p in list(parts)[:3]},
    }


def main() -> None:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["nano", "small", "2m"])
    parser.add_argument("--backends", nargs="+", default=["compiled", "torch"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    results: dict[str, dict[str, float]] = {}
    for name in arguments.models:
        for backend in arguments.backends:
            title = f"{name}, {backend}"
            results[title] = measure(name, backend)
            show(title, results[title])
    write_results(results, arguments.out)


if __name__ == "__main__":
    main()
