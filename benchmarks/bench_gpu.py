"""Parity and speed of the cuda backend on a GPU: one table, and JSON if asked for.

    python benchmarks/bench_gpu.py [--out gpu.json] [--tuning tuned.json] [--models 2m 110m]

- parity: `gpu_parity.py`, in float32 (TF32 products, then exact ones) and bfloat16.
- ceilings: bfloat16 matrix products and copies in memory.
- speed: p (encoder and router), full forward, training step, in bfloat16; FLOPs are counted by
  `ldar_interp.model.flops`. Random weights rarely cut, so the full model and the training step are
  given a boundary at every fourth base, the published rate.

Needs torch, numpy, jaxtyping and safetensors beside the kernels, not the whole package. `--device
cpu --tiny` runs every step on a CPU to try the program; its numbers mean nothing. The exit code is
1 if a check fails.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from bench_common import write_results
from gpu_parity import Check, check_all
from torch import nn

from ldar_interp.errors import LdarError
from ldar_interp.model.autotune import find_tuned_kernels, load_tuning, save_tuning
from ldar_interp.model.backend import F32_PRODUCTS, backend_versions, resolve_backend, set_backend
from ldar_interp.model.bimamba2 import Backend
from ldar_interp.model.checkpoint import check_device, preset, random_model
from ldar_interp.model.flops import count_flops
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.model.losses import mlm_loss, total_ratio_loss
from ldar_interp.model.router import RouterOutput

COMPRESSION = 4
LENGTH, MICRO_BATCH_BP = 4096, 262144
TINY_LENGTH, TINY_BATCH_BP = 64, 256
MASKED_SHARE = 0.15


class EveryFourthBase(nn.Module):
    """A router's work, and then a fixed grid of boundaries."""

    def __init__(self, router: nn.Module) -> None:
        super().__init__()
        self.router = router

    def forward(
        self,
        hidden: torch.Tensor,
        mask: torch.Tensor | None = None,
        key: torch.Tensor | None = None,
    ) -> RouterOutput:
        """As the router's, but for `is_boundary`."""
        routed: RouterOutput = self.router(hidden, mask, key)
        positions = torch.arange(hidden.shape[1], device=hidden.device)
        grid = (positions % COMPRESSION == 0).expand_as(routed.is_boundary)
        return replace(routed, is_boundary=grid)


def time_it(work: Callable[[], object], device: torch.device, *, repeats: int) -> float:
    """Seconds of one call, the fastest of some after two to warm up."""
    for _ in range(min(2, repeats)):
        work()
    times = []
    for _ in range(repeats):
        wait(device)
        start = time.perf_counter()
        work()
        wait(device)
        times.append(time.perf_counter() - start)
    return min(times)


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def measure_ceilings(device: torch.device, *, is_tiny: bool) -> dict[str, float]:
    """TFLOP/s of a bfloat16 matrix product and TB/s of a copy, bytes read and written."""
    size, megabytes, repeats = (256, 1, 2) if is_tiny else (8192, 2048, 20)
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    product = time_it(lambda: a @ b, device, repeats=repeats)
    source = torch.randint(0, 255, (megabytes << 20,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    copy = time_it(lambda: target.copy_(source), device, repeats=repeats)
    return {
        "bf16_tflops": 2 * size**3 / product / 1e12,
        "memory_tb_per_s": 2 * source.numel() / copy / 1e12,
    }


def build_works(model: LDARNet, ids: torch.Tensor) -> dict[str, Callable[[], object]]:
    """p, full forward and training step of one micro-batch, under bfloat16 autocast."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-6, fused=True)
    generator = torch.Generator().manual_seed(1)
    shown = torch.rand(ids.shape, generator=generator).to(ids.device) < MASKED_SHARE
    labels = torch.where(shown, ids, -100)
    masked = torch.where(shown, 5, ids)

    def autocast() -> torch.autocast:
        return torch.autocast(ids.device.type, torch.bfloat16)

    def p_only() -> None:
        with torch.no_grad(), autocast():
            model.encode(ids)

    def full() -> None:
        with torch.no_grad(), autocast():
            model(ids)

    def train() -> None:
        optimizer.zero_grad(set_to_none=True)
        with autocast():
            out = model(masked)
            ratio = total_ratio_loss(out.boundaries, (float(COMPRESSION),))
            loss = mlm_loss(out.logits, labels) + 0.03 * ratio
        loss.backward()
        optimizer.step()

    return {"p": p_only, "forward": full, "train": train}


def measure_speed(
    name: str, backend: Backend, device: torch.device, *, is_tiny: bool
) -> list[dict[str, Any]]:
    """One row a kind of work; a micro-batch that does not fit is halved, and the row says so."""
    length, batch_bp = (TINY_LENGTH, TINY_BATCH_BP) if is_tiny else (LENGTH, MICRO_BATCH_BP)
    model = random_model(preset(name), seed=0).to(device)
    flops = count_flops(model.config, length, boundary_rate=1 / COMPRESSION)
    per_base = {"p": flops.boundaries, "forward": flops.full, "train": flops.training}
    model.stage.router = EveryFourthBase(model.stage.router)
    set_backend(model, backend)
    rows = []
    for kind in per_base:
        n_windows = batch_bp // length
        while True:
            generator = torch.Generator().manual_seed(0)
            ids = torch.randint(0, 4, (n_windows, length), generator=generator).to(device)
            if device.type == "cuda":
                torch.cuda.empty_cache()
                torch.cuda.reset_peak_memory_stats(device)
            try:
                work = build_works(model, ids)[kind]
                seconds = time_it(work, device, repeats=1 if is_tiny else 5)
            except torch.OutOfMemoryError:
                if n_windows == 1:
                    raise
                n_windows //= 2
                continue
            break
        rows.append(
            {
                "model": name,
                "backend": backend,
                "work": kind,
                "micro_batch_bp": ids.numel(),
                "mbase_per_s": ids.numel() / seconds / 1e6,
                "tflops": per_base[kind] * ids.numel() / seconds / 1e12,
                "peak_gb": peak_memory(device),
            }
        )
    return rows


def peak_memory(device: torch.device) -> float:
    """GB of the device's memory since the last reset; 0 on a CPU."""
    return torch.cuda.max_memory_allocated(device) / 1e9 if device.type == "cuda" else 0.0


def check_exact_products(arguments: argparse.Namespace) -> list[Check]:
    """The checks in float32 with exact products, by a second process: Triton compiles anew."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "ieee.json"
        command = [sys.executable, __file__, "--device", arguments.device, "--only-ieee"]
        command += ["--out", str(out), *(["--tiny"] if arguments.tiny else [])]
        environment = {**os.environ, F32_PRODUCTS: "ieee", "TRITON_CACHE_DIR": folder}
        # Its exit code says that a check failed, which the file says as well.
        subprocess.run(command, env=environment, check=False, stdout=subprocess.DEVNULL)
        if not out.exists():
            raise LdarError("the checks with exact products ended early; their error is above")
        found = json.loads(out.read_text())["parity"]
    return [Check(one["name"], one["mode"], one["error"], one["gate"]) for one in found]


def print_table(title: str, rows: list[dict[str, Any]]) -> None:
    """Rows of equal keys as aligned columns."""
    cells = [list(rows[0]), *([format_cell(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    print(f"\n{title}")
    for line in cells:
        print("  " + "  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)))


def format_cell(value: object) -> str:
    """Numbers to three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Everything that was asked for."""
    device = check_device(arguments.device)
    backend = resolve_backend("torch" if device.type == "cpu" else "cuda", device)
    is_tiny = arguments.tiny
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else "none"
    if arguments.only_ieee:
        return {
            "parity": [c.to_dict() for c in check_all(device, backend, "ieee", is_tiny=is_tiny)]
        }
    kernels = find_tuned_kernels() if backend == "cuda" else {}
    if arguments.tuning and arguments.tuning.exists():
        load_tuning(arguments.tuning, kernels, gpu=gpu)
    checks = check_all(device, backend, "tf32", is_tiny=is_tiny)
    checks += check_exact_products(arguments)
    checks += check_all(device, backend, "bfloat16", is_tiny=is_tiny)
    names = ["nano"] if is_tiny else arguments.models
    backends: list[Backend] = [backend] if backend == "torch" else [backend, "torch"]
    speed = [
        row
        for name in names
        for one in backends
        for row in measure_speed(name, one, device, is_tiny=is_tiny)
    ]
    if arguments.tuning:
        save_tuning(arguments.tuning, kernels, gpu=gpu)
    return {
        "device": gpu,
        "torch": torch.__version__,
        "backend": backend,
        "backend_versions": backend_versions(backend),
        "parity": [check.to_dict() for check in checks],
        "ceilings": measure_ceilings(device, is_tiny=is_tiny),
        "speed": speed,
    }


def main() -> int:
    """Measure, print, write; 1 if a check failed, 2 if it cannot run here."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--models", nargs="+", default=["2m", "110m"])
    parser.add_argument("--tiny", action="store_true", help="smallest sizes, to try the program")
    parser.add_argument("--tuning", type=Path, help="JSON of tuned configurations, read and kept")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--only-ieee", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.device.startswith("cuda") and not torch.cuda.is_available():
        print(
            "bench_gpu: no CUDA device is here; run it where torch finds one, or try the program "
            "with --device cpu --tiny",
            file=sys.stderr,
        )
        return 2
    try:
        results = measure(arguments)
    except LdarError as error:
        print(f"bench_gpu: {error}", file=sys.stderr)
        return 2
    write_results(results, arguments.out)
    print_table("parity with torch in float64", results["parity"])
    if not arguments.only_ieee:
        print_table("ceilings", [results["ceilings"]])
        print_table("speed", results["speed"])
    return 0 if all(check["is_passed"] for check in results["parity"]) else 1


if __name__ == "__main__":
    sys.exit(main())
