"""Results of runs gathered into one table, and the sentences made of it."""

import json

import pandas as pd
import pytest

from analyses.downstream.collect import gather
from analyses.downstream.run import describe
from ldar_interp.errors import InputError


def write_run(folder, effect):
    folder.mkdir()
    size = {"split": "test", "metric": "mcc", "n_train": 10, "n_test": 20, "seed": 1}
    ends = {"ci_low": effect - 0.1, "ci_high": effect + 0.1}
    rows = [
        {"task": "H3", "method": method, "fold": fold, "value": value, **ends, **size}
        for method, value in (("probe", 0.6), ("kmer", 0.6 - effect))
        for fold in (0, 1, "all")
    ]
    pd.DataFrame(rows).to_csv(folder / "results.tsv", sep="\t", index=False)
    row = {"task": "H3", "method": "probe", "floor": "kmer", "effect": effect, **ends, **size}
    pd.DataFrame([row]).to_csv(folder / "differences.tsv", sep="\t", index=False)
    published = {"task": "H3", "model": "LDARNet", "metric": "mcc", "value": 0.8}
    pd.DataFrame([published]).to_csv(folder / "published.tsv", sep="\t", index=False)
    (folder / "provenance.json").write_text(json.dumps({}))
    return folder


def test_rows_of_all_folds_are_kept_and_runs_named(tmp_path):
    found = gather([write_run(tmp_path / "one", 0.2), write_run(tmp_path / "two", -0.2)])
    assert found["results"]["run"].tolist() == ["one", "one", "two", "two"]
    assert set(found["results"]["fold"]) == {"all"}
    assert len(found["published"]) == 1


def test_a_task_is_above_its_floor_only_if_the_interval_is(tmp_path):
    runs = [write_run(tmp_path / str(k), effect) for k, effect in enumerate((0.2, 0.05, -0.2))]
    text = "\n".join(describe(gather(runs)))
    assert "Run `0`: 1 of 1 tasks are above" in text
    assert "Run `1`: 0 of 1 tasks are above" in text and "the interval holds 0" in text
    assert "Run `2`: 0 of 1 tasks are above" in text and "1 are below it" in text


def test_an_unfinished_run_is_refused(tmp_path):
    with pytest.raises(InputError, match="wanted the folder of a finished run"):
        gather([tmp_path])
