"""The hand-written backward pass against ordinary autograd, in float64."""

import pytest
import torch

from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.mixer_core import MixerCore, fits_factored

PARAMETERS = ("conv_weight", "conv_bias", "A_log", "D", "dt_bias", "norm_weight")


def build(d_model: int = 64, d_state: int = 16) -> BiMamba2:
    torch.manual_seed(3)
    layer = BiMamba2(d_model, d_state=d_state).double()
    with torch.no_grad():
        layer.D.normal_()
        layer.norm_weight.normal_()
        layer.dt_bias.add_(0.5)
    return layer


@pytest.mark.parametrize("length", [1, 2, 3, 63, 64, 65, 200])
@pytest.mark.parametrize("padded", [False, True])
def test_core_and_autograd_agree(length, padded):
    layer = build()
    generator = torch.Generator().manual_seed(length)
    projected = layer.in_proj(torch.randn(3, length, 64, generator=generator).double())
    projected = projected.detach().mul(10)
    projected[..., -layer.n_heads :] /= 10
    projected.requires_grad_()
    mask = None
    if padded:
        lengths = torch.tensor([length, max(1, length // 2), 1])
        mask = torch.arange(length) < lengths[:, None]
    parameters = [getattr(layer, name) for name in PARAMETERS]
    assert fits_factored(projected, layer.A_log, layer.dt_bias)
    plain = layer.mix_plainly(projected, mask)
    weights = torch.randn(plain.shape, generator=generator).double()
    expected = torch.autograd.grad((plain * weights).sum(), [projected, *parameters])
    core = MixerCore.apply(projected, mask, *parameters)
    found = torch.autograd.grad((core * weights).sum(), [projected, *parameters])
    torch.testing.assert_close(core, plain, atol=1e-10, rtol=1e-8)
    for name, a, b in zip(("projected", *PARAMETERS), found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-7, msg=lambda m, n=name: f"{n}: {m}")
