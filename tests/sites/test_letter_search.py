"""Letters as numbers, and where they stand: by hand, and against plain string search."""

import numpy as np
import pytest
from control_genomes import random_letters, reverse_complement
from hypothesis import given
from hypothesis import strategies as st

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import encode
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites import letter_search
from ldar_interp.sites.letter_search import (
    Letters,
    PlaceHash,
    encode_letters,
    read_blocks,
    read_words,
)


def number(text: str) -> int:
    return int("".join(str("ACGT".index(letter)) for letter in text), 4)


def wanted(*texts: str, left: int) -> Letters:
    codes = encode_letters(np.stack([encode(text) for text in texts]))
    return Letters(left, len(texts[0]) - left, codes)


@given(st.text("ACGT", min_size=1, max_size=40), st.integers(1, 32))
def test_words_are_the_letters_on_either_strand(text: str, k: int) -> None:
    words = [text[i : i + k] for i in range(max(len(text) - k + 1, 0))]
    assert read_words(encode(text), k).tolist() == [number(word) for word in words]
    found = read_words(encode(text), k, complement=True).tolist()
    assert found == [number(reverse_complement(word)) for word in words]


def test_letters_are_found_on_both_strands_by_hand() -> None:
    #       0123456789012
    text = "TTACGTATTACGG"
    # ACG once at 2, once at 9; its complement CGT at 3. One letter lies before the anchor.
    places = wanted("ACG", left=1).find(encode(text))
    assert places.anchor.tolist() == [3, 5, 10]
    assert places.minus.tolist() == [False, True, False]
    # Minus, anchor 5: bases [3, 6) are CGT, and read backwards A | C G.


def test_letters_with_n_are_never_found_and_short_sequences_are_empty() -> None:
    # N would read as T.
    assert len(wanted("TTT", left=1).find(encode("TNTNNTT"))) == 0
    assert len(wanted("TTT", left=1).find(encode("TT"))) == 0


@given(st.text("ACGTN", min_size=0, max_size=60), st.integers(0, 2))
def test_find_agrees_with_plain_search(text: str, left: int) -> None:
    letters = ("AC", "GT", "CC")
    places = wanted(*letters, left=left).find(encode(text))
    plain = sorted(
        [(i + left, False, t) for t in letters for i in range(len(text)) if text[i : i + 2] == t]
        + [
            (i + 2 - left, True, t)
            for t in letters
            for i in range(len(text))
            if text[i : i + 2] == reverse_complement(t)
        ]
    )
    order = sorted(letters)
    found = zip(places.anchor, places.minus, (order[row] for row in places.row), strict=True)
    assert sorted((int(a), bool(m), t) for a, m, t in found) == plain


def test_a_place_has_the_number_of_its_mirror_image() -> None:
    text = random_letters(np.random.default_rng(0), 200)
    anchor = np.arange(32, 169)
    plus = np.zeros(len(anchor), dtype=bool)
    here = PlaceHash(encode(text), 3)(anchor, plus)
    there = PlaceHash(encode(reverse_complement(text)), 3)(len(text) - anchor, ~plus)
    np.testing.assert_array_equal(here, there)
    assert len(set(here.tolist())) == len(here)
    assert not set(here.tolist()) & set(PlaceHash(encode(text), 4)(anchor, plus).tolist())
    # Uniform enough to draw from: the top bit is fair.
    assert 40 < (here >> np.uint64(63)).sum() < 97


def test_blocks_hold_every_edge_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letter_search, "BLOCK_BP", 30)
    genome = Genome.from_records({"chr1:11-110": "ACGT" * 25, "chr2": "A" * 30})
    edges: dict[str, list[int]] = {}
    for block in read_blocks(genome, 7):
        edges.setdefault(block.chrom, []).extend(range(block.first, block.stop))
        assert block.start <= block.first
        np.testing.assert_array_equal(
            block.ids,
            genome.fetch(block.chrom, block.start, block.start + len(block.ids)),
        )
        assert block.start == max(block.first - 7, 10 if block.chrom == "chr1" else 0)
    assert edges == {"chr1": list(range(10, 111)), "chr2": list(range(31))}


@pytest.mark.parametrize(
    ("left", "right", "codes", "message"),
    [
        (0, 0, [], "0 \\+ 0 letters around an anchor; wanted 1 to 12 together"),
        (7, 6, [], "7 \\+ 6 letters"),
        (1, 1, [16], "codes from 16 to 16; wanted 0 to 15"),
        (1, 1, [-1, 3], "codes from -1 to 3; wanted 0 to 15"),
    ],
)
def test_letters_refuse(left: int, right: int, codes: list[int], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Letters(left, right, np.asarray(codes, dtype=np.int64))
