"""The null on disk, its answers by block, and tracks of observed minus expected."""

from dataclasses import replace

import numpy as np
import pytest
from simulated_letters import BLOCK_BP, make_background

from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment, read_track, write_track
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import reverse_complement
from ldar_interp.letters.fit import fit_null
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.letters.residual import residual_track


@pytest.fixture(scope="module")
def null(fitted):
    return replace(fitted.null, strands="both")


def test_save_and_load_are_exact(null, tmp_path):
    null.save(tmp_path / "null.npz")
    null.save(tmp_path / "again.npz")
    assert (tmp_path / "null.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    back = KmerNull.load(tmp_path / "null.npz")
    for name in ("fold", "beta", "tail", "k", "shrink"):
        np.testing.assert_array_equal(getattr(back, name), getattr(null, name))
    for name in ("chrom", "low", "high"):
        np.testing.assert_array_equal(getattr(back.fitted, name), getattr(null.fitted, name))
    np.testing.assert_array_equal(back.blocks.chrom, null.blocks.chrom)
    np.testing.assert_array_equal(back.blocks.index, null.blocks.index)
    assert (back.scale, back.strands) == (null.scale, null.strands)
    assert back.provenance == null.provenance and back.provenance["checkpoint"] == "simulated"


@pytest.mark.parametrize("content", [None, b"letters"])
def test_unreadable_null(tmp_path, content):
    path = tmp_path / "broken.npz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"broken\.npz: cannot be read as a k-mer null"):
        KmerNull.load(path)


def test_each_block_is_answered_by_the_fit_without_it(world, fitted, null):
    """What the null says of its own background is the held-out prediction."""
    background = make_background(world, world.prob)
    expected = null.expect_windows(background.ids, background.block)
    np.testing.assert_allclose(expected[np.isfinite(expected)], fitted.chosen, atol=1e-6)
    per_edge = np.repeat(background.block[:, None], background.ids.shape[1], axis=1)
    np.testing.assert_array_equal(null.expect_windows(background.ids, per_edge), expected)
    other = null.expect_windows(background.ids, (background.block + 1) % 8)
    assert np.nanmax(np.abs(other - expected)) > 1e-4


def test_sequence_of_no_block_takes_the_fit_of_everything(null):
    assert null.fold_of([-1, 0]).tolist() == [null.n_folds, null.fold[0]]
    with pytest.raises(InputError, match="blocks from 0 to 8; wanted -1 to 7"):
        null.fold_of([0, 8])


def test_residuals_of_each_orientation(world, null):
    """One window by window, 5' to 3' as read, across a block's border."""
    start, end = BLOCK_BP - 300, BLOCK_BP + 200
    rng = np.random.default_rng(2)
    values = {name: rng.random(end - start, dtype=np.float32) for name in ("forward", "reverse")}
    values["mean"] = (values["forward"] + values["reverse"]) / 2
    track = BoundaryTrack({k: [TrackSegment("chr1", start, v)] for k, v in values.items()})
    found = residual_track(track, world.genome, null)
    assert found.signal == "residual" and found.provenance["kmer_null"] == null.provenance
    expected = {name: np.empty(end - start) for name in values}
    for edge in range(start, end):
        ids = world.ids[edge - 100 : edge + 100][None]
        block = edge // BLOCK_BP
        forward = null.expect_windows(ids, block)[0, 100]
        reverse = null.expect_windows(reverse_complement(ids), block)[0, 100]
        row = edge - start
        expected["forward"][row], expected["reverse"][row] = forward, reverse
        expected["mean"][row] = (forward + reverse) / 2
    for name in values:
        got = found.gather("chr1", np.arange(start, end), name)
        np.testing.assert_allclose(got, values[name] - expected[name], atol=1e-6)
    assert np.abs(expected["forward"] - expected["reverse"]).max() > 0.1


def test_ends_of_the_sequence_are_not_evaluated(world, null):
    size = world.ids.size
    track = BoundaryTrack(
        {"forward": [TrackSegment("chr1", 0, np.full(size + 1, 0.5, np.float32))]}
    )
    values = residual_track(track, world.genome, null).gather(
        "chr1", np.arange(size + 1), "forward"
    )
    known = np.flatnonzero(~np.isnan(values))
    assert known[0] == 100 and known[-1] == size - 100 and known.size == size - 199


def test_what_has_no_residual(world, fitted, null):
    segment = [TrackSegment("chr1", 500, np.full(3, 0.5, np.float32))]
    once = residual_track(BoundaryTrack({"reverse": segment}), world.genome, null)
    with pytest.raises(InputError, match="signal 'residual'; wanted p: a residual is final"):
        residual_track(once, world.genome, null)
    with pytest.raises(InputError, match="track holds reverse but the null was fitted on forward"):
        residual_track(BoundaryTrack({"reverse": segment}), world.genome, fitted.null)


def test_track_of_residuals_keeps_its_signal(tmp_path):
    part = TrackSegment("chr1", 5, np.array([-0.5, np.nan, 0.25], np.float32), "residual")
    track = BoundaryTrack({"forward": [part]}, {"seed": 1}, "residual")
    write_track(track, tmp_path / "track.npz")
    back = read_track(tmp_path / "track.npz")
    assert back.signal == "residual" and back.segments["forward"][0].signal == "residual"
    np.testing.assert_array_equal(back.gather("chr1", [5, 6, 7], "forward"), part.values)
    turned = back.reverse_complement({"chr1": 20})
    assert turned.signal == "residual"
    with pytest.raises(InputError, match="'residual', which has no hard boundaries"):
        _ = back.is_boundary


def test_wrong_signals():
    values = np.array([-0.5], np.float32)
    with pytest.raises(InputError, match=r"holds the value -0\.5; wanted \[0, 1\] or NaN"):
        TrackSegment("chr1", 0, values)
    with pytest.raises(InputError, match=r"holds the value -1\.5; wanted \[-1, 1\] or NaN"):
        TrackSegment("chr1", 0, values * 3, "residual")
    with pytest.raises(InputError, match="signal 'logit'; wanted one of prob, residual"):
        TrackSegment("chr1", 0, values, "logit")
    part = TrackSegment("chr1", 0, values, "residual")
    with pytest.raises(InputError, match="track of 'prob' has segments of residual"):
        BoundaryTrack({"forward": [part]})


def test_impossible_settings_of_a_fit(world):
    background = make_background(world, world.prob)
    with pytest.raises(InputError, match="k is 5; wanted one of"):
        fit_null(background, k=5)
    with pytest.raises(InputError, match="wanted one or more above 0"):
        fit_null(background, shrinks=(0.0,))
