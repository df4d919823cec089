"""What is committed belongs together: figures, tables, provenance, and the numbers in READMEs."""

import importlib
import json
from pathlib import Path

import pytest

from analyses.checkpoint.write_card import make_card
from analyses.outcome import with_outcome
from ldar_interp.assets import CHECKPOINT
from ldar_interp.provenance import hash_file

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "splice_profile", "tokenizer_integrity", "chunk_lengths", "mutagenesis", "promoter_profile",
    "splice_chr20",
)  # fmt: skip
MOST_BYTES = 1_000_000


def is_there(name):
    return (ROOT / "figures" / name / "provenance.json").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_the_outcome_is_what_the_tables_say(name):
    if not is_there(name):
        pytest.skip(f"figures/{name} is not made yet")
    module = importlib.import_module(f"analyses.{name}.run")
    readme = module.FOLDER / "README.md"
    assert readme.read_text() == with_outcome(readme, module.describe(ROOT / "figures" / name))


@pytest.mark.parametrize("name", NAMES)
def test_files_are_those_of_the_run_and_small(name):
    if not is_there(name):
        pytest.skip(f"figures/{name} is not made yet")
    folder = ROOT / "figures" / name
    listed = json.loads((folder / "provenance.json").read_text())["files"]
    found = {path.name: path for path in folder.iterdir() if path.name != "provenance.json"}
    assert set(found) == set(listed)
    assert {path.name for path in found.values() if path.stat().st_size > MOST_BYTES} == set()
    if isinstance(listed, dict):
        assert {key: hash_file(path) for key, path in found.items()} == listed


@pytest.mark.parametrize("name", NAMES)
def test_makefile_or_page_says_how_to_make_it(name):
    command = f"python -m analyses.{name}.run"
    assert command in (ROOT / "analyses" / name / "README.md").read_text()
    assert command in (ROOT / "docs" / "figures.md").read_text()


def test_the_card_is_what_its_measurements_say_of_the_shipped_weights():
    card = (CHECKPOINT / "README.md").read_text()
    assert card == make_card()
    assert hash_file(CHECKPOINT / "model.safetensors") in card
