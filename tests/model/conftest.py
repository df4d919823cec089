"""A published checkpoint to break."""

import pytest
import torch
from test_golden import GOLDEN


@pytest.fixture
def tiny():
    """Content of a published file, freely changeable."""
    return torch.load(GOLDEN / "tiny.pt", weights_only=True)
