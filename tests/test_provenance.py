"""Provenance: the same content gives the same bytes, and nothing shows the machine or the time."""

import getpass
import hashlib
import json
import socket
from pathlib import Path

import numpy as np
import pytest

from ldar_interp.provenance import (
    describe_input,
    hash_file,
    hash_input,
    list_versions,
    write_provenance,
)


def test_hash_is_sha256_of_the_bytes(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"")
    # The published digest of no bytes.
    assert hash_file(path) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    content = bytes(range(256)) * 9000
    path.write_bytes(content)
    assert len(content) > 2 << 20
    assert hash_file(str(path)) == hashlib.sha256(content).hexdigest()


def test_an_input_is_its_name_and_hash_wherever_it_lies(tmp_path):
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.fa").write_text(">a\nACGT\n")
    found = describe_input(tmp_path / "one" / "x.fa")
    assert found == {"file": "x.fa", "sha256": hashlib.sha256(b">a\nACGT\n").hexdigest()}
    assert describe_input(tmp_path / "two" / "x.fa") == found


def test_versions_name_the_packages_that_numbers_depend_on():
    found = list_versions()
    assert {"python", "ldar-interp", "numpy", "torch", "pandas"} <= set(found)
    assert found["numpy"] == np.__version__
    assert all(isinstance(version, str) and version for version in found.values())


def test_values_become_plain_sorted_json(tmp_path):
    path = tmp_path / "provenance.json"
    content = {
        "z": np.float32(0.1),
        "a": {"nan": float("nan"), "inf": np.inf, "n": np.int64(3), "flag": np.bool_(True)},
        "list": (Path("x") / "y", None, np.array([1.5, np.nan]), [1, "text"]),
    }
    write_provenance(path, content)
    text = path.read_text()
    found = json.loads(text)
    assert found.pop("versions") == list_versions()
    assert found == {
        "z": 0.1,
        "a": {"nan": None, "inf": None, "n": 3, "flag": True},
        "list": ["x/y", None, [1.5, None], [1, "text"]],
    }
    assert text.endswith("}\n") and "NaN" not in text
    assert list(json.loads(text)) == sorted(json.loads(text))
    assert [p.name for p in tmp_path.iterdir()] == ["provenance.json"]


def test_twice_and_in_another_order_is_the_same_bytes_without_machine_or_time(tmp_path):
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    write_provenance(one, {"a": 1, "b": {"c": 2.0, "d": 3}})
    write_provenance(two, {"b": {"d": 3, "c": 2.0}, "a": 1})
    assert one.read_bytes() == two.read_bytes()
    text = one.read_text()
    for trace in (socket.gethostname(), str(Path.home()), str(tmp_path), getpass.getuser()):
        assert f'"{trace}"' not in text and f"{trace}/" not in text


def test_a_value_that_json_lacks_is_a_bug_not_silence(tmp_path):
    with pytest.raises(TypeError):
        write_provenance(tmp_path / "p.json", {"a": {1, 2}})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_known_by_names_and_contents(tmp_path):
    for name, text in (("a/b/1.txt", "AC"), ("a/2.txt", "GT")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = hash_input(tmp_path / "a")
    assert describe_input(tmp_path / "a") == {"file": "a", "sha256": found}
    assert hash_input(tmp_path / "a" / "2.txt") == hash_file(tmp_path / "a" / "2.txt")
    (tmp_path / "a/b/1.txt").write_text("AG")
    changed = hash_input(tmp_path / "a")
    (tmp_path / "a/b/1.txt").write_text("AC")
    (tmp_path / "a/2.txt").rename(tmp_path / "a/3.txt")
    renamed = hash_input(tmp_path / "a")
    assert len({found, changed, renamed}) == 3
    (tmp_path / "a/3.txt").rename(tmp_path / "a/2.txt")
    assert hash_input(tmp_path / "a") == found
