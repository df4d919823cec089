"""What all programs share: errors as one line, result folders that appear whole, settings files."""

import json
import logging
import os
import shutil
import signal
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError

from ldar_interp.errors import InputError, LdarError
from ldar_interp.toml_files import read_toml

Settings = TypeVar("Settings", bound=BaseModel)
MARKER = "provenance.json"


def say(message: str) -> None:
    """One line for the person at the terminal, on stderr."""
    print(message, file=sys.stderr, flush=True)


@contextmanager
def one_line_errors(
    program: str, *, debug: bool, interrupted: str = "interrupted"
) -> Iterator[None]:
    """Print an input error as one line and exit with code 2; with `debug`, let it through.

    After Ctrl-C `interrupted` is printed, processes that this one started are ended, and the code
    is 130.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter(f"{program}: %(message)s"))
    logger = logging.getLogger("ldar_interp")
    logger.addHandler(handler)
    try:
        yield
    except LdarError as error:
        if debug:
            raise
        say(f"{program}: error: {' '.join(str(error).splitlines())}")
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        if debug:
            raise
        say(f"{program}: {interrupted}")
        # The exit would wait for their jobs.
        for process in active_children():
            process.terminate()
        raise SystemExit(128 + signal.SIGINT) from None
    finally:
        logger.removeHandler(handler)


def run_program(program: Callable[..., None]) -> None:
    """Run a program's `main` on the words of the command line; never returns."""
    # Without markup: rich would read [/file] in a help text as its own and fail.
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command()(program)
    app()


@contextmanager
def result_folder(out: Path, *, force: bool) -> Iterator[Path]:
    """A folder to write into that becomes `out` only if everything went well.

    With `force` an earlier result is replaced as a whole: a folder with a provenance.json that
    names all its files (`files`). A folder that holds anything else is never removed.

    Raises
    ------
    InputError : `out` exists and may not be replaced, or its parent cannot be written.
    """
    _check_free(out, force=force)
    parent = out.absolute().parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{out.name}.partial-", dir=parent))
    except OSError as error:
        raise _cannot_write(out, error) from None
    try:
        # mkdtemp makes it private; a result is as readable as any other folder.
        partial.chmod(0o777 & ~_umask())
        yield partial
        # Again, because hours may have passed.
        _check_free(out, force=force)
        try:
            _put_in_place(partial, out)
        except OSError as error:
            raise _cannot_write(out, error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _check_free(out: Path, *, force: bool) -> None:
    try:
        found = out.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise _cannot_write(out, error) from None
    if not force:
        raise InputError(f"{out}: exists; add --force to replace it or choose another --out")
    reason = "a file or a link" if not stat.S_ISDIR(found.st_mode) else _find_foreign(out)
    if reason:
        raise InputError(
            f"{out}: is not an earlier result ({reason}), so --force does not replace it; wanted "
            "a folder that a program wrote: choose another --out"
        )


def _find_foreign(folder: Path) -> str:
    """Why a folder is no earlier result; nothing if it is one, or empty."""
    names = {path.name for path in folder.iterdir()}
    if not names:
        return ""
    try:
        content = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        listed = {MARKER, *content["files"]}
    except (OSError, ValueError, TypeError, KeyError):
        return f"it has no {MARKER} that names its files"
    foreign = sorted(names - listed)
    return f"it also holds {foreign[0]}" if foreign else ""


def _put_in_place(partial: Path, out: Path) -> None:
    """Rename; an earlier result is moved aside first, so that it is lost only for a new one."""
    if not out.exists():
        partial.replace(out)
        return
    earlier = Path(f"{partial}.earlier")
    out.replace(earlier)
    try:
        partial.replace(out)
    except OSError:
        earlier.replace(out)
        raise
    shutil.rmtree(earlier)


def _cannot_write(out: Path, error: OSError) -> InputError:
    return InputError(
        f"{out}: cannot be written ({error.strerror}); wanted a folder that can be made: choose "
        "another --out"
    )


def merge_settings(
    model: type[Settings],
    file: Path | None,
    given: Mapping[str, Any],
    *,
    instead: tuple[str, ...] = (),
) -> Settings:
    """Settings from a TOML file, overridden by the options given on the command line.

    Parameters
    ----------
    model : what the settings are, with defaults.
    file : TOML with the long options' names, with - or _; None for none.
    given : option -> value, None where the option was not given.
    instead : options that say the same thing in different ways: one of them on the command line
        stands for all of them in the file.

    Raises
    ------
    InputError : the file cannot be read, has an unknown entry, or a value is not allowed.
    """
    values = {} if file is None else _read_options(file)
    typed = {key: value for key, value in given.items() if value is not None}
    if any(name in typed for name in instead):
        values = {key: value for key, value in values.items() if key not in instead}
    try:
        return model.model_validate(values | typed)
    except ValidationError as error:
        first = error.errors()[0]
    path = [str(part) for part in first["loc"]] or ["settings"]
    source = file if file is not None and path[0] not in typed else "command line"
    name = ".".join(path).replace("_", "-")
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(field.replace("_", "-") for field in model.model_fields))
        raise InputError(f"{source}: no option is called {name}; wanted some of {known}")
    raise InputError(
        f"{source}: {name} is {first['input']!r}; wanted another value: {first['msg']}"
    )


def _read_options(file: Path) -> dict[str, Any]:
    """Entries of a TOML file, - in their names read as _."""
    found = read_toml(file, "wanted lines `option = value`")
    return {key.replace("-", "_"): value for key, value in found.items()}


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
