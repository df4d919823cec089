"""Values on the right edges: against windows cut by hand, on both strands, stitched, mirrored."""

import numpy as np
import pandas as pd
import pytest
import torch

from ldar_interp.boundaries import extract, workers
from ldar_interp.boundaries.extract import extract_boundaries, predict_boundaries, run_router
from ldar_interp.errors import CoordinateError, DeviceError, InputError
from ldar_interp.genome.alphabet import encode
from ldar_interp.genome.fasta import Genome
from ldar_interp.model.checkpoint import load_model, preset, random_model
from ldar_interp.profiles import collect

LENGTH = 128
MARGIN = 32
COMPLEMENT = str.maketrans("ACGTNacgt", "TGCANtgca")


def reverse_text(text):
    return text.translate(COMPLEMENT)[::-1]


def make_letters(n, seed=0):
    return "".join(np.random.default_rng(seed).choice(list("ACGT"), size=n).tolist())


@pytest.fixture(scope="module")
def model():
    config = preset("nano").with_length(LENGTH)
    return random_model(config, seed=3).eval().requires_grad_(False)


@pytest.fixture(scope="module")
def text():
    return make_letters(1500)


@pytest.fixture(scope="module")
def genome(text):
    return Genome.from_records({"chr1": text, "chr2:101-700": make_letters(600, seed=1)})


def make_sites(*rows):
    """Rows of (chrom, edge, strand)."""
    table = pd.DataFrame(rows, columns=["chrom", "edge", "strand"])
    table["site_id"] = [f"s{i}" for i in range(len(table))]
    return table


def run(model, genome, sites, **changes):
    options = {"flank_bp": 5, "margin_bp": MARGIN} | changes
    return extract_boundaries(model, genome, around=sites, **options)


def test_predictions_come_back_in_order_whatever_the_batches(model):
    sequences = [make_letters(n, seed=n) for n in (90, 7, 33, 1, 90)]
    alone = [predict_boundaries(model, [s])[0] for s in sequences]
    for batch_size in (1, 2, 8):
        found = predict_boundaries(model, sequences, batch_size=batch_size)
        for values, wanted, sequence in zip(found, alone, sequences, strict=True):
            assert values.dtype == np.float32 and values.shape == (len(sequence),)
            assert np.isnan(values[0]) and not np.isnan(values[1:]).any()
            np.testing.assert_allclose(values, wanted, atol=1e-6)


def test_predictions_read_lower_case_ids_and_unknown_letters(model):
    letters = make_letters(50)
    wanted = predict_boundaries(model, [letters])[0]
    for same in (letters.lower(), encode(letters), encode(letters).astype(np.int64)):
        np.testing.assert_array_equal(predict_boundaries(model, [same])[0], wanted)
    with_n, with_x = letters[:20] + "N" + letters[21:], letters[:20] + "x" + letters[21:]
    np.testing.assert_array_equal(*predict_boundaries(model, [with_n, with_x], batch_size=1))
    assert (predict_boundaries(model, [with_n])[0] != wanted)[1:].any()
    padded = np.concatenate([encode(letters), np.full(4, 6, np.uint8)])
    found = predict_boundaries(model, [padded])[0]
    np.testing.assert_allclose(found[:50], wanted, atol=1e-6)
    assert np.isnan(found[50:]).all()


@pytest.mark.parametrize(
    ("sequences", "options", "message"),
    [
        ([], {}, "no sequences; wanted at least one"),
        ("ACGT", {}, "sequences is one str; wanted a list of them: put it in a list"),
        (["ACGT", ""], {}, "sequence 1 has shape (0,); wanted (length >= 1,)"),
        (["ACGT"], {"batch_size": 0}, "batch_size is 0; wanted at least 1"),
        ([np.array([0, 256])], {}, "sequence 0 holds ids from 0 to 256; wanted 0 to 6 (A C G T N"),
        ([np.array([-1, 3])], {}, "sequence 0 holds ids from -1 to 3; wanted 0 to 6"),
        ([np.array([0.5])], {}, "sequence 0 holds float64 values; wanted a str or ids"),
        (np.array([0, 1, 2]), {}, "sequence 0 has shape (); wanted (length >= 1,)"),
    ],
)
def test_wrong_sequences_are_errors(model, sequences, options, message):
    with pytest.raises(InputError) as caught:
        predict_boundaries(model, sequences, **options)
    assert message in str(caught.value)


def test_unknown_dtype_and_absent_device_are_errors(model, genome):
    with pytest.raises(DeviceError, match="dtype 'float16'; wanted one of float32, bfloat16"):
        predict_boundaries(model, ["ACGT"], dtype="float16")
    with pytest.raises(DeviceError, match="dtype 'half'; wanted"):
        run(model, genome, make_sites(("chr1", 500, "+")), dtype="half")
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(DeviceError) as caught:
        load_model("random:nano", "cuda")
    assert str(caught.value).startswith("device 'cuda' cannot be used here (")
    assert str(caught.value).endswith("use cpu or a device that torch finds")
    assert "\n" not in str(caught.value)


def test_bfloat16_is_close_to_float32(model, genome):
    sites = make_sites(("chr1", 500, "+"))
    exact, rough = (
        run(model, genome, sites, dtype=dtype).gather("chr1", np.arange(495, 506), "forward")
        for dtype in ("float32", "bfloat16")
    )
    assert not np.array_equal(exact, rough)
    np.testing.assert_allclose(exact, rough, atol=0.05)


@pytest.mark.parametrize("edge", [400, 401])
def test_both_strands_equal_windows_cut_by_hand(model, genome, text, edge):
    sites = make_sites(("chr1", edge, "+"), ("chr1", edge, "-"))
    track = run(model, genome, sites)
    edges = np.arange(edge - 5, edge + 6)
    start = edge - LENGTH // 2
    window = text[start : start + LENGTH]
    forward = predict_boundaries(model, [window])[0]
    np.testing.assert_allclose(
        track.gather("chr1", edges, "forward"), forward[edges - start], atol=1e-6
    )
    # Edge t of the window is edge LENGTH - t of its reverse complement.
    reverse = predict_boundaries(model, [reverse_text(window)])[0]
    by_hand = reverse[LENGTH - (edges - start)]
    np.testing.assert_allclose(track.gather("chr1", edges, "reverse"), by_hand, atol=1e-6)
    # Off by one edge would show.
    assert np.abs(np.diff(by_hand)).max() > 0.01
    assert track.provenance["windows"] == 2
    assert track.provenance["edges_without_value"] == {"forward": 0, "reverse": 0}


def test_only_the_orientations_and_windows_that_sites_ask_for_are_modelled(model, genome):
    sites = make_sites(("chr1", 300, "+"), ("chr1", 320, "+"), ("chr1", 900, "-"))
    track = run(model, genome, sites)
    assert track.provenance["windows"] == 2
    assert [s.start for s in track.segments["forward"]] == [295, 315]
    assert [s.start for s in track.segments["reverse"]] == [895]
    assert np.isnan(track.gather("chr1", [300, 320], "reverse")).all()
    # The window of the first two sites saw the edges between them; nobody asked for those.
    assert np.isnan(track.gather("chr1", np.arange(306, 314), "forward")).all()
    assert run(model, genome, sites, strand="forward").provenance["windows"] == 2
    assert run(model, genome, sites, strand="mean").provenance["windows"] == 4


def test_windows_modelled_are_counted_as_they_are_read(model, genome, monkeypatch):
    shapes = []

    def count(model, ids, *, dtype="float32"):
        shapes.append(ids.shape)
        return run_router(model, ids, dtype=dtype)

    monkeypatch.setattr(extract, "run_router", count)
    sites = make_sites(*(("chr1", 100 + 200 * i, "+") for i in range(5)))
    run(model, genome, sites, batch_size=2)
    assert shapes == [(2, LENGTH), (2, LENGTH), (1, LENGTH)]


def test_mean_is_the_average_of_both_strands(model, genome):
    sites = make_sites(("chr1", 300, "+"), ("chr2", 400, "-"))
    both = pd.concat([sites, sites.assign(strand=["-", "+"])])
    single, mean = run(model, genome, both), run(model, genome, sites, strand="mean")
    for chrom, edge in (("chr1", 300), ("chr2", 400)):
        edges = np.arange(edge - 5, edge + 6)
        forward, reverse = (single.gather(chrom, edges, o) for o in ("forward", "reverse"))
        found = mean.gather(chrom, edges, "mean")
        np.testing.assert_allclose(found, (forward + reverse) / 2, atol=1e-6)
        assert np.abs(forward - reverse).max() > 1e-3
    assert mean.orientations == ("mean",)


def test_stitched_windows_agree_with_one_pass_away_from_margins(model, genome, text):
    track = run(model, genome, make_sites(("chr1", 750, "+")), flank_bp=600)
    assert track.provenance["windows"] > 10
    edges = np.arange(150, 1351)
    stitched = track.gather("chr1", edges, "forward")
    whole = predict_boundaries(model, [text])[0][edges]
    # What remains is the context that a window of 128 bp lacks, no seam.
    assert np.abs(stitched - whole).mean() < 5e-3
    assert np.abs(stitched - whole).max() < 0.05
    assert np.std(whole) > 0.05


def test_reverse_complemented_genome_gives_mirrored_profiles(model, genome, text):
    size = len(text)
    sites = make_sites(("chr1", 300, "+"), ("chr1", 640, "-"), ("chr1", 1, "+"))
    turned = sites.assign(
        edge=size - sites["edge"], strand=sites["strand"].map({"+": "-", "-": "+"})
    )
    mirrored = Genome.from_records({"chr1": reverse_text(text)})
    track, other = run(model, genome, sites), run(model, mirrored, turned)
    profiles, reflected = (
        collect(t, s, flank_bp=5).values for t, s in ((track, sites), (other, turned))
    )
    np.testing.assert_allclose(profiles, reflected, atol=1e-6)
    again = other.reverse_complement({"chr1": size})
    np.testing.assert_allclose(collect(again, sites, flank_bp=5).values, profiles, atol=1e-6)
    assert not np.isnan(profiles[:2]).any() and np.isnan(profiles[2]).all()


def test_ends_margins_and_n_are_nan_and_counted(model):
    text = make_letters(600)
    text = text[:300] + "N" * 4 + text[304:]
    genome = Genome.from_records({"chr1:1001-1600": text})
    sites = make_sites(("chr1", 1002, "+"), ("chr1", 1598, "+"), ("chr1", 1302, "+"))
    track = run(model, genome, sites, flank_bp=40)
    found = collect(track, sites, flank_bp=40)
    known = ~np.isnan(found.values)
    # A value stands where a margin of bases without N lies on both sides.
    usable = {
        x
        for low, high in ((1000, 1300), (1304, 1600))
        for x in range(low + MARGIN, high - MARGIN + 1)
    }
    for row, edge in zip(known, sites["edge"], strict=True):
        assert {int(x) for x in edge + found.offsets[row]} == usable & {
            *range(edge - 40, edge + 41)
        }
    assert track.provenance["edges_without_value"]["forward"] == int((~known).sum())
    assert not (found.values == 1).any() and not (found.values == 0).any()


def test_edges_beyond_the_ends_are_cut_from_the_track_and_counted(model, genome):
    sites = make_sites(("chr1", 2, "+"), ("chr1", 40, "+"), ("chr1", 1499, "+"), ("chr1", 99, "-"))
    track = run(model, genome, sites, flank_bp=5)
    segments = track.segments["forward"]
    assert [(s.start, s.values.size) for s in segments] == [(0, 8), (35, 11), (1494, 7)]
    assert [bool(np.isnan(s.values).all()) for s in segments] == [True, False, True]
    assert track.provenance["edges_without_value"] == {"forward": 22, "reverse": 0}
    # Edges beyond the ends are NaN all the same.
    assert np.isnan(track.gather("chr1", [-3, 1501, 10**9], "forward")).all()


def test_the_first_edge_of_a_window_is_never_a_value(genome):
    config = preset("nano").with_length(LENGTH)
    model = random_model(config, seed=3).eval()
    # Equal queries and keys everywhere: p is 0 but at a window's first edge, where it is 1.
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "embedding" in name:
                parameter.fill_(1.0)
    sites = make_sites(*(("chr1", x, s) for x in range(20, 1480, 50) for s in "+-"))
    for strand in ("transcript", "mean"):
        track = run(model, genome, sites, flank_bp=30, margin_bp=1, strand=strand)
        for segments in track.segments.values():
            values = np.concatenate([s.values for s in segments])
            assert np.nanmax(values) < 0.5


def test_batch_size_and_windows_of_several_lengths_change_nothing(model):
    records = {f"c{i}": make_letters(n, seed=i) for i, n in enumerate((100, 110, 100, 400))}
    genome = Genome.from_records(records)
    sites = make_sites(*((c, len(s) // 2, "+-"[i % 2]) for i, (c, s) in enumerate(records.items())))
    wanted = collect(run(model, genome, sites, batch_size=1), sites, flank_bp=5).values
    assert not np.isnan(wanted).any()
    for batch_size in (2, 3, 50, None):
        found = collect(run(model, genome, sites, batch_size=batch_size), sites, flank_bp=5).values
        np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_two_processes_give_the_same_bytes_as_one(model, tmp_path, text, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "genome.fa"
    path.write_text(f">chr1\n{text}\n")
    sites = make_sites(*(("chr1", 100 + 60 * i, "+-"[i % 2]) for i in range(20)))
    one, two = (
        run(model, path, sites, batch_size=2, workers=workers, strand="mean") for workers in (1, 2)
    )
    for a, b in zip(one.segments["mean"], two.segments["mean"], strict=True):
        assert (a.chrom, a.start) == (b.chrom, b.start)
        assert a.values.tobytes() == b.values.tobytes()
    assert one.provenance == two.provenance


def test_sites_and_controls_share_windows(model, genome):
    sites, controls = make_sites(("chr1", 300, "+")), make_sites(("chr1", 330, "+"))
    track = run(model, genome, [sites, controls, sites.iloc[:0]])
    assert track.provenance["windows"] == 1
    assert not np.isnan(track.gather("chr1", [300, 330], "forward")).any()


def test_progress_goes_to_stderr_and_torch_threads_are_restored(model, genome, capsys, monkeypatch):
    monkeypatch.setattr(workers, "_PROGRESS_SECONDS", 0.0)
    before = torch.get_num_threads()
    run(model, genome, make_sites(("chr1", 300, "+")), progress="nano")
    caught = capsys.readouterr()
    assert caught.out == "" and "nano: 100%" in caught.err and "1/1" in caught.err
    assert torch.get_num_threads() == before


SITE = ("chr1", 300, "+")


@pytest.mark.parametrize(
    ("sites", "options", "message"),
    [
        ([SITE], {"strand": "both"}, "strand mode 'both'; wanted one of transcript, forward, mean"),
        ([], {}, "no sites to extract around; wanted at least one"),
        ([SITE], {"flank_bp": -1}, "flank_bp is -1; wanted 0 or more"),
        ([SITE], {"margin_bp": 64}, "margin of 64 bp in windows of 128 bp; wanted 1 to 63: choose"),
        ([SITE], {"workers": 0}, "workers 0, batch_size None; wanted at least 1"),
        ([SITE], {"batch_size": 0}, "workers 1, batch_size 0; wanted at least 1"),
        ([("chr1", 300, ".")], {}, "strand '.' of a site; wanted + or -"),
    ],
)
def test_wrong_arguments_are_errors(model, genome, sites, options, message):
    with pytest.raises(InputError) as caught:
        run(model, genome, make_sites(*sites), **options)
    assert message in str(caught.value)


def test_a_table_without_its_columns_is_an_error(model, genome):
    with pytest.raises(InputError, match=r"site table lacks the columns strand; see docs/contra"):
        run(model, genome, make_sites(SITE).drop(columns="strand"))


def test_an_unknown_chromosome_is_an_error_not_nan(model, genome):
    sites = make_sites(SITE, ("1", 300, "+"), ("X", 300, "+"), ("1", 400, "+"))
    with pytest.raises(CoordinateError) as caught:
        run(model, genome, sites)
    assert str(caught.value) == (
        "genome in memory: 3 of 4 sites lie on '1' and 1 more, which is not there "
        "(it has chr1, chr2); use the genome that the sites were made from"
    )


def test_count_workers_is_at_least_one():
    assert extract.count_workers() >= 1
