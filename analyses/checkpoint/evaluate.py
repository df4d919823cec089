"""Put the weights of a run into the package and measure what the model card states.

    python -m analyses.checkpoint.evaluate --run runs/2m --data DIR

Stores the weights as bfloat16 in ldar_interp/assets/checkpoint, copies the run's validation curve
behind validation_earlier.csv, and writes evaluation.json beside this file: loss on [MASK] positions
over the whole validation region with the weights as trained and as stored, boundary rate, chunk
lengths, and the offset-consistency and strand-symmetry measurements on that region.
"""

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ldar_interp.assets import CHECKPOINT
from ldar_interp.boundaries.consistency import measure_consistency
from ldar_interp.boundaries.extract import run_router
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.allocator import keep_freed_memory
from ldar_interp.model.checkpoint import load_model, random_model, save_model
from ldar_interp.provenance import hash_file
from ldar_interp.train.config import read_config
from ldar_interp.train.data import read_source, tile_windows
from ldar_interp.train.validate import validate

HERE = Path(__file__).resolve().parent
EARLIER = HERE / "validation_earlier.csv"
"""Rows of the curve that the run's own file no longer holds (README.md says why)."""


def main() -> None:
    """Store, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    config = read_config(HERE / "config.toml", arguments.data)
    state = torch.load(arguments.run / "state" / "state.pt", weights_only=True)
    trained = random_model(config.shape(), seed=0).eval().requires_grad_(False)
    trained.load_state_dict(state["model"])
    weights = save_model(trained, CHECKPOINT, dtype=torch.bfloat16)
    curve = pd.read_csv(arguments.run / "validation.csv")
    if EARLIER.exists():
        earlier = pd.read_csv(EARLIER)
        curve = pd.concat([earlier[earlier["step"] < curve["step"].min()], curve])
    curve.to_csv(HERE / "validation.csv", index=False, float_format="%.6g", lineterminator="\n")
    stored = load_model(CHECKPOINT)

    windows = tile_windows(config.validation, config.train_length, max_n_share=0.0)
    rate = config.objective.mask_rate
    results = {
        "progress": state["progress"],
        "weights_sha256": hash_file(weights),
        "parameters": sum(p.numel() for p in stored.parameters()),
        "validation_windows": len(windows),
        "as_trained": validate(trained, windows, mask_rate=rate).scalars(),
        "as_stored": validate(stored, windows, mask_rate=rate).scalars(),
        "unmasked": describe_chunks(stored, windows[:: max(1, len(windows) // 200)]),
    }
    source = config.validation[0]
    interval, ids = read_source(source)[0]
    letters = np.frombuffer(b"ACGTN", np.uint8)[ids].tobytes().decode()
    with Genome.from_records({interval.chrom: letters}) as genome:
        for name, model in {
            "trained": stored,
            "random": random_model(stored.config, seed=1).eval().requires_grad_(False),
        }.items():
            results[f"consistency_{name}"] = measure_consistency(model, genome, n_loci=24).summary()
    (HERE / "evaluation.json").write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results, indent=1))


def describe_chunks(model: torch.nn.Module, windows: np.ndarray) -> dict[str, float]:
    """p and chunk lengths on clean input, away from the first base of each window."""
    prob = np.concatenate(
        [run_router(model, windows[i : i + 8]) for i in range(0, len(windows), 8)]
    )
    known = prob[:, 1:]
    lengths = np.concatenate([np.diff(np.flatnonzero(row > 0.5)) for row in known])
    return {
        "mean_prob": float(known.mean()),
        "boundary_rate": float((known > 0.5).mean()),
        "chunk_length_mean": float(lengths.mean()),
        **{f"chunk_length_p{q}": float(np.percentile(lengths, q)) for q in (5, 50, 95, 99)},
    }


if __name__ == "__main__":
    main()
