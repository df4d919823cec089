"""The compiled passes of a CPU against the same layer in torch, in float64, with gradients."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.model import compiled, cpu_mixer
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.cpu_kernels import _sigmoid_row


def twins(d_model: int, d_state: int, *, d_conv: int = 4, seed: int = 0):
    """A float32 layer and its double: float64 takes torch's own operations."""
    torch.manual_seed(seed)
    layer = BiMamba2(d_model, d_state=d_state, d_conv=d_conv)
    with torch.no_grad():
        # Away from the ones that hide a missing factor.
        layer.D.uniform_(0.5, 1.5)
        layer.norm_weight.uniform_(0.5, 1.5)
    layer.backend = "compiled"
    double = BiMamba2(d_model, d_state=d_state, d_conv=d_conv).double()
    double.load_state_dict({name: value.double() for name, value in layer.state_dict().items()})
    return layer, double


def run(layer: BiMamba2, hidden: torch.Tensor, mask: torch.Tensor | None) -> list[torch.Tensor]:
    """Output on real bases, and gradients of the input and of every parameter."""
    hidden = hidden.to(layer.D.dtype).requires_grad_()
    out = layer(hidden, mask)
    if mask is not None:
        out = out * mask[..., None]
    generator = torch.Generator().manual_seed(1)
    weights = torch.randn(out.shape, generator=generator, dtype=torch.float64).to(out.dtype)
    return [out, *torch.autograd.grad((out * weights).sum(), [hidden, *layer.parameters()])]


def assert_same(layer, double, hidden, mask=None):
    """Within 1e-5 of a tensor's norm, or of the output's: gradients of a decay are differences of
    sums of that size, and where everything is forgotten at once they cancel to nothing."""
    expected = run(double, hidden, mask)
    size = expected[0].detach().norm()
    for found, right in zip(run(layer, hidden, mask), expected, strict=True):
        assert found.dtype == torch.float32
        found, right = found.detach(), right.detach()
        error = (found.double() - right).norm() / torch.maximum(right.norm(), size)
        assert float(error) < 1e-5


@settings(max_examples=12, deadline=None)
@given(
    d_model=st.sampled_from([32, 64, 96]),
    d_state=st.sampled_from([4, 16]),
    d_conv=st.sampled_from([2, 4]),
    lengths=st.lists(st.integers(1, 150), min_size=1, max_size=3),
    seed=st.integers(0, 99),
)
def test_values_and_gradients(d_model, d_state, d_conv, lengths, seed):
    layer, double = twins(d_model, d_state, d_conv=d_conv, seed=seed)
    mask = torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(len(lengths), max(lengths), d_model, generator=generator)
    assert_same(layer, double, hidden, None if len(set(lengths)) == 1 else mask)


def test_many_sequences_in_several_tiles():
    layer, double = twins(32, 8)
    hidden = torch.randn(5, 600, 32, generator=torch.Generator().manual_seed(0))
    assert_same(layer, double, hidden)


@pytest.mark.parametrize(("dt_bias", "chunk"), [(-0.5, 16), (1.0, 4), (5.5, None)])
def test_a_large_decay_takes_shorter_chunks_and_then_torch(monkeypatch, dt_bias, chunk):
    layer, double = twins(64, 8)
    for twin in (layer, double):
        with torch.no_grad():
            twin.dt_bias.fill_(dt_bias)
            twin.A_log.fill_(1.5)
    taken = []
    mix = cpu_mixer._Mix.apply

    def note(*arguments):
        taken.append(arguments[-2].chunk)
        return mix(*arguments)

    monkeypatch.setattr(cpu_mixer._Mix, "apply", note)
    hidden = torch.randn(2, 130, 64, generator=torch.Generator().manual_seed(0))
    assert_same(layer, double, hidden)
    assert taken == ([] if chunk is None else [chunk])


def test_padding_writes_nothing_even_where_it_is_not_a_number():
    layer, _ = twins(32, 8)
    hidden = torch.randn(1, 40, 32, generator=torch.Generator().manual_seed(0))
    mask = torch.arange(40)[None] < 25
    alone = layer(hidden[:, :25])
    hidden[:, 25:] = torch.nan
    torch.testing.assert_close(layer(hidden, mask)[:, :25], alone, atol=1e-6, rtol=1e-5)


def test_nan_on_a_real_base_is_not_hidden():
    layer, _ = twins(32, 8)
    hidden = torch.zeros(1, 40, 32)
    hidden[0, 7, 3] = torch.nan
    assert bool(layer(hidden).isnan().any())


def test_sigmoid_to_two_parts_in_ten_million():
    x = np.linspace(-87, 87, 100_003).astype(np.float32)
    out, mantissa, bits = np.empty_like(x), np.empty_like(x), np.empty(len(x), np.int32)
    _sigmoid_row(x, out, mantissa, bits)
    expected = 1 / (1 + np.exp(-x.astype(np.float64)))
    assert np.abs(out / expected - 1).max() < 2e-7
    extremes = np.array([-np.inf, -1000, 1000, np.inf], np.float32)
    _sigmoid_row(extremes, out[:4], mantissa[:4], bits[:4])
    np.testing.assert_allclose(out[:4], [0, 0, 1, 1], atol=1e-37)


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_a_second_derivative_is_refused(backend):
    layer, _ = twins(32, 8)
    layer.backend = backend
    hidden = torch.randn(1, 10, 32, requires_grad=True)
    (slope,) = torch.autograd.grad(layer(hidden).square().sum(), hidden, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        slope.sum().backward()


def test_nothing_is_kept_without_gradients(monkeypatch):
    """Also where parameters could have gradients but nobody asks for them."""
    layer, _ = twins(32, 8)
    flags = []
    mix = cpu_mixer._Mix.apply
    monkeypatch.setattr(cpu_mixer._Mix, "apply", lambda *a: flags.append(a[-1]) or mix(*a))
    hidden = torch.zeros(1, 10, 32)
    with torch.no_grad():
        layer(hidden)
    layer(hidden)
    assert flags == [False, True]


def test_a_layer_of_another_type_is_left_to_torch_and_says_so():
    layer, _ = twins(32, 8)
    assert layer.runs_on == "compiled"
    assert layer.double().runs_on == "torch"
    assert layer(torch.zeros(1, 5, 32, dtype=torch.float64)).dtype == torch.float64


def test_code_that_cannot_be_kept_is_compiled_all_the_same(monkeypatch, caplog):
    """A package installed read-only, for a user without a home."""
    compiled._say_that_nothing_is_kept.cache_clear()
    monkeypatch.setattr(numba.core.caching.CacheImpl, "_locator_classes", [])
    loops = [compiled.compile_loop()(lambda x: x + 1), compiled.compile_loop()(lambda x: 1 / x)]
    assert [loop(0.0) for loop in loops] == [1.0, np.inf]
    assert [record.message[:34] for record in caplog.records] == [
        "compiled CPU passes cannot be kept"
    ]
    assert not compiled.is_kept(loops[0])


def test_numba_is_imported_by_those_who_compile_only():
    code = """
import sys
from ldar_interp.model.checkpoint import load_model
import torch
load_model("random:nano", backend="torch")(torch.zeros(1, 8, dtype=torch.long))
assert "numba" not in sys.modules
load_model("random:nano")(torch.zeros(1, 8, dtype=torch.long))
assert "numba" in sys.modules
"""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_a_backward_pass_under_autocast(backend):
    """The projections are bfloat16, everything between them float32, in both passes."""
    layer, double = twins(32, 8)
    layer.backend = backend
    hidden = torch.randn(2, 70, 32, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(hidden)
        out.float().square().sum().backward()
    double(hidden.double()).square().sum().backward()
    for found, right in zip(layer.parameters(), double.parameters(), strict=True):
        assert float((found.grad - right.grad).norm() / right.grad.norm()) < 0.03
