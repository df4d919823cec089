"""A whole run of the splice-profile program: names, columns, numbers, counts, same bytes twice."""

import getpass
import hashlib
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ldar_interp.sites.table import check_sites, read_sites

COLUMNS = {
    "sites": ["site_id", "chrom", "edge", "strand", "kind", "set", "group"],
    "profile": [
        "model", "signal", "kind", "set", "offset", "mean", "ci_low", "ci_high",
        "boundary_rate", "n",
    ],
    "difference": [
        "model", "signal", "kind", "control", "offset", "difference", "ci_low", "ci_high", "p_maxt",
    ],
    "enrichment": [
        "model", "signal", "kind", "control", "statistic", "offset", "effect", "ci_low", "ci_high",
        "p_value", "q_value", "n_sites", "n_controls", "n_groups", "n_dropped", "method", "seed",
    ],
    "balance": [
        "kind", "control", "covariate", "smd_before", "smd_after", "variance_ratio", "flagged",
    ],
}  # fmt: skip
FILES = [
    "balance.tsv", "difference.tsv", "enrichment.tsv", "figure.pdf", "figure.png", "figure.svg",
    "ladder.pdf", "ladder.png", "ladder.svg", "profile.tsv", "profiles.npz", "provenance.json",
    "sites.tsv",
]  # fmt: skip
RUNGS = ["C0", "C1", "C2"]
KINDS = ["acceptor", "donor"]
MODELS = ["checkpoint", "random"]


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "result"
    outcome = run(out)
    assert outcome.code == 0, outcome.stderr
    return out, outcome


@pytest.fixture(scope="module")
def out(whole):
    return whole[0]


@pytest.fixture(scope="module")
def provenance(out):
    return json.loads((out / "provenance.json").read_text())


@pytest.fixture(scope="module")
def sites(out):
    return read_sites(out / "sites.tsv")


@pytest.fixture(scope="module")
def arrays(out):
    with np.load(out / "profiles.npz", allow_pickle=False) as archive:
        return dict(archive)


def read(out, name):
    return pd.read_csv(out / f"{name}.tsv", sep="\t")


def rows_of(sites, kind, name):
    """Rows of sites.tsv that profile.tsv averages: sites, or the declared draw of a rung."""
    drawn = (sites["set"] == "site") | (sites["draw"] == 0)
    return ((sites["kind"] == kind) & (sites["set"] == name) & drawn).to_numpy(dtype=bool)


def test_the_files_have_exactly_their_names_and_columns(out):
    assert sorted(path.name for path in out.iterdir()) == FILES
    assert sorted(path.name for path in out.parent.iterdir()) == ["result"]
    for name, columns in COLUMNS.items():
        found = read(out, name).columns.tolist()
        assert found[: len(columns)] == columns
        assert name == "sites" or found == columns
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert (out / "figure.pdf").read_bytes().startswith(b"%PDF")
    assert "<svg" in (out / "figure.svg").read_text()[:2000]


def test_tables_hold_every_model_kind_and_set_once(out):
    profile, difference = read(out, "profile"), read(out, "difference")
    enrichment, balance = read(out, "enrichment"), read(out, "balance")
    offsets = list(range(-12, 13))
    keys = profile.groupby(["model", "kind", "set"])["offset"].apply(list)
    assert sorted(keys.index) == [
        (m, k, s) for m in MODELS for k in KINDS for s in [*RUNGS, "site"]
    ]
    assert all(found == offsets for found in keys)
    keys = difference.groupby(["model", "kind", "control"])["offset"].apply(list)
    assert sorted(keys.index) == [(m, k, c) for m in MODELS for k in KINDS for c in RUNGS]
    assert all(found == offsets for found in keys)
    once = ["model", "kind", "control", "statistic", "offset"]
    assert not enrichment.duplicated(once).any()
    assert set(enrichment["offset"]) == {0} and set(enrichment["seed"]) == {1}
    assert {*enrichment["statistic"]} >= {
        "mean_difference", "auroc", "cliffs_delta", "boundary_odds_ratio",
    }  # fmt: skip
    tested = enrichment.dropna(subset="p_value")
    assert set(tested["statistic"]) == {"mean_difference"} and set(tested["control"]) <= {
        "C1", "C2",
    }  # fmt: skip
    assert (tested["model"] == "checkpoint").any() and tested["q_value"].notna().all()
    assert sorted(set(balance["control"])) == RUNGS and sorted(set(balance["kind"])) == KINDS


def test_sites_are_a_site_table_whose_controls_point_at_sites(sites):
    check_sites(sites)
    assert sorted(set(sites["set"])) == [*RUNGS, "site"]
    assert sites["kind"].value_counts().loc[KINDS].min() > 48
    own = sites[sites["set"] == "site"]
    assert own["kind"].value_counts().to_dict() == {"donor": 48, "acceptor": 48}
    assert set(own["strand"]) == {"+", "-"} and own["group"].nunique() == 16
    controls = sites[sites["set"] != "site"].merge(
        own, left_on="matched_to", right_on="site_id", suffixes=("", "_site")
    )
    assert len(controls) == (sites["set"] != "site").sum()
    for column in ("kind", "strand", "chrom", "group"):
        assert (controls[column] == controls[f"{column}_site"]).all()
    assert (controls["edge"] != controls["edge_site"]).all()


def test_the_archive_is_in_the_order_of_the_sites(arrays, sites):
    assert sorted(arrays) == ["checkpoint", "offsets", "random", "site_id"]
    assert arrays["site_id"].tolist() == sites["site_id"].tolist()
    assert arrays["offsets"].tolist() == list(range(-12, 13))
    for name in MODELS:
        assert arrays[name].dtype == np.float32 and arrays[name].shape == (len(sites), 25)
    assert np.abs(arrays["checkpoint"] - arrays["random"])[np.isfinite(arrays["random"])].max() > 0
    assert np.array_equal(np.isnan(arrays["checkpoint"]), np.isnan(arrays["random"]))


def test_profile_numbers_follow_from_the_archive(out, arrays, sites):
    profile = read(out, "profile")
    for (model, kind, name), rows in profile.groupby(["model", "kind", "set"]):
        values = arrays[model][rows_of(sites, kind, name)].astype(float)
        known = ~np.isnan(values)
        assert rows["n"].tolist() == known.sum(axis=0).tolist()
        mean = np.where(known, values, 0).sum(axis=0) / known.sum(axis=0)
        np.testing.assert_allclose(rows["mean"], mean, rtol=1e-5)
        rate = (known & (values > 0.5)).sum(axis=0) / known.sum(axis=0)
        np.testing.assert_allclose(rows["boundary_rate"], rate, rtol=1e-5)
        inside = rows.dropna(subset="ci_low")
        assert (inside["ci_low"] <= inside["mean"]).all()
        assert (inside["mean"] <= inside["ci_high"]).all()


def test_differences_and_effects_follow_from_the_archive(out, arrays, sites):
    difference, enrichment = read(out, "difference"), read(out, "enrichment")
    place = {name: i for i, name in enumerate(sites["site_id"])}
    for (model, kind, rung), rows in difference.groupby(["model", "kind", "control"]):
        mine = np.flatnonzero(rows_of(sites, kind, rung))
        partners = [place[name] for name in sites["matched_to"].iloc[mine]]
        gap = arrays[model][partners].astype(float) - arrays[model][mine].astype(float)
        centre = ~np.isnan(gap[:, 12])
        np.testing.assert_allclose(
            rows["difference"], np.nanmean(gap, axis=0), rtol=1e-4, atol=1e-6
        )
        row = enrichment.query(
            "model == @model and kind == @kind and control == @rung "
            "and statistic == 'mean_difference'"
        ).iloc[0]
        assert row["effect"] == pytest.approx(gap[centre, 12].mean(), rel=1e-4, abs=1e-6)
        assert row["n_sites"] == row["n_controls"] == centre.sum()
        assert row["n_dropped"] == len(gap) - centre.sum()


def test_sites_at_n_are_dropped_and_counted_on_stderr_and_in_provenance(
    whole, provenance, arrays, sites
):
    is_site = (sites["set"] == "site").to_numpy()
    missing = sites[is_site & np.isnan(arrays["checkpoint"][:, 12])]
    # The donor 20 bp before the N run: closer than the margin of 32 bp.
    assert missing[["chrom", "kind", "strand"]].to_numpy().tolist() == [["chr2", "donor", "+"]]
    counts = provenance["counts"]
    for model in MODELS:
        found = counts["profiles"][model]
        assert found["sites"] == {
            "total": 96, "without_value_at_edge": 1, "without_value_in_flank": 1,
        }  # fmt: skip
        assert found["controls"]["total"] == int((~is_site).sum())
        assert f"{model}: {counts['extraction'][model]['windows']} windows of 256 bp" in whole[1][2]
    assert "1 of 96 sites dropped, 1 with gaps" in whole[1].stderr
    assert counts["extraction"]["checkpoint"]["edges_without_value"]["forward"] > 0
    donors = counts["controls"]["C1"]["donor"]
    assert donors["unmatched: flank leaves the sequence or holds N"] == 1
    assert "C1 donor: 47 of 48 sites matched (flank leaves the sequence or holds N 1)" in (
        whole[1].stderr
    )


def test_messages_go_to_stderr_and_nothing_to_stdout(whole):
    out, outcome = whole
    assert outcome.stdout == ""
    lines = outcome.stderr.splitlines()
    assert lines[0].startswith("splice_profile: 48 of 48 introns kept; 48 of 48 inside the genome")
    assert lines[1] == "splice_profile: 48 of 48 acceptors, 48 of 48 donors in 16 loci"
    assert lines[-1] == f"splice_profile: results in {out}"


def test_provenance_tells_inputs_by_hash_and_nothing_of_the_machine(out, provenance, world):
    assert provenance["inputs"] == {
        "fasta": {"file": "genome.fa", "sha256": digest(world.fasta)},
        "gtf": {"file": "genes.gtf", "sha256": digest(world.gtf)},
        "checkpoint": {
            "file": "model.safetensors", "sha256": digest(world.ckpt / "model.safetensors"),
        },
    }  # fmt: skip
    assert provenance["files"] == [name for name in FILES if name != "provenance.json"]
    assert provenance["seed"] == 1 and provenance["baseline_seed"] == 2
    assert provenance["backend"] == "compiled"
    assert set(provenance["backend_versions"]) == {"numba", "llvmlite"}
    assert provenance["arguments"]["backend"] == "auto"
    assert {run["backend"] for run in provenance["counts"]["extraction"].values()} == {"compiled"}
    assert provenance["arguments"]["flank_bp"] == 12
    assert provenance["model"]["train_length"] == 256
    assert sorted(provenance["offset_consistency"]) == MODELS
    assert provenance["offset_consistency"]["checkpoint"]["n_loci"] == 12
    assert sorted(provenance["counts"]) == [
        "absent_chroms", "annotation", "chrom_names", "contexts", "controls", "extraction",
        "profiles", "sites_used",
    ]  # fmt: skip
    for name in FILES:
        content = (out / name).read_bytes()
        for trace in (str(out.parent), str(world.fasta.parent), str(Path.cwd())):
            assert trace.encode() not in content, f"{name} holds {trace}"
    text = (out / "provenance.json").read_text()
    for trace in (socket.gethostname(), getpass.getuser()):
        assert f'"{trace}"' not in text


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_second_run_elsewhere_in_another_process_gives_the_same_bytes(out, world, tmp_path):
    for source in (world.fasta, world.gtf):
        shutil.copy(source, tmp_path)
    shutil.copytree(world.ckpt, tmp_path / "checkpoint")
    words = "--ckpt checkpoint --fasta genome.fa --gtf genes.gtf --out again --flank-bp 12"
    words += " --n-draws 1 --n-boot 100 --n-flips 99 --margin-bp 32 --workers 1"
    words += " --controls C0,C1,C2 --residual none"
    found = subprocess.run(
        [sys.executable, "-m", "ldar_interp.splice_profile", *words.split()],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert found.stdout == ""
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == FILES
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name
