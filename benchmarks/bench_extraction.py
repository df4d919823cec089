"""Speed and memory of boundary extraction, as ratios measured within one run.

    python benchmarks/bench_extraction.py [--models 2m 110m] [--out benchmarks/extraction.json]

- efficiency: p extraction on one core against that core's fp32 matrix rate, measured between the
  repeats, from the FLOP counts of `ldar_interp.model.flops`; median of the repeats.
- router only: time of the full forward over time of encoder + router, against their FLOPs.
- profile: shares of the time for p that matrix products, the compiled pass and attention take.
- around sites: the demo's sites and controls, against the published way: one window of
  `train_length` a site and control, batch 1, full model, projections run for each direction.
- memory: peak resident memory of extracting the same number of sites from genomes of two lengths.

A busy machine changes the ratios too: run it alone.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from bench_common import MATRIX, peak_mb, show, time_once, write_results

from ldar_interp.assets import CHECKPOINT
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.boundaries.extract import extract_boundaries
from ldar_interp.boundaries.workers import one_thread
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.allocator import keep_freed_memory
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.checkpoint import load_model
from ldar_interp.model.flops import count_flops
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.sites.controls import build_controls
from ldar_interp.sites.gencode import load_splice_sites

LENGTH = 4096
REPEATS = 5


def matrix_rate() -> float:
    """fp32 FLOP/s of a square matrix product on the current threads."""
    a, b = torch.randn(MATRIX, MATRIX), torch.randn(MATRIX, MATRIX)
    return 2 * MATRIX**3 / min(time_once(lambda: a @ b) for _ in range(3))


def measure_efficiency(name: str) -> dict[str, float]:
    """Share of the core's matrix rate that p extraction and the full forward reach."""
    model = load_model(f"random:{name}")
    flops = count_flops(model.config, LENGTH)
    ids = torch.randint(0, 4, (1, LENGTH), generator=torch.Generator().manual_seed(0))
    shares, ratios, speeds = [], [], []
    with torch.inference_mode():
        routed = model.encode(ids)[1]
        model(ids)
        rate_of_boundaries = float(routed.is_boundary.float().mean())
        full_flops = count_flops(model.config, LENGTH, boundary_rate=rate_of_boundaries).full
        for _ in range(REPEATS):
            before = matrix_rate()
            router = time_once(lambda: model.encode(ids))
            after = matrix_rate()
            full = time_once(lambda: model(ids))
            shares.append(flops.boundaries * LENGTH / router / (0.5 * (before + after)))
            ratios.append(full / router)
            speeds.append(LENGTH / router)
    return {
        "bases_per_second": statistics.median(speeds),
        "share_of_matrix_rate": statistics.median(shares),
        "full_over_router_time": statistics.median(ratios),
        "full_over_router_flops": full_flops / flops.boundaries,
        "router_only_gain_reached": statistics.median(ratios) * flops.boundaries / full_flops,
    }


def measure_profile(name: str) -> dict[str, float]:
    """Where the time for p goes, by torch's profiler: shares of ten calls."""
    model = load_model(f"random:{name}")
    ids = torch.randint(0, 4, (1, LENGTH), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        model.encode(ids)
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profiler:
            for _ in range(10):
                model.encode(ids)
    spent = dict.fromkeys(("matrix_products", "compiled_pass", "attention", "rest"), 0.0)
    for event in profiler.key_averages():
        if event.key in {"aten::mm", "aten::bmm", "aten::addmm", "aten::baddbmm"}:
            part = "matrix_products"
        elif event.key == "_Mix":
            part = "compiled_pass"
        elif event.key.startswith("aten::_scaled_dot_product"):
            part = "attention"
        else:
            part = "rest"
        spent[part] += event.self_cpu_time_total
    total = sum(spent.values())
    return {part: time / total for part, time in spent.items()}


def project_twice(model: LDARNet) -> None:
    """Make the BiMamba-2 layers do what the published code does: each direction on its own."""
    for module in model.modules():
        if isinstance(module, BiMamba2):
            plain = module.forward

            def twice(hidden, mask=None, plain=plain, module=module):  # type: ignore[no-untyped-def]
                module.in_proj(hidden)
                mixed = plain(hidden, mask)
                module.out_proj(hidden.new_zeros(*hidden.shape[:2], module.d_inner))
                return mixed

            module.forward = twice  # type: ignore[method-assign]


def measure_sites(n_timed: int = 60) -> dict[str, float]:
    """Extraction around the demo's sites and controls against one window each."""
    source = CHECKPOINT if CHECKPOINT.is_dir() else "random:small"
    model = load_model(source)
    with Genome(DEMO_FASTA) as genome:
        annotation = load_splice_sites(DEMO_GTF, genome)
        ladder = build_controls(annotation.sites, genome, annotation=annotation, n_draws=3, seed=1)
        tables = [ladder.sites, ladder.table]
        ours = time_once(lambda: extract_boundaries(model, genome, around=tables, flank_bp=100))
        everything = pd.concat([t[["chrom", "edge"]] for t in tables], ignore_index=True)
        length = model.config.train_length
        chosen = everything.sample(n_timed, random_state=1)
        published = load_model(source)
        project_twice(published)

        def one_by_one() -> None:
            for chrom, edge in zip(chosen["chrom"], chosen["edge"], strict=True):
                segment = genome.segment_at(chrom, int(edge))
                assert segment is not None
                start = min(max(int(edge) - length // 2, segment.start), segment.end - length)
                ids = genome.fetch(chrom, start, start + length).astype(np.int64)
                with torch.inference_mode():
                    published(torch.from_numpy(ids)[None])

        with one_thread("cpu"):
            theirs = time_once(one_by_one) / n_timed * len(everything)
    return {
        "sites_and_controls": len(everything),
        "seconds": ours,
        "published_way_seconds": theirs,
        "times_faster": theirs / ours,
    }


def measure_memory() -> dict[str, float]:
    """Peak resident MB of the same extraction from 4 Mb and from 64 Mb of sequence."""
    found = {}
    for megabases in (4, 64):
        code = f"import bench_extraction; bench_extraction.extract_from({megabases})"
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=Path(__file__).parent,
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        found[f"peak_mb_{megabases}_mb_genome"] = float(done.stdout.strip().splitlines()[-1])
    return found


def extract_from(megabases: int) -> None:
    """Run in a process of its own: print its peak memory in MB."""
    rng = np.random.default_rng(0)
    line = 100
    with tempfile.TemporaryDirectory() as folder:
        fasta = Path(folder) / "genome.fa"
        with fasta.open("wb") as handle:
            handle.write(b">chr1\n")
            for _ in range(megabases):
                letters = np.frombuffer(b"ACGT", np.uint8)[rng.integers(0, 4, 1_000_000)]
                rows = np.full((len(letters) // line, line + 1), ord("\n"), np.uint8)
                rows[:, :line] = letters.reshape(-1, line)
                handle.write(rows.tobytes())
        edges = np.linspace(5_000, megabases * 1_000_000 - 5_000, 200).astype(np.int64)
        sites = pd.DataFrame({"chrom": "chr1", "edge": edges, "strand": "+"})
        extract_boundaries(load_model("random:small"), fasta, around=sites, flank_bp=100)
    print(peak_mb())


def main() -> None:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", nargs="+", default=["2m", "110m"])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    results: dict[str, dict[str, float]] = {}
    for name in arguments.models:
        results[f"{name} at {LENGTH} bp"] = measure_efficiency(name)
        results[f"profile of {name} at {LENGTH} bp"] = measure_profile(name)
    results["around the demo's sites"] = measure_sites()
    results["memory"] = measure_memory()
    for title, values in results.items():
        show(title, values)
    write_results(results, arguments.out)


if __name__ == "__main__":
    main()
