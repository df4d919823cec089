"""Letters and ids, by hand and by property."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ldar_interp.genome.alphabet import MASK, PAD, decode, encode, reverse_complement

ids = st.lists(st.integers(0, 6), max_size=50).map(lambda x: np.array(x, dtype=np.uint8))


def test_letters_have_the_ids_of_the_model():
    assert encode("ACGTN").tolist() == [0, 1, 2, 3, 4]


def test_lower_case_letters_are_letters_and_u_is_t():
    assert encode("acgtuU").tolist() == [0, 1, 2, 3, 3, 3]


def test_every_other_symbol_is_n():
    assert encode("RYn-*é ").tolist() == [4] * 7
    assert encode(bytes(range(256))).max() == 4


def test_encoded_ids_can_be_written_to():
    encoded = encode("AA")
    encoded[0] = 3
    assert decode(encoded) == "TA"


def test_mask_and_pad_print_as_marks():
    assert decode(np.array([0, MASK, PAD], dtype=np.uint8)) == "A?-"


def test_reverse_complement_by_hand():
    assert decode(reverse_complement(encode("AACGTN"))) == "NACGTT"


def test_reverse_complement_of_a_batch_turns_the_last_axis_only():
    batch = np.stack([encode("AAC"), encode("GGT")])
    assert [decode(row) for row in reverse_complement(batch)] == ["GTT", "ACC"]


@given(ids)
def test_reverse_complement_is_an_involution(x):
    np.testing.assert_array_equal(reverse_complement(reverse_complement(x)), x)


@given(st.text("ACGTN", max_size=50))
def test_decode_undoes_encode(text):
    assert decode(encode(text)) == text
