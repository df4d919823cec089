"""The declared list, JASPAR by accession, and what `load_motifs` refuses."""

import re
import tomllib

import pytest

from ldar_interp.errors import InputError
from ldar_interp.sites.jaspar import NEWEST, fetch_all_jaspar, fetch_jaspar
from ldar_interp.sites.motif_lists import DECLARED_LIST, load_motifs


def test_the_declared_list_names_what_it_holds():
    motifs = load_motifs("declared")
    entries = tomllib.loads(DECLARED_LIST.read_text())["motif"]
    assert [m.accession for m in motifs] == [entry["accession"] for entry in entries]
    assert [m.name for m in motifs] == [entry["name"] for entry in entries]
    names = {m.name.upper() for m in motifs}
    assert {"TATA-BOX", "INR", "GC-BOX", "CCAAT-BOX", "DPE", "BREU", "BRED", "MTE"} <= names
    wanted = "TBP SP1 NFYA YY1 GABPA NRF1 CTCF ELK4 CREB1 E2F1 USF1 ZNF143"
    assert set(wanted.split()) <= names
    for motif in motifs:
        is_element = motif.accession.startswith("POL")
        assert motif.source == ("JASPAR2020 POLII" if is_element else "JASPAR2026 CORE")


def test_a_name_is_no_accession():
    """SP1 and CTCF return several matrices; the list can only be mistaken about a name aloud."""
    with pytest.raises(InputError, match=r"'CTCF'; wanted one with its version, such as"):
        fetch_jaspar("CTCF")
    with pytest.raises(InputError, match="'MA0108'; wanted one with its version"):
        fetch_jaspar("MA0108")


def test_all_is_the_newest_core_of_vertebrates():
    motifs = load_motifs("all")
    assert len(motifs) == 1019
    assert {m.source for m in motifs} == {f"{NEWEST} CORE"}
    base = [m.accession.split(".")[0] for m in motifs]
    assert len(set(base)) == len(base), "only the highest version of each"
    assert base == sorted(base)
    assert len({m.name.casefold() for m in motifs}) == len(motifs)
    called = {m.accession: m.name for m in motifs}
    assert called["MA0139.2"] == "CTCF_MA0139.2"
    assert called["MA0108.3"] == "TBP"


def test_matrices_from_text_and_unknown_files(tmp_path):
    path = tmp_path / "m.jaspar"
    path.write_text(">A.1 a\n1\n1\n1\n1\n>B.1 a\n1\n1\n1\n2\n")
    assert [m.name for m in load_motifs(path)] == ["a_A.1", "a_B.1"]
    assert [m.name for m in load_motifs(str(path))] == ["a_A.1", "a_B.1"]
    with pytest.raises(InputError, match=r"'declarde': no such file; wanted declared, all, a list"):
        load_motifs("declarde")


def test_a_list_of_ones_own(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[motif]]\naccession = "MA0108.3"\nname = "TBP"\n'
        '[[motif]]\naccession = "POL012.1"\nname = "TATA-Box"\nrelease = "JASPAR2018"\n'
    )
    motifs = load_motifs(path)
    assert [m.name for m in motifs] == ["TBP", "TATA-Box"]
    assert motifs[1].source == "JASPAR2018 POLII"


ENTRY = '[[motif]]\naccession = "MA0108.3"\nname = "TBP"\n'
MISTAKES = {
    "no TOML": ("[[motif", "not TOML .*; wanted a list of "),
    "nothing": ("", r"holds nothing; wanted a list of \[\[motif\]\] alone"),
    "another table": ("[other]\na = 1\n", r"holds other; wanted a list of \[\[motif\]\] alone"),
    "no table": ("motif = [1]", r"motif 1 is no table; wanted \[\[motif\]\]"),
    "an unknown key": (
        ENTRY + "acession = 'x'\n",
        "motif 1 has 'acession'; wanted accession, name",
    ),
    "no name": ('[[motif]]\naccession = "MA0108.3"\n', "motif 1 has name None; wanted text"),
    "twice": (ENTRY + ENTRY, r"motif 2: MA0108\.3 a second time; wanted each once"),
    "another name": (
        ENTRY.replace("TBP", "SP1"),
        r"MA0108\.3 is 'TBP' in JASPAR2026, the list say",
    ),
    "unknown": (ENTRY.replace("0108", "9999"), r"mine\.toml: JASPAR2026 has no matrix MA9999\.3"),
    "a release": (ENTRY + 'release = "JASPAR1"\n', "release 'JASPAR1'; wanted one of JASPAR2026,"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_in_a_list(tmp_path, case):
    text, message = MISTAKES[case]
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as caught:
        load_motifs(path)
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_core_promoter_elements_ended_with_2020():
    wanted = re.escape("elements are in JASPAR2014, JASPAR2016, JASPAR2018, JASPAR2020 only")
    with pytest.raises(InputError, match=f"{NEWEST} has no matrix POL012.1; .*{wanted}"):
        fetch_jaspar("POL012.1")
    (tata,) = fetch_all_jaspar(["POL012.1"], release="JASPAR2020")
    assert tata.width == 15
    assert tata.consensus[1:8] == "TATAAAA"
