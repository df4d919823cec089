"""Tables as thirty runs would leave them, from numbers that a test chooses."""

from pathlib import Path

import numpy as np
import pandas as pd

from analyses.nano_runs.grid import read_grid
from analyses.nano_runs.masked_p import ALL, BINS, COLUMNS
from analyses.nano_runs.tables import AGREEMENT_COLUMNS, write_tables

STEPS = (0, 25, 50, 100, 200, 400, 800)
LOSS = {"learned": 1.28, "fixed": 1.30, "alpha_0": 1.27, "n_8": 1.29}
NOISE = (0.0, 0.004, -0.004)
"""Of each seed; the same for all settings, so that paired differences are exact."""


def write_synthetic(folder: Path, *, seeds=(1, 2, 3), settings=None) -> dict[str, pd.DataFrame]:
    """Write the tables of some settings and seeds; also returned."""
    grid = read_grid()
    chosen = [s for s in grid.settings() if settings is None or s.name in settings]
    runs, curves, lengths, masked, splice = [], [], [], [], []
    for setting in chosen:
        target = 1 / setting.compression
        for seed in seeds:
            noise = NOISE[seed - 1]
            mark = {"setting": setting.name, "seed": seed}
            runs.append(
                mark
                | {
                    "router": setting.router, "alpha": setting.alpha, "steps": 800 + 2 * seed,
                    "compression": setting.compression, "flops": 7.99e12, "budget": 8e12,
                    "mask_loss": LOSS.get(setting.name, 1.285) + noise,
                    "boundary_rate": target + noise, "boundary_rate_clean": target + 0.08 + noise,
                }
            )  # fmt: skip
            drift = 0.1 if setting.alpha == 0 else noise
            for step in range(50, 801, 50):
                rate = target + drift * (step - 400) / 400
                curves.append(mark | {"step": step, "boundary_rate": max(rate, 0.001)})
            for length in range(1, 65):
                count = round(1e5 * target * (1 - target) ** (length - 1))
                if count:
                    lengths.append(mark | {"length": length, "count": count})
            for pattern in ("random", "sparse"):
                for at, name in enumerate((ALL, *(b[0] for b in BINS))):
                    missing = pattern == "random" and name == "65+"
                    base = 0.09 if at == 0 else 0.25 / at**2
                    values = (base + (0.02 if setting.name == "one_sided" else 0) + noise,
                              0.84, base / 2, 0.3, 0.2)  # fmt: skip
                    row = (pattern, name, 0, *[np.nan] * 5) if missing else (
                        pattern, name, 1000, *values)  # fmt: skip
                    masked.append(mark | dict(zip(COLUMNS, row, strict=True)))
            for step in STEPS:
                for kind in ("donor", "acceptor"):
                    for control, full in (("C0", -0.2), ("C1", -0.25), ("C2", 0.03)):
                        effect = full * (1 + step / 800) / 2 + noise
                        splice.append(
                            mark
                            | {"kind": kind, "control": control, "step": step, "effect": effect,
                               "ci_low": effect - 0.03, "ci_high": effect + 0.03}
                        )  # fmt: skip
    tables = {
        "run": pd.DataFrame(runs),
        "curve": pd.DataFrame(curves),
        "chunk_lengths": pd.DataFrame(lengths),
        "masked": pd.DataFrame(masked),
        "splice": pd.DataFrame(splice),
        "agreement": pd.DataFrame(_agreement(seeds), columns=list(AGREEMENT_COLUMNS)),
    }
    for name in ("masked", "splice"):
        wanted = ("learned", "one_sided") if name == "masked" else ("learned",)
        tables[name] = tables[name][tables[name]["setting"].isin(wanted)]
    write_tables(tables, folder)
    return tables


def _agreement(seeds) -> list[tuple]:
    rows = []
    for i, a in enumerate(seeds):
        for step in STEPS:
            rows += [("learned", a, step, a, later, 9, 1 - (later - step) / 1000, 0.1)
                     for later in STEPS if later >= step]  # fmt: skip
            rows += [("learned", a, step, b, step, 9, step / 1000 - 0.01 * b, 0.2)
                     for b in seeds[i + 1 :]]  # fmt: skip
    return rows
