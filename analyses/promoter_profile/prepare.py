"""One genome, annotation and list of measured starts for each set of regions.

Example: python -m analyses.promoter_profile.prepare --data DIR --out runs/promoters

Regions of two assemblies stand side by side under names of their own (`hg19.chr3`, `hg38.chr20`),
with the coordinates of their chromosomes. For each set of regions.toml it writes `SET/genome.fa`,
`SET/genes.gtf` and `SET/epd.bed`; what lies outside the regions is left out and counted.
"""

import csv
import gzip
import re
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import typer

from ldar_interp.command_line import one_line_errors, run_program, say
from ldar_interp.errors import InputError
from ldar_interp.genome.alphabet import decode
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.genome.regions import parse_region
from ldar_interp.program import options

FOLDER = Path(__file__).resolve().parent
LINE_BP = 80
REFSEQ = re.compile(r"NC_0000(\d\d)\.\d+")
STARTS = ("epd_bed", "epd_sga")
SEX_CHROMOSOMES = {23: "chrX", 24: "chrY"}


class Piece(NamedTuple):
    """A region of an assembly, in a set."""

    set_name: str
    assembly: str
    fasta: str
    region: Interval

    @property
    def chrom(self) -> str:
        """Name of the chromosome in what is written."""
        return f"{self.assembly}.{self.region.chrom}"


def main(
    data: Annotated[Path, typer.Option(help="Folder of the files that the regions name.")],
    out: Annotated[Path, typer.Option(help="Folder for the sets.")] = Path("runs/promoters"),
    regions: Annotated[Path, typer.Option(help="Which regions.")] = FOLDER / "regions.toml",
    debug: options.Debug = False,
) -> None:
    """Write genome, annotation and measured starts of each set of regions."""
    with one_line_errors("prepare", debug=debug):
        config = tomllib.loads(regions.read_text())
        prepare_sets(config, data, out, list(dict.fromkeys(row["set"] for row in config["region"])))


def prepare_sets(
    config: dict[str, Any], data: Path, out: Path, names: Sequence[str]
) -> dict[str, Path]:
    """Write the files of some sets; nothing else is read.

    Parameters
    ----------
    config : what regions.toml holds: `region` rows, and what each `assembly` has.
    data : folder of the files that it names.
    out : the set's name becomes a folder in it.

    Returns
    -------
    The folder of each set, with `genome.fa`, `genes.gtf` and, where measured starts are named,
    `epd.bed`.

    Raises
    ------
    InputError : a set without a region, or a file that is not in `data`.
    """
    known = list(dict.fromkeys(row["set"] for row in config["region"]))
    made = {}
    for name in names:
        if name not in known:
            raise InputError(f"no region is in set {name!r}; wanted some of {', '.join(known)}")
        mine = [
            Piece(row["set"], row["assembly"], row["fasta"], parse_region(row["region"]))
            for row in config["region"]
            if row["set"] == name
        ]
        sources = {piece.assembly: config["assembly"][piece.assembly] for piece in mine}
        check_files(mine, sources, data)
        folder = out / name
        folder.mkdir(parents=True, exist_ok=True)
        write_genome(folder / "genome.fa", mine, data)
        n_rows = write_lines(folder / "genes.gtf", transcripts(mine, sources, data))
        told = f"{name}: {len(mine)} regions, {n_rows} rows of transcripts"
        if any(set(STARTS) & set(source) for source in sources.values()):
            told += f", {write_lines(folder / 'epd.bed', starts(mine, sources, data))} starts"
        say(told)
        made[name] = folder
    return made


def check_files(pieces: list[Piece], sources: dict[str, Any], data: Path) -> None:
    """Raise InputError for a file that is not there, before anything is written."""
    wanted = [piece.fasta for piece in pieces]
    for source in sources.values():
        wanted += source.get("gtf", [])
        wanted += [source[key] for key in ("transcripts", *STARTS) if key in source]
    for name in wanted:
        if not (data / name).is_file():
            raise InputError(f"{data / name}: no such file; wanted the folder of the data: --data")


def write_genome(path: Path, pieces: list[Piece], data: Path) -> None:
    """Records named `assembly.chrom:start-end`: coordinates stay those of the chromosome."""
    with path.open("w") as handle:
        for piece in pieces:
            with Genome(data / piece.fasta) as genome:
                where = piece.region
                letters = decode(genome.fetch(where.chrom, where.start, where.end))
            handle.write(f">{piece.chrom}:{where.start + 1}-{where.end}\n")
            for at in range(0, len(letters), LINE_BP):
                handle.write(letters[at : at + LINE_BP] + "\n")


def write_lines(path: Path, lines: Iterator[str]) -> int:
    """Write lines and say how many."""
    n_lines = 0
    with path.open("w") as handle:
        for line in lines:
            handle.write(line + "\n")
            n_lines += 1
    return n_lines


def transcripts(pieces: list[Piece], assemblies: dict[str, Any], data: Path) -> Iterator[str]:
    """GTF rows of transcripts that touch a region, on the names of the written genome."""
    for assembly in dict.fromkeys(piece.assembly for piece in pieces):
        mine = [piece for piece in pieces if piece.assembly == assembly]
        source = assemblies[assembly]
        for name in source.get("gtf", []):
            for line in read_text(data / name):
                cells = line.split("\t")
                if line.startswith("#") or len(cells) < 9:
                    continue
                if touches(mine, cells[0], int(cells[3]) - 1, int(cells[4])):
                    yield "\t".join([f"{assembly}.{cells[0]}", *cells[1:]])
        if "transcripts" in source:
            yield from canonical(mine, assembly, data / source["transcripts"])


def canonical(pieces: list[Piece], assembly: str, path: Path) -> Iterator[str]:
    """Exon rows of the table of canonical transcripts (0-based, half-open, comma-separated)."""
    for row in csv.DictReader(read_text(path), delimiter="\t"):
        chrom = f"chr{row['CHROM']}"
        if not touches(pieces, chrom, int(row["TX_START"]), int(row["TX_END"])):
            continue
        name = row["#NAME"]
        attributes = (
            f'gene_id "{name}"; transcript_id "{name}.canonical"; gene_name "{name}"; '
            'gene_type "protein_coding";'
        )
        exons = zip(row["EXON_START"].split(","), row["EXON_END"].split(","), strict=True)
        for start, end in exons:
            if start:
                cells = (
                    f"{assembly}.{chrom}", "GENCODE_v24", "exon", str(int(start) + 1), end, ".",
                    row["STRAND"], ".", attributes,
                )  # fmt: skip
                yield "\t".join(cells)


def starts(pieces: list[Piece], assemblies: dict[str, Any], data: Path) -> Iterator[str]:
    """BED rows of measured starts inside the regions."""
    for piece in pieces:
        source = assemblies[piece.assembly]
        if "epd_bed" in source:
            rows = read_bed(data / source["epd_bed"])
        elif "epd_sga" in source:
            rows = read_sga(data / source["epd_sga"])
        else:
            continue
        for chrom, base, name, strand in rows:
            if chrom == piece.region.chrom and piece.region.start <= base < piece.region.end:
                yield f"{piece.chrom}\t{base}\t{base + 1}\t{name}\t0\t{strand}"


def read_bed(path: Path) -> Iterator[tuple[str, int, str, str]]:
    """Chromosome, 0-based base, name and strand."""
    for line in read_text(path):
        chrom, start, _, name, _, strand = line.split("\t")[:6]
        yield chrom, int(start), name, strand


def read_sga(path: Path) -> Iterator[tuple[str, int, str, str]]:
    """The same from SGA, which is 1-based and names chromosomes by RefSeq accession."""
    for line in read_text(path):
        accession, _, position, strand, _, name = line.split("\t")[:6]
        found = REFSEQ.fullmatch(accession)
        if found is None:
            raise InputError(f"{path}: chromosome {accession!r}; wanted a name like NC_000003.11")
        number = int(found[1])
        yield SEX_CHROMOSOMES.get(number, f"chr{number}"), int(position) - 1, name, strand


def touches(pieces: list[Piece], chrom: str, start: int, end: int) -> bool:
    """Whether [start, end) shares a base with a region."""
    return any(
        piece.region.chrom == chrom and start < piece.region.end and end > piece.region.start
        for piece in pieces
    )


def read_text(path: Path) -> Iterator[str]:
    """Lines of a gzip file, without their ends."""
    with gzip.open(path, "rt") as handle:
        for line in handle:
            yield line.rstrip("\n")


if __name__ == "__main__":
    run_program(main)
