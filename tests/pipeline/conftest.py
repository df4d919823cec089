"""A tiny genome, its checkpoint, and the splice-profile program run in this process on them."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tiny_genome import write_genome
from typer.testing import CliRunner

from ldar_interp.__main__ import build_app
from ldar_interp.model.checkpoint import preset, random_model, save_model

WINDOW_BP = 256
QUICK = {
    "flank-bp": 12, "n-draws": 1, "n-boot": 100, "n-flips": 99, "margin-bp": 32, "workers": 1,
    "controls": "C0,C1,C2", "residual": "none",
}  # fmt: skip


class World(NamedTuple):
    """Input files of a run."""

    fasta: Path
    gtf: Path
    ckpt: Path


class Outcome(NamedTuple):
    """How a run ended."""

    code: int
    stdout: str
    stderr: str


@pytest.fixture(scope="session")
def world(tmp_path_factory) -> World:
    folder = tmp_path_factory.mktemp("world")
    fasta, gtf = write_genome(folder)
    model = random_model(preset("nano").with_length(WINDOW_BP), seed=7)
    return World(fasta, gtf, save_model(model, folder / "checkpoint").parent)


@pytest.fixture(scope="session", autouse=True)
def index_cache(tmp_path_factory):
    """Indexes of the FASTA files go to a folder of the tests, never to the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def run(world) -> Callable[..., Outcome]:
    """`run(out, *flags, option=value, ...)`: quick settings unless told otherwise."""

    def run_program(out: Path | None, *flags: str, **options: object) -> Outcome:
        given: dict[str, object] = {
            "ckpt": world.ckpt, "fasta": world.fasta, "gtf": world.gtf, "out": out, **QUICK,
        }  # fmt: skip
        given |= {name.replace("_", "-"): value for name, value in options.items()}
        words = ["splice-profile", *flags]
        for name, value in given.items():
            if value is not None:
                words += [f"--{name}", str(value)]
        result = CliRunner().invoke(build_app(), words)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    return run_program
