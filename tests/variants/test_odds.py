"""Masked log-odds: a model made by hand, against windows run one by one, both ends of a genome."""

import numpy as np
import pytest
import torch

from ldar_interp.errors import DeviceError, InputError
from ldar_interp.genome.alphabet import MASK, encode
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.checkpoint import preset, random_model
from ldar_interp.variants.odds import predict_bases

LENGTH = 32
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")
TEXT = "".join(np.random.default_rng(2).choice(list("ACGT"), size=200).tolist())
TEXT = TEXT[:150] + "N" + TEXT[151:]
SHAPE = {"window_bp": LENGTH, "margin_bp": 4}
# In the middle; cut by the sequence's start; just and not quite at the margin; beside the N.
BASES = [100, 101, 60, 10, 4, 3, 145, 146, 147, 155]


def turn(text):
    return text.translate(COMPLEMENT)[::-1]


@pytest.fixture(scope="module")
def model():
    config = preset("nano").with_length(LENGTH)
    return random_model(config, seed=3).double().eval().requires_grad_(False)


def predict(model, text, bases, **options):
    genome = Genome.from_records({"chr1": text})
    return predict_bases(model, genome, [("chr1", b) for b in bases], **(SHAPE | options))


def run_alone(model, text, base):
    """Logits at a masked base of + text: its window cut from the text, alone in a batch."""
    low, high = max(0, base - LENGTH // 2), min(len(text), base + LENGTH // 2)
    low = max([low, *(i + 1 for i in range(low, base) if text[i] == "N")])
    high = min([high, *(i for i in range(base, high) if text[i] == "N")])
    ids = torch.from_numpy(encode(text[low:high]).astype(np.int64))[None]
    ids[0, base - low] = MASK
    return model(ids).logits[0, base - low, :4].numpy(), high - low


def test_every_base_is_as_if_run_alone(model):
    found = predict(model, TEXT, BASES)
    for row, base in enumerate(BASES):
        forward, n_forward = run_alone(model, TEXT, base)
        other, n_other = run_alone(model, turn(TEXT), len(TEXT) - 1 - base)
        # Margins: 4 bases on both sides of the edge before the base, on either strand.
        for s, wanted in enumerate((forward, other[::-1])):
            if np.isnan(found.logits[row, s]).all():
                continue
            np.testing.assert_allclose(found.logits[row, s], wanted, atol=1e-9)
        assert found.window_bp[row] == min(n_forward, n_other)
    has = ~np.isnan(found.logits[:, :, 0])
    wanted = {4: (True, True), 3: (False, True), 145: (True, True), 146: (True, False)}
    for base, pair in wanted.items():
        assert tuple(has[BASES.index(base)]) == pair, base
    assert not has[BASES.index(147)].any() and has[BASES.index(155)].all()


def test_batches_workers_and_order_change_nothing(model):
    found = predict(model, TEXT, BASES)
    again = predict(model, TEXT, BASES[::-1], batch_size=1)
    np.testing.assert_allclose(found.logits, again.logits[::-1], atol=1e-9)


def test_a_genome_read_from_its_other_end_gives_the_same(model):
    found = predict(model, TEXT, BASES)
    other = predict(model, turn(TEXT), [len(TEXT) - 1 - b for b in BASES])
    # The strands change places and so do the letters.
    np.testing.assert_array_equal(found.logits, other.logits[:, ::-1, ::-1])
    assert found.window_bp.tolist() == other.window_bp.tolist()
    one = predict(model, TEXT, BASES, strands=("+",))
    np.testing.assert_allclose(one.logits[:, 0], found.logits[:, 0], atol=1e-9)


def test_a_head_made_by_hand_gives_its_own_odds(model):
    """Zero states but for one: logits are a column of the head, whatever the sequence."""

    class ByHand(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.config = model.config
            self.weight = torch.nn.Parameter(torch.tensor([1.0, 3.0, 0.5, -2.0, 9.0, 9.0, 9.0]))

        def forward(self, ids):
            # It sees the mask only: nothing of the reference leaks into the logits.
            assert (ids == MASK).sum() == len(ids)
            at_mask = (ids == MASK)[..., None] * self.weight
            return type("Out", (), {"logits": at_mask})

    found = predict(ByHand(), TEXT, [100])
    np.testing.assert_array_equal(found.logits[0, 0], [1.0, 3.0, 0.5, -2.0])
    # On the other strand A of + is read as T.
    np.testing.assert_array_equal(found.logits[0, 1], [-2.0, 0.5, 3.0, 1.0])


def test_the_masked_base_itself_is_not_read(model):
    other = "A" if TEXT[100] != "A" else "C"
    changed = TEXT[:100] + other + TEXT[101:]
    one, two = (predict(model, text, [100]).logits for text in (TEXT, changed))
    np.testing.assert_array_equal(one, two)
    neighbour = TEXT[:101] + ("A" if TEXT[101] != "A" else "C") + TEXT[102:]
    assert not np.array_equal(one, predict(model, neighbour, [100]).logits)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"window_bp": 33}, InputError, "window of 33 bp; wanted an even number from 2 to 32"),
        ({"margin_bp": 17}, InputError, "margin of 17 bp in windows of 32 bp; wanted 1 to 16"),
        ({"workers": 0}, InputError, "workers 0, batch_size None; wanted at least 1"),
        ({"dtype": "int8"}, DeviceError, "dtype 'int8'; wanted one of float32, bfloat16"),
    ],
)
def test_errors(model, options, error, message):
    with pytest.raises(error, match=message):
        predict(model, TEXT, [100], **options)
