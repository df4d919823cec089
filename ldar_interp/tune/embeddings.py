"""Sequences as vectors: pooled decoder states of a frozen model, computed once and kept.

One forward pass gives both poolings, the mean over bases and the mean over learned chunks, and
each strand is kept by itself: a second head, another fold and averaging over strands find on disk
what they share with an earlier run. States do not depend on which sequences are asked for
together, save for rounding. Rounding may turn a base whose p is within about 1e-6 of 1/2 into a
boundary, which moves the states of that sequence by more.
"""

import json
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from ldar_interp.boundaries.workers import run_jobs
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import PAD
from ldar_interp.model.backend import F32_PRODUCTS, backend_versions, find_backend
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.tune.batches import encode_sequences, list_strands, pad_batch, plan_batches
from ldar_interp.tune.embedding_cache import EmbeddingCache, Key, States, hash_ids
from ldar_interp.tune.hashes import hash_tensors
from ldar_interp.tune.pooling import pool_chunks, pool_mean

FrozenPooling = Literal["linear", "chunks"]

_CPU_BATCH_BP = 8192
_GPU_BATCH_BP = 262144
# Written to the cache this often, so that an interrupted run loses no more on a slow machine.
_FLUSH_SECONDS = 60.0
# To be raised whenever the same model would give other states.
_STATES_VERSION = 1


def embed(
    model: LDARNet,
    sequences: Sequence[str],
    *,
    pooling: FrozenPooling = "linear",
    rc_average: bool = False,
    cache: Path | None = None,
    weights_id: str | None = None,
    workers: int = 1,
    progress: str | None = None,
) -> NDArray[np.float32]:
    """Pooled decoder states: a vector a sequence.

    Parameters
    ----------
    model : from `load_model`; its device is used. Each sequence is read whole, also where it is
        longer than the model's `train_length`, which it was not trained for.
    sequences : letters; lower case counts as upper, unknown letters as N.
    pooling : `linear`, the mean over bases, or `chunks`, the mean over learned chunks of each
        chunk's mean.
    rc_average : mean of the states of both strands, else those of the strand that is given.
    cache : folder for states; None keeps nothing.
    weights_id : which weights the model has; two models with one id and one shape share their
        states in a cache. None for `hash_weights(model)`.
    workers : processes on a CPU; ignored on other devices.
    progress : label of a progress bar on stderr; None for none.

    Returns
    -------
    float32 (n, d), d the width of the outermost stage.

    Raises
    ------
    InputError : unknown pooling, chunks of a model without a router, an empty sequence, a cache
        that cannot be written.
    """
    check_pooling(model, pooling)
    forward = encode_sequences(sequences)
    strands = list_strands(forward, both=rc_average)
    keys = [[hash_ids(ids) for ids in strand] for strand in strands]
    # Each distinct sequence once, in the order in which they come.
    wanted = {
        key: ids
        for strand, names in zip(strands, keys, strict=True)
        for key, ids in zip(names, strand, strict=True)
    }
    store, found = None, {}
    if cache is not None:
        shape = (len(get_args(FrozenPooling)), model.config.d_model[0])
        described = describe_states(model, weights_id or hash_weights(model))
        store = EmbeddingCache(Path(cache), described, shape)
        found = store.find(wanted)
    missing = {key: ids for key, ids in wanted.items() if key not in found}
    if store is not None and missing:
        store.prepare()
    computed: dict[Key, States] = {}
    saved_at = time.monotonic()
    for key, states in _compute(model, missing, workers, progress):
        computed[key] = states
        if store is not None and time.monotonic() - saved_at >= _FLUSH_SECONDS:
            store.add(computed)
            found |= computed
            computed, saved_at = {}, time.monotonic()
    if store is not None:
        store.add(computed)
    found |= computed
    column = get_args(FrozenPooling).index(pooling)
    out = np.zeros((len(forward), model.config.d_model[0]), dtype=np.float32)
    for names in keys:
        out += np.stack([found[name][column] for name in names]) if names else 0.0
    return out / np.float32(len(keys))


def check_pooling(model: LDARNet, pooling: str) -> None:
    """Raise InputError for a pooling that is unknown, or that this model has no chunks for."""
    if pooling not in get_args(FrozenPooling):
        raise InputError(
            f"pooling {pooling!r} of frozen states; wanted {' or '.join(get_args(FrozenPooling))}"
        )
    if pooling == "chunks" and model.stage.is_innermost:
        raise InputError(
            f"layout {model.config.arch_layout} has no router, so no chunks; wanted pooling linear"
        )


def hash_weights(model: LDARNet) -> str:
    """sha256 of a model's weights: names, types, shapes and values, wherever they came from."""
    return hash_tensors(model.state_dict())


def describe_states(model: LDARNet, weights_id: str) -> dict[str, Any]:
    """All that pooled states depend on besides the sequence."""
    parameter = next(model.parameters())
    config: dict[str, Any] = json.loads(json.dumps(model.config.to_dict()))
    # How long windows of genomes are does not matter: sequences are read whole.
    del config["train_length"]
    backend = find_backend(model)
    described = {
        "version": _STATES_VERSION,
        "weights": weights_id,
        "config": config,
        "dtype": str(parameter.dtype),
        "device": parameter.device.type,
        "backend": backend,
    }
    if backend == "cuda":
        # TF32 or not moves states by more than rounding between cards does.
        described[F32_PRODUCTS] = backend_versions(backend)["float32 products in kernels"]
    return described


def pool_batch(model: LDARNet, ids: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Both poolings (b, 2, d) of right-padded ids (b, l); NaN for chunks of a model without any."""
    device = next(model.parameters()).device
    input_ids = torch.from_numpy(ids.astype(np.int64)).to(device)
    real = input_ids != PAD
    mask = None if bool(real.all()) else real
    with torch.inference_mode():
        found = model(input_ids)
        hidden = found.hidden.float()
        mean = pool_mean(hidden, mask)
        chunks = (
            pool_chunks(hidden, mask, found.boundaries[0].is_boundary)
            if found.boundaries
            else torch.full_like(mean, torch.nan)
        )
        pooled = torch.stack([mean, chunks], dim=1)
    out: NDArray[np.float32] = pooled.cpu().numpy()
    return out


def _compute(
    model: LDARNet, missing: dict[Key, NDArray[np.uint8]], workers: int, progress: str | None
) -> Iterator[tuple[Key, States]]:
    """States (2, d) of each sequence as batches are done."""
    keys, encoded = list(missing), list(missing.values())
    is_cpu = next(model.parameters()).device.type == "cpu"
    plan = plan_batches(list(map(len, encoded)), _CPU_BATCH_BP if is_cpu else _GPU_BATCH_BP)
    on_cpu = torch.device("cpu")
    jobs = (pad_batch(encoded, rows, on_cpu).input_ids.numpy().astype(np.uint8) for rows in plan)
    results = run_jobs(
        model, pool_batch, jobs, n_jobs=len(plan), workers=workers, progress=progress
    )
    for rows, pooled in zip(plan, results, strict=True):
        for row, states in zip(rows, pooled, strict=True):
            yield keys[row], states
