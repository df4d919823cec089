"""Pretraining configs: what is read, and one error a message."""

import tomllib
from pathlib import Path

import pytest
from tiny_run import tiny_config, write_config

from ldar_interp.errors import InputError
from ldar_interp.model.config import PRESETS
from ldar_interp.train.config import (
    RECOMMENDED,
    Objective,
    Optimizer,
    PretrainConfig,
    Source,
    read_config,
    recommended,
    root_weights,
)
from ldar_interp.train.identity import first_difference, run_identity


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
        (
            "[[validation]]",
            '[[train]]\nname = "left"\nfasta = "b.fa"\n[[validation]]',
            "train: Value error, two sources are called 'left'; give each its own name",
        ),
        (
            "[[validation]]",
            '[[validation]]\nname = "right"\nfasta = "b.fa"\n[[validation]]',
            "validation: Value error, two sources are called 'right'",
        ),
        ('name = "left"', 'name = "left"\nweight = inf', r"train\.0\.weight: .* finite number"),
        ("peak_lr = 1e-3", "peak_lr = inf", r"optimizer\.peak_lr: Input should be a finite number"),
        ("peak_lr = 1e-3", "weight_decay = nan", r"optimizer\.weight_decay: .* finite number"),
        (
            "[[train]]",
            "[objective]\ncompression = [inf]\n[[train]]",
            r"objective\.compression\.0: Input should be a finite number",
        ),
        (
            "[[train]]",
            "[objective]\nalpha = inf\n[[train]]",
            r"objective\.alpha: Input should be a finite number",
        ),
    ],
)
def test_wrong_entries(tmp_path, old, new, message):
    refused(replace(write_config(tmp_path), old, new), message)


def test_a_model_without_a_router(tmp_path):
    path = write_config(tmp_path)
    model = """[model]
arch_layout = ["m1"]
d_model = [32]
d_intermediate = [0]
num_heads = [1]
rotary_emb_dim = [8]
window_size = [-1]
d_state = 8
[objective]
compression = []
"""
    text = path.read_text()
    path.write_text(text.replace(text[text.index("[model]") : text.index("[opt")], model))
    refused(path, r"model has no router \(arch_layout .*\); wanted \[encoder, \[backbone\]")


def test_weights_to_start_from_are_relative_to_the_data_folder(tmp_path):
    path = write_config(tmp_path, top='init = "start"')
    assert read_config(path).init == "start"
    (tmp_path / "start").mkdir()
    assert read_config(path).init == str(tmp_path.resolve() / "start")
    assert read_config(path, tmp_path / "elsewhere").init == "start"
    for name in ("hf://owner/name", "random:nano", str(tmp_path.resolve() / "none")):
        assert root_weights(name, tmp_path) == name


def test_unknown_preset(tmp_path):
    path = write_config(tmp_path)
    text = path.read_text()
    path.write_text(
        'model = "huge"\n' + text.replace(text[text.index("[model]") : text.index("[opt")], "")
    )
    refused(path, "model 'huge'; wanted one of 110m")


def test_no_such_file(tmp_path):
    refused(tmp_path / "none.toml", r"cannot be read \(No such file or directory\)")


def test_identity_changes_with_what_a_run_must_keep(tmp_path):
    base = tiny_config(tmp_path)

    def differs(**changed) -> str | None:
        other = run_identity(base.model_copy(update=changed), "a")
        return first_difference(run_identity(base, "a"), other)

    schedule = tiny_config(tmp_path, optimizer="warmup_fraction = 0.3\nmicro_windows = 1")
    assert differs(optimizer=schedule.optimizer, validate_every=5, init="x") is None
    moved = base.train[0].model_copy(update={"fasta": tmp_path / "x" / "genome.fa"})
    assert differs(train=(moved,)) is None
    other_letters = first_difference(run_identity(base, "a"), run_identity(base, "b"))
    assert other_letters == "sequence is 'a' there, 'b' here"
    assert differs(seed=1) == "seed is 0 there, 1 here"
    assert differs(train_length=64) == "train_length is 32 there, 64 here"
    batch = base.optimizer.model_copy(update={"batch_windows": 3})
    assert differs(optimizer=batch) == "batch_windows is 2 there, 3 here"
    weight = base.train[0].model_copy(update={"weight": 2.0})
    assert differs(train=(weight,)) == "train.0.weight is 1.0 there, 2.0 here"
    wider = base.model | {"d_state": 16}
    assert differs(model=wider) == "model.d_state is 8 there, 16 here"
    assert differs(train=base.train * 2).startswith("train is [{")


def test_a_resolved_config_is_a_config(tmp_path):
    """JSON with absolute paths and all defaults, whatever the folder it lies in."""
    config = tiny_config(tmp_path)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "run.json").write_text(config.model_dump_json())
    assert read_config(elsewhere / "run.json") == config
    (elsewhere / "run.json").write_text("{")
    refused(elsewhere / "run.json", "is not JSON")


def test_recommended_settings_exist_for_every_preset():
    assert {advice.model for advice in RECOMMENDED} == set(PRESETS)
    with pytest.raises(InputError, match="model 'huge'; wanted one of nano, small"):
        recommended("huge")


def test_the_documentation_has_every_key():
    text = (Path(__file__).parents[2] / "docs" / "train.md").read_text()
    for part in (PretrainConfig, Optimizer, Objective, Source):
        for name in part.model_fields.keys() - {"train", "validation", "optimizer", "objective"}:
            assert f"`{name}`" in text, name
    for advice in RECOMMENDED:
        shown = f"windows of {advice.train_length}, {advice.batch_windows} a step"
        rate = f"{1e4 * advice.peak_lr:g}e-4"
        assert f"| {shown}, peak {rate} |" in text, advice


def test_the_nested_model_of_the_documentation(tmp_path):
    text = (Path(__file__).parents[2] / "docs" / "train.md").read_text()
    table = next(part for part in text.split("```toml\n") if part.startswith("[model]"))
    raw = tomllib.loads(table.split("```")[0])
    base = tiny_config(tmp_path).model_dump() | raw
    assert PretrainConfig.model_validate(base).shape().n_routers == 2


def test_a_router_for_a_preset(tmp_path):
    base = tiny_config(tmp_path)
    chosen = base.model_copy(update={"model": "nano", "router": "fixed:4"})
    assert chosen.shape() == PRESETS["nano"].with_length(32).with_router("fixed:4")
    learned = base.model_copy(update={"model": "nano"})
    other = first_difference(run_identity(learned, "a"), run_identity(chosen, "a"))
    assert other == "model.router is 'learned' there, 'fixed:4' here"
    path = write_config(tmp_path)
    path.write_text('router = "fixed:0"\n' + path.read_text())
    refused(path, "fixed:0")
