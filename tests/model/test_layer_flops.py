"""The count against torch's own, operation by operation, over real passes.

`FlopCounterMode` sees every operation that runs, backward passes and custom functions included.
It counts matrix products and convolutions as we do. What it does not know or count:

- attention on a CPU: the formula of the GPU kernels is given to it here;
- the gradient of the convolution's taps, which is pointwise products and sums: one of our three.
"""

from collections.abc import Callable, Sequence

import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ldar_interp.genome.alphabet import PAD
from ldar_interp.model.bimamba2 import BiMamba2
from ldar_interp.model.checkpoint import random_model
from ldar_interp.model.config import PRESETS, LDARNetConfig
from ldar_interp.model.layer_flops import CONV_BACKWARD, FlopRow, count_pairs, count_rows
from ldar_interp.model.ldarnet import LDARNet, LDARNetOutput
from ldar_interp.model.losses import mlm_loss

aten = torch.ops.aten
PRODUCTS = (aten.mm, aten.addmm, aten.bmm, aten.baddbmm)
ATTENTION = aten._scaled_dot_product_flash_attention_for_cpu
ATTENTION_BACK = aten._scaled_dot_product_flash_attention_for_cpu_backward

NESTED = LDARNetConfig(
    ["m1t1", ["T1m1", ["M2"], "m1"], "t1m1"],
    (32, 64, 64),
    (0, 100, 200),
    (2, 4, 4),
    (16, 16, 16),
    (20, 9, -1),
    d_state=16,
)
ATTENTION_FIRST = LDARNetConfig(
    ["t1", ["m1"], "m1"], (32, 32), (0, 0), (2, 2), (16, 16), (-1, -1), d_state=8
)
ALONE = LDARNetConfig(["m1T1"], (64,), (64,), (2,), (16,), (5,), d_state=8)


Shape = Sequence[int]


def count_attention(products: int, q: Shape, k: Shape) -> int:
    """Each product is 2 x batch x heads x queries x keys x channels."""
    return products * 2 * q[0] * q[1] * q[2] * k[2] * q[3]


def attention_formula(q: Shape, k: Shape, *_: object, **__: object) -> int:
    """As torch's `sdpa_flop_count`: scores, and their product with the values."""
    return count_attention(2, q, k)


def attention_back_formula(_grad: Shape, q: Shape, k: Shape, *_: object, **__: object) -> int:
    """As torch's `sdpa_backward_flop_count`: scores again, then two products for each of two."""
    return count_attention(5, q, k)


def measure(work: Callable[[], object]) -> dict[str, int]:
    """FLOPs that torch counts, by category."""
    mapping = {ATTENTION: attention_formula, ATTENTION_BACK: attention_back_formula}
    with FlopCounterMode(display=False, custom_mapping=mapping) as counter:
        work()
    found = counter.get_flop_counts().get("Global", {})
    known = {*PRODUCTS, aten.convolution, ATTENTION, ATTENTION_BACK}
    assert set(found) <= known, f"operations of no category: {set(found) - known}"
    return {
        "products": sum(found.get(op, 0) for op in PRODUCTS),
        "attention": found.get(ATTENTION, 0) + found.get(ATTENTION_BACK, 0),
        "conv": found.get(aten.convolution, 0),
    }


def predict(rows: Sequence[FlopRow], *, forward: bool, backward: bool) -> dict[str, int]:
    """The same categories from our rows, without the taps' gradient."""
    total = {"products": 0, "attention": 0, "conv": 0}
    for row in rows:
        category = row.what if row.what in total else "products"
        total[category] += row.forward if forward else 0
        taps = row.backward // CONV_BACKWARD if row.what == "conv" else 0
        total[category] += row.backward - taps if backward else 0
    return total


def lengths_of(ids: Tensor, out: LDARNetOutput) -> list[int]:
    """Positions of each stage: bases, then the longest member's number of boundaries."""
    kept = [int(routed.is_boundary.sum(1).max()) for routed in out.boundaries]
    return [ids.shape[1], *kept]


def random_weights(config: LDARNetConfig) -> LDARNet:
    """Random weights with small steps: large decays take another path, with a product less."""
    model = random_model(config, seed=0)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, BiMamba2):
                module.dt_bias.sub_(2)
    return model


def draw_ids(batch: int, length: int) -> Tensor:
    return torch.randint(0, 4, (batch, length), generator=torch.Generator().manual_seed(3))


SHAPES = [
    (PRESETS["nano"], 1, 64),
    (PRESETS["nano"], 2, 300),
    (PRESETS["small"], 1, 513),
    (PRESETS["nano"].with_router("fixed:3"), 2, 300),
    (PRESETS["nano"].with_router("fixed:1"), 1, 200),
    (PRESETS["nano"].with_router("random:0.6"), 3, 300),
    (PRESETS["nano"].with_router("one_sided"), 1, 190),
    (NESTED.with_router("fixed:2"), 2, 150),
    (NESTED.with_router("random:0.5"), 2, 700),
    (NESTED, 1, 33),
    (ATTENTION_FIRST, 2, 40),
    (ALONE, 2, 70),
    (ALONE, 1, 1),
]


@pytest.mark.parametrize(("config", "batch", "length"), SHAPES)
def test_forward_pass(config, batch, length):
    model = random_weights(config).eval().requires_grad_(False)
    ids = draw_ids(batch, length)
    outputs: list[LDARNetOutput] = []
    with torch.inference_mode():
        found = measure(lambda: outputs.append(model(ids)))
    rows = count_rows(config, lengths_of(ids, outputs[0]), batch=batch)
    assert found == predict(rows, forward=True, backward=False)
    assert all(row.backward == 0 for row in rows)


@pytest.mark.parametrize(("config", "batch", "length"), SHAPES)
def test_training_step(config, batch, length):
    """The forward pass with gradients, then the backward pass of the language model's loss."""
    model = random_weights(config).train()
    ids = draw_ids(batch, length)
    outputs: list[LDARNetOutput] = []
    found = measure(lambda: outputs.append(model(ids)))
    rows = count_rows(config, lengths_of(ids, outputs[0]), batch=batch, training=True)
    assert found == predict(rows, forward=True, backward=False)
    loss = mlm_loss(outputs[0].logits, ids)
    assert measure(loss.backward) == predict(rows, forward=False, backward=True)


@pytest.mark.parametrize("config", [PRESETS["nano"], NESTED.with_router("fixed:2")])
def test_padded_batch(config):
    """A batch costs what its longest member costs, times its size: masks cut nothing off."""
    model = random_weights(config).eval().requires_grad_(False)
    ids = draw_ids(3, 200)
    ids[1, 90:], ids[2, 1:] = PAD, PAD
    outputs: list[LDARNetOutput] = []
    found = measure(lambda: outputs.append(model(ids)))
    rows = count_rows(config, lengths_of(ids, outputs[0]), batch=3)
    assert found == predict(rows, forward=True, backward=False)


@pytest.mark.parametrize("router", ["learned", "fixed:4"])
def test_encoder_and_router(router):
    config = PRESETS["nano"].with_router(router)
    model = random_weights(config).eval().requires_grad_(False)
    ids = draw_ids(2, 300)
    found = measure(lambda: model.encode(ids))
    rows = [r for r in count_rows(config, (300, 75), batch=2) if r.part in ("encoder", "router")]
    assert found == predict(rows, forward=True, backward=False)
    assert ("router" in {row.part for row in rows}) is (router == "learned")


def test_rows_by_hand():
    """One BiMamba-2 layer of d = 32, n = 8 around one of the same, 6 bases, 3 chunks."""
    config = LDARNetConfig(
        ["m1", ["m1"], "m1"], (32, 32), (0, 0), (1, 1), (8, 8), (-1, -1), d_state=8
    )
    rows = count_rows(config, (6, 3), training=True)
    names = [(row.stage, row.part, row.layer, row.what) for row in rows]
    mixer = ("in_proj", "conv", "scan", "out_proj")
    assert names == [
        *[(0, "encoder", 0, what) for what in mixer],
        (0, "router", None, "q_proj, k_proj"),
        *[(1, "backbone", 0, what) for what in mixer],
        (0, "dechunk", None, "dechunk"),
        (0, "residual", None, "residual_proj"),
        *[(0, "decoder", 0, what) for what in mixer],
        (0, "head", None, "head"),
    ]
    by_name = dict(zip(names, rows, strict=True))
    # in_proj gives z and x of 64, B and C of 8, dt of one head: 145 channels.
    inner = by_name[1, "backbone", 0, "in_proj"]
    assert (inner.forward, inner.backward) == (2 * 3 * 32 * 145, 4 * 3 * 32 * 145)
    table = by_name[0, "encoder", 0, "in_proj"]
    assert table.forward == 2 * 7 * 32 * 145 + 2 * 6 * 7 * 145
    assert table.backward == 4 * 7 * 32 * 145 + 2 * 6 * 7 * 145
    # Both directions, 4 taps, 64 + 8 + 8 channels.
    conv = by_name[0, "decoder", 0, "conv"]
    assert (conv.forward, conv.backward) == (2 * 2 * 4 * 80 * 6, 3 * 2 * 2 * 4 * 80 * 6)
    # One chunk of 6: C B^T, B^T X, M X, C S.
    scan = by_name[0, "decoder", 0, "scan"]
    assert scan.forward == 2 * 2 * (6 * 6 * 8 + 6 * 8 * 64 + 6 * 6 * 64 + 6 * 8 * 64)
    # Two products for each, and C B^T again.
    assert scan.backward == 2 * scan.forward + 2 * 2 * 6 * 6 * 8
    dechunk = by_name[0, "dechunk", None, "dechunk"]
    assert (dechunk.forward, dechunk.backward) == (2 * 2 * 3 * 3 * 32, 2 * 2 * 2 * 3 * 3 * 32)
    head = by_name[0, "head", None, "head"]
    assert (head.forward, head.backward) == (2 * 6 * 32 * 7, 4 * 6 * 32 * 7)


def count_pairs_slowly(window: int, length: int, block: int) -> int:
    """Keys that some query of the block reaches, for every query."""
    window = length if window < 0 else window
    total = 0
    for query in range(length):
        first = query // block * block
        members = range(first, min(first + block, length))
        total += sum(any(abs(key - m) <= window for m in members) for key in range(length))
    return total


@pytest.mark.parametrize("block", [1, 4])
@pytest.mark.parametrize("window", [-1, 0, 1, 3, 8, 9, 10, 50])
@pytest.mark.parametrize("length", [1, 2, 10, 13])
def test_pairs_of_attention(window, length, block):
    found = count_pairs(window, length, block=block)
    assert found == count_pairs_slowly(window, length, block)
