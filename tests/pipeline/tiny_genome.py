"""Two chromosomes of about 20 kb with GT..AG genes on both strands, their GTF, a tiny checkpoint.

Each chromosome begins with a gene whose first donor lies 110 bp from its end, and the second holds
a run of 40 N that begins 20 bp after a donor: what has no value there must be counted.
"""

from pathlib import Path

import numpy as np

EXON_BP, INTRON_BP, GAP_BP, N_EXONS = 120, 420, 300, 4
N_GENES = 8
END_BP = 110
N_RUN_BP = 40
COMPLEMENT = str.maketrans("ACGTN", "TGCAN")


def write_genome(folder: Path, *, seed: int = 0) -> tuple[Path, Path]:
    """Write `genome.fa` and `genes.gtf` and return their paths."""
    rng = np.random.default_rng(seed)
    records, rows = [], []
    for number in range(2):
        chrom = f"chr{number + 1}"
        letters, parts = [], 0
        for gene in range(N_GENES):
            strand = "+-"[gene % 2]
            before = GAP_BP
            if gene == 0:
                # The first exon is cut so that its donor lies END_BP from the chromosome's end.
                before = 0
            letters.append(random_letters(rng, before))
            parts += before
            text, exons = make_gene(rng, first_bp=END_BP if gene == 0 else EXON_BP)
            size = len(text)
            if strand == "-":
                text = text.translate(COMPLEMENT)[::-1]
                exons = [(size - b, size - a) for a, b in exons]
            name = f"G{number}{gene}"
            tag = ' tag "MANE_Select";' if gene % 4 < 3 else ""
            kind = "protein_coding" if gene < 7 else "lncRNA"
            for a, b in exons:
                attributes = (
                    f'gene_id "{name}"; transcript_id "{name}.1"; gene_name "{name}"; '
                    f'gene_type "{kind}";{tag}'
                )
                row = (chrom, "test", "exon", parts + a + 1, parts + b, ".", strand, ".")
                rows.append("\t".join(map(str, (*row, attributes))))
            letters.append(text)
            parts += size
        letters.append(random_letters(rng, GAP_BP))
        records.append((chrom, "".join(letters)))
    # An N run inside the first intron of the third gene of chr2, 20 bp after its donor.
    chrom, text = records[1]
    third = [row.split("\t") for row in rows if '"G12"' in row]
    donor = int(third[0][4])
    records[1] = (chrom, text[: donor + 20] + "N" * N_RUN_BP + text[donor + 20 + N_RUN_BP :])
    fasta, gtf = folder / "genome.fa", folder / "genes.gtf"
    fasta.write_text("".join(f">{name}\n{wrap(text)}\n" for name, text in records))
    gtf.write_text("".join(f"{row}\n" for row in rows))
    return fasta, gtf


def make_gene(rng: np.random.Generator, *, first_bp: int) -> tuple[str, list[tuple[int, int]]]:
    """Letters of a gene, 5' to 3', and its exons."""
    text, exons = "", []
    for number in range(N_EXONS):
        start = len(text)
        text += random_letters(rng, first_bp if number == 0 else EXON_BP)
        exons.append((start, len(text)))
        if number < N_EXONS - 1:
            donor = weaken(rng, "AAGT")
            acceptor = weaken(rng, "TTTCTTTCTTTTTTGC")
            text += "GT" + donor + random_letters(rng, INTRON_BP - 24) + acceptor + "AG"
    return text, exons


def weaken(rng: np.random.Generator, motif: str) -> str:
    """Half of a motif's letters: sites of all strengths, so that some have equals elsewhere."""
    keep = rng.random(len(motif)) < 0.5
    noise = random_letters(rng, len(motif))
    return "".join(a if k else b for a, b, k in zip(motif, noise, keep, strict=True))


def random_letters(rng: np.random.Generator, n: int) -> str:
    return "".join(rng.choice(list("ACGT"), size=n).tolist())


def wrap(text: str, width: int = 60) -> str:
    return "\n".join(text[i : i + width] for i in range(0, len(text), width))
