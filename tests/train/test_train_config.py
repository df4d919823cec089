"""Pretraining configs: what is read, and one error a message."""

import pytest
from tiny_run import tiny_config, write_config

from ldar_interp.errors import InputError
from ldar_interp.train.config import read_config
from ldar_interp.train.loop import run_digest


def replace(path, old: str, new: str):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    return path


def refused(path, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_config(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_paths_are_relative_to_the_data_folder(tmp_path):
    path = write_config(tmp_path)
    assert read_config(path).train[0].fasta == tmp_path.resolve() / "genome.fa"
    elsewhere = tmp_path / "data"
    assert read_config(path, elsewhere).validation[0].fasta == elsewhere.resolve() / "genome.fa"


def test_a_preset_takes_the_window_of_the_run(tmp_path):
    path = write_config(tmp_path)
    text = path.read_text()
    model = text[text.index("[model]") : text.index("[optimizer]")]
    replace(path, model, "")
    path.write_text('model = "nano"\n' + path.read_text())
    shape = read_config(path).shape()
    assert shape.d_model == (32, 64)
    assert shape.train_length == 32


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[optimizer]", "[optimizer", "is not TOML"),
        ("peak_lr = 1e-3", "peak_lr = 0", r"optimizer\.peak_lr: Input should be greater than 0"),
        ("peak_lr = 1e-3", "learning_rate = 1", r"optimizer\.learning_rate: Extra inputs"),
        ("batch_windows = 2", "batch_windows = 0", r"optimizer\.batch_windows: .*\(1 problems"),
        ("train_length = 32", "train_length = 8", "train_length: Input should be greater than"),
        ("train_length = 32", "train_length = 32\nseed = -1", "seed: Input should be greater than"),
        ("[[train]]", "[objective]\ncompression = [1]\n[[train]]", "compression must be above 1"),
        (
            "[[train]]",
            "[objective]\ncompression = [4, 4]\n[[train]]",
            "compression has 2 entries, the model has 1 routers; give one N a router",
        ),
        ("d_state = 8", "d_state = 0", "d_state is 0; wanted a whole number >= 1"),
        ("d_state = 8", "states = 8", r"config has unknown keys \['states'\]"),
        ("d_model = [32, 32]", "d_model = [32, 33]", "d_model 33 x expand 2 is not a multiple"),
        ('name = "left"\n', "", r"train\.0\.name: Field required"),
        ("[[validation]]", "[[train]]", "validation: Field required"),
    ],
)
def test_wrong_entries(tmp_path, old, new, message):
    refused(replace(write_config(tmp_path), old, new), message)


def test_unknown_preset(tmp_path):
    path = write_config(tmp_path)
    text = path.read_text()
    path.write_text(
        'model = "huge"\n' + text.replace(text[text.index("[model]") : text.index("[opt")], "")
    )
    refused(path, "model 'huge'; wanted one of 110m")


def test_no_such_file(tmp_path):
    refused(tmp_path / "none.toml", r"cannot be read \(No such file or directory\)")


def test_digest_changes_with_what_a_run_must_keep(tmp_path):
    base = tiny_config(tmp_path)
    digest = run_digest(base)
    assert run_digest(tiny_config(tmp_path, optimizer="warmup_fraction = 0.3")) == digest
    assert run_digest(base.model_copy(update={"validate_every": 5})) == digest
    moved = base.train[0].model_copy(update={"fasta": tmp_path / "x" / "genome.fa"})
    assert run_digest(base.model_copy(update={"train": (moved,)})) == digest
    assert run_digest(base.model_copy(update={"seed": 1})) != digest
    assert run_digest(base.model_copy(update={"train_length": 64})) != digest
    batch = base.optimizer.model_copy(update={"batch_windows": 3})
    assert run_digest(base.model_copy(update={"optimizer": batch})) != digest
    weight = base.train[0].model_copy(update={"weight": 2.0})
    assert run_digest(base.model_copy(update={"train": (weight,)})) != digest
