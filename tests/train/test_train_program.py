"""The program: from a FASTA alone, from other weights, and with wrong options."""

import json
import sys
import types
from pathlib import Path

import pytest
import torch
import typer
from safetensors.torch import load_file
from tiny_run import NESTED, random_sequence, tiny_config, write_config, write_fasta
from typer.testing import CliRunner

from ldar_interp.errors import InputError
from ldar_interp.model.checkpoint import load_model, random_model, save_model
from ldar_interp.model.router import RouterOutput
from ldar_interp.pretrain import main
from ldar_interp.train.config import read_config
from ldar_interp.train.data import default_sources
from ldar_interp.train.loop import pretrain
from ldar_interp.train.validate import OPEN_LENGTH, _describe


def run(*arguments: object):
    app = typer.Typer()
    app.command()(main)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(done) -> str:
    assert done.exit_code == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("pretrain: error: ")
    return lines[0]


# ---- configs from the command line --------------------------------------------------------------


def test_from_a_fasta_to_a_model(tmp_path):
    """No config: the last 5 % is held out, and the folder alone is enough to go on."""
    fasta = write_fasta(tmp_path / "my.fa", random_sequence(24_000))
    out = tmp_path / "out"
    done = run("--fasta", fasta, "--model", "nano", "--out", out, "--max-steps", 1, "--seed", 3)
    assert done.exit_code == 0, done.stderr
    assert "all but the held-out ends: bases: 22,800\n" in done.stderr
    assert "all but the held-out ends: starts dropped for N: 0\n" in done.stderr
    assert "validation windows of 1,024 bases, without N: 1 (0 more left out" in done.stderr
    assert load_model(out).config.train_length == 1024
    resolved = read_config(out / "run.json")
    assert resolved.seed == 3
    assert resolved.optimizer.total_steps == 1
    assert resolved.validation[0].regions == ("chr1:22801-24000",)
    again = run("--out", out, "--resume")
    assert again.exit_code == 0, again.stderr
    assert "resumed at step 1 from" in again.stderr
    calls = json.loads((out / "provenance.json").read_text())["calls"]
    assert [call["first_step"] for call in calls] == [0, 1]
    assert {(call["precision"], call["backend"]) for call in calls} == {("fp32", "compiled")}
    (out / "provenance.json").write_text("[]")
    refused = run("--out", out, "--resume")
    assert refused.exit_code == 2
    assert "provenance.json: is not the record of a run" in refused.stderr


def test_a_short_fasta_takes_shorter_windows(tmp_path):
    fasta = write_fasta(tmp_path / "short.fa", random_sequence(2000))
    words = ["--fasta", fasta, "--out", tmp_path / "out", "--max-steps", 1]
    assert "give a shorter train_length (--train-length) or a config" in refused(run(*words))
    done = run(*words, "--train-length", 64)
    assert done.exit_code == 0, done.stderr
    assert load_model(tmp_path / "out").config.train_length == 64


def test_nothing_to_hold_out(tmp_path):
    fasta = write_fasta(tmp_path / "short.fa", random_sequence(20_000))
    with pytest.raises(
        InputError,
        match="nothing can be held out for validation: the longest record has 20000 bases",
    ):
        default_sources(fasta, length=1024)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "no --config and no --fasta; wanted one of them, or --resume"),
        (["--resume"], "no --config and no --fasta"),
        (["--config", "a.toml", "--fasta", "b.fa"], "--config and --fasta are both given"),
        (["--config", "a.toml", "--model", "nano"], "--model goes with --fasta; a config names"),
        (
            ["--config", "a.toml", "--train-length", 64],
            "--train-length goes with --fasta; a conf",
        ),
        (["--resume", "--train-length", 64], "--train-length goes with --fasta"),
        (["--fasta", "b.fa", "--data", "d"], "--data goes with --config; leave it out"),
        (["--fasta", "b.fa", "--model", "huge"], "model 'huge'; wanted one of nano, small, 2m"),
    ],
)
def test_options_that_do_not_go_together(tmp_path, words, message):
    out = tmp_path / "out"
    assert message in refused(run(*words, "--out", out))
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--precision", "half"], "precision is 'half'"),
        (["--parallel", "ddp"], "parallel ddp with one process"),
        (["--device", "cuda:99"], "device 'cuda:99'"),
    ],
)
def test_options_that_cannot_be_met(tmp_path, words, message):
    path = write_config(tmp_path)
    assert message in refused(run("--config", path, "--out", tmp_path / "out", *words))


# ---- other weights to start from ----------------------------------------------------------------


def test_weights_to_start_from(tmp_path):
    """Before the first step they are the given ones; a resume does not read them again."""
    config = tiny_config(tmp_path)
    start = random_model(config.shape().with_length(64), seed=77)
    save_model(start, tmp_path / "start")
    begun = config.model_copy(update={"init": str(tmp_path / "start")})
    out = tmp_path / "out"
    pretrain(begun, out, max_minutes=0.0)
    stored = load_file(out / "model.safetensors")
    for name, value in start.state_dict().items():
        assert torch.equal(stored[name], value), name
    assert load_model(out).config.train_length == 32
    (tmp_path / "start" / "model.safetensors").unlink()
    assert pretrain(begun, out, resume=True, max_steps=2).step == 2
    moved = load_file(out / "model.safetensors")
    assert all(not torch.equal(moved[name], stored[name]) for name in ("embedding.weight",))


def test_weights_of_another_shape(tmp_path):
    config = tiny_config(tmp_path).model_copy(update={"init": "random:nano"})
    with pytest.raises(InputError, match=r"random:nano: holds a model of layout .* very shape"):
        pretrain(config, tmp_path / "out")


# ---- several stages, tables, histograms ---------------------------------------------------------


def test_two_routers(tmp_path):
    config = tiny_config(tmp_path, shape=NESTED)
    pretrain(config, tmp_path / "out", max_steps=2)
    header, *rows = (tmp_path / "out" / "log.csv").read_text().splitlines()
    assert header.endswith("boundary_rate,mean_prob,grad_norm,boundary_rate_1,mean_prob_1")
    assert len(rows) == 2
    header, *rows = (tmp_path / "out" / "validation.csv").read_text().splitlines()
    assert header.endswith("boundary_rate,mean_prob,boundary_rate_1,mean_prob_1,n_mask")
    lengths = [
        row.split(",")
        for row in (tmp_path / "out" / "chunk_lengths.csv").read_text().splitlines()[1:]
    ]
    assert {row[1] for row in lengths} == {"0", "1"}
    assert [row[2] for row in lengths if row[1] == "1"][-1] == str(OPEN_LENGTH)


def test_boundaries_and_chunk_lengths_by_hand():
    """Cuts at 0, 2, 3, 7 and at 0, 1, 68: the first chunk of each window is not counted."""
    chosen = torch.zeros(2, 80, dtype=torch.bool)
    for row, cuts in enumerate(([0, 2, 3, 7], [0, 1, 68])):
        chosen[row, cuts] = True
    mask = torch.ones(2, 80, dtype=torch.bool)
    mask[1, 70:] = False
    prob = torch.full((2, 80), 0.25)
    found = _describe(RouterOutput(prob, chosen, prob, mask))
    n_boundary, prob_sum, n_real, *lengths = found.tolist()
    assert (n_boundary, prob_sum, n_real) == (7, 150 / 4, 150)
    assert {i: n for i, n in enumerate(lengths) if n} == {1: 1, 4: 1, OPEN_LENGTH: 1}
    assert len(lengths) == OPEN_LENGTH + 1


def test_tensorboard_where_it_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    path = write_config(tmp_path)
    line = refused_last(run("--config", path, "--out", tmp_path / "out", "--tensorboard"))
    assert "--tensorboard: the package cannot be imported" in line
    assert "pip install tensorboard" in line


def refused_last(done) -> str:
    assert done.exit_code == 2
    return done.stderr.strip().splitlines()[-1]


def test_what_tensorboard_is_given(tmp_path, monkeypatch):
    points: list[tuple[str, float, int]] = []
    opened: list[tuple[str, int]] = []

    class Writer:
        def __init__(self, folder: str, purge_step: int) -> None:
            opened.append((Path(folder).name, purge_step))

        def add_scalar(self, name: str, value: float, step: int) -> None:
            points.append((name, value, step))

        def flush(self) -> None:
            pass

        def close(self) -> None:
            opened.append(("closed", 0))

    fake = types.ModuleType("torch.utils.tensorboard")
    fake.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", fake)
    config = tiny_config(tmp_path)
    pretrain(config, tmp_path / "out", max_steps=1)
    pretrain(config, tmp_path / "out", max_steps=2, resume=True, tensorboard=True)
    assert opened == [("tensorboard", 2), ("closed", 0)]
    assert {step for _, _, step in points} == {2}
    names = {name for name, _, _ in points}
    assert {"train/mlm_loss", "train/boundary_rate", "validation/mask_loss"} <= names
