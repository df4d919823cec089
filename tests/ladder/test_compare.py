"""The tables of a ladder: every kind has its row on every rung, also where C4 has no window."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.ladder.compare import compare_ladder
from ldar_interp.ladder.measure import LadderProfiles
from ldar_interp.ladder.settings import LadderSettings
from ldar_interp.profiles import Profiles
from ldar_interp.stats.regions import MOTIF_REGIONS

OFFSETS = np.arange(-5, 11)
KINDS = ("TATA", "SP1")
N = 40


def make_profiles(kinds, rung, signal):
    """Sites and one control each: p is 0.4 at sites and 0.3 at controls."""
    ids = [f"{kind}{i}" for kind in kinds for i in range(N)]
    shared = {
        "kind": np.repeat(kinds, N),
        "group": [f"g{i % 20}" for i in range(len(ids))],
        "width_bp": 4,
    }
    sites = pd.DataFrame({"site_id": ids, "set": "site", **shared})
    controls = pd.DataFrame(
        {"site_id": [f"{i}c" for i in ids], "set": rung, "matched_to": ids, "draw": 0, **shared}
    )
    noise = np.random.default_rng(1).normal(size=(2, len(ids), OFFSETS.size)) * 0.01
    return tuple(
        Profiles((level + part).astype(np.float32), OFFSETS, table, signal)
        for level, part, table in zip((0.4, 0.3), noise, (sites, controls), strict=True)
    )


@pytest.mark.parametrize("with_window", [("TATA",), ()])
def test_kinds_without_a_window_are_listed_as_too_few_on_c4(with_window):
    found = LadderProfiles(
        placed={("checkpoint", s): make_profiles(KINDS, "C2", s) for s in ("prob", "residual")},
        contexts={
            ("checkpoint", s): make_profiles(with_window, "C4", s) for s in ("prob", "residual")
        },
        extraction={},
        context_counts={},
    )
    settings = LadderSettings(out="-", controls=("C2", "C4"), n_boot=100, n_flips=99)
    result = compare_ladder(found, settings, regions=MOTIF_REGIONS)
    rows = result.enrichment[result.enrichment["control"] == "C4"]
    keys = ["signal", "kind", "statistic"]
    assert len(rows) == 2 * 2 * 3 and not rows.duplicated(keys).any()
    absent = rows[~rows["kind"].isin(with_window)]
    assert absent["method"].str.startswith("too few: 0 pairs in 0 groups, wanted 20 in 10").all()
    assert (absent["n_sites"] == 0).all() and absent[["effect", "p_value"]].isna().all(axis=None)
    there = rows[rows["kind"].isin(with_window)]
    assert np.allclose(there["effect"], 0.1, atol=0.01)
    difference = result.difference[result.difference["control"] == "C4"]
    assert set(difference["kind"]) == set(KINDS)
