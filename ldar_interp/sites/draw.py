"""A sample of sites: when there are more than anybody wants to model."""

import numpy as np
import pandas as pd


def draw_sites(sites: pd.DataFrame, max_sites: int | None, seed: int) -> pd.DataFrame:
    """At most `max_sites` sites of each kind, drawn without replacement, in table order."""
    if max_sites is None:
        return sites
    kept: list[int] = []
    for number, (_, rows) in enumerate(sites.groupby("kind", sort=True)):
        rng = np.random.default_rng([seed, 5, number])
        size = min(max_sites, len(rows))
        kept += rng.choice(rows.index.to_numpy(), size=size, replace=False).tolist()
    return sites.loc[sorted(kept)].reset_index(drop=True)
