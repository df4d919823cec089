"""The queue of small runs: its order, FLOPs that match, and runs that are cut off."""

import json
import math
import time

import pandas as pd
import pytest
from safetensors.torch import load_file
from tiny_grid import GRID, write_grid

from analyses.nano_runs import training
from analyses.nano_runs.grid import read_grid, training_config
from analyses.nano_runs.matching import last_plan, next_stop, plan_steps, step_costs
from analyses.nano_runs.run import alone_in, choose_runs, train_queue
from ldar_interp.errors import InputError
from ldar_interp.model.checkpoint import preset
from ldar_interp.model.flops import training_flops


@pytest.fixture(autouse=True)
def _own_index(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


# ---- the grid -----------------------------------------------------------------------------------


def test_the_queue_has_the_shared_runs_first_then_each_question_seed_by_seed():
    names = [run.name for run in read_grid().queue()]
    assert len(names) == len(set(names)) == 36 + 6
    assert names[:3] == ["learned-seed1", "learned-seed2", "learned-seed3"]
    assert names[3:7] == ["fixed-seed1", "random-seed1", "one_sided-seed1", "fixed-seed2"]
    assert names[12] == "alpha_0-seed1"
    assert names[29:36] == ["n_8-seed3"] + [f"fixed_{n}-seed{k}" for k in (1, 2, 3) for n in (2, 8)]
    assert names[36:] == [f"{name}-seed{k}" for name in ("learned", "fixed") for k in (4, 5, 6)]


def test_tables_of_more_seeds_are_those_of_the_same_grid():
    grid = read_grid()
    assert grid.more_seeds
    assert grid.model_copy(update={"more_seeds": {}}).describe() == grid.describe()
    assert grid.model_copy(update={"seeds": (1, 2)}).describe() != grid.describe()


def test_settings_change_what_they_name_and_nothing_else():
    grid = read_grid()
    base, other, small = (
        training_config(grid, run, None)
        for run in grid.queue()
        if run.name in ("learned-seed1", "alpha_0-seed1", "n_8-seed1")
    )
    assert (other.objective.alpha, base.objective.alpha) == (0.0, 0.03)
    assert small.objective.compression == (8.0,)
    for config in (other, small):
        assert config.model_copy(update={"objective": base.objective}) == base
    assert base.train_length * base.optimizer.batch_windows * base.optimizer.total_steps == 6553600


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('match = "learned" },\n]', 'match = "later" },\n]'), "matches later, which is not"),
        (('name = "alpha_0"', 'name = "fixed"'), "setting fixed is there twice"),
        (
            ("[optimizer]", "[more_seeds]\nn_3 = [4]\n[optimizer]"),
            "more_seeds has n_3; wanted names",
        ),
        (("[optimizer]", "[more_seeds]\nfixed = [2]\n[optimizer]"), "a setting has a seed twice"),
    ],
)
def test_a_grid_that_contradicts_itself(tmp_path, change, message):
    path = write_grid(tmp_path)
    path.write_text(GRID.replace(*change))
    with pytest.raises(InputError, match=message):
        read_grid(path)


def test_an_unknown_setting():
    with pytest.raises(InputError, match="no setting is called n_9; wanted one of learned, fixed"):
        read_grid().setting("n_9")


# ---- FLOPs --------------------------------------------------------------------------------------


def test_steps_cost_what_their_boundary_rate_says():
    shape = preset("nano").with_length(1024)
    at = [training_flops(shape, 1024, kept / 1024) * 8192 for kept in (256, 257)]
    found = step_costs(shape, [0.25, 256.5 / 1024, 257 / 1024], 8192)
    assert found == pytest.approx([at[0], sum(at) / 2, at[1]], rel=1e-12)
    assert at[1] > at[0]


def test_a_grid_costs_the_same_whatever_is_logged():
    shape = preset("nano").with_length(1024).with_router("fixed:4")
    assert len(set(step_costs(shape, [0.25, 0.250001], 8192))) == 1


def test_steps_that_fit_a_budget_by_hand():
    assert plan_steps([], 100.0, expected=9.0, recent_steps=2) == 11
    # 40 are spent; the last two cost 15 on average, and 60 hold four of those.
    assert plan_steps([10.0, 10.0, 20.0], 100.0, expected=9.0, recent_steps=2) == 3 + 4
    assert plan_steps([60.0, 60.0], 100.0, expected=9.0, recent_steps=2) == 2
    with pytest.raises(InputError, match="holds no step"):
        plan_steps([], 1.0, expected=9.0, recent_steps=2)


def test_plans_are_made_at_their_steps():
    matching = read_grid().matching
    assert [last_plan(done, matching) for done in (0, 199, 200, 399, 900)] == [0, 0, 200, 200, 780]
    assert [next_stop(done, 790, matching) for done in (0, 200, 750, 780)] == [200, 400, 780, 790]
    assert next_stop(600, 650, matching) == 650


# ---- training -----------------------------------------------------------------------------------


def test_the_queue_trains_matched_runs_and_goes_on_where_it_was_cut(tmp_path, monkeypatch):
    grid = read_grid(write_grid(tmp_path)).model_copy(update={"seeds": (1,)})
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert train_queue(grid, grid.queue(), data=tmp_path, runs=whole, deadline=math.inf) == 0
    budget = json.loads((whole / "learned-seed1" / "finished.json").read_text())["flops"]
    for name in ("fixed", "one_sided"):
        folder = whole / f"{name}-seed1"
        found = json.loads((folder / "finished.json").read_text())
        log = pd.read_csv(folder / "log.csv")
        assert found["budget"] == budget
        # As many steps as fit: less than two of them are left or overspent in a run this short.
        assert abs(found["flops"] - budget) < 2 * found["flops"] / len(log)
        assert pd.read_csv(folder / "validation.csv")["step"].iloc[-1] == len(log)
    assert len(pd.read_csv(whole / "learned-seed1" / "log.csv")) == 12
    pretrain = training.pretrain

    def three_steps(config, out, *, max_steps, **options):
        """As if the time were up after three steps."""
        most = training._finished_steps(out) + 3
        return pretrain(config, out, max_steps=min(max_steps, most), **options)

    monkeypatch.setattr(training, "pretrain", three_steps)
    calls = 0
    while train_queue(grid, grid.queue(), data=tmp_path, runs=cut, deadline=math.inf):
        calls += 1
        assert calls < 40
    assert calls > 4
    monkeypatch.undo()
    assert (
        train_queue(grid, grid.queue(), data=tmp_path, runs=cut, deadline=time.monotonic() - 1) == 0
    )
    for run in grid.queue():
        a, b = (load_file(runs / run.name / "model.safetensors") for runs in (whole, cut))
        assert all((a[name] == b[name]).all() for name in a), run.name


def test_a_matched_run_needs_its_budget(tmp_path):
    grid = read_grid(write_grid(tmp_path))
    run = next(run for run in grid.queue() if run.name == "fixed-seed2")
    with pytest.raises(InputError, match="fixed-seed2 spends the FLOPs of that run; train it"):
        training.train_run(
            grid, run, data=tmp_path, runs=tmp_path, deadline=math.inf, tell=lambda _: None
        )


def test_two_processes_share_the_queue(tmp_path, capsys):
    grid = read_grid(write_grid(tmp_path))
    queue = choose_runs(grid, "learned,fixed", "1")
    with alone_in(tmp_path / "learned-seed1") as is_alone:
        assert is_alone
        assert train_queue(grid, queue, data=tmp_path, runs=tmp_path, deadline=math.inf) == 2
    said = capsys.readouterr().err
    assert "learned-seed1 (1 of 2) is trained by another process" in said
    assert "fixed-seed1 (2 of 2) waits for learned-seed1, whose FLOPs it spends" in said
    assert train_queue(grid, queue, data=tmp_path, runs=tmp_path, deadline=math.inf) == 0


def test_runs_are_chosen_by_setting_and_seed():
    grid = read_grid()
    assert choose_runs(grid, None, None) == grid.queue()
    chosen = choose_runs(grid, "alpha_0.3, fixed", "3,1")
    assert [run.name for run in chosen] == [
        "fixed-seed1", "fixed-seed3", "alpha_0.3-seed1", "alpha_0.3-seed3",
    ]  # fmt: skip
    with pytest.raises(
        InputError, match="--seeds 7: not in the grid; wanted some of 1, 2, 3, 4, 5, 6"
    ):
        choose_runs(grid, None, "7")
    assert [run.name for run in choose_runs(grid, None, "6")] == ["learned-seed6", "fixed-seed6"]
