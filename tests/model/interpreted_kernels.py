"""Runs the real Triton kernels on a CPU by Triton's interpreter and prints relative errors as JSON.

    python interpreted_kernels.py CASE [CASE ...]

A program of its own, because the interpreter must be chosen before triton is imported and torch's
CUDA calls inside the kernels' wrappers must be replaced: neither may leak into other tests. The
interpreter shows what the kernels compute; it cannot show TF32, races or autotuned configurations.
"""

import contextlib
import json
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Iterator
from pathlib import Path

# One configuration a kernel, and sums in a fixed order; large blocks, because the interpreter's
# time goes with the number of programs.
os.environ |= {
    "TRITON_INTERPRET": "1",
    "MAMBA_DETERMINISTIC": "1",
    "TRITON_AUTOTUNE_BLOCK_SIZE_M": "128",
    "TRITON_AUTOTUNE_BLOCK_SIZE_N": "64",
}

import torch
from torch import Tensor

from ldar_interp.model.autotune import find_tuned_kernels, load_tuning, save_tuning
from ldar_interp.model.backend import set_backend
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.config import LDARNetConfig
from ldar_interp.model.cuda_mix import scan_with_kernels
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.model.ssd import scan_sequential

WIDE = torch.float64


@contextlib.contextmanager
def no_gpu_needed() -> Iterator[None]:
    """Replace what the kernels' wrappers ask of a GPU."""
    torch.cuda.device = lambda *_: contextlib.nullcontext()
    torch.cuda.get_device_properties = lambda *_: types.SimpleNamespace(multi_processor_count=1)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Deterministic mode")
        yield


def multiply_bfloat16() -> None:
    """Mend the interpreter: it keeps bfloat16 as bit patterns and multiplies those as integers."""
    import triton.language as tl
    from triton.runtime.interpreter import InterpreterBuilder

    plain = InterpreterBuilder.create_dot

    def create_dot(self, a, b, d, *rest):
        a, b = (
            self.cast_impl(t, tl.float32) if t.dtype.scalar == tl.bfloat16 else t for t in (a, b)
        )
        return plain(self, a, b, d, *rest)

    InterpreterBuilder.create_dot = create_dot


def relative(found: Tensor, wanted: Tensor) -> float:
    """Norm of the difference over the norm of what is wanted; an unmet shape is no agreement."""
    assert found.shape == wanted.shape
    return float((found.to(WIDE) - wanted.to(WIDE)).norm() / wanted.to(WIDE).norm())


def scan_errors(batch: int, length: int, heads: int, n_padded: int) -> dict[str, float]:
    """The scan and its gradients against the recurrence in float64, the last sequence padded."""
    size, state = 16, 16
    generator = torch.Generator().manual_seed(length)

    def draw(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=WIDE)

    real = torch.ones(batch, length, 1)
    real[-1, length - n_padded :] = 0
    given = {
        "x": draw(2, batch, length, heads, size),
        # dt = 0 on padding, where x is anything.
        "dt": torch.nn.functional.softplus(draw(2, batch, length, heads) - 2) * real,
        "rate": -(1 + 15 * torch.rand(2, heads, generator=generator, dtype=WIDE)),
        "b_in": draw(2, batch, length, state),
        "c_out": draw(2, batch, length, state),
        "skip": draw(2, heads),
    }
    weight = draw(2, batch, length, heads, size) * real[..., None]

    def by_recurrence(x, dt, rate, b_in, c_out, skip):
        decay = dt * rate[:, None, None]
        return scan_sequential(x, dt, decay, b_in, c_out) + skip[:, None, None, :, None] * x

    def by_kernels(x, dt, rate, b_in, c_out, skip):
        def turn(t: Tensor) -> Tensor:
            """(2, b, l, ...) to (b, l, 2, ...), direction 1 reversed in time."""
            return torch.stack([t[0], t[1].flip(1)], dim=2)

        y = scan_with_kernels(
            turn(x).flatten(2, 3), turn(dt).flatten(2, 3), rate, turn(b_in), turn(c_out), skip
        ).unflatten(2, (2, heads))
        return torch.stack([y[:, :, 0], y[:, :, 1].flip(1)])

    results = []
    for function, dtype in ((by_recurrence, WIDE), (by_kernels, torch.float32)):
        leaves = {
            name: value.to(dtype, copy=True).requires_grad_() for name, value in given.items()
        }
        y = function(**leaves)
        (y * weight.to(dtype)).sum().backward()
        result = {f"d_{name}": leaf.grad for name, leaf in leaves.items()}
        results.append({"y": (y * real[..., None]).detach(), **result})
    wanted, found = results
    # The step sizes are products with the mask: gradients on padding go nowhere.
    for result in results:
        result["d_dt"] = result["d_dt"] * real
    return {name: relative(found[name], wanted[name]) for name in wanted}


def layer_errors(d_model: int, state: int, n_padded: int, length: int) -> dict[str, float]:
    """A whole BiMamba-2 layer and its gradients against plain torch in float64."""
    torch.manual_seed(d_model)
    layer = BiMamba2(d_model, d_state=state)
    wide = BiMamba2(d_model, d_state=state).to(WIDE)
    wide.load_state_dict(layer.state_dict())
    layer.backend = "cuda"
    batch = 1 if n_padded == 0 else 2
    hidden, weight = torch.randn(2, batch, length, d_model).unbind(0)
    mask = None
    if n_padded:
        mask = torch.ones(batch, length, dtype=torch.bool)
        mask[-1, length - n_padded :] = False
        weight = weight * mask[..., None]
    results = []
    for module, dtype in ((wide, WIDE), (layer, torch.float32)):
        leaf = hidden.to(dtype, copy=True).requires_grad_()
        y = module(leaf, mask)
        y = y if mask is None else y * mask[..., None]
        (y * weight.to(dtype)).sum().backward()
        gradients = {f"d_{name}": p.grad for name, p in module.named_parameters()}
        results.append({"y": y.detach(), "d_hidden": leaf.grad, **gradients})
    wanted, found = results
    return {name: relative(found[name], wanted[name]) for name in wanted}


def bfloat16_errors() -> dict[str, float]:
    """A layer under autocast, forward and backward, against float32."""
    torch.manual_seed(1)
    layer = BiMamba2(64, d_state=16)
    hidden, weight = torch.randn(2, 1, 40, 64).unbind(0)
    results = []
    for backend, is_narrow in (("torch", False), ("cuda", True)):
        layer.backend = backend
        layer.zero_grad()
        leaf = hidden.clone().requires_grad_()
        with torch.autocast("cpu", torch.bfloat16, enabled=is_narrow):
            y = layer(leaf)
        assert y.dtype == (torch.bfloat16 if is_narrow else torch.float32)
        (y * weight).sum().backward()
        gradient = torch.cat([p.grad.flatten() for p in layer.parameters()])
        results.append({"y": y.detach(), "d_hidden": leaf.grad, "gradient": gradient})
    wanted, found = results
    return {name: relative(found[name], wanted[name]) for name in wanted}


def model_errors() -> dict[str, float]:
    """A whole model, padded, and all its gradients against plain torch in float64."""
    config = LDARNetConfig.from_dict(
        {
            "arch_layout": ["m1t1", ["M1"], "m1"],
            "d_model": [32, 64],
            "d_intermediate": [0, 128],
            "num_heads": [2, 2],
            "rotary_emb_dim": [16, 16],
            "window_size": [5, -1],
            "d_state": 16,
        }
    )
    torch.manual_seed(3)
    model, wide = LDARNet(config), LDARNet(config).to(WIDE)
    wide.load_state_dict(model.state_dict())
    set_backend(model, "cuda")
    ids = torch.randint(0, 4, (2, 40))
    ids[-1, 25:] = 6
    real = (ids != 6)[..., None]
    weight = torch.randn(2, 40, 7)
    results = []
    for module in (wide, model):
        out = module(ids)
        routed = out.boundaries[0]
        loss = (out.logits * real * weight).sum() + (routed.prob * real[..., 0]).sum()
        loss.backward()
        gradient = torch.cat([p.grad.flatten().to(WIDE) for p in module.parameters()])
        results.append(
            {
                "logits": (out.logits * real).detach(),
                "prob": (routed.prob * real[..., 0]).detach(),
                "is_boundary": routed.is_boundary.to(WIDE),
                "gradient": gradient,
            }
        )
    wanted, found = results
    return {name: relative(found[name], wanted[name]) for name in wanted}


def tuning_errors() -> dict[str, float]:
    """Share of the kernels' configurations that do not survive a file."""
    kernels = find_tuned_kernels()
    assert {"_chunk_scan_fwd_kernel", "_chunk_cumsum_bwd_kernel"} <= set(kernels)
    chosen = {name: kernel.configs[-1] for name, kernel in kernels.items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tuned.json"
        for name, kernel in kernels.items():
            kernel.cache[128, name, "torch.float32"] = chosen[name]
        save_tuning(path, kernels, gpu="none")
        for kernel in kernels.values():
            kernel.cache.clear()
        load_tuning(path, kernels, gpu="none")
    lost = [
        name
        for name, kernel in kernels.items()
        if kernel.cache.get((128, name, "torch.float32")) is not chosen[name]
    ]
    return {"lost": len(lost) / len(kernels)}


CASES = {
    "scan, three chunks, odd length": lambda: scan_errors(1, 300, 2, 0),
    "scan, one chunk": lambda: scan_errors(1, 7, 1, 0),
    "scan, padded": lambda: scan_errors(2, 131, 1, 50),
    "layer": lambda: layer_errors(64, 16, 0, 50),
    "layer, padded": lambda: layer_errors(64, 8, 15, 30),
    "layer, bfloat16": bfloat16_errors,
    "model, padded": model_errors,
    "tuned configurations": tuning_errors,
}

if __name__ == "__main__":
    multiply_bfloat16()
    with no_gpu_needed():
        errors = {name: CASES[name]() for name in sys.argv[1:] or CASES}
    print(json.dumps(errors))
