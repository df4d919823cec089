"""Who may write into the folder of a run, and what is never overwritten."""

import errno
import fcntl
import logging
import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from tiny_run import tiny_config

from ldar_interp.errors import InputError
from ldar_interp.train import folder, loop
from ldar_interp.train.loop import pretrain
from ldar_interp.train.state import STATE, cannot_write, damage_is_an_error, write_state


@pytest.fixture
def config(tmp_path):
    return tiny_config(tmp_path)


def refused(config, out: Path, message: str, *, resume: bool = False) -> None:
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=message) as caught:
        pretrain(config, out, resume=resume, max_steps=1)
    assert "\n" not in str(caught.value)
    before.setdefault(out / folder.LOCK, b"")
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


# ---- one call at a time -------------------------------------------------------------------------


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_call_is_refused(config, tmp_path, monkeypatch, resume):
    """It comes in the middle of the first one's second step, which then goes on undisturbed."""
    out, take_step, n_refused = tmp_path / "out", loop._take_step, 0

    def interrupted(this, *rest):
        nonlocal n_refused
        if this.progress.step == 1:
            with pytest.raises(InputError) as caught:
                pretrain(config, out, resume=resume)
            assert str(caught.value) == (
                f"{out}: another call is training in this folder; wait for it or stop it"
            )
            n_refused += 1
        return take_step(this, *rest)

    monkeypatch.setattr(loop, "_take_step", interrupted)
    assert pretrain(config, out).step == 6
    assert n_refused == 1
    monkeypatch.undo()
    assert pretrain(config, out, resume=True).step == 6


def test_the_lock_is_free_after_an_error(config, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(InputError, match="backend"):
        pretrain(config, out, backend="none")
    with (out / folder.LOCK).open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_where_nothing_can_be_locked(config, tmp_path, monkeypatch, caplog):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with caplog.at_level(logging.WARNING, logger="ldar_interp"):
        assert pretrain(config, tmp_path / "out", max_steps=1).step == 1
    assert "out: the file system cannot lock (No locks available)" in caplog.text
    monkeypatch.setitem(sys.modules, "fcntl", None)
    assert pretrain(config, tmp_path / "windows", max_steps=1).step == 1


# ---- nothing is overwritten ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ["state/state.pt", "state/previous.pt", "run.json", "log.csv"])
def test_a_fresh_start_overwrites_nothing(config, tmp_path, name):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    (out / name).write_text("of an old run")
    refused(config, out, rf"{name}: this folder holds a run; add --resume to continue it or")


@pytest.mark.parametrize("resume", [False, True])
def test_weights_whose_state_is_gone(config, tmp_path, resume):
    out = tmp_path / "out"
    pretrain(config, out, max_steps=1)
    shutil.rmtree(out / "state")
    refused(config, out, r"model\.safetensors: weights of a run whose state is gone", resume=resume)


def test_resuming_nothing_says_where_it_starts(config, tmp_path):
    said: list[str] = []
    pretrain(config, tmp_path / "out", max_steps=1, resume=True, tell=said.append)
    assert said[0] == "no state yet: starts at step 0"
    said.clear()
    pretrain(config, tmp_path / "out", max_steps=1, resume=True, tell=said.append)
    assert not any("no state yet" in line for line in said)


# ---- messages -----------------------------------------------------------------------------------


def test_room_is_asked_for_where_there_is_none(tmp_path):
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        text = str(cannot_write(tmp_path, OSError(number, os.strerror(number))))
        assert f"({os.strerror(number)}); make room or choose another --out" in text
    assert str(cannot_write(tmp_path, PermissionError(errno.EACCES, "Permission denied"))) == (
        f"{tmp_path}: cannot be written (Permission denied); choose another --out"
    )


def test_a_full_device_is_no_damage(tmp_path):
    with pytest.raises(torch.OutOfMemoryError), damage_is_an_error(tmp_path):
        raise torch.OutOfMemoryError("CUDA out of memory")
    with pytest.raises(InputError, match="is damaged"), damage_is_an_error(tmp_path):
        raise RuntimeError("invalid header")


def test_a_loss_that_is_not_finite_names_a_state_that_is_there(config, tmp_path, monkeypatch):
    take_step, out = loop._take_step, tmp_path / "out"

    def broken(this, *rest):
        with torch.no_grad():
            this.model.head.weight.fill_(torch.nan)
        return take_step(this, *rest)

    monkeypatch.setattr(loop, "_take_step", broken)
    with pytest.raises(InputError, match=r"add --resume to begin again at step 0$"):
        pretrain(config, out)
    monkeypatch.undo()
    pretrain(config, out, resume=True, max_steps=1)
    monkeypatch.setattr(loop, "_take_step", broken)
    with pytest.raises(InputError, match=rf"step 1: .* to go on from {out / 'state' / STATE}$"):
        pretrain(config, out, resume=True)


# ---- the order on disk --------------------------------------------------------------------------


def test_a_state_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    calls: list[tuple[str, ...]] = []
    fsync, replace = os.fsync, Path.replace

    def flushed(descriptor: int) -> None:
        calls.append(("fsync", Path(f"/proc/self/fd/{descriptor}").resolve().name))
        fsync(descriptor)

    def renamed(path: Path, target: Path) -> Path:
        calls.append(("rename", path.name, target.name))
        return replace(path, target)

    write_state(tmp_path / "state", {"step": 1})
    monkeypatch.setattr(os, "fsync", flushed)
    monkeypatch.setattr(Path, "replace", renamed)
    write_state(tmp_path / "state", {"step": 2})
    assert calls == [
        ("fsync", "state.partial"),
        ("rename", "previous.partial", "previous.pt"),
        ("rename", "state.partial", "state.pt"),
        ("fsync", "state"),
    ]
