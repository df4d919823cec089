"""The builder's pieces on tiny input, and the whole build where the packages are cached."""

import gzip
import os
import zlib
from pathlib import Path

import pyfaidx
import pytest

from annotations.build_demo_region import (
    LINE_BP,
    build,
    compress_bgzip,
    compress_gzip,
    count_annotation,
    count_classes,
    format_fasta,
    format_toml,
    list_introns,
    main,
    read_region,
    record_name,
)
from annotations.demo_gtf import annotate_regions
from annotations.fetch import read_sources
from annotations.introns import GeneJunctions, Transcript
from ldar_interp.assets.demo import DEMO_FASTA, DEMO_MANIFEST
from ldar_interp.errors import InputError
from ldar_interp.genome.intervals import Interval

REGION = Interval("chr1", 100, 200)
ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ.get("LDAR_INTERP_SOURCES", ROOT / "runs" / "sources"))


def place(letters: dict[int, str]) -> dict[Interval, str]:
    """A region of A with letters put at chromosome positions."""
    sequence = ["A"] * len(REGION)
    for start, text in letters.items():
        sequence[start - REGION.start : start - REGION.start + len(text)] = text
    return {REGION: "".join(sequence)}


def test_region_is_read_with_its_case_or_refused():
    region = Interval("chr1", 99, 107)
    assert record_name(region) == "chr1:100-107"
    assert read_region(">chr1 100 107\nACgt\nNACG\n\n", region) == "ACgtNACG"
    with pytest.raises(InputError, match=r"'>chr1 99 107' with 8 letters; wanted '>chr1 100 107'"):
        read_region(">chr1 99 107\nACgtNACG\n", region)
    with pytest.raises(InputError, match=r"with 7 letters; wanted .* with 8"):
        read_region(">chr1 100 107\nACgtNAC\n", region)


def test_classes_are_read_on_the_strand_of_the_intron():
    sequences = place({110: "GT", 138: "AG", 150: "CT", 178: "GC"})
    plus, minus = ("chr1", 110, 140, "+"), ("chr1", 150, 180, "-")
    assert count_classes([plus], sequences) == {"GT-AG": 1}
    assert count_classes([minus], sequences) == {"GC-AG": 1}
    assert count_classes([("chr1", 150, 180, "+")], sequences) == {"other": 1}
    lower = {region: letters.lower() for region, letters in sequences.items()}
    assert count_classes([plus, minus], lower) == {"GT-AG": 1, "GC-AG": 1}


def test_introns_and_edges_are_counted_once():
    transcript = Transcript("T", "chr1", "-", ((102, 110), (150, 160)))
    genes = [
        GeneJunctions("ENSG1", "chr1", "-", (101, 190), (110,), (150, 180)),
        GeneJunctions("ENSG2", "chr1", "-", (101, 190), (110,), (150,)),
    ]
    annotation = annotate_regions([REGION], [transcript], genes)
    assert list_introns(annotation) == [("chr1", 110, 150, "-"), ("chr1", 110, 180, "-")]
    counts = count_annotation(annotation, place({}))
    # T fits both genes, so it joins neither and is a gene of its own.
    assert (counts["genes"], counts["genes_with_ensg"]) == (3, 2)
    assert (counts["introns"], counts["donors"], counts["acceptors"]) == (2, 2, 1)
    assert (counts["intron_rows"], counts["introns_other"]) == (3, 2)


def test_fasta_and_indexes_give_random_access(tmp_path):
    letters = ("ACGGT" * 40_000)[: 3 * 65_536 + 17]
    sequences = {Interval("chr1", 9, 9 + len(letters)): letters, REGION: "T" * 100}
    text, fai = format_fasta(sequences)
    assert max(map(len, text.decode().splitlines())) <= max(LINE_BP, len(">chr1:10-196634"))
    path = tmp_path / "x.fa.gz"
    gzi = compress_bgzip(text, path)
    assert gzip.decompress(path.read_bytes()) == text
    Path(f"{path}.fai").write_bytes(fai)
    Path(f"{path}.gzi").write_bytes(gzi)
    with pyfaidx.Fasta(str(path), rebuild=False, build_index=False) as fasta:
        assert list(fasta.keys()) == [record_name(region) for region in sequences]
        for start in (0, 59, 65_530, 131_070, len(letters) - 20):
            assert str(fasta[0][start : start + 20]) == letters[start : start + 20]
        assert str(fasta["chr1:101-200"][:]) == "T" * 100


def test_gzip_is_the_same_at_any_time():
    assert compress_gzip(b"abc") == compress_gzip(b"abc")
    assert compress_gzip(b"abc")[4:8] == b"\0\0\0\0"
    assert gzip.decompress(compress_gzip(b"abc")) == b"abc"


def test_toml_quotes_file_names():
    text = format_toml({"sha256": {"a.fa": "ff"}, "left_out": {"genes": ("x", "y"), "none": ()}})
    assert text.endswith('\n[sha256]\n"a.fa" = "ff"\n\n[left_out]\ngenes = ["x", "y"]\nnone = []\n')


def test_program_ends_with_2_when_a_package_is_another_one(tmp_path, capsys):
    (tmp_path / read_sources()["augustus-doc"].file).write_bytes(b"something else")
    out = tmp_path / "out"
    assert main(["--work", str(tmp_path), "--out", str(out)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ") and message.count("\n") == 1
    assert "sha256" in message and "delete the file and fetch it again" in message
    assert not out.exists()


@pytest.mark.slow
def test_rebuilding_gives_the_shipped_files(tmp_path):
    sources = read_sources()
    missing = [s.file for s in sources.values() if s.group == "demo"]
    missing = [name for name in missing if not (CACHE / name).exists()]
    if missing:
        pytest.skip(
            f"{', '.join(missing)} not in {CACHE}; `python -m annotations.fetch` fetches them "
            "(or set LDAR_INTERP_SOURCES)"
        )
    build(sources, CACHE, tmp_path)
    shipped = DEMO_FASTA.parent
    for name in ("demo.fa.gz", "demo.gtf.gz"):
        assert gzip.decompress((tmp_path / name).read_bytes()) == gzip.decompress(
            (shipped / name).read_bytes()
        )
    if f'zlib = "{zlib.ZLIB_RUNTIME_VERSION}"' in DEMO_MANIFEST.read_text():
        for path in tmp_path.iterdir():
            assert path.read_bytes() == (shipped / path.name).read_bytes(), path.name
