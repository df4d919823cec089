"""Codons in frame, from the CDS rows of a GTF.

The eighth column of a CDS row says how many bases at its 5' end belong to a codon that began
before it. On + codons are counted from `start + frame`, on - from `end - frame` downwards:

    +   CDS [100, 109) frame 1      |.|c c c|c c c|. .|      the last two bases go on in the next
        codons [101, 104) [104, 107)                         CDS row: a codon split by an intron
    -   CDS [100, 109) frame 1      |. .|c c c|c c c|.|      read from right to left
        codons [105, 108) [102, 105)

A codon that an intron splits has no three neighbouring bases, so nothing can be asked about its
inside; it is left out and counted. The frames of a transcript must follow from each other:
frame of the next row = (frame - length) mod 3.
"""

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
from numpy.typing import NDArray

from ldar_interp.sites.genes import to_pandas
from ldar_interp.sites.gtf import GtfRows
from ldar_interp.sites.transcripts import TRANSCRIPT

CODON_BP = 3
CODON_COLUMNS = ("chrom", "edge", "strand", "gene_id")


def find_codons(gtf: GtfRows, transcripts: pl.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Whole codons in frame, each once, under the GTF's chromosome names.

    Parameters
    ----------
    gtf : read with `CDS` among its features.
    transcripts : those to use, with the columns of `TRANSCRIPT`.

    Returns
    -------
    (codons, counts). Codons: `chrom, edge, strand, gene_id`, unique in the first three, sorted;
    `edge` is the 5' edge on the codon's strand; a codon of several genes bears the smallest id.
    Where two transcripts read the same bases in different frames, both frames are there.
    Counts: `coding_transcripts`, `transcripts_without_frame` (a CDS row with `.`) and
    `transcripts_out_of_frame` (rows that overlap, or frames that do not follow), both left out;
    of the rest `codons_read` (over all transcripts), `codons_split` (by an intron),
    `codons_incomplete` (at the ends of a transcript) and `codons` (unique).
    """
    rows = gtf.rows.filter(pl.col("feature") == "CDS").with_columns(
        pl.col("transcript_id").fill_null("")
    )
    pieces = (
        rows.select(*TRANSCRIPT, "start", "end", "frame")
        .unique()
        .join(transcripts.select(TRANSCRIPT), on=TRANSCRIPT, how="semi")
        .with_columns(
            first=pl.when(pl.col("strand") == "+").then(pl.col("start")).otherwise(-pl.col("end"))
        )
        .sort([*TRANSCRIPT, "first", "end"])
    )
    ids = pieces.select(TRANSCRIPT).unique(maintain_order=True).with_row_index("key")
    table = pieces.join(ids, on=TRANSCRIPT, how="left", maintain_order="left")
    # Null counts as wrong: `all` alone would pass over it.
    is_frame = pl.col("frame").is_in([0, 1, 2]).fill_null(False)
    has_frame = table.group_by("key").agg(ok=is_frame.all())
    key = table["key"].to_numpy().astype(np.int64)
    known = np.zeros(len(ids), dtype=bool)
    framed = has_frame.filter("ok")["key"].to_numpy()
    known[framed.astype(np.int64)] = True
    start, end = table["start"].to_numpy(), table["end"].to_numpy()
    frame = table["frame"].fill_null(0).to_numpy()
    is_plus = (table["strand"] == "+").to_numpy()
    follows = _frames_follow(key, start, end, frame, is_plus, len(ids))
    counts = {
        "coding_transcripts": len(ids),
        "transcripts_without_frame": int((~known).sum()),
        "transcripts_out_of_frame": int((known & ~follows).sum()),
    }
    kept = (known & follows)[key]
    key, start, end, frame, is_plus = (a[kept] for a in (key, start, end, frame, is_plus))
    n_codons = np.maximum(0, (end - start - frame) // CODON_BP)
    counts |= _count_split(key, end - start, frame, n_codons)
    row = np.repeat(np.arange(len(key)), n_codons)
    number = np.arange(len(row)) - np.repeat(np.cumsum(n_codons) - n_codons, n_codons)
    edge = np.where(
        is_plus[row],
        start[row] + frame[row] + CODON_BP * number,
        end[row] - frame[row] - CODON_BP * number,
    )
    names = to_pandas(table.filter(pl.Series(kept)).select("chrom", "strand", "gene_id"))
    codons = names.iloc[row].assign(edge=edge.astype(np.int64))
    codons = codons.sort_values(list(CODON_COLUMNS), kind="stable")
    codons = codons.drop_duplicates(["chrom", "edge", "strand"])[list(CODON_COLUMNS)]
    return codons.reset_index(drop=True), counts | {"codons": len(codons)}


def _frames_follow(
    key: NDArray[np.int64],
    start: NDArray[np.int64],
    end: NDArray[np.int64],
    frame: NDArray[np.int64],
    is_plus: NDArray[np.bool_],
    n_transcripts: int,
) -> NDArray[np.bool_]:
    """Whether the rows of each transcript, 5' to 3', are disjoint and continue one frame."""
    same = key[1:] == key[:-1]
    overlap = np.where(is_plus[1:], start[1:] < end[:-1], end[1:] > start[:-1])
    wanted = (frame[:-1] - (end - start)[:-1]) % CODON_BP
    bad = same & (overlap | (frame[1:] != wanted))
    follows = np.ones(n_transcripts, dtype=bool)
    follows[key[1:][bad]] = False
    return follows


def _count_split(
    key: NDArray[np.int64], size: NDArray[Any], frame: NDArray[Any], whole: NDArray[Any]
) -> dict[str, int]:
    """Codons of all transcripts: those inside one row, over several, and those cut at an end."""
    if not len(key):
        return {"codons_read": 0, "codons_split": 0, "codons_incomplete": 0}
    opens = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
    bases = np.add.reduceat(size, opens) - frame[opens]
    n_whole = np.add.reduceat(whole, opens)
    split = np.maximum(0, bases) // CODON_BP - n_whole
    incomplete = (np.maximum(0, bases) % CODON_BP > 0).sum() + (frame[opens] > 0).sum()
    return {
        "codons_read": int(n_whole.sum()),
        "codons_split": int(split.sum()),
        "codons_incomplete": int(incomplete),
    }
