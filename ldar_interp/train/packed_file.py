"""The packed genome on disk: made once, mapped into memory by every later start.

The file is safetensors: `codes`, `n_runs` and `segments` of `PackedGenome`, and one entry of
metadata, `ldar_interp`: JSON with the format's `version`, `key`, `chroms` and `sha256` of the
content. (One entry, because safetensors writes several in any order.) Its name carries the key, a
digest of the version, the bytes of the FASTA files and the intervals: other sequence or other
regions are another file, so nothing stale is ever read. A file whose content is not what its
sha256 says is reported and made again.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from ldar_interp.errors import InputError
from ldar_interp.genome.intervals import Interval
from ldar_interp.provenance import hash_file
from ldar_interp.train.config import Source
from ldar_interp.train.packed import PackedGenome, pack

logger = logging.getLogger("ldar_interp")

FORMAT_VERSION = 1
_METADATA = "ldar_interp"
_TYPES = {"codes": torch.uint8, "n_runs": torch.int64, "segments": torch.int64}


def open_packed(
    sources: Sequence[Source],
    intervals: Sequence[Sequence[Interval]],
    cache: Path | None,
) -> PackedGenome:
    """Read the packed file of these intervals from `cache`, or pack them and write it there.

    With `cache` None they are packed in memory and nothing is written.

    Raises
    ------
    InputError : a FASTA file that cannot be read, a folder that cannot be written.
    """
    if cache is None:
        return pack(sources, intervals)
    key = digest(sources, intervals)
    path = cache / f"packed-{key[:32]}.safetensors"
    if path.exists():
        try:
            return read_packed(path, key)
        except InputError as error:
            logger.warning("%s", error)
    packed = pack(sources, intervals)
    write_packed(packed, path, key)
    return packed


def digest(sources: Sequence[Source], intervals: Sequence[Sequence[Interval]]) -> str:
    """sha256 of what a packed genome holds: version, FASTA bytes and intervals of each source."""
    content = [
        [hash_fasta(source.fasta), [(i.chrom, i.start, i.end) for i in found]]
        for source, found in zip(sources, intervals, strict=True)
    ]
    return hashlib.sha256(json.dumps([FORMAT_VERSION, content]).encode()).hexdigest()


def hash_fasta(path: Path) -> str:
    """sha256 of a file's bytes, read once a process while its size and time stay."""
    state = path.stat()
    return _hash_state(path.resolve(), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _hash_state(path: Path, _size: int, _modified: int) -> str:
    return hash_file(path)


def write_packed(packed: PackedGenome, path: Path, key: str) -> None:
    """Write under a temporary name, then rename: no reader ever sees half a file.

    Raises
    ------
    InputError : the folder cannot be written, or the disk is full; nothing is left behind then.
    """
    about = {
        "version": FORMAT_VERSION,
        "key": key,
        "chroms": packed.chroms,
        "sha256": _content_sha256(packed),
    }
    metadata = {_METADATA: json.dumps(about, sort_keys=True)}
    tensors = {name: getattr(packed, name) for name in _TYPES}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".packing-") as scratch:
            fresh = Path(scratch) / path.name
            save_file(tensors, fresh, metadata)
            with fresh.open("rb") as handle:
                os.fsync(handle.fileno())
            fresh.replace(path)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"{path}: cannot be written ({reason}); make room there or choose another cache folder"
        ) from None


def read_packed(path: Path, key: str) -> PackedGenome:
    """Map a packed file into memory and check every byte of it.

    Raises
    ------
    InputError : it is damaged, or is not the file of this key.
    """
    problem = "was made from other sequence or by another version"
    try:
        with safe_open(path, framework="pt") as handle:
            about = json.loads((handle.metadata() or {})[_METADATA])
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118
        if (about["key"], about["version"]) == (key, FORMAT_VERSION):
            if {name: tensor.dtype for name, tensor in tensors.items()} == _TYPES:
                packed = PackedGenome(**tensors, chroms=tuple(about["chroms"]))
                if _content_sha256(packed) == about["sha256"]:
                    return packed
            problem = "is damaged (its content does not have the sha256 that it states)"
    except (OSError, SafetensorError, LookupError, TypeError, ValueError) as error:
        problem = f"is damaged ({type(error).__name__}: {error})"
    raise InputError(f"{path}: {problem}; it is made again from the FASTA")


def _content_sha256(packed: PackedGenome) -> str:
    total = hashlib.sha256(json.dumps(packed.chroms).encode())
    for name in _TYPES:
        tensor = getattr(packed, name)
        total.update(json.dumps(list(tensor.shape)).encode())
        total.update(tensor.numpy().reshape(-1).data)
    return total.hexdigest()
