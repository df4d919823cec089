"""mamba-ssm's Triton kernels against plain torch in float64, without a GPU.

`interpreted_kernels.py` runs them by Triton's interpreter in a process of its own. `make
test-kernels` installs what that needs into an environment of its own and runs this file; elsewhere
it is skipped.
"""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
NEEDED = ("triton", "einops", "mamba_ssm")
EXACT, BFLOAT16 = 1e-5, 1e-2
SCAN_GRADIENTS = {"d_x", "d_dt", "d_rate", "d_b_in", "d_c_out", "d_skip"}
CASES = {
    "scan, three chunks, odd length": {"y"} | SCAN_GRADIENTS,
    "scan, one chunk": {"y"} | SCAN_GRADIENTS,
    "scan, padded": {"y"} | SCAN_GRADIENTS,
    "layer": {"y", "d_hidden", "d_A_log", "d_dt_bias", "d_conv_weight", "d_in_proj.weight"},
    "layer, padded": {"y", "d_hidden", "d_A_log", "d_dt_bias", "d_conv_weight"},
    "layer, bfloat16": {"y", "d_hidden", "gradient"},
    "model, padded": {"logits", "prob", "is_boundary", "gradient"},
    "tuned configurations": {"lost"},
}

missing = [name for name in NEEDED if find_spec(name) is None]
pytestmark = pytest.mark.skipif(
    bool(missing), reason=f"{', '.join(missing)} not installed; make test-kernels installs them"
)


@pytest.fixture(scope="module")
def errors() -> dict[str, dict[str, float]]:
    """Relative error of every result of every case."""
    found = subprocess.run(
        [sys.executable, str(HERE / "interpreted_kernels.py"), *CASES],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1]), "OMP_NUM_THREADS": "1"},
    )
    assert found.returncode == 0, found.stderr[-2000:]
    result: dict[str, dict[str, float]] = json.loads(found.stdout.splitlines()[-1])
    return result


@pytest.mark.parametrize("case", CASES)
def test_kernels_agree_with_float64(errors, case):
    assert CASES[case] <= set(errors[case])
    gate = BFLOAT16 if "bfloat16" in case else EXACT
    assert {name: error for name, error in errors[case].items() if not error < gate} == {}
