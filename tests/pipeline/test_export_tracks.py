"""The export program on the tiny genome: files, coordinates, counts, same bytes, wrong input."""

import configparser
import hashlib
import json

import numpy as np
import pandas as pd
import pyBigWig
import pytest
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app
from ldar_interp.boundaries.export import round_prob
from ldar_interp.boundaries.extract_regions import extract_regions
from ldar_interp.genome.fasta import Genome
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.letters.residual import residual_track
from ldar_interp.model.checkpoint import load_model
from ldar_interp.program.models import open_models
from ldar_interp.program.nulls import fit_nulls
from ldar_interp.program.settings import ModelSettings
from ldar_interp.sites.table import write_sites

REGIONS = ("chr1:2,001-2,400", "chr2:1-300")
FILES = sorted(
    [f"{stem}_{name}.{ending}" for name in ("forward", "reverse", "mean")
     for stem, ending in (("prob", "bw"), ("cuts", "bw"), ("cuts", "bed"), ("tokens", "bed"))]
    + ["chrom.sizes", "tracks.ini", "tracks.txt", "provenance.json"]
)  # fmt: skip


@pytest.fixture(scope="module")
def export(world):
    """`export(out, *words, name=value)`: quick settings unless told otherwise."""

    def run_program(out, *flags, **options):
        given = {"ckpt": world.ckpt, "fasta": world.fasta, "out": out, "margin-bp": 32,
                 "workers": 1}  # fmt: skip
        given |= {name.replace("_", "-"): value for name, value in options.items()}
        words = ["export-tracks", *flags]
        for name, value in given.items():
            if value is not None:
                words += [f"--{name}", str(value)]
        result = CliRunner().invoke(build_app(), words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_program


@pytest.fixture(scope="module")
def whole(export, tmp_path_factory):
    out = tmp_path_factory.mktemp("export") / "tracks"
    result = export(out, "--region", REGIONS[0], "--region", REGIONS[1],
                    orientation="forward,reverse,mean", url="https://a.org/b/")  # fmt: skip
    assert result.exit_code == 0, result.stderr
    return out, result


@pytest.fixture(scope="module")
def track(world):
    return extract_regions(load_model(str(world.ckpt)), world.fasta, REGIONS, margin_bp=32,
                           orientations=("forward", "reverse", "mean"))  # fmt: skip


def read(path, chrom, start, end):
    with pyBigWig.open(str(path)) as file:
        return np.array(file.values(chrom, start, end), dtype=np.float32)


def test_the_files_are_these(whole):
    assert sorted(path.name for path in whole[0].iterdir()) == FILES
    provenance = json.loads((whole[0] / "provenance.json").read_text())
    assert provenance["files"] == [name for name in FILES if name != "provenance.json"]


@pytest.mark.parametrize("name", ["forward", "reverse", "mean"])
def test_values_come_back_on_their_bases_and_nowhere_else(whole, track, name):
    path = whole[0] / f"prob_{name}.bw"
    with pyBigWig.open(str(path)) as file:
        sizes = file.chroms()
    for chrom, length in sizes.items():
        wanted = round_prob(track.gather(chrom, np.arange(length), name))
        np.testing.assert_allclose(read(path, chrom, 0, length), wanted, atol=1 / 255 + 1e-6)
        assert (np.isnan(wanted) == np.isnan(read(path, chrom, 0, length))).all()
    # Edges 2000..2400 of chr1, and on chr2 nothing within the margin of the chromosome's end.
    assert np.flatnonzero(~np.isnan(read(path, "chr1", 0, sizes["chr1"])))[[0, -1]].tolist() == [
        2000, 2400,
    ]  # fmt: skip
    assert np.flatnonzero(~np.isnan(read(path, "chr2", 0, sizes["chr2"])))[[0, -1]].tolist() == [
        32, 300,
    ]  # fmt: skip


def test_sizes_are_those_of_the_genome(whole, world):
    lengths, name = {}, ""
    for line in world.fasta.read_text().splitlines():
        if line.startswith(">"):
            name = line[1:]
        lengths[name] = lengths.get(name, 0) + (0 if line.startswith(">") else len(line))
    written = [line.split("\t") for line in (whole[0] / "chrom.sizes").read_text().splitlines()]
    assert {chrom: int(size) for chrom, size in written} == lengths
    with pyBigWig.open(str(whole[0] / "cuts_mean.bw")) as file:
        assert file.chroms() == lengths
    provenance = json.loads((whole[0] / "provenance.json").read_text())
    assert provenance["chrom_sizes"] == lengths and provenance["chrom_sizes_unknown"] == []


def test_bed_files_agree_with_the_hard_track(whole):
    cuts = pd.read_csv(whole[0] / "cuts_forward.bed", sep="\t", header=None)
    for chrom, start, end in (("chr1", 2000, 2401), ("chr2", 0, 301)):
        hard = read(whole[0] / "cuts_forward.bw", chrom, start, end)
        on = cuts[cuts[0] == chrom]
        assert on[1].tolist() == (start + np.flatnonzero(hard == 1)).tolist()
        assert (on[2] == on[1] + 1).all() and on[4].between(500, 1000).all()
    tokens = pd.read_csv(whole[0] / "tokens_forward.bed", sep="\t", header=None)
    edges = set(cuts[[0, 1]].itertuples(index=False, name=None))
    assert len(tokens) and all((c, s) in edges and (c, e) in edges for c, s, e in
                               tokens[[0, 1, 2]].itertuples(index=False))  # fmt: skip


def test_what_was_kept_and_dropped_is_told_and_recorded(whole):
    out, result = whole
    counts = json.loads((out / "provenance.json").read_text())["counts"]
    assert counts["regions"] == 2
    for name in ("forward", "reverse", "mean"):
        found = counts["tracks"][name]
        assert (found["values"], found["missing"], found["off_end"]) == (401 + 269, 32, 0)
        assert (
            f"export_tracks: {name}: 670 edges in 2 regions, 32 without value left out; "
            f"{found['cuts']} cuts, {found['tokens']} complete tokens" in result.stderr
        )
    assert result.stdout == "" and "slices" not in result.stderr


def test_browsers_are_told_every_file(whole):
    lines = (whole[0] / "tracks.txt").read_text().splitlines()
    found = [line.split("bigDataUrl=")[1].split()[0] for line in lines]
    assert sorted(found) == sorted(
        f"https://a.org/b/{name}" for name in FILES if name.endswith(".bw")
    )
    ini = configparser.ConfigParser(strict=False)
    ini.read(whole[0] / "tracks.ini")
    named = {ini[section]["file"]: ini[section]["file_type"] for section in ini.sections()
             if "file" in ini[section]}  # fmt: skip
    assert named == {
        f"{stem}_{name}.{ending}": kind for name in ("forward", "reverse", "mean")
        for stem, ending, kind in (("prob", "bw", "bigwig"), ("tokens", "bed", "bed"))
    }  # fmt: skip
    assert all((whole[0] / name).is_file() for name in named)


def test_bed_and_sites_name_the_same_regions(whole, export, tmp_path):
    bed = tmp_path / "regions.bed"
    bed.write_text("chr1\t2000\t2400\nchr2\t0\t300\n")
    sites = pd.DataFrame(
        {"site_id": ["a", "b"], "chrom": ["chr1", "chr2"], "edge": [2200, 100],
         "strand": "+", "kind": "tss", "set": "site", "group": "g"}
    )  # fmt: skip
    write_sites(tmp_path / "sites.tsv", sites)
    for name, options in (
        ("bed", {"bed": bed}), ("sites", {"sites": tmp_path / "sites.tsv", "flank_bp": 200}),
    ):  # fmt: skip
        result = export(tmp_path / name, **options)
        assert result.exit_code == 0, result.stderr
        provenance = json.loads((tmp_path / name / "provenance.json").read_text())
        assert provenance["inputs"][name]["file"] == next(iter(options.values())).name
        same = (tmp_path / name / "prob_forward.bw").read_bytes()
        assert same == (whole[0] / "prob_forward.bw").read_bytes()


def test_same_input_same_bytes(whole, export):
    out = whole[0].parent / "again"
    export(out, "--region", REGIONS[0], "--region", REGIONS[1],
           orientation="forward,reverse,mean", url="https://a.org/b/")  # fmt: skip
    for name in FILES:
        first, second = (
            hashlib.sha256((folder / name).read_bytes()).hexdigest() for folder in (whole[0], out)
        )
        assert first == second, name


def test_a_slice_is_said_to_have_no_known_length(export, world, tmp_path):
    text = "".join(world.fasta.read_text().split(">chr2")[0].splitlines()[1:])[2000:3000]
    fasta = tmp_path / "slice.fa"
    fasta.write_text(f">chr1:2001-3000\n{text}\n")
    result = export(tmp_path / "out", region="chr1:2,301-2,400", fasta=fasta)
    assert result.exit_code == 0, result.stderr
    assert (
        "export_tracks: chr1 is in slices, so its length is not known; the bigWig files say 3000, "
        "the end of the last slice" in result.stderr
    )
    assert (tmp_path / "out" / "chrom.sizes").read_text() == "chr1\t3000\n"
    found = json.loads((tmp_path / "out" / "provenance.json").read_text())["chrom_sizes_unknown"]
    assert found == ["chr1"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "--fasta was given without a place to look at; wanted --region, --bed or --sites"),
        ({"region": "chr1:1-9", "bed": "x.bed"}, "--region and --bed were given; wanted one of "
         "--region, --bed, --sites"),
        ({"region": "chr1"}, "region 'chr1' is not chrom:start-end (1-based, both ends included)"),
        ({"region": "chr3:1-9"}, "region chr3:1-9: the genome has no 'chr3'; it has chr1, chr2"),
        ({"region": "chr1:1-99999999"}, "region chr1:1-99999999 is not inside the genome"),
        ({"region": "chr1:1-9", "orientation": "both"}, "command line: orientation.0 is 'both'; "
         "wanted another value"),
        ({"region": "chr1:1-9", "orientation": "mean,mean"}, "orientation is mean, mean; wanted "
         "some of forward, reverse, mean, each once"),
        ({"bed": "absent.bed"}, "absent.bed: cannot be read (No such file or directory); wanted a "
         "BED file"),
        ({"sites": "absent.tsv"}, "absent.tsv: cannot be read"),
        ({"region": "chr1:1-9"}, "no edge of the regions has a value: all lie within the "
         "margin of 32 bp"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_line(export, world, tmp_path, options, message):
    result = export(tmp_path / "out", **options)
    assert result.exit_code == 2 and result.stdout == ""
    assert list(tmp_path.iterdir()) == []
    lines = [line for line in result.stderr.splitlines() if "offset consistency" not in line]
    (line,) = [x for x in lines if "p is" not in x]
    assert line.startswith("export_tracks: error: " + message.format(fasta=world.fasta)), line


def test_a_site_off_the_genome_is_an_error(export, tmp_path):
    sites = pd.DataFrame(
        {"site_id": ["a"], "chrom": ["chr1"], "edge": [10**7], "strand": "+", "kind": "tss",
         "set": "site", "group": "g"}
    )  # fmt: skip
    write_sites(tmp_path / "s.tsv", sites)
    result = export(tmp_path / "out", sites=tmp_path / "s.tsv")
    assert result.exit_code == 2
    assert "s.tsv: site at edge 10000000 of chr1 is not on the genome; use the genome" in (
        result.stderr
    )


@pytest.fixture(scope="module")
def null_folder(world, tmp_path_factory):
    """A null of the checkpoint, as kmer_null writes it."""
    folder = tmp_path_factory.mktemp("null")
    models = open_models(
        ModelSettings(ckpt=str(world.ckpt), fasta=world.fasta, out=folder, baseline="none")
    )
    with Genome(world.fasta) as genome:
        nulls, _ = fit_nulls(models, genome, {}, n_bases=5_000, margin_bp=32, program="test")
    nulls["checkpoint"].save(folder / "null.npz")
    return folder


def test_residuals_beside_p(whole, export, track, world, null_folder, tmp_path):
    out = tmp_path / "out"
    result = export(out, "--region", REGIONS[0], "--region", REGIONS[1],
                    orientation="forward,reverse,mean", url="https://a.org/b/",
                    residual=null_folder)  # fmt: skip
    assert result.exit_code == 0, result.stderr
    more = [f"residual_{name}.bw" for name in ("forward", "reverse", "mean")]
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES + more)
    same = set(FILES) - {"provenance.json", "tracks.ini", "tracks.txt"}
    assert all((out / name).read_bytes() == (whole[0] / name).read_bytes() for name in same)
    with Genome(world.fasta) as genome:
        wanted = residual_track(track, genome, KmerNull.load(null_folder / "null.npz"))
    provenance = json.loads((out / "provenance.json").read_text())
    for name in track.orientations:
        values = read(out / f"residual_{name}.bw", "chr1", 2000, 2401)
        np.testing.assert_allclose(
            values, round_prob(wanted.gather("chr1", np.arange(2000, 2401), name)), atol=1e-6
        )
        assert values.min() < 0 < values.max()
        # On chr2 no expectation within 100 bp of the chromosome's end.
        counts = provenance["counts"]["tracks"][name]
        assert counts["residual_values"] == 401 + 301 - 100
        assert f"export_tracks: {name}: 602 residuals, 100 edges without" in result.stderr
    assert set(provenance["inputs"]["kmer_null"]) == {"file", "sha256"}
    assert provenance["arguments"]["residual"] is True
    ini = configparser.ConfigParser()
    ini.read_string((out / "tracks.ini").read_text().replace("[spacer]", ""))
    for name in track.orientations:
        shown = ini[f"residual {name}"]
        assert (shown["min_value"], shown["max_value"]) == ("-1", "1")
        assert shown["color"] != shown["negative_color"]
    lines = (out / "tracks.txt").read_text().splitlines()
    assert sum("viewLimits=-1:1" in x and "altColor=33,102,172" in x for x in lines) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"residual": "absent"}, "absent/null.npz: no such file; wanted the folder that kmer_null"),
        ({"ckpt": "random:nano"}, "this run uses random:nano of seed 1; run kmer_null with"),
        ({"region": "chr2:40-90"}, "no edge of the regions has a residual: all that have a p lie"),
    ],
)
def test_wrong_null_is_one_line(export, null_folder, tmp_path, options, message):
    given = {"residual": null_folder, "region": "chr1:2,001-2,100"} | options
    result = export(tmp_path / "out", **given)
    assert result.exit_code == 2 and not (tmp_path / "out").exists()
    last = result.stderr.splitlines()[-1]
    assert last.startswith("export_tracks: error: ") and message in last
