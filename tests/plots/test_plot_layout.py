"""Notes under a figure stay on its page, whatever letters they are made of."""

import textwrap

import pytest
from matplotlib.figure import Figure

from ldar_interp.plots.layout import wrap_note, write_at
from ldar_interp.plots.style import inches, publication_style


@pytest.mark.parametrize("width_mm", [183, 89])
@pytest.mark.parametrize("word", ["WWWW", "GABPA", "(cpg_down50,", "ill"])
def test_lines_end_before_the_right_edge(word, width_mm):
    columns = {183: 160, 89: 76}[width_mm]
    lines = wrap_note(" ".join([word] * 120), width_mm, columns)
    with publication_style():
        figure = Figure(figsize=(inches(width_mm), 2.0), dpi=600)
        for row, line in enumerate(lines):
            write_at(figure, 1.0, 3.0 * row, line)
        ends = [text.get_window_extent().x1 / figure.dpi for text in figure.texts]
    assert " ".join(lines) == " ".join([word] * 120)
    assert max(ends) < inches(width_mm)
    assert max(len(line) for line in lines) <= columns


def test_a_note_that_fits_is_broken_by_letters_alone():
    text = "lines of small letters, all of which end well inside the page; " * 6
    assert wrap_note(text, 183, 160) == textwrap.wrap(text, 160)
