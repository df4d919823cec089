"""Batches of similar length: every row once, within the limit, padded on the right."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import PAD
from ldar_interp.tune.batches import encode_sequences, pad_batch, plan_batches


def test_plan_by_hand():
    batches = plan_batches([4, 2, 4, 9, 2], max_bases=8)
    assert [batch.tolist() for batch in batches] == [[1, 4], [0, 2], [3]]


@given(st.lists(st.integers(1, 50), max_size=40), st.integers(1, 120))
def test_every_row_is_in_one_batch_within_the_limit(lengths, max_bases):
    batches = plan_batches(lengths, max_bases)
    assert sorted(row for batch in batches for row in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(lengths[row] for row in batch) <= max_bases


def test_padding_is_on_the_right():
    batch = pad_batch(encode_sequences(["ACG", "NtTa", "G"]), np.array([2, 1]), torch.device("cpu"))
    assert batch.input_ids.tolist() == [[2, PAD, PAD, PAD], [4, 3, 3, 0]]
    assert batch.rows.tolist() == [2, 1]


def test_an_empty_sequence_is_refused():
    with pytest.raises(InputError, match="sequence 1 is empty; wanted at least one base"):
        encode_sequences(["A", ""])
