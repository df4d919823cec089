"""Transcripts and junctions of the two annotation tables, and the introns that they imply.

The two tables say different things, both from GENCODE on GRCh37:

- `spliceai` (grch37.txt): one canonical transcript a gene, with its exons. EXON_START is 0-based,
  EXON_END is the end, so both are edges. Introns lie between consecutive exons.
- `cispliceai` (grch37.csv): the isoforms of a gene collapsed into two *sets*: `jn_start`, the last
  bases of exons that a junction leaves, and `jn_end`, the first bases of exons that it enters, both
  1-based; the left edges of introns are `jn_start`, the right edges `jn_end - 1`. The sets differ
  in size in half of the genes: the table does not say which start goes with which end.

So every edge is the source's, and the pairing of the further edges into introns is ours:
`pair_junctions` says by which rule, `count_recovered` says how often that rule is right where the
truth is known.
"""

import csv
import io
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from ldar_interp.errors import InputError

Span = tuple[int, int]
MIN_INTRON_BP = 30


@dataclass(frozen=True)
class Transcript:
    """A canonical transcript; exons are [start, end) in edges, ascending. `name` is unique."""

    name: str
    chrom: str
    strand: str
    exons: tuple[Span, ...]

    @property
    def span(self) -> Span:
        return self.exons[0][0], self.exons[-1][1]

    @property
    def introns(self) -> tuple[Span, ...]:
        return tuple((left[1], right[0]) for left, right in pairwise(self.exons))


@dataclass(frozen=True)
class GeneJunctions:
    """A gene with the left and the right edges of its introns: two ascending sets, not pairs."""

    gene_id: str
    chrom: str
    strand: str
    span: Span
    left_edges: tuple[int, ...]
    right_edges: tuple[int, ...]

    def has_intron(self, intron: Span) -> bool:
        """Whether both edges of an intron are among the gene's."""
        return intron[0] in self.left_edges and intron[1] in self.right_edges


@dataclass
class PairedIntrons:
    """Introns of a gene [start, end), and the edges for which no partner was found."""

    known: set[Span] = field(default_factory=set)
    paired: set[Span] = field(default_factory=set)
    lone_edges: set[int] = field(default_factory=set)


def _split_ints(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(",") if part)


def _check_columns(found: Iterable[str] | None, wanted: Collection[str], table: str) -> None:
    missing = [name for name in wanted if name not in (found or ())]
    if missing:
        raise InputError(f"{table}: no column {', '.join(missing)}; wanted the pinned version")


def read_transcripts(text: str) -> list[Transcript]:
    """Canonical transcripts of spliceai's table, in its order, chromosomes named chr1...

    Raises
    ------
    InputError : a column is missing, exons and transcript disagree, or a name comes twice.
    """
    table = "spliceai grch37.txt"
    reader = csv.DictReader(io.StringIO(text), delimiter="\t")
    _check_columns(
        reader.fieldnames,
        ("#NAME", "CHROM", "STRAND", "TX_START", "TX_END", "EXON_START", "EXON_END"),
        table,
    )
    transcripts: dict[str, Transcript] = {}
    for row in reader:
        name = row["#NAME"]
        starts, ends = _split_ints(row["EXON_START"]), _split_ints(row["EXON_END"])
        whole = (int(row["TX_START"]), int(row["TX_END"]))
        edges = [edge for exon in zip(starts, ends, strict=False) for edge in exon]
        if len(starts) != len(ends) or edges != sorted(edges) or whole != (edges[0], edges[-1]):
            raise InputError(f"{table}: exons of {name} do not fill {whole[0]}-{whole[1]} in order")
        if name in transcripts:
            raise InputError(f"{table}: {name} comes twice; names are the transcripts' identifiers")
        exons = tuple(zip(starts, ends, strict=True))
        transcripts[name] = Transcript(name, f"chr{row['CHROM']}", row["STRAND"], exons)
    return list(transcripts.values())


def read_gene_junctions(text: str) -> list[GeneJunctions]:
    """Genes of cispliceai's table, in its order, as edges.

    Raises
    ------
    InputError : a column is missing.
    """
    reader = csv.DictReader(io.StringIO(text))
    columns = ("gene_id", "chr", "strand", "start", "end", "jn_start", "jn_end")
    _check_columns(reader.fieldnames, columns, "cispliceai grch37.csv")
    return [
        GeneJunctions(
            gene_id=row["gene_id"],
            chrom=row["chr"],
            strand=row["strand"],
            span=(int(row["start"]) - 1, int(row["end"])),
            left_edges=tuple(sorted(set(_split_ints(row["jn_start"])))),
            right_edges=tuple(sorted({end - 1 for end in _split_ints(row["jn_end"])})),
        )
        for row in reader
    ]


def join_gene_ids(
    transcripts: Iterable[Transcript], genes: Iterable[GeneJunctions]
) -> dict[str, str]:
    """Gene id of each transcript's name, by coordinates; absent where it is not certain.

    A transcript belongs to the one gene of its chromosome and strand that has *every* edge of its
    introns. A transcript without introns belongs to the one gene of its strand that overlaps it
    and that no other transcript took. Two candidates, or two transcripts for one gene: no join.
    """
    genes, transcripts = list(genes), list(transcripts)
    candidates: dict[str, list[str]] = {}
    for spliced in (True, False):
        taken = {ids[0] for ids in candidates.values() if len(ids) == 1}
        for transcript in transcripts:
            if bool(transcript.introns) != spliced:
                continue
            start, end = transcript.span
            here = [
                g for g in genes if (g.chrom, g.strand) == (transcript.chrom, transcript.strand)
            ]
            if spliced:
                found = [g for g in here if all(map(g.has_intron, transcript.introns))]
            else:
                found = [g for g in here if g.span[0] < end and start < g.span[1]]
                found = [g for g in found if g.gene_id not in taken]
            candidates[transcript.name] = [g.gene_id for g in found]
    claims = [ids[0] for ids in candidates.values() if len(ids) == 1]
    return {
        name: ids[0]
        for name, ids in candidates.items()
        if len(ids) == 1 and claims.count(ids[0]) == 1
    }


def find_right_edge(gene: GeneJunctions, left: int) -> int | None:
    """The nearest right edge of the gene at least MIN_INTRON_BP after a left edge."""
    index = bisect_left(gene.right_edges, left + MIN_INTRON_BP)
    return gene.right_edges[index] if index < len(gene.right_edges) else None


def find_left_edge(gene: GeneJunctions, right: int) -> int | None:
    """The nearest left edge of the gene at least MIN_INTRON_BP before a right edge."""
    index = bisect_right(gene.left_edges, right - MIN_INTRON_BP)
    return gene.left_edges[index - 1] if index else None


def pair_junctions(gene: GeneJunctions, canonical: Iterable[Span]) -> PairedIntrons:
    """Introns of a gene from its two sets of edges.

    First every canonical intron (of any transcript on the gene's chromosome and strand) that has
    both edges among the gene's: `known`. Then each edge that is left over takes the nearest facing
    edge of the same gene: `paired`. That is the shortest intron that uses the edge, and the right
    one for alternative donors, acceptors, cassette exons and first exons that nothing overlaps.

    Parameters
    ----------
    gene : the two sets.
    canonical : introns [start, end) on the gene's chromosome and strand.
    """
    result = PairedIntrons(known={intron for intron in canonical if gene.has_intron(intron)})
    lefts = {left for left, _ in result.known}
    rights = {right for _, right in result.known}
    for left in gene.left_edges:
        if left not in lefts:
            partner = find_right_edge(gene, left)
            if partner is None:
                result.lone_edges.add(left)
            else:
                result.paired.add((left, partner))
    for right in gene.right_edges:
        if right not in rights:
            partner = find_left_edge(gene, right)
            if partner is None:
                result.lone_edges.add(right)
            else:
                result.paired.add((partner, right))
    return result


def count_recovered(
    transcripts: Iterable[Transcript], genes: Iterable[GeneJunctions], gene_ids: dict[str, str]
) -> tuple[int, int]:
    """How often the nearest facing edge is the true partner, on canonical introns.

    Returns
    -------
    right, asked : both ends of every canonical intron of a joined transcript are asked once.
    """
    by_id = {gene.gene_id: gene for gene in genes}
    right = asked = 0
    for transcript in transcripts:
        if transcript.name in gene_ids:
            gene = by_id[gene_ids[transcript.name]]
            for start, end in transcript.introns:
                asked += 2
                right += find_right_edge(gene, start) == end
                right += find_left_edge(gene, end) == start
    return right, asked
