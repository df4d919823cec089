"""One published training step: losses, every gradient, and the optimiser's groups."""

import json

import numpy as np
import pytest
import torch
from test_golden import GOLDEN

from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.checkpoint import load_model
from ldar_interp.model.losses import mlm_loss, total_ratio_loss
from ldar_interp.model.published import published_keys
from ldar_interp.train.config import Optimizer
from ldar_interp.train.schedule import parameter_groups

ALPHA, COMPRESSION = 0.03, (4.0,)


@pytest.fixture(scope="module")
def expected():
    with np.load(GOLDEN / "tiny_train_expected.npz") as file:
        return dict(file)


@pytest.fixture
def leaky_padding(monkeypatch):
    """Treat padding as the published code does: input zeroed, but conv bias and dt_bias write."""
    exact = BiMamba2.mix

    def mix(self, projected, mask):
        return exact(self, projected if mask is None else projected * mask[..., None], None)

    monkeypatch.setattr(BiMamba2, "mix", mix)


def train_once(expected):
    model = load_model(GOLDEN / "tiny.pt").requires_grad_(True)
    ids = torch.from_numpy(expected["input_ids"])
    out = model(ids, torch.from_numpy(expected["attention_mask"]))
    mlm = mlm_loss(out.logits, torch.from_numpy(expected["labels"]))
    ratio = total_ratio_loss(out.boundaries, COMPRESSION)
    (mlm + ALPHA * ratio).backward()
    return model, mlm.item(), ratio.item()


@pytest.mark.usefixtures("leaky_padding")
def test_losses_and_gradients_agree(expected):
    model, mlm, ratio = train_once(expected)
    assert mlm == pytest.approx(float(expected["mlm"]), abs=1e-6)
    assert ratio == pytest.approx(float(expected["ratio"]), abs=1e-6)
    assert mlm + ALPHA * ratio == pytest.approx(float(expected["loss"]), abs=1e-6)
    parameters = dict(model.named_parameters())
    published = {name.removeprefix("grad/") for name in expected if name.startswith("grad/")}
    compared = set()
    for key, to in published_keys(model).items():
        if to.same_as is not None:
            continue
        grad = parameters[to.parameter].grad
        grad = grad if to.direction is None else grad[to.direction]
        want = expected[f"grad/{key}"]
        np.testing.assert_allclose(grad.reshape(want.shape), want, atol=1e-5, err_msg=key)
        compared.add(key)
    assert compared == published


def test_exact_padding_differs_from_the_published_step_by_the_leak_only(expected):
    _, mlm, ratio = train_once(expected)
    assert 1e-6 < abs(mlm - float(expected["mlm"])) < 1e-3
    assert abs(ratio - float(expected["ratio"])) < 1e-4


def test_optimiser_groups_are_the_published_ones():
    recipe = json.loads((GOLDEN / "tiny_train_groups.json").read_text())
    model = load_model(GOLDEN / "tiny.pt").requires_grad_(True)
    optimizer = Optimizer(peak_lr=1e-3, weight_decay=0.01)
    names = {id(p): name for name, p in model.named_parameters()}
    ours = {}
    for group in parameter_groups(model, (recipe["N"],), optimizer):
        for parameter in group["params"]:
            name = names[id(parameter)]
            assert name not in ours
            ours[name] = (group["peak_lr"] / 1e-3, group["weight_decay"])
    assert set(ours) == set(names.values())
    keys = published_keys(model)
    theirs = {}
    for group in recipe["groups"]:
        # No value of its own means the optimiser's.
        decay = 0.01 if group["weight_decay"] is None else group["weight_decay"]
        for key in group["params"]:
            theirs.setdefault(keys[key].parameter, set()).add((group["lr_multiplier"], decay))
    assert theirs.keys() == ours.keys()
    for name, values in theirs.items():
        assert len(values) == 1, name
        assert ours[name] == pytest.approx(next(iter(values))), name
