"""Chunk lengths by class: means, strata and standardised means, by hand and by planted truth."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.stats.chunk_lengths import CHUNK_TABLE, count_lengths, summarise_chunks


def chunks_of(n=2000, seed=0, *, effect=0.0, gc_slope=0.0, shift=0.0) -> pd.DataFrame:
    """Two classes; length depends on class and GC, and GC on class."""
    rng = np.random.default_rng(seed)
    is_exon = rng.random(n) < 0.5
    gc = rng.normal(0.5, 0.1, n) + shift * is_exon
    length = 5 + effect * is_exon + gc_slope * (gc - 0.5) + rng.normal(0, 0.3, n)
    return pd.DataFrame(
        {
            "model": "checkpoint",
            "class": np.where(is_exon, "exon", "intergenic"),
            "length_bp": length,
            "block": [f"c:{i}" for i in rng.integers(0, 40, n)],
            "gc": gc,
            "run_bp": rng.integers(1, 8, n),
            "low_complexity": rng.random(n) < 0.1,
        }
    )


def look(table, stratum, name="exon") -> pd.Series:
    return table[(table["class"] == name) & (table["stratum"] == stratum)].iloc[0]


def summarise(chunks, **options):
    given = {"n_boot": 200, "seed": 1} | options
    return summarise_chunks(chunks, ["exon", "intergenic"], **given)


def test_means_and_counts_by_hand() -> None:
    chunks = pd.DataFrame(
        {
            "model": "checkpoint",
            "class": ["exon"] * 4 + ["intergenic"] * 2,
            "length_bp": [1, 1, 4, np.nan, 3, 5],
            "block": "c:0",
            "gc": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            "run_bp": [1, 2, 9, 1, 1, 1],
            "low_complexity": [False, False, True, False, False, False],
        }
    )
    table = summarise(chunks)
    row = look(table, "all")
    assert (row["mean_bp"], row["median"], row["n_chunks"], row["n_censored"]) == (2, 1, 3, 1)
    assert row["share_single"] == pytest.approx(2 / 3)
    assert row["difference"] == -2
    assert np.isnan(row["ci_low"])  # too few
    assert look(table, "complex")["mean_bp"] == 1
    assert look(table, "low_complexity")["mean_bp"] == 4
    assert look(table, "run_5+")["mean_bp"] == 4
    assert look(table, "run_2")["n_chunks"] == 1
    assert tuple(table.columns) == CHUNK_TABLE


def test_standardising_removes_what_gc_explains() -> None:
    table = summarise(chunks_of(6000, gc_slope=8.0, shift=0.05))
    raw, standard = look(table, "all"), look(table, "gc_standardised")
    assert raw["difference"] == pytest.approx(0.4, abs=0.1)
    assert abs(standard["difference"]) < 0.15  # what varies within a fifth is left
    assert abs(standard["difference"]) < raw["difference"] / 2
    assert standard["gc_covered"] == pytest.approx(1)


def test_a_planted_difference_is_found_in_every_stratum() -> None:
    table = summarise(chunks_of(effect=1.0))
    for stratum in ("all", "complex", "gc_standardised", "complex_gc_standardised"):
        row = look(table, stratum)
        assert row["difference"] == pytest.approx(1, abs=0.1)
        assert row["diff_ci_low"] < 1 < row["diff_ci_high"]
        assert row["diff_ci_low"] > 0.8


def test_intervals_cover_no_difference() -> None:
    inside = []
    for seed in range(8):
        row = look(summarise(chunks_of(600, seed)), "gc_standardised")
        inside.append(row["diff_ci_low"] <= 0 <= row["diff_ci_high"])
    assert sum(inside) >= 6


def test_bins_that_a_class_lacks_are_left_out() -> None:
    chunks = chunks_of(2000, shift=0.6)  # the classes share no GC
    table = summarise(chunks)
    row = look(table, "gc_standardised")
    assert 0 < row["gc_covered"] < 0.7
    assert row["mean_bp"] == pytest.approx(5, abs=0.1)


def test_histogram() -> None:
    chunks = chunks_of(10).assign(length_bp=[1.0] * 6 + [70.0, 64.0, 2.0, np.nan])
    chunks["class"] = "exon"
    table = count_lengths(chunks, ["exon", "intergenic"])
    n = dict(zip(table["length_bp"], table["n_chunks"], strict=True))
    assert (n[1], n[2], n[3], n[64]) == (6, 1, 0, 2)
    assert table["share"].sum() == pytest.approx(1)


def test_no_chunks() -> None:
    with pytest.raises(InputError, match="no chunks to summarise"):
        summarise(chunks_of(10).iloc[:0])
