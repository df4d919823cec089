"""Sources are read strictly, packages verified, and each failure is one line."""

import hashlib
import io
import shutil
import stat
import subprocess
import zipfile
from dataclasses import replace

import pytest

from annotations.fetch import (
    SOURCES_TOML,
    UNKNOWN,
    Source,
    check_sha256,
    fetch_source,
    main,
    measure_sha256,
    read_member,
    read_sources,
)
from ldar_interp.errors import InputError

ENTRY = """
[thing]
kind = "pypi"
group = "demo"
package = "thing"
version = "1"
file = "thing-1.whl"
sha256 = "unknown"
licence = "MIT"
citation = "somebody"
used_for = "tests"
"""


@pytest.fixture
def thing(tmp_path) -> Source:
    path = tmp_path / "S.toml"
    path.write_text(ENTRY)
    return read_sources(path)["thing"]


def write_wheel(folder, **files):
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(folder / "thing-1.whl", "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    return folder / "thing-1.whl"


def test_shipped_sources_are_complete():
    sources = read_sources()
    assert [s.name for s in sources.values() if s.group == "demo"] == [
        "augustus-doc",
        "spliceai",
        "cispliceai",
    ]
    for source in sources.values():
        pinned = [source.sha256, *source.members.values()]
        assert (UNKNOWN in pinned) == (source.group == "user")
        assert source.group == "user" or source.members
    assert sources["gencode-v47-gtf"].origin.startswith("https://")


def test_broken_sources_say_what_is_wrong(tmp_path):
    path = tmp_path / "S.toml"
    for text, message in (
        ("[thing", "not TOML"),
        (ENTRY.replace("pypi", "cran"), "kind 'cran'; wanted one of debian, pypi, url"),
        (ENTRY.replace('licence = "MIT"\n', ""), "lacks licence"),
        (ENTRY.replace('package = "thing"\n', ""), "lacks package"),
        (ENTRY.replace('"unknown"', '"abc"'), "sha256 'abc'; wanted 64 hex digits or 'unknown'"),
        (ENTRY + '[thing.members]\n"a" = "12"\n', "sha256 '12'"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message) as caught:
            read_sources(path)
        assert "\n" not in str(caught.value)


def test_sha256_is_compared_unless_unknown(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    assert measure_sha256(path) == digest
    check_sha256(digest, digest, "f")
    check_sha256(digest, UNKNOWN, "f")
    with pytest.raises(InputError, match=r"f: sha256 ba78.*, wanted 000.*delete the file"):
        check_sha256(digest, "0" * 64, "f")


def test_a_file_that_is_there_is_verified_not_fetched(thing, tmp_path, monkeypatch):
    wheel = write_wheel(tmp_path / "work", a="1")
    monkeypatch.setattr("subprocess.run", None)
    assert fetch_source(thing, tmp_path / "work") == wheel
    good = replace(thing, sha256=measure_sha256(wheel))
    assert fetch_source(good, tmp_path / "work") == wheel
    with pytest.raises(InputError, match=r"thing-1\.whl: sha256"):
        fetch_source(replace(thing, sha256="0" * 64), tmp_path / "work")


def test_a_missing_client_is_named(thing, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"no program apt-get here; fetch thing-1\.whl elsewhere"):
        fetch_source(replace(thing, kind="debian"), tmp_path / "work")


def test_a_failing_client_is_quoted(thing, tmp_path, monkeypatch):
    client = tmp_path / "apt-get"
    client.write_text("#!/bin/sh\necho noise >&2\necho 'E: no such version' >&2\nexit 100\n")
    client.chmod(client.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(InputError, match="apt-get download thing=1` failed and said: E: no such"):
        fetch_source(replace(thing, kind="debian"), tmp_path / "work")
    client.write_text("#!/bin/sh\nexit 0\n")
    with pytest.raises(InputError, match=r"fetched, but .*thing-1\.whl is not there"):
        fetch_source(replace(thing, kind="debian"), tmp_path / "work")


def test_urls_are_downloaded_whole_or_not_at_all(thing, tmp_path):
    origin = tmp_path / "origin"
    origin.write_bytes(b"data")
    source = replace(thing, kind="url", origin=origin.as_uri())
    target = fetch_source(source, tmp_path / "work")
    assert target.read_bytes() == b"data"
    target.unlink()
    with pytest.raises(InputError, match=r"check the network, or put thing-1\.whl into"):
        fetch_source(replace(source, origin=(tmp_path / "no").as_uri()), tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


def test_a_download_that_breaks_off_leaves_nothing(thing, tmp_path, monkeypatch):
    class Broken(io.BytesIO):
        def read(self, _size=-1):
            raise TimeoutError("timed out")

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Broken())
    source = replace(thing, kind="url", origin="https://example.invalid/thing")
    with pytest.raises(InputError, match="timed out; check the network"):
        fetch_source(source, tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []


def test_members_are_read_and_verified(thing, tmp_path):
    wheel = write_wheel(tmp_path / "work", a="1")
    digest = hashlib.sha256(b"1").hexdigest()
    source = replace(thing, members={"a": digest, "b": digest})
    assert read_member(source, wheel, "a") == b"1"
    with pytest.raises(InputError, match="no file b in it"):
        read_member(source, wheel, "b")
    with pytest.raises(InputError, match="lists no member c"):
        read_member(source, wheel, "c")
    with pytest.raises(InputError, match=r"whl: a: sha256"):
        read_member(replace(source, members={"a": "0" * 64}), wheel, "a")


def test_members_of_a_debian_package_are_read(thing, tmp_path, monkeypatch):
    if shutil.which("dpkg-deb") is None:
        pytest.skip("no dpkg-deb on this machine")
    tree = tmp_path / "tree"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "DEBIAN" / "control").write_text(
        "Package: thing\nVersion: 1\nArchitecture: all\nMaintainer: a <a@b.c>\nDescription: d\n"
    )
    (tree / "usr").mkdir()
    (tree / "usr" / "a").write_text("1")
    deb = tmp_path / "thing.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(deb)], check=True, capture_output=True)
    digest = hashlib.sha256(b"1").hexdigest()
    source = replace(thing, members={"usr/a": digest, "usr/b": digest})
    assert read_member(source, deb, "usr/a") == b"1"
    with pytest.raises(InputError, match="no file usr/b in it"):
        read_member(source, deb, "usr/b")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="no program dpkg-deb here"):
        read_member(source, deb, "usr/a")


def test_program_ends_with_2_and_one_line(capsys, tmp_path):
    assert main(["--work", str(tmp_path), "nonsense"]) == 2
    out = capsys.readouterr()
    assert out.err.startswith("error: no source 'nonsense'; SOURCES.toml has augustus-doc")
    assert out.err.count("\n") == 1


def test_program_says_when_nothing_was_verified(capsys, tmp_path):
    (tmp_path / "gencode.v47.annotation.gtf.gz").write_bytes(b"abc")
    assert main(["--work", str(tmp_path), "gencode-v47-gtf"]) == 0
    assert "NOT verified" in capsys.readouterr().out


def test_no_host_of_a_registry_is_named():
    for path in SOURCES_TOML.parent.glob("*.*"):
        text = path.read_text()
        for host in ("pypi" + ".org", "debian" + ".org", "python" + "hosted"):
            assert host not in text, path
