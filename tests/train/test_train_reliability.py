"""Runs that are cut off, stopped, damaged or out of room, and what a resume makes of them."""

import csv
import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from tiny_run import tiny_config, write_config

from ldar_interp.errors import InputError
from ldar_interp.train import loop, state, watch
from ldar_interp.train.loop import pretrain
from ldar_interp.train.watch import Clock, StopSignal

# The program with a state after every step, and with as many threads as the tests have.
EAGER = "from ldar_interp import pretrain as p; from ldar_interp.train import loop; "
EAGER += "loop.SAVE_SECONDS = 0.0; p.run_program(p.main)"
TABLES = ("log.csv", "validation.csv", "chunk_lengths.csv")


def rows(path: Path) -> list[dict[str, str]]:
    """A table without its seconds."""
    with path.open(newline="") as handle:
        return [{k: v for k, v in row.items() if k != "seconds"} for row in csv.DictReader(handle)]


def assert_same_run(one: Path, other: Path) -> None:
    a, b = load_file(one / "model.safetensors"), load_file(other / "model.safetensors")
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
    for name in TABLES:
        assert rows(one / name) == rows(other / name)
    assert not list(one.rglob("*partial*"))


@pytest.fixture
def config(tmp_path):
    return tiny_config(tmp_path)


@pytest.fixture
def unbroken(config, tmp_path):
    pretrain(config, tmp_path / "unbroken")
    return tmp_path / "unbroken"


@pytest.fixture
def broken(config, tmp_path, monkeypatch):
    """Stopped after step 4, with a state after every step: previous.pt holds step 3."""
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    pretrain(config, tmp_path / "broken", max_steps=4)
    # The end of a call saves once more, where nothing has moved since the last state.
    pretrain_state = torch.load(tmp_path / "broken/state/previous.pt", weights_only=True)
    assert pretrain_state["progress"]["step"] in (3, 4)
    return tmp_path / "broken"


def test_killed_at_any_moment(tmp_path):
    """SIGKILL in the middle of a run of the program, then to the end."""
    config = tiny_config(tmp_path, total=24)
    pretrain(config, tmp_path / "unbroken")
    out = tmp_path / "killed"
    words = ["--config", write_config(tmp_path, total=24), "--out", out, "--resume"]
    words += ["--threads", torch.get_num_threads()]
    running = subprocess.Popen(
        [sys.executable, "-c", EAGER, *map(str, words)], stderr=subprocess.DEVNULL
    )
    while running.poll() is None and count_lines(out / "log.csv") < 5:
        time.sleep(0.002)
    running.kill()
    assert running.wait() == -signal.SIGKILL, "it ended before it was killed"
    assert (out / "state" / "state.pt").is_file()
    assert not (out / "model.safetensors").exists()
    progress = pretrain(config, out, resume=True)
    assert progress.step == 24
    assert_same_run(out, tmp_path / "unbroken")


def count_lines(path: Path) -> int:
    return path.read_text().count("\n") if path.exists() else 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_after_the_step_it_came_in(config, unbroken, tmp_path, monkeypatch, number):
    before = signal.getsignal(number)
    take_step = loop._take_step

    def interrupted(run, *rest):
        if run.progress.step == 2:
            os.kill(os.getpid(), number)
        return take_step(run, *rest)

    monkeypatch.setattr(loop, "_take_step", interrupted)
    said: list[str] = []
    out = tmp_path / "out"
    assert pretrain(config, out, tell=said.append).step == 3
    assert said[-1] == (f"ended by {number.name} at step 3 of 6; --resume goes on from there")
    assert signal.getsignal(number) is before
    monkeypatch.undo()
    pretrain(config, out, resume=True)
    assert_same_run(out, unbroken)


def test_a_second_interrupt_is_at_once():
    with pytest.raises(KeyboardInterrupt), StopSignal() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.name == "SIGINT"
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGINT)


# ---- states that cannot be read -----------------------------------------------------------------


def test_a_damaged_state_names_the_one_before(config, unbroken, broken):
    """Nothing is taken in its place; renaming it, as the message says, goes on from there."""
    path, previous = broken / "state" / "state.pt", broken / "state" / "previous.pt"
    step = torch.load(previous, weights_only=True)["progress"]["step"]
    path.write_bytes(path.read_bytes()[:5000])
    damaged = path.read_bytes()
    with pytest.raises(InputError, match=r"state\.pt: is damaged \(.*\); ") as caught:
        pretrain(config, broken, resume=True)
    advice = f"{previous} holds step {step}: rename it to state.pt and add --resume to go on"
    assert advice in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == damaged
    previous.replace(path)
    pretrain(config, broken, resume=True)
    assert_same_run(broken, unbroken)


def test_a_lost_state_is_not_a_fresh_start(config, broken):
    (broken / "state" / "state.pt").unlink()
    with pytest.raises(InputError, match=r"state\.pt: no such file; .*previous\.pt holds step"):
        pretrain(config, broken, resume=True)


def test_a_state_of_another_run(config, unbroken):
    with pytest.raises(InputError, match=r"another run \(train_length is 32 there, 40 here\)"):
        pretrain(config.model_copy(update={"train_length": 40}), unbroken, resume=True)


def test_without_hard_links(config, unbroken, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    out = tmp_path / "copied"
    pretrain(config, out, max_steps=2)
    first = (out / "state" / "state.pt").read_bytes()
    pretrain(config, out, resume=True)
    assert (out / "state" / "previous.pt").read_bytes() == first
    assert_same_run(out, unbroken)


# ---- no room ------------------------------------------------------------------------------------


def test_a_full_disk(config, unbroken, tmp_path):
    """Files may not grow past 30 kB, as on a full disk; then there is room again."""
    out = tmp_path / "full"
    pretrain(config, out, max_steps=2)
    path = out / "state" / "state.pt"
    kept = path.read_bytes()
    assert len(kept) > 60_000
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, hard))
    try:
        with pytest.raises(InputError, match=r"state\.pt: cannot be written \(") as caught:
            pretrain(config, out, max_steps=4, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert "make room" in str(caught.value)
    assert path.read_bytes() == kept
    assert not list(out.rglob("*partial*"))
    pretrain(config, out, resume=True)
    assert_same_run(out, unbroken)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), SafetensorError("full")])
def test_no_room_for_the_weights(config, tmp_path, monkeypatch, error):
    def fail(_, out):
        (out / ".model.safetensors.partial").write_bytes(b"half")
        raise error

    monkeypatch.setattr(state, "save_model", fail)
    with pytest.raises(InputError, match=r"cannot be written .*make room"):
        pretrain(config, tmp_path / "out", max_steps=1)
    assert not list((tmp_path / "out").rglob("*partial*"))
    monkeypatch.undo()
    assert pretrain(config, tmp_path / "out", max_steps=1, resume=True).step == 1


def test_a_table_with_other_columns(config, unbroken):
    path = unbroken / "log.csv"
    path.write_text(path.read_text().replace("grad_norm", "norm"))
    with pytest.raises(InputError, match=r"log\.csv: has the columns step,.*; wanted step,"):
        pretrain(config, unbroken, resume=True)


@pytest.mark.parametrize("n_cut", [0, 1, 9])
def test_cut_off_before_or_while_a_validation_is_written(config, unbroken, tmp_path, n_cut):
    """The state of step 2 is there, its validation is not: it is made up for, and once.

    The row is cut right before its end (a number may be incomplete), or is not there at all.
    """
    out = tmp_path / "out"
    pretrain(config, out, max_steps=2)
    header, row = (out / "validation.csv").read_text().splitlines()
    (out / "validation.csv").write_text(header + "\n" + row[:-n_cut] if n_cut else header + "\n")
    pretrain(config, out, resume=True)
    assert_same_run(out, unbroken)


# ---- time ---------------------------------------------------------------------------------------


def test_no_time_at_all(config, unbroken, tmp_path):
    out, said = tmp_path / "out", []
    assert pretrain(config, out, max_minutes=0.0, tell=said.append).step == 0
    assert "ended by the time limit at step 0 of 6" in said[-1]
    pretrain(config, out, resume=True)
    assert_same_run(out, unbroken)


def test_a_step_that_would_end_too_late_is_not_begun(monkeypatch):
    """A limit of 60 s and steps of 25 s: two fit, the third would end at 75 s."""
    now = 1000.0
    monkeypatch.setattr(watch.time, "monotonic", lambda: now)
    clock = Clock(max_minutes=1.0)
    n_steps = 0
    while not clock.is_up:
        clock.tick(is_step=False)
        now += 25
        clock.tick(is_step=True)
        n_steps += 1
    assert (n_steps, clock.elapsed, clock.remaining) == (2, 50.0, 10.0)
    assert not Clock(None).is_up
    assert Clock(None).remaining == float("inf")


class Crash(BaseException):
    """The process is gone."""


def test_a_crash_before_any_operation_on_disk(tmp_path, monkeypatch):
    """Every flush, rename and link of a run is the last thing it did, in turn; all are resumed."""
    config = tiny_config(tmp_path, total=2)
    pretrain(config, tmp_path / "unbroken")
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    left = 0

    def counted(operation):
        def run(*arguments):
            nonlocal left
            left -= 1
            if left < 0:
                raise Crash
            return operation(*arguments)

        return run

    n_crashes = 0
    while True:
        out = tmp_path / f"crash{n_crashes}"
        left = n_crashes
        with monkeypatch.context() as patch:
            for owner, name in ((os, "fsync"), (os, "link"), (Path, "replace")):
                patch.setattr(owner, name, counted(getattr(owner, name)))
            try:
                pretrain(config, out)
                break
            except Crash:
                n_crashes += 1
        pretrain(config, out, resume=True)
        assert_same_run(out, tmp_path / "unbroken")
    assert n_crashes > 20
