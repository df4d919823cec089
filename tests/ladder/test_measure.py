"""Residuals of shuffled contexts: each window's own expectation, by the fit of its site's block."""

import numpy as np
import pandas as pd

from ldar_interp.boundaries.shuffled_context import ContextProfiles, ContextWindows
from ldar_interp.genome.fasta import Genome
from ldar_interp.ladder.measure import TOO_FEW, shuffle_large_kinds, subtract_expected
from ldar_interp.ladder.settings import LadderSettings

WINDOW_BP, OFFSETS = 8, np.array([-1, 0, 1])


class Blocks:
    def find_sites(self, sites):
        return sites["block"].to_numpy()


class Null:
    """Expects 0.1 a block, 0.01 an edge of the window and 0.001 by its first letter."""

    def __init__(self):
        self.blocks = Blocks()

    def expect_windows(self, ids, block):
        edges = np.arange(ids.shape[1])
        return 0.1 * np.asarray(block)[:, None] + 0.01 * edges + 0.001 * ids[:, :1]


def test_each_window_loses_what_its_letters_and_its_block_expect():
    sites = pd.DataFrame({"site_id": ["a", "b"], "block": [1, 3], "strand": ["+", "-"]})
    first_letter = np.array([[0, 1, 2], [3, 0, 1]], dtype=np.uint8)  # native, two shuffles
    ids = np.repeat(first_letter[:, :, None], WINDOW_BP, axis=2)
    windows = ContextWindows(sites, ids, {}, {})
    ones = np.ones((2, 3), dtype=np.float32)
    found = ContextProfiles(windows, OFFSETS, ones, np.ones((2, 2, 3), dtype=np.float32))
    residual = subtract_expected(found, Null())
    at_edges = 0.01 * (WINDOW_BP // 2 + OFFSETS)
    for site, block in enumerate((1, 3)):
        expected = [0.1 * block + at_edges + 0.001 * letter for letter in first_letter[site]]
        np.testing.assert_allclose(residual.native[site], 1 - expected[0], rtol=1e-6)
        np.testing.assert_allclose(residual.shuffled[site], 1 - np.array(expected[1:]), rtol=1e-6)


def test_a_turned_window_loses_what_is_expected_of_its_turned_letters():
    """Forward mode, a site on -: T becomes A, and offset o lies at column c - o."""
    sites = pd.DataFrame({"site_id": ["a"], "block": [1], "strand": ["-"]})
    ids = np.array([0, 1, 2, 3, 3, 3, 3, 3], dtype=np.uint8)  # ACGTTTTT, turned AAAAACGT
    windows = ContextWindows(sites, np.stack([ids, ids[::-1]])[None], {}, {})
    native, shuffled = np.ones((1, 3), np.float32), np.ones((1, 1, 3), np.float32)
    found = ContextProfiles(windows, OFFSETS, native, shuffled)
    residual = subtract_expected(found, Null(), strand="forward")
    at_edges = 0.1 + 0.01 * (WINDOW_BP // 2 - OFFSETS)
    np.testing.assert_allclose(residual.native[0], 1 - at_edges, rtol=1e-6)  # begins with A
    np.testing.assert_allclose(residual.shuffled[0, 0], 1 - at_edges - 0.003, rtol=1e-6)  # with T
    both = subtract_expected(found, Null(), strand="mean")
    kept = subtract_expected(found, Null(), strand="transcript")
    np.testing.assert_allclose(both.native, (kept.native + residual.native) / 2, rtol=1e-6)


def test_only_kinds_with_enough_sites_and_groups_are_shuffled():
    """A window of C4 serves one site: none is run for a kind that would have no interval."""
    letters = "".join(np.random.default_rng(2).choice(list("ACGT"), 4000).tolist())
    genome = Genome.from_records({"chr1": letters})
    sizes = {"large": (20, 10), "few": (19, 19), "one_gene": (30, 9)}
    kind = np.repeat(list(sizes), [n for n, _ in sizes.values()])
    sites = pd.DataFrame(
        {
            "site_id": [f"s{i}" for i in range(kind.size)], "chrom": "chr1", "strand": "+",
            "edge": 1000 + 20 * np.arange(kind.size), "kind": kind, "set": "site",
            "group": [f"g{i % sizes[k][1]}" for i, k in enumerate(kind)],
        }
    )  # fmt: skip
    settings = LadderSettings(out="-", n_shuffles=1)
    cores = dict.fromkeys(sizes, (0, 6))
    found = shuffle_large_kinds(sites, genome, settings, cores=cores)
    assert set(found.sites["kind"]) == {"large"} and len(found) == 20
    assert found.counts["few"] == {"sites": 19, "used": 0, TOO_FEW: 19}
    assert found.counts["one_gene"][TOO_FEW] == 30 and found.counts["large"]["used"] == 20
    none = shuffle_large_kinds(sites[kind == "few"], genome, settings, cores=cores)
    assert none.ids.shape == (0, 2, 1024) and list(none.counts) == ["few"]
