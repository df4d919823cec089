"""The locus view: the right numbers on the right edges, at each scale, on both strands."""

import time

import numpy as np
import pandas as pd
import pytest
from locus_case import (
    GAP,
    N_BASES,
    START,
    Residual,
    artist_of,
    bars_of,
    make_annotation,
    make_genome,
    make_hits,
    make_track,
    make_values,
    row_of,
)
from matplotlib.figure import Figure

from ldar_interp.boundaries.track import BoundaryTrack, TrackSegment
from ldar_interp.errors import CoordinateError, InputError
from ldar_interp.genome.intervals import Interval
from ldar_interp.plots import check_figure, plot_locus
from ldar_interp.plots.colour_vision import smallest_distance
from ldar_interp.plots.locus_signal import ABOVE, BELOW, CUT, NO_CUT, PALE, RESIDUAL_RANGE

LETTERS, BARS, BINS = "chr1:1,301-1,360", "chr1:1,301-1,900", "chr1:1,001-5,000"


def draw(region=LETTERS, track=None, **changes):
    return plot_locus(track or make_track(), region, **changes)


def draw_all(region, **changes):
    return draw(region, genome=make_genome(), genes=make_annotation(), hits=make_hits(),
                residual=Residual(), **changes)  # fmt: skip


def names(figure):
    return [ax.get_label() for ax in figure.axes]


def texts(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize("region", [LETTERS, BARS])
def test_each_edge_has_its_bar_and_dark_ones_are_cuts(region):
    figure = draw(region)
    prob = row_of(figure, "prob")
    first, last = 1300, 1360 if region == LETTERS else 1900
    found = bars_of(prob, "prob-no-cut") | bars_of(prob, "prob-cut")
    wanted = {x: make_values()[x - START] for x in range(first, last + 1)}
    wanted = {x: p for x, p in wanted.items() if not np.isnan(p)}
    assert found == pytest.approx(wanted)
    assert set(bars_of(prob, "prob-cut")) == {x for x, p in wanted.items() if p > 0.5}
    ticks = artist_of(row_of(figure, "cuts"), "cuts").get_segments()
    assert {int(s[0, 0]) for s in ticks} == {x for x, p in wanted.items() if p > 0.5}


def test_wide_views_say_their_bins_and_draw_their_means():
    figure = draw(BINS)
    prob = row_of(figure, "prob")
    note = next(text for text in texts(prob) if text.startswith("bins of"))
    size = int(note.split()[2])
    assert (
        note
        == f"bins of {size} bp: mean (line), smallest to largest p (pale); hatched: not evaluated"
    )
    lines = artist_of(prob, "prob-mean").get_segments()
    corners = np.concatenate(lines)
    values = make_values()
    table = np.full(-(-values.size // size) * size, np.nan)
    table[: values.size] = values
    table = table.reshape(-1, size)
    table = table[~np.isnan(table).all(axis=1)]
    np.testing.assert_allclose(corners[::2, 1], np.nanmean(table, axis=1), rtol=1e-5)
    assert corners[0, 0] == START - 0.5 and corners[-1, 0] == START + N_BASES + 0.5
    box = artist_of(prob, "prob-range").get_paths()
    heights = np.concatenate([path.vertices[:, 1] for path in box])
    assert heights.max() == np.nanmax(values) and heights.min() == np.nanmin(values)


@pytest.mark.parametrize("region", [BARS, "chr1:1,451-1,550"])
def test_gaps_are_hatched_bands_and_never_bars(region):
    figure = draw(region)
    for name in ("prob", "cuts"):
        band = artist_of(row_of(figure, name), "missing")
        assert (band.get_x(), band.get_x() + band.get_width()) == (GAP[0] - 0.5, GAP[1] - 0.5)
        assert band.get_hatch()
    bars = bars_of(row_of(figure, "prob"), "prob-no-cut") | bars_of(
        row_of(figure, "prob"), "prob-cut"
    )
    assert not set(bars) & set(range(*GAP)) and {GAP[0] - 1, GAP[1]} <= set(bars)


def test_a_gap_of_whole_bins_breaks_the_line():
    values = make_values()
    values[1000:2000] = np.nan
    track = BoundaryTrack({"forward": [TrackSegment("chr1", START, values)]})
    figure = draw(BINS, track)
    prob = row_of(figure, "prob")
    assert len(artist_of(prob, "prob-mean").get_segments()) >= 2
    inside = [x for line in artist_of(prob, "prob-mean").get_segments() for x in line[:, 0]]
    assert not [x for x in inside if 2020 < x < 2980]
    assert not [
        y for line in artist_of(prob, "prob-mean").get_segments() for y in line[:, 1] if not y > 0
    ]


def test_the_residual_is_signed_and_has_its_own_row():
    residual = row_of(draw(residual=Residual(), residual_label="left over"), "residual")
    wanted = {x: float(make_values()[x - START]) - 0.5 for x in range(1300, 1361)}
    above, below = bars_of(residual, "residual-above"), bars_of(residual, "residual-below")
    assert above == pytest.approx({x: r for x, r in wanted.items() if r > 0}, abs=1e-6)
    assert below == pytest.approx({x: r for x, r in wanted.items() if r < 0}, abs=1e-6)
    assert residual.get_ylabel() == "left over"
    low, high = residual.get_ylim()
    assert low == -high and high >= max(map(abs, wanted.values()))


def letters_of(ax):
    """Letters at their bases, as drawn."""
    found = {}
    for collection in ax.collections:
        gid = collection.get_gid() or ""
        if gid.startswith("letters-"):
            for path in collection.get_paths():
                box = path.get_extents()
                found[int((box.x0 + box.x1) / 2)] = gid[-1]
    return found


@pytest.mark.parametrize("strand", ["+", "-"])
def test_letters_lie_between_their_edges_on_the_strand_that_is_drawn(strand):
    from ldar_interp.genome.alphabet import decode

    ax = row_of(draw(Interval("chr1", 1300, 1360, strand), genome=make_genome()), "letters")
    text = decode(make_genome().fetch("chr1", 1300, 1360))
    if strand == "-":
        text = text.translate(str.maketrans("ACGT", "TGCA"))
    assert letters_of(ax) == {1300 + i: letter for i, letter in enumerate(text)}


@pytest.mark.parametrize("strand", ["+", "-"])
def test_letters_are_never_in_a_mirror(strand):
    """G is heavier on its lower right; on a reversed axis it must be drawn the other way."""
    ax = row_of(draw(Interval("chr1", 1300, 1360, strand), genome=make_genome()), "letters")
    (found,) = [c for c in ax.collections if c.get_gid() == "letters-G"]
    to_screen = [ax.transData.transform(path.vertices) for path in found.get_paths()]
    points = to_screen[0] - (to_screen[0].min(axis=0) + to_screen[0].max(axis=0)) / 2
    lower_right = ((points[:, 0] > 0) & (points[:, 1] < 0)).sum()
    lower_left = ((points[:, 0] < 0) & (points[:, 1] < 0)).sum()
    upright = draw(Interval("chr1", 1300, 1360, "+"), genome=make_genome())
    (found,) = [c for c in row_of(upright, "letters").collections if c.get_gid() == "letters-G"]
    wanted = row_of(upright, "letters").transData.transform(found.get_paths()[0].vertices)
    wanted = wanted - (wanted.min(axis=0) + wanted.max(axis=0)) / 2
    assert lower_right == ((wanted[:, 0] > 0) & (wanted[:, 1] < 0)).sum()
    assert lower_left == ((wanted[:, 0] < 0) & (wanted[:, 1] < 0)).sum()


def test_tokens_are_boxed_between_cuts_and_not_over_gaps():
    values = np.zeros(61, dtype=np.float32)
    values[[10, 14, 30, 40]] = 0.9
    values[20] = np.nan
    track = BoundaryTrack({"forward": [TrackSegment("chr1", 1300, values)]})
    ax = row_of(draw(LETTERS, track, genome=make_genome()), "letters")
    boxes = [path.get_extents() for path in artist_of(ax, "tokens").get_paths()]
    assert [(round(b.x0), round(b.x1)) for b in boxes] == [
        (1300, 1310), (1310, 1314), (1330, 1340), (1340, 1360),
    ]  # fmt: skip


def test_a_minus_strand_region_runs_from_right_to_left_with_the_reverse_track():
    figure = draw("chr1:1,301-1,360(-)")
    ax = row_of(figure, "prob")
    assert ax.get_xlim() == (1360.5, 1299.5)
    bars = bars_of(ax, "prob-no-cut") | bars_of(ax, "prob-cut")
    assert bars == pytest.approx({x: make_values(1)[x - START] for x in range(1300, 1361)})
    assert "− strand, 60 bp, reverse" in texts(ax)[-1]
    assert figure.axes[-1].get_xlabel() == "chr1, base, minus strand 5′ to 3′"
    named = draw("chr1:1,301-1,360(-)", orientation="forward")
    ax = row_of(named, "prob")
    bars = bars_of(ax, "prob-no-cut") | bars_of(ax, "prob-cut")
    assert bars[1300] == pytest.approx(make_values(0)[1300 - START])


def test_a_track_of_the_mean_alone_is_drawn_and_named():
    track = BoundaryTrack({"mean": [TrackSegment("chr1", START, make_values(2))]})
    assert "60 bp, mean" in texts(row_of(draw(LETTERS, track), "prob"))[-1]


def test_ticks_are_at_the_middle_of_1_based_bases():
    ax = draw(LETTERS).axes[-1]
    labels = [text.get_text() for text in ax.get_xticklabels()]
    assert labels[0] == "1,310" and labels[-1] == "1,360"
    assert ax.get_xticks()[0] == 1309.5


def boxes_of(ax, gid):
    found = [path.get_extents() for path in artist_of(ax, gid).get_paths()]
    return [(b.x0, b.x1, b.y0, b.y1) for b in found]


def test_hits_lie_on_their_bases_above_on_plus_and_below_on_minus():
    figure = draw("chr1:1,281-1,340", hits=make_hits())
    ax = row_of(figure, "hits")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["TATA", "GC"]
    plus, minus = boxes_of(ax, "hits-TATA")
    assert plus[:2] == (1300, 1306) and plus[3] < 0
    assert minus[:2] == (1294, 1300) and minus[2] > 0
    ((left, right, top, _),) = boxes_of(ax, "hits-GC")
    assert (left, right) == (1326, 1330) and top > 1
    assert ax.yaxis_inverted(), "row 0 is the first line"


def test_hits_point_3_prime():
    ax = row_of(draw("chr1:1,281-1,340", hits=make_hits()), "hits")
    plus, minus = (path.vertices for path in artist_of(ax, "hits-TATA").get_paths())
    middle = (plus[:, 1].min() + plus[:, 1].max()) / 2
    assert plus[np.isclose(plus[:, 1], middle)][0][0] == plus[:, 0].max()
    middle = (minus[:, 1].min() + minus[:, 1].max()) / 2
    assert minus[np.isclose(minus[:, 1], middle)][0][0] == minus[:, 0].min()


def test_a_hit_narrower_than_a_dot_is_still_seen_and_sites_without_width_too():
    sites = make_hits().drop(columns="width_bp")
    for hits in (make_hits(), sites):
        ax = row_of(draw(BINS, hits=hits), "hits")
        for left, right, _, _ in boxes_of(ax, "hits-TATA"):
            width = (right - left) / (N_BASES + 1) * 160
            assert 0.34 < width < 0.6
    (left, right), *_ = [b[:2] for b in boxes_of(ax, "hits-GC")]
    assert (left + right) / 2 == pytest.approx(1330)


def test_genes_have_exons_names_and_arrows_and_do_not_overlap():
    ax = row_of(draw(BINS, genes=make_annotation()), "genes")
    assert texts(ax) == ["ALPHA →", "BETA ←", "G3 →"]
    exons = [(b[0], b[1]) for b in boxes_of(ax, "exons")]
    assert exons == [(1100, 1200), (1600, 1900), (1700, 1750), (2500, 2600)]
    lines = artist_of(ax, "introns").get_segments()
    assert [(s[0, 0], s[1, 0]) for s in lines] == [(1100, 1900), (1700, 2600), (3000, 3300)]
    rows = [s[0, 1] for s in lines]
    assert rows[0] < rows[1] and rows[2] == rows[0], "the third has room beside the first"


def test_arrows_and_chevrons_follow_the_drawn_direction():
    assert texts(row_of(draw(f"{BINS}(-)", genes=make_annotation()), "genes"))[:2] == [
        "G3 ←", "BETA →",
    ]  # fmt: skip
    ax = row_of(draw(BINS, genes=make_annotation()), "genes")
    chevrons = artist_of(ax, "chevrons").get_segments()
    on_first = [c for c in chevrons if c[1, 1] < 1 and c[1, 0] < 2000]
    assert all(c[1, 0] > c[0, 0] for c in on_first), "ALPHA is on +"
    on_second = [c for c in chevrons if c[1, 1] > 1]
    assert on_second and all(c[1, 0] < c[0, 0] for c in on_second), "BETA is on -"


def test_genes_are_cut_at_the_view():
    ax = row_of(draw("chr1:1,651-1,720", genes=make_annotation()), "genes")
    assert [(b[0], b[1]) for b in boxes_of(ax, "exons")] == [(1650, 1720), (1700, 1720)]


def test_rows_are_those_with_something_to_show():
    assert names(draw()) == ["prob", "cuts"]
    assert names(draw_all(LETTERS)) == ["prob", "residual", "cuts", "letters", "hits", "genes"]
    assert names(draw_all(BARS)) == ["prob", "residual", "cuts", "hits", "genes"]
    assert names(draw_all("chr1:4,001-4,060")) == ["prob", "residual", "cuts", "letters"]


@pytest.mark.parametrize("region", [LETTERS, BARS, BINS, "chr1:1,301-1,500", f"{BINS}(-)"])
@pytest.mark.parametrize("width_mm", [183, 89])
def test_text_is_readable_at_every_scale(region, width_mm):
    assert check_figure(draw_all(region, width_mm=width_mm)) == []


def test_own_axes_hold_the_rows_that_were_asked_for():
    figure = Figure(figsize=(7, 3))
    upper, lower = figure.subplots(2, 1)
    found = plot_locus(make_track(), LETTERS, genes=make_annotation(),
                       axes={"genes": lower, "prob": upper})  # fmt: skip
    assert found is figure
    assert upper.get_label() == "prob" and lower.get_label() == "genes"
    assert lower.get_xlabel() == "chr1, base" and upper.get_xlabel() == ""
    assert len(figure.axes) == 2


def test_a_gene_of_200_kb_takes_under_two_seconds():
    n = 200_000
    values = np.random.default_rng(0).random(n + 1).astype(np.float32)
    track = BoundaryTrack({"forward": [TrackSegment("chr1", START, values)]})
    rng = np.random.default_rng(1)
    hits = pd.DataFrame(
        {"chrom": "chr1", "edge": rng.integers(START, START + n, 2000), "strand": "+",
         "kind": rng.choice(["A", "B", "C"], 2000), "width_bp": 8}
    )  # fmt: skip
    draw()  # imports pyplot
    begin = time.process_time()
    draw(Interval("chr1", START, START + n), track, genes=make_annotation(), hits=hits,
         residual=track)  # fmt: skip
    assert time.process_time() - begin < 2.0


@pytest.mark.parametrize(
    ("region", "changes", "error", "message"),
    [
        ("chr1:5", {}, InputError, "region 'chr1:5' is not chrom:start-end (1-based, both ends "
         "included)"),
        ("chr1:1-900", {}, InputError, "track has no forward value in chr1:1-900; extract that "
         "region (extract_regions) or choose one inside the track"),
        ("chr9:1-900", {}, CoordinateError, "chromosome 'chr9' is not on the track"),
        (LETTERS, {"orientation": "mean"}, InputError, "track holds forward, reverse, not 'mean'"),
        (LETTERS, {"width_mm": 30}, InputError, "width of 30 mm; wanted 60 or more"),
        (LETTERS, {"hits": pd.DataFrame({"chrom": []})}, InputError, "hits lack the column "
         "'edge'; wanted a SiteTable (docs/contracts.md)"),
        (LETTERS, {"axes": {}}, InputError, "axes is empty; wanted at least one row"),
        (LETTERS, {"axes": {"p": Figure().add_subplot()}}, InputError, "axes has a row 'p'; "
         "wanted some of prob, residual, cuts, letters, hits, genes"),
        (LETTERS, {"axes": {"genes": Figure().add_subplot()}}, InputError, "axes has a row "
         "'genes' but this view has only prob, cuts; give what the row shows, or leave the row "
         "out"),
        ("chr1:4,961-5,010", {"genome": make_genome()}, CoordinateError, "genome in memory: "),
    ],
)  # fmt: skip
def test_wrong_input_is_an_error(region, changes, error, message):
    with pytest.raises(error) as caught:
        draw(region, **changes)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("vision", ["normal", "protanopia", "deuteranopia", "tritanopia"])
def test_what_colour_tells_apart_is_told_apart_by_everyone(vision):
    # Lines of hits are also named, so only marks that share a row have to differ.
    assert smallest_distance([CUT, NO_CUT], vision) > 25
    assert smallest_distance([CUT, PALE], vision) > 25
    assert smallest_distance([ABOVE, BELOW, RESIDUAL_RANGE], vision) > 25
