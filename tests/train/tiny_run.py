"""A training run small enough for tests: two layers, windows of 32 bases, synthetic sequence."""

from pathlib import Path
from typing import Any

import numpy as np

from ldar_interp.train.config import PretrainConfig, read_config

SHAPE = """\
[model]
arch_layout = ["m1", ["m1"], "m1"]
d_model = [32, 32]
d_intermediate = [0, 0]
num_heads = [1, 1]
rotary_emb_dim = [8, 8]
window_size = [15, -1]
d_state = 8
"""
# Two routers; the objective's table follows the model's.
NESTED = """\
[objective]
compression = [3.0, 2.0]
[model]
arch_layout = ["m1", ["m1t1", ["M1"], "m1"], "m1"]
d_model = [32, 32, 64]
d_intermediate = [0, 0, 64]
num_heads = [1, 1, 2]
rotary_emb_dim = [8, 8, 8]
window_size = [15, 7, -1]
d_state = 8
"""


def write_fasta(path: Path, sequence: str, name: str = "chr1") -> Path:
    lines = [sequence[i : i + 60] for i in range(0, len(sequence), 60)]
    path.write_text(f">{name}\n" + "\n".join(lines) + "\n")
    return path


def random_sequence(length: int, seed: int = 0) -> str:
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), size=length))


def write_config(
    folder: Path,
    *,
    top: str = "",
    optimizer: str = "",
    shape: str = SHAPE,
    total: int = 6,
    sequence: str | None = None,
) -> Path:
    """A config and its FASTA; `top` and `optimizer` hold further TOML lines of those tables."""
    write_fasta(folder / "genome.fa", sequence or random_sequence(600))
    path = folder / "config.toml"
    path.write_text(
        f"""\
train_length = 32
validation_windows = 2
validate_every = 2
{top}
{shape}
[optimizer]
peak_lr = 1e-3
batch_windows = 2
total_steps = {total}
{optimizer}
[[train]]
name = "left"
fasta = "genome.fa"
regions = ["chr1:1-400"]
[[validation]]
name = "right"
fasta = "genome.fa"
regions = ["chr1:401-600"]
"""
    )
    return path


def tiny_config(folder: Path, **changes: Any) -> PretrainConfig:
    """What `write_config` writes, read."""
    return read_config(write_config(folder, **changes))
