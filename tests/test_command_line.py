"""What programs share: one-line errors, result folders that appear whole, settings from files."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from ldar_interp.command_line import merge_settings, one_line_errors, result_folder, say
from ldar_interp.errors import InputError


class Settings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    flank_bp: int = Field(100, ge=10)
    strand: Literal["forward", "mean"] = "forward"
    tag: tuple[str, ...] = ()


def write_earlier(folder, **files):
    """A folder as a program leaves it."""
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    (folder / "provenance.json").write_text(json.dumps({"files": sorted(files)}))
    return folder


def write_result(out, *, force=False, text="new"):
    with result_folder(out, force=force) as folder:
        (folder / "table").write_text(text)
        (folder / "provenance.json").write_text(json.dumps({"files": ["table"]}))


def list_names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_result_appears_whole_with_its_parents(tmp_path):
    out = tmp_path / "a" / "b"
    with result_folder(out, force=False) as folder:
        (folder / "table").write_text("x")
        assert not out.exists() and folder.parent == out.parent
    assert list_names(out) == ["table"] and list_names(tmp_path / "a") == ["b"]
    # As readable as a folder made in the ordinary way, not private.
    plain = tmp_path / "plain"
    plain.mkdir()
    assert out.stat().st_mode == plain.stat().st_mode


def test_an_error_half_way_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError), result_folder(tmp_path / "out", force=False) as folder:
        (folder / "table").write_text("x")
        raise RuntimeError
    assert list_names(tmp_path) == []


def test_force_replaces_a_whole_result_and_keeps_it_if_the_new_one_fails(tmp_path):
    out = write_earlier(tmp_path / "out", table="old", extra="old")
    with pytest.raises(RuntimeError), result_folder(out, force=True):
        raise RuntimeError
    assert list_names(out) == ["extra", "provenance.json", "table"]
    write_result(out, force=True)
    assert list_names(out) == ["provenance.json", "table"]
    assert (out / "table").read_text() == "new" and list_names(tmp_path) == ["out"]


def test_an_earlier_result_survives_if_the_new_one_cannot_be_put_in_place(tmp_path, monkeypatch):
    out = write_earlier(tmp_path / "out", table="old")
    rename = Path.replace

    def fail(self, target):
        if ".partial-" in self.name and not self.name.endswith(".earlier"):
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(InputError, match=r"out: cannot be written \(No space left on device\)"):
        write_result(out, force=True)
    assert (out / "table").read_text() == "old" and list_names(tmp_path) == ["out"]


def test_an_existing_result_is_not_overwritten_without_force(tmp_path):
    out = write_earlier(tmp_path / "out", table="old")
    with pytest.raises(InputError) as caught:
        write_result(out)
    assert str(caught.value) == (
        f"{out}: exists; add --force to replace it or choose another --out"
    )
    assert (out / "table").read_text() == "old"


def make_foreign(tmp_path, case):
    out = tmp_path / "out"
    if case == "file":
        out.write_text("mine")
    elif case == "link":
        out.symlink_to(write_earlier(tmp_path / "real", table="old"))
    elif case == "broken link":
        out.symlink_to(tmp_path / "nowhere")
    elif case == "no provenance":
        out.mkdir()
        (out / "thesis.tex").write_text("mine")
    elif case == "provenance of something else":
        out.mkdir()
        (out / "provenance.json").write_text("[1]")
    elif case == "a file added":
        (write_earlier(out, table="old") / "notes.txt").write_text("mine")
    elif case == "a folder added":
        (write_earlier(out, table="old") / "raw").mkdir()
    return out


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("file", "a file or a link"),
        ("link", "a file or a link"),
        ("broken link", "a file or a link"),
        ("no provenance", "it has no provenance.json that names its files"),
        ("provenance of something else", "it has no provenance.json that names its files"),
        ("a file added", "it also holds notes.txt"),
        ("a folder added", "it also holds raw"),
    ],
)
def test_force_never_removes_what_no_program_wrote(tmp_path, case, reason):
    out = make_foreign(tmp_path, case)
    before = sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*"))
    with pytest.raises(InputError) as caught:
        write_result(out, force=True)
    assert str(caught.value) == (
        f"{out}: is not an earlier result ({reason}), so --force does not replace it; wanted a "
        "folder that a program wrote: choose another --out"
    )
    assert sorted(str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*")) == before
    with pytest.raises(InputError, match="exists; add --force"):
        write_result(out)


def test_force_fills_an_empty_folder(tmp_path):
    (tmp_path / "out").mkdir()
    write_result(tmp_path / "out", force=True)
    assert list_names(tmp_path / "out") == ["provenance.json", "table"]


@pytest.mark.parametrize("force", [False, True])
def test_what_appears_during_the_run_is_not_removed(tmp_path, force):
    out = tmp_path / "out"
    with (
        pytest.raises(InputError, match=r"exists; add|is not an earlier result"),
        result_folder(out, force=force),
    ):
        out.mkdir()
        (out / "thesis.tex").write_text("mine")
    assert list_names(tmp_path) == ["out"] and (out / "thesis.tex").read_text() == "mine"


def test_a_place_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("x")
    for out in (tmp_path / "file" / "out", tmp_path / "file" / "a" / "out", tmp_path / ("x" * 300)):
        with pytest.raises(InputError) as caught:
            write_result(out)
        assert str(caught.value).startswith(f"{out}: cannot be written (")
        assert str(caught.value).endswith(
            "; wanted a folder that can be made: choose another --out"
        )
    assert list_names(tmp_path) == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_parent_is_an_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match=r"cannot be written \(Permission denied\)"):
        write_result(tmp_path / "out")
    tmp_path.chmod(0o700)


def test_say_writes_one_line_to_stderr(capsys):
    say("hello")
    assert capsys.readouterr() == ("", "hello\n")


def test_errors_become_one_line_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as caught, one_line_errors("prog", debug=False):
        raise InputError("x.fa: is bad\nand ugly; mend it")
    assert caught.value.code == 2
    assert capsys.readouterr() == ("", "prog: error: x.fa: is bad and ugly; mend it\n")


def test_ctrl_c_is_said_and_has_its_own_exit_code(capsys):
    for words in ({}, {"interrupted": "stopped; --resume goes on"}):
        with pytest.raises(SystemExit) as caught, one_line_errors("prog", debug=False, **words):
            raise KeyboardInterrupt
        assert caught.value.code == 130
    with pytest.raises(KeyboardInterrupt), one_line_errors("prog", debug=True):
        raise KeyboardInterrupt
    assert capsys.readouterr() == ("", "prog: interrupted\nprog: stopped; --resume goes on\n")


def test_debug_and_bugs_keep_their_traceback():
    with pytest.raises(InputError), one_line_errors("prog", debug=True):
        raise InputError("x")
    with pytest.raises(ZeroDivisionError), one_line_errors("prog", debug=False):
        raise ZeroDivisionError


def test_warnings_of_the_package_reach_stderr_once(capsys):
    logger = logging.getLogger("ldar_interp")
    before = list(logger.handlers)
    with one_line_errors("prog", debug=False):
        logger.warning("chromosome names %s", "reconciled")
    assert capsys.readouterr().err == "prog: chromosome names reconciled\n"
    assert logger.handlers == before


def test_settings_come_from_defaults_then_file_then_options(tmp_path):
    file = tmp_path / "c.toml"
    file.write_text('flank-bp = 20\nstrand = "mean"\ntag = ["basic", "x"]\n')
    given = {"flank_bp": 50, "strand": None, "tag": None}
    assert merge_settings(Settings, None, {}) == Settings()
    assert merge_settings(Settings, None, given) == Settings(flank_bp=50)
    merged = merge_settings(Settings, file, given)
    assert merged == Settings(flank_bp=50, strand="mean", tag=("basic", "x"))
    # Two ways to say the same thing: the one on the command line stands for both in the file.
    ways = ("strand", "tag")
    chosen = merge_settings(Settings, file, {"tag": ("y",)}, instead=ways)
    assert chosen == Settings(flank_bp=20, tag=("y",))
    assert merge_settings(Settings, file, given, instead=ways) == merged


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        (None, {"strand": "both"}, "command line: strand is 'both'; wanted another value: Input "
         "should be 'forward' or 'mean'"),
        ("flank_bp = 3", {}, "{file}: flank-bp is 3; wanted another value: Input should be "
         "greater than or equal to 10"),
        ("flank_bp = 30", {"strand": "x"}, "command line: strand is 'x'; wanted another value: "
         "Input should be 'forward' or 'mean'"),
        ("colour = 3", {}, "{file}: no option is called colour; wanted some of flank-bp, strand, "
         "tag"),
        ("tag = [1]", {}, "{file}: tag.0 is 1; wanted another value: Input should be a valid "
         "string"),
    ],
)  # fmt: skip
def test_wrong_settings_are_errors(tmp_path, text, given, message):
    file = tmp_path / "c.toml"
    if text is not None:
        file.write_text(text)
    with pytest.raises(InputError) as caught:
        merge_settings(Settings, None if text is None else file, given)
    assert str(caught.value) == message.format(file=file)


def test_wrong_files_of_settings_are_errors(tmp_path):
    absent, broken, binary = (tmp_path / name for name in ("a.toml", "b.toml", "c.toml"))
    broken.write_text("flank_bp 3")
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"a.toml: cannot be read \(No such file or directory\); "):
        merge_settings(Settings, absent, {})
    for file in (broken, binary):
        with pytest.raises(InputError) as caught:
            merge_settings(Settings, file, {})
        assert str(caught.value).startswith(f"{file}: is not TOML (")
        assert str(caught.value).endswith("); wanted lines `option = value`")
        assert "\n" not in str(caught.value)


def test_help_answers_without_torch():
    code = (
        "import sys, time\n"
        "start = time.perf_counter()\n"
        "from ldar_interp import splice_profile\n"
        "from ldar_interp.command_line import run_program\n"
        "sys.argv = ['splice_profile', '--help']\n"
        "try:\n"
        "    run_program(splice_profile.main)\n"
        "except SystemExit as end:\n"
        "    assert end.code == 0\n"
        "slow = {'torch', 'matplotlib', 'scipy', 'pandas', 'polars', 'statsmodels'}\n"
        "print(sorted(slow & set(sys.modules)), file=sys.stderr)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stderr == "[]\n"
    assert "--flank-bp" in found.stdout and "[default: (measured)]" in found.stdout
    assert "Example: --ckpt" in found.stdout
