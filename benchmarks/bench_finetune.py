"""Speed of a fine-tuning step on one CPU core, as a share of the pretraining step's.

    python benchmarks/bench_finetune.py [--model 2m] [--repeats 7]
        [--out benchmarks/finetune.json]

The pretraining step is that of `bench_training.py`: 8 windows of 1,024 bases, the router a fixed
grid of every fourth base. The fine-tuning step is the program's own (`tune.step.take_step`) on the
same shape and router, full fine-tuning with a linear head, of

    equal 1024   8 sequences of 1,024 bases: the same work but for the loss
    equal 500    16 sequences of 500 bases: the histone tasks
    equal 250    32 sequences of 250 bases
    mixed        a whole epoch of steps of 16 sequences of 100 to 500 bases, in batches of similar
                 length, padded: the bases counted are real ones
    unsorted     the same sequences in batches of any length, for comparison

All are interleaved, and each repeat's ratio is taken before the median, so that whatever else the
machine does meets both alike. Time is the CPU time of the thread: on a core that others use too,
the ratios still mean something, the bases a second do not.
"""

import argparse
import statistics
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from bench_common import time_once, write_results
from bench_training import CLOCK, COMPRESSION, LENGTH, WINDOWS

from ldar_interp.model.allocator import keep_freed_memory
from ldar_interp.model.backend import resolve_backend, set_backend
from ldar_interp.model.checkpoint import preset, random_model
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.model.losses import mlm_loss, total_ratio_loss
from ldar_interp.tune.order import plan_epoch
from ldar_interp.tune.pooling import Head
from ldar_interp.tune.predict import MAX_BASES_CPU
from ldar_interp.tune.protocol import PUBLISHED
from ldar_interp.tune.step import make_learner, take_step

N_MIXED, SHORTEST, LONGEST, BATCH = 64, 100, 500, 16


def open_model(name: str) -> LDARNet:
    """Random weights of a preset whose router is the grid."""
    model = random_model(preset(name).with_router(f"fixed:{COMPRESSION}"), seed=0)
    set_backend(model, resolve_backend("auto", "cpu"))
    return model


def make_pretraining(name: str) -> tuple[Callable[[], object], int]:
    """A step of `bench_training`, and its bases."""
    model = open_model(name).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    ids = torch.randint(0, 4, (WINDOWS, LENGTH), generator=torch.Generator().manual_seed(0))

    def step() -> None:
        out = model(ids)
        loss = mlm_loss(out.logits, ids) + 0.03 * total_ratio_loss(out.boundaries, (COMPRESSION,))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step, WINDOWS * LENGTH


def make_fine_tuning(
    name: str, lengths: list[int], batch_size: int, max_bases: int, *, is_sorted: bool = True
) -> tuple[Callable[[], object], int]:
    """All steps of an epoch over sequences of these lengths, and its real bases."""
    rng = np.random.default_rng(0)
    encoded = [rng.integers(0, 4, n).astype(np.uint8) for n in lengths]
    labels = np.arange(len(lengths)) % 2
    model = open_model(name)
    head = Head("linear", model.config.d_model[0], 2, seed=0)
    learner = make_learner(
        model, head, labels, PUBLISHED, precision="fp32", max_bases=max_bases
    )  # fmt: skip
    known = lengths if is_sorted else [1] * len(lengths)
    steps = plan_epoch(known, batch_size, seed=0, epoch=1)

    def epoch() -> None:
        for rows in steps:
            take_step(learner, encoded, labels, rows)

    return epoch, sum(lengths)


def measure(name: str, repeats: int, max_bases: int) -> dict[str, dict[str, float]]:
    """Bases a second of each kind of step, and its share of the pretraining step's."""
    mixed = np.random.default_rng(1).integers(SHORTEST, LONGEST + 1, N_MIXED).tolist()
    works = {
        "pretraining": make_pretraining(name),
        "equal 1024": make_fine_tuning(name, [1024] * 8, 8, max_bases),
        "equal 500": make_fine_tuning(name, [500] * 16, 16, max_bases),
        "equal 250": make_fine_tuning(name, [250] * 32, 32, max_bases),
        "mixed": make_fine_tuning(name, mixed, BATCH, max_bases),
        "unsorted": make_fine_tuning(name, mixed, BATCH, max_bases, is_sorted=False),
    }
    speeds: dict[str, list[float]] = {title: [] for title in works}
    for repeat in range(repeats + 1):
        for title, (work, n_bases) in works.items():
            seconds = time_once(work, CLOCK)
            if repeat:  # the first one compiles
                speeds[title].append(n_bases / seconds)
    return {
        title: {
            "bases_per_second": statistics.median(found),
            "share_of_pretraining": statistics.median(
                a / b for a, b in zip(found, speeds["pretraining"], strict=True)
            ),
        }
        for title, found in speeds.items()
    }


def main() -> None:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="2m")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--max-bases", type=int, default=MAX_BASES_CPU)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    results = measure(arguments.model, arguments.repeats, arguments.max_bases)
    for title, values in results.items():
        print(
            f"{title:12s} {values['bases_per_second']:9.0f} bases/s, "
            f"{values['share_of_pretraining']:.2f} of the pretraining step"
        )
    content = {"model": arguments.model, "max_bases": arguments.max_bases, **results}
    write_results(content, arguments.out)


if __name__ == "__main__":
    main()
