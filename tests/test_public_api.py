"""The public names: listed, loaded when used, documented and typed; the console script."""

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import get_type_hints

import pytest
from typer.testing import CliRunner

import ldar_interp
from ldar_interp.__main__ import PROGRAMS, build_app, main

NAMES = ldar_interp.__all__


def sections(documented: object) -> set[str]:
    """Titles underlined as numpydoc does."""
    text = inspect.getdoc(documented) or ""
    return set(re.findall(r"^(\w+)\n-{3,}$", text, flags=re.MULTILINE))


def own_parameters(documented: object) -> list[inspect.Parameter]:
    assert callable(documented)
    return list(inspect.signature(documented).parameters.values())


def test_dir_lists_the_public_names() -> None:
    assert set(dir(ldar_interp)) == {*NAMES, "__version__"}
    assert sorted(set(NAMES)) == NAMES


def test_names_for_type_checkers_are_the_same() -> None:
    source = inspect.getsource(ldar_interp)
    assert set(re.findall(r"import (\w+) as \1\b", source)) == set(NAMES)


def test_every_name_stands_in_the_documentation() -> None:
    text = (Path(__file__).parents[1] / "docs" / "api.md").read_text()
    documented = set(re.findall(r"^::: (ldar_interp[\w.]+)$", text, flags=re.MULTILINE))
    assert {f"{place}.{name}" for name, place in ldar_interp._PLACES.items()} <= documented
    for path in documented - {"ldar_interp.errors"}:
        module, name = path.rsplit(".", 1)
        assert hasattr(import_module(module), name), path


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'ldar_interp' has no attribute 'plot_profiles'"):
        ldar_interp.plot_profiles  # noqa: B018


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_documented(name: str) -> None:
    documented = getattr(ldar_interp, name)
    text = inspect.getdoc(documented)
    assert text, f"{name} has no docstring"
    assert text.splitlines()[0].endswith("."), "the first line is a sentence"
    # A function that returns a part of another's result may name that function instead.
    twin = re.search(r"same (?:parameters|arguments)", text)
    if own_parameters(documented) and not twin:
        assert "Parameters" in sections(documented)
    if inspect.isfunction(documented) and not twin:
        assert "Returns" in sections(documented)


@pytest.mark.parametrize("name", NAMES)
def test_every_parameter_is_documented(name: str) -> None:
    text = inspect.getdoc(getattr(ldar_interp, name)) or ""
    if "same parameters" in text or "same arguments" in text:
        return
    missing = [
        parameter.name
        for parameter in own_parameters(getattr(ldar_interp, name))
        if not re.search(rf"^(\w+, )*{parameter.name}(, \w+)* :", text, flags=re.MULTILINE)
    ]
    assert not missing


@pytest.mark.parametrize("name", NAMES)
def test_public_name_is_typed(name: str) -> None:
    documented = getattr(ldar_interp, name)
    for parameter in own_parameters(documented):
        assert parameter.annotation is not inspect.Parameter.empty, parameter.name
        assert parameter.kind is not inspect.Parameter.VAR_KEYWORD, "**kwargs swallow typos"
    if inspect.isfunction(documented):
        assert inspect.signature(documented).return_annotation is not inspect.Signature.empty


def test_typed_marker_is_shipped() -> None:
    from importlib.resources import files

    assert files("ldar_interp").joinpath("py.typed").is_file()


def test_help_lists_the_programs() -> None:
    found = CliRunner().invoke(build_app(), ["--help"])
    assert found.exit_code == 0
    assert all(name in found.output for name in PROGRAMS)


def test_unknown_program_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["splice-profiles"])
    assert end.value.code == 2
    assert capsys.readouterr().err == (
        f"ldar-interp: error: no program 'splice-profiles'; wanted one of {', '.join(PROGRAMS)}\n"
    )


def test_names_of_modules_are_names_of_programs(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["variant_scores", "--help"])
    assert not end.value.code and "ldar-interp variant-scores" in capsys.readouterr().out


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert not end.value.code
    assert capsys.readouterr().out == f"ldar-interp {ldar_interp.__version__}\n"


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_has_a_help_line_for_every_option(name: str) -> None:
    hints = get_type_hints(PROGRAMS[name], include_extras=True)
    hints.pop("return")
    without = [key for key, hint in hints.items() if not hint.__metadata__[0].help]
    assert not without


def test_version_is_that_of_the_distribution() -> None:
    from importlib.metadata import version

    assert version("ldar-interp") == ldar_interp.__version__
