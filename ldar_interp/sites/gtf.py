"""GTF rows in three dialects, read with a regular expression per attribute.

GENCODE writes `gene_type`, Ensembl `gene_biotype`, NCBI `gene_biotype` on gene rows only; NCBI
also writes `transcript_id ""` on gene rows, `gene` for the name and tags with a space
(`MANE Select`). Files of introns (`intron` features) are read beside files of exons. Attributes
may hold semicolons inside quotes; comments, blank lines and browser lines are skipped.
"""

import gzip
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import polars as pl

from ldar_interp.errors import InputError

logger = logging.getLogger("ldar_interp")

FEATURES = ("exon", "intron", "gene", "transcript")
_COLUMNS = (
    "chrom", "source", "feature", "start", "end", "score", "strand", "frame", "attributes",
)  # fmt: skip


@dataclass(frozen=True)
class GtfRows:
    """Exon, intron, gene and transcript rows of a file (and more if asked), under its own names.

    `rows` : columns `chrom, feature, start, end, strand, frame, gene_id, transcript_id, gene_name,
    gene_type, level, has_tag`; 0-based half-open, null where an attribute is absent or empty,
    `frame` the bases before the first whole codon (0, 1, 2; null where the file has `.`),
    `has_tag` true if the row carries one of the tags asked for.
    `counts` : `lines` (comments and blanks left out), `broken_lines`, `first_broken_line`
    (1-based line of the file, 0 if none).
    """

    path: Path
    rows: pl.DataFrame
    counts: dict[str, int]


def read_gtf(
    gtf: str | Path,
    *,
    tags: Sequence[str] | None = None,
    max_bad_lines: float = 0.01,
    features: Sequence[str] = FEATURES,
) -> GtfRows:
    """Read the rows that say where genes, transcripts, exons and introns are.

    A line is broken if it has fewer than nine columns, positions that are not 1 <= start <= end,
    or is an exon, intron, gene or transcript without a strand or `gene_id`.

    Parameters
    ----------
    gtf : GTF, plain or gzip.
    tags : values of the attribute `tag` to look for; a space reads as an underscore.
    max_bad_lines : share of lines that may be broken; they are left out, counted and logged.
    features : names in the third column that are read; `FEATURES` and more, such as `CDS`.

    Raises
    ------
    InputError : the file is missing, unreadable, GFF3, has neither exons nor introns, or has
        more broken lines than allowed.
    """
    path = Path(gtf)
    lines = _scan(path)
    is_wanted = pl.col("feature").is_in(features)
    start, end = (pl.col(name).cast(pl.Int64, strict=False) for name in ("start", "end"))
    is_broken = (
        pl.col("attributes").is_null()
        | ~((start >= 1) & (end >= start)).fill_null(False)
        | (is_wanted & ~pl.col("strand").is_in(["+", "-"]))
        | (is_wanted & pl.col("gene_id").is_null())
    )
    kept = (
        lines.with_columns(gene_id=_attribute("gene_id"))
        .with_columns(broken=is_broken)
        .filter(pl.col("broken") | is_wanted)
        .select(
            "line",
            "broken",
            pl.col("chrom"),
            pl.col("feature"),
            (start - 1).alias("start"),
            end.alias("end"),
            pl.col("strand"),
            pl.col("frame").cast(pl.Int64, strict=False),
            pl.col("gene_id"),
            transcript_id=_attribute("transcript_id"),
            gene_name=pl.coalesce(_attribute("gene_name"), _attribute("gene")),
            gene_type=pl.coalesce(_attribute("gene_type"), _attribute("gene_biotype")),
            level=_attribute("level").cast(pl.Int64, strict=False),
            has_tag=_has_tag(tags),
        )
    )
    total, frame = _collect(path, lines.select(pl.len()), kept)
    counts = _check_broken(path, int(total.item()), frame, max_bad_lines)
    rows = frame.filter(~pl.col("broken")).drop("line", "broken")
    if not rows["feature"].is_in(["exon", "intron"]).any():
        raise InputError(f"{path} has no exon and no intron rows; wanted a GTF with exons")
    return GtfRows(path, rows, counts)


def count_tags(gtf: str | Path) -> dict[str, int]:
    """Values of the attribute `tag` on the rows that filters read, most frequent first."""
    values = (
        _scan(Path(gtf))
        .filter(pl.col("feature").is_in(["transcript", "exon", "intron"]))
        .select(tag=pl.col("attributes").str.extract_all(r'(?:^|;)\s*tag\s+"[^"]*"'))
        .explode("tag")
        .select(pl.col("tag").str.extract(r'"([^"]*)"').str.replace_all(" ", "_"))
        .drop_nulls()
    )
    (frame,) = _collect(Path(gtf), values.group_by("tag").len())
    return dict(sorted(frame.iter_rows(), key=lambda item: (-item[1], item[0])))


def _scan(path: Path) -> pl.LazyFrame:
    """All lines but comments, blanks and browser lines, as text, with their number among
    the lines that are no comments."""
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "no such file"
        raise InputError(f"{path}: {what}; wanted a GTF, plain or gzip")
    is_text_line = ~pl.all_horizontal(pl.col(_COLUMNS).is_null())
    is_browser_line = pl.col("source").is_null() & pl.col("chrom").str.contains(
        r"^(track|browser)\s"
    ).fill_null(False)
    return (
        pl.scan_csv(
            path,
            separator="\t",
            has_header=False,
            comment_prefix="#",
            quote_char=None,
            # All columns are text: chromosome names such as 1 must not become numbers.
            schema=dict.fromkeys(_COLUMNS, pl.String),
            truncate_ragged_lines=True,
            missing_columns="insert",  # a first line with fewer columns is broken, not fatal
            encoding="utf8-lossy",
            row_index_name="line",
        )
        .filter(is_text_line & ~is_browser_line)
        .with_columns(pl.col("attributes").str.strip_chars_end())
    )


def _collect(path: Path, *frames: pl.LazyFrame) -> list[pl.DataFrame]:
    try:
        return pl.collect_all(frames)
    except pl.exceptions.NoDataError as error:
        raise InputError(f"{path} is empty; wanted a GTF with exons") from error
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path}: cannot be read as GTF ({reason}); fetch it again") from error


def _attribute(key: str) -> pl.Expr:
    """First value of an attribute, quoted or not; null if absent or empty."""
    value = (
        pl.col("attributes")
        .str.extract(rf'(?:^|;)\s*{key}\s+("[^"]*"|[^";\s]+)')
        .str.strip_chars('"')
    )
    return pl.when(value != "").then(value)


def _has_tag(tags: Sequence[str] | None) -> pl.Expr:
    if not tags:
        return pl.lit(False)
    names = "|".join(re.escape(tag).replace("_", "[ _]") for tag in tags)
    return pl.col("attributes").str.contains(rf'(?:^|;)\s*tag\s+"(?:{names})"').fill_null(False)


def _check_broken(path: Path, total: int, frame: pl.DataFrame, allowed: float) -> dict[str, int]:
    broken = frame.filter(pl.col("broken"))
    counts = {"lines": total, "broken_lines": broken.height, "first_broken_line": 0}
    if broken.is_empty():
        return counts
    number, text = _find_line(path, int(broken["line"].to_numpy().min()))
    counts["first_broken_line"] = number
    if re.search(r"\t(ID|Parent)=", text):
        raise InputError(
            f"{path} is GFF3; wanted GTF: convert it, for example `gffread -T -o out.gtf`"
        )
    shown = f"{broken.height} of {total} lines are broken, first line {number}: {text[:60]!r}"
    if broken.height > allowed * total:
        raise InputError(
            f"{path}: {shown}; wanted nine tab-separated columns, strand + or - and a gene_id"
        )
    logger.warning("%s: %s; left out", path, shown)
    return counts


def _find_line(path: Path, index: int) -> tuple[int, str]:
    """1-based number and text of the line with an index among lines that are no comments."""
    with _open_text(path) as handle:
        seen = -1
        for number, text in enumerate(handle, start=1):
            seen += not text.startswith("#")
            if seen == index:
                return number, text.rstrip("\r\n")
    raise AssertionError(f"{path} has no line with index {index}")


def _open_text(path: Path) -> TextIO:
    with path.open("rb") as handle:
        is_gzip = handle.read(2) == b"\x1f\x8b"
    if is_gzip:
        return gzip.open(path, "rt", encoding="utf-8", errors="replace")
    return path.open(encoding="utf-8", errors="replace")
