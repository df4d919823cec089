"""One matrix in three formats, and every mistake that a file can hold."""

import numpy as np
import pytest

from ldar_interp.errors import InputError
from ldar_interp.sites.motif import Motif, check_motifs, is_palindrome, make_names_unique
from ldar_interp.sites.motif_files import read_motif_file

COUNTS = [[4, 16, 0, 0], [19, 0, 1, 0], [0, 0, 0, 20]]

JASPAR = """>MA0004.1 Arnt
A [  4 19  0 ]
C [ 16  0  0 ]
G [  0  1  0 ]
T [  0  0 20 ]
"""
BARE = ">MA0004.1\tArnt\n4 19 0\n16 0 0\n0 1 0\n0 0 20\n"
SHUFFLED_ROWS = ">MA0004.1 Arnt\nT 0 0 20\nG 0 1 0\nc 16 0 0\nA 4 19 0\n"
MEME = """MEME version 4

ALPHABET= ACGT

strands: + -

Background letter frequencies
A 0.25 C 0.25 G 0.25 T 0.25

MOTIF MA0004.1 Arnt

letter-probability matrix: alength= 4 w= 3 nsites= 20 E= 0
 0.20 0.80 0.00 0.00
 0.95 0.00 0.05 0.00
 0.00 0.00 0.00 1.00

URL http://jaspar.elixir.no/matrix/MA0004.1
"""
TRANSFAC = """AC MA0004.1
XX
ID Arnt
XX
DE MA0004.1 Arnt ; From JASPAR
P0      A      C      G      T
01      4     16      0      0      C
02     19      0      1      0      A
03      0      0      0     20      T
XX
CC tax_group:vertebrates
XX
//
"""
TRANSFAC_TABS = TRANSFAC.replace("P0      A      C      G      T", "PO\tA\tC\tG\tT")


def read(tmp_path, text, name="m.txt"):
    path = tmp_path / name
    path.write_text(text)
    return read_motif_file(path)


@pytest.mark.parametrize("text", [JASPAR, BARE, SHUFFLED_ROWS, MEME, TRANSFAC, TRANSFAC_TABS])
def test_the_same_matrix_from_every_format(tmp_path, text):
    (motif,) = read(tmp_path, text)
    assert (motif.accession, motif.name, motif.source) == ("MA0004.1", "Arnt", "m.txt")
    np.testing.assert_allclose(motif.counts, COUNTS)
    assert motif.counts.dtype == np.float64
    assert motif.width == 3
    assert motif.consensus == "CAT"


def test_several_motifs_keep_their_order(tmp_path):
    for text in (
        JASPAR + JASPAR.replace("MA0004.1 Arnt", "X.1 other"),
        MEME + MEME[MEME.index("MOTIF") :].replace("MA0004.1 Arnt", "X.1 other"),
        TRANSFAC + TRANSFAC.replace("MA0004.1", "X.1").replace("ID Arnt", "ID other"),
    ):
        assert [m.name for m in read(tmp_path, text)] == ["Arnt", "other"]


def test_meme_without_nsites_counts_twenty(tmp_path):
    (motif,) = read(tmp_path, MEME.replace(" nsites= 20", ""))
    np.testing.assert_allclose(motif.counts, COUNTS)


def test_names_that_a_file_leaves_out(tmp_path):
    assert read(tmp_path, JASPAR.replace(" Arnt", ""))[0].name == "MA0004.1"
    assert read(tmp_path, MEME.replace(" Arnt", ""))[0].name == "MA0004.1"
    assert read(tmp_path, TRANSFAC.replace("AC MA0004.1\n", ""))[0].accession == "Arnt"


MISTAKES = {
    "an empty file": ("\n\n", r"m\.txt is empty; wanted motifs in JASPAR, MEME or TRANSFAC"),
    "another format": ("hello\n", r"m\.txt:1: 'hello' begins no known format; wanted '>'"),
    "ragged rows": (JASPAR.replace(" 0  1  0", " 0  1"), r":4: 2 counts, but 3 in the row above"),
    "a negative count": (JASPAR.replace("19", "-1"), r":2: '-1'; wanted a number >= 0"),
    "a word for a count": (JASPAR.replace("19", "many"), r":2: 'many'; wanted a number >= 0"),
    "nan": (JASPAR.replace("19", "nan"), r":2: 'nan'; wanted a number >= 0"),
    "a row missing": (
        "\n".join(JASPAR.splitlines()[:-1]),
        r":1: MA0004\.1 has no row T; wanted one for each of A C G T",
    ),
    "three bare rows": (">X.1\n1 2\n1 2\n1 2\n", r":1: X\.1 has 3 rows; wanted one for each"),
    "a fifth row": (">X.1\n1\n1\n1\n1\n1\n", r":6: a fifth row in X\.1"),
    "a row twice": (JASPAR.replace("C [", "A ["), r":3: row A of MA0004\.1 twice"),
    "protein": (JASPAR.replace("C [", "W ["), r":3: row 'W'; wanted the letters A C G T of DNA"),
    "RNA": (JASPAR.replace("T [", "U ["), r":5: row 'U'; wanted the letters A C G T of DNA"),
    "a place of zeros": (
        JASPAR.replace("20", " 0"),
        r":1: MA0004\.1 has no counts in column 3; wanted some letter",
    ),
    "an accession twice": (JASPAR + JASPAR, r":6: accession 'MA0004\.1' a second time \(first in "),
    "width 0": (">X.1 none\nA [ ]\nC [ ]\nG [ ]\nT [ ]\n", r":1: X\.1 has width 0"),
    "a header alone": (">X.1 none\n", r":1: X\.1 has 0 rows; wanted one for each of A C G T"),
    "no accession": (">\nA 1\n", r":1: no accession after '>'"),
    "MEME: protein": (
        MEME.replace("ALPHABET= ACGT", "ALPHABET= ACDEFGHIKLMNPQRSTVWY"),
        r":3: alphabet 'ACDEFGHIKLMNPQRSTVWY'; wanted ACGT",
    ),
    "MEME: alength": (MEME.replace("alength= 4", "alength= 20"), r":12: alength 20; wanted 4"),
    "MEME: nsites": (MEME.replace("nsites= 20", "nsites= 0"), r":12: nsites 0; wanted > 0"),
    "MEME: three numbers": (MEME.replace(" 0.05 0.00", " 0.05"), r":14: 3 numbers; wanted four"),
    "MEME: no share": (MEME.replace("0.95", "0.50"), r":14: probabilities sum to 0\.55; wanted 1"),
    "MEME: rows missing": (
        MEME.replace(" 0.00 0.00 0.00 1.00\n\nURL http", "MOTIF B\nhttp"),
        r":10: MA0004\.1 says w= 3 and has 2 rows; wanted as many|:15: ",
    ),
    "MEME: no matrix": (MEME[: MEME.index("letter-prob")], r":10: MA0004\.1 has width 0"),
    "MEME: no motif": ("MEME version 4\n", r"m\.txt holds no matrix; wanted at least one motif"),
    "MEME: no MOTIF line": (
        MEME.replace("MOTIF MA0004.1 Arnt", ""),
        r":12: a matrix before its MOTIF line",
    ),
    "MEME: no identifier": (MEME.replace("MOTIF MA0004.1 Arnt", "MOTIF"), r":10: no identifier"),
    "TRANSFAC: letters": (
        TRANSFAC.replace("G      T\n", "G      U\n"),
        r":6: columns .*wanted A C",
    ),
    "TRANSFAC: three": (
        TRANSFAC.replace("19      0      1      0      A", "19 0 1"),
        r":8: 3 numbers; wanted four, for A C G T",
    ),
    "TRANSFAC: unnamed": (
        TRANSFAC.replace("AC MA0004.1\n", "").replace("ID Arnt\n", ""),
        r":1: a matrix without AC and ID",
    ),
    "TRANSFAC: no rows": ("AC X.1\nXX\n//\n", r":1: X\.1 has width 0; wanted at least one place"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_one_line_with_the_place(tmp_path, case):
    text, message = MISTAKES[case]
    with pytest.raises(InputError, match=message) as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(InputError, match=r"no\.txt: cannot be read .*; wanted a JASPAR, MEME or"):
        read_motif_file(tmp_path / "no.txt")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"b\.txt: not text .*; wanted a JASPAR, MEME or"):
        read_motif_file(tmp_path / "b.txt")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("", "A.1", [[1, 0, 0, 0]]), "wanted both, not empty"),
        (("a", "A.1", [[1, 0, 0]]), r"counts of shape \(1, 3\); wanted \(width >= 1, 4\)"),
        (("a", "A.1", np.empty((0, 4))), r"counts of shape \(0, 4\)"),
        (("a", "A.1", [[1, 0, 0, -1]]), "negative or missing numbers"),
        (("a", "A.1", [[1, 0, 0, 0], [0, 0, 0, 0]]), "column 2 of 2 has no counts"),
    ],
)
def test_a_motif_is_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        Motif(*arguments, "test")


def test_counts_cannot_be_changed():
    counts = np.array([[1.0, 0, 0, 0]])
    motif = Motif("a", "A.1", counts, "test")
    counts[0, 0] = 7
    assert motif.counts[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        motif.counts[0, 0] = 2


def test_names_are_made_unique_whatever_their_case():
    one, two, three = (
        Motif(name, accession, np.eye(4), "test")
        for name, accession in (("JUN", "A.1"), ("Jun", "B.1"), ("TBP", "C.1"))
    )
    assert [m.name for m in make_names_unique([one, two, three])] == ["JUN_A.1", "Jun_B.1", "TBP"]
    with pytest.raises(InputError, match=r"two motifs have the accession 'A\.1'"):
        check_motifs([one, one])
    with pytest.raises(InputError, match="two motifs have the name 'JUN'"):
        check_motifs([one, Motif("JUN", "D.1", np.eye(4), "test")])
    with pytest.raises(InputError, match="no motifs; wanted at least one"):
        check_motifs([])


def test_palindromes():
    assert is_palindrome(np.array([[1.0, 2, 3, 4], [4, 3, 2, 1]]))
    assert not is_palindrome(np.array([[1.0, 2, 3, 4], [1, 2, 3, 4]]))
