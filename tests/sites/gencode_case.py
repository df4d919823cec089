"""A 60-bp genome with a gene on either strand that one can check by eye.

    0         1         2         3         4         5
    012345678901234567890123456789012345678901234567890123456789
    AAAAAGTCCCCCCCAGAAAACCCCCCCCCCTTTTTTCTAAAAAAACTTTTTTTTTTTTTT
    pppppGT.......AGpppp          mmmmmmCT......ACmmmmmm

Gene P, plus strand: exons [0, 5) and [16, 20), intron [5, 16): donor edge 5, acceptor edge 16.
Gene M, minus strand: exons [30, 36) and [46, 52), intron [36, 46): donor edge 46, acceptor 36.
"""

from ldar_interp.genome.fasta import Genome

SEQUENCE = (
    "AAAAA" "GTCCCCCCCAG" "AAAA" "CCCCCCCCCC" "TTTTTT" "CTAAAAAAAC" "TTTTTT" "TTTTTTTT"
)  # fmt: skip

EXONS = (("P", "+", 1, 5), ("P", "+", 17, 20), ("M", "-", 31, 36), ("M", "-", 47, 52))
"""Gene, strand, first and last base, 1-based as in a GTF."""


def make_genome(**records):
    return Genome.from_records(records or {"chr1": SEQUENCE})


def write_gtf(path, *lines):
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def row(feature, start, end, strand, attributes, chrom="chr1"):
    return "\t".join([chrom, "test", feature, str(start), str(end), ".", strand, ".", attributes])


def exon_rows(template='gene_id "{0}"; transcript_id "{0}.1";', chrom="chr1", shift=0):
    """The exons of both genes; `template` takes the gene's id."""
    return [
        row("exon", start + shift, end + shift, strand, template.format(gene), chrom)
        for gene, strand, start, end in EXONS
    ]
