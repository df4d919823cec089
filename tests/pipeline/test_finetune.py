"""The finetune program on a small task with a planted word: twice the same, resumed, refused."""

import json

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app
from ldar_interp.downstream import jobs, methods
from ldar_interp.errors import InputError

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
    assert content["protocols"]["H3"]["rc_average"] and content["protocols"]["H3"]["rc_augment"]
    assert (probed / "published.tsv").read_text().count("LDARNet") >= 1
    assert "/" not in content["inputs"]["tasks"]["H3"][0]["file"]
    computing = content["computing"]
    assert computing["backend"] == "compiled" and "numba" in computing["backend_versions"]
    assert (computing["device"], computing["precision"]) == ("cpu", "fp32")


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
        (("--task", "H3", "--data", "DATA", "--probe", "--precision", "bf16"), "computed in fp32"),
        (
            ("--task", "H3", "--data", "DATA", "--probe", "--epochs", "3"),
            "--probe with --epochs, which",
        ),
        (
            ("--task", "H3", "--data", "DATA", "--probe", "--lr", "1", "--batch-size", "3"),
            "--probe with --lr and --batch-size, which only fine-tuning has",
        ),
        (("--task", "H3", "--data", "DATA", "--resume", "--force"), "were both given"),
        (("--task", "H3", "--data", "DATA", "--device", "nowhere"), "device 'nowhere'"),
    ],
)
def test_wrong_input_is_one_line(words, message, data, tmp_path):
    given = [word.replace("DATA", str(data)) for word in words]
    found = run(*given, "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert message in found.output
    assert len(found.output.strip().splitlines()) <= 2


def test_a_folder_of_another_run_is_refused(probed, data):
    words = ("--task", "H3", "--data", data, "--probe", "--folds", 3, "--out", probed)
    assert "holds a run; add --resume" in run(*words).output
    for changed in (("--seed", 2), ("--backend", "torch")):
        other = run(*words, "--resume", *changed)
        assert other.exit_code == 2 and "belongs to a run with other settings" in other.output


def test_the_folders_of_genomic_benchmarks(tmp_path):
    classes, rng = ("negative", "positive"), np.random.default_rng(0)
    for part in ("train", "test"):
        for name in classes:
            folder = tmp_path / "gb/human_nontata_promoters" / part / name
            folder.mkdir(parents=True)
            for k in range(12):
                (folder / f"{k}.txt").write_text("".join(rng.choice(list("ACGT"), 251)))
    out = tmp_path / "out"
    words = (
        "--task", "human_nontata_promoters", "--data", tmp_path / "gb", "--probe", "--folds", 2,
        "--floors", "none",
    )  # fmt: skip
    found = run(*words, "--out", out)
    assert found.exit_code == 0, found.output
    content = json.loads((out / "provenance.json").read_text())
    files = content["inputs"]["tasks"]
    assert [one["file"] for one in files["human_nontata_promoters"]] == [*classes, *classes]
    # A promoter lies on one strand.
    protocol = content["protocols"]["human_nontata_promoters"]
    assert not protocol["rc_average"] and not protocol["rc_augment"] and protocol["check_leaks"]
    # Another sequence is another run.
    (tmp_path / "gb/human_nontata_promoters/test/positive/1.txt").write_text("ACGT" * 60)
    again = run(*words, "--out", out, "--resume")
    assert "belongs to a run with other settings" in again.output


def test_the_rows_of_one_file_are_not_two_tasks(tmp_path):
    write_task(tmp_path / "flat")
    words = ("--task", "H3", "--task", "H4", "--data", tmp_path / "flat", "--probe")
    found = run(*words, "--out", tmp_path / "out")
    assert found.exit_code == 2
    assert "the same rows would be read as H3 and H4; wanted a folder for each" in found.output


def test_copies_in_the_test_set_do_not_narrow_the_interval(data, tmp_path):
    copied = tmp_path / "copied"
    (copied / "H3").mkdir(parents=True)
    train, test = (pd.read_csv(data / f"H3/{part}.csv") for part in ("train", "test"))
    train.to_csv(copied / "H3/train.csv", index=False)
    pd.concat([test] * 4).to_csv(copied / "H3/test.csv", index=False)
    widths = []
    for name, folder in (("from_once", data), ("from_copied", copied)):
        out = tmp_path / name
        words = ("--task", "H3", "--data", folder, "--probe", "--folds", 2, "--floors", "kmer")
        assert run(*words, "--n-boot", 2000, "--out", out).exit_code == 0
        rows = read(out).query("split == 'test' and fold == '0' and metric == 'accuracy'")
        widths.append((rows["ci_high"] - rows["ci_low"]).to_numpy())
    np.testing.assert_allclose(widths[1], widths[0], rtol=0.1)


def test_predictions_are_made_in_the_precision_that_was_asked_for(data, tmp_path, monkeypatch):
    found = []
    whole = methods.predict

    def predict(*arguments, **options):
        found.append(options["precision"])
        return whole(*arguments, **options)

    monkeypatch.setattr(methods, "predict", predict)
    words = ("--task", "H3", "--data", data, "--folds", 2, "--epochs", 1, "--floors", "none")
    out = tmp_path / "bf16"
    assert run(*words, "--precision", "bf16", "--out", out).exit_code == 0
    assert found == ["bf16"] * 4
    content = json.loads((out / "provenance.json").read_text())
    assert content["computing"]["precision"] == "bf16"


def test_a_fold_that_cannot_be_written_keeps_its_state(data, tmp_path, monkeypatch):
    def refuse(path, *_):
        raise InputError(f"{path}: cannot be written (No space left on device)")

    monkeypatch.setattr(jobs, "write_fold", refuse)
    out = tmp_path / "full"
    words = ("--task", "H3", "--data", data, "--folds", 2, "--epochs", 1, "--floors", "none")
    assert "No space left" in run(*words, "--out", out).output
    assert list((out / "folds/H3/finetune/fold_00").iterdir())
    monkeypatch.undo()
    assert run(*words, "--out", out, "--resume").exit_code == 0
    assert not (out / "folds/H3/finetune/fold_00").exists()


def test_one_folder_does_not_hold_both_kinds_of_run(probed, data):
    words = ("--task", "H3", "--data", data, "--folds", 3, "--epochs", 1, "--out", probed)
    found = run(*words, "--resume")
    assert found.exit_code == 2 and "holds a run with --probe" in found.output
    assert "probe" in set(read(probed)["method"])


def test_tasks_with_commas_are_tasks(data, tmp_path):
    words = ("--task", "H3,H4", "--data", data, "--probe", "--folds", 2, "--floors", "none")
    found = run(*words, "--out", tmp_path / "out")
    assert "has no data of H4" in found.output


def test_a_suite_leaves_out_tasks_whose_rows_would_lie_in_the_folder_of_another(tmp_path):
    write_task(tmp_path / "own/H3")
    write_task(tmp_path / "own/splice_sites_all")
    words = ("--suite", "nt18", "--data", tmp_path / "own", "--probe", "--folds", 2)
    found = run(*words, "--out", tmp_path / "out")
    assert "splice_sites_acceptors, splice_sites_donors" in found.output


def test_a_task_of_one_s_own(tmp_path):
    write_task(tmp_path / "data" / "mine")
    definition = tmp_path / "data" / "mine" / "task.toml"
    definition.write_text('classes = ["no", "yes"]\nstranded = true\n')
    words = ("--task", "mine", "--data", tmp_path / "data", "--probe", "--folds", 2,
             "--floors", "kmer", "--out", tmp_path / "out")  # fmt: skip
    found = run(*words)
    assert found.exit_code == 0, found.output
    assert set(read(tmp_path / "out")["task"]) == {"mine"} and not len(
        read(tmp_path / "out", "published")
    )
    said = json.loads((tmp_path / "out" / "provenance.json").read_text())
    assert said["protocols"]["mine"]["rc_average"] is False
    assert said["inputs"]["tasks"]["mine"][-1]["file"] == "task.toml"
    assert said["counts"]["mine"]["classes"] == ["no", "yes"]
    # Other classes are another run.
    definition.write_text('classes = ["yes", "no"]\nstranded = true\n')
    other = run(*words, "--resume")
    assert other.exit_code == 2 and "belongs to a run with other settings" in other.output


def test_one_s_own_folder_under_a_registered_name_is_told_before_anything_is_learned(tmp_path):
    write_task(tmp_path / "data" / "H3")
    (tmp_path / "data" / "H3" / "task.toml").write_text('classes = ["no", "yes"]')
    for words in (("--task", "H3"), ("--suite", "nt18")):
        found = run(*words, "--data", tmp_path / "data", "--probe", "--out", tmp_path / "out")
        assert found.exit_code == 2 and "H3 is a task of the registry" in found.output
        assert not (tmp_path / "out" / "folds").exists()


def test_rows_of_one_file_are_not_a_registered_task_s_and_one_s_own(tmp_path):
    write_task(tmp_path / "data")
    for name in ("mine", "yours"):
        (tmp_path / "data" / name).mkdir()
        (tmp_path / "data" / name / "task.toml").write_text('classes = ["no", "yes"]')
    found = run("--task", "mine,yours", "--data", tmp_path / "data", "--out", tmp_path / "out")
    assert found.exit_code == 2 and "has no data of mine" in found.output
