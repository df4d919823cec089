"""The one place where it is decided what computes BiMamba-2 between its projections.

- `torch`: torch's own operations, on any device and in any precision.
- `compiled`: passes for one CPU core in float32, compiled on first use (`cpu_mixer`); a layer in
  another precision, or with decays beyond their range, is left to torch's operations.
- `cuda`: mamba-ssm's kernels.

`auto` is `compiled` on a CPU, the kernels on a CUDA device if they import, and otherwise plain
torch; plain torch on a CUDA device is said aloud, because it is many times slower. A backend that
was asked for by name and cannot run is an error: nothing falls back in silence, and results record
`find_backend` and `describe_backend`.
"""

import logging
import os
from importlib.metadata import PackageNotFoundError, version
from typing import Literal, get_args

import torch

from ldar_interp.errors import DeviceError
from ldar_interp.model.bimamba2 import Backend, BiMamba2
from ldar_interp.model.kernels import load_fused_convolution, load_triton_kernels
from ldar_interp.model.ldarnet import LDARNet

Request = Literal["auto", "torch", "compiled", "cuda"]
KERNEL_PACKAGES = ("triton", "mamba-ssm")
F32_PRODUCTS = "TRITON_F32_DEFAULT"

_log = logging.getLogger(__name__)


def resolve_backend(requested: str, device: str | torch.device) -> Backend:
    """What will compute, on a device that is known to work.

    Parameters
    ----------
    requested : `auto`, `torch`, `compiled` or `cuda`.
    device : where the model is.

    Raises
    ------
    DeviceError : an unknown name, or a backend that cannot run there.
    """
    if requested not in get_args(Request):
        raise DeviceError(f"backend {requested!r}; wanted one of {', '.join(get_args(Request))}")
    kind = torch.device(device).type
    if requested == "torch":
        return "torch"
    if kind == "cpu" and requested in ("auto", "compiled"):
        return "compiled"
    if requested == "compiled":
        raise DeviceError(
            f"backend 'compiled' on device {str(device)!r}; wanted --device cpu, or --backend auto"
        )
    if kind != "cuda":
        if requested == "cuda":
            raise DeviceError(
                f"backend 'cuda' on device {str(device)!r}; wanted a CUDA device: add --device "
                "cuda, or use --backend auto"
            )
        return "torch"
    try:
        load_triton_kernels()
    except DeviceError as error:
        if requested == "cuda":
            raise
        _log.warning("plain torch is used on %s, which is slow: %s", device, error)
        return "torch"
    return "cuda"


def set_backend(model: LDARNet, backend: Backend) -> None:
    """Let every BiMamba-2 layer of a model compute this way; see `resolve_backend`."""
    if backend not in get_args(Backend):
        raise DeviceError(
            f"backend {backend!r}; wanted {' or '.join(get_args(Backend))} (resolve_backend "
            "chooses one)"
        )
    for layer in _mamba_layers(model):
        layer.backend = backend


def find_backend(model: LDARNet) -> Backend:
    """What computes a model's BiMamba-2 layers as it is now; `torch` if it has none.

    Not always what was set: `compiled` is for float32 on a CPU.
    """
    return next((layer.runs_on for layer in _mamba_layers(model)), "torch")


def backend_versions(backend: Backend) -> dict[str, str]:
    """What the numbers of a backend depend on beyond the packages that every result records.

    Empty for torch. For compiled, the compiler. For cuda: the GPU, torch's CUDA, the kernels'
    packages, whether the short convolution is fused or portable, and how float32 matrix products
    are rounded.
    """
    if backend == "torch":
        return {}
    if backend == "compiled":
        return {"numba": _version_of("numba"), "llvmlite": _version_of("llvmlite")}
    found = {name: _version_of(name) for name in KERNEL_PACKAGES}
    is_fused = load_fused_convolution() is not None
    found["causal-conv1d"] = _version_of("causal-conv1d") if is_fused else "absent: portable form"
    found["cuda"] = torch.version.cuda or "absent"
    found["gpu"] = torch.cuda.get_device_name() if torch.cuda.is_available() else "absent"
    found["float32 products in kernels"] = os.environ.get(F32_PRODUCTS, "tf32")
    return found


def describe_backend(model: LDARNet) -> dict[str, str | dict[str, str]]:
    """`backend` and `backend_versions` of a model, as provenance records them."""
    backend = find_backend(model)
    return {"backend": backend, "backend_versions": backend_versions(backend)}


def _mamba_layers(model: LDARNet) -> list[BiMamba2]:
    return [module for module in model.modules() if isinstance(module, BiMamba2)]


def _version_of(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"
