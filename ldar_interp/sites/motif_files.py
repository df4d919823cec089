"""Motifs from text: JASPAR, MEME and TRANSFAC, told apart by what is in the file.

- JASPAR: `>accession name`, then a row for each letter, `A [ 4 19 0 ]` or `A 4 19 0`, or four bare
  rows in the order A C G T. https://jaspar.elixir.no/faq/
- MEME (minimal): `MOTIF accession name`, then `letter-probability matrix: alength= 4 w= 6 nsites=
  20` and a row for each place. Probabilities times `nsites` (20 where the file does not say, as in
  the MEME suite) are the counts. https://meme-suite.org/meme/doc/meme-format.html
- TRANSFAC: `AC`, `ID` and `NA` lines, `P0 A C G T` or `PO ...`, a numbered row for each place,
  `//` at the end.

Only DNA is read. A mistake stops the reading, with the file and the line.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np

from ldar_interp.errors import InputError
from ldar_interp.sites.motif import LETTER_ORDER, Motif

_DEFAULT_NSITES = 20.0
_PROBABILITY_SLACK = 0.02
_TRANSFAC_LINE = re.compile(r"^(AC|ID|NA|DE|VV|XX|P0|PO|CC|BF|//)(\s|$)")


@dataclass
class _Draft:
    """A matrix while it is read: `line` is where it begins, `rows` are places or letters."""

    line: int
    accession: str
    name: str
    rows: list[list[float]] = field(default_factory=list)
    letters: list[str] = field(default_factory=list)
    width: int | None = None
    nsites: float = 1.0
    open: bool = False


def read_motif_file(path: str | Path) -> tuple[Motif, ...]:
    """Read every motif of a file, in its order.

    Returns
    -------
    At least one Motif; `source` is the file's name. Names may repeat, accessions may not.

    Raises
    ------
    InputError : the file cannot be read, is empty or in none of the three formats; rows of
        different length, a missing or second row of a letter, a cell that is not a number >= 0, an
        alphabet other than ACGT, a matrix of width 0, a place without counts, an accession twice.
        One line, with the file and the line in it.
    """
    target = Path(path)
    try:
        lines = target.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}); wanted a JASPAR, MEME or TRANSFAC file"
        ) from error
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: not text ({error.reason}); wanted a JASPAR, MEME or TRANSFAC file"
        ) from error
    numbered = [(i, text.strip()) for i, text in enumerate(lines, start=1) if text.strip()]
    if not numbered:
        raise InputError(f"{path} is empty; wanted motifs in JASPAR, MEME or TRANSFAC format")
    read = {"jaspar": _read_jaspar, "meme": _read_meme, "transfac": _read_transfac}
    drafts = list(read[_detect(target, numbered)](target, numbered))
    if not drafts:
        raise InputError(f"{path} holds no matrix; wanted at least one motif")
    first_line: dict[str, int] = {}
    motifs = []
    for draft in drafts:
        if draft.accession in first_line:
            _fail(
                target,
                draft.line,
                f"accession {draft.accession!r} a second time (first in line "
                f"{first_line[draft.accession]}); wanted each once",
            )
        first_line[draft.accession] = draft.line
        motifs.append(_finish(target, draft))
    return tuple(motifs)


def _detect(path: Path, lines: list[tuple[int, str]]) -> str:
    if any(text.startswith(("MEME version", "letter-probability matrix")) for _, text in lines):
        return "meme"
    if lines[0][1].startswith(">"):
        return "jaspar"
    if _TRANSFAC_LINE.match(lines[0][1]):
        return "transfac"
    number, text = lines[0]
    raise InputError(
        f"{path}:{number}: {text[:40]!r} begins no known format; wanted '>' (JASPAR), "
        "'MEME version' (MEME) or 'AC', 'ID' (TRANSFAC)"
    )


def _read_jaspar(path: Path, lines: list[tuple[int, str]]) -> Iterator[_Draft]:
    draft: _Draft | None = None
    for number, text in lines:
        if text.startswith(">"):
            if draft is not None:
                yield _turn(path, draft)
            words = text[1:].split(maxsplit=1)
            if not words:
                _fail(path, number, "no accession after '>'; wanted '>MA0108.3 TBP'")
            draft = _Draft(number, words[0], words[-1])
            continue
        assert draft is not None  # `_detect` saw '>' first
        cells = text.replace("[", " ").replace("]", " ").split()
        letter = ""
        if cells and cells[0].rstrip(":|").isalpha():
            letter = cells.pop(0).rstrip(":|").upper()
            if letter not in LETTER_ORDER:
                _fail(path, number, f"row {letter!r}; wanted the letters A C G T of DNA")
            if letter in draft.letters:
                _fail(path, number, f"row {letter} of {draft.accession} twice; wanted it once")
        row = _parse_numbers(path, number, cells)
        if draft.rows and len(row) != len(draft.rows[0]):
            _fail(
                path,
                number,
                f"{len(row)} counts, but {len(draft.rows[0])} in the row above; wanted equal rows",
            )
        if len(draft.rows) == 4:
            _fail(path, number, f"a fifth row in {draft.accession}; wanted one for each of A C G T")
        draft.rows.append(row)
        draft.letters.append(letter)
    if draft is not None:
        yield _turn(path, draft)


def _turn(path: Path, draft: _Draft) -> _Draft:
    """JASPAR rows are letters; make them places."""
    named = [letter for letter in draft.letters if letter]
    missing = [letter for letter in LETTER_ORDER if letter not in named]
    if len(draft.rows) != 4 or (named and missing):
        what = f"no row {' '.join(missing)}" if named else f"{len(draft.rows)} rows"
        _fail(path, draft.line, f"{draft.accession} has {what}; wanted one for each of A C G T")
    order = [draft.letters.index(letter) for letter in LETTER_ORDER] if named else range(4)
    draft.rows = [list(place) for place in zip(*(draft.rows[i] for i in order), strict=True)]
    return draft


def _read_meme(path: Path, lines: list[tuple[int, str]]) -> Iterator[_Draft]:
    draft: _Draft | None = None
    for number, text in lines:
        if text.startswith("ALPHABET"):
            alphabet = text.partition("=")[2].strip() or text
            if alphabet != LETTER_ORDER:
                _fail(path, number, f"alphabet {alphabet[:40]!r}; wanted ACGT: DNA motifs")
        elif text.startswith("MOTIF"):
            if draft is not None:
                yield draft
            words = text.split(maxsplit=2)[1:]
            if not words:
                _fail(path, number, "no identifier after MOTIF; wanted 'MOTIF MA0108.3 TBP'")
            draft = _Draft(number, words[0], words[-1])
        elif text.startswith("letter-probability matrix"):
            if draft is None:
                _fail(path, number, "a matrix before its MOTIF line; wanted MOTIF first")
            length, width, nsites = (
                _find_number(path, number, text, key) for key in ("alength", "w", "nsites")
            )
            if length not in (None, 4):
                _fail(path, number, f"alength {length:g}; wanted 4: DNA motifs")
            draft.width = None if width is None else int(width)
            draft.nsites = _DEFAULT_NSITES if nsites is None else nsites
            if not draft.nsites > 0:
                _fail(path, number, f"nsites {nsites:g}; wanted > 0")
            draft.open = True
        elif draft is not None and draft.open:
            if draft.width is None:
                is_over = bool(draft.rows) and not text[0].isdigit()
            else:
                is_over = len(draft.rows) == draft.width
            if is_over:
                draft.open = False
            else:
                row = _parse_place(path, number, text.split())
                if abs(sum(row) - 1) > _PROBABILITY_SLACK:
                    _fail(path, number, f"probabilities sum to {sum(row):g}; wanted 1")
                draft.rows.append([share * draft.nsites for share in row])
    if draft is not None:
        yield draft


def _read_transfac(path: Path, lines: list[tuple[int, str]]) -> Iterator[_Draft]:
    draft: _Draft | None = None
    for number, text in lines:
        key, _, value = text.partition(" ") if "\t" not in text else text.partition("\t")
        value = value.strip()
        if key == "//":
            if draft is not None and (draft.open or draft.accession):
                yield _name_transfac(path, draft)
            draft = None
            continue
        if draft is None:
            draft = _Draft(number, "", "")
        if key == "AC":
            draft.accession = value
        elif key == "NA" or (key == "ID" and not draft.name):
            draft.name = value
        elif key in ("P0", "PO"):
            if value.upper().split() != list(LETTER_ORDER):
                _fail(path, number, f"columns {value!r}; wanted A C G T")
            draft.open = True
        elif draft.open and key.isdigit():
            cells = value.split()
            # A consensus letter may stand after the four counts.
            if len(cells) == 5 and cells[4].isalpha():
                cells.pop()
            draft.rows.append(_parse_place(path, number, cells))
    if draft is not None and (draft.open or draft.accession):
        yield _name_transfac(path, draft)


def _name_transfac(path: Path, draft: _Draft) -> _Draft:
    draft.accession = draft.accession or draft.name
    draft.name = draft.name or draft.accession
    if not draft.accession:
        _fail(path, draft.line, "a matrix without AC and ID; wanted an accession")
    return draft


def _finish(path: Path, draft: _Draft) -> Motif:
    if not draft.rows or not draft.rows[0]:
        _fail(path, draft.line, f"{draft.accession} has width 0; wanted at least one place")
    if draft.width is not None and len(draft.rows) != draft.width:
        _fail(
            path,
            draft.line,
            f"{draft.accession} says w= {draft.width} and has {len(draft.rows)} rows; wanted as "
            "many",
        )
    counts = np.array(draft.rows)
    empty = np.flatnonzero(counts.sum(axis=1) == 0)
    if len(empty):
        _fail(
            path,
            draft.line,
            f"{draft.accession} has no counts in column {empty[0] + 1}; wanted some letter",
        )
    return Motif(draft.name, draft.accession, counts, path.name)


def _parse_place(path: Path, number: int, cells: list[str]) -> list[float]:
    row = _parse_numbers(path, number, cells)
    if len(row) != 4:
        _fail(path, number, f"{len(row)} numbers; wanted four, for A C G T")
    return row


def _parse_numbers(path: Path, number: int, cells: list[str]) -> list[float]:
    row = []
    for cell in cells:
        try:
            value = float(cell)
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value >= 0):
            _fail(path, number, f"{cell!r}; wanted a number >= 0")
        row.append(value)
    return row


def _find_number(path: Path, number: int, text: str, key: str) -> float | None:
    found = re.search(rf"\b{key}\s*=\s*(\S+)", text)
    return None if found is None else _parse_numbers(path, number, [found.group(1)])[0]


def _fail(path: Path, number: int, problem: str) -> NoReturn:
    raise InputError(f"{path}:{number}: {problem}")
