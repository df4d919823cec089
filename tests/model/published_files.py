"""Published files made of our models, and comparing models."""

import torch

from ldar_interp.model.ldarnet import LDARNet
from ldar_interp.model.published import published_keys


def published(model: LDARNet, config: dict[str, object] | None = None) -> dict[str, object]:
    """What a published file of this model holds."""
    ours = model.state_dict()
    state = {}
    for key, to in published_keys(model).items():
        value = ours[to.parameter]
        value = value if to.direction is None else value[to.direction]
        state[key] = value.reshape(to.shape).clone()
    return {"model": state, "step": 1} | ({} if config is None else {"config": config})


def assert_same_weights(one: LDARNet, other: LDARNet) -> None:
    a, b = one.state_dict(), other.state_dict()
    assert a.keys() == b.keys()
    for name, value in a.items():
        assert torch.equal(value, b[name]), name
