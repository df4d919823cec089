"""The published implementation's outputs, case by case."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from ldar_interp.model.checkpoint import load_model

GOLDEN = Path(__file__).parents[1] / "golden"
MANIFEST = json.loads((GOLDEN / "manifest.json").read_text())
# These two hold the published code's padding leak; the batch_alone cases are the truth.
LEAKS = {"batch_official", "batch_equal_len"}


def cases() -> list[tuple[str, str]]:
    found = []
    for name in ("tiny", "nested", "mixed", "trial"):
        with np.load(GOLDEN / f"{name}_expected.npz") as expected:
            keys = sorted({key.split("/")[0] for key in expected})
        found += [(name, key) for key in keys if key not in LEAKS]
    return found


@pytest.fixture(scope="module")
def models():
    return {
        name: load_model(GOLDEN / f"{name}.pt") for name in ("tiny", "nested", "mixed", "trial")
    }


@pytest.mark.parametrize(("name", "case"), cases())
def test_outputs_agree(models, name, case):
    with np.load(GOLDEN / f"{name}_expected.npz") as file:
        expected = {k.split("/")[1]: file[k] for k in file if k.split("/")[0] == case}
    ids = torch.from_numpy(expected["input_ids"])
    out = models[name](ids)
    encoded, routed = models[name].encode(ids)
    np.testing.assert_allclose(out.boundaries[0].prob, expected["boundary_prob"], atol=1e-6)
    np.testing.assert_array_equal(out.boundaries[0].is_boundary, expected["boundary_mask"])
    np.testing.assert_allclose(out.logits, expected["logits"], atol=1e-4)
    reference = expected["encoder_output"]
    np.testing.assert_allclose(encoded[:, : reference.shape[1]], reference, atol=1e-4)
    assert torch.equal(routed.prob, out.boundaries[0].prob)
    if "last_hidden_state" in expected:
        np.testing.assert_allclose(out.hidden, expected["last_hidden_state"], atol=1e-4)
    if "boundary_prob_stage1" in expected:
        np.testing.assert_allclose(
            out.boundaries[1].prob, expected["boundary_prob_stage1"], atol=1e-6
        )
        np.testing.assert_array_equal(
            out.boundaries[1].is_boundary, expected["boundary_mask_stage1"]
        )


@pytest.mark.parametrize("name", ["tiny", "nested", "mixed"])
def test_parameter_counts(models, name):
    tied = models[name].config.tie_embeddings
    ours = sum(p.numel() for p in models[name].parameters())
    published = MANIFEST["models"][name]["params"]
    assert ours == published, (tied, ours, published)
