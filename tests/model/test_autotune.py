"""Tuned configurations in a file, with stand-ins for triton's kernels."""

import json
from dataclasses import dataclass, field

import pytest

from ldar_interp.errors import InputError
from ldar_interp.model.autotune import load_tuning, save_tuning


@dataclass(eq=False)
class Config:
    kwargs: dict[str, int]
    num_warps: int = 4
    num_stages: int = 3


@dataclass
class Kernel:
    configs: list[Config]
    cache: dict[tuple[object, ...], Config] = field(default_factory=dict)


@pytest.fixture
def kernels():
    return {
        "first": Kernel([Config({"BLOCK": 64}), Config({"BLOCK": 64}, num_warps=8)]),
        "second": Kernel([Config({"BLOCK": 32})]),
    }


def test_choices_survive_a_file(kernels, tmp_path):
    path = tmp_path / "tuned.json"
    first = kernels["first"]
    first.cache[128, 64, "torch.bfloat16"] = first.configs[1]
    first.cache[128, 32, "torch.bfloat16"] = first.configs[0]
    assert save_tuning(path, kernels, gpu="H100") == 2
    text = path.read_text()
    first.cache.clear()
    assert load_tuning(path, kernels, gpu="H100") == 2
    # The very object, with its pre-hook.
    assert first.cache[128, 64, "torch.bfloat16"] is first.configs[1]
    assert first.cache[128, 32, "torch.bfloat16"] is first.configs[0]
    assert save_tuning(path, kernels, gpu="H100") == 2
    assert path.read_text() == text
    assert [p.name for p in tmp_path.iterdir()] == ["tuned.json"]


def test_another_gpu(kernels, tmp_path):
    save_tuning(tmp_path / "t.json", kernels, gpu="H100")
    with pytest.raises(InputError, match=r"was tuned on .*H100.*; wanted .*A100.*: remove it and"):
        load_tuning(tmp_path / "t.json", kernels, gpu="A100")


@pytest.mark.parametrize("damage", ["gone", "text", "kernel", "config"])
def test_a_file_of_something_else(kernels, tmp_path, damage):
    path = tmp_path / "t.json"
    kernels["second"].cache[1,] = kernels["second"].configs[0]
    save_tuning(path, kernels, gpu="H100")
    kernels["second"].cache.clear()
    if damage == "gone":
        path.unlink()
    elif damage == "text":
        path.write_text("no JSON")
    else:
        content = json.loads(path.read_text())
        if damage == "kernel":
            content["kernels"]["third"] = content["kernels"].pop("second")
        else:
            content["kernels"]["second"][0]["config"]["num_warps"] = 16
        path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"holds no tuned configurations .*; remove it and tune"):
        load_tuning(path, kernels, gpu="H100")
    assert kernels["second"].cache == {}
