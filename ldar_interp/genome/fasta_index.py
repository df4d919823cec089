"""Is this file a FASTA that can be read at random, and where is its index?

Random access needs a table of byte offsets (`.fai`, and `.gzi` for bgzip). One that lies beside
the FASTA is used when it is not older than the FASTA and names the records that are there.
Otherwise one is built once in the user's cache folder (`$XDG_CACHE_HOME/ldar-interp/fasta`,
`~/.cache` by default), or in a temporary folder where that cannot be written. Nothing is ever
written beside the user's FASTA, so read-only data folders work like any other.
"""

import hashlib
import logging
import os
import struct
import tempfile
import zlib
from pathlib import Path

from pyfaidx import Faidx, FastaIndexingError

from ldar_interp.errors import InputError

logger = logging.getLogger("ldar_interp")

# The empty block that ends every bgzip file (SAM specification, section 4.1.2).
_BGZF_END = bytes.fromhex("1f8b08040000000000ff0600424302001b0003000000000000000000")
_N_HEADERS_CHECKED = 20

CORRUPT = (OSError, RuntimeError, ValueError, IndexError, struct.error, zlib.error)
"""What pyfaidx and Biopython's bgzip reader raise on damaged content."""


def check_container(path: Path) -> bool:
    """Look at the first and last bytes of a FASTA; True if it is bgzip.

    Raises
    ------
    InputError : no such file, a folder, unreadable, empty, gzip that is not bgzip, a name that
        does not fit the compression, a truncated bgzip file, or text that does not begin with `>`.
    """
    if not path.exists():
        raise InputError(f"{path}: no such FASTA file; check the path")
    if path.is_dir():
        raise InputError(f"{path} is a folder; wanted a FASTA file, plain or bgzip")
    try:
        with path.open("rb") as handle:
            head = handle.read(4096)
            size = handle.seek(0, os.SEEK_END)
            handle.seek(max(0, size - len(_BGZF_END)))
            tail = handle.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check permissions") from error
    if not head:
        raise InputError(f"{path} is empty; wanted a FASTA file, plain or bgzip")

    named_gzip = path.name.lower().endswith((".gz", ".bgz"))
    if head.startswith(b"\x1f\x8b"):
        if not (head[3:4] == b"\x04" and head[12:14] == b"BC"):
            raise InputError(
                f"{path} is gzip, which has no random access; wanted bgzip: "
                f"run `gunzip {path.name}` and then `bgzip {path.with_suffix('').name}`"
            )
        if not named_gzip:
            raise InputError(f"{path} is bgzip but not named so; rename it to {path.name}.gz")
        if tail != _BGZF_END:
            raise InputError(
                f"{path} is a truncated bgzip file (its end-of-file block is missing); "
                "fetch or compress it again"
            )
        return True
    if named_gzip:
        raise InputError(f"{path} is named {path.suffix} but is not compressed; drop the suffix")
    text = head.lstrip()
    if not text.startswith((b">", b";")):
        raise InputError(
            f"{path} is not FASTA: it begins with {text[:12]!r}, wanted a line `>name`"
        )
    return False


def open_index(path: Path, index: Path | None = None) -> tuple[Faidx, Path, Path | None]:
    """Open a checked FASTA with a valid index, building the index where there is none.

    Parameters
    ----------
    path : FASTA that `check_container` accepted.
    index : `.fai` to try first (another process built it), None to look in the usual places.

    Returns
    -------
    (reader, path of the `.fai` in use, temporary folder that the caller removes or None)

    Raises
    ------
    InputError : ragged lines, duplicate or nameless records, undecodable or corrupt content.
    """
    cached = _cache_folder() / f"{_fingerprint(path)}.fai"
    for own in (index, cached):
        if own is not None and own != _beside(path) and _is_current(own, path):
            return _open(path, own), own, None
    if _is_current(_beside(path), path):
        reader = _open_foreign(path, _beside(path))
        if reader is not None:
            return reader, _beside(path), None
        logger.warning("%s does not belong to %s: not used", _beside(path), path)

    folder, temporary = _writable_folder()
    fai = folder / f"{_fingerprint(path)}.fai"
    logger.info("building the index of %s in %s", path, folder)
    _build(path, fai)
    return _open(path, fai), fai, folder if temporary else None


def _beside(path: Path) -> Path:
    return Path(f"{path}.fai")


def _gzi(fai: Path) -> Path:
    return fai.with_suffix(".gzi")


def _is_bgzip(path: Path) -> bool:
    return path.name.lower().endswith((".gz", ".bgz"))


def _is_current(fai: Path, path: Path) -> bool:
    """The index files exist and none is older than the FASTA."""
    wanted = [fai, _gzi(fai)] if _is_bgzip(path) else [fai]
    modified = path.stat().st_mtime
    return all(p.is_file() and p.stat().st_mtime >= modified for p in wanted)


def _open_foreign(path: Path, fai: Path) -> Faidx | None:
    """Open with an index that others made, None if it is damaged or of another file.

    The header lines that it points at must be whole lines with the names that it gives them.
    """
    try:
        reader = _open(path, fai)
    except InputError:
        return None  # if it is the FASTA that is damaged, building an index will say so
    names = list(reader.index)
    for name in names[:_N_HEADERS_CHECKED] + names[-_N_HEADERS_CHECKED:]:
        try:
            header = reader.get_long_name(name)
        except CORRUPT:
            header = ""
        if "\n" in header or header.split()[:1] != [name]:
            names = []
    if names:
        return reader
    reader.close()
    return None


def _open(path: Path, fai: Path) -> Faidx:
    """pyfaidx on a given index; every way in which the content can be bad is one InputError."""
    try:
        return Faidx(
            str(path), indexname=str(fai), gzi_indexname=str(_gzi(fai)), as_raw=True, rebuild=False
        )
    except FastaIndexingError as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: not FASTA with lines of one width ({reason}); "
            "rewrite it with one width, for example `seqkit seq -w 60`"
        ) from error
    except ValueError as error:
        if "Duplicate key" in str(error):
            name = str(error).split('"')[1]
            raise InputError(
                f"{path}: record {name!r} occurs twice; wanted unique names: rename or remove one"
            ) from error
        raise InputError(f"{path}: not text or damaged ({error}); fetch it again") from error
    except CORRUPT as error:
        raise InputError(f"{path}: damaged ({error}); fetch it again") from error


def _build(path: Path, fai: Path) -> None:
    """Write `.fai` (and `.gzi`) under temporary names, then rename: safe for parallel workers."""
    with tempfile.TemporaryDirectory(dir=fai.parent) as scratch:
        fresh = Path(scratch) / fai.name
        _open(path, fresh).close()
        # pyfaidx calls an index stale by its time alone; a FASTA may be dated in the future.
        newest = max(fresh.stat().st_mtime, path.stat().st_mtime) + 1
        for source, target in ((_gzi(fresh), _gzi(fai)), (fresh, fai)):
            if source.exists():
                os.utime(source, (newest, newest))
                source.replace(target)


def _fingerprint(path: Path) -> str:
    """Name of the cached index: changes with the file's place, size and time."""
    state = path.stat()
    text = f"{path.resolve()}\n{state.st_size}\n{state.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return Path(base) / "ldar-interp" / "fasta"


def _writable_folder() -> tuple[Path, bool]:
    """The cache folder if it can be written, else a new temporary folder; True if temporary."""
    folder = _cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder, False
    except OSError:
        return Path(tempfile.mkdtemp(prefix="ldar-interp-")), True
