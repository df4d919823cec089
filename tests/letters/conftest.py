"""One simulated genome, and the null that was fitted on it, for all tests here."""

import pytest
from simulated_letters import make_background, make_world

from ldar_interp.letters.fit import fit_null


@pytest.fixture(scope="session")
def world():
    return make_world()


@pytest.fixture(scope="session")
def fitted(world):
    return fit_null(make_background(world, world.prob), provenance={"checkpoint": "simulated"})
