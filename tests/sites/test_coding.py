"""Codons in frame, by hand, on both strands; elements made from a GTF."""

import numpy as np
import pytest

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.coding import find_codons
from ldar_interp.sites.elements import find_elements, read_elements
from ldar_interp.sites.gtf import FEATURES, read_gtf
from ldar_interp.sites.table import write_sites
from ldar_interp.sites.transcripts import describe_transcripts

LENGTH = 400


def row(feature, start, end, strand, frame=".", gene="G", transcript="T", chrom="c"):
    """A GTF row of the bases [start, end)."""
    ids = f'gene_id "{gene}"; transcript_id "{transcript}";'
    return "\t".join(map(str, (chrom, "t", feature, start + 1, end, ".", strand, frame, ids)))


def write(tmp_path, rows):
    path = tmp_path / "a.gtf"
    path.write_text("\n".join(rows) + "\n")
    return path


def codons_of(tmp_path, rows):
    exons = [r.replace("\tCDS\t", "\texon\t") for r in rows]
    gtf = read_gtf(write(tmp_path, [*exons, *rows]), features=(*FEATURES, "CDS"))
    return find_codons(gtf, describe_transcripts(gtf))


def test_codons_of_one_plus_row(tmp_path) -> None:
    table, counts = codons_of(tmp_path, [row("CDS", 100, 109, "+", 1)])
    assert table["edge"].tolist() == [101, 104]
    assert counts["codons_incomplete"] == 2  # before the frame, and two bases left over


def test_codons_of_one_minus_row(tmp_path) -> None:
    table, _ = codons_of(tmp_path, [row("CDS", 100, 109, "-", 1)])
    # 5' edges on the minus strand: bases [105, 108) and [102, 105).
    assert sorted(table["edge"]) == [105, 108]


def test_codon_split_by_an_intron_is_left_out_and_counted(tmp_path) -> None:
    # 7 + 8 = 15 bases, 5 codons: two whole, one over the intron, two whole.
    rows = [row("CDS", 10, 17, "+", 0), row("CDS", 40, 48, "+", 2)]
    table, counts = codons_of(tmp_path, rows)
    assert table["edge"].tolist() == [10, 13, 42, 45]
    assert (counts["codons_read"], counts["codons_split"], counts["codons_incomplete"]) == (4, 1, 0)


def test_codon_split_on_the_minus_strand(tmp_path) -> None:
    # The mirror image: edge e becomes 60 - e. Rows in the other order than the transcript.
    rows = [row("CDS", 12, 20, "-", 2), row("CDS", 43, 50, "-", 0)]
    table, counts = codons_of(tmp_path, rows)
    assert sorted(60 - table["edge"]) == [10, 13, 42, 45]
    assert counts["codons_split"] == 1


def test_a_codon_over_three_rows_is_one(tmp_path) -> None:
    rows = [
        row("CDS", 10, 14, "+", 0), row("CDS", 20, 21, "+", 2), row("CDS", 30, 34, "+", 1),
    ]  # fmt: skip
    table, counts = codons_of(tmp_path, rows)
    assert table["edge"].tolist() == [10, 31]
    assert counts["codons_split"] == 1


def test_frames_that_do_not_follow_leave_the_transcript_out(tmp_path) -> None:
    rows = [row("CDS", 10, 17, "+", 0), row("CDS", 40, 48, "+", 1)]
    table, counts = codons_of(tmp_path, rows)
    assert table.empty
    assert counts["transcripts_out_of_frame"] == 1


def test_missing_frame_leaves_the_transcript_out(tmp_path) -> None:
    table, counts = codons_of(tmp_path, [row("CDS", 10, 19, "+", ".")])
    assert table.empty
    assert counts["transcripts_without_frame"] == 1


def test_codon_of_two_transcripts_is_one(tmp_path) -> None:
    rows = [row("CDS", 10, 16, "+", 0, transcript=t) for t in ("A", "B")]
    table, counts = codons_of(tmp_path, rows)
    assert table["edge"].tolist() == [10, 13]
    assert (counts["codons_read"], counts["codons"]) == (4, 2)


def coding_world(tmp_path):
    """One + gene with an intron [20, 50) GT..AG, its CDS, start codon; the rest is A."""
    letters = np.array(list("A" * LENGTH))
    letters[20:22], letters[48:50] = list("GT"), list("AG")
    gtf = write(
        tmp_path,
        [
            row("exon", 10, 20, "+"), row("exon", 50, 70, "+"),
            row("CDS", 12, 20, "+", 0), row("CDS", 50, 66, "+", 1),
            row("start_codon", 12, 15, "+", 0),
        ],
    )  # fmt: skip
    return gtf, Genome.from_records({"c": "".join(letters)})


def test_elements_of_a_small_gene(tmp_path) -> None:
    gtf, genome = coding_world(tmp_path)
    found = find_elements(gtf, genome)
    table = found.table
    where = {k: sorted(rows["edge"]) for k, rows in table.groupby("kind")}
    assert where == {
        "donor_GT": [20], "acceptor_AG": [48], "tss": [10],
        "codon": [12, 15, 51, 54, 57, 60, 63], "start_codon": [12],
    }  # fmt: skip
    width = dict(zip(table["kind"], table["width_bp"], strict=True))
    assert width == {"donor_GT": 2, "acceptor_AG": 2, "tss": 0, "codon": 3, "start_codon": 3}
    assert found.counts["codon"]["codons_split"] == 1
    assert not found.absent


def test_acceptor_on_the_minus_strand(tmp_path) -> None:
    # Mirror image of an intron [20, 50): [350, 380), donor edge 380, acceptor edge 350.
    letters = np.array(list("A" * LENGTH))
    letters[378:380], letters[350:352] = list("AC"), list("CT")
    gtf = write(tmp_path, [row("exon", 380, 390, "-"), row("exon", 330, 350, "-")])
    found = find_elements(gtf, Genome.from_records({"c": "".join(letters)}))
    where = dict(zip(found.table["kind"], found.table["edge"], strict=True))
    # 5' to 3' runs downwards: AG is [350, 352), its 5' border is the edge 352.
    assert where == {"donor_GT": 380, "acceptor_AG": 352, "tss": 390}
    assert found.absent == {
        "codon": "the annotation has no CDS rows",
        "start_codon": "the annotation has no start_codon rows",
    }


def test_wrong_frames_are_an_error(tmp_path) -> None:
    gtf = write(tmp_path, [row("exon", 0, 300, "+"), row("CDS", 0, 300, "+", 0)])
    genome = Genome.from_records({"c": "TAA" * 100})
    # The first codon has no three letters before it, which the reader of letters asks for.
    with pytest.raises(InputError, match="99 of 99 codons read as a stop; wanted at most 2 %"):
        find_elements(gtf, genome, kinds=("codon",))


def test_unknown_kind(tmp_path) -> None:
    gtf, genome = coding_world(tmp_path)
    with pytest.raises(InputError, match="no kind of element is called 'exon'; wanted some of"):
        find_elements(gtf, genome, kinds=("exon",))


def test_elements_from_a_table(tmp_path) -> None:
    gtf, genome = coding_world(tmp_path)
    path = tmp_path / "hits.tsv"
    table = find_elements(gtf, genome, kinds=("codon",)).table
    write_sites(path, table)
    assert read_elements(path)["edge"].tolist() == table["edge"].tolist()
    write_sites(path, table.drop(columns="width_bp"))
    with pytest.raises(InputError, match="has no column 'width_bp'"):
        read_elements(path)
    write_sites(path, table.assign(width_bp=-1))
    with pytest.raises(InputError, match="has no width_bp >= 0"):
        read_elements(path)
    controls = table.assign(set="C0", matched_to="x", draw=0)
    write_sites(path, controls)
    with pytest.raises(InputError, match="no row of the set 'site'"):
        read_elements(path)
