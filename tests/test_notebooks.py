"""The notebooks run, top to bottom, in an empty folder; they are short and call the library."""

import ast
from pathlib import Path

import jupytext
import matplotlib
import numpy as np
import pytest

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
MOST_CELLS = 15
PACKAGES = {"ldar_interp", "matplotlib", "numpy", "pandas", "pathlib"}


def code_cells(path):
    return [cell.source for cell in jupytext.read(path).cells if cell.cell_type == "code"]


def run_cells(path, folder):
    """Names that the cells leave and the figures that they drew, in order."""
    import matplotlib.pyplot as plt

    matplotlib.use("Agg")
    plt.close("all")
    names = {"__name__": path.stem}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for number, source in enumerate(code_cells(path), start=1):
            exec(compile(source, f"{path.name} cell {number}", "exec"), names)
    figures = [plt.figure(number) for number in plt.get_fignums()]
    plt.close("all")
    return names, figures


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_short_and_says_what_it_does(path):
    cells = jupytext.read(path).cells
    assert 3 <= len(cells) <= MOST_CELLS
    assert cells[0].cell_type == "markdown" and cells[0].source.startswith("# ")
    for source in code_cells(path):
        for node in ast.walk(ast.parse(source)):
            modules = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            modules += [node.module] if isinstance(node, ast.ImportFrom) else []
            assert {module.split(".")[0] for module in modules} <= PACKAGES
            assert not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.For | ast.While), (
                "a notebook calls the library"
            )


def test_the_quick_start_gives_effects_and_two_figures(tmp_path):
    names, figures = run_cells(FOLDER / "quick_start.py", tmp_path)
    assert set(names["primary"]["control"]) == {"C0", "C1"}
    assert np.isfinite(names["primary"]["effect"]).all()
    assert len(figures) == 2
    assert [ax.get_label() for ax in figures[1].axes] == ["prob", "cuts", "letters", "genes"]


def test_one_gene_is_seen_from_its_length_to_its_letters_with_motif_hits(tmp_path):
    names, figures = run_cells(FOLDER / "one_gene.py", tmp_path)
    values = names["track"].gather("chr3", np.arange(*names["gene"][["start", "end"]]), "forward")
    assert np.isfinite(values).all()
    assert len(names["motifs"]) >= 3 and set(names["motifs"]["kind"]) > {"INR"}
    assert [[ax.get_label() for ax in figure.axes] for figure in figures] == [
        ["prob", "cuts", "genes"],
        ["prob", "cuts", "hits", "genes"],
        ["prob", "cuts", "hits", "genes"],
        ["prob", "cuts", "letters", "hits", "genes"],
    ]


def test_your_own_motif_has_hits_controls_and_endpoints(tmp_path):
    names, figures = run_cells(FOLDER / "your_own_motif.py", tmp_path)
    assert set(names["result"].enrichment["statistic"]) == {"left_flank", "inside", "right_flank"}
    assert set(names["ladder"].table["set"]) == {"C0", "C2"}
    assert len(figures) == 1
