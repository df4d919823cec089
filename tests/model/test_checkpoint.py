"""Our own files, random weights, devices, the hub, and one error a message."""

import json
from pathlib import Path

import pytest
import torch
from published_files import assert_same_weights, published
from safetensors.torch import load_file, save_file
from test_golden import GOLDEN

from ldar_interp.errors import CheckpointError, DeviceError
from ldar_interp.model.checkpoint import (
    PUBLISHED_FILE,
    check_device,
    load_model,
    locate_weights,
    preset,
    random_model,
    save_model,
)
from ldar_interp.model.config import PRESETS, LDARNetConfig

TIED = LDARNetConfig(["M1"], (32,), (32,), (1,), (8,), (-1,), d_state=4, tie_embeddings=True)


@pytest.fixture
def saved(tmp_path):
    save_model(random_model(PRESETS["nano"], seed=5), tmp_path)
    return tmp_path


@pytest.mark.parametrize("config", [PRESETS["nano"].with_length(512), TIED])
def test_round_trip_is_exact(tmp_path, config):
    model = random_model(config, seed=5)
    path = save_model(model, tmp_path / "new" / "folder")
    for source in (path, path.parent, str(path)):
        found = load_model(source)
        assert found.config == config
        assert_same_weights(found, model)
    assert sorted(p.name for p in path.parent.iterdir()) == ["config.json", "model.safetensors"]
    assert not found.training
    assert not any(p.requires_grad for p in found.parameters())


def test_stored_as_bfloat16_and_read_as_float32(tmp_path):
    model = random_model(PRESETS["nano"], seed=5)
    exact = save_model(model, tmp_path / "exact").stat().st_size
    path = save_model(model, tmp_path / "small", dtype=torch.bfloat16)
    assert path.stat().st_size < 0.6 * exact
    for name, value in load_model(path).state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, model.state_dict()[name].bfloat16().float())


def test_a_tied_head_is_stored_once_and_stays_tied(tmp_path):
    path = save_model(random_model(TIED, seed=1), tmp_path)
    assert "head.weight" not in load_file(path)
    model = load_model(path)
    assert model.head.weight is model.embedding.weight
    published_file = tmp_path / "tied.pt"
    raw = TIED.to_dict() | {
        "ssm_cfg": {"d_state": 4},
        "attn_cfg": {"num_heads": [1], "rotary_emb_dim": [8], "window_size": [-1]},
    }
    content = published(model, raw)
    torch.save(content, published_file)
    assert_same_weights(load_model(published_file), model)
    content["model"]["lm_head.weight"][0] += 1
    torch.save(content, published_file)
    with pytest.raises(CheckpointError, match=r"lm_head\.weight differs from embeddings\.weight"):
        load_model(published_file)


def rewrite(folder: Path, change) -> None:
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda s: s.pop("head.weight"),
            "1 missing key (head.weight); wanted the keys of its config",
        ),
        (lambda s: s.update(x=torch.zeros(1)), "1 unexpected key (x)"),
        (
            lambda s: s.update({"head.weight": torch.zeros(7, 31)}),
            "head.weight has shape (7, 31), wanted (7, 32)",
        ),
        (
            lambda s: s["head.weight"].fill_(torch.nan),
            "head.weight holds values that are not finite",
        ),
    ],
)
def test_wrong_safetensors(saved, change, message):
    rewrite(saved, change)
    with pytest.raises(CheckpointError) as caught:
        load_model(saved)
    assert str(saved / "model.safetensors") in str(caught.value)
    assert message in str(caught.value)


def test_truncated_safetensors(saved):
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CheckpointError, match=r"is truncated or not a safetensors file"):
        load_model(saved)


def test_config_json_missing(saved):
    (saved / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json: no such file; wanted it beside"):
        load_model(saved)


def test_config_json_is_not_json(saved):
    (saved / "config.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json: is not JSON"):
        load_model(saved)


def test_config_json_with_an_unknown_key(saved):
    raw = json.loads((saved / "config.json").read_text())
    (saved / "config.json").write_text(json.dumps(raw | {"dropout": 0.1}))
    with pytest.raises(
        CheckpointError, match=r"config\.json: config has unknown keys \['dropout'\]"
    ):
        load_model(saved)


def test_config_json_that_is_no_table(saved):
    (saved / "config.json").write_text("[]")
    with pytest.raises(CheckpointError, match=r"config\.json: config is a list; wanted a table"):
        load_model(saved)


def test_empty_folder(tmp_path):
    with pytest.raises(CheckpointError, match=r"model\.safetensors: no such file"):
        load_model(tmp_path)


# ---- random weights, devices, the hub -----------------------------------------------------------


def test_random_weights_depend_on_the_seed_only():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    first = load_model("random:nano", seed=1)
    assert torch.equal(torch.rand(3), expected), "the global generator was moved"
    assert_same_weights(first, load_model("random:NANO", seed=1))
    other = load_model("random:nano", seed=2)
    assert not torch.equal(first.embedding.weight, other.embedding.weight)


def test_unknown_preset():
    with pytest.raises(
        CheckpointError, match="no preset is called 'nope'; wanted one of 110m, 20m"
    ):
        load_model("random:nope")
    with pytest.raises(CheckpointError):
        preset("")


def test_random_weights_have_no_file():
    with pytest.raises(CheckpointError, match="random:2m: random weights have no file"):
        locate_weights("random:2m")


@pytest.mark.parametrize("device", ["cuda:99", "nonsense", ""])
def test_a_device_that_is_not_there(device):
    with pytest.raises(DeviceError, match=f"device '{device}' cannot be used here") as caught:
        load_model("random:nano", device)
    assert "\n" not in str(caught.value)
    assert check_device("cpu") == torch.device("cpu")


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A hub that is a folder; returns the downloads asked of it."""
    import huggingface_hub

    asked = []

    def download(repo: str, file: str) -> str:
        asked.append((repo, file))
        path = tmp_path / repo / file
        if not path.is_file():
            raise FileNotFoundError(f"404: no {file} in {repo}\nlong explanation")
        return str(path)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    return asked


def test_hub_default_file(hub, tmp_path, tiny):
    (tmp_path / "some" / "model").mkdir(parents=True)
    torch.save(tiny, tmp_path / "some" / "model" / PUBLISHED_FILE)
    assert_same_weights(load_model("hf://some/model"), load_model(GOLDEN / "tiny.pt"))
    assert hub == [("some/model", "model_ckpt_110m.pt")]


def test_hub_safetensors_bring_their_config(hub, tmp_path):
    save_model(random_model(PRESETS["nano"], seed=5), tmp_path / "some" / "model" / "sub")
    load_model("hf://some/model/sub/model.safetensors")
    assert hub == [("some/model", "sub/model.safetensors"), ("some/model", "sub/config.json")]


@pytest.mark.parametrize("address", ["hf://", "hf://owner", "hf://owner/", "hf://owner/name/"])
def test_hub_address_that_is_none(hub, address):
    with pytest.raises(CheckpointError, match=r"is not hf://owner/name\[/file\]"):
        load_model(address)
    assert hub == []


@pytest.mark.usefixtures("hub")
def test_hub_file_that_is_not_there():
    with pytest.raises(CheckpointError) as caught:
        load_model("hf://some/model/x.pt")
    assert str(caught.value).startswith(
        "hf://some/model/x.pt: cannot be downloaded (404: no x.pt in some/model); check the name"
    )


# ---- narrow arithmetic --------------------------------------------------------------------------


def test_bfloat16_autocast_moves_p_a_little():
    model = load_model(GOLDEN / "trial.pt")
    ids = torch.randint(0, 4, (2, 200), generator=torch.Generator().manual_seed(0))
    exact = model.encode(ids)[1].prob
    with torch.autocast("cpu", dtype=torch.bfloat16):
        _, routed = model.encode(ids)
        logits = model(ids).logits
    assert routed.prob.dtype == torch.float32
    moved = (routed.prob - exact).abs()
    assert 0 < float(moved.max()) < 0.05
    assert bool(torch.isfinite(logits).all())
