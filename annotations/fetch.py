"""Fetch what SOURCES.toml lists and verify it.

    python -m annotations.fetch --work runs/sources                    # what the demo is built from
    python -m annotations.fetch --work runs/sources gencode-v47-gtf    # a file for your own work

Packages come through their own clients (`apt-get download`, `pip download`), so a mirror that is
configured for those is used here too. A file that is already in the folder is verified, not
fetched again.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tarfile
import tomllib
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ldar_interp.errors import InputError, LdarError

SOURCES_TOML = Path(__file__).with_name("SOURCES.toml")
DEFAULT_WORK = Path("runs/sources")
UNKNOWN = "unknown"
_KINDS = {"debian": "package", "pypi": "package", "url": "url"}
_REQUIRED = ("kind", "group", "version", "file", "sha256", "licence", "citation", "used_for")


@dataclass(frozen=True)
class Source:
    """One entry of SOURCES.toml; `origin` is a package name or a URL.

    `sha256` is 64 hex digits, or `unknown` where nobody has pinned the file.
    """

    name: str
    kind: str
    group: str
    origin: str
    version: str
    file: str
    sha256: str
    licence: str
    citation: str
    used_for: str
    members: dict[str, str]


def read_sources(path: Path = SOURCES_TOML) -> dict[str, Source]:
    """Entries of a SOURCES.toml by name, in the file's order.

    Raises
    ------
    InputError : not TOML, an unknown kind, a missing key, or a sha256 that is neither 64 hex
        digits nor `unknown`.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{path}: not TOML ({error}); mend the file") from None
    sources = {}
    for name, table in tables.items():
        kind = table.get("kind")
        if kind not in _KINDS:
            raise InputError(f"{path}: [{name}] kind {kind!r}; wanted one of {', '.join(_KINDS)}")
        missing = [key for key in (*_REQUIRED, _KINDS[kind]) if not table.get(key)]
        if missing:
            raise InputError(f"{path}: [{name}] lacks {', '.join(missing)}; add them")
        members = table.get("members", {})
        for digest in (table["sha256"], *members.values()):
            if digest != UNKNOWN and not re.fullmatch(r"[0-9a-f]{64}", digest):
                raise InputError(
                    f"{path}: [{name}] sha256 {digest!r}; wanted 64 hex digits or {UNKNOWN!r}"
                )
        fields = {key: table[key] for key in _REQUIRED}
        sources[name] = Source(name=name, origin=table[_KINDS[kind]], members=members, **fields)
    return sources


def measure_sha256(path: Path) -> str:
    """sha256 of a file, 64 hex digits."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def check_sha256(found: str, wanted: str, what: str) -> None:
    """Compare two digests; `unknown` accepts anything.

    Raises
    ------
    InputError : they differ.
    """
    if wanted != UNKNOWN and found != wanted:
        raise InputError(
            f"{what}: sha256 {found}, wanted {wanted} (SOURCES.toml); "
            "delete the file and fetch it again"
        )


def _run_client(command: Sequence[str], source: Source, folder: Path) -> None:
    wanted = f"[{source.name}] {source.origin} {source.version}"
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except FileNotFoundError:
        raise InputError(
            f"{wanted}: no program {command[0]} here; fetch {source.file} elsewhere and put it "
            f"into {folder}"
        ) from None
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["nothing"])[-1]
        raise InputError(
            f"{wanted}: `{' '.join(command)}` failed and said: {said}; "
            f"put {source.file} into {folder} by hand if this machine cannot fetch it"
        ) from None


def _download_url(source: Source, target: Path) -> None:
    part = target.with_name(target.name + ".part")
    try:
        with urllib.request.urlopen(source.origin, timeout=60) as reply, part.open("wb") as out:
            while block := reply.read(1 << 20):
                out.write(block)
    except (urllib.error.URLError, TimeoutError, OSError) as error:
        part.unlink(missing_ok=True)
        raise InputError(
            f"[{source.name}] {source.origin}: {error}; check the network, or put {source.file} "
            f"into {target.parent} by hand"
        ) from None
    part.replace(target)


def fetch_source(source: Source, work: Path) -> Path:
    """Make sure that `work` holds the source's file, verified; return its path.

    Raises
    ------
    InputError : the client is missing or fails, its file is not there afterwards, or the sha256
        is another one.
    """
    work.mkdir(parents=True, exist_ok=True)
    target = work / source.file
    if not target.exists():
        if source.kind == "debian":
            command = ["apt-get", "download", f"{source.origin}={source.version}"]
            _run_client(command, source, work)
        elif source.kind == "pypi":
            pinned = f"{source.origin}=={source.version}"
            command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", ".", pinned]
            _run_client(command, source, work)
        else:
            _download_url(source, target)
    if not target.exists():
        raise InputError(f"[{source.name}] fetched, but {target} is not there; wanted that name")
    check_sha256(measure_sha256(target), source.sha256, str(target))
    return target


def _read_from_deb(archive: Path, member: str) -> bytes | None:
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
    except FileNotFoundError:
        raise InputError(f"{archive}: no program dpkg-deb here; run this on Debian") from None
    data = None
    with process:
        with tarfile.open(fileobj=process.stdout, mode="r|") as tar:
            for entry in tar:
                if entry.name.removeprefix("./") == member:
                    handle = tar.extractfile(entry)
                    data = handle.read() if handle else None
                    break
        process.kill()  # the rest of the archive is not needed
    return data


def _read_from_wheel(archive: Path, member: str) -> bytes | None:
    with zipfile.ZipFile(archive) as wheel:
        return wheel.read(member) if member in wheel.namelist() else None


def read_member(source: Source, archive: Path, member: str) -> bytes:
    """Bytes of one file inside a wheel or a .deb, verified.

    Raises
    ------
    InputError : SOURCES.toml or the archive does not have the member, or its sha256 differs.
    """
    if member not in source.members:
        raise InputError(f"[{source.name}] SOURCES.toml lists no member {member}; add it")
    read = _read_from_deb if archive.suffix == ".deb" else _read_from_wheel
    data = read(archive, member)
    if data is None:
        raise InputError(f"{archive}: no file {member} in it; wanted the version in SOURCES.toml")
    check_sha256(hashlib.sha256(data).hexdigest(), source.members[member], f"{archive}: {member}")
    return data


def main(argv: Sequence[str] | None = None) -> int:
    """Fetch the named sources (default: those of the demo); exit code 2 when one cannot be had."""
    parser = argparse.ArgumentParser(
        prog="python -m annotations.fetch",
        description="Fetch what SOURCES.toml lists and verify its sha256.",
        epilog="example: python -m annotations.fetch --work runs/sources gencode-v47-gtf",
    )
    parser.add_argument("names", nargs="*", help="entries of SOURCES.toml (default: group demo)")
    parser.add_argument(
        "--work", type=Path, default=DEFAULT_WORK, help="folder (default: %(default)s)"
    )
    arguments = parser.parse_args(argv)
    try:
        sources = read_sources()
        names = arguments.names or [n for n, s in sources.items() if s.group == "demo"]
        for name in names:
            if name not in sources:
                raise InputError(f"no source {name!r}; SOURCES.toml has {', '.join(sources)}")
            path = fetch_source(sources[name], arguments.work)
            if sources[name].sha256 == UNKNOWN:
                print(f"{path}: NOT verified, none is pinned; sha256 is {measure_sha256(path)}")
            else:
                print(f"{path}: sha256 as pinned")
    except LdarError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
