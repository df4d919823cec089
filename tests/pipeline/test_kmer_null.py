"""The kmer-null program on a tiny genome: files, columns, the saved null, same bytes twice."""

import hashlib
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app
from ldar_interp.errors import InputError
from ldar_interp.kmer.analysis import read_excluded, run_analysis
from ldar_interp.kmer.settings import KmerNullSettings
from ldar_interp.letters.kmer_null import KmerNull
from ldar_interp.plots.kmer_null import kmer_null_figure
from ldar_interp.plots.style import check_figure

BACKGROUND_BP = 16_000
FILES = [
    "figure.pdf", "figure.png", "figure.svg", "null.npz", "null_random.npz", "provenance.json",
    "quintiles.tsv", "r2.tsv",
]  # fmt: skip


@pytest.fixture(scope="module")
def run_null(world):
    def run_program(out, *words, **options):
        given = {
            "ckpt": world.ckpt, "fasta": world.fasta, "gtf": world.gtf, "out": out,
            "margin-bp": 32, "background-bp": BACKGROUND_BP, "n-boot": 100, "workers": 1, **options,
        }  # fmt: skip
        line = ["kmer-null", *words]
        for name, value in given.items():
            line += [f"--{name}", str(value)]
        result = CliRunner().invoke(build_app(), line)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_program


@pytest.fixture(scope="module")
def out(run_null, tmp_path_factory):
    folder = tmp_path_factory.mktemp("null") / "result"
    result = run_null(folder)
    assert result.exit_code == 0, result.stderr
    assert "letters and GC explain" in result.stderr
    return folder


def test_files_and_tables(out):
    assert sorted(path.name for path in out.iterdir()) == FILES
    r2 = pd.read_csv(out / "r2.tsv", sep="\t")
    assert r2.columns.tolist() == [
        "model", "k", "gc", "estimator", "r2", "ci_low", "ci_high", "n_edges", "n_blocks", "chosen",
    ]  # fmt: skip
    assert len(r2) == 20 and not r2.duplicated(["model", "k", "gc"]).any()
    assert (r2[r2["chosen"] == "yes"].groupby("model").size() == 1).all()
    assert (r2["ci_low"] <= r2["r2"]).all() and (r2["r2"] <= r2["ci_high"]).all()
    assert r2["n_blocks"].min() >= 8
    quintiles = pd.read_csv(out / "quintiles.tsv", sep="\t")
    assert quintiles.columns.tolist() == [
        "model", "context", "quintile", "gc_mean", "mean_prob", "n_edges",
    ]  # fmt: skip
    own = quintiles[quintiles["model"] == "checkpoint"]
    assert own["n_edges"].sum() == r2["n_edges"].iloc[0] and own["context"].nunique() == 16


def test_saved_null_says_what_made_it(out):
    null = KmerNull.load(out / "null.npz")
    assert set(null.provenance["checkpoint"]) == {"file", "sha256"}
    assert null.provenance["strand"] == "transcript" and null.strands == "both"
    random = KmerNull.load(out / "null_random.npz")
    assert random.provenance["checkpoint"] == {"random_weights_seed": 2}
    provenance = json.loads((out / "provenance.json").read_text())
    counts = provenance["counts"]["background"]["checkpoint"]
    assert counts["edges_near_sites"] > 0 and counts["blocks"] >= 8
    assert provenance["arguments"]["k"] == "auto"
    assert provenance["files"] == [name for name in FILES if name != "provenance.json"]


def test_figure_can_be_read(out):
    tables = [pd.read_csv(out / f"{name}.tsv", sep="\t") for name in ("r2", "quintiles")]
    for width in (183, 89):
        assert check_figure(kmer_null_figure(*tables, width_mm=width)) == []


def test_same_input_same_bytes_and_more_sites_less_edges(run_null, world, out, tmp_path):
    again = tmp_path / "again"
    assert run_null(again).exit_code == 0
    for name in FILES:
        first, second = ((folder / name).read_bytes() for folder in (out, again))
        assert hashlib.sha256(first).digest() == hashlib.sha256(second).digest(), name
    sites = tmp_path / "sites.tsv"
    rows = [
        f"m{i}\tchr1\t{edge}\t+\tTATA\tsite\tg\t12" for i, edge in enumerate(range(400, 15000, 50))
    ]
    header = "site_id\tchrom\tedge\tstrand\tkind\tset\tgroup\twidth_bp"
    sites.write_text("\n".join([header, *rows]) + "\n")
    # Without its files: the figure is the same, and slow.
    settings = KmerNullSettings(
        ckpt=str(world.ckpt), fasta=world.fasta, gtf=world.gtf, sites=sites, baseline="none",
        k="4", margin_bp=32, background_bp=BACKGROUND_BP, n_boot=100,
    )  # fmt: skip
    found = run_analysis(settings, workers=1)
    assert list(found.nulls) == ["checkpoint"]
    all_edges = pd.read_csv(out / "r2.tsv", sep="\t")["n_edges"].iloc[0]
    assert found.r2["n_edges"].iloc[0] < all_edges
    null = found.nulls["checkpoint"]
    assert null.provenance["left_out"]["sites"] == len(rows)
    assert null.fitted.count_near([read_excluded(sites)]) == 0
    assert set(null.k.tolist()) == {4} and null.provenance["sites"]["file"] == "sites.tsv"


def test_controls_in_a_table_of_sites_stay_in_the_fit(tmp_path, capsys):
    path = tmp_path / "hits.tsv"
    header = "site_id\tchrom\tedge\tstrand\tkind\tset\tgroup\tmatched_to"
    site, control = "a\tchr1\t400\t+\tTATA\tsite\tg\t", "b\tchr1\t900\t+\tTATA\tC2\tg\ta"
    path.write_text("\n".join([header, site, control]) + "\n")
    assert read_excluded(path)["site_id"].tolist() == ["a"]
    assert "1 rows are controls and stay in the fit" in capsys.readouterr().err
    path.write_text("\n".join([header, control]) + "\n")
    with pytest.raises(InputError, match="has no row of the set 'site'; wanted the sites to leave"):
        read_excluded(path)


def test_wrong_k_is_one_line(run_null, tmp_path):
    result = run_null(tmp_path / "no", k=5)
    assert result.exit_code == 2
    assert "kmer_null: error: command line: k is" in result.stderr


def test_missing_table_of_sites_is_one_line(run_null, tmp_path):
    result = run_null(tmp_path / "no", sites=tmp_path / "absent.tsv")
    assert result.exit_code == 2
    assert "absent.tsv: cannot be read" in result.stderr.splitlines()[-1]
