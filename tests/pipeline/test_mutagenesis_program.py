"""The mutagenesis program on the tiny genome: files, numbers, counts, same bytes, wrong input."""

import gzip
import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.table import check_sites, read_sites, write_sites
from ldar_interp.stats.mutations import (
    DIFFERENCE_COLUMNS,
    IMPORTANCE_COLUMNS,
    MUTATION_COLUMNS,
    REGION_COLUMNS,
)

FILES = [
    "difference.tsv", "figure.pdf", "figure.png", "figure.svg", "importance.tsv", "mutations.tsv",
    "provenance.json", "regions.tsv", "sites.npz", "sites.tsv", "variants.tsv",
]  # fmt: skip
QUICK = {
    "context-bp": 3, "max-sites": 2, "margin-bp": 32, "n-boot": 100, "workers": 1,
    "window-bp": 128, "reach-bp": 60, "controls": "C1",
}  # fmt: skip


@pytest.fixture(scope="module")
def mutate(world):
    """`mutate(out, *flags, option=value, ...)`; quick settings unless told otherwise."""

    def run_program(out, *flags, **options):
        given = {"ckpt": world.ckpt, "fasta": world.fasta, "gtf": world.gtf, "out": out, **QUICK}
        given |= {name.replace("_", "-"): value for name, value in options.items()}
        words = ["mutagenesis", *flags]
        for name, value in given.items():
            if value is not None:
                words += [f"--{name}", str(value)]
        result = CliRunner().invoke(build_app(), words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_program


@pytest.fixture(scope="module")
def vcf(world, tmp_path_factory):
    """An SNV at a donor, one far away, a star, a wrong REF among enough right ones."""
    path = tmp_path_factory.mktemp("vcf") / "small.vcf.gz"
    lines = ["##fileformat=VCFv4.3", "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO"]
    with Genome(world.fasta) as genome:
        letters = "ACGT"
        for edge in (650, 700, 800, 900, 1000, 1100, 1200, 1300, 1400):
            ref = letters[genome.fetch("chr1", edge, edge + 1)[0]]
            lines.append(f"1\t{edge + 1}\trs{edge}\t{ref}\t{'C' if ref == 'A' else 'A'},*\t.\t.\t.")
        wrong = "C" if letters[genome.fetch("chr1", 1500, 1501)[0]] == "A" else "A"
        lines.append(f"1\t1501\t.\t{wrong}\tG\t.\t.\t.")
    path.write_bytes(gzip.compress("\n".join(lines).encode() + b"\n"))
    return path


@pytest.fixture(scope="module")
def whole(mutate, vcf, tmp_path_factory):
    out = tmp_path_factory.mktemp("mutagenesis") / "result"
    result = mutate(out, vcf=vcf)
    assert result.exit_code == 0, result.stderr
    return out, result


def read(out, name):
    return pd.read_csv(out / f"{name}.tsv", sep="\t")


def digest(out):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(out.iterdir())}


def test_files_and_columns(whole):
    out, _ = whole
    assert sorted(path.name for path in out.iterdir()) == FILES
    for name, columns in {
        "mutations": MUTATION_COLUMNS, "importance": IMPORTANCE_COLUMNS,
        "regions": REGION_COLUMNS, "difference": DIFFERENCE_COLUMNS,
    }.items():  # fmt: skip
        table = read(out, name)
        assert tuple(table.columns) == columns and len(table)
        assert set(table["model"]) == {"checkpoint", "random"}
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_tables_are_the_averages_of_the_arrays(whole):
    out, _ = whole
    sites = check_sites(read_sites(out / "sites.tsv"))
    assert set(sites["set"]) == {"site", "C1"}
    arrays = np.load(out / "sites.npz")
    assert arrays["site_id"].tolist() == sites["site_id"].tolist()
    assert arrays["checkpoint_delta"].shape == (len(sites), 6, 4, 1)
    assert arrays["random_native"].shape == (len(sites), 1)
    mine = ((sites["kind"] == "donor") & (sites["set"] == "site")).to_numpy()
    delta = arrays["checkpoint_delta"][mine, :, :, 0]
    rows = read(out, "importance").query("model == 'checkpoint' and kind == 'donor'")
    rows = rows[rows["set"] == "site"]
    np.testing.assert_allclose(rows["mean_delta"], np.nanmean(delta.sum(2) / 3, 0), atol=1e-6)
    # Donors of this genome read GT.
    letters = arrays["letters"][mine]
    assert (letters[:, 3:5] == [2, 3]).all()
    effects = read(out, "mutations").groupby(["model", "kind", "set", "offset"])["effect"].sum()
    np.testing.assert_allclose(effects, 0, atol=1e-5)


def test_every_allele_is_there_and_counted(whole):
    out, result = whole
    variants = read(out, "variants")
    provenance = json.loads((out / "provenance.json").read_text())
    counts = provenance["counts"]["vcf"]
    assert len(variants) == 2 * counts["alleles"] == 2 * 19 and counts["records"] == 10
    one = variants[variants["model"] == "checkpoint"]
    found = one["status"].value_counts().to_dict()
    assert {k: n for k, n in counts.items() if k not in ("records", "alleles")} == found
    assert found["spanning deletion (*)"] == 9 and found["REF is not what the genome holds"] == 1
    scored = variants[variants["status"] == "scored"]
    assert len(scored) and scored["prob_ref"].between(0, 1).all()
    np.testing.assert_allclose(scored["delta"], scored["prob_alt"] - scored["prob_ref"], atol=1e-5)
    assert (scored["distance_bp"] <= 60).all()
    rest = variants[variants["status"] != "scored"]
    assert rest[["prob_ref", "prob_alt", "delta"]].isna().all(axis=None)
    assert "19 alleles of 10 records: " in result.stderr
    assert sorted([*provenance["files"], "provenance.json"]) == FILES
    assert set(provenance["inputs"]) == {"fasta", "gtf", "vcf", "checkpoint"}
    assert provenance["counts"]["mutagenesis"]["random"]["window_bp"] == 128


def test_same_bytes_twice(whole, mutate, vcf):
    out, _ = whole
    before = digest(out)
    assert mutate(out, "--force", vcf=vcf).exit_code == 0
    assert digest(out) == before


def test_a_table_of_sites_with_controls_of_its_own(whole, mutate, tmp_path):
    out, _ = whole
    table = read_sites(out / "sites.tsv")
    write_sites(tmp_path / "mine.tsv", table)
    options = {"sites": tmp_path / "mine.tsv", "gtf": None, "controls": None, "baseline": "none"}
    result = mutate(tmp_path / "again", **options)
    assert result.exit_code == 0, result.stderr
    mine, other = (np.load(folder / "sites.npz") for folder in (tmp_path / "again", out))
    assert mine["site_id"].tolist() == other["site_id"].tolist()
    np.testing.assert_array_equal(mine["checkpoint_delta"], other["checkpoint_delta"])
    assert "random_delta" not in mine
    result = mutate(tmp_path / "third", **(options | {"controls": "C1"}))
    assert "holds controls (C1) and --controls asks for others" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fasta": None}, "--gtf was given without --fasta; wanted the genome"),
        ({"gtf": None}, "--fasta was given alone; wanted --gtf or --sites with it"),
        ({"controls": "C1,C1"}, "controls are C1, C1; wanted each once"),
        ({"controls": "C9"}, "controls.0 is 'C9'; wanted another value"),
        ({"sites": "absent.tsv"}, "absent.tsv: cannot be read"),
        ({"sites": "absent.tsv", "tag": "basic"}, "--gene-type and --tag choose among the sites"),
        ({"window_bp": 257}, "window of 257 bp; wanted an even number from 2 to 256"),
        ({"vcf": "absent.vcf"}, "absent.vcf: cannot be read"),
        ({"vcf": "absent.vcf", "reach_bp": 65}, "--reach-bp is 65; wanted at most 64, half of"),
        ({"ckpt": "random:nano", "context_bp": 65}, "context of 65 bp, spread of 0 bp; wanted 1"),
    ],
)
def test_wrong_input_is_one_line(mutate, tmp_path, options, message):
    place = tmp_path / "place"
    place.mkdir()
    result = mutate(place / "out", **options)
    assert result.exit_code == 2 and not list(place.iterdir())
    last = result.stderr.splitlines()[-1]
    assert last.startswith("mutagenesis: error: ") and message in last, result.stderr


def test_sites_that_have_no_value_are_an_error(mutate, tmp_path):
    sites = pd.DataFrame(
        {
            "site_id": ["a"], "chrom": ["chr1"], "edge": [31], "strand": ["+"], "kind": ["donor"],
            "set": ["site"], "group": ["g"],
        }
    )  # fmt: skip
    write_sites(tmp_path / "mine.tsv", sites)
    options = {"sites": tmp_path / "mine.tsv", "gtf": None, "controls": None}
    result = mutate(tmp_path / "out", **options)
    assert "all 1 sites lie within the margin of 32 bp" in result.stderr
    write_sites(tmp_path / "mine.tsv", sites.assign(set="C1", matched_to="b", draw=0))
    result = mutate(tmp_path / "out", **options)
    assert "has no row whose set is 'site'; wanted some sites" in result.stderr
