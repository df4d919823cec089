"""Differences of settings by task and seed, from predictions that a test chooses."""

from inspect import signature
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from analyses.matched_flops.measure import FOLDER, choose_settings
from analyses.matched_flops.probes import Settings
from analyses.matched_flops.run import describe, draw, main
from analyses.matched_flops.tables import (
    ALL_TASKS,
    add_earlier,
    compare_settings,
    score_models,
)
from analyses.nano_runs.grid import read_grid
from analyses.nano_runs.tables import Earlier
from ldar_interp.command_line import merge_settings
from ldar_interp.downstream.store import FoldResult
from ldar_interp.errors import InputError
from ldar_interp.plots.style import check_figure
from ldar_interp.stats.classification import score_predictions

N_TEST = 200


@pytest.fixture(scope="module")
def settings():
    whole = merge_settings(Settings, FOLDER / "config.toml", {})
    return whole.model_copy(update={"tasks": ("H3", "enhancers"), "n_boot": 200})


@pytest.fixture(scope="module")
def examples(settings):
    labels = np.arange(N_TEST) % 2
    test = pd.DataFrame({"label": labels, "group": [f"row{i}" for i in range(len(labels))]})
    return {task: SimpleNamespace(test=test) for task in settings.tasks}


def predict(error, seed):
    """Probabilities that are wrong for a share of the rows."""
    rng = np.random.default_rng(seed)
    labels = np.arange(N_TEST) % 2
    said = np.where(rng.random(N_TEST) < error, 1 - labels, labels)
    prob = np.eye(2)[said] * 0.8 + 0.1
    return FoldResult(prob, np.arange(3), prob[:3], 100, {})


@pytest.fixture(scope="module")
def found(settings):
    errors = {"learned": 0.1, "fixed": 0.3, "random": 0.1}
    return {
        name: {
            seed: {task: predict(error, 10 * seed + k) for k, task in enumerate(settings.tasks)}
            for seed in (1, 2, 3)
        }
        for name, error in errors.items()
    }


def test_a_difference_is_the_mean_over_seeds(settings, found, examples):
    table = compare_settings(settings, found, examples)
    row = table.query("against == 'fixed' and task == 'H3'").iloc[0]
    labels = examples["H3"].test["label"].to_numpy()
    scores = [
        [score_predictions(labels, found[name][seed]["H3"].prob)["mcc"] for seed in (1, 2, 3)]
        for name in ("learned", "fixed")
    ]
    assert row["effect"] == pytest.approx(np.mean(scores[0]) - np.mean(scores[1]))
    assert row["ci_low"] > 0 and row["n_seeds"] == 3


def test_the_mean_over_tasks_is_that_of_the_tasks(settings, found, examples):
    table = compare_settings(settings, found, examples).query("against == 'fixed'")
    tasks = table[table["task"] != ALL_TASKS]["effect"].mean()
    assert table[table["task"] == ALL_TASKS]["effect"].item() == pytest.approx(tasks)


def test_settings_without_a_common_seed_have_no_rows(settings, found, examples):
    table = compare_settings(settings, found, examples)
    assert set(table["against"]) == {"fixed", "random"}
    assert not len(compare_settings(settings, {"learned": found["learned"]}, examples))


def test_figure_and_sentences_say_what_the_table_holds(settings, found, examples):
    differences = compare_settings(settings, found, examples)
    text = "\n".join(describe(settings, differences, score_models(found, examples)))
    assert "N = 4: learned − fixed, above 0" in text
    assert "N = 2: learned − fixed | no run yet" in text
    assert check_figure(draw(settings, differences)) == []


def test_routers_share_a_scale(settings, found, examples):
    differences = compare_settings(settings, found, examples)
    axes = draw(settings, differences).axes
    assert len(axes) == 2 and axes[0].get_xlim() == axes[1].get_xlim()
    ends = differences[["ci_low", "ci_high"]]
    assert axes[0].get_xlim()[0] < ends.min().min() and axes[0].get_xlim()[1] > ends.max().max()


def test_the_figure_is_made_of_this_folders_tables():
    assert signature(main).parameters["tables"].default == FOLDER / "tables"


def test_every_setting_that_is_compared_is_trained_somewhere(settings):
    known = {setting.name for setting in read_grid().settings()} | {settings.untrained}
    assert set(settings.list_settings()) <= known


def test_models_that_are_not_at_hand_keep_their_rows(settings, found, examples):
    def make(content):
        return {
            "probes": score_models(content, examples),
            "differences": compare_settings(settings, content, examples),
        }

    def hashes(content):
        return {f"{name}-seed{seed}": f"{name}{seed}" for name in content for seed in content[name]}

    nothing = Earlier()
    whole = add_earlier(settings, make(found), nothing, hashes(found))
    earlier = Earlier(whole, hashes(found))
    # One seed of two settings is at hand: its comparison has three seeds in the earlier table.
    part = {name: {2: found[name][2]} for name in ("fixed", "learned")}
    again = add_earlier(settings, make(part), earlier, hashes(part))
    for name in whole:
        pd.testing.assert_frame_equal(again[name], whole[name])
    # More seeds than before replace; other weights drop what was made with them.
    few = add_earlier(settings, make(part), nothing, hashes(part))
    more = add_earlier(settings, make(found), Earlier(few, hashes(part)), hashes(found))
    pd.testing.assert_frame_equal(more["differences"], whole["differences"])
    other = {**hashes(part), "fixed-seed2": "other"}
    changed = add_earlier(settings, make(part), earlier, other)["differences"]
    assert changed.groupby("against")["n_seeds"].max().to_dict() == {"fixed": 1, "random": 3}


def test_settings_are_chosen_by_name(settings):
    assert choose_settings(settings, None) == settings.list_settings()
    assert choose_settings(settings, "n_2, fixed_2") == ["n_2", "fixed_2"]
    with pytest.raises(InputError, match="--only alpha_0: is not compared; wanted some of learned"):
        choose_settings(settings, "alpha_0")
