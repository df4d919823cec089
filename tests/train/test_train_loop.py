"""Runs: resumed bit for bit, refused when they cannot be, and able to learn."""

import csv
import subprocess
import sys

import numpy as np
import pytest
import torch
import typer
from safetensors.torch import load_file
from tiny_run import random_sequence, tiny_config, write_config
from typer.testing import CliRunner

from ldar_interp.errors import DeviceError, InputError
from ldar_interp.model.checkpoint import load_model, random_model
from ldar_interp.pretrain import main
from ldar_interp.train import run
from ldar_interp.train.loop import pretrain
from ldar_interp.train.run import kept_weights
from ldar_interp.train.validate import validate


def table(path) -> list[dict[str, str]]:
    with path.open(newline="") as handle:
        return list(csv.DictReader(handle))


def without_seconds(path) -> list[dict[str, str]]:
    return [{k: v for k, v in row.items() if k != "seconds"} for row in table(path)]


def assert_same_run(one, other) -> None:
    a, b = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
    for name in ("log.csv", "validation.csv"):
        assert without_seconds(one / name) == without_seconds(other / name)


@pytest.fixture
def config(tmp_path):
    return tiny_config(tmp_path)


@pytest.fixture
def unbroken(config, tmp_path):
    pretrain(config, tmp_path / "unbroken")
    return tmp_path / "unbroken"


def test_a_run_writes_its_files(config, unbroken):
    steps = [row["step"] for row in table(unbroken / "log.csv")]
    assert steps == ["1", "2", "3", "4", "5", "6"]
    assert [row["step"] for row in table(unbroken / "validation.csv")] == ["2", "4", "6"]
    assert table(unbroken / "log.csv")[-1]["bases"] == str(6 * 2 * 32)
    assert load_model(unbroken).config == config.shape()
    assert not list(unbroken.rglob("*.partial"))


def test_resumed_equals_unbroken(config, unbroken, tmp_path):
    out = tmp_path / "broken"
    assert pretrain(config, out, max_steps=3).step == 3
    progress = pretrain(config, out, resume=True)
    assert (progress.step, progress.bases) == (6, 6 * 2 * 32)
    assert_same_run(out, unbroken)


def test_killed_between_checkpoints(config, unbroken, tmp_path, monkeypatch):
    """State of step 2, log of step 4, then the process dies: the rows of 3 and 4 are made again."""
    out = tmp_path / "killed"
    pretrain(config, out, max_steps=2)
    monkeypatch.setattr(run, "write_state", lambda *_: None)
    pretrain(config, out, max_steps=4, resume=True)
    monkeypatch.undo()
    assert [row["step"] for row in table(out / "log.csv")] == ["1", "2", "3", "4"]
    pretrain(config, out, resume=True)
    assert_same_run(out, unbroken)


def test_killed_before_the_first_checkpoint(config, unbroken, tmp_path):
    out = tmp_path / "young"
    out.mkdir()
    (out / "log.csv").write_text((unbroken / "log.csv").read_text())
    pretrain(config, out, resume=True)
    assert_same_run(out, unbroken)


def test_a_half_written_row_is_dropped(config, unbroken, tmp_path):
    out = tmp_path / "torn"
    pretrain(config, out, max_steps=3)
    with (out / "log.csv").open("a") as handle:
        handle.write("4,256,0.")
    pretrain(config, out, resume=True)
    assert_same_run(out, unbroken)


def test_a_finished_run_resumes_to_nothing(config, unbroken):
    before = (unbroken / "model.safetensors").read_bytes()
    assert pretrain(config, unbroken, resume=True).step == 6
    assert (unbroken / "model.safetensors").read_bytes() == before
    assert len(table(unbroken / "log.csv")) == 6


def test_time_is_up_at_once(config, tmp_path):
    assert pretrain(config, tmp_path / "out", max_minutes=0.0).step <= 1


def test_a_run_is_not_overwritten(config, unbroken):
    with pytest.raises(InputError, match=r"state\.pt: this folder holds a run; add --resume"):
        pretrain(config, unbroken)


def test_another_config_is_refused(config, unbroken):
    with pytest.raises(InputError, match=r"belongs to another run \(seed is 0 there, 9 here\)"):
        pretrain(config.model_copy(update={"seed": 9}), unbroken, resume=True)


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "list", "groups", "keys"])
def test_damaged_state(config, unbroken, damage):
    path = unbroken / "state" / "state.pt"
    raw = path.read_bytes()
    if damage in ("groups", "keys"):
        content = torch.load(path, weights_only=True)
        if damage == "groups":
            content["optimizer"]["param_groups"].pop()
        else:
            del content["progress"]
        torch.save(content, path)
    elif damage == "list":
        torch.save([1, 2], path)
    else:
        path.write_bytes({"truncated": raw[:1000], "empty": b"", "text": b"hello"}[damage])
    with pytest.raises(
        InputError, match=r"state\.pt: is damaged \(.*\); there is no readable"
    ) as caught:
        pretrain(config, unbroken, resume=True)
    assert "\n" not in str(caught.value)


def test_weight_decay_of_the_config_holds_after_a_resume(config, tmp_path):
    """Optimiser settings may change within a run, so the stored groups must not win."""
    pretrain(config, tmp_path / "out", max_steps=3)
    heavy = config.optimizer.model_copy(update={"weight_decay": 0.5})
    pretrain(config.model_copy(update={"optimizer": heavy}), tmp_path / "out", resume=True)
    state = torch.load(tmp_path / "out" / "state" / "state.pt", weights_only=True)
    found = {group["weight_decay"] for group in state["optimizer"]["param_groups"]}
    assert found == {0.0, 0.5}


def test_a_loss_that_is_not_finite_stops_the_run(config, tmp_path, monkeypatch):
    def broken(shape, *, seed):
        model = random_model(shape, seed=seed)
        with torch.no_grad():
            model.head.weight.fill_(torch.nan)
        return model

    monkeypatch.setattr(run, "random_model", broken)
    with pytest.raises(InputError, match="step 0: the loss or its gradient is not finite"):
        pretrain(config, tmp_path / "out")


def test_an_output_that_cannot_be_written(config, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/out: cannot be written \(Not a directory\)"):
        pretrain(config, tmp_path / "file" / "out")


def test_a_device_that_is_not_there(config, tmp_path):
    with pytest.raises(DeviceError, match="device 'cuda:99'"):
        pretrain(config, tmp_path / "out", device="cuda:99")
    assert not (tmp_path / "out").exists()


# ---- learning -----------------------------------------------------------------------------------


def test_a_repeat_is_learned(tmp_path):
    """ACACAC... on both strands: ln 7 at first, ln 2 would be the strand without the phase."""
    config = tiny_config(tmp_path, sequence="AC" * 300)
    quick = {"total_steps": 30, "peak_lr": 6e-3, "batch_windows": 8}
    config = config.model_copy(
        update={"optimizer": config.optimizer.model_copy(update=quick), "validate_every": 30}
    )
    pretrain(config, tmp_path / "out")
    losses = [float(row["mask_loss"]) for row in table(tmp_path / "out" / "log.csv")]
    assert losses[0] == pytest.approx(np.log(7), abs=0.1)
    assert np.mean(losses[-5:]) < 0.6


def test_validation_does_not_move_the_model_and_pools_windows(config):
    model = random_model(config.shape(), seed=0).train()
    windows = np.random.default_rng(0).integers(0, 4, size=(5, 32)).astype(np.uint8)
    whole = validate(model, windows, mask_rate=0.3)
    assert model.training
    by_two = validate(model, windows, mask_rate=0.3, batch_windows=2)
    assert by_two.n_mask == whole.n_mask
    assert by_two.mask_loss == pytest.approx(whole.mask_loss, rel=1e-5)
    assert by_two.stages[0].mean_prob == pytest.approx(whole.stages[0].mean_prob, rel=1e-5)
    assert by_two.stages[0].boundary_rate == pytest.approx(whole.stages[0].boundary_rate)
    assert 0 <= whole.mask_accuracy <= 1


# ---- the program --------------------------------------------------------------------------------


def run_program(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ldar_interp.pretrain", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_program_refuses_a_broken_config_in_one_line(tmp_path):
    path = write_config(tmp_path, top="colour = 1")
    done = run_program("--config", path, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert f"{path}: colour: Extra inputs are not permitted" in lines[0]
    assert not (tmp_path / "out").exists()


def test_the_program_trains(tmp_path):
    path = write_config(tmp_path, sequence=random_sequence(600, seed=2))
    app = typer.Typer()
    app.command()(main)
    arguments = ["--config", path, "--out", tmp_path / "out", "--max-steps", 1]
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.stderr
    assert "step 1, 0.0 Mb seen" in done.stderr
    assert (tmp_path / "out" / "model.safetensors").is_file()


# ---- weights kept on the way --------------------------------------------------------------------


def test_weights_are_kept_at_the_steps_asked_for(config, unbroken, tmp_path):
    out = tmp_path / "kept"
    wanted = config.model_copy(update={"keep_weights_at": (0, 4, 6, 99)})
    pretrain(wanted, out)
    assert_same_run(out, unbroken)
    assert sorted(p.name for p in (out / "weights").iterdir()) == [
        "step_000000", "step_000004", "step_000006",
    ]  # fmt: skip

    def same(folder, other) -> bool:
        a, b = (load_file(f / "model.safetensors") for f in (folder, other))
        return all(torch.equal(a[name], b[name]) for name in a)

    start = random_model(config.shape(), seed=config.seed).state_dict()
    first = load_model(kept_weights(out, 0)).state_dict()
    assert all(torch.equal(first[name], start[name]) for name in start)
    assert same(kept_weights(out, 6), out)
    pretrain(config, tmp_path / "four", max_steps=4)
    assert same(kept_weights(out, 4), tmp_path / "four")


def test_a_resumed_run_may_keep_other_weights(config, unbroken, tmp_path):
    out = tmp_path / "later"
    pretrain(config, out, max_steps=3)
    pretrain(config.model_copy(update={"keep_weights_at": (1, 3, 5)}), out, resume=True)
    assert_same_run(out, unbroken)
    assert sorted(p.name for p in (out / "weights").iterdir()) == ["step_000003", "step_000005"]
