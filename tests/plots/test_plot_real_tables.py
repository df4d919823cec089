"""The figure takes what `ldar_interp.stats.enrichment` makes, without a column between them."""

import numpy as np
import pandas as pd

from ldar_interp.plots import check_figure, plot_profile, splice_figure
from ldar_interp.profiles import Profiles
from ldar_interp.stats.enrichment import enrichment

N_SITES = 48
OFFSETS = np.arange(-12, 13)


def _make_profiles(rng: np.random.Generator, *, rungs: tuple[str, ...]) -> Profiles:
    """Sites of 12 genes (rungs = ("site",)) or their controls, a little lower at the edge."""
    rows = []
    for name in rungs:
        for i in range(N_SITES):
            row = {
                "site_id": f"{name}{i}",
                "chrom": "chr1",
                "edge": 1000 + 100 * i,
                "strand": "+-"[i % 2],
                "kind": "donor",
                "set": name,
                "group": f"gene{i % 12}",
            }
            rows.append(row if name == "site" else row | {"matched_to": f"site{i}", "draw": 0})
    values = rng.uniform(0.2, 0.4, (len(rows), len(OFFSETS))).astype(np.float32)
    if rungs == ("site",):
        values[:, OFFSETS == 0] += 0.3
    return Profiles(values, OFFSETS, pd.DataFrame(rows))


def test_tables_of_the_statistics_are_drawn() -> None:
    rng = np.random.default_rng(5)
    sites = _make_profiles(rng, rungs=("site",))
    controls = _make_profiles(rng, rungs=("C0", "C1", "C2"))
    result = enrichment(sites, controls, n_boot=100, n_flips=199, seed=1)
    ax = plot_profile(sites, result)
    assert ax.get_title(loc="left") == "donor (n = 48 sites, 12 loci)"
    figure = splice_figure(result.profile, result.difference, result.enrichment, width_mm=89)
    assert check_figure(figure) == []
    marks = {a.get_gid(): a for ax in figure.axes for a in ax.collections if a.get_gid()}
    assert 0.0 in {
        float(segment[:, 0].mean())
        for segment in marks["significant-checkpoint-donor-C1"].get_segments()
    }
    assert marks["significant-checkpoint-donor-C0"].get_segments() == []
    note = " ".join(text.get_text() for text in figure.texts)
    assert "tested for C1, C2" in note


def test_too_few_sites_are_drawn_without_a_claim() -> None:
    rng = np.random.default_rng(6)
    sites = _make_profiles(rng, rungs=("site",))
    controls = _make_profiles(rng, rungs=("C1",))
    result = enrichment(sites, controls, n_boot=100, n_flips=99, seed=1, min_sites=1000)
    figure = splice_figure(result.profile, result.difference, result.enrichment)
    assert check_figure(figure) == []
    texts = {t.get_text() for ax in figure.axes for t in ax.texts}
    assert "too few" in texts
