"""Who hooks the embedding gets all of the model's dependence on it."""

import torch

from ldar_interp.model.checkpoint import load_model


def test_gradient_of_p_at_the_embedding_by_finite_differences():
    """The first layer looks its projection up by letter, unless somebody watches the embedding."""
    model = load_model("random:nano", backend="torch").double()
    ids = torch.randint(0, 4, (1, 30), generator=torch.Generator().manual_seed(0))
    shift = torch.zeros(1, 30, model.config.d_model[0], dtype=torch.float64, requires_grad=True)
    before = model.encode(ids)[1].prob
    handle = model.embedding.register_forward_hook(lambda _module, _input, output: output + shift)
    prob = model.encode(ids)[1].prob
    torch.testing.assert_close(prob, before)
    (slope,) = torch.autograd.grad(prob[0, 15], shift)
    direction = torch.randn(shift.shape, generator=torch.Generator().manual_seed(1)).double()
    with torch.no_grad():
        step, base = 1e-6 * direction, shift.clone()
        shift.copy_(base + step)
        above = model.encode(ids)[1].prob[0, 15]
        shift.copy_(base - step)
        below = model.encode(ids)[1].prob[0, 15]
    handle.remove()
    torch.testing.assert_close((above - below) / 2e-6, (slope * direction).sum(), rtol=1e-5, atol=0)
