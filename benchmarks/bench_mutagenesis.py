"""Mutagenesis of one site against the router alone on as many windows.

    python benchmarks/bench_mutagenesis.py [--models embedded] [--out benchmarks/mutagenesis.json]

300 variants of a site (50 bp on each side) through `mutate_sites`, and 300 windows of the same
length and batch through `run_router`, in turn on one core; processor time, median of the repeats.
Wanted: a ratio of at most 2; below 1 the last layer's rows that nobody asks for are left out.
"""

import argparse
import os
import statistics
import time
from pathlib import Path

import numpy as np
import torch
from bench_common import time_once, write_results

from ldar_interp.assets import CHECKPOINT
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.boundaries.extract import run_router
from ldar_interp.boundaries.mutagenesis import default_batch, mutate_sites
from ldar_interp.boundaries.workers import one_thread
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.checkpoint import load_model
from ldar_interp.sites.gencode import load_splice_sites

N_VARIANTS = 300
CLOCK = time.process_time


def compare(name: str, window_bp: int, repeats: int) -> dict[str, float]:
    """Median seconds of both ways and their ratio."""
    model = load_model(str(CHECKPOINT) if name == "embedded" else name, seed=1)
    length = window_bp or model.config.train_length
    size = default_batch(torch.device("cpu"), length)
    rng = np.random.default_rng(0)
    windows = rng.integers(0, 4, (N_VARIANTS, length), dtype=np.uint8)
    with Genome(DEMO_FASTA) as genome, one_thread("cpu"):
        site = load_splice_sites(DEMO_GTF, genome).sites.iloc[[40]]

        def mutate() -> None:
            found = mutate_sites(model, genome, site, context_bp=50, window_bp=length)
            assert np.isfinite(found.profiles).all()

        def route() -> None:
            for start in range(0, N_VARIANTS, size):
                run_router(model, windows[start : start + size])

        mutate(), route()  # compile
        pairs = [(time_once(mutate, CLOCK), time_once(route, CLOCK)) for _ in range(repeats)]
    ours, plain = (statistics.median(column) for column in zip(*pairs, strict=True))
    return {"mutagenesis_seconds": ours, "router_seconds": plain, "ratio": ours / plain}


def main() -> None:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["embedded"])
    parser.add_argument("--windows", nargs="+", type=int, default=[0, 256])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    results = {
        f"{name}, {window or 'its own'} bp": compare(name, window, arguments.repeats)
        for name in arguments.models
        for window in arguments.windows
    }
    for title, values in results.items():
        print(title, *(f"{key} {value:.4g}" for key, value in values.items()))
    write_results(results, arguments.out)


if __name__ == "__main__":
    main()
