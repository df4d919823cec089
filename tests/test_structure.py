"""The house as docs/architecture.md draws it: arrows, imports, names and sizes of files."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "ldar_interp"
CODE_FOLDERS = ("ldar_interp", "annotations", "benchmarks", "analyses", "docs", "tests")
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}
MOST_LINES = 400
SLOW_TO_IMPORT = ("torch", "pandas", "scipy", "statsmodels", "numba", "matplotlib")


def list_sources() -> list[Path]:
    return sorted(path for folder in CODE_FOLDERS for path in (ROOT / folder).rglob("*.py"))


def modules_after(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after a statement."""
    script = f"import sys\n{statement}\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    found = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(found.stdout.splitlines()[-1].split())


def test_arrows_point_down() -> None:
    # In a process of its own: import-linter configures logging, which silences existing loggers.
    command = "from importlinter.cli import lint_imports_command as run; run()"
    found = subprocess.run(
        [sys.executable, "-c", command, "--config", str(ROOT / "pyproject.toml"), "--no-cache"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert found.returncode == 0, found.stdout + found.stderr
    assert "0 broken" in found.stdout


def test_import_of_the_package_is_light() -> None:
    assert not modules_after("import ldar_interp; dir(ldar_interp)") & {*SLOW_TO_IMPORT, "numpy"}


@pytest.mark.parametrize("program", ["", "splice-profile", "mutagenesis", "pretrain", "flops"])
def test_help_does_not_import_torch(program: str) -> None:
    words = [*filter(None, [program]), "--help"]
    statement = (
        "from ldar_interp.__main__ import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as end:\n    assert not end.code, end.code"
    )
    assert not modules_after(statement) & set(SLOW_TO_IMPORT)


@pytest.mark.parametrize("room", ["genome.fasta", "sites.controls", "profiles", "stats.enrichment"])
def test_analysis_runs_without_torch(room: str) -> None:
    assert "torch" not in modules_after(f"import ldar_interp.{room}")


def test_every_program_is_a_subcommand() -> None:
    from ldar_interp.__main__ import PROGRAMS

    scripts = {
        path.stem.replace("_", "-")
        for path in PACKAGE.glob("*.py")
        if not path.stem.startswith("_") and '__name__ == "__main__"' in path.read_text()
    }
    assert scripts == set(PROGRAMS)


@pytest.mark.parametrize("path", list_sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_source_file(path: Path) -> None:
    text = path.read_text()
    assert path.stem not in FORBIDDEN_NAMES, "name the file for its subject"
    assert len(text.splitlines()) <= MOST_LINES, f"over {MOST_LINES} lines: split it by subject"
    tree = ast.parse(text)
    assert ast.get_docstring(tree) or not tree.body, "say in a docstring what the file is about"
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: bare except"
            assert not catches_everything(node.type), f"line {node.lineno}: except Exception"


def catches_everything(caught: ast.expr) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id in ("Exception", "BaseException")
        for node in ast.walk(caught)
    )


def test_no_folder_is_named_for_nothing() -> None:
    folders = {path.parent.name for path in list_sources()}
    assert not folders & FORBIDDEN_NAMES


@pytest.mark.parametrize(
    ("source", "expected"),
    [("Exception", True), ("(OSError, Exception)", True), ("OSError", False)],
)
def test_broad_handlers_are_seen(source: str, expected: bool) -> None:
    assert catches_everything(ast.parse(source, mode="eval").body) is expected
