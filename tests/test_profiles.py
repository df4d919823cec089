"""Sites by offsets: both strands, NaN, the double loop, and the other strand of the genome."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ldar_interp import profiles
from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.intervals import offset_of_edge, reverse_edges
from ldar_interp.profiles import Profiles, collect

NAN = np.nan


def make_sites(*places):
    """(chrom, edge, strand) rows of a SiteTable."""
    return pd.DataFrame(
        {
            "site_id": [f"s{i}" for i in range(len(places))],
            "chrom": [chrom for chrom, _, _ in places],
            "edge": np.array([edge for _, edge, _ in places], dtype=np.int64),
            "strand": [strand for _, _, strand in places],
            "kind": "donor",
            "set": "site",
            "group": "g",
        }
    )


def make_track(**by_orientation):
    """orientation -> {chrom: (start, values)}"""
    return BoundaryTrack(
        {
            name: [
                TrackSegment(chrom, start, np.asarray(values, dtype=np.float32))
                for chrom, (start, values) in sorted(parts.items())
            ]
            for name, parts in by_orientation.items()
        }
    )


def test_both_strands_by_hand():
    # Edges 0..5 of a chromosome of 5 bases; the value names the edge.
    forward = np.arange(6) / 10
    track = make_track(forward={"c": (0, forward)}, reverse={"c": (0, forward + 0.05)})
    found = collect(track, make_sites(("c", 2, "+"), ("c", 2, "-"), ("c", 0, "+")), flank_bp=2)
    assert found.values.dtype == np.float32 and found.offsets.dtype == np.int64
    np.testing.assert_array_equal(found.offsets, [-2, -1, 0, 1, 2])
    np.testing.assert_allclose(
        found.values,
        [[0.0, 0.1, 0.2, 0.3, 0.4], [0.45, 0.35, 0.25, 0.15, 0.05], [NAN, NAN, 0.0, 0.1, 0.2]],
        rtol=1e-6,
    )
    np.testing.assert_allclose(found.mean(), [0.225, 0.225, 0.15, 0.55 / 3, 0.65 / 3], rtol=1e-6)


def test_strand_modes_choose_the_orientation():
    track = make_track(forward={"c": (5, [0.1])}, reverse={"c": (5, [0.2])}, mean={"c": (5, [0.3])})
    sites = make_sites(("c", 5, "+"), ("c", 5, "-"))
    centre = {
        mode: collect(track, sites, flank_bp=1, strand=mode).values[:, 1].tolist()
        for mode in ("transcript", "forward", "mean")
    }
    assert centre == {
        "transcript": pytest.approx([0.1, 0.2]),
        "forward": pytest.approx([0.1, 0.1]),
        "mean": pytest.approx([0.3, 0.3]),
    }


def test_rate_counts_only_what_was_evaluated():
    values = np.float32([[0.5, 0.6, NAN], [0.51, 0.2, NAN], [NAN, 0.9, NAN]])
    found = Profiles(values, np.arange(-1, 2), make_sites(*[("c", 5, "+")] * 3))
    np.testing.assert_allclose(found.boundary_rate(), [0.5, 2 / 3, NAN])
    np.testing.assert_allclose(found.mean(), [0.505, 1.7 / 3, NAN], rtol=1e-6)
    few = found.select(np.array([False, True, True]))
    assert few.sites["site_id"].tolist() == ["s1", "s2"] and few.sites.index.tolist() == [0, 1]
    np.testing.assert_array_equal(few.values, values[1:])


def test_against_a_double_loop(monkeypatch):
    monkeypatch.setattr(profiles, "_SITES_AT_ONCE", 4)
    rng = np.random.default_rng(5)
    parts = {
        name: {c: (int(rng.integers(0, 9)), rng.random(60)) for c in ("c1", "c2")}
        for name in ("forward", "reverse")
    }
    track = make_track(**parts)
    sites = make_sites(
        *[
            (f"c{rng.integers(1, 3)}", int(rng.integers(0, 80)), "+-"[rng.integers(0, 2)])
            for _ in range(50)
        ]
    )
    found = collect(track, sites, flank_bp=7)
    for i, site in enumerate(sites.itertuples()):
        start, values = parts["forward" if site.strand == "+" else "reverse"][site.chrom]
        seen = set()
        for edge in range(site.edge - 7, site.edge + 8):
            column = int(offset_of_edge(edge, site.edge, site.strand)) + 7
            seen.add(column)
            inside = start <= edge < start + 60
            expected = np.float32(values[edge - start]) if inside else np.float32(NAN)
            np.testing.assert_array_equal(found.values[i, column], expected)
        assert seen == set(range(15))


@settings(max_examples=40, deadline=None)
@given(data=st.data(), length=st.integers(8, 40), flank_bp=st.integers(1, 6))
def test_the_other_strand_of_the_genome_gives_the_same_profiles(data, length, flank_bp):
    unit = st.floats(0, 1, width=32)
    edges = st.lists(unit, min_size=length + 1, max_size=length + 1)
    track = make_track(forward={"c": (0, data.draw(edges))}, reverse={"c": (0, data.draw(edges))})
    place = st.tuples(st.just("c"), st.integers(0, length), st.sampled_from("+-"))
    places = data.draw(st.lists(place, min_size=1, max_size=8))
    turned = [
        (chrom, int(reverse_edges(edge, length)), "-" if strand == "+" else "+")
        for chrom, edge, strand in places
    ]
    there = collect(track.reverse_complement({"c": length}), make_sites(*turned), flank_bp=flank_bp)
    here = collect(track, make_sites(*places), flank_bp=flank_bp)
    np.testing.assert_array_equal(here.values, there.values)


def test_sites_in_any_order_and_index_keep_their_row():
    track = make_track(forward={"c": (0, np.arange(9) / 10)})
    sites = make_sites(("c", 7, "+"), ("c", 3, "+"), ("c", 5, "+")).set_index(pd.Index([4, 4, 0]))
    found = collect(track, sites, flank_bp=1)
    np.testing.assert_allclose(found.values[:, 1], [0.7, 0.3, 0.5], rtol=1e-6)
    assert found.sites.index.tolist() == [0, 1, 2]


def test_to_xarray_names_the_axes():
    pytest.importorskip("xarray")
    track = make_track(forward={"c": (0, np.arange(9) / 10)})
    found = collect(track, make_sites(("c", 4, "+"), ("c", 5, "+")), flank_bp=2).to_xarray()
    assert found.dims == ("site", "offset")
    assert found.sel(offset=-1).values.tolist() == pytest.approx([0.3, 0.4])
    assert found["site_id"].values.tolist() == ["s0", "s1"]
    assert found["edge"].values.tolist() == [4, 5]


def test_no_sites_is_an_empty_matrix():
    track = make_track(forward={"c": (0, [0.5])})
    found = collect(track, make_sites(), flank_bp=3)
    assert found.values.shape == (0, 7) and len(found) == 0
    assert np.isnan(found.mean()).all()


def test_error_messages():
    track = make_track(forward={"chr1": (0, [0.5])})
    with pytest.raises(CoordinateError, match="1 of 2 sites lie on '1', which the track does not"):
        collect(track, make_sites(("1", 0, "+"), ("chr1", 0, "+")))
    with pytest.raises(InputError, match="flank_bp is 0; wanted at least 1"):
        collect(track, make_sites(("chr1", 0, "+")), flank_bp=0)
    with pytest.raises(InputError, match="needs reverse for sites on -"):
        collect(track, make_sites(("chr1", 0, "-")))
    with pytest.raises(InputError, match="strand mode 'both'"):
        collect(track, make_sites(("chr1", 0, "+")), strand="both")
    with pytest.raises(InputError, match="lacks the columns edge, strand"):
        collect(track, pd.DataFrame({"chrom": ["chr1"]}))
    with pytest.raises(InputError, match="wanted sites x offsets"):
        Profiles(np.zeros((2, 3), np.float32), np.arange(3), make_sites(("c", 1, "+")))
    with pytest.raises(InputError, match="do not ascend"):
        Profiles(np.zeros((1, 2), np.float32), np.array([1, 0]), make_sites(("c", 1, "+")))
