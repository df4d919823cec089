"""splice_profile down the whole ladder: equal letters, shuffled contexts, residuals."""

import json

import numpy as np
import pandas as pd
import pytest

WHOLE = {"controls": "C0,C1,C2,C3-8,C3-core,C4", "residual": "auto"}
QUICK = {"background_bp": 30_000, "max_context_sites": 30, "n_shuffles": 2}


@pytest.fixture(scope="module")
def out(run, tmp_path_factory):
    folder = tmp_path_factory.mktemp("ladder") / "result"
    result = run(folder, **WHOLE, **QUICK)
    assert result.code == 0, result.stderr
    assert "C4: 60 of" in result.stderr and "letters and GC explain" in result.stderr
    return folder


def read(out, name):
    return pd.read_csv(out / f"{name}.tsv", sep="\t")


def test_every_rung_is_there_for_every_signal_and_model(out):
    table = read(out, "enrichment")
    assert set(table["signal"]) == {"prob", "residual"}
    means = table[table["statistic"] == "mean_difference"]
    for (model, signal, kind), rows in means.groupby(["model", "signal", "kind"]):
        rungs = ["C0", "C1", "C2", "C3-8", "C3-core", "C4"]
        wanted = [rung for rung in rungs if rung != "C3-core" or kind == "donor"]
        assert sorted(rows["control"]) == wanted, (model, signal, kind)
    only_means = table[table["control"] == "C4"]["statistic"]
    assert set(only_means) == {"mean_difference"}
    assert not table[table["signal"] == "residual"]["statistic"].eq("boundary_odds_ratio").any()


def test_only_declared_rungs_are_tested_and_one_family_is_adjusted(out):
    table = read(out, "enrichment")
    tested = table[table["p_value"].notna()]
    assert set(tested["control"]) <= {"C1", "C2"}
    assert set(tested["statistic"]) == {"mean_difference"}
    for _, family in tested.groupby("model"):
        assert set(family["signal"]) == {"prob", "residual"}  # one family holds both
        assert (family["q_value"] >= family["p_value"] - 1e-12).all()
        assert family["q_value"].max() == pytest.approx(family["p_value"].max(), rel=1e-4), (
            "Benjamini-Hochberg leaves the largest p as it is"
        )


def test_context_rows_come_from_their_own_windows(out):
    with np.load(out / "profiles.npz") as held:
        names = set(held.files)
        native, shuffled = held["checkpoint_native"], held["checkpoint_shuffled"]
        ids = held["context_site_id"]
        centre = int(np.flatnonzero(held["context_offsets"] == 0)[0])
        residual = held["checkpoint_residual"]
    assert {"checkpoint_residual_native", "random_native", "random_residual"} <= names
    sites = read(out, "sites").set_index("site_id")
    donors = (sites.loc[ids, "kind"] == "donor").to_numpy()
    table = read(out, "enrichment")
    row = table[
        (table["model"] == "checkpoint")
        & (table["signal"] == "prob")
        & (table["kind"] == "donor")
        & (table["control"] == "C4")
    ].iloc[0]
    effect = (native - shuffled)[donors, centre].mean()
    assert row["effect"] == pytest.approx(effect, abs=1e-5)
    assert np.nanmin(residual) < 0 < np.nanmax(residual)
    profile = read(out, "profile")
    sets = profile[(profile["kind"] == "donor") & (profile["model"] == "checkpoint")]
    assert not sets.duplicated(["signal", "set", "offset"]).any()  # one row of `site` only


def test_controls_of_equal_letters_are_in_the_site_table(out):
    table = read(out, "sites")
    controls = table[table["set"] == "C3-8"]
    assert len(controls) and controls["matched_to"].notna().all()
    assert set(controls["draw"]) == {0}


def test_provenance_says_what_the_null_is(out):
    held = json.loads((out / "provenance.json").read_text())
    assert held["kmer_null"]["origin"] == "fitted in this run"
    assert set(held["kmer_null"]["models"]) == {"checkpoint", "random"}
    assert held["counts"]["contexts"]["donor"]["used"] == 30
    assert "ladder.pdf" in held["files"]


def test_a_null_from_a_folder_gives_the_same_as_one_fitted_here(world, out, run, tmp_path):
    from typer.testing import CliRunner

    from ldar_interp.__main__ import build_app

    words = ["kmer-null", "--out", str(tmp_path / "null"), "--margin-bp", "32"]
    words += ["--background-bp", "30000", "--n-boot", "100", "--workers", "1"]
    for name in ("ckpt", "fasta", "gtf"):
        words += [f"--{name}", str(getattr(world, name))]
    made = CliRunner().invoke(build_app(), words)
    assert made.exit_code == 0, made.stderr
    again = run(tmp_path / "again", **{**WHOLE, **QUICK, "residual": tmp_path / "null"})
    assert again.code == 0, again.stderr
    assert "WARNING" not in again.stderr  # kmer_null left out the same annotated edges
    first, second = read(out, "enrichment"), read(tmp_path / "again", "enrichment")
    pd.testing.assert_frame_equal(first, second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"controls": "C3-8,C4"}, "controls are C3-8, C4; wanted one of C0, C1, C2 beside them"),
        ({"controls": "C1,C1"}, "controls are C1, C1; wanted some of"),
        ({"residual": "nowhere"}, "null.npz: no such file; wanted the folder that kmer_null wrote"),
    ],
)
def test_wrong_input_is_one_line(run, tmp_path, options, message):
    result = run(tmp_path / "x", **options)
    assert result.code == 2
    assert message in result.stderr.splitlines()[-1]
