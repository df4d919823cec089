"""Which windows are drawn and modelled, and which edges are left out."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.boundaries.extract import predict_boundaries
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import N, decode, reverse_complement
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.blocks import choose_block_bp, deal_folds, list_blocks
from ldar_interp.letters.exclusion import near_sites
from ldar_interp.letters.sample import sample_background
from ldar_interp.model.checkpoint import preset, random_model

LENGTH, MARGIN = 256, 40


@pytest.fixture(scope="module")
def model():
    return random_model(preset("nano").with_length(LENGTH), seed=3).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def genome():
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 4, 9000).astype(np.uint8)
    ids[3000:3100] = N
    return Genome.from_records({"chr1": decode(ids[:6000]), "chr2:1001-4000": decode(ids[6000:])})


@pytest.fixture(scope="module")
def background(model, genome):
    return sample_background(
        model, genome, n_bases=20 * LENGTH, margin_bp=MARGIN, seed=4, block_bp=1000
    )


def test_windows_are_what_the_model_read(model, genome, background):
    assert len(background) == 20 and background.is_reverse.sum() == 10
    assert background.strands == "both" and background.counts["windows_reverse"] == 10
    for row in range(len(background)):
        start = int(background.start[row])
        ids = genome.fetch(str(background.chrom[row]), start, start + LENGTH)
        ids = reverse_complement(ids) if background.is_reverse[row] else ids
        np.testing.assert_array_equal(background.ids[row], ids)
        assert not (ids >= N).any()
        size = background.blocks.size_bp
        block = background.block[row]
        assert background.blocks.index[block] == start // size == (start + LENGTH - 1) // size
        assert background.blocks.chrom[block] == background.chrom[row]
    expected = np.stack(predict_boundaries(model, list(background.ids)))
    kept = slice(MARGIN, LENGTH - MARGIN + 1)
    np.testing.assert_allclose(background.prob[:, kept], expected[:, kept], atol=1e-6)
    outside = np.delete(background.prob, np.arange(LENGTH)[kept], axis=1)
    assert np.isnan(outside).all() and outside.size


def test_kept_edges_of_windows_do_not_overlap_and_blocks_share_evenly(background):
    edges = background.edges()[np.isfinite(background.prob)]
    names = np.repeat(background.chrom, np.isfinite(background.prob).sum(axis=1))
    assert len(set(zip(names.tolist(), edges.tolist(), strict=True))) == edges.size
    per_block = np.bincount(background.block, minlength=len(background.blocks))
    assert per_block.max() - per_block.min() <= 1


def test_edges_of_a_reverse_window(background):
    forward, reverse = (int(np.flatnonzero(background.is_reverse == r)[0]) for r in (False, True))
    assert background.edges()[forward, 7] == background.start[forward] + 7
    assert background.edges()[reverse, 7] == background.start[reverse] + LENGTH - 7


def test_seed_and_strand(model, genome, background):
    def draw(**more):
        given = {"n_bases": 20 * LENGTH, "margin_bp": MARGIN, "seed": 4, "block_bp": 1000} | more
        return sample_background(model, genome, **given)

    again = draw()
    np.testing.assert_array_equal(again.prob, background.prob)
    assert not np.array_equal(draw(seed=5).start, background.start)
    forward = draw(strand="forward")
    assert forward.strands == "forward" and not forward.is_reverse.any()


def test_edges_near_sites_are_left_out(model, genome, background):
    edges = background.edges()
    middle = int(edges[0, LENGTH // 2])
    table = pd.DataFrame({"chrom": [str(background.chrom[0])], "edge": [middle]})
    less = sample_background(
        model, genome, exclude=[table], n_bases=20 * LENGTH, margin_bp=MARGIN, seed=4,
        block_bp=1000,
    )  # fmt: skip
    gone = np.isnan(less.prob[0]) & np.isfinite(background.prob[0])
    np.testing.assert_array_equal(
        gone, np.isfinite(background.prob[0]) & (np.abs(edges[0] - middle) <= 60)
    )
    assert less.counts["edges_near_sites"] >= gone.sum() > 50


def test_motifs_cover_their_width_on_their_strand():
    table = pd.DataFrame(
        {"chrom": "chr1", "edge": [1000, 2000], "strand": ["+", "-"], "width_bp": [10, 10]}
    )
    edges = np.array([[939, 940, 1070, 1071, 1929, 1930, 2060, 2061]])
    near = near_sites(np.array(["chr1"]), edges, [table])
    assert near.tolist() == [[False, True, True, False, False, True, True, False]]
    assert not near_sites(np.array(["chr2"]), edges, [table]).any()


def test_sites_that_overlap_are_seen_once_and_gaps_stay():
    table = pd.DataFrame({"chrom": "chr1", "edge": [500, 505, 900]})
    edges = np.arange(400, 1001)[None]
    near = near_sites(np.array(["chr1"]), edges, [table])[0]
    distance = np.abs(edges[0][:, None] - table["edge"].to_numpy()).min(axis=1)
    np.testing.assert_array_equal(near, distance <= 60)


def test_blocks_and_folds(genome):
    assert choose_block_bp(genome, 100) == 1_000_000 // 2**10
    with pytest.raises(InputError, match="the genome has 9000 bases; wanted 16384 or more"):
        choose_block_bp(genome, 1024)
    blocks = list_blocks(genome, 1000)
    assert len(blocks) == 9
    assert blocks.find("chr2", np.array([999, 1000, 3999, 4000])).tolist() == [-1, 6, 8, -1]
    assert blocks.find("chr9", np.array([5])).tolist() == [-1]
    fold = deal_folds(np.array([5, 0, 9, 1, 1, 1, 1, 1, 1, 1]))
    assert fold[1] == -1 and fold[2] == 0 and fold[0] == 1
    assert sorted(set(fold.tolist()) - {-1}) == list(range(8))
    with pytest.raises(InputError, match="2 blocks have edges to fit on; wanted at least 3"):
        deal_folds(np.array([5, 0, 9]))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"strand": "both"}, "strand mode 'both'; wanted one of transcript"),
        ({"n_bases": 100}, "background of 100 bases; wanted at least a window, 256"),
        ({"block_bp": 200}, "no window of 256 bases without N fits into a block of 200 bp"),
    ],
)
def test_wrong_requests(model, genome, more, message):
    with pytest.raises(InputError, match=message):
        sample_background(model, genome, **({"margin_bp": MARGIN, "block_bp": 1000} | more))


def test_table_without_columns():
    with pytest.raises(InputError, match="keep away from lacks the columns edge"):
        near_sites(np.array(["chr1"]), np.zeros((1, 1), np.int64), [pd.DataFrame({"chrom": []})])
