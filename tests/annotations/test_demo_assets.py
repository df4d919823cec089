"""The shipped demo region is what its README and manifest say, read with nothing but gzip."""

import gzip
import hashlib
import re
import struct
import tomllib
from itertools import pairwise

import pyfaidx
import pytest

from ldar_interp.assets.demo import DEMO_FASTA, DEMO_GTF, DEMO_MANIFEST

FIRST_BASE = {"chr3": 41_999_999, "chr4": 102_999_999}
NAMES = {"chr3": "chr3:42000000-44000000", "chr4": "chr4:103000000-105000000"}
COMPLEMENT = str.maketrans("ACGT", "TGCA")


@pytest.fixture(scope="module")
def manifest():
    return tomllib.loads(DEMO_MANIFEST.read_text())


@pytest.fixture(scope="module")
def sequences():
    text = gzip.decompress(DEMO_FASTA.read_bytes()).decode()
    records = dict(record.split("\n", 1) for record in text[1:].split("\n>"))
    return {name: body.replace("\n", "") for name, body in records.items()}


@pytest.fixture(scope="module")
def rows():
    found = []
    for line in gzip.decompress(DEMO_GTF.read_bytes()).decode().splitlines():
        if line.startswith("#"):
            continue
        chrom, source, feature, first, last, score, strand, frame, tags = line.split("\t")
        assert (score, frame) == (".", ".")
        assert re.fullmatch(r'(\w+ "[^"]+"; ?)+', tags)
        attributes = dict(re.findall(r'(\w+) "([^"]+)"', tags))
        found.append((chrom, source, feature, int(first) - 1, int(last), strand, attributes))
    return found


@pytest.fixture(scope="module")
def implied(rows):
    """Introns between consecutive exons, with their gene."""
    exons = {}
    for chrom, _, feature, start, end, strand, tags in rows:
        if feature == "exon":
            key = (chrom, strand, tags["gene_id"], tags["transcript_id"])
            exons.setdefault(key, []).append((start, end))
    return [
        (chrom, left[1], right[0], strand, gene)
        for (chrom, strand, gene, _), spans in exons.items()
        for left, right in pairwise(sorted(spans))
    ]


@pytest.fixture(scope="module")
def written(rows):
    """Introns written as such, with their gene."""
    return [(r[0], r[3], r[4], r[5], r[6]["gene_id"]) for r in rows if r[2] == "intron"]


def test_files_are_the_ones_of_the_manifest(manifest):
    for name, wanted in manifest["sha256"].items():
        found = hashlib.sha256((DEMO_FASTA.parent / name).read_bytes()).hexdigest()
        assert found == wanted, name
    for name, wanted in manifest["sha256_uncompressed"].items():
        data = gzip.decompress((DEMO_FASTA.parent / f"{name}.gz").read_bytes())
        assert hashlib.sha256(data).hexdigest() == wanted, name


def test_package_share_stays_small():
    assert sum(path.stat().st_size for path in DEMO_FASTA.parent.glob("demo.*")) < 2_000_000


def test_records_are_whole_upper_case_dna(sequences):
    assert list(sequences) == list(NAMES.values())
    for letters in sequences.values():
        assert len(letters) == 2_000_001
        assert set(letters) == set("ACGT")


def test_indexes_give_random_access(sequences):
    with pyfaidx.Fasta(str(DEMO_FASTA), rebuild=False, build_index=False) as fasta:
        for name, letters in sequences.items():
            for start in (0, 59, 60, 65_000, 1_234_567, 1_999_901):
                assert str(fasta[name][start : start + 100]) == letters[start : start + 100]


def test_gzi_lists_the_blocks():
    data = DEMO_FASTA.with_name("demo.fa.gz.gzi").read_bytes()
    (n_blocks,) = struct.unpack_from("<Q", data)
    offsets = list(struct.iter_unpack("<QQ", data[8:]))
    raw = DEMO_FASTA.read_bytes()
    assert len(offsets) == n_blocks
    for packed, unpacked in offsets:
        assert raw[packed : packed + 4] == b"\x1f\x8b\x08\x04"
        assert unpacked % 65_280 == 0 or unpacked % 65_536 == 0


def test_compressed_files_carry_no_time_and_no_name():
    for path in (DEMO_FASTA, DEMO_GTF):
        head = path.read_bytes()[:10]
        assert head[4:8] == b"\0\0\0\0"
        assert head[3] & 0b1000 == 0


def test_rows_lie_inside_their_region(rows):
    for chrom, _, feature, start, end, strand, _ in rows:
        assert feature in ("gene", "transcript", "exon", "intron")
        assert strand in "+-"
        assert FIRST_BASE[chrom] <= start < end <= FIRST_BASE[chrom] + 2_000_001


def test_rows_have_only_attributes_of_the_sources(rows):
    wanted = {"exon": {"gene_id", "transcript_id", "gene_name"}}
    wanted["transcript"] = wanted["exon"]
    for _, source, feature, *_, tags in rows:
        assert source in ("spliceai", "cispliceai")
        assert set(tags) <= wanted.get(feature, {"gene_id", "gene_name"})
        assert "gene_id" in tags
        assert re.fullmatch(r"ENSG\d{11}|RP4-613B23\.5", tags["gene_id"])


def test_genes_and_transcripts_span_their_parts(rows):
    spans = {r[6]["gene_id"]: r[3:5] for r in rows if r[2] == "gene"}
    exons = {}
    for _, _, feature, start, end, _, tags in rows:
        low, high = spans[tags["gene_id"]]
        assert low <= start < end <= high
        if feature == "exon":
            exons.setdefault(tags["transcript_id"], []).append((start, end))
    transcripts = {r[6]["transcript_id"]: r[3:5] for r in rows if r[2] == "transcript"}
    assert {name: (min(e)[0], max(e)[1]) for name, e in exons.items()} == transcripts


def test_introns_read_gt_ag(sequences, implied, written):
    introns = {intron[:4] for intron in implied + written}
    n_gt_ag = 0
    for chrom, start, end, strand in introns:
        letters = sequences[NAMES[chrom]][start - FIRST_BASE[chrom] : end - FIRST_BASE[chrom]]
        if strand == "-":
            letters = letters.translate(COMPLEMENT)[::-1]
        n_gt_ag += letters[:2] == "GT" and letters[-2:] == "AG"
    assert (n_gt_ag, len(introns)) == (377, 381)


def test_no_intron_is_written_twice(implied, written):
    assert len(set(written)) == len(written) == 120
    assert not set(written) & set(implied)


def test_known_introns_have_the_stated_edges(implied, written):
    # TRAK1 (+) exon 1 ends at 42,133,052 and exon 2 starts at 42,166,912 (1-based, UCSC style).
    assert ("chr3", 42_133_052, 42_166_911, "+", "ENSG00000182606") in implied
    # CCK (-): the last intron in the genome's order, then one that only further isoforms use.
    assert ("chr3", 42_305_124, 42_306_188, "-", "ENSG00000187094") in implied
    assert ("chr3", 42_305_124, 42_305_314, "-", "ENSG00000187094") in written


def test_counts_are_those_of_the_manifest_and_the_readme(manifest, rows, implied, written):
    introns = {intron[:4] for intron in implied + written}
    counts = manifest["counts"]
    donors = {(c, s if t == "+" else e, t) for c, s, e, t in introns}
    acceptors = {(c, e if t == "+" else s, t) for c, s, e, t in introns}
    assert (len(donors), len(acceptors)) == (counts["donors"], counts["acceptors"]) == (349, 328)
    assert len({r[6]["gene_id"] for r in rows}) == counts["genes"] == 34
    assert len({g for *_, g in implied + written}) == 34
    for feature in ("gene", "transcript", "exon", "intron"):
        assert sum(r[2] == feature for r in rows) == counts[f"{feature}_rows"]
    readme = (DEMO_FASTA.parent / "README.md").read_text()
    said = " ".join(readme.split())
    assert (
        "34 genes (33 with an ENSG id), 32 canonical transcripts, 314 exons, 120 `intron`" in said
    )
    assert "381 unique introns with 349 donors and 328 acceptors" in said
    recovered, asked = counts["canonical_ends_recovered"], counts["canonical_ends_asked"]
    assert f"{recovered} of {asked} ends ({100 * recovered / asked:.1f} %)" in said


def test_what_was_left_out_is_named(manifest):
    left_out = manifest["left_out"]
    assert left_out["transcripts_cut_by_the_end"] == ["ULK4"]
    assert left_out["transcripts_without_ensg"] == ["RP4-613B23.5"]
    assert left_out["edges_without_a_partner"] == []
    assert len(left_out["introns_that_leave_the_region"]) == 2
