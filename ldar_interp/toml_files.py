"""TOML files that people write: settings, lists of motifs, tasks of their own."""

import tomllib
from pathlib import Path
from typing import Any

from ldar_interp.errors import InputError


def read_toml(path: Path, wanted: str) -> dict[str, Any]:
    """The file's entries; a byte order mark before them is not read.

    Parameters
    ----------
    wanted : what the file should hold, for messages: `wanted lines option = value`.

    Raises
    ------
    InputError : it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {wanted}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not TOML ({error}); {wanted}") from None
