"""p on a few edges alone: the same numbers as for whole sequences, in float64 and with errors."""

import pytest
import torch

from ldar_interp.errors import InputError
from ldar_interp.model.checkpoint import random_model
from ldar_interp.model.config import PRESETS, LDARNetConfig

WIDTHS = ((32, 64), (64, 64), (2, 2), (8, 8))
ENCODERS = {
    "attention last": ("m2t1", (9, -1)),
    "attention with MLP last": ("m1T1", (5, -1)),
    "attention without window": ("m1t1", (-1, -1)),
    "two attentions": ("t2", (7, -1)),
    "scan last": ("t1m1", (6, -1)),
}


@pytest.fixture(scope="module", params=list(ENCODERS))
def model(request):
    encoder, windows = ENCODERS[request.param]
    config = LDARNetConfig([encoder, ["M1"], "m1"], *WIDTHS, windows, d_state=16)
    return random_model(config, seed=4).double().eval().requires_grad_(False)


@pytest.fixture(scope="module")
def ids():
    return torch.randint(0, 5, (3, 61), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("first", "last"), [(1, 1), (30, 30), (20, 41), (60, 60), (1, 60)])
def test_rows_are_those_of_the_whole(model, ids, first, last):
    whole = model.encode(ids)[1].prob[:, first : last + 1]
    found = model.encode_rows(ids, first, last)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found, whole, atol=1e-12, rtol=0)


def test_one_sided_router_and_hooked_embedding(ids):
    model = random_model(PRESETS["nano"].with_router("one_sided"), seed=1).double()
    with torch.no_grad():
        wanted = model.encode(ids)[1].prob[:, 9:11]
        torch.testing.assert_close(model.encode_rows(ids, 9, 10), wanted, atol=1e-12, rtol=0)
        model.embedding.register_forward_hook(lambda *_: None)
        torch.testing.assert_close(model.encode_rows(ids, 9, 10), wanted, atol=1e-12, rtol=0)


def test_errors(ids):
    model = random_model(PRESETS["nano"], seed=1)
    for first, last in ((0, 3), (4, 3), (1, 61)):
        with pytest.raises(InputError, match=f"edges {first} to {last} of 61 bases; wanted 1 <="):
            model.encode_rows(ids, first, last)
    with pytest.raises(InputError, match="hold \\[PAD\\]; wanted sequences of one length"):
        model.encode_rows(torch.tensor([[0, 1, 6], [0, 1, 2]]), 1, 1)
    for router in ("fixed:4", "random:0.25"):
        other = random_model(PRESETS["nano"].with_router(router), seed=1)
        with pytest.raises(InputError, match=f"router {router} of .* wanted a learned or one_"):
            other.encode_rows(ids, 1, 1)
