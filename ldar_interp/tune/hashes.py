"""Weights by what they are, not by the file that they came from."""

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor


def hash_tensors(state: Mapping[str, Tensor]) -> str:
    """sha256 of names, types, shapes and values, whatever their order and device."""
    digest = hashlib.sha256()
    for name, value in sorted(state.items()):
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        # As bytes: numpy has no bfloat16.
        flat = value.detach().cpu().contiguous().flatten().view(torch.uint8)
        digest.update(flat.numpy().tobytes())
    return digest.hexdigest()
