"""One class for every base of a genome, from its annotation.

A base can be in an exon of one gene, an intron of another and a repeat. The first class in this
order that claims it has it:

    CDS         coding bases, stop codons included
    UTR         other exonic bases of transcripts that have a CDS
    exon        exonic bases of transcripts without one (all, where the file has no CDS)
    promoter    the bases before a TSS
    repeat      intervals of a BED file
    intron      other bases between a gene's or transcript's ends
    intergenic  the rest
"""

import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from ldar_interp.errors import InputError
from ldar_interp.genome.fasta import Genome
from ldar_interp.genome.intervals import Interval
from ldar_interp.sites.genes import rename_chroms, to_pandas
from ldar_interp.sites.gtf import FEATURES, GtfRows, read_gtf
from ldar_interp.sites.transcripts import TRANSCRIPT

BASE_CLASSES = ("CDS", "UTR", "exon", "promoter", "repeat", "intron", "intergenic")
_CODE = {name: code for code, name in enumerate(BASE_CLASSES)}
_SPAN = ("chrom", "start", "end")


@dataclass(frozen=True, eq=False)
class BaseClasses:
    """Class of every base.

    `codes` : segment of the genome -> uint8 codes, positions in `BASE_CLASSES`.
    `n_bases` : class -> bases, N included.
    `absent` : class -> why no base has it.
    """

    codes: dict[Interval, NDArray[np.uint8]]
    n_bases: dict[str, int]
    absent: dict[str, str]

    def fetch(self, chrom: str, start: int, end: int) -> NDArray[np.uint8]:
        """Codes of the bases [start, end), which lie in one segment."""
        for segment, codes in self.codes.items():
            if segment.chrom == chrom and segment.start <= start and end <= segment.end:
                return codes[start - segment.start : end - segment.start]
        raise InputError(f"{chrom}:[{start}, {end}) is not in one segment of the genome")


def classify_bases(
    gtf: str | Path, genome: Genome, *, repeats: str | Path | None = None, promoter_bp: int = 500
) -> BaseClasses:
    """Give every base of the genome its class.

    Parameters
    ----------
    gtf : annotation; all its transcripts are used, because a gene that was filtered out would
        become intergenic.
    repeats : BED file, plain or gzip; its first three columns are read. None for no repeats.
    promoter_bp : bases before each TSS, on its strand.

    Raises
    ------
    InputError : a file cannot be read, or promoter_bp < 1.
    CoordinateError : the genome has none of the chromosomes of a file.
    """
    if promoter_bp < 1:
        raise InputError(f"promoter of {promoter_bp} bp; wanted at least 1")
    rows = read_gtf(gtf, features=(*FEATURES, "CDS", "stop_codon"))
    spans = _list_spans(rows, promoter_bp)
    names = genome.resolve_names(rows.rows["chrom"].unique().to_list())
    tables = {name: rename_chroms(table, names) for name, table in spans.items()}
    if repeats is not None:
        bed = read_bed_spans(repeats)
        tables["repeat"] = rename_chroms(bed, genome.resolve_names(set(bed["chrom"])))
    codes = {}
    for segment in genome.segments:
        painted = np.full(len(segment), _CODE["intergenic"], dtype=np.uint8)
        for name in reversed(BASE_CLASSES):
            if name in tables:
                _paint(painted, tables[name], segment, _CODE[name])
        codes[segment] = painted
    n_bases = {
        name: sum(int((painted == code).sum()) for painted in codes.values())
        for name, code in _CODE.items()
    }
    absent = {name: "no base of the genome is left for it" for name, n in n_bases.items() if not n}
    if "CDS" not in tables:
        absent |= dict.fromkeys(("CDS", "UTR"), "the annotation has no CDS rows")
    if repeats is None:
        absent["repeat"] = "no BED file of repeats was given"
    return BaseClasses(codes, n_bases, absent)


def read_bed_spans(path: str | Path) -> pd.DataFrame:
    """`chrom, start, end` of a BED file, plain or gzip; comments and browser lines are skipped.

    Raises
    ------
    InputError : the file cannot be read, has no interval, or a line is not chrom, start < end.
    """
    source = Path(path)
    rows = []
    try:
        with gzip.open(source, "rt") if source.suffix == ".gz" else source.open() as handle:
            for number, line in enumerate(handle, start=1):
                parts = line.split()
                if not parts or parts[0].startswith("#") or parts[0] in ("track", "browser"):
                    continue
                good = len(parts) > 2 and parts[1].isdecimal() and parts[2].isdecimal()
                if not good or int(parts[1]) >= int(parts[2]):
                    raise InputError(
                        f"{path}, line {number}: {line.rstrip()[:60]!r}; wanted chrom, start and "
                        "end with start < end"
                    )
                rows.append((parts[0], int(parts[1]), int(parts[2])))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as BED ({error}); check the path") from error
    if not rows:
        raise InputError(f"{path} has no interval; wanted a BED file of repeats")
    return pd.DataFrame(rows, columns=list(_SPAN)).astype({"chrom": "str"})


def _list_spans(rows: GtfRows, promoter_bp: int) -> dict[str, pd.DataFrame]:
    """Intervals of each class that the annotation claims, under its own names, overlapping."""
    table = rows.rows.with_columns(pl.col("transcript_id").fill_null(""))
    exons = table.filter(pl.col("feature") == "exon")
    coding = table.filter(pl.col("feature") == "CDS")
    transcripts = (
        table.filter(pl.col("feature").is_in(["exon", "intron", "transcript"]))
        .group_by(TRANSCRIPT)
        .agg(
            pl.col("start").min(), pl.col("end").max(), pl.col("feature").n_unique().alias("kinds")
        )
    )
    known = table.filter(pl.col("feature").is_in(["exon", "transcript"]))
    tss = transcripts.join(known.select(TRANSCRIPT).unique(), on=TRANSCRIPT, how="semi")
    is_plus = pl.col("strand") == "+"
    start, end = pl.col("start"), pl.col("end")
    promoters = tss.select(
        "chrom",
        start=pl.when(is_plus).then(start - promoter_bp).otherwise(end),
        end=pl.when(is_plus).then(start).otherwise(end + promoter_bp),
    )
    genes = table.filter(pl.col("feature") == "gene")
    bodies = pl.concat([genes.select(_SPAN), transcripts.select(_SPAN)])
    found = {"exon": exons, "promoter": promoters, "intron": bodies}
    if not coding.is_empty():
        found["UTR"] = exons.join(coding.select(TRANSCRIPT).unique(), on=TRANSCRIPT, how="semi")
        found["CDS"] = table.filter(pl.col("feature").is_in(["CDS", "stop_codon"]))
    return {
        name: to_pandas(part.select(_SPAN).unique().sort(_SPAN)) for name, part in found.items()
    }


def _paint(codes: NDArray[np.uint8], spans: pd.DataFrame, segment: Interval, code: int) -> None:
    """Set the bases of a segment that any of the intervals covers."""
    mine = spans[(spans["chrom"] == segment.chrom).to_numpy()]
    for start, end in zip(mine["start"].tolist(), mine["end"].tolist(), strict=True):
        low, high = max(start, segment.start), min(end, segment.end)
        if low < high:
            codes[low - segment.start : high - segment.start] = code
