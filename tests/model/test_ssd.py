"""The chunked scan against the recurrence as written, in float64, with gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.model import bimamba2
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.ssd import CHUNK, MAX_FACTORED_DECAY, scan_chunked, scan_sequential

HEADS, SIZE, STATE = 2, 3, 4


def draw(length: int, decay: float, *, batch: int = 1, seed: int = 0) -> list[torch.Tensor]:
    """Inputs whose log-decays lie in [-decay, 0]."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(2, batch, length, *shape, generator=generator, dtype=torch.float64)

    dt = normal(HEADS).abs() * 0.3
    log_decay = -decay * torch.rand(2, batch, length, HEADS, generator=generator).double()
    return [
        t.requires_grad_()
        for t in (normal(HEADS, SIZE), dt, log_decay, normal(STATE), normal(STATE))
    ]


def with_gradients(scan, inputs):
    y = scan(*inputs)
    weights = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).reshape(y.shape)
    return [y, *torch.autograd.grad((y * weights).sum(), inputs)]


def assert_scans_agree(inputs, chunk=CHUNK):
    found = with_gradients(lambda *args: scan_chunked(*args, chunk=chunk), inputs)
    expected = with_gradients(scan_sequential, inputs)
    for ours, theirs in zip(found, expected, strict=True):
        assert bool(torch.isfinite(ours).all())
        torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=1e-9)


@settings(max_examples=12, deadline=None)
@given(
    length=st.integers(1, 70),
    chunk=st.sampled_from([1, 4, 16, 64]),
    decay=st.sampled_from([0.0, 0.1, 1.0, 10.0]),
    batch=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_chunked_is_sequential(length, chunk, decay, batch, seed):
    assert_scans_agree(draw(length, decay, batch=batch, seed=seed), chunk)


@pytest.mark.parametrize("length", [64, 65, 128, 200])
def test_several_chunks_of_the_default_size(length):
    assert_scans_agree(draw(length, 0.5))


@pytest.mark.parametrize("decay", [4.0, 50.0, 1e4])
def test_large_decay_takes_the_safe_path(decay):
    inputs = draw(130, decay, seed=5)
    assert float(inputs[2][:, :, :64].detach().sum(2).min()) < -MAX_FACTORED_DECAY
    assert_scans_agree(inputs)


def test_float32_survives_extreme_decay():
    inputs = [t.detach().float().requires_grad_() for t in draw(130, 1e4)]
    for value in with_gradients(scan_chunked, inputs):
        assert bool(torch.isfinite(value).all())


def test_one_head_by_hand():
    """Two positions, everything 1, half forgotten: y = 1, 1 + 1/2 and mirrored."""
    one = torch.ones(2, 1, 2, 1, 1, dtype=torch.float64)
    log_half = torch.full((2, 1, 2, 1), 0.5, dtype=torch.float64).log()
    for scan in (scan_sequential, scan_chunked):
        y = scan(one, one[..., 0], log_half, one[..., 0], one[..., 0]).squeeze()
        torch.testing.assert_close(y, torch.tensor([[1, 1.5], [1.5, 1]], dtype=torch.float64))


def test_a_position_without_dt_and_decay_has_no_effect():
    x, dt, log_decay, b_in, c_out = (t.detach() for t in draw(9, 1.0))
    dt[:, :, 6:], log_decay[:, :, 6:] = 0, 0
    whole = scan_chunked(x, dt, log_decay, b_in, c_out)
    alone = scan_chunked(*(t[:, :, :6] for t in (x, dt, log_decay, b_in, c_out)))
    torch.testing.assert_close(whole[:, :, :6], alone)


def layer_with_dt(bias: float) -> BiMamba2:
    torch.manual_seed(0)
    layer = BiMamba2(64, d_state=8).double()
    with torch.no_grad():
        layer.dt_bias.fill_(bias)
    return layer


def test_a_layer_with_large_dt_equals_the_recurrence(monkeypatch):
    """Official weights reach such decays: the scan must notice and still be right."""
    layer = layer_with_dt(3.0)
    hidden = torch.randn(2, 70, 64, dtype=torch.float64)
    found = layer(hidden)
    monkeypatch.setattr(bimamba2, "scan_chunked", scan_sequential)
    torch.testing.assert_close(found, layer(hidden), atol=1e-12, rtol=1e-9)
    assert bool(torch.isfinite(found).all())
