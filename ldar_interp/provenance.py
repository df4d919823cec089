"""What made a result: versions, inputs by hash, arguments, seed, device, counts.

No clock, host or user name: the same input, arguments and seed give the same bytes.
"""

import hashlib
import json
import math
import platform
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

PACKAGES = (
    "numpy",
    "scipy",
    "pandas",
    "polars",
    "torch",
    "scikit-learn",
    "pyfaidx",
    "matplotlib",
    "logomaker",
)
_BLOCK = 1 << 20


def hash_file(path: str | Path) -> str:
    """sha256 of a file's bytes, as hexadecimal."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def hash_input(path: str | Path) -> str:
    """`hash_file`; of a folder the sha256 of the names and hashes of all files below it, sorted."""
    place = Path(path)
    if not place.is_dir():
        return hash_file(place)
    digest = hashlib.sha256()
    files = [(one.relative_to(place).as_posix(), one) for one in place.rglob("*") if one.is_file()]
    for name, file in sorted(files):
        digest.update(f"{name}\0{hash_file(file)}\n".encode())
    return digest.hexdigest()


def describe_input(path: str | Path) -> dict[str, str]:
    """Name and `hash_input` of an input; the folder it lay in says nothing about the result."""
    return {"file": Path(path).name, "sha256": hash_input(path)}


def list_versions() -> dict[str, str]:
    """Version of this package, of Python and of the packages that numbers depend on."""
    found = {"python": platform.python_version()}
    for name in ("ldar-interp", *PACKAGES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "absent"
    return found


def write_provenance(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write the sidecar as sorted JSON, with the versions added. NaN becomes null."""
    text = json.dumps(
        plain({"versions": list_versions(), **content}), indent=1, sort_keys=True, allow_nan=False
    )
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    partial.write_text(text + "\n")
    partial.replace(target)


def plain(value: Any) -> Any:
    """As a sidecar holds it: JSON types, paths as text, arrays as lists, floats to six digits.

    NaN and infinities are null.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    if isinstance(value, float):
        return float(f"{value:.6g}") if math.isfinite(value) else None
    return value
