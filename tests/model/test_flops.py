"""The FLOP count against the figures published with the architecture's facts."""

import pytest

from ldar_interp.model.config import PRESETS
from ldar_interp.model.flops import count_flops


@pytest.mark.parametrize(
    ("name", "as_published", "full", "boundaries"),
    [
        ("110m", True, 146.3, 34.1),
        ("110m", False, 91.8, 18.8),
        ("2m", True, 6.13, 2.20),
        ("2m", False, 3.55, 1.30),
    ],
)
def test_published_table(name, as_published, full, boundaries):
    count = count_flops(PRESETS[name], 4096, as_published=as_published)
    assert count.full / 1e6 == pytest.approx(full, rel=3e-3)
    assert count.boundaries / 1e6 == pytest.approx(boundaries, rel=3e-3)


def test_keeping_fewer_boundaries_costs_less_and_leaves_p_alone():
    few, many = (count_flops(PRESETS["2m"], 4096, boundary_rate=r) for r in (0.1, 0.5))
    assert few.full < many.full
    assert few.boundaries == many.boundaries
