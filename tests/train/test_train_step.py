"""The losses of a step, by hand."""

import math
from types import SimpleNamespace

import pytest
import torch
from tiny_run import tiny_config
from torch import Tensor, nn

from ldar_interp.genome.alphabet import MASK
from ldar_interp.model.losses import IGNORE
from ldar_interp.model.router import RouterOutput
from ldar_interp.train.masking import Batch
from ldar_interp.train.parallel import Team
from ldar_interp.train.step import StepLosses, add_gradients

TEAM = Team("none", 0, 1, torch.device("cpu"))


class Guesser(nn.Module):
    """Gives the letter that it is shown a logit of `shown`, all others 0; [MASK] is a letter."""

    def __init__(self, shown: float) -> None:
        super().__init__()
        self.shown = nn.Parameter(torch.tensor(shown))

    def forward(self, ids: Tensor) -> SimpleNamespace:
        logits = self.shown * nn.functional.one_hot(ids, 7).float()
        prob = torch.full(ids.shape, 0.5)
        routed = RouterOutput(prob, torch.ones_like(ids, dtype=torch.bool), prob, None)
        return SimpleNamespace(logits=logits, boundaries=(routed,))


def losses_of(tmp_path, ids: list[list[int]], labels: list[list[int]]) -> StepLosses:
    config = tiny_config(tmp_path)
    batch = Batch(torch.tensor(ids), torch.tensor(labels))
    plan = [range(i, i + 1) for i in range(len(ids))]
    return add_gradients(Guesser(math.log(2)), batch, plan, config, TEAM, "fp32")


def test_mask_loss_is_over_targets_shown_as_mask(tmp_path):
    """The letter shown has 2 of 8 parts, every other one 1 of 8.

    Three targets: one shown as [MASK] costs ln 8, one shown as another letter ln 8, one shown
    unchanged ln 4. A [MASK] that is no target counts nowhere.
    """
    none = IGNORE
    found = losses_of(tmp_path, [[MASK, 2, 3], [MASK, 1, 0]], [[1, 0, 3], [none, none, none]])
    assert found.mask_loss == pytest.approx(math.log(8))
    assert found.mlm_loss == pytest.approx((2 * math.log(8) + math.log(4)) / 3)


def test_mask_loss_without_a_mask(tmp_path):
    found = losses_of(tmp_path, [[0, 1], [2, 3]], [[0, IGNORE], [IGNORE, IGNORE]])
    assert math.isnan(found.mask_loss)
    assert found.mlm_loss == pytest.approx(math.log(4))
