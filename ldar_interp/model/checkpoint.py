"""Weights in and out: published `.pt` files, our own safetensors, random weights, the hub.

Published files are dicts with `model`, `config` and often optimiser state; they are read with
`weights_only=True` (a pickle cannot run code) and memory mapped (moments are never read). A
missing, extra or wrongly shaped key is an error, never skipped.
"""

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ldar_interp.errors import CheckpointError, DeviceError, InputError
from ldar_interp.model.backend import resolve_backend, set_backend
from ldar_interp.model.config import PRESETS, LDARNetConfig
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.model.published import check_state, load_published_state

PUBLISHED_FILE = "model_ckpt_110m.pt"


def load_model(
    path: str | Path,
    device: str | torch.device = "cpu",
    *,
    seed: int = 0,
    backend: str = "auto",
) -> LDARNet:
    """Open a model for inference.

    Parameters
    ----------
    path : a published `.pt`, one of our `.safetensors` (with its `config.json` beside it) or the
        folder that holds them, `hf://owner/name[/file]`, or `random:PRESET` for random weights of
        a preset shape (110m, 20m, 2m, small, nano).
    device : torch device.
    seed : of the random weights; not used otherwise.
    backend : `torch`, `compiled` (a CPU), `cuda` (kernels), or `auto`, the fastest that runs.

    Returns
    -------
    LDARNet in eval mode, float32, without gradients.

    Raises
    ------
    CheckpointError : the file is not such weights. DeviceError : the device is not there, or the
        backend was asked for by name and cannot run on it.
    """
    target = check_device(device)
    resolved = resolve_backend(backend, target)
    name = str(path)
    if name.startswith("random:"):
        model = random_model(preset(name.removeprefix("random:")), seed=seed)
    else:
        weights = locate_weights(path)
        is_own = weights.suffix == ".safetensors"
        model = _read_own(weights) if is_own else _read_published(weights)
    set_backend(model, resolved)
    return model.to(target).eval().requires_grad_(False)


def locate_weights(source: str | Path) -> Path:
    """The file that `load_model` reads for a source, downloaded if it is on the hub.

    Raises
    ------
    CheckpointError : there is no such file, or `source` is random weights.
    """
    name = str(source)
    if name.startswith("random:"):
        raise CheckpointError(f"{name}: random weights have no file; wanted a path or hf://")
    path = _fetch(name) if name.startswith("hf://") else Path(source)
    if path.is_dir():
        path = path / "model.safetensors"
    if not path.is_file():
        raise CheckpointError(
            f"{path}: no such file; wanted a .pt or .safetensors checkpoint, its folder, "
            "hf://owner/name[/file] or random:PRESET"
        )
    return path


def preset(name: str) -> LDARNetConfig:
    """A named shape. Raises CheckpointError with the names that exist."""
    try:
        return PRESETS[name.lower()]
    except KeyError:
        raise CheckpointError(
            f"no preset is called {name!r}; wanted one of {', '.join(sorted(PRESETS))}"
        ) from None


def random_model(config: LDARNetConfig, *, seed: int) -> LDARNet:
    """Random weights in the published initial distribution; the global generator is untouched."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LDARNet(config)


def check_device(device: str | torch.device) -> torch.device:
    """The device, if it can be used here. Raises DeviceError otherwise."""
    try:
        target = torch.device(device)
        # A device that cannot give values back, such as meta, is of no use.
        torch.zeros(1, device=target).cpu()
    # What torch raises for: a name or a card it does not have, a build without CUDA, meta.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise DeviceError(
            f"device {str(device)!r} cannot be used here ({reason}); use cpu or a device that "
            "torch finds"
        ) from None
    return target


def save_model(model: LDARNet, folder: str | Path, *, dtype: torch.dtype | None = None) -> Path:
    """Write `model.safetensors` and `config.json` into a folder, each under a temporary name first.

    `dtype` stores the weights smaller (for example torch.bfloat16); they load as float32.
    """
    from safetensors.torch import save_file

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    state = {
        name: value.detach().to("cpu", dtype or value.dtype).contiguous()
        for name, value in _stored(model).items()
    }
    config = folder / ".config.json.partial"
    config.write_text(json.dumps(model.config.to_dict(), indent=1) + "\n")
    weights = folder / "model.safetensors"
    partial = folder / ".model.safetensors.partial"
    save_file(state, str(partial))
    # safetensors makes files that only their owner may read.
    partial.chmod(config.stat().st_mode)
    partial.replace(weights)
    config.replace(folder / "config.json")
    return weights


def _read_published(path: Path) -> LDARNet:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except pickle.UnpicklingError as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{path}: holds more than tensors and plain values, or is damaged, and was not run "
            f"({reason[:120]}); wanted a published checkpoint"
        ) from None
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, AttributeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise CheckpointError(
            f"{path}: is truncated or not a torch checkpoint ({reason[:120]}); download it again"
        ) from None
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        found = sorted(map(str, content))[:5] if isinstance(content, dict) else type(content)
        raise CheckpointError(
            f"{path}: holds {found}; wanted a dict with 'model' (weights) and 'config'"
        )
    state: dict[str, Any] = content["model"]
    strangers = [k for k, v in state.items() if not isinstance(v, Tensor)]
    if strangers:
        raise CheckpointError(f"{path}: {strangers[0]} is not a tensor; wanted weights only")
    raw = content.get("config")
    try:
        config = LDARNetConfig.from_published(raw) if isinstance(raw, dict) else None
    except InputError as error:
        raise CheckpointError(f"{path}: {error}") from None
    model = random_model(config or _recognise(state, path), seed=0)
    load_published_state(model, state, source=str(path))
    return model


def _recognise(state: Mapping[str, Tensor], path: Path) -> LDARNetConfig:
    """The published preset with this embedding width, for files without a config."""
    embedding = state.get("embeddings.weight")
    for name in ("110m", "2m"):
        if embedding is not None and embedding.shape == (7, PRESETS[name].d_model[0]):
            return PRESETS[name]
    raise CheckpointError(
        f"{path}: has no config and is neither the published 110M nor 2M by its shapes; "
        "wanted a file with a 'config' entry"
    )


def _read_own(path: Path) -> LDARNet:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    config_path = path.with_name("config.json")
    if not config_path.is_file():
        raise CheckpointError(
            f"{config_path}: no such file; wanted it beside {path.name}: restore it"
        )
    try:
        raw = json.loads(config_path.read_text())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise CheckpointError(f"{config_path}: is not JSON ({error}); restore the file") from None
    try:
        config = LDARNetConfig.from_dict(raw)
    except InputError as error:
        raise CheckpointError(f"{config_path}: {error}; restore the file") from None
    try:
        state = load_file(str(path))
    except (SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{path}: is truncated or not a safetensors file ({error}); restore the file"
        ) from None
    model = random_model(config, seed=0)
    wanted = {name: tuple(value.shape) for name, value in _stored(model).items()}
    check_state(state, wanted, source=str(path), of="its config.json")
    # Not strict: a tied head is not stored, and is the embedding.
    model.load_state_dict({name: value.float() for name, value in state.items()}, strict=False)
    return model


def _stored(model: LDARNet) -> dict[str, Tensor]:
    """What a file holds of a model: all of its tensors, a tied head once."""
    state = model.state_dict()
    if model.config.tie_embeddings:
        del state["head.weight"]
    return state


def _fetch(address: str) -> Path:
    """Download `hf://owner/name[/file]` into the hub's cache."""
    parts = address.removeprefix("hf://").split("/", 2)
    if len(parts) < 2 or not all(parts):
        raise CheckpointError(f"{address!r} is not hf://owner/name[/file]")
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repo, file = "/".join(parts[:2]), parts[2] if len(parts) == 3 else PUBLISHED_FILE
    try:
        path = Path(hf_hub_download(repo, file))
        if path.suffix == ".safetensors":
            hf_hub_download(repo, str(Path(file).with_name("config.json")))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise CheckpointError(
            f"{address}: cannot be downloaded ({reason[:160]}); check the name and the network, "
            "or download the file and pass its path"
        ) from None
    return path
