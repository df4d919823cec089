"""Results of runs gathered into one table, and the sentences made of it."""

import json

import pandas as pd
import pytest

from analyses.downstream import collect
from analyses.downstream.collect import describe as describe_runs
from analyses.downstream.collect import gather
from analyses.downstream.run import describe, read_counts
from analyses.nano_runs.tables import read_table
from analyses.outcome import with_outcome
from ldar_interp.errors import InputError
from ldar_interp.provenance import hash_file

README = collect.TABLES.parent / "README.md"
ROOT = collect.TABLES.parents[2]


def write_run(folder, effect, task="H3", weights="a"):
    (folder / "folds").mkdir(parents=True)
    size = {"split": "test", "metric": "mcc", "n_train": 10, "n_test": 20, "seed": 1}
    ends = {"ci_low": effect - 0.1, "ci_high": effect + 0.1}
    rows = [
        {"task": task, "method": method, "fold": fold, "value": value, **ends, **size}
        for method, value in (("probe", 0.6), ("kmer", 0.6 - effect))
        for fold in (0, 1, "all")
    ]
    pd.DataFrame(rows).to_csv(folder / "results.tsv", sep="\t", index=False)
    row = {"task": task, "method": "probe", "floor": "kmer", "effect": effect, **ends, **size}
    pd.DataFrame([row]).to_csv(folder / "differences.tsv", sep="\t", index=False)
    published = {"task": task, "model": "LDARNet", "metric": "mcc", "value": 0.8}
    pd.DataFrame([published]).to_csv(folder / "published.tsv", sep="\t", index=False)
    made_of = {
        "arguments": {"task": [task], "suite": None, "seed": 1, "floors": [task]},
        "inputs": {"checkpoint": "c", "tasks": {task: ["file"]}},
        "weights": {"probe": weights},
        "computing": {"device": "cpu"},
        "counts": {task: {"train": 10, "test": {"test": 20, "test_clean": 20}}},
    }
    (folder / "provenance.json").write_text(json.dumps(made_of))
    return folder


def count(names, clean=20):
    return {name: {"H3": {"test": {"test": 20, "test_clean": clean}}} for name in names}


def test_rows_of_all_folds_are_kept_and_runs_named(tmp_path):
    found = gather([write_run(tmp_path / "one", 0.2), write_run(tmp_path / "two", -0.2)])
    assert found["results"]["run"].tolist() == ["one", "one", "two", "two"]
    assert set(found["results"]["fold"]) == {"all"}
    assert len(found["published"]) == 1


def test_a_task_is_above_its_floor_only_if_the_interval_is(tmp_path):
    runs = [write_run(tmp_path / str(k), effect) for k, effect in enumerate((0.2, 0.05, -0.2))]
    text = "\n".join(describe(gather(runs), count("012")))
    assert "Run `0`: 1 of 1 tasks are above" in text
    assert "Run `1`: 0 of 1 tasks are above" in text and "the interval holds 0" in text
    assert "Run `2`: 0 of 1 tasks are above" in text and "1 are below it" in text


def test_the_outcome_says_every_declared_endpoint(tmp_path):
    found = gather([write_run(tmp_path / "probe" / "H3", 0.2), write_run(tmp_path / "b" / "x", 0)])
    results, differences = found["results"], found["differences"].iloc[:0]
    row = found["differences"].iloc[0].to_dict() | {"run": "probe"}
    rows = [
        row,
        row | {"floor": "probe_random", "effect": -0.3, "ci_low": -0.4, "ci_high": -0.2},
        row | {"split": "test_clean", "effect": 0.15, "ci_low": -0.01, "ci_high": 0.31},
    ]
    results = results[results["run"] == "H3"].assign(run="probe")
    differences = pd.DataFrame(rows, columns=differences.columns)
    text = "\n".join(describe({"results": results, "differences": differences}, count(["probe"])))
    assert "1 of 1 tasks are above 5-mers**, their floor (MCC of the frozen checkpoint" in text
    assert (
        "Likewise: 0 of 1 tasks are above random weights; 0 of 1 tasks are above 5-mers on the "
        "rows without copies; 0 of 0 tasks are above random weights on the rows without copies."
    ) in text
    assert (
        "| H3 | 0.600 | 0.400 | +0.200 [0.100, 0.300] | -0.300 [-0.400, -0.200] | "
        "+0.150 [-0.010, 0.310] | above |"
    ) in text
    # Without copies there is nothing to say of rows without them.
    whole = {"results": results, "differences": differences.iloc[:1]}
    text = "\n".join(describe(whole, count(["probe"])))
    assert "0 of 0 tasks are above 5-mers on the rows without copies" in text
    assert "| no copies | above |" in text
    assert "| none | above |" in "\n".join(describe(whole, count(["probe"], clean=0)))


def test_committed_outcome_and_figures_are_those_of_the_committed_tables():
    found = {name: read_table(name, collect.TABLES) for name in collect.NAMES}
    assert (
        with_outcome(README, describe(found, read_counts(collect.TABLES))) == README.read_text()
    ), "run make figures"
    figures = ROOT / "figures" / "downstream"
    content = json.loads((figures / "provenance.json").read_text())
    for recorded in content["inputs"]:
        assert recorded["sha256"] == hash_file(collect.TABLES / recorded["file"])
    for file, digest in content["files"].items():
        assert hash_file(figures / file) == digest


def test_a_run_may_be_a_folder_of_tasks(tmp_path, capsys):
    for task in ("H4", "H3"):
        write_run(tmp_path / "probe" / task, 0.2, task)
    (tmp_path / "probe" / "H3K9ac" / "folds").mkdir(parents=True)
    # Tables beside the runs, as a workflow may have them, are no run.
    collect.main([tmp_path / "probe"], tmp_path / "probe" / "tables", debug=True)
    found = gather([tmp_path / "probe"])
    assert found["results"]["run"].unique().tolist() == ["probe"]
    assert found["results"]["task"].tolist() == ["H3", "H3", "H4", "H4"]
    assert "H3K9ac is left out, because it is not finished" in capsys.readouterr().err
    made_of = describe_runs([tmp_path / "probe"])
    assert set(made_of["probe"]["counts"]) == {"H3", "H4"}
    write_run(tmp_path / "probe" / "again", 0.1)
    with pytest.raises(InputError, match="probe: has task H3 twice"):
        gather([tmp_path / "probe"])


def test_tasks_that_were_gathered_before_keep_their_rows(tmp_path):
    tables, parts = tmp_path / "tables", [tmp_path / name / "probe" for name in ("a", "b", "c")]
    write_run(parts[0], 0.2, "H3")
    write_run(parts[1], 0.1, "H4")
    write_run(parts[2], 0.3, "H4")
    for part in parts:
        collect.main([part], tables, debug=True)
    results = read_table("results", tables)
    assert results["task"].tolist() == ["H3", "H3", "H4", "H4"]
    differences = read_table("differences", tables)
    assert differences["effect"].tolist() == [0.2, 0.3]
    assert read_table("published", tables)["task"].tolist() == ["H3", "H4"]
    made_of = json.loads((tables / "provenance.json").read_text())["runs"]["probe"]
    assert set(made_of["counts"]) == set(made_of["inputs"]) == {"H3", "H4"}
    assert made_of["arguments"] == {"seed": 1}


def test_a_run_called_by_a_number_is_replaced_like_any_other(tmp_path):
    run, tables = write_run(tmp_path / "2", 0.2), tmp_path / "tables"
    for _ in range(2):
        collect.main([run], tables, debug=True)
    assert len(read_table("results", tables)) == 2


def test_a_run_with_other_weights_replaces_all_its_tasks_or_none(tmp_path):
    tables = tmp_path / "tables"
    collect.main([write_run(tmp_path / "a" / "probe", 0.2)], tables, debug=True)
    again = write_run(tmp_path / "b" / "probe", 0.3, weights="b")
    collect.main([again], tables, debug=True)
    assert read_table("differences", tables)["effect"].tolist() == [0.3]
    other = write_run(tmp_path / "c" / "probe", 0.3, "H4", weights="c")
    with pytest.raises(InputError, match="different weights"):
        collect.main([other], tables, debug=True)


def test_tasks_of_other_weights_do_not_stand_under_one_name(tmp_path):
    write_run(tmp_path / "probe" / "one", 0.2, "H3")
    write_run(tmp_path / "probe" / "two", 0.2, "H4", weights="b")
    with pytest.raises(InputError, match="probe: its tasks were made with different weights"):
        describe_runs([tmp_path / "probe"])


def test_an_unfinished_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no finished run; wanted a folder that finetune"):
        gather([tmp_path])
