"""Edges of a fit as ranges, and how many of them lie near sites."""

import numpy as np
import pandas as pd
import pytest

from ldar_interp.errors import InputError
from ldar_interp.letters.fitted import list_fitted


def test_ranges_of_edges_in_any_order():
    chrom = np.array(["b", "a", "a", "b", "a", "a", "a"])
    found = list_fitted(chrom, np.array([7, 3, 1, 9, 2, 5, 2]))
    ranges = list(zip(found.chrom.tolist(), found.low.tolist(), found.high.tolist(), strict=True))
    assert ranges == [("a", 1, 3), ("a", 5, 5), ("b", 7, 7), ("b", 9, 9)]
    assert found.n_edges == 6  # the second a:2 counts once
    assert list_fitted(np.array([], dtype=str), np.array([], dtype=np.int64)).n_edges == 0


def test_edges_near_sites_and_motifs_are_counted():
    """Edges 100..199 and 300..399: a site at 250 is 51 from one and 50 from the other."""
    edges = np.concatenate([np.arange(100, 200), np.arange(300, 400)])
    found = list_fitted(np.full(edges.size, "a"), edges)
    site = pd.DataFrame({"chrom": ["a"], "edge": [250]})
    assert found.count_near([site]) == 10 + 11
    assert found.count_near([site], keep_away_bp=49) == 0
    motif = pd.DataFrame({"chrom": ["a"], "edge": [250], "strand": ["-"], "width_bp": [20]})
    assert found.count_near([motif]) == 30 + 11  # bases 230..250
    assert found.count_near([site.assign(chrom="b")]) == found.count_near([]) == 0
    assert found.count_near([site, motif]) == 41
    with pytest.raises(InputError, match="lacks the columns edge"):
        found.count_near([site[["chrom"]]])
