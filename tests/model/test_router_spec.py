"""The word for a router: every form by hand, one spelling, the share kept, one error a message."""

import json

import pytest

from ldar_interp.errors import CheckpointError, InputError
from ldar_interp.model.checkpoint import load_model, random_model, save_model
from ldar_interp.model.config import PRESETS, LDARNetConfig
from ldar_interp.model.router_spec import RouterSpec


@pytest.mark.parametrize(
    ("text", "spec", "again"),
    [
        ("learned", RouterSpec("learned"), "learned"),
        ("one_sided", RouterSpec("one_sided"), "one_sided"),
        ("fixed:4", RouterSpec("fixed", period=4), "fixed:4"),
        ("fixed:1", RouterSpec("fixed", period=1), "fixed:1"),
        ("random:0.25", RouterSpec("random", rate=0.25), "random:0.25"),
        ("random:.250", RouterSpec("random", rate=0.25), "random:0.25"),
        ("random:1", RouterSpec("random", rate=1.0), "random:1.0"),
        ("random:2e-3", RouterSpec("random", rate=0.002), "random:0.002"),
    ],
)
def test_forms(text, spec, again):
    assert RouterSpec.parse(text) == spec
    assert str(spec) == again
    assert RouterSpec.parse(again) == spec
    assert PRESETS["nano"].with_router(text).router == again


FORMS = "wanted learned, one_sided, fixed:N or random:RATE"


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (4, f"router is 4; {FORMS}"),
        (None, f"router is None; {FORMS}"),
        ("", f"router is ''; {FORMS}"),
        ("one-sided", f"router is 'one-sided'; {FORMS}"),
        ("Fixed:4", f"router is 'Fixed:4'; {FORMS}"),
        ("learned:4", f"router 'learned:4': learned takes no number; {FORMS}"),
        ("one_sided:", f"router 'one_sided:': one_sided takes no number; {FORMS}"),
        *[
            (f"fixed:{n}", f"router 'fixed:{n}': N is {n!r}; wanted a whole number >= 1, as in "
             "fixed:4") for n in ("", "0", "4.0", "-4", " 4", "4,4")
        ],
        *[
            (f"random:{n}", f"router 'random:{n}': RATE is {n!r}; wanted a number above 0 and at "
             "most 1, as in random:0.25") for n in ("", "nano", "0", "1.5", "-0.2", "nan", "0_1")
        ],
        ("fixed", "router 'fixed': N is ''; wanted a whole number >= 1, as in fixed:4"),
    ],
)  # fmt: skip
def test_wrong_words(found, message):
    with pytest.raises(InputError) as caught:
        RouterSpec.parse(found)
    assert str(caught.value) == message
    with pytest.raises(InputError) as caught:
        LDARNetConfig.from_dict(PRESETS["nano"].to_dict() | {"router": found})
    assert str(caught.value) == message


def test_positions_kept_by_hand():
    assert [RouterSpec.parse("fixed:4").count_kept(n) for n in (1, 4, 5, 8, 9)] == [1, 1, 2, 2, 3]
    assert RouterSpec.parse("fixed:4").count_kept(8, 0.9) == 2
    assert RouterSpec.parse("random:0.25").count_kept(101) == 26
    assert RouterSpec.parse("random:0.25").count_kept(100, 0.3) == 30
    assert RouterSpec.parse("learned").count_kept(100) == 25
    assert RouterSpec.parse("one_sided").count_kept(100, 0.001) == 1


@pytest.mark.parametrize("router", ["learned", "one_sided", "fixed:3", "random:0.3"])
def test_the_router_survives_a_file(tmp_path, router):
    model = random_model(PRESETS["nano"].with_router(router), seed=3)
    path = save_model(model, tmp_path)
    assert json.loads((tmp_path / "config.json").read_text())["router"] == router
    found = load_model(path)
    assert found.config == model.config
    assert type(found.stage.router) is type(model.stage.router)
    assert found.state_dict().keys() == model.state_dict().keys()


def test_a_file_of_before_is_learned(tmp_path):
    model = random_model(PRESETS["nano"], seed=3)
    path = save_model(model, tmp_path)
    raw = json.loads((tmp_path / "config.json").read_text())
    del raw["router"]
    (tmp_path / "config.json").write_text(json.dumps(raw))
    assert load_model(path).config == model.config


def test_wrong_words_in_a_file_name_the_file(tmp_path):
    path = save_model(random_model(PRESETS["nano"], seed=3), tmp_path)
    config = tmp_path / "config.json"
    raw = json.loads(config.read_text())
    config.write_text(json.dumps(raw | {"router": "fixed:x"}))
    with pytest.raises(CheckpointError) as caught:
        load_model(path)
    assert str(caught.value) == (
        f"{config}: router 'fixed:x': N is 'x'; wanted a whole number >= 1, as in fixed:4; "
        "restore the file"
    )
    # The weights of a learned router have no place in a model with a grid, and are not dropped.
    config.write_text(json.dumps(raw | {"router": "fixed:4"}))
    with pytest.raises(CheckpointError, match=r"unexpected .*router\.k_proj\.weight"):
        load_model(path)


def test_random_weights_are_no_random_router():
    assert load_model("random:nano").config.router == "learned"
    with pytest.raises(CheckpointError, match=r"no preset is called '0\.25'"):
        load_model("random:0.25")
