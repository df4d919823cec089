"""Tables to figures and outcomes: numbers by hand, missing runs, committed results."""

import importlib
import json

import numpy as np
import pandas as pd
import pytest
from synthetic_runs import write_synthetic
from typer.testing import CliRunner

from analyses.compression.run import quantile, shares
from analyses.nano_runs.report import COLUMNS
from analyses.nano_runs.tables import TABLES, read_table
from analyses.outcome import BEGIN, END, markdown_table, with_outcome
from analyses.routing.summarise import mismatch_of
from ldar_interp.command_line import merge_settings
from ldar_interp.errors import InputError
from ldar_interp.plots.style import check_figure
from ldar_interp.provenance import hash_file

NAMES = ("ratio_loss", "compression", "routing", "training_dynamics")
ROOT = TABLES.parents[2]


def load(name):
    return importlib.import_module(f"analyses.{name}.run")


def report_of(name, tables):
    module = load(name)
    settings = merge_settings(module.Settings, module.FOLDER / "config.toml", {})
    return module.build_report(settings, tables)


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")
    write_synthetic(folder)
    return folder


@pytest.fixture(scope="module")
def partial(tmp_path_factory):
    """Two seeds of three settings."""
    folder = tmp_path_factory.mktemp("partial")
    write_synthetic(folder, seeds=(1, 2), settings=("learned", "fixed", "alpha_0"))
    return folder


# ---- figures ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("tables", ["full", "partial"])
def test_figures_are_readable_and_hold_no_numbers_of_missing_runs(name, tables, request):
    report = report_of(name, request.getfixturevalue(tables))
    assert list(report.data.columns) == list(COLUMNS)
    assert check_figure(report.draw(report.data)) == []
    assert report.data["y"].notna().all()
    if tables == "partial":
        missing = {"alpha_0.003", "alpha_0.3", "n_2", "n_6", "n_8", "random", "one_sided"}
        assert not missing & set(report.data["series"])
        assert set(report.data["n_seeds"]) <= {1, 2}


# ---- numbers ------------------------------------------------------------------------------------


def test_ratio_loss_by_hand(full, partial):
    report = report_of("ratio_loss", full)
    means = report.data[report.data["seed"] == ""].set_index(["panel", "series"])
    assert means.loc[("b", "alpha_0"), "y"] == pytest.approx(0.1)
    assert means.loc[("c", "alpha_0"), "y"] == pytest.approx(-0.01)
    assert means.loc[("b", "learned"), "low"] < 0 < means.loc[("b", "learned"), "high"]
    verdict = report.paragraphs[0]
    assert "alpha 0, it rises" in verdict
    assert "alpha 0.03, the interval holds 0" in verdict
    assert "alpha 0, better; alpha 0.003, worse" in verdict
    said = "\n".join(report_of("ratio_loss", partial).paragraphs)
    assert "alpha 0.3, not measured" in said
    assert "2 seeds" in said and "3 seeds" not in said


def test_chunk_lengths_by_hand(full):
    lengths = pd.DataFrame(
        {"setting": "x", "seed": [1, 1, 1, 2], "length": [1, 2, 64, 2], "count": [5, 4, 1, 7]}
    )
    found = shares(lengths, "x")
    assert found.loc[1, 1] == 0.5 and found.loc[1, 2] == 0.0 and found.loc[64, 1] == 0.1
    assert found.sum().tolist() == pytest.approx([1, 1])
    assert [quantile(found[1], q) for q in (0.5, 0.9, 0.95)] == [1, 2, 64]
    chunks = report_of("compression", full).paragraphs[2]
    # Lengths of synthetic chunks are geometric: half, and a quarter, are single bases.
    assert "| 2 | 1 | 5 | 50.0 | 3 |" in chunks
    assert "| 4 | 3 | 11 | 25.0 | 3 |" in chunks


def test_routing_by_hand(full):
    report = report_of("routing", full)
    means = report.data[report.data["seed"] == ""].set_index(["panel", "series", "x"])
    assert means.loc[("a", "fixed", 0), "y"] == pytest.approx(0.02)
    said = "\n".join(report.paragraphs)
    assert "fixed, worse" in said
    assert "+0.020 [0.020, 0.020], 3 seeds: one-sided moves more" in said
    assert (
        "| two-sided | 15 % | 0.250 (12.5) | 0.062 (3.1) | 0.028 (1.4) | 0.016 (0.8) | none" in said
    )
    assert "0.12 %" in said
    runs = read_table("run", full)
    runs.loc[runs["setting"] == "fixed", "flops"] = 7.9e12
    assert mismatch_of(runs, "fixed").to_list() == pytest.approx([-0.0125] * 3)


def test_a_mismatch_over_the_declared_one_is_said(tmp_path):
    tables = write_synthetic(tmp_path)
    run = tables["run"]
    run.loc[run["setting"] == "fixed", "flops"] = 7.9e12
    run.to_csv(tmp_path / "run.tsv", sep="\t", index=False)
    assert "| 1.25 %: over 0.5 % |" in "\n".join(report_of("routing", tmp_path).paragraphs)


def test_training_dynamics_by_hand(full):
    report = report_of("training_dynamics", full)
    mine = report.data[(report.data["panel"] == "donor, C1") & (report.data["seed"] == "")]
    np.testing.assert_allclose(mine["y"].iloc[[0, -1]], [-0.125, -0.25])
    said = "\n".join(report.paragraphs)
    assert "donors at C1, it falls; donors at C2, it rises" in said
    assert "the same in 3 seeds" in said
    assert "| step 800 of the same run: correlation | 0.20 |" in said
    pairs = report.data[report.data["series"] == "between seeds"]
    assert set(pairs["seed"]) == {"1-2", "1-3", "2-3"}


# ---- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_program_writes_a_folder_and_an_outcome(name, partial, tmp_path):
    import typer

    module = load(name)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(module.main)
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{BEGIN}\n\nan earlier one\n\n{END}\n\nafter\n")
    words = ["--tables", str(partial), "--out", str(tmp_path / name), "--readme", str(readme)]
    assert CliRunner().invoke(app, words).exit_code == 0
    first = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert set(first) == {f"{name}.pdf", f"{name}.png", "data.tsv", "provenance.json"}
    text = readme.read_text()
    assert text.startswith(f"before\n\n{BEGIN}\n\n**") and text.endswith(f"{END}\n\nafter\n")
    assert "an earlier one" not in text
    assert CliRunner().invoke(app, [*words, "--force"]).exit_code == 0
    assert first == {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert readme.read_text() == text


def test_a_readme_without_a_place_for_an_outcome(tmp_path):
    (tmp_path / "README.md").write_text(f"{END} {BEGIN}")
    with pytest.raises(InputError, match="has no place for an outcome"):
        with_outcome(tmp_path / "README.md", ["x"])


def test_a_markdown_table():
    assert markdown_table(("a", "b"), [("1", "2")]) == "| a | b |\n| --- | --- |\n| 1 | 2 |"


@pytest.mark.parametrize("name", [*NAMES, "matched_flops"])
def test_committed_outcomes_and_figures_are_those_of_the_committed_tables(name):
    report = report_of(name, TABLES if name in NAMES else ROOT / "analyses" / name / "tables")
    readme = ROOT / "analyses" / name / "README.md"
    assert with_outcome(readme, report.paragraphs) == readme.read_text(), "run make figures"
    folder = ROOT / "figures" / name
    plotted = report.data.to_csv(sep="\t", index=False, float_format="%.6g", lineterminator="\n")
    assert plotted == (folder / "data.tsv").read_text(), "run make figures"
    content = json.loads((folder / "provenance.json").read_text())
    for path, recorded in zip(report.inputs, content["inputs"], strict=True):
        assert recorded == {"file": path.name, "sha256": hash_file(path)}
    for file, digest in content["files"].items():
        assert hash_file(folder / file) == digest
