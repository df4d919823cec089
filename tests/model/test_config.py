"""Model shapes: layouts, presets, and one error a message."""

import pytest
import torch

from ldar_interp.errors import CheckpointError, InputError
from ldar_interp.model.config import PRESETS, LayerSpec, LDARNetConfig, parse_layers
from ldar_interp.model.ldarnet import LDARNet

SMALL = PRESETS["small"].to_dict()


def changed(**fields: object) -> dict[str, object]:
    return {**SMALL, **fields}


def test_layout_letters():
    assert parse_layers("m2T1") == (
        LayerSpec("mamba", False),
        LayerSpec("mamba", False),
        LayerSpec("attention", True),
    )
    assert len(parse_layers("M10")) == 10


@pytest.mark.parametrize("layout", ["", "m", "x3", "m0", "3m", "m1 t1", "m-1"])
def test_wrong_layout(layout):
    with pytest.raises(InputError, match="is not a sequence of m, M, t, T with counts"):
        parse_layers(layout)


def test_nested_layouts_are_listed_by_stage():
    config = LDARNetConfig(
        ["m1", ["t1", ["M1"], "m2"], "m1"],
        (32, 32, 64),
        (0, 0, 64),
        (2, 2, 2),
        (8, 8, 8),
        (7, 7, 7),
    )
    assert config.layouts() == [("m1", "m1"), ("t1", "m2"), ("M1",)]
    assert config.n_routers == 2


@pytest.mark.parametrize(("name", "count"), [("110m", 110_687_296), ("2m", 2_011_288)])
def test_published_parameter_counts(name, count):
    with torch.device("meta"):
        model = LDARNet(PRESETS[name])
    assert sum(p.numel() for p in model.parameters()) == count


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_survive_json(name):
    assert LDARNetConfig.from_dict(PRESETS[name].to_dict()) == PRESETS[name]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"d_model": [64]},
            r"d_model has 1 entries; layout .* has 2 stages: give one entry a stage",
        ),
        ({"d_model": [60, 128]}, "d_model 60 x expand 2 is not a multiple of 64"),
        ({"d_model": [128, 64]}, "an inner stage is narrower than the one around it"),
        ({"num_heads": [3, 4]}, "d_model 64 is not a multiple of 3 heads"),
        ({"rotary_emb_dim": [31, 32]}, "rotary_emb_dim 31 must be even and at most the head size"),
        ({"rotary_emb_dim": [34, 32]}, "rotary_emb_dim 34 must be even and at most the head size"),
        ({"d_intermediate": [0, 0]}, "has an MLP but d_intermediate is 0"),
        ({"arch_layout": ["m2t1", "M3", "m2"]}, r"is not \[encoder, \[backbone\], decoder\]"),
        ({"arch_layout": ["m2q1", ["M3"], "m2"]}, "is not a sequence of m, M, t, T"),
        ({"d_model": 64}, "d_model is 64; wanted a list of whole numbers >= 1"),
        ({"d_model": [64, 128.0]}, "wanted a list of whole numbers >= 1"),
        ({"num_heads": [0, 4]}, r"num_heads is \[0, 4\]; wanted a list of whole numbers >= 1"),
        ({"window_size": [-2, -1]}, "wanted a list of whole numbers >= -1"),
        ({"d_state": 0}, "d_state is 0; wanted a whole number >= 1"),
        ({"d_state": [32]}, r"d_state is \[32\]; wanted a whole number >= 1"),
        ({"train_length": "1024"}, "train_length is '1024'; wanted a whole number >= 1"),
        ({"vocab_size": 12}, "vocab_size is 12; wanted 7"),
    ],
)
def test_wrong_shapes(fields, message):
    with pytest.raises(InputError, match=message) as caught:
        LDARNetConfig.from_dict(changed(**fields))
    assert "\n" not in str(caught.value)


def test_unknown_and_missing_keys():
    with pytest.raises(
        CheckpointError, match=r"unknown keys \['d_models'\]; wanted \['arch_layout'"
    ):
        LDARNetConfig.from_dict(changed(d_models=[64, 128]))
    with pytest.raises(CheckpointError, match=r"config is incomplete: .*arch_layout"):
        LDARNetConfig.from_dict({"d_model": [64, 128]})
    with pytest.raises(CheckpointError, match="config is a list; wanted a table"):
        LDARNetConfig.from_dict([1, 2])


def test_published_config_without_attention():
    with pytest.raises(CheckpointError, match=r"lacks or mistypes an entry \('attn_cfg'\)"):
        LDARNetConfig.from_published({"ssm_cfg": {"d_state": 16}})


def test_the_innermost_stage_alone_has_no_router():
    model = LDARNet(LDARNetConfig(["M1"], (64,), (64,), (1,), (8,), (-1,), d_state=8))
    out = model(torch.tensor([[0, 1, 2]]))
    assert out.boundaries == ()
    with pytest.raises(InputError, match="has no router"):
        model.encode(torch.tensor([[0, 1, 2]]))


def test_initial_weights_have_the_published_spread():
    """out_proj and fc2 N(0, 0.02 / sqrt(r)): r is 7 outside and 19 inside for the 2M."""
    torch.manual_seed(0)
    model = LDARNet(PRESETS["2m"]).requires_grad_(False)
    inner = model.stage.inner.backbone.layers[0]
    for weight, r in [
        (model.stage.decoder.layers[0].mixer.out_proj.weight, 7),
        (model.stage.encoder.layers[3].mixer.out_proj.weight, 7),
        (inner.mixer.out_proj.weight, 19),
        (inner.mlp.fc2.weight, 19),
        (inner.mlp.fc1.weight, 1),
    ]:
        assert float(weight.std()) == pytest.approx(0.02 / r**0.5, rel=0.05)
    assert torch.equal(model.stage.router.q_proj.weight, torch.eye(64))
    assert not bool(model.stage.residual_proj.weight.any())
    assert not bool(model.stage.inner.pad_dimension.any())
    decay = inner.mixer.A_log.exp()
    assert float(decay.min()) >= 1
    assert float(decay.max()) <= 16
    dt = torch.nn.functional.softplus(inner.mixer.dt_bias)
    assert float(dt.min()) >= 9e-4
    assert float(dt.max()) <= 0.101
