"""Small simulated genomes with genes on both strands, for the tests of the control ladder."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from ldar_interp.genome.fasta import Genome
from ldar_interp.sites.gencode import SpliceAnnotation

COMPLEMENT = str.maketrans("ACGTNacgtn", "TGCANtgcan")
DONOR, ACCEPTOR = "CAGGTAAGT", "TTTTCTTTCTTTCTTTTCAGG"
EXON_BP, N_EXONS = 220, 4


def reverse_complement(text: str) -> str:
    return text.translate(COMPLEMENT)[::-1]


class Simulated(NamedTuple):
    records: dict[str, str]
    sites: pd.DataFrame
    annotation: SpliceAnnotation

    @property
    def genome(self) -> Genome:
        return Genome.from_records(self.records)


def random_letters(rng: np.random.Generator, n: int) -> str:
    return "".join(rng.choice(list("ACGT"), size=n))


def make_annotation(
    sites: pd.DataFrame, genes: pd.DataFrame, exons: pd.DataFrame
) -> SpliceAnnotation:
    edges = pd.DataFrame(
        {
            "chrom": pd.concat([exons["chrom"], exons["chrom"]]),
            "edge": pd.concat([exons["start"], exons["end"]]),
        }
    ).drop_duplicates(ignore_index=True)
    return SpliceAnnotation(
        sites=sites,
        introns=pd.DataFrame(),
        genes=genes,
        exons=exons,
        edges=edges,
        counts={},
        absent_chroms=(),
        chrom_names={},
    )


def simulate(
    seed: int = 0,
    n_genes: int = 6,
    donor: str = DONOR,
    exon_bp: int = EXON_BP,
    intron_bp: int = 900,
    fidelity: float = 0.8,
) -> Simulated:
    """One chromosome; gene i is on `+` for even i. `fidelity` is the share of consensus letters."""
    rng = np.random.default_rng(seed)
    step = N_EXONS * exon_bp + (N_EXONS - 1) * intron_bp + 600
    length = n_genes * step + 600
    genes, exons, sites = [], [], []
    chromosome = list(random_letters(rng, length))
    for gene in range(n_genes):
        start, strand = 600 + gene * step, "+" if gene % 2 == 0 else "-"
        bounds = [
            (k * (exon_bp + intron_bp), k * (exon_bp + intron_bp) + exon_bp) for k in range(4)
        ]
        end = start + bounds[-1][1]
        local = list(random_letters(rng, end - start))
        for k, (first, last) in enumerate(bounds):
            if k < N_EXONS - 1:
                plant(local, last - 3, donor, rng, fidelity, keep=(3, 4))
            if k > 0:
                plant(local, first - 20, ACCEPTOR, rng, fidelity, keep=(18, 19))
        text = "".join(local)
        chromosome[start:end] = text if strand == "+" else reverse_complement(text)
        place = (lambda x, s=start: s + x) if strand == "+" else (lambda x, e=end: e - x)
        name = f"gene{gene}"
        genes.append(("chr1", start, end, strand, name, name, f"locus{gene}"))
        for k, (first, last) in enumerate(bounds):
            low, high = sorted((place(first), place(last)))
            exons.append(("chr1", low, high, strand, name))
            if k < N_EXONS - 1:
                sites.append(("chr1", place(last), strand, "donor", f"locus{gene}", name))
            if k > 0:
                sites.append(("chr1", place(first), strand, "acceptor", f"locus{gene}", name))
    table = pd.DataFrame(sites, columns=["chrom", "edge", "strand", "kind", "group", "gene_id"])
    table["set"] = "site"
    table["site_id"] = [f"s{i}" for i in range(len(table))]
    columns = ["chrom", "start", "end", "strand", "gene_id", "gene_name", "group"]
    gene_table = pd.DataFrame(genes, columns=columns)
    exon_table = pd.DataFrame(exons, columns=["chrom", "start", "end", "strand", "gene_id"])
    annotation = make_annotation(table, gene_table, exon_table)
    return Simulated({"chr1": "".join(chromosome)}, table, annotation)


def plant(
    letters: list[str],
    at: int,
    motif: str,
    rng: np.random.Generator,
    fidelity: float,
    keep: tuple[int, int],
) -> None:
    """Write a share of a motif's letters, and always the two that must stay."""
    for i, letter in enumerate(motif):
        if i in keep or rng.random() < fidelity:
            letters[at + i] = letter


def mirror(world: Simulated) -> Simulated:
    """The same world read from the other end."""
    length = len(world.records["chr1"])
    records = {"chr1": reverse_complement(world.records["chr1"])}
    flip = {"+": "-", "-": "+"}

    def turn(table: pd.DataFrame) -> pd.DataFrame:
        result = table.copy()
        if "edge" in table:
            result["edge"] = length - table["edge"]
        if "start" in table:
            result["start"], result["end"] = length - table["end"], length - table["start"]
        result["strand"] = table["strand"].map(flip)
        return result

    sites, old = turn(world.sites), world.annotation
    return Simulated(records, sites, make_annotation(sites, turn(old.genes), turn(old.exons)))


def letters_at(records: dict[str, str], row: pd.Series, first: int, last: int) -> str:
    """Bases [first, last) around an edge, 5' to 3' of its strand, by plain string slicing."""
    text, edge = records[row["chrom"]], int(row["edge"])
    if row["strand"] == "+":
        return text[edge + first : edge + last].upper()
    return reverse_complement(text[edge - last : edge - first]).upper()
