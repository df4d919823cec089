"""Tables that are none, and that a refusal leaves every file as it was."""

import sys
from pathlib import Path

import pytest
from tiny_run import tiny_config

from ldar_interp.errors import InputError
from ldar_interp.train.logs import Table
from ldar_interp.train.loop import pretrain


def files(out: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["log.csv", "validation.csv", "chunk_lengths.csv"])
def test_other_columns_change_nothing(tmp_path, name):
    config, out = tiny_config(tmp_path), tmp_path / "out"
    pretrain(config, out, max_steps=2)
    (out / name).write_text((out / name).read_text().replace("step", "stride"))
    before = files(out)
    other = config.model_copy(update={"validation_windows": 1})
    with pytest.raises(InputError, match=rf"{name}: has the columns stride,.*; wanted step,"):
        pretrain(other, out, resume=True)
    assert files(out) == before


def test_a_missing_package_changes_nothing(tmp_path, monkeypatch):
    config, out = tiny_config(tmp_path), tmp_path / "out"
    pretrain(config, out, max_steps=1)
    before = files(out)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    other = config.model_copy(update={"validation_windows": 1})
    with pytest.raises(InputError, match="--tensorboard: the package cannot be imported"):
        pretrain(other, out, resume=True, tensorboard=True)
    assert files(out) == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe\x00\n", "'utf-8' codec can't decode byte 0xff"),
        (b"step,loss\none,2\n", "invalid literal for int"),
        (b"step,loss\n1," + b"x" * 200_000 + b"\n", "field larger than field limit"),
    ],
)
def test_a_table_that_is_none(tmp_path, content, reason):
    path = tmp_path / "log.csv"
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        Table(path, ("step", "loss"), 5)
    assert f"{path}: is not a table of a run ({reason}" in str(caught.value)
    assert "; move it away or choose another --out" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_table_is_changed_by_start(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,2\n2,3\n3,")
    table = Table(path, ("step", "loss"), 1)
    assert table.last_step == 1
    assert path.read_text() == "step,loss\n1,2\n2,3\n3,"
    table.start()
    assert path.read_text() == "step,loss\n1,2\n"


def test_another_header_alone_is_refused_too(tmp_path):
    (tmp_path / "log.csv").write_text("a,b\n")
    with pytest.raises(InputError, match=r"has the columns a,b; wanted step,loss"):
        Table(tmp_path / "log.csv", ("step", "loss"), 1)
