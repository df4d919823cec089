"""Saving: same numbers, same bytes; nothing half-written; errors in one line."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from synthetic_tables import Tables, make_tables

from ldar_interp.errors import InputError
from ldar_interp.plots import LogoCounts, save_figure, splice_figure
from ldar_interp.plots.save import reduce_colours

_DRAW = """
import sys
sys.path.insert(0, {folder!r})
from synthetic_tables import make_logos, make_tables
from ldar_interp.plots import save_figure, splice_figure
t = make_tables(kinds=("donor",), rungs=("C1",))
f = splice_figure(t.profile, t.difference, t.enrichment, make_logos(), width_mm=89)
save_figure(f, {stem!r})
assert "torch" not in sys.modules
"""


def test_same_bytes_in_another_process_at_another_time(
    logos: dict[str, LogoCounts], tmp_path: Path
) -> None:
    tables = make_tables(kinds=("donor",), rungs=("C1",))
    figure = splice_figure(tables.profile, tables.difference, tables.enrichment, logos, width_mm=89)
    first = save_figure(figure, tmp_path / "first")
    script = _DRAW.format(folder=str(Path(__file__).parent), stem=str(tmp_path / "second"))
    environment = os.environ | {"PYTHONHASHSEED": "7", "SOURCE_DATE_EPOCH": "86400"}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)
    assert [path.name for path in first] == ["first.pdf", "first.png", "first.svg"]
    for path in first:
        assert path.read_bytes() == path.with_name(f"second{path.suffix}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 6


def test_files_are_small_dateless_and_fonts_are_type_42(tables: Tables, tmp_path: Path) -> None:
    figure = splice_figure(tables.profile, tables.difference, tables.enrichment)
    pdf, png, svg = (path.read_bytes() for path in save_figure(figure, tmp_path / "figure"))
    assert len(png) <= 1_000_000
    assert b"CreationDate" not in pdf
    assert b"ModDate" not in pdf
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert b"<dc:date>" not in svg


@pytest.mark.parametrize(
    ("stem", "formats", "message"),
    [
        ("figure", ("jpeg",), "figure format 'jpeg'; wanted some of pdf, png, svg"),
        ("absent/figure", ("png",), "no such folder; make it before"),
    ],
)
def test_errors(tmp_path: Path, stem: str, formats: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError) as caught:
        save_figure(Figure(), tmp_path / stem, formats=formats)
    assert message in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "figure.svg").mkdir()
    (tmp_path / "figure.svg" / "occupied").touch()
    with pytest.raises(InputError, match="cannot write the figure there"):
        save_figure(Figure(), tmp_path / "figure", formats=("svg",))
    assert [path.name for path in tmp_path.iterdir()] == ["figure.svg"]


def test_a_palette_keeps_the_picture_and_gives_the_same_bytes(tmp_path: Path) -> None:
    from PIL import Image

    figure = Figure(figsize=(3, 2))
    ax = figure.add_subplot()
    ax.fill_between([0, 1], [0, 1], alpha=0.4)
    ax.plot([0, 1], [1, 0])
    for name in ("a", "b"):
        save_figure(figure, tmp_path / name, formats=("png",))
    before = np.asarray(Image.open(tmp_path / "a.png").convert("RGB"), dtype=int)
    for name in ("a", "b"):
        reduce_colours(tmp_path / f"{name}.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P" and image.info["dpi"][0] == pytest.approx(300, abs=0.5)
        after = np.asarray(image.convert("RGB"), dtype=int)
    assert np.abs(after - before).mean() < 1.5
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_no_image_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "x.png").write_text("no")
    with pytest.raises(InputError, match="wanted a PNG"):
        reduce_colours(tmp_path / "x.png")
    with pytest.raises(InputError, match="wanted 2 to 256"):
        reduce_colours(tmp_path / "x.png", n_colours=1)
