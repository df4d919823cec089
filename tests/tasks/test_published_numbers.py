"""The table of published numbers: by hand where it was read from the slides, and its shape."""

import numpy as np
import pytest

from ldar_interp.tasks.examples import OTHER, PUBLISHED, PUBLISHED_TEST
from ldar_interp.tasks.published import (
    COLUMNS,
    LDARNET,
    find_marks,
    read_learning_rates,
    read_published,
)
from ldar_interp.tasks.registry import tasks_of


def value_of(task, model):
    table = read_published()
    found = table[(table["task"] == task) & (table["model"] == model)]
    assert len(found) == 1
    return found.iloc[0]


def test_scores_by_hand():
    assert value_of("H3", LDARNET)["value"] == 0.817 and value_of("H3", LDARNET)["ci95"] == 0.008
    assert value_of("H3", "LDARNet (paper)")["value"] == 0.782
    assert value_of("H3K4me1", "HyenaDNA")["value"] == 0.512
    assert value_of("enhancers_types", "GROVER")["value"] == 0.433
    assert value_of("promoter_tata", "Enformer")["value"] == 0.92
    assert value_of("splice_sites_all", "GENERator")["value"] == 0.978


def test_table_is_whole():
    table = read_published()
    assert tuple(table.columns) == COLUMNS and set(table["metric"]) == {"mcc"}
    assert not table.duplicated(["task", "model"]).any()
    assert not table.drop(columns="ci95").isna().any().any()
    assert (table["value"].between(0, 1)).all() and (table["source"] != "").all()
    names = {task.name for task in tasks_of("nt18")}
    for model in (LDARNET, "LDARNet (paper)"):
        assert set(table["task"][table["model"] == model]) == names
    assert set(table["task"]) == names
    assert table["ci95"].notna().equals(table["model"] == LDARNET)


def test_intervals_are_those_of_ten_folds():
    table = read_published()
    ours = table[table["model"] == LDARNET]
    spread = ours["note"].str.extract(r"fold SD ([0-9.]+)")[0].astype(float)
    # The 97.5 % point of t with nine degrees of freedom; both numbers are rounded.
    np.testing.assert_allclose(ours["ci95"], 2.262 * spread / np.sqrt(10), atol=0.00055)


def test_callers_cannot_change_the_table():
    mine = read_published()
    mine.loc[0, "value"] = -1.0
    assert read_published().loc[0, "value"] == 0.817


def test_learning_rates():
    rates = read_learning_rates()
    assert rates["H3"] == pytest.approx(1e-4) and rates["enhancers"] == pytest.approx(2e-5)
    assert set(rates) == {task.name for task in tasks_of("nt18")}


def test_marks_are_of_tasks_with_the_published_test_rows():
    published = read_published()
    wanted = published.query("model == @LDARNET").set_index("task")["value"]
    partly = {"H3": PUBLISHED_TEST, "H4": PUBLISHED, "promoter_tata": OTHER}
    assert find_marks(published, partly) == (
        {"H3": wanted["H3"], "H4": wanted["H4"]},
        "published, other training data",
    )
    assert find_marks(published, {"H4": PUBLISHED})[1] == "published, other pretraining"
    assert find_marks(published, {"promoter_tata": OTHER})[0] == {}
