"""A checkpoint against the best count model, on the same masked bases of the validation region.

    python -m analyses.checkpoint.against_counts --data DIR [--ckpt CKPT] [--out FILE]

Endpoint, declared before: mean over positions shown as [MASK] of (loss of the count model - loss of
the checkpoint), in nats, with a 95 % interval over blocks of 16 windows (16 kb), since neighbouring
bases share repeats. Above 0 the checkpoint is better. The count model is the best row of
baselines.tsv. It reads a clean context, the checkpoint one of which 15 % is masked or changed: a
favour to the count model. How large a favour the same comparison under 2 % shows, which is
description: another draw of positions, and a share that the checkpoint was not trained with.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from analyses.checkpoint.count_baselines import context_offsets, fit_counts
from ldar_interp.assets import CHECKPOINT
from ldar_interp.genome.alphabet import MASK, N
from ldar_interp.model.allocator import keep_freed_memory
from ldar_interp.model.checkpoint import load_model, locate_weights
from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.provenance import hash_file
from ldar_interp.stats.resample import bootstrap_mean
from ldar_interp.train.config import read_config
from ldar_interp.train.data import mask_windows, read_source
from ldar_interp.train.validate import MASK_SEED

HERE = Path(__file__).resolve().parent
BLOCK_WINDOWS = 16
BATCH_WINDOWS = 8
LIGHT_MASK = 0.02


@torch.no_grad()
def masked_losses(
    model: LDARNet, windows: NDArray[np.uint8], mask_rate: float
) -> NDArray[np.float64]:
    """Loss at positions shown as [MASK], masks as in validation; NaN at all others."""
    out = np.full(windows.shape, np.nan)
    for start in range(0, len(windows), BATCH_WINDOWS):
        rows = range(start, min(start + BATCH_WINDOWS, len(windows)))
        shown = torch.from_numpy(windows[rows.start : rows.stop])
        batch = mask_windows(shown, mask_rate, seed=MASK_SEED, rows=rows)
        masked = batch.input_ids == MASK
        logits = model(batch.input_ids).logits[masked].float()
        loss = F.cross_entropy(logits, batch.labels[masked], reduction="none").double()
        out[rows.start : rows.stop][masked.numpy()] = loss.numpy()
    return out


def compare(
    ours: NDArray[np.float64], counts: NDArray[np.float64], *, seed: int, n_boot: int = 2000
) -> dict[str, float]:
    """Means of both (windows, length) and of their difference, where neither is NaN."""
    both = np.isfinite(ours) & np.isfinite(counts)
    block = np.broadcast_to(np.arange(len(ours))[:, None] // BLOCK_WINDOWS, ours.shape)[both]
    gain = (counts - ours)[both]
    found = bootstrap_mean(
        gain[:, None], block, n_boot=n_boot, rng=np.random.default_rng(seed), level=0.95
    )
    return {
        "n_mask": int(both.sum()),
        "n_blocks": len(np.unique(block)),
        "checkpoint": float(ours[both].mean()),
        "counts": float(counts[both].mean()),
        "gain": float(gain.mean()),
        "gain_low": float(found.low[0]),
        "gain_high": float(found.high[0]),
    }


def main() -> None:
    """Fit the counts, run the model, compare, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--ckpt", default=str(CHECKPOINT))
    parser.add_argument("--out", type=Path, default=HERE / "against_counts.json")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    config = read_config(HERE / "config.toml", arguments.data)
    baselines = pd.read_csv(HERE / "baselines.tsv", sep="\t")
    best = baselines.loc[baselines["nats_per_base"].idxmin()]
    human = [ids for s in config.train if "human" in s.name for _, ids in read_source(s)]
    ((_, held_out),) = read_source(config.validation[0])
    offsets = context_offsets(int(best["letters_a_side"]), two_sided=best["context"] == "two-sided")
    counts, strength = fit_counts(human, offsets, (float(best["back_off"]),))
    by_base = counts.losses(held_out, strength)
    n_windows = len(held_out) // config.train_length
    shape = (n_windows, config.train_length)
    windows, by_base = (
        x[: n_windows * config.train_length].reshape(shape) for x in (held_out, by_base)
    )
    assert not (windows == N).any(), "validation windows are numbered without gaps"
    model = load_model(arguments.ckpt)
    found: dict[str, object] = {
        "checkpoint_sha256": hash_file(locate_weights(arguments.ckpt)),
        "count_model": f"{best['context']}, {int(best['letters_a_side'])} letters",
        "seed": config.seed,
    }
    for name, rate in {"endpoint": config.objective.mask_rate, "light_mask": LIGHT_MASK}.items():
        ours = masked_losses(model, windows, rate)
        found[name] = {"mask_rate": rate, **compare(ours, by_base, seed=config.seed)}
    arguments.out.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
