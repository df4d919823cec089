"""Outcomes and figure folders: words by hand, and nothing half written."""

import json

import numpy as np
import pytest

from analyses.figure_folder import write_folder
from analyses.outcome import BEGIN, END, count_of, judge, name_checkpoint, with_interval
from ldar_interp.errors import InputError
from ldar_interp.provenance import hash_file


def test_numbers_in_words():
    assert with_interval(0.0123, -0.003, 0.0276) == "+0.012 [-0.003, 0.028]"
    assert with_interval(-1.25, -2, -0.5, 1) == "-1.2 [-2.0, -0.5]"
    assert with_interval(0.5, np.nan, np.nan) == "+0.500 (no interval)"
    assert with_interval(np.nan, np.nan, np.nan) == "not measured"
    words = {"above": "more", "below": "less"}
    assert judge(0.1, 0.2, **words) == "more"
    assert judge(-0.2, -0.1, **words) == "less"
    assert judge(-0.1, 0.1, **words) == "the interval holds 0"
    assert judge(np.nan, np.nan, **words) == "too few for an interval"
    assert [count_of(n, "promoter") for n in (1, 1200)] == ["1 promoter", "1,200 promoters"]


def test_a_checkpoint_is_named_by_hash_or_by_what_it_was_drawn_as():
    assert "sha256 `abc`" in name_checkpoint({"inputs": {"checkpoint": {"sha256": "abc"}}})
    assert "`nano`" in name_checkpoint({"inputs": {"checkpoint": {"random": "nano"}}})


def fill(folder):
    (folder / "data.tsv").write_text("x\n1\n")
    return {"program": "toy"}


def test_a_folder_and_the_outcome_of_its_files(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"# Toy\n\n{BEGIN}\n\nold\n\n{END}\n\nafter\n")
    out = tmp_path / "out"
    write_folder(
        out, readme, force=False, fill=fill, describe=lambda f: ((f / "data.tsv").read_text(),)
    )
    content = json.loads((out / "provenance.json").read_text())
    assert content["program"] == "toy"
    assert content["files"] == {"data.tsv": hash_file(out / "data.tsv")}
    assert readme.read_text() == f"# Toy\n\n{BEGIN}\n\nx\n1\n\n\n{END}\n\nafter\n"


def test_a_readme_without_a_place_is_refused_before_anything_is_measured(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("# Toy\n")

    def never(_):
        raise AssertionError("measured")

    with pytest.raises(InputError, match="has no place for an outcome; wanted the lines"):
        write_folder(tmp_path / "out", readme, force=False, fill=never, describe=lambda _: ())
    assert not (tmp_path / "out").exists()


def test_nothing_changes_where_the_outcome_cannot_be_said(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"{BEGIN}\n\nold\n\n{END}\n")

    def fail(_):
        raise InputError("no words")

    with pytest.raises(InputError, match="no words"):
        write_folder(tmp_path / "out", readme, force=False, fill=fill, describe=fail)
    assert not (tmp_path / "out").exists()
    assert "old" in readme.read_text()
