"""What all programs share: errors as one line, result folders that appear whole, settings files."""

import logging
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from ldar_interp.errors import InputError, LdarError

Settings = TypeVar("Settings", bound=BaseModel)
MARKER = "provenance.json"


def say(message: str) -> None:
    """One line for the person at the terminal, on stderr."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def one_line_errors(program: str, *, debug: bool) -> Iterator[None]:
    """Print an input error as one line and exit with code 2; with `debug`, let it through."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"{program}: %(message)s"))
    logger = logging.getLogger("ldar_interp")
    logger.addHandler(handler)
    try:
        yield
    except LdarError as error:
        if debug:
            raise
        say(f"{program}: error: {error}")
        raise SystemExit(2) from None
    finally:
        logger.removeHandler(handler)


@contextmanager
def result_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """A folder to write into that becomes `out` only if everything went well.

    With `force` an earlier result (a folder with provenance.json) is replaced as a whole.

    Raises
    ------
    InputError : `out` exists and may not be replaced, or its parent cannot be written.
    """
    if out.exists() or out.is_symlink():
        if not force:
            raise InputError(f"{out}: exists; add --force to replace it or choose another --out")
        is_result = out.is_dir() and (out / MARKER).is_file()
        if not is_result and not (out.is_dir() and not any(out.iterdir())):
            raise InputError(
                f"{out}: is not an earlier result (it has no {MARKER}), so --force does not "
                "replace it; choose another --out"
            )
    parent = out.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=parent))
    except OSError as error:
        raise InputError(
            f"{out}: cannot be written ({error.strerror}); choose a folder that can be written"
        ) from None
    try:
        # mkdtemp makes it private; a result is as readable as any other folder.
        partial.chmod(0o777 & ~_umask())
        yield partial
        if out.exists():
            shutil.rmtree(out)
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def merge_settings(model: type[Settings], file: Path | None, given: Mapping[str, Any]) -> Settings:
    """Settings from a TOML file, overridden by the options given on the command line.

    Parameters
    ----------
    model : what the settings are, with defaults.
    file : TOML with the long options' names, with - or _; None for none.
    given : option -> value, None where the option was not given.

    Raises
    ------
    InputError : the file cannot be read, has an unknown entry, or a value is not allowed.
    """
    values: dict[str, Any] = {}
    source = "options"
    if file is not None:
        source = str(file)
        try:
            raw = tomllib.loads(file.read_text())
        except OSError as error:
            raise InputError(
                f"{file}: cannot be read ({error.strerror}); wanted a TOML file of options"
            ) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InputError(
                f"{file}: is not TOML ({error}); wanted lines `option = value`"
            ) from None
        values = {key.replace("-", "_"): value for key, value in raw.items()}
    values |= {key: value for key, value in given.items() if value is not None}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]).replace("_", "-") or "settings"
        found = "" if first["type"] == "extra_forbidden" else f" (found {first['input']!r})"
        known = ", ".join(sorted(field.replace("_", "-") for field in model.model_fields))
        hint = f"; known are {known}" if first["type"] == "extra_forbidden" else ""
        raise InputError(f"{source}: {name}: {first['msg']}{found}{hint}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
