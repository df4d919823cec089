"""The pipeline controls on arrays that one can check by hand, and the program on a few introns."""

import gzip
import json

import numpy as np
import pandas as pd
import pytest
import typer
from typer.testing import CliRunner

from analyses.splice_controls import nulls, planted, tracks
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF
from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.errors import InputError
from ldar_interp.genome.intervals import Interval
from ldar_interp.profiles import collect
from ldar_interp.stats.resample import sign_flip_test

SEGMENTS = (Interval("chr1", 101, 401),)


def make_sites(edges, strands, **columns):
    n = len(edges)
    table = pd.DataFrame(
        {
            "site_id": [f"s{i}" for i in range(n)],
            "chrom": "chr1",
            "edge": np.asarray(edges, dtype=np.int64),
            "strand": strands,
            "kind": "donor",
            "set": "site",
            "group": [f"g{i}" for i in range(n)],
        }
    )
    return table.assign(**columns)


# Tracks that know no letters


def test_the_grid_is_counted_from_the_first_edge_of_the_chromosome():
    track = tracks.cut_at_grid(SEGMENTS, period_bp=4, phase=3)
    for orientation in ("forward", "reverse"):
        found = track.gather("chr1", [102, 103, 104, 107, 401, 402], orientation)
        np.testing.assert_array_equal(found, [0, 1, 0, 1, 0, np.nan])


def test_phases_of_a_grid_cut_every_edge_once():
    edges = np.arange(101, 402)
    grids = [tracks.cut_at_grid(SEGMENTS, period_bp=4, phase=i) for i in range(4)]
    total = sum(grid.gather("chr1", edges, "forward") for grid in grids)
    np.testing.assert_array_equal(total, np.ones(edges.size))


def test_random_cuts_have_their_rate_and_their_seed():
    segments = (Interval("chr1", 0, 20_000), Interval("chr2", 0, 20_000))
    a, b, c = (tracks.cut_at_random(segments, rate=0.25, seed=i) for i in (1, 1, 2))
    edges = np.arange(20_001)
    one, two = (a.gather(chrom, edges, "forward") for chrom in ("chr1", "chr2"))
    assert np.mean([one, two]) == pytest.approx(0.25, abs=0.01)
    assert not np.array_equal(one, two)
    np.testing.assert_array_equal(one, b.gather("chr1", edges, "reverse"))
    assert not np.array_equal(one, c.gather("chr1", edges, "forward"))


def test_a_phase_outside_the_period_is_an_error():
    with pytest.raises(InputError, match="phase 4 of a grid of 4 bp; wanted 0 to 3"):
        tracks.cut_at_grid(SEGMENTS, period_bp=4, phase=4)


def test_a_rate_of_one_is_an_error():
    with pytest.raises(InputError, match=r"rate 1.0 of random boundaries"):
        tracks.cut_at_random(SEGMENTS, rate=1.0, seed=0)


# Labels that mean nothing


def test_labels_swap_by_gene_or_by_pair():
    group = np.repeat([f"g{i}" for i in range(50)], 4)
    ones = np.ones(group.size)
    by_gene = nulls.swap_labels(ones, group, by=nulls.BY_GENE, rng=np.random.default_rng(0))
    assert (np.abs(by_gene.reshape(50, 4).sum(axis=1)) == 4).all()
    assert set(by_gene) == {-1.0, 1.0}
    by_pair = nulls.swap_labels(ones, group, by=nulls.BY_PAIR, rng=np.random.default_rng(0))
    assert (np.abs(by_pair.reshape(50, 4).sum(axis=1)) < 4).any()


def test_labels_cannot_be_swapped_by_anything_else():
    with pytest.raises(InputError, match="labels swapped by 'site'"):
        nulls.swap_labels(np.ones(1), np.array(["g"]), by="site", rng=np.random.default_rng(0))


def test_two_controls_of_a_site_are_never_the_same_one_or_a_missing_one():
    values = np.array([[1.0, 2.0, 4.0], [8.0, np.nan, 16.0]])
    rng = np.random.default_rng(0)
    found = np.stack([nulls.subtract_two(values, rng) for _ in range(200)])
    assert set(np.abs(found[:, 0])) == {1.0, 2.0, 3.0}
    assert set(found[:, 1]) == {-8.0, 8.0}


def test_genes_that_move_together_fool_the_naive_test_and_not_ours():
    rng = np.random.default_rng(3)
    group = np.repeat([f"g{i:02d}" for i in range(25)], rng.integers(2, 20, size=25))
    difference = 0.2 + rng.normal(0, 0.1, size=group.size)
    hits = {"flip": 0, "naive": 0}
    for _ in range(200):
        swapped = nulls.swap_labels(difference, group, by=nulls.BY_GENE, rng=rng)
        hits["flip"] += sign_flip_test(swapped, group, n_flips=199, rng=rng).p_value[0] <= 0.05
        hits["naive"] += nulls.stats.ttest_1samp(swapped, 0.0).pvalue <= 0.05
    low, high = nulls.binomial_interval(int(hits["flip"]), 200, level=0.999)
    assert low <= 0.05 <= high
    assert hits["naive"] > 60


def test_draws_are_compared_site_by_site():
    sites = make_sites([110, 120, 130], list("+++"))
    controls = pd.concat(
        [
            sites.assign(
                edge=sites["edge"] + 100 + 50 * draw,
                set="C1",
                draw=draw,
                matched_to=sites["site_id"],
                site_id=[f"c{draw}{i}" for i in range(3)],
            )[::step]
            for draw, step in ((0, 1), (1, -1))
        ],
        ignore_index=True,
    ).drop(index=3)  # draw 1 has no control of the last site
    values = (np.arange(301) / 1000).astype(np.float32)
    track = BoundaryTrack({"forward": [TrackSegment("chr1", 101, values)]})
    profiles = collect(track, controls, flank_bp=2)
    found = nulls.compare_draws(profiles, first=0, second=1, kind="donor", control="C1")
    np.testing.assert_allclose(found.difference, [-0.05, -0.05], atol=1e-6)
    assert found.group.tolist() == ["g0", "g1"]
    drawn, group = nulls.pick_controls(
        collect(track, sites, flank_bp=2), profiles, kind="donor", control="C1"
    )
    np.testing.assert_allclose(drawn, [[0.109, 0.159], [0.119, 0.169]], atol=1e-6)
    assert group.tolist() == ["g0", "g1"]


# A planted difference


def test_planting_raises_the_edge_on_the_strand_that_is_read_and_nothing_else():
    flat = np.full(301, 0.95, dtype=np.float32)
    flat[0] = np.nan
    track = BoundaryTrack(
        {
            "forward": [TrackSegment("chr1", 101, np.full(301, 0.5, np.float32))],
            "reverse": [TrackSegment("chr1", 101, flat)],
        }
    )
    sites = make_sites([150, 150, 200, 101, 900], list("++---"))
    found = planted.plant(track, sites, 0.1)
    assert (found.n_planted, found.n_clipped, found.n_missing) == (2, 1, 2)
    assert found.lost == pytest.approx(0.025, abs=1e-6)
    edges = np.arange(101, 402)
    forward = found.track.gather("chr1", edges, "forward")
    reverse = found.track.gather("chr1", edges, "reverse")
    assert np.flatnonzero(forward != 0.5).tolist() == [150 - 101]
    assert forward[150 - 101] == pytest.approx(0.6)
    assert np.flatnonzero(reverse == 1.0).tolist() == [200 - 101]
    assert track.gather("chr1", [150], "forward")[0] == 0.5


def test_resampled_genes_are_whole_and_labelled_apart():
    group = np.array(["a", "b", "a", "c"])
    rng = np.random.default_rng(0)
    for _ in range(20):
        rows, label = planted.resample_genes(group, rng)
        assert np.unique(label).size == 3
        for copy in np.unique(label):
            names = group[rows[label == copy]]
            assert len(set(names)) == 1
            assert len(names) == (group == names[0]).sum()


def test_power_grows_and_the_estimate_is_the_planted_size():
    rng = np.random.default_rng(1)
    group = np.repeat([f"g{i:02d}" for i in range(25)], 8)
    site = rng.uniform(0.2, 0.4, size=group.size)
    pairs = nulls.PairsAtEdge(site, rng.uniform(0.6, 0.8, size=group.size), group, 0)
    found = {
        delta: planted.measure_power(
            pairs, delta, n_repeats=40, n_flips=199, n_boot=200, rng=np.random.default_rng(2)
        )
        for delta in (0.0, 0.1)
    }
    assert (found[0.0]["p_value"] <= 0.05).mean() < 0.25
    assert (found[0.1]["p_value"] <= 0.05).all()
    assert found[0.1]["effect"].mean() == pytest.approx(0.1, abs=0.01)
    np.testing.assert_allclose(found[0.1]["truth"], 0.1)


def test_what_clipping_takes_is_in_the_truth():
    group = np.array([f"g{i}" for i in range(20)])
    pairs = nulls.PairsAtEdge(np.tile([0.5, 0.95], 10), np.zeros(20), group, 0)
    found = planted.measure_power(
        pairs, 0.1, n_repeats=1, n_flips=99, n_boot=100, rng=np.random.default_rng(0)
    )
    assert found["truth"].iloc[0] == pytest.approx(0.075)


# The program


CONFIG = """
seed = 1
alpha = 0.05
flank_bp = 2
n_draws = 2
n_boot = 100
n_flips = 99
[random_models]
preset = "nano"
seeds = [1]
window_bp = 64
margin_bp = 16
[fixed_cuts]
period_bp = 4
random_seeds = [1]
[null_tests]
n_repeats = 3
[planted]
rung = "C1"
deltas = [0.1]
n_repeats = 2
"""


@pytest.fixture(scope="module")
def region(tmp_path_factory):
    """The embedded region with the first exons of each gene only, so that it takes seconds."""
    gtf = tmp_path_factory.mktemp("region") / "few.gtf"
    with gzip.open(DEMO_GTF, "rt") as handle:
        lines = [line for line in handle if line.split("\t")[2:3] == ["exon"]]
    kept, seen = [], {}
    for line in lines:
        gene = line.split("gene_id")[1].split(";")[0]
        seen[gene] = seen.get(gene, 0) + 1
        if seen[gene] <= 3:
            kept.append(line)
    gtf.write_text("".join(kept))
    return DEMO_FASTA, gtf


def run_program(tmp_path, region, name, *options):
    from analyses.splice_controls.run import main

    app = typer.Typer()
    app.command()(main)
    (tmp_path / "config.toml").write_text(CONFIG)
    arguments = ["--config", tmp_path / "config.toml", "--out", tmp_path / name]
    arguments += ["--cache", tmp_path / "cache", "--fasta", region[0], "--gtf", region[1]]
    return CliRunner().invoke(app, [*map(str, arguments), *options])


def test_the_program_writes_the_same_bytes_twice(tmp_path, region):
    for name in ("first", "second"):
        result = run_program(tmp_path, region, name)
        assert result.exit_code == 0, result.output
    names = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert names == [
        "data.tsv", "provenance.json", "splice_controls.pdf", "splice_controls.png",
    ]  # fmt: skip
    for name in names:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()
    assert len(list((tmp_path / "cache").iterdir())) == 1
    data = pd.read_csv(tmp_path / "first" / "data.tsv", sep="\t")
    assert sorted(set(data["panel"])) == list("abcdef")
    planted_rows = data[(data["panel"] == "e") & (data["test"] == "planted on the track")]
    outcome = json.loads((tmp_path / "first" / "provenance.json").read_text())["outcome"]
    assert outcome["planted"]["largest_error_of_recovered_effect"] < 1e-6
    assert (planted_rows["y"] <= 0.1 + 1e-6).all() and (planted_rows["y"] > 0.05).all()


def test_an_unknown_setting_is_one_line(tmp_path, region):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{__name__}.CONFIG", CONFIG.replace("n_boot", "n_boots"))
        result = run_program(tmp_path, region, "out")
    assert result.exit_code == 2
    assert not (tmp_path / "out").exists()


def test_a_region_with_one_gene_is_an_error(tmp_path, region):
    gtf = tmp_path / "one.gtf"
    lines = region[1].read_text().splitlines(keepends=True)
    gtf.write_text("".join(line for line in lines if 'gene_name "TRAK1"' in line))
    result = run_program(tmp_path, (region[0], gtf), "out")
    assert result.exit_code == 2
    assert "have a control in" in result.output and "use a larger region" in result.output
