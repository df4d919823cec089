"""The finetune program on a small task with a planted word: twice the same, resumed, refused."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app

WORD = "TATAAACC"


def write_task(folder, *, n_train=60, n_test=40, length=50, leak=0, seed=0):
    """CSV files of a two-class task; class 1 holds `WORD`; the first test rows are copies."""
    rng = np.random.default_rng(seed)

    def rows(n):
        found = []
        for k in range(n):
            letters = "".join(rng.choice(list("ACGT"), size=length))
            label = k % 2
            if label:
                at = int(rng.integers(0, length - len(WORD)))
                letters = letters[:at] + WORD + letters[at + len(WORD) :]
            found.append((letters, label))
        return pd.DataFrame(found, columns=["sequence", "label"])

    folder.mkdir(parents=True)
    train, test = rows(n_train), rows(n_test)
    test.loc[: leak - 1, "sequence"] = train.loc[: leak - 1, "sequence"]
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)


def run(*words):
    arguments = ["finetune", "--ckpt", "random:nano", "--n-boot", "100", "--workers", "1", *words]
    return CliRunner().invoke(build_app(), [str(word) for word in arguments])


def read(out, name="results"):
    return pd.read_csv(out / f"{name}.tsv", sep="\t")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tasks")
    write_task(folder / "H3", leak=4)
    return folder


@pytest.fixture(scope="module")
def probed(data, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "probe"
    found = run("--task", "H3", "--data", data, "--probe", "--folds", 3, "--out", out)
    assert found.exit_code == 0, found.output
    return out


def test_every_method_fold_and_split_has_its_rows(probed):
    results = read(probed)
    assert set(results["method"]) == {"probe", "probe_random", "kmer", "cnn"}
    assert set(results["fold"]) == {"0", "1", "2", "all"}
    assert set(results["split"]) == {"test", "test_clean", "validation"}
    assert set(results["metric"]) == {"mcc", "accuracy", "f1", "auroc"}
    sizes = results.groupby("split")["n_test"].max()
    assert sizes["test"] == 40 and sizes["test_clean"] == 36
    # 4 methods, 4 metrics; 3 folds and all on two test splits, 3 folds on validation.
    assert len(results) == 4 * 4 * (4 * 2 + 3)


def test_the_mean_over_folds_is_that_of_the_folds(probed):
    results = read(probed).query("split == 'test' and metric == 'mcc'")
    for _, mine in results.groupby("method"):
        folds = mine[mine["fold"] != "all"]["value"].mean()
        assert mine[mine["fold"] == "all"]["value"].item() == pytest.approx(folds, abs=1e-5)


def test_the_planted_word_is_found_by_five_mers(probed):
    results = read(probed).query("split == 'test' and metric == 'auroc' and fold == 'all'")
    assert results.set_index("method")["value"]["kmer"] > 0.8


def test_differences_are_those_of_the_values(probed):
    results = read(probed).query("fold == 'all' and split == 'test'")
    values = results.set_index(["method", "metric"])["value"]
    for row in read(probed, "differences").query("split == 'test'").itertuples():
        wanted = values[row.method, row.metric] - values[row.floor, row.metric]
        assert row.effect == pytest.approx(wanted, abs=2e-6)


def test_provenance_says_what_was_compared(probed):
    content = json.loads((probed / "provenance.json").read_text())
    assert content["counts"]["H3"]["test"] == {"test": 40, "test_clean": 36}
    assert content["counts"]["H3"]["split"] == "other"
    assert content["protocols"]["H3"]["n_folds"] == 3
    assert (probed / "published.tsv").read_text().count("LDARNet") >= 1
    assert "/" not in content["inputs"]["tasks"]["H3"][0]["file"]


def test_same_bytes_again_and_after_a_fold_is_lost(probed, data, tmp_path):
    words = ("--task", "H3", "--data", data, "--probe", "--folds", 3)
    again = tmp_path / "again"
    assert run(*words, "--out", again).exit_code == 0
    names = ["results.tsv", "differences.tsv", "published.tsv", "figure.svg", "provenance.json"]
    for name in names:
        assert (again / name).read_bytes() == (probed / name).read_bytes(), name
    (again / "folds/H3/kmer/fold_01.npz").unlink()
    (again / "results.tsv").unlink()
    assert run(*words, "--out", again).exit_code == 2
    assert run(*words, "--out", again, "--resume").exit_code == 0
    assert (again / "results.tsv").read_bytes() == (probed / "results.tsv").read_bytes()


def test_fine_tuning_keeps_its_history_and_leaves_no_state(data, tmp_path):
    out = tmp_path / "tuned"
    found = run(
        "--task", "H3", "--data", data, "--folds", 2, "--epochs", 1, "--floors", "none",
        "--out", out,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    assert set(read(out)["method"]) == {"finetune"}
    assert not len(read(out, "differences"))
    kept = sorted(path.name for path in (out / "folds/H3/finetune").iterdir())
    assert kept == ["fold_00.csv", "fold_00.npz", "fold_01.csv", "fold_01.npz"]
    assert len(pd.read_csv(out / "folds/H3/finetune/fold_00.csv")) == 2


def test_a_suite_takes_the_tasks_that_are_there(data, tmp_path):
    out = tmp_path / "suite"
    found = run(
        "--suite", "nt18", "--data", data, "--probe", "--folds", 2, "--floors", "none",
        "--out", out,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "has no folder of theirs: H4, H3K9ac" in found.output
    assert set(read(out)["task"]) == {"H3"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "neither of --task and --suite given; wanted one of them"),
        (("--task", "H3", "--suite", "nt18"), "both of --task and --suite given"),
        (("--task", "H3"), "--data was not given; wanted the folder"),
        (("--task", "H5", "--data", "DATA"), "H5"),
        (("--task", "H4", "--data", "DATA"), "has no data of H4"),
        (("--suite", "gb9", "--data", "DATA"), "has no folder of any task of gb9"),
        (("--task", "H3", "--data", "DATA", "--floors", "tree"), "floors"),
        (("--task", "H3", "--data", "DATA", "--folds", "1"), "folds is 1"),
        (("--task", "H3", "--data", "DATA", "--probe", "--head", "attention"), "attention"),
    ],
)
def test_wrong_input_is_one_line(words, message, data, tmp_path):
    given = [str(data) if word == "DATA" else word for word in words]
    found = run(*given, "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert message in found.output
    assert len(found.output.strip().splitlines()) <= 2


def test_a_folder_of_another_run_is_refused(probed, data):
    words = ("--task", "H3", "--data", data, "--probe", "--folds", 3, "--out", probed)
    assert "holds a run; add --resume" in run(*words).output
    other = run(*words, "--resume", "--seed", 2)
    assert other.exit_code == 2 and "belongs to a run with other settings" in other.output
