"""Build the embedded demo region from Debian and PyPI packages.

    python -m annotations.build_demo_region --work runs/sources

Writes demo.fa.gz (bgzip, with .fai and .gzi), demo.gtf.gz and demo.toml (sha256 and counts) into
ldar_interp/assets/demo. The same packages give the same letters and rows everywhere, and the same
bytes wherever zlib is the same release (demo.toml names it).
"""

import argparse
import gzip
import hashlib
import io
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

from Bio import bgzf

from annotations.demo_gtf import DemoAnnotation, annotate_regions, overlaps
from annotations.fetch import DEFAULT_WORK, Source, fetch_source, read_member, read_sources
from annotations.introns import (
    count_recovered,
    join_gene_ids,
    read_gene_junctions,
    read_transcripts,
)
from ldar_interp.errors import InputError, LdarError
from ldar_interp.genome.alphabet import decode, encode, reverse_complement
from ldar_interp.genome.intervals import Interval

OUT = Path(__file__).resolve().parent.parent / "ldar_interp" / "assets" / "demo"
LINE_BP = 60
_TUTORIAL = "usr/share/doc/augustus/tutorial/data/"
REGIONS = {
    _TUTORIAL + "chr3.42M.fa": Interval("chr3", 41_999_999, 44_000_000),
    _TUTORIAL + "chr4.103M.fa": Interval("chr4", 102_999_999, 105_000_000),
}
GTF_HEADER = """\
##description: human GRCh37 (hg19) chr3:42000000-44000000 and chr4:103000000-105000000, demo region
##provider: exons from spliceai 1.3.1 (GENCODE v24 canonical transcripts), genes and introns from
##provider: cispliceai 1.2.2 (GENCODE isoforms, collapsed; CC-BY-4.0, Strauch et al. 2022)
##format: gtf
"""


def record_name(region: Interval) -> str:
    """A region as samtools names it: 1-based, both ends included."""
    return f"{region.chrom}:{region.start + 1}-{region.end}"


def read_region(text: str, region: Interval) -> str:
    """Letters of a tutorial file whose header is `>chrom first last`, case kept.

    Raises
    ------
    InputError : the header or the length is not the region's.
    """
    header, _, body = text.partition("\n")
    wanted = f">{region.chrom} {region.start + 1} {region.end}"
    letters = body.replace("\n", "")
    if header != wanted or len(letters) != len(region):
        raise InputError(
            f"augustus-doc: {header!r} with {len(letters)} letters; wanted {wanted!r} with "
            f"{len(region)}: use the pinned version"
        )
    return letters


def count_classes(
    introns: Iterable[tuple[str, int, int, str]], sequences: Mapping[Interval, str]
) -> Counter[str]:
    """Introns by the first and last two letters, 5' to 3': GT-AG, GC-AG, AT-AC, other."""
    classes: Counter[str] = Counter()
    for chrom, start, end, strand in introns:
        region = next(r for r in sequences if overlaps(r, chrom, (start, end)))
        ids = encode(sequences[region][start - region.start : end - region.start])
        letters = decode(reverse_complement(ids) if strand == "-" else ids)
        ends = f"{letters[:2]}-{letters[-2:]}"
        classes[ends if ends in ("GT-AG", "GC-AG", "AT-AC") else "other"] += 1
    return classes


def list_introns(annotation: DemoAnnotation) -> list[tuple[str, int, int, str]]:
    """Unique introns (chrom, start, end, strand) of the rows, exons and `intron` rows together."""
    found: set[tuple[str, int, int, str]] = set()
    exons: dict[str, list[tuple[int, int]]] = {}
    of: dict[str, tuple[str, str]] = {}
    for row in annotation.rows:
        if row.feature == "intron":
            found.add((row.chrom, row.start, row.end, row.strand))
        elif row.feature == "exon":
            name = dict(row.attributes)["transcript_id"]
            exons.setdefault(name, []).append((row.start, row.end))
            of[name] = (row.chrom, row.strand)
    for name, spans in exons.items():
        chrom, strand = of[name]
        ordered = sorted(spans)
        for left, right in pairwise(ordered):
            found.add((chrom, left[1], right[0], strand))
    return sorted(found)


def format_fasta(sequences: Mapping[Interval, str]) -> tuple[bytes, bytes]:
    """FASTA text with LINE_BP letters a line, and its .fai."""
    text, index = bytearray(), []
    for region, letters in sequences.items():
        name = record_name(region)
        text += f">{name}\n".encode()
        index.append(f"{name}\t{len(letters)}\t{len(text)}\t{LINE_BP}\t{LINE_BP + 1}\n")
        for at in range(0, len(letters), LINE_BP):
            text += letters[at : at + LINE_BP].encode() + b"\n"
    return bytes(text), "".join(index).encode()


def compress_bgzip(text: bytes, target: Path) -> bytes:
    """Write bgzip and return the .gzi: starts of all blocks but the first, little-endian u64.

    Source: the BGZF section of the SAM specification; htslib's `bgzip --index` for the .gzi.
    """
    with bgzf.BgzfWriter(str(target), "wb", compresslevel=9) as writer:
        writer.write(text)
    with target.open("rb") as handle:
        blocks = [(b[0], b[2]) for b in bgzf.BgzfBlocks(handle) if b[3] > 0]
    starts = [number for block in blocks[1:] for number in block]
    return struct.pack(f"<{1 + len(starts)}Q", len(blocks) - 1, *starts)


def compress_gzip(text: bytes) -> bytes:
    """Gzip without name and time, so that the same text is the same bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as writer:
        writer.write(text)
    return buffer.getvalue()


def count_annotation(
    annotation: DemoAnnotation, sequences: Mapping[Interval, str]
) -> dict[str, int]:
    """What demo.toml states; donors and acceptors are unique (chrom, edge, strand)."""
    introns = list_introns(annotation)
    rows = Counter(row.feature for row in annotation.rows)
    genes = {dict(row.attributes)["gene_id"] for row in annotation.rows}
    classes = count_classes(introns, sequences)
    donors = {(c, start if s == "+" else end, s) for c, start, end, s in introns}
    acceptors = {(c, end if s == "+" else start, s) for c, start, end, s in introns}
    return {
        "genes": len(genes),
        "genes_with_ensg": sum(gene.startswith("ENSG") for gene in genes),
        **{
            f"{feature}_rows": rows[feature] for feature in ("gene", "transcript", "exon", "intron")
        },
        "introns": len(introns),
        "donors": len(donors),
        "acceptors": len(acceptors),
        **{f"introns_{name.replace('-', '_').lower()}": n for name, n in sorted(classes.items())},
    }


def build(sources: Mapping[str, Source], work: Path, out: Path) -> dict[str, int]:
    """Fetch, read, join, write; return the counts.

    Raises
    ------
    InputError : a package cannot be had, or is not the pinned one.
    """

    def member(name: str, path: str) -> str:
        source = sources[name]
        return read_member(source, fetch_source(source, work), path).decode("ascii")

    sequences = {
        region: read_region(member("augustus-doc", path), region)
        for path, region in REGIONS.items()
    }
    transcripts = read_transcripts(member("spliceai", "spliceai/annotations/grch37.txt"))
    genes = read_gene_junctions(member("cispliceai", "cispliceai/data/grch37.csv"))
    annotation = annotate_regions(list(sequences), transcripts, genes)
    near = [t for t in transcripts if any(overlaps(r, t.chrom, t.span) for r in sequences)]
    near_genes = [g for g in genes if any(overlaps(r, g.chrom, g.span) for r in sequences)]
    recovered, asked = count_recovered(near, near_genes, join_gene_ids(near, near_genes))
    counts = count_annotation(annotation, sequences)
    counts |= {"canonical_ends_recovered": recovered, "canonical_ends_asked": asked}

    out.mkdir(parents=True, exist_ok=True)
    fasta, fai = format_fasta(sequences)
    gtf = (GTF_HEADER + "".join(f"{row}\n" for row in annotation.rows)).encode("ascii")
    gzi = compress_bgzip(fasta, out / "demo.fa.gz")
    (out / "demo.fa.gz.fai").write_bytes(fai)
    (out / "demo.fa.gz.gzi").write_bytes(gzi)
    (out / "demo.gtf.gz").write_bytes(compress_gzip(gtf))
    names = ("demo.fa.gz", "demo.fa.gz.fai", "demo.fa.gz.gzi", "demo.gtf.gz")
    tables: dict[str, Mapping[str, object]] = {
        "build": {"zlib": zlib.ZLIB_RUNTIME_VERSION},
        "packages": {s.name: s.version for s in sources.values() if s.group == "demo"},
        "sha256": {n: hashlib.sha256((out / n).read_bytes()).hexdigest() for n in names},
        "sha256_uncompressed": {
            "demo.fa": hashlib.sha256(fasta).hexdigest(),
            "demo.gtf": hashlib.sha256(gtf).hexdigest(),
        },
        "counts": counts,
        "left_out": annotation.left_out,
    }
    (out / "demo.toml").write_text(format_toml(tables), encoding="ascii")
    return counts


def format_toml(tables: Mapping[str, Mapping[str, object]]) -> str:
    """Tables of integers, strings and tuples of strings as TOML."""
    lines = ["# Written by annotations/build_demo_region.py; do not edit."]
    for title, table in tables.items():
        lines += ["", f"[{title}]"]
        for key, value in table.items():
            if isinstance(value, tuple):
                text = "[" + ", ".join(f'"{item}"' for item in value) + "]"
            else:
                text = str(value) if isinstance(value, int) else f'"{value}"'
            lines.append(f'"{key}" = {text}' if "." in key else f"{key} = {text}")
    return "\n".join(lines) + "\n"


def main(argv: Sequence[str] | None = None) -> int:
    """Build; exit code 2 when a package cannot be had or is not the pinned one."""
    parser = argparse.ArgumentParser(
        prog="python -m annotations.build_demo_region",
        description="Build the embedded demo region from Debian and PyPI packages.",
        epilog="example: python -m annotations.build_demo_region --work runs/sources",
    )
    parser.add_argument(
        "--work", type=Path, default=DEFAULT_WORK, help="downloads (default: %(default)s)"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="default: ldar_interp/assets/demo")
    arguments = parser.parse_args(argv)
    try:
        counts = build(read_sources(), arguments.work, arguments.out)
    except LdarError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, number in counts.items():
        print(f"{name}: {number}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
