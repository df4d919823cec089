"""Pooled states on disk, found by what they were made from.

One folder holds the states of one model run in one way: its name is the sha256 of an identity
(weights, shape, backend, ...), which `identity.json` spells out. In it, every file holds states
of a few thousand sequences, each under the sha256 of its ids, so any set of sequences finds what
an earlier run computed: another head, another fold, or the rest of an interrupted run.

A file is written under a temporary name and renamed, and never changed. Its name is the hash of
what it holds, so processes that share a cache cannot spoil each other's files. A file that is
damaged is removed, said on the log, and its sequences are computed again.
"""

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ldar_interp.errors import InputError

_SUFFIX = ".safetensors"
_log = logging.getLogger(__name__)

Key = bytes
States = NDArray[np.float32]


def hash_ids(ids: NDArray[np.uint8]) -> Key:
    """What a sequence is found by: 32 bytes, equal if and only if all ids are."""
    return hashlib.sha256(np.ascontiguousarray(ids, dtype=np.uint8).tobytes()).digest()


class EmbeddingCache:
    """States of one model, run in one way, by sequence.

    Parameters
    ----------
    folder : of all caches; a folder of this identity is made in it when something is written.
    identity : plain JSON values: all that the states depend on besides the sequence.
    shape : of one sequence's states.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], shape: tuple[int, ...]) -> None:
        self._identity = json.dumps(identity, sort_keys=True, indent=1)
        self.folder = folder / hashlib.sha256(self._identity.encode()).hexdigest()[:32]
        self._shape = shape

    def find(self, wanted: Iterable[Key]) -> dict[Key, States]:
        """The states of those sequences that the cache has."""
        missing, found = {*wanted}, {}
        for path in sorted(self.folder.glob(f"*{_SUFFIX}")):
            if not missing:
                break
            content = self._read(path)
            if content is None:
                continue
            names, states = content
            for row, name in enumerate(map(bytes, names)):
                if name in missing:
                    # A copy, or one row would keep the whole file in memory.
                    found[name] = states[row].copy()
                    missing.remove(name)
        return found

    def prepare(self) -> None:
        """Make the folder, before hours are spent on what could not be written.

        Raises
        ------
        InputError : it cannot be made or written in.
        """
        path = self.folder / "identity.json"
        partial = path.with_name(f".identity.{os.getpid()}.partial")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            partial.write_text(self._identity + "\n")
            partial.replace(path)
        except OSError as error:
            raise self._cannot_write(error) from None

    def add(self, states: Mapping[Key, States]) -> None:
        """Write the states of these sequences as one file.

        Raises
        ------
        InputError : the file cannot be written.
        """
        names = sorted(states)
        if not names:
            return
        target = self.folder / f"{hashlib.sha256(b''.join(names)).hexdigest()[:32]}{_SUFFIX}"
        partial = target.with_name(f".{target.stem}.{os.getpid()}.partial")
        content: dict[str, NDArray[Any]] = {
            "sequence_sha256": np.frombuffer(b"".join(names), dtype=np.uint8).reshape(-1, 32),
            "states": np.stack([states[name] for name in names]).astype(np.float32),
        }
        try:
            save_file(content, str(partial))
            # safetensors makes files that only their owner may read; a cache may be shared.
            partial.chmod((self.folder / "identity.json").stat().st_mode)
            partial.replace(target)
        except (OSError, SafetensorError) as error:
            with contextlib.suppress(OSError):
                partial.unlink()
            raise self._cannot_write(error) from None

    def _cannot_write(self, error: Exception) -> InputError:
        return InputError(
            f"{self.folder}: cannot be written ({error}); make room or choose another cache folder"
        )

    def _read(self, path: Path) -> tuple[NDArray[np.uint8], States] | None:
        """Hashes and states of a file; None, with the file removed, if it is damaged."""
        try:
            content = load_file(str(path))
            names, states = content["sequence_sha256"], content["states"]
            if names.shape != (len(states), 32) or states.shape[1:] != self._shape:
                raise ValueError(f"holds arrays of shape {names.shape} and {states.shape}")
        except FileNotFoundError:
            return None  # another process found it damaged first
        except (SafetensorError, OSError, KeyError, ValueError) as error:
            reason = str(error).splitlines()[0][:120]
            _log.warning("%s: is damaged (%s); its sequences are computed again", path, reason)
            path.unlink(missing_ok=True)
            return None
        return names, states
