"""The kernels' tuned configurations in a file, so that a GPU is tuned once.

Triton times every configuration of a kernel at its first call with a new key (sizes and dtypes)
and keeps the fastest in memory. For all kernels of the scan that takes about two minutes, and
Triton's own disk cache leaves out kernels whose configurations clear a buffer first (a pre-hook).
What is chosen moves the last bits of a result (other block sizes add in another order), so a file
also makes runs repeatable. It is valid for one GPU model and one version of triton and mamba-ssm.
"""

import json
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Protocol

from ldar_interp.errors import InputError
from ldar_interp.model.kernels import load_triton_kernels

KERNEL_FOLDER = "mamba_ssm.ops.triton."


class Configuration(Protocol):
    """triton.Config: block sizes, warps and pipeline stages."""

    kwargs: dict[str, int]
    num_warps: int
    num_stages: int


class TunedKernel(Protocol):
    """triton's Autotuner: what may be chosen, and what was chosen for each key."""

    configs: list[Any]
    cache: dict[tuple[Any, ...], Any]


def find_tuned_kernels() -> dict[str, TunedKernel]:
    """All kernels of mamba-ssm that are loaded and tune themselves, by name.

    Raises
    ------
    DeviceError : the kernels cannot be imported.
    """
    load_triton_kernels()
    autotuner = import_module("triton.runtime.autotuner").Autotuner
    return {
        name: kernel
        for module in [m for n, m in sys.modules.items() if n.startswith(KERNEL_FOLDER)]
        for name, kernel in vars(module).items()
        if isinstance(kernel, autotuner)
    }


def save_tuning(path: Path, kernels: Mapping[str, TunedKernel], *, gpu: str) -> int:
    """Write what was chosen so far, under a temporary name first; returns the number of choices."""
    chosen = {
        name: [
            {"key": list(key), "config": _describe(config)} for key, config in kernel.cache.items()
        ]
        for name, kernel in sorted(kernels.items())
        if kernel.cache
    }
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(json.dumps({**_validity(gpu), "kernels": chosen}, indent=1) + "\n")
    partial.replace(path)
    return sum(map(len, chosen.values()))


def load_tuning(path: Path, kernels: Mapping[str, TunedKernel], *, gpu: str) -> int:
    """Choose what a file says, without timing anything; returns the number of choices.

    Raises
    ------
    InputError : the file cannot be read, or was made on another GPU or with other versions.
    """
    try:
        content = json.loads(path.read_text())
        found = {name: content[name] for name in _validity(gpu)}
        if found != _validity(gpu):
            raise InputError(
                f"{path}: was tuned on {found}; wanted {_validity(gpu)}: remove it and tune again"
            )
        choices = [
            (kernels[name], tuple(one["key"]), _pick(kernels[name], one["config"]))
            for name, entries in content["kernels"].items()
            for one in entries
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: holds no tuned configurations of these kernels ({error!r}); remove it and "
            "tune again"
        ) from None
    for kernel, key, config in choices:
        kernel.cache[key] = config
    return len(choices)


def _describe(config: Configuration) -> dict[str, Any]:
    return {
        "blocks": dict(config.kwargs),
        "num_warps": config.num_warps,
        "num_stages": config.num_stages,
    }


def _pick(kernel: TunedKernel, wanted: Mapping[str, Any]) -> Configuration:
    """The kernel's own configuration of this description: it carries the pre-hook."""
    for config in kernel.configs:
        if _describe(config) == wanted:
            picked: Configuration = config
            return picked
    raise LookupError(f"no configuration {dict(wanted)}")


def _validity(gpu: str) -> dict[str, str]:
    found = {"gpu": gpu}
    for package in ("triton", "mamba-ssm"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found
