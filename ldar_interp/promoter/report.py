"""What a promoter-profile run tells the person at the terminal: kept, dropped, found."""

from collections.abc import Sequence

import pandas as pd

from ldar_interp.command_line import say
from ldar_interp.sites.promoter_motifs import PromoterMotifs
from ldar_interp.sites.promoters import Promoters
from ldar_interp.sites.scan import SCANNED

PROGRAM = "promoter_profile"
MOST_NAMES = 40
_DROPPED = (
    "transcripts_without_start", "transcripts_on_absent_chroms", "transcripts_filtered_out",
    "transcripts_off_genome", "starts_shared_by_genes", "on_absent_chroms", "off_genome",
    "duplicates",
)  # fmt: skip


def tell_promoters(promoters: Promoters) -> None:
    """Transcription starts read, dropped and kept."""
    dropped = ", ".join(
        f"{name.replace('_', ' ')} {promoters.counts[name]}"
        for name in _DROPPED
        if promoters.counts.get(name)
    )
    say(
        f"{PROGRAM}: {len(promoters.tss)} transcription starts in "
        f"{promoters.tss['group'].nunique()} loci{f' ({dropped})' if dropped else ''}"
    )


def tell_motifs(found: PromoterMotifs, sites: pd.DataFrame) -> None:
    """Motifs scanned, those left out before the scan by name, and hits."""
    table = found.motifs
    for status, rows in table[table["status"] != SCANNED].groupby("status", sort=True):
        say(f"{PROGRAM}: {status}: {name_motifs(rows['kind'].tolist())}")
    scanned = table[table["status"] == SCANNED]
    empty = scanned[scanned["n_hits"] == 0]["kind"].tolist()
    say(
        f"{PROGRAM}: {len(found.hits)} hits of {len(scanned)} motifs in {len(found.windows)} "
        f"promoters, {len(sites)} used"
        + (f"; without any hit: {name_motifs(empty)}" if empty else "")
    )


def name_motifs(names: Sequence[str]) -> str:
    """All names, or of very many the first; motifs.tsv has every one."""
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more (motifs.tsv)" if more > 0 else "")
