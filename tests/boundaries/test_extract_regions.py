"""p on whole regions: the same numbers as around sites, every edge once, in each orientation."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.boundaries.extract import extract_boundaries
from ldar_interp.boundaries.extract_regions import extract_regions
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.model.checkpoint import preset, random_model

MARGIN = 32
ALL = ("forward", "reverse", "mean")


@pytest.fixture(scope="module")
def model():
    return random_model(preset("nano").with_length(128), seed=3).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def genome():
    def letters(n, seed):
        return "".join(np.random.default_rng(seed).choice(list("ACGT"), size=n).tolist())

    return Genome.from_records({"chr1": letters(900, 0), "chr2:101-700": letters(600, 1)})


def spans(track, orientation="forward"):
    return [(s.chrom, s.start, s.end) for s in track.segments[orientation]]


def test_a_region_has_both_its_end_edges(model, genome):
    track = extract_regions(model, genome, "chr1:301-340", margin_bp=MARGIN)
    assert track.orientations == ("forward",)
    assert spans(track) == [("chr1", 300, 341)]
    assert np.isfinite(track.gather("chr1", np.arange(300, 341), "forward")).all()


@pytest.mark.parametrize("mode", ["forward", "mean"])
def test_values_are_those_around_a_site_in_the_middle(model, genome, mode):
    site = pd.DataFrame({"chrom": ["chr1"], "edge": [320], "strand": ["+"]})
    wanted = extract_boundaries(
        model, genome, around=site, flank_bp=20, margin_bp=MARGIN, strand=mode
    )
    found = extract_regions(model, genome, "chr1:301-340", orientations=ALL, margin_bp=MARGIN)
    edges = np.arange(300, 341)
    np.testing.assert_allclose(
        found.gather("chr1", edges, mode), wanted.gather("chr1", edges, mode), atol=1e-6
    )


def test_mean_is_the_mean_and_reverse_the_minus_strand(model, genome):
    track = extract_regions(model, genome, "chr1:301-340", orientations=ALL, margin_bp=MARGIN)
    edges = np.arange(300, 341)
    forward, reverse, mean = (track.gather("chr1", edges, name) for name in ALL)
    np.testing.assert_allclose(mean, (forward + reverse) / 2, atol=1e-7)
    assert np.abs(forward - reverse).max() > 1e-3
    alone = extract_regions(model, genome, "chr1:301-340", orientations=["mean"], margin_bp=MARGIN)
    assert alone.orientations == ("mean",)
    np.testing.assert_array_equal(alone.gather("chr1", edges, "mean"), mean)


def test_overlapping_and_touching_regions_are_one_and_order_does_not_matter(model, genome):
    regions = [Interval("chr2", 400, 420), "chr1:301-340", Interval("chr1", 330, 360, "-"),
               "chr1:361-370"]  # fmt: skip
    track = extract_regions(model, genome, regions, margin_bp=MARGIN)
    assert spans(track) == [("chr1", 300, 371), ("chr2", 400, 421)]


def test_edges_near_the_ends_are_nan_and_counted(model, genome):
    track = extract_regions(model, genome, Interval("chr2", 100, 700), margin_bp=MARGIN)
    values = track.gather("chr2", np.arange(100, 701), "forward")
    assert np.isnan(values[:MARGIN]).all() and np.isnan(values[-MARGIN:]).all()
    assert np.isfinite(values[MARGIN:-MARGIN]).all()
    assert track.provenance["edges_without_value"] == {"forward": 2 * MARGIN}


@pytest.mark.parametrize(
    ("regions", "changes", "error", "message"),
    [
        ([], {}, InputError, "no regions; wanted at least one"),
        (["chr1:5"], {}, InputError, "region 'chr1:5' is not chrom:start-end"),
        ([7], {}, InputError, "region is a int; wanted an Interval or text"),
        ("chr1:1-901", {}, CoordinateError, "region chr1:1-901 is not inside the genome, which "
         "has chr1:1-900; wanted bases of one piece"),
        (["chr1:1-9", "chrX:1-9"], {}, CoordinateError, "region chrX:1-9: the genome has no "
         "'chrX'; it has chr1, chr2"),
        ("chr1:1-9", {"orientations": ("both",)}, InputError, "orientation 'both'; wanted some of "
         "forward, reverse, mean"),
        ("chr1:1-9", {"orientations": ()}, InputError, "orientations are none; wanted"),
        ("chr1:1-9", {"orientations": ("mean", "mean")}, InputError, "orientations are mean, mean"),
        ("chr1:1-9", {"workers": 0}, InputError, "workers 0, batch_size None; wanted at least 1"),
        ("chr1:1-9", {"margin_bp": 64}, InputError, "margin of 64 bp in windows of 128 bp"),
    ],
)  # fmt: skip
def test_wrong_regions_are_errors(model, genome, regions, changes, error, message):
    with pytest.raises(error) as caught:
        extract_regions(model, genome, regions, **({"margin_bp": MARGIN} | changes))
    assert str(caught.value).startswith(message)
