"""Padding is exact: any batch gives what its members give alone."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_golden import GOLDEN

from ldar_interp.genome.alphabet import PAD
from ldar_interp.model.checkpoint import load_model

NAMES = ("tiny", "nested", "mixed")


@pytest.fixture(scope="module", params=NAMES)
def golden(request):
    with np.load(GOLDEN / f"{request.param}_expected.npz") as file:
        return load_model(GOLDEN / f"{request.param}.pt"), dict(file)


def pad(rows: list[torch.Tensor]) -> torch.Tensor:
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=PAD)


def assert_members_alone(model, rows, order):
    """Outputs of `rows` in one batch in that order equal those of each row alone."""
    together = model(pad([rows[i] for i in order]))
    for place, i in enumerate(order):
        alone, n = model(rows[i][None]), len(rows[i])
        # Logits reach 40 in `mixed`, where float32 itself is 1.5e-5 away from float64.
        torch.testing.assert_close(
            together.logits[place, :n], alone.logits[0], atol=2e-5, rtol=2e-6
        )
        outer, lone = together.boundaries[0], alone.boundaries[0]
        torch.testing.assert_close(outer.prob[place, :n], lone.prob[0], atol=1e-6, rtol=0)
        for stage, routed in enumerate(alone.boundaries):
            n_boundaries = together.boundaries[stage].is_boundary[place].sum()
            assert int(n_boundaries) == int(routed.is_boundary.sum())


def test_padded_batch_gives_the_published_outputs_of_its_members_alone(golden):
    model, expected = golden
    ids = torch.from_numpy(expected["batch_official/input_ids"])
    mask = torch.from_numpy(expected["batch_official/attention_mask"])
    out = model(ids, mask)
    encoded, routed = model.encode(ids, mask)
    assert not torch.equal(mask, torch.ones_like(mask))
    for row, length in enumerate(mask.sum(1).tolist()):
        alone = {
            name.split("/")[1]: value
            for name, value in expected.items()
            if name.startswith(f"batch_alone{row}/")
        }
        assert alone["input_ids"].shape[1] == length
        mine = out.boundaries[0]
        np.testing.assert_allclose(mine.prob[row, :length], alone["boundary_prob"][0], atol=1e-6)
        np.testing.assert_array_equal(mine.is_boundary[row, :length], alone["boundary_mask"][0])
        np.testing.assert_allclose(out.logits[row, :length], alone["logits"][0], atol=1e-4)
        n_known = alone["encoder_output"].shape[1]
        np.testing.assert_allclose(
            encoded[row, :length][:n_known], alone["encoder_output"][0], atol=1e-4
        )
        assert torch.equal(routed.prob, mine.prob)
        if "boundary_prob_stage1" in alone:
            inner = out.boundaries[1]
            m = alone["boundary_prob_stage1"].shape[1]
            np.testing.assert_allclose(
                inner.prob[row, :m], alone["boundary_prob_stage1"][0], atol=1e-6
            )


def test_the_leak_is_large_enough_to_be_seen(golden):
    """The published batch outputs differ from ours: otherwise the tests above prove nothing."""
    model, expected = golden
    out = model(torch.from_numpy(expected["batch_official/input_ids"]))
    mask = expected["batch_official/attention_mask"]
    assert np.abs(out.logits.numpy() - expected["batch_official/logits"])[mask].max() > 1e-3


def test_equal_lengths_with_unequal_chunk_counts(golden):
    model, expected = golden
    ids = torch.from_numpy(expected["batch_equal_len/input_ids"])
    counts = model.encode(ids)[1].is_boundary.sum(1)
    assert counts.unique().numel() > 1
    assert_members_alone(model, list(ids), range(len(ids)))


@settings(max_examples=4, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 140), min_size=2, max_size=4),
    seed=st.integers(0, 99),
    data=st.data(),
)
@pytest.mark.parametrize("name", NAMES)
def test_any_batch_in_any_order(name, lengths, seed, data):
    generator = torch.Generator().manual_seed(seed)
    rows = [torch.randint(0, 6, (n,), generator=generator) for n in lengths]
    order = data.draw(st.permutations(range(len(rows))))
    assert_members_alone(load_model(GOLDEN / f"{name}.pt"), rows, order)


def test_letters_under_the_padding_do_not_matter(golden):
    model, _ = golden
    ids = torch.randint(0, 4, (2, 40), generator=torch.Generator().manual_seed(1))
    mask = torch.arange(40) < torch.tensor([[40], [25]])
    first = model(ids, mask)
    ids[1, 25:] = PAD
    second = model(ids, mask)
    torch.testing.assert_close(first.logits[mask], second.logits[mask], atol=1e-6, rtol=0)
    assert bool(torch.isfinite(second.logits).all())
    assert not bool(second.boundaries[0].is_boundary[~mask].any())


def test_gradients_of_a_padded_batch_are_those_of_its_members():
    model = load_model(GOLDEN / "nested.pt").double().requires_grad_(True)
    generator = torch.Generator().manual_seed(4)
    rows = [torch.randint(0, 4, (n,), generator=generator) for n in (70, 23)]
    ids = pad(rows)
    (model(ids).logits[ids != PAD] ** 2).sum().backward()
    together = {name: p.grad.clone() for name, p in model.named_parameters()}
    model.zero_grad()
    for row in rows:
        (model(row[None]).logits ** 2).sum().backward()
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(together[name], parameter.grad, atol=1e-9, rtol=1e-6)


@pytest.mark.parametrize(
    ("ids", "mask", "message"),
    [
        (torch.zeros(2, 0, dtype=torch.long), None, r"shape \(2, 0\); wanted \(batch >= 1"),
        (torch.tensor([[0, 7]]), None, "from 0 to 7; wanted 0 to 6"),
        (torch.tensor([[-1, 2]]), None, "from -1 to 2; wanted 0 to 6"),
        (torch.tensor([[PAD, 1]]), None, "padding left of a real base"),
        (torch.tensor([[1, 1], [PAD, PAD]]), None, "an empty sequence"),
    ],
)
def test_wrong_input_is_refused(ids, mask, message):
    from ldar_interp.errors import InputError

    with pytest.raises(InputError, match=message):
        load_model("random:nano")(ids, mask)
