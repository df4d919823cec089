"""Chromosome names of two files, reconciled and said so."""

import logging
import time

import pytest

from ldar_interp.errors import CoordinateError
from ldar_interp.genome.names import resolve_names


def resolve(names, chroms):
    return resolve_names(names, chroms, genome="g.fa")


def test_exact_names_are_taken_without_a_message(caplog):
    assert resolve(["chr2", "chr1", "chr1"], ["chr1", "chr2", "chr3"]) == {
        "chr1": "chr1",
        "chr2": "chr2",
    }
    assert not caplog.records


def test_added_chr_is_said_in_the_log(caplog):
    with caplog.at_level(logging.WARNING, "ldar_interp"):
        assert resolve(["1", "X", "MT"], ["chr1", "chrX", "chrM"]) == {
            "1": "chr1",
            "MT": "chrM",
            "X": "chrX",
        }
    assert "reconciled with g.fa ('chr' added): 1 -> chr1" in caplog.text


def test_removed_chr_is_said_in_the_log(caplog):
    with caplog.at_level(logging.WARNING, "ldar_interp"):
        result = resolve(["chrI", "chrII", "chrIV", "chrX", "chrM"], ["I", "II", "IV", "X", "MT"])
    assert result["chrM"] == "MT"
    assert result["chrIV"] == "IV"
    assert "('chr' removed): chrI -> I, chrII -> II, chrIV -> IV and 2 more" in caplog.text


def test_one_rule_serves_the_whole_file():
    # One name asks for `chr` added, two for `chr` removed: only the rule of the two is used.
    assert resolve(["1", "chr2", "chr3"], ["chr1", "2", "3"]) == {"chr2": "2", "chr3": "3"}


def test_two_names_never_land_on_one_chromosome():
    assert resolve(["1", "chr1"], ["chr1"]) == {"chr1": "chr1"}
    assert list(resolve(["chrM", "chrMT"], ["MT"])) == ["chrM"]


def test_names_without_partner_are_left_out():
    assert resolve(["chr1", "chrUn_x"], ["chr1"]) == {"chr1": "chr1"}


def test_no_common_chromosome_is_an_error_with_examples_of_both():
    with pytest.raises(
        CoordinateError, match=r"g.fa: none of its chromosomes \(a, b, c, ...\) .* \(chr7\); use"
    ):
        resolve(["chr7"], ["a", "b", "c", "d"])


def test_an_assembly_of_many_scaffolds_takes_no_time():
    """Linear in the names: 40,000 of them took minutes when each was looked up in a list."""
    names = [str(i) for i in range(40_000)]
    began = time.process_time()
    found = resolve([*names, "chrX"], [*(f"chr{name}" for name in names), "chrX"])
    assert len(found) == 40_001
    assert time.process_time() - began < 2.0
