"""The outcome in a README, written by the program that measured it, so that it says nothing else.

It stands between two marks; a test compares what is committed with the tables beside the figure.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ldar_interp.errors import InputError

BEGIN = "<!-- outcome: written from the tables by run.py -->"
END = "<!-- end of the outcome -->"
LEVEL = 0.05


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table for a README."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def with_outcome(readme: Path, paragraphs: Sequence[str]) -> str:
    """The README's text with its outcome replaced.

    Raises
    ------
    InputError : it has no place for an outcome.
    """
    text = readme.read_text()
    start, end = text.find(BEGIN), text.find(END)
    if not 0 <= start < end:
        raise InputError(
            f"{readme}: has no place for an outcome; wanted the lines {BEGIN!r} and {END!r}"
        )
    block = "\n\n".join([BEGIN, *paragraphs])
    return f"{text[:start]}{block}\n\n{text[end:]}"


def name_checkpoint(run: Mapping[str, Any]) -> str:
    """Which weights an outcome belongs to, from the provenance of a run."""
    source = run["inputs"]["checkpoint"]
    if "random" in source:
        return f"random weights of the shape `{source['random']}`"
    return f"checkpoint with sha256 `{source['sha256']}`"


def with_interval(effect: float, low: float, high: float, digits: int = 3) -> str:
    """`+0.012 [-0.003, 0.027]`; without an interval that is said."""
    if pd.isna(effect):
        return "not measured"
    text = f"{effect:+.{digits}f}"
    if pd.isna(low):
        return f"{text} (no interval)"
    return f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


def judge(low: float, high: float, *, above: str, below: str) -> str:
    """What a 95 % interval of a difference says."""
    if pd.isna(low):
        return "too few for an interval"
    if low > 0:
        return above
    return below if high < 0 else "the interval holds 0"


def count_of(n: int, what: str) -> str:
    """`1 motif`, `2 motifs`."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"
