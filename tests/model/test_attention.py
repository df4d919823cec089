"""Banded attention in blocks against a dense softmax under a band mask, in float64.

Angles are float32 in the model, hence the tolerance.
"""

import pytest
import torch

from ldar_interp.model import attention
from ldar_interp.model.attention import ROTARY_BASE, LocalAttention

D_MODEL, HEADS, ROTARY = 12, 2, 4


def build(window: int) -> LocalAttention:
    torch.manual_seed(2)
    layer = LocalAttention(D_MODEL, n_heads=HEADS, rotary_dim=ROTARY, window=window).double()
    with torch.no_grad():
        layer.Wqkv.weight.mul_(4)
    return layer


def attend_densely(layer, hidden, mask):
    """The definition, position by position: rotate, score, softmax over the keys in reach."""
    rows = []
    size = D_MODEL // HEADS
    for b in range(hidden.shape[0]):
        length = hidden.shape[1] if mask is None else int(mask[b].sum())
        qkv = (hidden[b, :length] @ layer.Wqkv.weight.T).view(length, 3, HEADS, size)
        turned = qkv.clone()
        for t in range(length):
            for i in range(ROTARY // 2):
                angle = torch.tensor(t * ROTARY_BASE ** (-2 * i / ROTARY)).float().double()
                first, second = qkv[t, :2, :, i], qkv[t, :2, :, i + ROTARY // 2]
                turned[t, :2, :, i] = first * angle.cos() - second * angle.sin()
                turned[t, :2, :, i + ROTARY // 2] = second * angle.cos() + first * angle.sin()
        q, k, v = turned.permute(1, 2, 0, 3)
        score = q @ k.transpose(1, 2) / size**0.5
        at = torch.arange(length)
        if layer.window >= 0:
            far = (at[:, None] - at).abs() > layer.window
            score = score.masked_fill(far, -torch.inf)
        rows.append((score.softmax(-1) @ v).transpose(0, 1).reshape(length, D_MODEL))
    return [row @ layer.out_proj.weight.T for row in rows]


@pytest.mark.parametrize("window", [-1, 0, 1, 3, 7, 8, 22, 23, 100])
@pytest.mark.parametrize("padded", [False, True])
def test_blocks_are_dense_attention(monkeypatch, window, padded):
    monkeypatch.setattr(attention, "QUERY_BLOCK", 8)
    layer = build(window)
    hidden = torch.randn(3, 23, D_MODEL, generator=torch.Generator().manual_seed(1)).double()
    mask = torch.arange(23) < torch.tensor([[23], [9], [1]]) if padded else None
    found = layer(hidden, mask)
    assert bool(torch.isfinite(found).all())
    for row, expected in zip(found, attend_densely(layer, hidden, mask), strict=True):
        torch.testing.assert_close(row[: len(expected)], expected, atol=2e-6, rtol=0)


@pytest.mark.parametrize(("distance", "is_seen"), [(5, True), (6, False)])
def test_a_window_of_5_reaches_5_bases(distance, is_seen):
    layer = build(5)
    hidden = torch.randn(1, 30, D_MODEL, generator=torch.Generator().manual_seed(1)).double()
    changed = hidden.clone()
    changed[0, 12] += 1
    moved = (layer(changed) - layer(hidden)).abs().amax(-1)[0]
    for t in (12 - distance, 12 + distance):
        assert bool(moved[t] > 0) is is_seen


def test_a_padded_key_is_never_seen():
    layer = build(-1)
    hidden = torch.randn(1, 10, D_MODEL, dtype=torch.float64)
    mask = torch.arange(10)[None] < 6
    changed = hidden.clone()
    changed[0, 6:] += 3
    assert torch.equal(layer(changed, mask)[:, :6], layer(hidden, mask)[:, :6])


def test_default_blocks_agree_with_small_ones(monkeypatch):
    layer = build(31)
    hidden = torch.randn(1, 600, D_MODEL, generator=torch.Generator().manual_seed(1)).double()
    found = layer(hidden)
    monkeypatch.setattr(attention, "QUERY_BLOCK", 50)
    torch.testing.assert_close(found, layer(hidden), atol=1e-12, rtol=1e-9)


def test_bands_of_inference_serve_training():
    layer = build(5)
    hidden = torch.randn(1, 300, D_MODEL, dtype=torch.float64)
    attention._make_band.cache_clear()
    with torch.inference_mode():
        before = layer(hidden)
    made = attention._make_band.cache_info().misses
    after = layer(hidden)
    after.sum().backward()
    assert torch.equal(before, after)
    assert layer.Wqkv.weight.grad.abs().sum() > 0
    # The first block, one away from the ends, the last one; the second call makes none.
    assert attention._make_band.cache_info().misses == made == 3
