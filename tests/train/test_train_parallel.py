"""Two processes and micro-batches give the gradients of the loss as it is written down."""

import os
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_run import tiny_config
from two_processes import N_STEPS, shared_config, vars_of, write_shared_config

from ldar_interp.errors import DeviceError, InputError
from ldar_interp.model.checkpoint import random_model
from ldar_interp.model.losses import IGNORE, total_ratio_loss
from ldar_interp.train.data import Batch, WindowSampler
from ldar_interp.train.loop import pretrain
from ldar_interp.train.parallel import Team, join_team
from ldar_interp.train.step import add_gradients, choose_precision, plan_micro_batches

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ALONE = Team("none", 0, 1, torch.device("cpu"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The work of two gloo processes, done once for all tests here."""
    made = tmp_path_factory.mktemp("two")
    write_shared_config(made)
    config = shared_config(made)
    pretrain(config, made / "one", max_steps=N_STEPS)
    pretrain(config, made / "from_one", max_steps=1)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = os.pathsep.join([str(ROOT), str(HERE)])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    running = [
        subprocess.Popen(
            [sys.executable, str(HERE / "two_processes.py"), str(made)],
            env={**os.environ, **place, "RANK": str(rank), "PYTHONPATH": paths},
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=120)[1] for process in running]
    finally:
        for process in running:
            process.kill()
            process.communicate()
    for process, text in zip(running, said, strict=True):
        assert process.returncode == 0, text
        assert "Warning" not in text
    return made


def read_batch(config) -> Batch:
    sampler = WindowSampler(config.train, config.train_length, max_n_share=0.1, seed=0)
    return sampler.batch(0, config.optimizer.batch_windows, 0.15)


def reference(config, groups: list[list[int]]):
    """Gradients of the loss written out, each group of windows pooled for its ratio loss."""
    model = random_model(config.shape(), seed=5).double()
    batch = read_batch(config)
    n_targets = (batch.labels != IGNORE).sum()
    loss = torch.zeros((), dtype=torch.float64)
    for group in groups:
        out = model(batch.input_ids[group])
        loss = loss + config.objective.alpha * len(group) / len(batch.labels) * total_ratio_loss(
            out.boundaries, config.objective.compression
        )
        loss = (
            loss
            + torch.nn.functional.cross_entropy(
                out.logits.flatten(0, 1), batch.labels[group].flatten(), reduction="sum"
            )
            / n_targets
        )
    loss.backward()
    return {name: parameter.grad for name, parameter in model.named_parameters()}


def assert_close(found, expected) -> None:
    """To rounding, relative to each tensor's largest entry; both in float64.

    In float32 a dt_bias of 2e-6 is 1.5e-4 of its size away from float64 on some CPUs, in one
    process as in two, because large terms cancel in it.
    """
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        scale = float(value.abs().max())
        assert scale > 0, name
        torch.testing.assert_close(found[name], value, rtol=0, atol=2e-5 * scale, msg=name)


@pytest.mark.parametrize(
    ("file", "groups"),
    [
        ("gradients", [[0, 1, 2, 3, 4]]),
        # Rows 0-1 and 2-4 by process, each halved: micro-batches pool 0 with 2, 1 with 3 and 4.
        ("gradients_micro", [[0, 2], [1, 3, 4]]),
    ],
)
def test_gradients_of_two_processes(folder, file, groups):
    found = [torch.load(folder / f"{file}.{rank}", weights_only=True) for rank in range(2)]
    assert_close(found[0]["gradients"], reference(shared_config(folder), groups))
    for name, value in found[0]["gradients"].items():
        assert torch.equal(value, found[1]["gradients"][name]), name
    assert found[0]["losses"] == found[1]["losses"]


def test_gradients_of_one_process_in_micro_batches(tmp_path):
    write_shared_config(tmp_path)
    config = shared_config(tmp_path, micro_windows=2)
    model = random_model(config.shape(), seed=5).double()
    plan = plan_micro_batches(5, ALONE, 2)
    assert [list(rows) for rows in plan] == [[0], [1, 2], [3, 4]]
    add_gradients(model, read_batch(config), plan, config, ALONE, "fp32")
    found = {name: parameter.grad for name, parameter in model.named_parameters()}
    assert_close(found, reference(config, [list(rows) for rows in plan]))


def test_micro_batches_change_nothing_without_the_ratio_loss(tmp_path):
    write_shared_config(tmp_path)
    config = shared_config(tmp_path)
    free = config.objective.model_copy(update={"alpha": 0.0})
    config = config.model_copy(update={"objective": free})
    found = []
    for micro in (None, 1):
        model = random_model(config.shape(), seed=5)
        plan = plan_micro_batches(5, ALONE, micro)
        losses = add_gradients(model, read_batch(config), plan, config, ALONE, "fp32")
        found.append((model, vars_of(losses)))
    (whole, losses), (pieces, same) = found
    expected = dict(whole.named_parameters())
    for name, parameter in pieces.named_parameters():
        scale = float(expected[name].grad.abs().max())
        torch.testing.assert_close(
            parameter.grad, expected[name].grad, rtol=0, atol=2e-5 * scale, msg=name
        )
    for name in ("mlm_loss", "mask_loss", "boundary_rates", "mean_probs"):
        assert losses[name] == pytest.approx(same[name], rel=1e-5), name


@pytest.mark.parametrize("case", ["ddp", "fsdp", "from_one"])
def test_weights_after_three_steps(folder, case):
    """Also where one process began and two went on, and where a sharded run was resumed."""
    expected = load_file(folder / "one" / "model.safetensors")
    found = load_file(folder / case / "model.safetensors")
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        # A step of AdamW is of the size of the rate (1e-3 and up) whatever the gradient's.
        torch.testing.assert_close(found[name], value, rtol=1e-3, atol=1e-4, msg=name)
    first, second = [(folder / name / "log.csv").read_text().splitlines() for name in ("one", case)]
    assert len(first) == len(second) == N_STEPS + 1
    for a, b in zip(first[1:], second[1:], strict=True):
        assert without_seconds(a) == pytest.approx(without_seconds(b), rel=1e-3)


def without_seconds(row: str) -> list[float]:
    return [float(cell) for i, cell in enumerate(row.split(",")) if i != 2]


def test_two_processes_begin_and_one_goes_on(folder):
    pretrain(shared_config(folder), folder / "to_one", max_steps=N_STEPS, resume=True)
    expected = load_file(folder / "one" / "model.safetensors")
    for name, value in load_file(folder / "to_one" / "model.safetensors").items():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-4, msg=name)


# ---- rows and errors ----------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "size"), [(5, 2), (8, 3), (3, 3), (7, 1)])
def test_shares_cover_the_step_once(n, size):
    teams = [Team("ddp", rank, size, torch.device("cpu")) for rank in range(size)]
    assert [row for team in teams for row in team.share(n)] == list(range(n))
    assert max(len(t.share(n)) for t in teams) - min(len(t.share(n)) for t in teams) <= 1
    for team in teams:
        for micro in (None, 2):
            plan = plan_micro_batches(n, team, micro) if n // size > 1 or micro is None else []
            assert [row for rows in plan for row in rows] == (list(team.share(n)) if plan else [])
            assert all(a.stop == b.start for a, b in pairwise(plan))


@pytest.mark.parametrize(("n", "micro"), [(1, None), (3, 1)])
def test_a_process_without_windows(n, micro):
    team = Team("ddp", 0, 2, torch.device("cpu"))
    with pytest.raises(InputError, match=f"batch_windows is {n} for 2 processes .* a multiple"):
        plan_micro_batches(n, team, micro)


def test_modes_that_do_not_fit(monkeypatch):
    with pytest.raises(InputError, match="parallel is 'tpu'; wanted one of auto, none, ddp, fsdp"):
        join_team("tpu", "cpu")
    with pytest.raises(InputError, match=r"parallel ddp with one process; .* start with torchrun"):
        join_team("ddp", "cpu")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="parallel none with 2 processes"):
        join_team("none", "cpu")
    with pytest.raises(DeviceError, match="device 'cuda:99'"):
        join_team("ddp", "cuda:99")


# ---- precision ----------------------------------------------------------------------------------


def test_precisions(monkeypatch):
    assert choose_precision("auto", torch.device("cpu")) == "fp32"
    assert choose_precision("bf16", torch.device("cpu")) == "bf16"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert choose_precision("auto", torch.device("cuda")) == "bf16"
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: False)
    assert choose_precision("auto", torch.device("cuda")) == "fp32"
    with pytest.raises(DeviceError, match="device 'cuda' has no bfloat16; wanted --precision fp32"):
        choose_precision("bf16", torch.device("cuda"))
    with pytest.raises(InputError, match="precision is 'fp8'; wanted one of auto, fp32, bf16"):
        choose_precision("fp8", torch.device("cpu"))


def test_a_run_in_bfloat16(tmp_path):
    """Near the run in float32 and not equal to it; weights and moments stay float32."""
    config = tiny_config(tmp_path)
    for precision in ("fp32", "bf16"):
        pretrain(config, tmp_path / precision, max_steps=2, precision=precision)
    rows = [
        without_seconds((tmp_path / name / "log.csv").read_text().splitlines()[1])
        for name in ("fp32", "bf16")
    ]
    assert rows[0] == pytest.approx(rows[1], rel=0.05)
    assert rows[0] != rows[1]
    state = torch.load(tmp_path / "bf16" / "state" / "state.pt", weights_only=True)
    assert {value.dtype for value in state["model"].values()} == {torch.float32}
    moments = state["optimizer"]["state"].values()
    assert {entry["exp_avg"].dtype for entry in moments} == {torch.float32}
