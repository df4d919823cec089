"""Published `.pt` files: read strictly, never run, and one error a message."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from published_files import assert_same_weights, published
from test_golden import GOLDEN

from ldar_interp.errors import CheckpointError
from ldar_interp.model.checkpoint import load_model, random_model
from ldar_interp.model.config import PRESETS


@pytest.fixture
def refused(tmp_path):
    """Check that content saved to a file is refused in one line that names the file."""

    def check(content, *wanted: str) -> None:
        path = tmp_path / "broken.pt"
        if content is not None:
            torch.save(content, path)
        with pytest.raises(CheckpointError) as caught:
            load_model(path)
        text = str(caught.value)
        assert text.startswith(str(path))
        assert "\n" not in text
        for part in wanted:
            assert part in text

    return check


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_truncated(tmp_path, refused, share):
    raw = (GOLDEN / "tiny.pt").read_bytes()
    (tmp_path / "broken.pt").write_bytes(raw[: int(share * len(raw))])
    refused(None, "is truncated or not a torch checkpoint", "download it again")


def test_missing_key(tiny, refused):
    del tiny["model"]["lm_head.weight"]
    refused(tiny, "1 missing key (lm_head.weight)", "belong together")


def test_extra_keys(tiny, refused):
    tiny["model"] |= {f"more.{i}": torch.zeros(1) for i in range(4)}
    refused(tiny, "4 unexpected keys (more.0, more.1, more.2, ...)")


def test_renamed_key_is_missing_and_extra(tiny, refused):
    tiny["model"]["head.weight"] = tiny["model"].pop("lm_head.weight")
    refused(tiny, "1 missing key (lm_head.weight); 1 unexpected key (head.weight)")


def test_wrong_shape(tiny, refused):
    tiny["model"]["lm_head.weight"] = torch.zeros(8, 32)
    refused(tiny, "lm_head.weight has shape (8, 32), wanted (7, 32)")


@pytest.mark.parametrize("leaf", ["in_proj.weight", "out_proj.weight"])
def test_unequal_shared_projections(tiny, refused, leaf):
    key = f"backbone.decoder.layers.1.mixer.bwd.{leaf}"
    # Both names are one tensor in the file.
    tiny["model"][key] = tiny["model"][key].clone()
    tiny["model"][key][0, 0] += 1e-4
    refused(tiny, f"mixer.bwd.{leaf} differs from", f"mixer.fwd.{leaf}", "shares them")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_values_that_are_not_finite(tiny, refused, value):
    tiny["model"]["backbone.residual_proj.bias"][3] = value
    refused(tiny, "backbone.residual_proj.bias holds values that are not finite")


def test_not_a_dict_of_weights(refused):
    refused({"weights": 1}, "holds ['weights']; wanted a dict with 'model'")
    refused([1], "wanted a dict with 'model'")
    refused({"model": {"a": 3}}, "a is not a tensor; wanted weights only")


def test_config_without_an_entry(tiny, refused):
    del tiny["config"]["attn_cfg"]
    refused(tiny, "lacks or mistypes an entry ('attn_cfg')")


def test_config_that_makes_no_model(tiny, refused):
    tiny["config"]["d_model"] = [32, 60]
    refused(tiny, "d_model 60 x expand 2 is not a multiple of 64")


def test_no_config_and_unknown_shapes(tiny, refused):
    del tiny["config"]
    refused(tiny, "has no config and is neither the published 110M nor 2M by its shapes")


def test_no_config_and_the_width_of_the_2m_only(refused):
    refused(published(random_model(PRESETS["small"], seed=0)), "missing keys", "layout ['m3t1'")


def test_the_2m_is_recognised_without_a_config(tmp_path):
    model = random_model(PRESETS["2m"], seed=3)
    torch.save(published(model), tmp_path / "weights.pt")
    found = load_model(tmp_path / "weights.pt")
    assert found.config == PRESETS["2m"]
    assert_same_weights(found, model)


def test_optimiser_state_is_not_read_into_the_model(tiny, tmp_path):
    tiny["opt"] = {"moments": torch.zeros(1000)}
    torch.save(tiny, tmp_path / "more.pt")
    assert_same_weights(load_model(tmp_path / "more.pt"), load_model(GOLDEN / "tiny.pt"))


class Bomb:
    """Unpickling it leaves a file."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


def test_a_malicious_pickle_does_not_run(tmp_path, refused):
    marker = tmp_path / "marker"
    refused({"model": {"a": Bomb(marker)}}, "holds more than tensors", "was not run")
    assert not marker.exists()
    (tmp_path / "broken.pt").write_bytes(pickle.dumps({"model": Bomb(marker)}))
    refused(None, "not a torch checkpoint")
    assert not marker.exists()
    pickle.loads(pickle.dumps(Bomb(marker)))
    assert marker.exists(), "the test's own bomb must work"


def test_a_zip_that_is_no_checkpoint(tmp_path, refused):
    with zipfile.ZipFile(tmp_path / "broken.pt", "w") as archive:
        archive.writestr("readme.txt", "hello")
    refused(None, "not a torch checkpoint")


def test_no_such_file(refused):
    refused(None, "no such file; wanted a .pt or .safetensors checkpoint")
