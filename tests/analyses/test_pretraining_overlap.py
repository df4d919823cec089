"""Test rows in the sequence of pretraining: on either strand, over window borders, shifted."""

import numpy as np
import pytest

from analyses.downstream.pretraining_overlap import STEP_BP, count_overlap, list_windows
from ldar_interp.genome.alphabet import decode, encode, reverse_complement
from ldar_interp.train.config import Source


@pytest.fixture
def genome():
    rng = np.random.default_rng(0)
    return decode(rng.integers(0, 4, 4 * STEP_BP + 300).astype(np.uint8))


def test_windows_hold_every_stretch_of_their_step(tmp_path, genome):
    path = tmp_path / "g.fa"
    path.write_text(f">c\n{genome}\n")
    windows = list_windows(Source(name="g", fasta=path))
    assert "".join(one[:STEP_BP] for one in windows[:-1]) + windows[-1] == genome
    for begin in range(0, len(genome) - STEP_BP + 1, 37):
        assert any(genome[begin : begin + STEP_BP] in one for one in windows)


def test_rows_are_counted_by_source_and_once_in_all(tmp_path, genome):
    path = tmp_path / "g.fa"
    path.write_text(f">c\n{genome}\n")
    windows = {"g": list_windows(Source(name="g", fasta=path))}
    other = decode(np.random.default_rng(1).integers(0, 4, 500).astype(np.uint8))
    inside = genome[STEP_BP - 250 : STEP_BP + 250]
    turned = decode(reverse_complement(encode(genome[2100:2600])))
    half = genome[700:1000] + other[:200]
    rows = [inside, turned, half, other, "ACGT", "N" * 60]
    found = count_overlap(rows, {**windows, "other": [other, genome[:600]]}).set_index("source")
    assert found.loc["g"].tolist() == [6, 2, 3]
    assert found.loc["other"].tolist() == [6, 1, 1]
    assert found.loc["all"].tolist() == [6, 3, 4]
