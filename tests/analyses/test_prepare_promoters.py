"""Regions of two assemblies side by side: names, coordinates, starts of both formats."""

import gzip

import pytest
from typer.testing import CliRunner

from analyses.promoter_profile.prepare import main, read_sga
from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome

REGIONS = """
[[region]]
set = "one"
assembly = "old"
region = "chr3:11-40"
fasta = "old.fa"

[[region]]
set = "one"
assembly = "new"
region = "chr20:1-30"
fasta = "new.fa"

[assembly.new]
gtf = ["new.gtf.gz"]
epd_bed = "new.bed.gz"

[assembly.old]
transcripts = "old.txt.gz"
epd_sga = "old.sga.gz"
"""
OLD = "ACGTTGCAAC" * 5


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "old.fa").write_text(f">chr3\n{OLD}\n")
    (tmp_path / "new.fa").write_text(">chr20\n" + "GATTACAGGC" * 4 + "\n")
    gene = 'gene_id "A"; transcript_id "A.1"; gene_name "A"; gene_type "protein_coding";'
    files = {
        "new.gtf.gz": f"#head\nchr20\tx\texon\t5\t9\t.\t+\t.\t{gene}\n"
        f"chr20\tx\texon\t31\t39\t.\t+\t.\t{gene}\n",
        "new.bed.gz": "chr20\t4\t5\tA_1\t0\t+\nchr20\t35\t36\tA_2\t0\t-\n",
        "old.txt.gz": "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\n"
        "B\t3\t-\t12\t20\t12,16,\t14,20,\nC\t3\t+\t42\t48\t42,\t48,\n",
        "old.sga.gz": "NC_000003.11\tTSS\t20\t-\t1\tB_1\t2\nNC_000003.11\tTSS\t10\t+\t1\tX\t2\n",
    }
    for name, text in files.items():
        with gzip.open(tmp_path / name, "wt") as handle:
            handle.write(text)
    (tmp_path / "regions.toml").write_text(REGIONS)
    return tmp_path


def test_a_set_of_two_assemblies(folder):
    import typer

    app = typer.Typer()
    app.command()(main)
    words = ["--data", folder, "--out", folder / "out", "--regions", folder / "regions.toml"]
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    made = folder / "out" / "one"
    with Genome(made / "genome.fa") as genome:
        assert [(s.chrom, s.start, s.end) for s in genome.segments] == [
            ("old.chr3", 10, 40), ("new.chr20", 0, 30),
        ]  # fmt: skip
        with Genome(folder / "old.fa") as whole:
            piece = genome.fetch("old.chr3", 10, 40)
            assert (piece == whole.fetch("chr3", 10, 40)).all()
    rows = [line.split("\t") for line in (made / "genes.gtf").read_text().splitlines()]
    # Only what touches a region; exons of the table are 0-based, of a GTF 1-based.
    assert [(row[0], row[3], row[4], row[6]) for row in rows] == [
        ("old.chr3", "13", "14", "-"), ("old.chr3", "17", "20", "-"), ("new.chr20", "5", "9", "+"),
    ]  # fmt: skip
    starts = [line.split("\t") for line in (made / "epd.bed").read_text().splitlines()]
    # SGA is 1-based: position 20 is base 19. Position 10 is base 9, before the region.
    assert starts == [
        ["old.chr3", "19", "20", "B_1", "0", "-"], ["new.chr20", "4", "5", "A_1", "0", "+"],
    ]  # fmt: skip


def test_a_name_that_is_no_accession_is_an_error(folder):
    with gzip.open(folder / "bad.gz", "wt") as handle:
        handle.write("chr3\tTSS\t20\t-\t1\tB_1\t2\n")
    with pytest.raises(InputError, match="chromosome 'chr3'; wanted a name like NC_000003"):
        list(read_sga(folder / "bad.gz"))
