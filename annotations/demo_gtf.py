"""The demo region's annotation: which rows, in which order, and what is left out.

Written from the sources and nothing else: `gene_id` is cispliceai's ENSG id where the join is
certain, else spliceai's name; `gene_name` and `transcript_id` are spliceai's name; no gene type,
no tags, no versions, because the sources give none.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from annotations.introns import (
    GeneJunctions,
    Span,
    Transcript,
    join_gene_ids,
    pair_junctions,
)
from ldar_interp.genome.intervals import Interval


@dataclass(frozen=True)
class GtfRow:
    """One row: bases [start, end), 0-based; written 1-based and closed."""

    chrom: str
    source: str
    feature: str
    start: int
    end: int
    strand: str
    attributes: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        tags = " ".join(f'{key} "{value}";' for key, value in self.attributes)
        fields = (self.chrom, self.source, self.feature, self.start + 1, self.end)
        return "\t".join([*map(str, fields), ".", self.strand, ".", tags])


@dataclass
class _Gene:
    """A gene while it is put together; `source` is the table that its id comes from."""

    gene_id: str
    chrom: str
    strand: str
    source: str
    name: str | None = None
    spans: list[Span] = field(default_factory=list)
    transcript: Transcript | None = None
    introns: set[Span] = field(default_factory=set)


@dataclass(frozen=True)
class DemoAnnotation:
    """Rows in the order of the file, and what was not written, by reason, as sorted names."""

    rows: tuple[GtfRow, ...]
    left_out: dict[str, tuple[str, ...]]


def overlaps(region: Interval, chrom: str, span: Span) -> bool:
    """Whether [start, end) shares a base with the region."""
    return chrom == region.chrom and span[0] < region.end and region.start < span[1]


def holds(region: Interval, span: Span) -> bool:
    """Whether [start, end) lies wholly inside the region (the chromosome is not looked at)."""
    return region.start <= span[0] and span[1] <= region.end


def _gene_rows(gene: _Gene, region: Interval) -> Iterable[GtfRow]:
    named = (("gene_name", gene.name),) if gene.name else ()
    of_gene = (("gene_id", gene.gene_id), *named)
    whole = (min(start for start, _ in gene.spans), max(end for _, end in gene.spans))
    if holds(region, whole):
        yield GtfRow(gene.chrom, gene.source, "gene", *whole, gene.strand, of_gene)
    if gene.transcript is not None:
        name = gene.transcript.name
        tags = (of_gene[0], ("transcript_id", name), *named)
        span = gene.transcript.span
        yield GtfRow(gene.chrom, "spliceai", "transcript", *span, gene.strand, tags)
        step = -1 if gene.strand == "-" else 1
        for exon in gene.transcript.exons[::step]:
            yield GtfRow(gene.chrom, "spliceai", "exon", *exon, gene.strand, tags)
    for intron in sorted(gene.introns):
        yield GtfRow(gene.chrom, "cispliceai", "intron", *intron, gene.strand, of_gene)


def _annotate_region(
    region: Interval, transcripts: Sequence[Transcript], genes: Sequence[GeneJunctions]
) -> tuple[list[GtfRow], dict[str, list[str]]]:
    transcripts = [t for t in transcripts if overlaps(region, t.chrom, t.span)]
    genes = [g for g in genes if overlaps(region, g.chrom, g.span)]
    gene_ids = join_gene_ids(transcripts, genes)
    left_out: dict[str, list[str]] = {
        "transcripts_cut_by_the_end": [],
        "introns_that_leave_the_region": [],
        "edges_without_a_partner": [],
        "genes_with_nothing_inside": [],
        "transcripts_without_ensg": [t.name for t in transcripts if t.name not in gene_ids],
    }
    made: dict[str, _Gene] = {}
    for junctions in genes:
        gene = _Gene(junctions.gene_id, junctions.chrom, junctions.strand, "cispliceai")
        gene.spans.append(junctions.span)
        made[gene.gene_id] = gene
    for transcript in transcripts:
        gene_id = gene_ids.get(transcript.name, transcript.name)
        if gene_id not in made:
            made[gene_id] = _Gene(gene_id, transcript.chrom, transcript.strand, "spliceai")
        gene = made[gene_id]
        gene.name = transcript.name
        gene.spans.append(transcript.span)
        # Exons of a cut transcript would read as a shorter transcript with a false end.
        if holds(region, transcript.span):
            gene.transcript = transcript
        else:
            left_out["transcripts_cut_by_the_end"].append(transcript.name)
            gene.introns.update(transcript.introns)
    for junctions in genes:
        gene = made[junctions.gene_id]
        canonical = {i for t in transcripts if t.strand == gene.strand for i in t.introns}
        pairs = pair_junctions(junctions, canonical)
        gene.introns |= pairs.known | pairs.paired
        left_out["edges_without_a_partner"] += [
            f"{gene.gene_id}:{edge}"
            for edge in sorted(pairs.lone_edges)
            if region.start <= edge <= region.end
        ]
    rows: list[GtfRow] = []
    for gene in sorted(made.values(), key=lambda g: (min(g.spans), g.gene_id)):
        if gene.transcript is not None:
            gene.introns -= set(gene.transcript.introns)
        crossing = [i for i in gene.introns if overlaps(region, gene.chrom, i)]
        left_out["introns_that_leave_the_region"] += [
            f"{gene.gene_id}:{start}-{end}"
            for start, end in sorted(crossing)
            if not holds(region, (start, end))
        ]
        gene.introns = {intron for intron in gene.introns if holds(region, intron)}
        if gene.transcript is None and not gene.introns:
            left_out["genes_with_nothing_inside"].append(gene.gene_id)
        else:
            rows.extend(_gene_rows(gene, region))
    return rows, left_out


def annotate_regions(
    regions: Iterable[Interval],
    transcripts: Sequence[Transcript],
    genes: Sequence[GeneJunctions],
) -> DemoAnnotation:
    """Rows of all regions, genes by start, each with its transcript, exons 5' to 3', introns.

    A canonical transcript is written when it lies wholly inside its region; introns are written
    when they lie wholly inside, and only when consecutive exons of the same gene do not already
    imply them. A gene row spans cispliceai's gene and the canonical transcript, which comes from
    an older GENCODE release and can reach further; it is written when that lies wholly inside.
    """
    rows: list[GtfRow] = []
    left_out: dict[str, list[str]] = {}
    for region in regions:
        found, missing = _annotate_region(region, transcripts, genes)
        rows += found
        for reason, names in missing.items():
            left_out.setdefault(reason, []).extend(names)
    return DemoAnnotation(tuple(rows), {k: tuple(sorted(v)) for k, v in left_out.items()})
