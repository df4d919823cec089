"""The GPU benchmark's program, tried on a CPU: every step runs, failures show in the exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    import bench_gpu

    return bench_gpu


def test_every_step_on_a_cpu(tmp_path):
    out = tmp_path / "gpu.json"
    found = subprocess.run(
        [sys.executable, "benchmarks/bench_gpu.py", "--device", "cpu", "--tiny", "--out", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (found.returncode, found.stderr) == (0, "")
    assert [line for line in found.stdout.splitlines() if line and not line.startswith(" ")] == [
        "parity with torch in float64",
        "ceilings",
        "speed",
    ]
    result = json.loads(out.read_text())
    assert {check["mode"] for check in result["parity"]} == {"tf32", "ieee", "bfloat16"}
    # On a CPU there is no TF32, so the sharper gate must hold too.
    exact = [c["error"] for c in result["parity"] if c["mode"] == "tf32" and c["gate"]]
    assert 0 < max(exact) < 1e-5
    assert [row["work"] for row in result["speed"]] == ["p", "forward", "train"]
    assert all(row["mbase_per_s"] > 0 for row in result["speed"])
    assert result["backend"] == "torch"


def run_main(bench, monkeypatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["bench_gpu.py", *words])
    return bench.main()


def test_no_gpu_is_one_line(bench, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert run_main(bench, monkeypatch) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err == (
        "bench_gpu: no CUDA device is here; run it where torch finds one, or try the program with "
        "--device cpu --tiny\n"
    )


@pytest.mark.parametrize(("error", "code"), [(0.5, 1), (float("nan"), 1), (1e-7, 0)])
def test_a_failed_check_shows_in_the_exit_code(bench, monkeypatch, error, code):
    check = bench.Check("layer", "ieee", error, 1e-5)
    monkeypatch.setattr(bench, "check_all", lambda *_, **__: [check])
    assert run_main(bench, monkeypatch, "--device", "cpu", "--only-ieee") == code


def test_a_flip_rate_has_no_gate(bench):
    assert bench.Check("flips", "bfloat16", 0.9, None).is_passed


def test_the_grid_cuts_at_every_fourth_base(bench):
    from ldar_interp.model.router import BidirectionalRouter

    router = bench.EveryFourthBase(BidirectionalRouter(8))
    hidden = torch.randn(2, 10, 8)
    routed = router(hidden)
    assert torch.equal(routed.prob, router.router(hidden).prob)
    assert routed.is_boundary.tolist() == [[t % 4 == 0 for t in range(10)]] * 2
