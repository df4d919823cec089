"""p in native and shuffled contexts: the right edges, whatever the batches, and as pairs."""

from dataclasses import replace

import numpy as np
import pytest
from test_shuffled_context import GENOME, W, make_sites, shuffle

from ldar_interp.boundaries.context_router import profile_contexts
from ldar_interp.boundaries.extract import predict_boundaries
from ldar_interp.boundaries.shuffled_context import ContextProfiles
from ldar_interp.errors import DeviceError, InputError
from ldar_interp.genome.alphabet import reverse_complement
from ldar_interp.model.checkpoint import preset, random_model
from ldar_interp.stats.context_pairs import pair_contexts
from ldar_interp.stats.enrichment import enrichment

SITES = make_sites(24)


@pytest.fixture(scope="module")
def model():
    return random_model(preset("nano"), seed=3).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def found(model) -> ContextProfiles:
    return profile_contexts(model, shuffle(SITES), flank_bp=8)


def test_values_are_those_of_each_window_alone(model, found: ContextProfiles) -> None:
    assert found.offsets.tolist() == list(range(-8, 9))
    assert found.native.shape == (24, 17) and found.shuffled.shape == (24, 3, 17)
    assert found.native.dtype == found.shuffled.dtype == np.float32
    for i in (0, 7, 23):
        alone = predict_boundaries(model, list(found.windows.ids[i]), batch_size=1)
        values = np.stack([p[32 - 8 : 32 + 9] for p in alone])
        np.testing.assert_allclose(found.native[i], values[0], atol=1e-6)
        np.testing.assert_allclose(found.shuffled[i], values[1:], atol=1e-6)


def test_batches_change_nothing(model, found: ContextProfiles) -> None:
    again = profile_contexts(model, found.windows, flank_bp=8, batch_size=5)
    np.testing.assert_allclose(again.shuffled, found.shuffled, atol=1e-6)


def test_the_widest_flank_is_evaluated_and_one_more_is_not(model) -> None:
    windows = shuffle(SITES.iloc[:2])
    wide = profile_contexts(model, windows, flank_bp=W // 2 - 1)
    assert not np.isnan(wide.native).any() and not np.isnan(wide.shuffled).any()
    with pytest.raises(InputError, match="flank_bp 32 in windows of 64 bp; wanted 1 to 31"):
        profile_contexts(model, windows, flank_bp=W // 2)


def test_pairs_are_what_enrichment_takes(found: ContextProfiles) -> None:
    sites, controls = pair_contexts(found)
    table = controls.sites
    assert set(table["set"]) == {"C4"} and set(table["draw"]) == {0}
    assert table["matched_to"].tolist() == sites.sites["site_id"].tolist()
    assert table["group"].tolist() == sites.sites["group"].tolist()
    np.testing.assert_allclose(controls.values, found.shuffled.mean(axis=1), atol=1e-6)
    result = enrichment(
        sites, controls, n_boot=100, n_flips=99, min_sites=5, min_groups=3, primary=("C4",)
    ).enrichment
    row = result[(result["kind"] == "donor") & (result["statistic"] == "mean_difference")]
    donors = (found.windows.sites["kind"] == "donor").to_numpy()
    wanted = found.native[donors, 8].mean() - found.shuffled[donors, :, 8].mean()
    assert row["effect"].item() == pytest.approx(wanted, abs=1e-6)
    assert row["p_value"].notna().all() and row["n_sites"].item() == donors.sum()


def test_a_missing_shuffle_leaves_the_mean_of_the_others(found: ContextProfiles) -> None:
    shuffled = found.shuffled.copy()
    shuffled[0, 1, 3] = np.nan
    shuffled[1, :, 3] = np.nan
    _, controls = pair_contexts(replace(found, shuffled=shuffled))
    assert controls.values[0, 3] == pytest.approx(found.shuffled[0, [0, 2], 3].mean(), abs=1e-6)
    assert np.isnan(controls.values[1, 3]) and not np.isnan(controls.values[1, 2])


def test_wrong_input_is_refused(model, found: ContextProfiles) -> None:
    with pytest.raises(InputError, match="no site has a window; wanted at least one"):
        near = SITES.iloc[:1].assign(edge=3)
        profile_contexts(model, shuffle(near, GENOME))
    with pytest.raises(InputError, match="batch_size is 0; wanted at least 1"):
        profile_contexts(model, found.windows, flank_bp=8, batch_size=0)
    with pytest.raises(DeviceError, match="dtype 'float8'"):
        profile_contexts(model, found.windows, flank_bp=8, dtype="float8")
    with pytest.raises(InputError, match="context profiles have native \\(24, 16\\)"):
        replace(found, native=found.native[:, 1:])
    controls = found.windows.sites.assign(set="C1")
    with pytest.raises(InputError, match="not all of the set 'site'"):
        pair_contexts(replace(found, windows=replace(found.windows, sites=controls)))


def test_forward_reads_the_plus_strand_and_puts_values_on_the_sites_offsets(model, found) -> None:
    """A site on - is read turned: offset o is edge 32 - o of the plus-strand window."""
    forward = profile_contexts(model, found.windows, flank_bp=8, strand="forward")
    minus = (found.windows.sites["strand"] == "-").to_numpy()
    assert minus.any() and not minus.all()
    np.testing.assert_allclose(forward.native[~minus], found.native[~minus], atol=1e-6)
    np.testing.assert_allclose(forward.shuffled[~minus], found.shuffled[~minus], atol=1e-6)
    for i in np.flatnonzero(minus)[:3]:
        turned = [reverse_complement(ids) for ids in found.windows.ids[i]]
        alone = predict_boundaries(model, turned, batch_size=1)
        values = np.stack([p[32 + 8 : 32 - 9 : -1] for p in alone])
        np.testing.assert_allclose(forward.native[i], values[0], atol=1e-6)
        np.testing.assert_allclose(forward.shuffled[i], values[1:], atol=1e-6)
        assert np.abs(forward.native[i] - found.native[i]).max() > 1e-3  # strands do differ


def test_mean_is_of_both_reads_whatever_the_strand_of_the_site(model, found) -> None:
    both = profile_contexts(model, found.windows, flank_bp=8, strand="mean")
    flipped = replace(found.windows, sites=found.windows.sites.assign(strand="-"))
    other = profile_contexts(model, flipped, flank_bp=8, strand="forward")
    np.testing.assert_allclose(both.native, (found.native + other.native) / 2, atol=1e-6)
    np.testing.assert_allclose(both.shuffled, (found.shuffled + other.shuffled) / 2, atol=1e-6)
    with pytest.raises(InputError, match="strand mode 'both'; wanted one of transcript, forward"):
        profile_contexts(model, found.windows, flank_bp=8, strand="both")
