"""What surrounds the kernels: layout, reversal, padding, dtypes; kernels written in torch here."""

import pytest
import torch
import torch.nn.functional as F

from ldar_interp.errors import InputError
from ldar_interp.model import chunking, cuda_mix
from ldar_interp.model.backend import set_backend
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.checkpoint import preset, random_model
from ldar_interp.model.kernels import TritonKernels
from ldar_interp.model.short_conv import convolve_both_ways


def scan_in_torch(x, dt, rate, b_in, c_out, chunk, *, D):
    """mamba_chunk_scan_combined as the recurrence; B and C are (b, l, groups, n)."""
    assert chunk == 128
    heads = x.shape[2]
    b_in, c_out = (t.repeat_interleave(heads // t.shape[2], dim=2) for t in (b_in, c_out))
    state, rows = 0, []
    for t in range(x.shape[1]):
        write = (dt[:, t, :, None] * x[:, t])[..., None] * b_in[:, t, :, None]
        state = state * (rate * dt[:, t]).exp()[..., None, None] + write
        rows.append((state * c_out[:, t, :, None]).sum(-1) + D[:, None] * x[:, t])
    return torch.stack(rows, 1).to(x.dtype)


def norm_in_torch(x, weight, bias, *, z, eps, norm_before_gate):
    assert bias is None and norm_before_gate is False
    return (F.rms_norm(x * F.silu(z), x.shape[-1:], eps=eps) * weight).to(x.dtype)


@pytest.fixture
def kernels(monkeypatch):
    """Arguments of every call of the scan."""
    seen = []

    def scan(*arguments, **named):
        seen.append((*arguments, named["D"]))
        return scan_in_torch(*arguments, **named)

    monkeypatch.setattr(cuda_mix, "load_triton_kernels", lambda: TritonKernels(scan, norm_in_torch))
    return seen


@pytest.mark.parametrize("n_padded", [0, 5])
def test_a_layer_is_the_same_function(kernels, n_padded):
    torch.manual_seed(0)
    layer = BiMamba2(64, d_state=4).double()
    hidden, weight = torch.randn(2, 2, 19, 64, dtype=torch.float64).unbind(0)
    mask = None
    if n_padded:
        mask = torch.ones(2, 19, dtype=torch.bool)
        mask[1, -n_padded:] = False
        weight = weight * mask[..., None]
    results = []
    for backend in ("torch", "cuda"):
        layer.backend = backend
        layer.zero_grad()
        leaf = hidden.clone().requires_grad_()
        y = layer(leaf, mask)
        (y * weight).sum().backward()
        shown = y.detach() if mask is None else y.detach() * mask[..., None]
        results.append([shown, leaf.grad, *(p.grad.clone() for p in layer.parameters())])
    assert len(kernels) == 1
    for wanted, found in zip(*results, strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-11)


@pytest.mark.usefixtures("kernels")
def test_padding_changes_nothing():
    layer = BiMamba2(32, d_state=4).double()
    layer.backend = "cuda"
    hidden = torch.randn(1, 12, 32, dtype=torch.float64)
    padded = torch.cat([hidden, torch.full((1, 6, 32), 1e3, dtype=torch.float64)], dim=1)
    mask = torch.arange(18)[None] < 12
    torch.testing.assert_close(layer(padded, mask)[:, :12], layer(hidden), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("taps", [1, 4])
def test_the_portable_convolution(taps):
    x = torch.randn(2, 9, 6, dtype=torch.float64)
    weight = torch.randn(2, 6, taps, dtype=torch.float64)
    bias = torch.randn(2, 6, dtype=torch.float64)
    wanted = convolve_both_ways(x, weight, bias)
    forward = cuda_mix._convolve(x, weight[0], bias[0])
    reverse = cuda_mix._convolve(x.flip(1), weight[1], bias[1]).flip(1)
    torch.testing.assert_close(torch.stack([forward, reverse]), wanted)


def test_the_scan_gets_views_that_it_need_not_copy(kernels):
    layer = BiMamba2(64, d_state=8)
    layer.backend = "cuda"
    layer(torch.randn(1, 10, 64))
    x, _, _, b_in, c_out, _, _ = kernels[0]
    assert x.shape == (1, 10, 4, 64)
    assert b_in.shape == c_out.shape == (1, 10, 2, 8)
    assert len({t.untyped_storage().data_ptr() for t in (x, b_in, c_out)}) == 1
    assert all(t.stride(-1) == 1 for t in (x, b_in, c_out))


def test_a_batch_too_large_for_32_bit_offsets():
    with pytest.raises(InputError, match=r"2048 x 4096 positions .* wanted fewer than 2147483648"):
        cuda_mix._check_size(2048, 4096, 1024, 128)
    cuda_mix._check_size(64, 4096, 1024, 128)


def test_what_stays_in_float32_under_autocast(kernels, monkeypatch):
    model = random_model(preset("nano"), seed=0).eval()
    set_backend(model, "cuda")
    averaged = []
    plain = chunking.smooth_both_ways
    monkeypatch.setattr(
        chunking, "smooth_both_ways", lambda x, p: averaged.append((x, p)) or plain(x, p)
    )
    ids = torch.randint(0, 4, (2, 48), generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        encoded, _ = model.encode(ids)
        out = model(ids)
    for x, dt, rate, b_in, c_out, _, skip in kernels:
        assert {t.dtype for t in (x, b_in, c_out)} == {torch.bfloat16}
        assert {t.dtype for t in (dt, rate, skip)} == {torch.float32}
    assert encoded.dtype == torch.float32
    assert {r.prob.dtype for r in out.boundaries} == {torch.float32}
    assert {t.dtype for pair in averaged for t in pair} == {torch.float32}
    assert out.logits.dtype == torch.bfloat16


def test_plain_torch_keeps_float32_between_the_projections(monkeypatch):
    from ldar_interp.model import bimamba2

    seen = []
    plain = bimamba2.scan_chunked
    monkeypatch.setattr(bimamba2, "scan_chunked", lambda *a: seen.append(a) or plain(*a))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        BiMamba2(32, d_state=4)(torch.randn(1, 10, 32))
    assert {t.dtype for t in seen[0]} == {torch.float32}
