"""A figure's folder and its README's outcome: both from the same numbers, whole or not at all."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from analyses.outcome import with_outcome
from ldar_interp.command_line import result_folder
from ldar_interp.provenance import hash_file, write_provenance

Fill = Callable[[Path], Mapping[str, Any]]
"""Write figures and tables into a folder; return what provenance.json is to hold beside them."""
Describe = Callable[[Path], Sequence[str]]
"""The paragraphs of the outcome, from the files of a finished folder alone."""


def write_folder(
    out: Path, readme: Path | None, *, force: bool, fill: Fill, describe: Describe
) -> None:
    """Figures, tables and provenance.json into `out`; the outcome into the README, where given.

    Raises
    ------
    InputError : `out` may not be replaced, or the README has no place for an outcome.
    """
    if readme is not None:
        # Before the long part.
        with_outcome(readme, ())
    with result_folder(out, force=force) as folder:
        content = fill(folder)
        files = {path.name: hash_file(path) for path in sorted(folder.iterdir())}
        write_provenance(folder / "provenance.json", {**content, "files": files})
        text = None if readme is None else with_outcome(readme, describe(folder))
    if readme is not None and text is not None:
        readme.write_text(text)
