"""Are splice sites and promoter motifs kept whole? Router, BPE, grids and chance: figure, outcome.

Example: python -m analyses.tokenizer_integrity.run --force

The embedded checkpoint and region, or others by --ckpt, --fasta and --gtf.
"""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analyses.region_program import make_main
from analyses.tokenizer_integrity.summarise import KIND_NAMES, describe
from ldar_interp.command_line import run_program, say
from ldar_interp.plots.integrity import integrity_figure
from ldar_interp.plots.save import reduce_colours, save_figure
from ldar_interp.program.tables import write_table
from ldar_interp.tokens.settings import IntegritySettings

NAME = "tokenizer_integrity"
FOLDER = Path(__file__).resolve().parent


def measure(settings: IntegritySettings, workers: int, folder: Path) -> Mapping[str, Any]:
    """Figure and integrity.tsv; motif hits are found first, unless --elements are given."""
    from ldar_interp.provenance import describe_input
    from ldar_interp.sites.motif_lists import DECLARED_LIST
    from ldar_interp.tokens.integrity_files import describe_run
    from ldar_interp.tokens.integrity_run import run_integrity

    with tempfile.TemporaryDirectory() as scratch:
        scanned: dict[str, Any] = {}
        if settings.elements is None:
            hits, scanned = find_hits(settings)
            if len(hits):
                path = Path(scratch) / "motif_hits.tsv"
                write_table(path, hits)
                settings = settings.model_copy(update={"elements": path})
        run = run_integrity(settings, workers=workers)
        content = describe_run(run, settings)
    write_table(folder / "data.tsv", run.table)
    there = set(run.table["kind"])
    figure = integrity_figure(
        run.table, kinds=[kind for kind in KIND_NAMES if kind in there], labels=KIND_NAMES
    )
    save_figure(figure, folder / NAME, formats=("pdf", "png"))
    reduce_colours(folder / f"{NAME}.png")
    inputs = content["inputs"] | {"motifs": describe_input(DECLARED_LIST)}
    return content | {"inputs": inputs, "motif_scan": scanned}


def find_hits(settings: IntegritySettings) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Hits of the declared motifs in promoters, as in promoter_profile, and what was scanned."""
    from ldar_interp.genome.fasta import Genome
    from ldar_interp.sites.motif_lists import load_motifs
    from ldar_interp.sites.promoter_motifs import find_promoter_motifs
    from ldar_interp.sites.promoters import load_promoters

    with Genome(settings.genome_path) as genome:
        promoters = load_promoters(settings.annotation_path, genome)
        found = find_promoter_motifs(genome, promoters.tss, load_motifs("declared"))
    say(f"{NAME}: {len(found.hits)} motif hits in {len(found.windows)} promoters")
    return found.hits, {**found.counts, "motifs": len(found.scanned)}


main = make_main(
    FOLDER,
    "Are splice sites and promoter motifs kept whole by learned tokens?",
    IntegritySettings,
    measure,
    describe,
)

if __name__ == "__main__":
    run_program(main)
