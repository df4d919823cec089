"""The record of a run's calls."""

import json

import pytest

from ldar_interp.errors import InputError
from ldar_interp.train.record import record_call


def call(first: int, last: int, backend: str = "torch") -> dict[str, object]:
    return {"first_step": first, "last_step": last, "backend": backend}


def test_calls_add_up(tmp_path):
    path = tmp_path / "provenance.json"
    record_call(path, {"seed": 1}, call(0, 3))
    record_call(path, {"seed": 1}, call(3, 6, "cuda"))
    record_call(path, {"seed": 1}, call(6, 6))
    found = json.loads(path.read_text())
    assert found["calls"] == [call(0, 3), call(3, 6, "cuda")]
    assert found["seed"] == 1
    assert "torch" in found["versions"]
    # A run that was killed and went back to an earlier state.
    record_call(path, {"seed": 1}, call(3, 5))
    assert json.loads(path.read_text())["calls"] == [call(0, 3), call(3, 5)]


def test_a_file_of_something_else(tmp_path):
    path = tmp_path / "provenance.json"
    path.write_text("{}")
    with pytest.raises(InputError, match=r"is not the record of a run .*; move it away and resume"):
        record_call(path, {}, call(0, 1))
