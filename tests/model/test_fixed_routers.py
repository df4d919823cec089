"""Grid and random cuts by hand, and what the cuts may and may not depend on."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp.genome.alphabet import PAD
from ldar_interp.model.chunking import chunk, dechunk
from ldar_interp.model.fixed_routers import FixedRouter, RandomRouter, _mix, hash_sequences
from ldar_interp.model.router_choice import build_router
from ldar_interp.model.router_spec import RouterSpec

LOW = (1 << 32) - 1


def draw_ids(batch: int, length: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 4, (batch, length), generator=torch.Generator().manual_seed(seed))


def cut(ids: torch.Tensor, rate: float = 0.25, depth: int = 0, mask=None) -> torch.Tensor:
    states = torch.zeros(*ids.shape, 2)
    return RandomRouter(rate, depth)(states, mask, hash_sequences(ids, mask)).is_boundary


def test_a_grid_by_hand():
    out = FixedRouter(3)(torch.randn(2, 7, 5))
    assert out.prob.tolist() == [[1.0, 0, 0, 1, 0, 0, 1]] * 2
    assert out.is_boundary.tolist() == [[True, False, False, True, False, False, True]] * 2
    assert out.selected_prob.tolist() == [[1.0] * 7] * 2
    assert out.mask is None


def test_a_grid_stops_at_padding():
    mask = torch.tensor([[True] * 7, [True] * 3 + [False] * 4])
    out = FixedRouter(3)(torch.randn(2, 7, 5), mask)
    assert out.prob.tolist() == [[1.0, 0, 0, 1, 0, 0, 1], [1.0, 0, 0, 0, 0, 0, 0]]
    assert torch.equal(out.is_boundary, out.prob == 1)
    assert out.selected_prob.tolist() == [[1.0] * 7] * 2
    assert out.mask is mask


@pytest.mark.parametrize("text", ["fixed:4", "random:0.3"])
def test_no_parameters_and_at_least_float32(text):
    router = build_router(RouterSpec.parse(text), 8, 0)
    assert list(router.parameters()) == []
    key = torch.tensor([5])
    for given_dtype, wanted in [
        (torch.bfloat16, torch.float32),
        (torch.float32, torch.float32),
        (torch.float64, torch.float64),
    ]:
        out = router(torch.zeros(1, 9, 8, dtype=given_dtype), None, key)
        assert out.prob.dtype == out.selected_prob.dtype == wanted
        assert not out.prob.requires_grad


@pytest.mark.parametrize("text", ["fixed:1", "fixed:4", "random:0.3"])
def test_every_base_gets_its_chunk_back(text):
    """p = 1 is clamped to 1 - 1e-4, so a neighbouring chunk leaks 1e-4 of itself."""
    torch.manual_seed(0)
    states = torch.randn(2, 50, 6)
    routed = build_router(RouterSpec.parse(text), 6, 0)(states, None, torch.tensor([3, 4]))
    chunks = chunk(states, routed)
    restored = dechunk(chunks.states, chunks)
    for row in range(2):
        starts = routed.is_boundary[row].nonzero()[:, 0]
        for t in range(50):
            start = int(starts[starts <= t].max())
            torch.testing.assert_close(restored[row, t], states[row, start], atol=1e-3, rtol=0)


def mix_by_hand(x: int) -> int:
    x = ((x ^ (x >> 16)) * 0x21F0AAAD) & LOW
    x = ((x ^ (x >> 15)) * 0x735A2D97) & LOW
    return x ^ (x >> 15)


@settings(max_examples=50, deadline=None)
@given(x=st.integers(0, LOW))
def test_mix_is_the_same_in_big_integers(x):
    """Python's integers cannot overflow, so int64 did not either."""
    assert int(_mix(torch.tensor([x]))) == mix_by_hand(x)


def test_every_bit_turns_every_bit_over_half_of_the_time():
    x = torch.randint(0, 1 << 32, (20_000,), generator=torch.Generator().manual_seed(0))
    for i in range(32):
        changed = _mix(x) ^ _mix(x ^ (1 << i))
        for j in range(32):
            share = float(((changed >> j) & 1).double().mean())
            assert abs(share - 0.5) < 0.03, (i, j)  # 8 standard errors


def test_cuts_by_hand():
    """The module's formulas, one position at a time."""
    ids, rate, depth = draw_ids(1, 40, seed=1), 0.4, 1
    key = mix_by_hand(sum(mix_by_hand(8 * t + int(x)) for t, x in enumerate(ids[0])) & LOW)
    of_stage = mix_by_hand((key + (depth + 1) * 0x9E3779B9) & LOW)
    expected = [t == 0 or mix_by_hand(mix_by_hand(t) ^ of_stage) < rate * 2**32 for t in range(40)]
    assert cut(ids, rate, depth)[0].tolist() == expected
    states = torch.zeros(1, 40, 2)
    out = RandomRouter(rate, depth)(states, None, torch.tensor([key]))
    assert out.prob[0].tolist() == [float(b) for b in expected]
    assert out.selected_prob[0].tolist() == [1.0] * 40


@pytest.mark.parametrize("rate", [0.01, 0.25, 0.5, 0.9])
def test_rate_is_within_binomial_error(rate):
    """Over sequences, over positions and within each sequence."""
    cuts = cut(draw_ids(400, 1001), rate)[:, 1:].double()
    n = cuts.numel()
    assert abs(float(cuts.mean()) - rate) < 4 * math.sqrt(rate * (1 - rate) / n)
    for axis in (0, 1):
        members = cuts.shape[axis]
        spread = cuts.mean(axis).std() / math.sqrt(rate * (1 - rate) / members)
        assert 0.85 < float(spread) < 1.15, "more or less even than independent cuts"


def test_rates_of_all_and_almost_nothing():
    assert bool(cut(draw_ids(3, 50), 1.0).all())
    assert cut(draw_ids(3, 50), 1e-9).sum(1).tolist() == [1, 1, 1]


def test_cuts_of_sequences_and_stages_are_unrelated():
    """Two sequences that differ in one letter, and two stages, agree as independent cuts do."""
    ids = draw_ids(2, 20_000)
    ids[1] = ids[0]
    ids[1, 7] = (ids[0, 7] + 1) % 4
    first, second = cut(ids, 0.25)
    deeper = cut(ids, 0.25, depth=1)[0]
    shifted = first.roll(1)
    agree = 0.25**2 + 0.75**2
    for other in (second, deeper, shifted):
        share = float((first == other).double().mean())
        assert abs(share - agree) < 4 * math.sqrt(agree * (1 - agree) / 20_000)


@settings(max_examples=25, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 30), min_size=2, max_size=5),
    more=st.integers(0, 20),
    depth=st.integers(0, 3),
)
def test_padding_and_company_change_no_cut(lengths, more, depth):
    rows = [draw_ids(1, n, seed=i)[0] for i, n in enumerate(lengths)]
    ids = torch.full((len(rows), max(lengths) + more), PAD)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = row
    together = cut(ids, 0.4, depth, ids != PAD)
    for i, row in enumerate(rows):
        assert torch.equal(together[i, : len(row)], cut(row[None], 0.4, depth)[0])
        assert not bool(together[i, len(row) :].any())


def test_what_stands_under_padding_does_not_matter():
    ids = draw_ids(1, 20)
    mask = torch.arange(20)[None] < 12
    other = torch.where(mask, ids, 3 - ids)
    assert torch.equal(hash_sequences(ids, mask), hash_sequences(other, mask))
    assert torch.equal(hash_sequences(ids, mask), hash_sequences(ids[:, :12], None))


def test_windows_have_different_keys():
    """20,000 windows: 0.05 pairs alike are expected of 32 random bits."""
    keys = hash_sequences(draw_ids(20_000, 64), None)
    assert len(keys.unique()) >= 19_998
    assert int(keys.min()) >= 0 and int(keys.max()) <= LOW


def test_without_a_key():
    with pytest.raises(ValueError, match="a random router needs the sequences' keys"):
        RandomRouter(0.5, 0)(torch.zeros(1, 4, 2))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_all_devices_give_the_same_bits():
    ids = draw_ids(8, 3000)
    assert torch.equal(cut(ids.cuda()).cpu(), cut(ids))
