"""The code blocks of the tutorials run, top to bottom, in an empty folder."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

TUTORIALS = Path(__file__).resolve().parents[1] / "docs" / "tutorials"
_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def read_blocks(path):
    """(first line, code) of each Python block."""
    text = path.read_text(encoding="utf-8")
    return [(text[: m.start(1)].count("\n"), m.group(1)) for m in _BLOCK.finditer(text)]


def run_blocks(path):
    """Names that the blocks leave; a traceback names the line of the page."""
    names = {"__name__": path.stem}
    for line, code in read_blocks(path):
        exec(compile("\n" * line + code, str(path), "exec"), names)
    return names


@pytest.fixture(scope="module")
def python_api(tmp_path_factory):
    matplotlib.use("Agg")
    folder = tmp_path_factory.mktemp("python_api")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, run_blocks(TUTORIALS / "python_api.md")


def test_a_block_is_found_with_its_line():
    blocks = read_blocks(TUTORIALS / "python_api.md")
    assert len(blocks) >= 5
    page = (TUTORIALS / "python_api.md").read_text(encoding="utf-8").splitlines()
    line, code = blocks[0]
    assert page[line] == code.splitlines()[0] == "import ldar_interp as li"


def test_the_python_api_page_gives_a_figure_and_a_table(python_api):
    folder, names = python_api
    assert (folder / "donors.png").stat().st_size > 10_000
    assert set(names["primary"]["control"]) == {"C0", "C1"}
    tested = names["primary"].set_index("control")["p_value"]
    assert np.isnan(tested["C0"])
    assert 0 < tested["C1"] <= 1
    assert np.isfinite(names["primary"]["ci_low"]).all()


def test_the_python_api_page_says_what_its_arrays_hold(python_api):
    _, names = python_api
    profiles = names["profiles"]
    assert profiles.values.shape == (len(names["sites"]), 41)
    assert profiles.offsets[20] == 0
    assert np.isnan(names["prob"][0][0])
    assert names["prob"][0].shape == (23,)
    assert names["prob"][1].shape == (4,)


def test_the_grid_of_the_python_api_page_cuts_every_fourth_edge(python_api):
    _, names = python_api
    found = names["grid"].gather(names["sites"]["chrom"][0], names["sites"]["edge"], "forward")
    expected = (names["sites"]["edge"] % 4 == 0).to_numpy(np.float32)
    on_chrom = (names["sites"]["chrom"] == names["sites"]["chrom"][0]).to_numpy()
    np.testing.assert_array_equal(found[on_chrom], expected[on_chrom])
