"""What provenance.json says of a run, and of each call of it."""

import hashlib
import json
from pathlib import Path

import pytest
from tiny_run import random_sequence, tiny_config

from ldar_interp.errors import InputError
from ldar_interp.model.checkpoint import random_model, save_model
from ldar_interp.provenance import list_versions
from ldar_interp.train.loop import pretrain


def record(out: Path):
    return json.loads((out / "provenance.json").read_text())


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_sequence_counts_and_weights(tmp_path):
    """200 validation bases are six windows of 32, one of them with an N; two are used."""
    letters = random_sequence(600)
    config = tiny_config(tmp_path, sequence=letters[:450] + "N" + letters[451:])
    save_model(random_model(config.shape(), seed=7), tmp_path / "start")
    config = config.model_copy(update={"init": str(tmp_path / "start")})
    out, said = tmp_path / "out", []
    pretrain(config, out, max_steps=1, tell=said.append)
    assert "validation windows of 32 bases, without N: 2 (1 more left out for N)" in said
    found = record(out)
    assert found["inputs"] == [{"file": "genome.fa", "sha256": sha256(tmp_path / "genome.fa")}]
    weights = tmp_path / "start" / "model.safetensors"
    assert found["init"] == {"source": str(tmp_path / "start"), "sha256": sha256(weights)}
    assert len(found["sequence"]) == 64
    assert found["counts"]["train"]["left: bases"] == 400
    assert found["counts"]["train"]["left: bases excluded"] == 0
    assert found["counts"]["validation"] == {
        "windows": 5, "windows used": 2, "windows left out for N": 1,
    }  # fmt: skip
    weights.unlink()
    pretrain(config, out, max_steps=2, resume=True)
    for name in ("init", "sequence", "inputs", "counts"):
        assert record(out)[name] == found[name]


def test_each_call_has_its_versions_and_what_it_chose(tmp_path):
    config = tiny_config(tmp_path)
    out = tmp_path / "out"
    pretrain(config, out, max_steps=1)
    slower = config.optimizer.model_copy(update={"peak_lr": 1e-4})
    pretrain(config.model_copy(update={"optimizer": slower}), out, max_steps=2, resume=True)
    first, second = record(out)["calls"]
    assert (first["first_step"], second["first_step"]) == (0, 1)
    assert (first["config"]["optimizer"]["peak_lr"], first["config"]["init"]) == (1e-3, None)
    assert second["config"]["optimizer"]["peak_lr"] == 1e-4
    assert second["config"]["validation"][0]["name"] == "right"
    assert {"validate_every", "validation_windows"} < second["config"].keys()
    assert first["versions"] == list_versions()
    assert record(out)["init"] is None


@pytest.mark.parametrize("text", ["[]", "{", '{"calls": [1]}', '{"calls": [{"first_step": "a"}]}'])
def test_a_record_that_is_none(tmp_path, text):
    config = tiny_config(tmp_path)
    out = tmp_path / "out"
    pretrain(config, out, max_steps=1)
    (out / "provenance.json").write_text(text)
    with pytest.raises(InputError, match=r"provenance\.json: is not the record of a run \("):
        pretrain(config, out, resume=True)
    assert (out / "provenance.json").read_text() == text
