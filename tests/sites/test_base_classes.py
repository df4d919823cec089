"""One class a base, by hand, on both strands."""

import gzip

import pytest

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.base_classes import BASE_CLASSES, classify_bases, read_bed_spans


def row(feature, start, end, strand="+", gene="G", frame="."):
    ids = f'gene_id "{gene}"; transcript_id "{gene}.1";'
    return "\t".join(map(str, ("c", "t", feature, start + 1, end, ".", strand, frame, ids)))


def spell(tmp_path, rows, **options) -> str:
    """One letter a base: C CDS, U UTR, E exon, P promoter, R repeat, i intron, . intergenic."""
    path = tmp_path / "a.gtf"
    path.write_text("\n".join(rows) + "\n")
    genome = Genome.from_records({"c": "A" * 40})
    found = classify_bases(path, genome, **options)
    letters = dict(zip(BASE_CLASSES, "CUEPRi.", strict=True))
    return "".join(letters[BASE_CLASSES[code]] for code in found.fetch("c", 0, 40))


CODING = [row("exon", 10, 16), row("exon", 22, 30), row("CDS", 13, 16, frame=0),
          row("CDS", 22, 25, frame=0), row("stop_codon", 25, 28, frame=0)]  # fmt: skip


def test_coding_gene_on_plus(tmp_path) -> None:
    found = spell(tmp_path, CODING, promoter_bp=4)
    assert found == "......PPPPUUUCCCiiiiiiCCCCCCUU.........."


def test_coding_gene_on_minus(tmp_path) -> None:
    rows = [r.replace("\t+\t", "\t-\t") for r in CODING]
    found = spell(tmp_path, rows, promoter_bp=4)
    assert found == "..........UUUCCCiiiiiiCCCCCCUUPPPP......"


def test_repeats_yield_to_exons_and_promoters_not_to_introns(tmp_path) -> None:
    bed = tmp_path / "r.bed"
    bed.write_text("c\t0\t9\nc\t14\t20\nc\t36\t99\n")
    found = spell(tmp_path, CODING, promoter_bp=4, repeats=bed)
    assert found == "RRRRRRPPPPUUUCCCRRRRiiCCCCCCUU......RRRRR"[:35] + "." + "RRRR"


def test_without_cds_all_exons_are_exon(tmp_path) -> None:
    path = tmp_path / "a.gtf"
    path.write_text(
        "\n".join([row("gene", 8, 34), row("exon", 10, 16), row("exon", 22, 30)]) + "\n"
    )
    found = classify_bases(path, Genome.from_records({"c": "A" * 40}), promoter_bp=4)
    codes = "".join("CUEPRi."[code] for code in found.fetch("c", 0, 40))
    assert codes == "......PPPPEEEEEEiiiiiiEEEEEEEEiiii......"
    assert found.absent == {
        "CDS": "the annotation has no CDS rows",
        "UTR": "the annotation has no CDS rows",
        "repeat": "no BED file of repeats was given",
    }
    assert sum(found.n_bases.values()) == 40


def test_a_non_coding_exon_yields_to_the_utr(tmp_path) -> None:
    found = spell(tmp_path, [*CODING, row("exon", 28, 35, gene="H")], promoter_bp=1)
    assert found[28:35] == "UUEEEEE"


def test_bed_files(tmp_path) -> None:
    path = tmp_path / "r.bed.gz"
    path.write_bytes(gzip.compress(b"# no\ntrack x\nc 1 5 name\n"))
    assert read_bed_spans(path).to_numpy().tolist() == [["c", 1, 5]]
    plain = tmp_path / "r.bed"
    plain.write_text("c\t5\t5\n")
    with pytest.raises(InputError, match=r"line 1: .* wanted chrom, start and end"):
        read_bed_spans(plain)
    plain.write_text("\n")
    with pytest.raises(InputError, match="has no interval"):
        read_bed_spans(plain)
    with pytest.raises(InputError, match="cannot be read as BED"):
        read_bed_spans(tmp_path / "absent.bed")


def test_wrong_places(tmp_path) -> None:
    with pytest.raises(InputError, match="promoter of 0 bp"):
        spell(tmp_path, CODING, promoter_bp=0)
    path = tmp_path / "a.gtf"
    found = classify_bases(path, Genome.from_records({"c": "A" * 40}))
    with pytest.raises(InputError, match="is not in one segment"):
        found.fetch("c", 30, 41)
