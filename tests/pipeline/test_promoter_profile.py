"""The promoter-profile program on a tiny genome: files, endpoints, rungs, same bytes twice."""

import hashlib
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app

FILES = [
    "balance.tsv", "difference.tsv", "enrichment.tsv", "figure.pdf", "figure.png", "figure.svg",
    "hits.tsv", "ladder.pdf", "ladder.png", "ladder.svg", "motifs.tsv", "profile.tsv",
    "profiles.npz", "provenance.json",
]  # fmt: skip
MOTIFS = """>T1 TACG
A [ 0 9 0 0 ]
C [ 0 0 9 0 ]
G [ 0 0 0 9 ]
T [ 9 0 0 0 ]
>T2 LONGER
A [ 9 0 0 5 0 1 ]
C [ 0 9 0 2 0 1 ]
G [ 0 0 9 2 0 8 ]
T [ 0 0 0 1 9 0 ]
>T3 NOWHERE
A [ 1 1 1 ]
C [ 1 1 1 ]
G [ 1 1 1 ]
T [ 1 1 1 ]
"""


@pytest.fixture(scope="module")
def run_promoters(world, tmp_path_factory):
    motifs = tmp_path_factory.mktemp("motifs") / "mine.jaspar"
    motifs.write_text(MOTIFS)

    def run_program(out, *words, **options):
        given = {
            "ckpt": world.ckpt, "fasta": world.fasta, "gtf": world.gtf, "out": out,
            "motifs": motifs, "p-value": 0.005, "margin-bp": 32, "background-bp": 30_000,
            "flank-bp": 30, "n-draws": 1, "n-boot": 100, "n-flips": 99, "workers": 1,
            "max-context-sites": 10, "n-shuffles": 2,
            **{name.replace("_", "-"): value for name, value in options.items()},
        }  # fmt: skip
        line = ["promoter-profile", *words]
        for name, value in given.items():
            if value is not None:
                line += [f"--{name}", str(value)]
        result = CliRunner().invoke(build_app(), line)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run_program


@pytest.fixture(scope="module")
def out(run_promoters, tmp_path_factory):
    folder = tmp_path_factory.mktemp("promoters") / "result"
    result = run_promoters(folder)
    assert result.exit_code == 0, result.stderr
    assert "NOWHERE" in result.stderr  # left out by name, before any scan
    return folder


def read(out, name):
    return pd.read_csv(out / f"{name}.tsv", sep="\t")


def test_files(out):
    assert sorted(path.name for path in out.iterdir()) == FILES


def test_all_declared_motifs_are_reported(out):
    motifs = read(out, "motifs")
    assert motifs["kind"].tolist() == ["TACG", "LONGER", "NOWHERE"]
    status = motifs.set_index("kind")["status"]
    assert status["TACG"] == "scanned" and status["NOWHERE"].startswith("left out:")


def test_endpoints_rungs_and_signals(out):
    table = read(out, "enrichment")
    assert table.columns.tolist()[:6] == [
        "model", "signal", "kind", "accession", "control", "statistic",
    ]  # fmt: skip
    assert set(table["statistic"]) == {"left_flank", "inside", "right_flank"}
    assert set(table["control"]) == {"C0", "C1", "C2", "C3-8", "C3-10", "C4"}
    assert set(table["signal"]) == {"prob", "residual"}
    assert table["offset"].isna().all()
    assert dict(zip(table["kind"], table["accession"], strict=True)) == {
        "TACG": "T1", "LONGER": "T2",
    }  # fmt: skip
    tested = table[table["p_value"].notna()]
    assert set(tested["control"]) <= {"C1", "C2"}


def test_hits_are_sites_with_their_controls(out):
    hits = read(out, "hits")
    sites = hits[hits["set"] == "site"]
    assert set(sites["kind"]) == {"TACG", "LONGER"}
    assert (sites["width_bp"] == sites["kind"].map({"TACG": 4, "LONGER": 6})).all()
    assert sites["tss_id"].notna().all() and sites["p_value"].max() <= 0.005
    controls = hits[hits["set"] != "site"]
    assert set(controls["matched_to"]) <= set(sites["site_id"])
    group = sites.set_index("site_id")["group"]
    assert (controls["group"].to_numpy() == group[controls["matched_to"]].to_numpy()).all()


def test_same_input_same_bytes(out, run_promoters, tmp_path):
    assert run_promoters(tmp_path / "again").exit_code == 0
    for path in sorted(out.iterdir()):
        again = tmp_path / "again" / path.name
        digests = [hashlib.sha256(p.read_bytes()).hexdigest() for p in (path, again)]
        assert digests[0] == digests[1], path.name


def test_provenance(out):
    held = json.loads((out / "provenance.json").read_text())
    assert held["inputs"]["motifs"]["file"] == "mine.jaspar"
    assert held["counts"]["sites_used"].keys() == {"TACG", "LONGER"}
    assert "/" not in held["arguments"].get("motifs", "")


def test_starts_from_a_bed_file(run_promoters, tmp_path):
    bed = tmp_path / "cage.bed"
    bed.write_text("chr1\t5000\t5001\tpeak1\t0\t+\nchr2\t9000\t9001\tpeak2\t0\t-\n")
    result = run_promoters(tmp_path / "bed", tss=bed, controls="C0,C2", residual="none")
    assert result.exit_code == 0, result.stderr
    hits = read(tmp_path / "bed", "hits")
    assert hits[hits["set"] == "site"]["tss_id"].nunique() <= 2
    table = read(tmp_path / "bed", "enrichment")
    assert set(table["signal"]) == {"prob"}
    assert table["method"].str.startswith("too few").all()  # two starts are no sample


def test_forward_reads_go_down_to_c4_and_starts_without_windows_have_their_rows(
    run_promoters, tmp_path
):
    """A null of forward reads beside C4; all C4 windows of this start leave the sequence."""
    bed = tmp_path / "near.bed"
    bed.write_text("chr1\t400\t401\tnear\t0\t+\n")
    result = run_promoters(
        tmp_path / "near", tss=bed, controls="C0,C4", strand="forward", baseline="none"
    )
    assert result.exit_code == 0, result.stderr
    assert "C4: 0 of" in result.stderr
    table = read(tmp_path / "near", "enrichment")
    rows = table.groupby(["signal", "kind", "statistic"])["control"].agg(sorted)
    assert (rows.map(tuple) == ("C0", "C4")).all() and len(rows) == 6 * table["kind"].nunique()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"motifs": "absent.meme"}, "no such file; wanted declared, all, a list"),
        ({"p_value": 1e-9}, "no motif has a hit"),
        ({"flank_bp": 10}, "flank of 10 bp beside motifs of up to 6 bp; wanted --flank-bp of 11"),
        ({"tss": "x.bed", "tag": "basic"}, "--tss gives others; wanted one or the other"),
        ({"controls": "C2,C3-core"}, "controls hold C3-core, which is for donors"),
    ],
)
def test_wrong_input_is_one_line(run_promoters, tmp_path, options, message):
    result = run_promoters(tmp_path / "x", **options)
    assert result.exit_code == 2
    assert message in result.stderr.splitlines()[-1]
