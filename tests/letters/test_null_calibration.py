"""Does a residual mean what it says? On p simulated from letters and GC, with planted sites."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from simulated_letters import GROUP_BP, make_background, make_track, pair_tables

from ldar_interp.letters.background import leave_out_sites
from ldar_interp.letters.backoff import predict
from ldar_interp.letters.explained import measure_r2
from ldar_interp.letters.fit import fit_null
from ldar_interp.letters.residual import residual_track
from ldar_interp.profiles import collect
from ldar_interp.stats.enrichment import enrichment

EFFECT = 0.2


def compare(track, sites, controls, seed=1, n_flips=199):
    table, other = pair_tables(sites, controls)
    parts = [collect(track, part, flank_bp=1, strand="forward") for part in (table, other)]
    rows = enrichment(*parts, n_boot=100, n_flips=n_flips, seed=seed).enrichment
    return rows[rows["statistic"] == "mean_difference"].iloc[0]


def draw_controls(rng, sites):
    """An edge of the same group, at least 150 bp from any end of it."""
    return sites // GROUP_BP * GROUP_BP + rng.integers(150, GROUP_BP - 150, sites.size)


@pytest.fixture(scope="module")
def planted(world):
    prob = world.prob.copy()
    prob[world.core] = np.clip(prob[world.core] + EFFECT, 0, 1)
    return prob


def test_p_values_of_residuals_are_uniform_without_an_effect(world, fitted):
    """Sites in GC-rich places, their controls anywhere: p differs, its residual does not."""
    track = residual_track(make_track(world.prob), world.genome, fitted.null)
    rng = np.random.default_rng(3)
    rich = np.flatnonzero(world.gc > 0.5)
    p_values = []
    for run in range(120):
        sites = np.sort(rng.choice(rich, 80, replace=False))
        row = compare(track, sites, draw_controls(rng, sites), seed=run)
        p_values.append(row["p_value"])
    assert stats.kstest(p_values, "uniform").pvalue > 0.02
    assert np.mean(np.array(p_values) < 0.05) < 0.12
    sites = np.sort(rng.choice(rich, 400, replace=False))
    raw = compare(make_track(world.prob), sites, draw_controls(rng, sites))
    assert raw["p_value"] < 0.02 and raw["effect"] > 0.03


def test_planted_effect_is_found_at_its_size_if_sites_are_left_out(world, planted):
    """The sites' own 8-mer is rare elsewhere: a null that saw the sites explains them away."""
    table = pd.DataFrame({"chrom": "chr1", "edge": world.core})
    everything = make_background(world, planted)
    effects = {}
    for name, background in (
        ("left out", leave_out_sites(everything, [table])),
        ("kept", everything),
    ):
        null = fit_null(background, k=8, shrinks=(4.0,)).null
        track = residual_track(make_track(planted), world.genome, null)
        controls = draw_controls(np.random.default_rng(5), world.core)
        effects[name] = compare(track, world.core, controls)
    assert effects["left out"]["effect"] == pytest.approx(EFFECT, abs=0.03)
    assert effects["left out"]["p_value"] < 0.01
    assert abs(effects["kept"]["effect"]) < 0.1


def test_gc_matters(world, fitted):
    """The same sites and controls: without GC in the null an effect appears that is none."""
    rng = np.random.default_rng(7)
    sites = np.sort(rng.choice(np.flatnonzero(world.gc > 0.5), 400, replace=False))
    controls = draw_controls(rng, sites)
    plain = fit_null(make_background(world, world.prob), k=6, gc=False, shrinks=(4.0,))
    with_gc, without = (
        compare(residual_track(make_track(world.prob), world.genome, null), sites, controls)
        for null in (fitted.null, plain.null)
    )
    assert without["p_value"] < 0.02 and without["effect"] > 0.03
    assert abs(with_gc["effect"]) < 0.01
    block = fitted.edges.block
    r2 = {fit: measure_r2(fit.edges.prob, fit.chosen, block).r2 for fit in (fitted, plain)}
    assert r2[fitted] > r2[plain] + 0.05


def test_held_out_blocks_show_what_a_fit_on_everything_hides(world):
    """p without any relation to letters: only cross-fitting says that nothing is explained."""
    noise = np.random.default_rng(9).random(world.prob.size, dtype=np.float32)
    found = fit_null(make_background(world, noise), k=10, shrinks=(1.0,))
    edges = found.edges
    x = found.null.scale.design(edges.gc_near, edges.gc_far)
    seen = predict(found.null.fit_of(-1), edges.code, x)
    assert measure_r2(edges.prob, seen, edges.block).r2 > 0.3
    held_out = measure_r2(edges.prob, found.chosen, edges.block)
    assert held_out.r2 < 0.01


def test_k_is_chosen_where_it_belongs(fitted):
    """p depends on four letters: a longer k only adds noise, a shorter one loses the most."""
    r2 = {k: measure_r2(fitted.edges.prob, v, fitted.edges.block).r2 for k, v in
          fitted.expected.items()}  # fmt: skip
    assert fitted.k == 4 and max(r2, key=r2.__getitem__) == 4
    assert r2[2] < r2[4] - 0.1 and r2[10] > r2[4] - 0.02


def test_interval_of_r2_covers():
    """Blocks with levels of their own: the interval holds the R^2 of very many blocks."""
    rng = np.random.default_rng(1)

    def simulate(n_blocks):
        block = np.repeat(np.arange(n_blocks), 60)
        level = 0.3 * rng.normal(size=n_blocks)[block]
        signal = rng.normal(size=block.size)
        noise = rng.normal(size=block.size) * np.exp(0.4 * rng.normal(size=n_blocks))[block]
        return signal + level + noise, signal, block

    truth = measure_r2(*simulate(20_000), n_boot=100).r2
    hits = 0
    for run in range(300):
        found = measure_r2(*simulate(12), n_boot=200, seed=run)
        hits += found.low <= truth <= found.high
    assert 0.90 <= hits / 300 <= 0.99
