"""What the README shows must be there."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text()


def test_linked_files_exist():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    local = [link for link in links if "://" not in link]
    assert any(link.endswith(".png") for link in local)
    assert [link for link in local if not (ROOT / link).exists()] == []


def test_the_two_commands_stand_in_the_makefile():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", README, flags=re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), target


def test_nothing_is_left_to_fill_in():
    assert [line for line in README.splitlines() if re.fullmatch(r"[A-Z]{4,}", line)] == []
