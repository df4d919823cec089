"""Time of the statistics: 10,000 sites x 401 offsets with 9,999 sign flips (wanted: under 15 s).

Run on demand: `python benchmarks/bench_statistics.py [n_sites] [n_offsets]`. The time grows with
groups x offsets x resamples, so one site a group is the worst case and genes are the usual one.
"""

import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
from bench_common import peak_mb, time_once

from ldar_interp.profiles import Profiles
from ldar_interp.stats.enrichment import enrichment
from ldar_interp.stats.resample import bootstrap_mean, sign_flip_test

N_FLIPS, N_BOOT = 9999, 2000


def report(name: str, run: Callable[[], object]) -> None:
    seconds = time_once(run)
    print(f"{name:<58s} {seconds:7.2f} s   peak so far {peak_mb():6.0f} MB", flush=True)


def simulate(n_sites: int, n_offsets: int, n_groups: int) -> tuple[Profiles, Profiles]:
    """Sites and one control rung, uniform values."""
    rng = np.random.default_rng(0)
    group = np.sort(rng.integers(0, n_groups, n_sites)).astype(np.str_)
    ids = [f"s{i}" for i in range(n_sites)]
    offsets = np.arange(n_offsets) - n_offsets // 2
    tables = [
        pd.DataFrame({"site_id": ids, "kind": "donor", "set": "site", "group": group}),
        pd.DataFrame(
            {"site_id": ids, "kind": "donor", "set": "C1", "group": group, "matched_to": ids}
        ),
    ]
    sites, controls = (
        Profiles(rng.random((n_sites, n_offsets), dtype=np.float32), offsets, table)
        for table in tables
    )
    return sites, controls


def main(n_sites: int = 10_000, n_offsets: int = 401) -> None:
    values = np.random.default_rng(0).normal(size=(n_sites, n_offsets))
    print(f"{n_sites} sites x {n_offsets} offsets")
    for n_groups in (n_sites, n_sites // 10):
        group = np.arange(n_sites) % n_groups
        report(
            f"{N_FLIPS} sign flips, {n_groups} groups",
            lambda group=group: sign_flip_test(
                values, group, n_flips=N_FLIPS, rng=np.random.default_rng(0)
            ),
        )
        report(
            f"{N_BOOT} bootstrap resamples, {n_groups} groups",
            lambda group=group: bootstrap_mean(
                values, group, n_boot=N_BOOT, rng=np.random.default_rng(0)
            ),
        )
    sites, controls = simulate(n_sites, n_offsets, n_sites // 10)
    report(
        f"enrichment, one kind and rung, {n_sites // 10} groups",
        lambda: enrichment(sites, controls, n_boot=N_BOOT, n_flips=N_FLIPS),
    )


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:3]))
