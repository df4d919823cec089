"""Does the cuda backend give what plain torch gives in float64? Forward and backward, with gates.

The gates are those of docs/gpu.md. A run compares in one rounding of float32 products, because
Triton reads TRITON_F32_DEFAULT when it compiles; `bench_gpu.py` starts a second process for the
other. On a CPU the same checks compare plain torch in float32 with float64.
"""

import gzip
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ldar_interp.assets import CHECKPOINT
from ldar_interp.assets.demo import DEMO_FASTA
from ldar_interp.genome.alphabet import encode
from ldar_interp.model import cuda_mix
from ldar_interp.model.backend import set_backend
from ldar_interp.model.bimamba2 import Backend, BiMamba2
from ldar_interp.model.checkpoint import load_model
from ldar_interp.model.short_conv import convolve_both_ways

GATES = {"float32": 1e-5, "tf32": 1e-3, "ieee": 1e-5, "bfloat16": 1e-2}
WIDE = torch.float64


@dataclass(frozen=True)
class Check:
    """One comparison. `error` is relative (norms), but for the flip rate a share of positions.

    `gate` is None where nothing is demanded: bfloat16 flips near-ties of p = 0.5.
    """

    name: str
    mode: str
    error: float
    gate: float | None

    @property
    def is_passed(self) -> bool:
        """Also False for NaN."""
        return self.gate is None or self.error <= self.gate

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "is_passed": self.is_passed}


def relative(found: Tensor, wanted: Tensor) -> float:
    """Norm of the difference over the norm of what is wanted."""
    return float((found.to(WIDE) - wanted.to(WIDE)).norm() / wanted.to(WIDE).norm())


def check_all(device: torch.device, backend: Backend, mode: str, *, is_tiny: bool) -> list[Check]:
    """All checks in one mode: `tf32`, `ieee` or `float32` (inputs in float32), or `bfloat16`."""
    widths, length = ((32,), 70) if is_tiny else ((64, 512), 1000)
    checks = [check_convolution(device, mode, 64 if is_tiny else 1280, length)]
    for width in widths:
        checks += check_layer(device, backend, mode, width, 16 if is_tiny else 128, length)
    size = (200, 1) if is_tiny else (1024, 32)
    return checks + check_model(device, backend, mode, *size)


def check_convolution(device: torch.device, mode: str, channels: int, length: int) -> Check:
    """The short convolution as the cuda backend runs it there: fused if installed."""
    torch.manual_seed(0)
    x = torch.randn(2, length, channels, device=device, dtype=WIDE)
    weight = torch.randn(2, channels, 4, device=device, dtype=WIDE)
    bias = torch.randn(2, channels, device=device, dtype=WIDE)
    wanted = convolve_both_ways(x, weight, bias)[0]
    dtype = torch.bfloat16 if mode == "bfloat16" else torch.float32
    with torch.no_grad():
        found = cuda_mix._convolve(x.to(dtype), weight[0].float(), bias[0].float())
    # No matrix product: TF32 does not excuse it.
    gate = GATES["bfloat16" if mode == "bfloat16" else "float32"]
    return Check(f"convolution, {channels} channels", mode, relative(found, wanted), gate)


def check_layer(
    device: torch.device, backend: Backend, mode: str, d_model: int, state: int, length: int
) -> list[Check]:
    """A BiMamba-2 layer with padding: output, gradient of its input, gradient of its parameters."""
    torch.manual_seed(d_model)
    layer = BiMamba2(d_model, d_state=state).to(device)
    hidden, weight = torch.randn(2, 2, length, d_model, device=device).unbind(0)
    mask = torch.ones(2, length, dtype=torch.bool, device=device)
    mask[1, length // 2 :] = False
    weight = weight * mask[..., None]

    wide = BiMamba2(d_model, d_state=state).to(device, WIDE)
    wide.load_state_dict(layer.state_dict())
    layer.backend = backend
    wanted = run_layer(wide, hidden.to(WIDE), weight.to(WIDE), mask)
    with torch.autocast(device.type, torch.bfloat16, enabled=mode == "bfloat16"):
        found = run_layer(layer, hidden, weight, mask)
    return [
        Check(f"layer of {d_model}, {part}", mode, relative(found[part], wanted[part]), GATES[mode])
        for part in wanted
    ]


def run_layer(layer: BiMamba2, hidden: Tensor, weight: Tensor, mask: Tensor) -> dict[str, Tensor]:
    """Output on real positions, and the gradients of its weighted sum."""
    leaf = hidden.clone().requires_grad_()
    y = layer(leaf, mask) * mask[..., None]
    (y * weight).sum().backward()
    assert leaf.grad is not None
    gradients = [p.grad.flatten().to(WIDE) for p in layer.parameters() if p.grad is not None]
    return {"output": y.detach(), "d input": leaf.grad, "d parameters": torch.cat(gradients)}


def read_windows(n: int, length: int) -> Tensor:
    """Ids (n, length) of windows side by side in the embedded human region."""
    with gzip.open(DEMO_FASTA, "rt") as handle:
        next(handle)
        letters = "".join(line.strip() for line in handle if not line.startswith(">"))
    ids = encode(letters)
    ids = ids[ids < 4][: n * length].astype(np.int64)
    return torch.from_numpy(ids).view(n, length)


def check_model(
    device: torch.device, backend: Backend, mode: str, length: int, n_windows: int
) -> list[Check]:
    """p of the embedded model on human sequence, and the share of boundaries that flip."""
    model, wide = load_model(CHECKPOINT, device), load_model(CHECKPOINT, device)
    set_backend(model, backend)
    set_backend(wide.to(WIDE), "torch")
    ids = read_windows(n_windows, length).to(device)
    with torch.no_grad():
        wanted = wide.encode(ids)[1]
        with torch.autocast(device.type, torch.bfloat16, enabled=mode == "bfloat16"):
            found = model.encode(ids)[1]
    flips = (found.is_boundary != wanted.is_boundary).float().mean()
    return [
        Check("p of the embedded model", mode, relative(found.prob, wanted.prob), GATES[mode]),
        Check("boundaries that flip", mode, float(flips), None),
    ]
