"""A grid of runs that take a second each: nano on windows of 64 bases of random sequence."""

from pathlib import Path

import numpy as np

GRID = """\
preset = "nano"
seeds = [1, 2]
sources = "sources.toml"
train_length = 64
validation_windows = 2
validate_every = 4
keep_weights_at = [0, 12]
[optimizer]
peak_lr = 7.5e-4
batch_windows = 2
total_steps = 12
warmup_steps = 2
decay_fraction = 0.25
[matching]
replan_at = [4, 8, 10]
recent_steps = 3
[evaluation]
windows = 3
dynamics = ["learned"]
[evaluation.splice]
controls = ["C1"]
max_sites = 40
flank_bp = 2
control_flank_bp = 10
margin_bp = 8
n_boot = 100
n_flips = 99
seed = 1
[[group]]
name = "shared"
settings = [{ name = "learned" }]
[[group]]
name = "routing"
settings = [
  { name = "fixed", router = "fixed:4", match = "learned" },
  { name = "one_sided", router = "one_sided", match = "learned" },
]
[[group]]
name = "ratio_loss"
settings = [{ name = "alpha_0", alpha = 0.0 }]
"""
SOURCES = """\
model = "nano"
[[train]]
name = "left"
fasta = "genome.fa"
regions = ["chr1:1-4000"]
[[validation]]
name = "right"
fasta = "genome.fa"
regions = ["chr1:4001-6000"]
"""


def write_grid(folder: Path) -> Path:
    """The grid's file; its FASTA lies beside it."""
    letters = "".join(np.random.default_rng(0).choice(list("ACGT"), size=6000))
    (folder / "genome.fa").write_text(f">chr1\n{letters}\n")
    (folder / "sources.toml").write_text(SOURCES)
    path = folder / "grid.toml"
    path.write_text(GRID)
    return path
