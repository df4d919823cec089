"""The choice of a backend, its errors, and what is recorded; no kernels needed."""

import logging
import sys
from importlib.metadata import version

import numpy as np
import pytest
import torch

from ldar_interp.boundaries.extract import extract_boundaries
from ldar_interp.errors import DeviceError
from ldar_interp.model import backend as backend_module
from ldar_interp.model.backend import (
    backend_versions,
    describe_backend,
    find_backend,
    resolve_backend,
    set_backend,
)
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.checkpoint import load_model
from ldar_interp.model.kernels import load_fused_convolution, load_triton_kernels


@pytest.fixture
def packages(tmp_path, monkeypatch):
    """A folder that is searched first for packages; none of the kernels' is imported yet."""

    def forget():
        load_triton_kernels.cache_clear()
        load_fused_convolution.cache_clear()
        for name in [n for n in sys.modules if n.split(".")[0] in ("mamba_ssm", "causal_conv1d")]:
            del sys.modules[name]

    forget()
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    forget()


def write_mamba(folder, init: str) -> None:
    """A package laid out as mamba-ssm, with kernels that are names only."""
    triton = folder / "mamba_ssm" / "ops" / "triton"
    triton.mkdir(parents=True)
    (folder / "mamba_ssm" / "__init__.py").write_text(init)
    (folder / "mamba_ssm" / "ops" / "__init__.py").touch()
    (triton / "__init__.py").touch()
    (triton / "ssd_combined.py").write_text("mamba_chunk_scan_combined = 'scan'\n")
    (triton / "layernorm_gated.py").write_text("rmsnorm_fn = 'norm'\n")


def test_kernels_import_with_their_package(packages):
    write_mamba(packages, "is_whole = True\n")
    assert load_triton_kernels().scan == "scan"
    assert sys.modules["mamba_ssm"].is_whole


def test_kernels_import_without_the_compiled_part(packages):
    write_mamba(packages, "import selective_scan_cuda\n")
    kernels = load_triton_kernels()
    assert (kernels.scan, kernels.gated_norm) == ("scan", "norm")


def test_any_other_missing_part_is_named(packages):
    write_mamba(packages, "import a_package_that_is_not_there\n")
    with pytest.raises(DeviceError, match="No module named 'a_package_that_is_not_there'") as found:
        load_triton_kernels()
    assert str(found.value).endswith(
        "wanted triton, einops and mamba-ssm: install them as docs/gpu.md says, or use "
        "--backend torch"
    )
    assert "mamba_ssm" not in sys.modules


def test_a_fused_convolution_that_does_not_import(packages):
    (packages / "causal_conv1d.py").write_text("raise ImportError('undefined symbol')\n")
    assert load_fused_convolution() is None


def refuse() -> None:
    raise DeviceError("the kernels are not here")


def test_auto_on_a_cpu_is_compiled_in_silence(caplog):
    assert resolve_backend("auto", "cpu") == resolve_backend("compiled", "cpu") == "compiled"
    assert resolve_backend("torch", "cpu") == resolve_backend("torch", "cuda") == "torch"
    assert not caplog.records


def test_auto_on_a_gpu_takes_the_kernels(monkeypatch):
    monkeypatch.setattr(backend_module, "load_triton_kernels", lambda: None)
    assert resolve_backend("auto", "cuda:0") == resolve_backend("cuda", "cuda") == "cuda"


def test_auto_on_a_gpu_without_kernels_says_so(monkeypatch, caplog):
    monkeypatch.setattr(backend_module, "load_triton_kernels", refuse)
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        assert resolve_backend("auto", torch.device("cuda", 0)) == "torch"
    assert caplog.messages == [
        "plain torch is used on cuda:0, which is slow: the kernels are not here"
    ]


def test_cuda_by_name_without_kernels_is_an_error(monkeypatch):
    monkeypatch.setattr(backend_module, "load_triton_kernels", refuse)
    with pytest.raises(DeviceError, match="the kernels are not here"):
        resolve_backend("cuda", "cuda")


def test_cuda_by_name_on_a_cpu_is_an_error():
    with pytest.raises(DeviceError) as found:
        load_model("random:nano", backend="cuda")
    assert str(found.value) == (
        "backend 'cuda' on device 'cpu'; wanted a CUDA device: add --device cuda, or use "
        "--backend auto"
    )


def test_compiled_on_a_gpu_is_an_error():
    with pytest.raises(
        DeviceError, match="backend 'compiled' on device 'cuda'; wanted --device cpu"
    ):
        resolve_backend("compiled", "cuda")


def test_unknown_backends():
    with pytest.raises(
        DeviceError, match="backend 'tpu'; wanted one of auto, torch, compiled, cuda"
    ):
        resolve_backend("tpu", "cpu")
    with pytest.raises(DeviceError, match="backend 'auto'; wanted torch or compiled or cuda"):
        set_backend(load_model("random:nano"), "auto")


def test_a_backend_reaches_every_layer():
    model = load_model("random:nano")
    assert find_backend(model) == "compiled"
    set_backend(model, "cuda")
    layers = [m for m in model.modules() if isinstance(m, BiMamba2)]
    assert len(layers) > 2
    assert {layer.backend for layer in layers} == {"cuda"}
    assert find_backend(model) == "cuda"
    assert BiMamba2.backend == "torch"


def test_versions(monkeypatch):
    assert backend_versions("torch") == {}
    assert backend_versions("compiled") == {
        "numba": version("numba"), "llvmlite": version("llvmlite"),
    }  # fmt: skip
    monkeypatch.delenv("TRITON_F32_DEFAULT", raising=False)
    found = backend_versions("cuda")
    assert {"triton", "mamba-ssm", "causal-conv1d", "cuda", "gpu"} < set(found)
    assert found["float32 products in kernels"] == "tf32"
    monkeypatch.setenv("TRITON_F32_DEFAULT", "ieee")
    assert backend_versions("cuda")["float32 products in kernels"] == "ieee"


def test_a_track_records_the_backend(tmp_path):
    import pandas as pd

    letters = "".join(np.random.default_rng(0).choice(list("ACGT"), 3000))
    (tmp_path / "g.fa").write_text(f">chr1\n{letters}\n")
    sites = pd.DataFrame({"chrom": ["chr1"], "edge": [1500], "strand": ["+"]})
    model = load_model("random:nano")
    track = extract_boundaries(model, tmp_path / "g.fa", around=sites, flank_bp=10)
    assert track.provenance["backend"] == "compiled"
    assert set(track.provenance["backend_versions"]) == {"numba", "llvmlite"}
    set_backend(model, "torch")
    assert describe_backend(model) == {"backend": "torch", "backend_versions": {}}
