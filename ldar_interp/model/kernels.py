"""Where the CUDA kernels come from: other people's packages, imported when they are first used.

- mamba-ssm: the Mamba-2 scan and the gated RMSNorm, written in Triton. They need no compiled code,
  but `import mamba_ssm` does: its `__init__` imports the extension `selective_scan_cuda`, which
  serves Mamba-1 alone. A wheel built without a compiler lacks it. So the ordinary import is tried
  first, and on exactly that error an empty package of that name with the right path is registered,
  under which `mamba_ssm.ops.triton` imports like any other. Mamba-1 is then out of reach in this
  process.
- causal-conv1d: the short convolution, compiled. Optional: `cuda_mix` has a portable form.

Both stay out of the core dependencies; docs/gpu.md says how to install them.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType

from torch import Tensor

from ldar_interp.errors import DeviceError

COMPILED_PART = "selective_scan_cuda"


@dataclass(frozen=True, slots=True)
class TritonKernels:
    """`scan` is mamba_chunk_scan_combined, `gated_norm` is rmsnorm_fn, with their gradients."""

    scan: Callable[..., Tensor]
    gated_norm: Callable[..., Tensor]


@cache
def load_triton_kernels() -> TritonKernels:
    """The kernels of mamba-ssm.

    Raises
    ------
    DeviceError : triton, mamba-ssm or what they need cannot be imported; the reason is named.
    """
    try:
        _import_mamba()
        scan = import_module("mamba_ssm.ops.triton.ssd_combined")
        norm = import_module("mamba_ssm.ops.triton.layernorm_gated")
    except ImportError as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(
            f"the CUDA kernels cannot be imported ({reason}); wanted triton, einops and mamba-ssm: "
            "install them as docs/gpu.md says, or use --backend torch"
        ) from None
    return TritonKernels(scan.mamba_chunk_scan_combined, norm.rmsnorm_fn)


@cache
def load_fused_convolution() -> Callable[..., Tensor] | None:
    """`causal_conv1d_fn`, or None where causal-conv1d does not import."""
    try:
        function: Callable[..., Tensor] = import_module("causal_conv1d").causal_conv1d_fn
    except ImportError:
        return None
    return function


def _import_mamba() -> None:
    """Make `mamba_ssm` importable, with or without its compiled part."""
    try:
        import_module("mamba_ssm")
    except ModuleNotFoundError as error:
        spec = find_spec("mamba_ssm") if error.name == COMPILED_PART else None
        if spec is None:
            raise
        sys.modules["mamba_ssm"] = _empty_package(spec)


def _empty_package(spec: ModuleSpec) -> ModuleType:
    """A package that has a path, so that its submodules import, and ran no `__init__`."""
    package = ModuleType(spec.name)
    package.__path__ = list(spec.submodule_search_locations or [])
    package.__spec__ = spec
    return package
