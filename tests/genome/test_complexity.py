"""Runs of letters and DUST scores, by hand."""

import numpy as np
import pytest

from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import encode
from ldar_interp.genome.complexity import find_low_complexity, measure_runs, score_dust


def test_runs() -> None:
    assert measure_runs(encode("AACTTTG")).tolist() == [2, 2, 1, 3, 3, 3, 1]
    assert measure_runs(encode("")).tolist() == []


def test_score_by_hand() -> None:
    # Six letters hold four triplets: AAA AAA AAC ACG, one pair of equal ones among 4 - 1.
    assert score_dust(encode("AAAACG"), window_bp=6).tolist() == pytest.approx([1 / 3])
    # A run of l triplets: l (l - 1) / 2 / (l - 1) = l / 2.
    assert score_dust(encode("A" * 64)).tolist() == [31]
    assert score_dust(encode("ACG")).size == 0


def test_random_sequence_scores_one_half() -> None:
    ids = np.random.default_rng(0).integers(0, 4, 20_000).astype(np.uint8)
    assert abs(score_dust(ids).mean() - 0.5) < 0.05
    assert find_low_complexity(ids).mean() < 0.01


def test_low_complexity_is_where_the_run_is() -> None:
    ids = np.random.default_rng(1).integers(0, 4, 600).astype(np.uint8)
    ids[300:360] = 0
    found = find_low_complexity(ids)
    assert found[300:360].all()
    assert not found[:236].any() and not found[424:].any()


def test_n_is_not_simple() -> None:
    assert not find_low_complexity(encode("N" * 200)).any()


def test_short_window() -> None:
    with pytest.raises(InputError, match="DUST window of 4 bp"):
        score_dust(encode("ACGTA"), window_bp=4)
